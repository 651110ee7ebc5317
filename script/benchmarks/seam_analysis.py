"""What the looks at the screen mean: pure functions from runs of sights to cuts.

A run is a time the screen did not change. An instant of change lies between two looks; half the interval between them
is its error. A cut is the time from the end of one item's last frame to the next item's first frame; black, the bare
desktop and wrong pictures in it are told apart from a last frame that stands.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_LASTS_S = 0.15  # a foreign picture that stays this long is an item come early, not a flash
_LOOK_AHEAD = 4
_HOLE_SHARE = 0.6  # of a frame's time: nobody looked, so nobody can say the frame was missing


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the playlist as it should be seen."""

    clip: int
    frames: int
    frame_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Run:
    """First and last look at one unchanging sight: `frame`, `torn`, `black`, `bare` or `other`."""

    first_s: float
    last_s: float
    what: str
    clip: int = -1
    frame: int = -1


@dataclass(frozen=True, slots=True)
class Stay:
    """One frame on the screen, and how long nobody looked as it came and went."""

    frame: int
    from_s: float
    hole_before_s: float
    hole_after_s: float


@dataclass(slots=True)
class Showing:
    """One item as it was seen. `dark_s` and `wrong_s`: from its first frame to the next item's."""

    at: int
    stays: list[Stay] = field(default_factory=list)
    dark_s: float = 0.0
    wrong_s: float = 0.0
    tail_s: float = 0.0  # of both, what came after its last frame
    strangers: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cut:
    """The switch from the item `at` to the next one, in seconds; `extra_s` below zero came early."""

    at: int
    black_s: float
    wrong_s: float
    extra_s: float
    frozen_s: float
    start_s: float  # how much longer than a frame the first frame stood
    strangers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of one item: how many it has, which were never seen, and of how many nobody can say."""

    at: int
    frames: int
    lost: tuple[int, ...]
    unjudged: int


def follow(items: Sequence[Item], runs: Sequence[Run]) -> list[Showing]:
    """Walk the playlist along what was seen; an item never seen has no showing."""
    showings: list[Showing] = []
    for number, run in enumerate(runs):
        from_s, to_s = _edge(runs, number), _edge(runs, number + 1)
        at = _item(items, showings, runs, number) if run.what == "frame" else None
        if at is not None:
            if not showings or showings[-1].at != at:
                showings.append(Showing(at))
            showing = showings[-1]
            if not showing.stays or showing.stays[-1].frame != run.frame:
                showing.stays.append(Stay(run.frame, from_s, _hole(runs, number), _hole(runs, number + 1)))
                showing.tail_s = 0.0
        elif showings:
            _stain(showings[-1], run, to_s - from_s)
    return showings


def cuts(items: Sequence[Item], showings: Sequence[Showing]) -> list[Cut]:
    """Return the cuts between items that follow each other."""
    return [_cut(items[left.at], left, come, items[come.at]) for left, come in _pairs(showings)]


def frames(items: Sequence[Item], showings: Sequence[Showing]) -> list[Frames]:
    """Return what was seen of the frames of each moving item that was shown whole (not the last, which may go on)."""
    return [_frames(items[showing.at], showing) for showing in showings if items[showing.at].frames > 1]


def drift_s(items: Sequence[Item], showings: Sequence[Showing]) -> float:
    """Return how much later the last item began than planned from the first, items never seen left out."""
    planned = sum(items[showing.at].duration_s for showing in showings[:-1])
    return showings[-1].stays[0].from_s - showings[0].stays[0].from_s - planned


def standing_s(showings: Sequence[Showing]) -> Iterator[tuple[int, float]]:
    """Yield item and time on the screen, first frame to the next item's first frame."""
    return ((left.at, come.stays[0].from_s - left.stays[0].from_s) for left, come in _pairs(showings))


def _pairs(showings: Sequence[Showing]) -> Iterator[tuple[Showing, Showing]]:
    return ((left, come) for left, come in pairwise(showings) if come.at == left.at + 1)


def _edge(runs: Sequence[Run], number: int) -> float:
    """Return when a run began: between its first look and the last one before."""
    if number == 0:
        return runs[0].first_s
    if number == len(runs):
        return runs[-1].last_s
    return (runs[number - 1].last_s + runs[number].first_s) / 2


def _hole(runs: Sequence[Run], number: int) -> float:
    return runs[number].first_s - runs[number - 1].last_s if 0 < number < len(runs) else 0.0


def _item(items: Sequence[Item], showings: Sequence[Showing], runs: Sequence[Run], number: int) -> int | None:
    """Say which item a frame belongs to: this one, the next, or a later one that stays; None for a stranger."""
    run = runs[number]
    at = showings[-1].at if showings else -1
    last = showings[-1].stays[-1].frame if showings else -1
    if at >= 0 and items[at].clip == run.clip and run.frame >= last:
        return at
    if (
        at + 1 < len(items)
        and items[at + 1].clip == run.clip
        and (at < 0 or items[at].clip != run.clip or _restarts(items[at], last, run))
    ):
        return at + 1
    soon = range(at + 2, min(at + 2 + _LOOK_AHEAD, len(items)))
    if _stays_s(runs, number) >= _LASTS_S:
        return next((later for later in soon if items[later].clip == run.clip), None)
    return None


def _restarts(item: Item, last: int, run: Run) -> bool:
    return last >= item.frames // 2 > run.frame


def _stays_s(runs: Sequence[Run], number: int) -> float:
    end = number
    while end < len(runs) and runs[end].what == "frame" and runs[end].clip == runs[number].clip:
        end += 1
    return _edge(runs, end) - _edge(runs, number)


def _stain(showing: Showing, run: Run, seconds: float) -> None:
    if run.what in ("black", "bare"):
        showing.dark_s += seconds
    else:
        showing.wrong_s += seconds
    showing.tail_s += seconds
    showing.strangers.append(f"{run.what} {run.clip}/{run.frame} {seconds * 1000:.1f} ms")


def _cut(item: Item, left: Showing, come: Showing, coming: Item) -> Cut:
    first_s = come.stays[0].from_s
    over_s = left.stays[-1].from_s + item.frame_s if item.frames > 1 else left.stays[0].from_s + item.duration_s
    extra_s = first_s - over_s
    return Cut(
        at=left.at, black_s=left.dark_s, wrong_s=left.wrong_s, extra_s=extra_s,
        frozen_s=max(0.0, extra_s - left.tail_s), start_s=_start_s(come, coming), strangers=tuple(left.strangers),
    )  # fmt: skip


def _start_s(come: Showing, coming: Item) -> float:
    if len(come.stays) < 2:
        return 0.0
    first, second = come.stays[:2]
    return max(0.0, second.from_s - first.from_s - (second.frame - first.frame) * coming.frame_s)


def _frames(item: Item, showing: Showing) -> Frames:
    """Leave out of judgement what went missing while nobody looked."""
    lost: list[int] = []
    unjudged = 0
    nothing = Stay(-1, 0.0, 0.0, showing.stays[0].hole_before_s)
    end = Stay(item.frames, 0.0, showing.stays[-1].hole_after_s, 0.0)
    known = [nothing, *showing.stays, end]
    for sooner, later in pairwise(known):
        missing = range(sooner.frame + 1, later.frame)
        if max(sooner.hole_after_s, later.hole_before_s) > _HOLE_SHARE * item.frame_s:
            unjudged += len(missing)
        else:
            lost += missing
    return Frames(showing.at, item.frames, tuple(lost), unjudged)
