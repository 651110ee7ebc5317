"""What the stage reports: its present state (`StageFacts`), and what it counted since its start (`StageCounters`)."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from player.stage.deck_state import DeckState

_LATE_S = (0.005, 0.01, 0.017, 0.034, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)  # a frame of a 60 Hz display takes 0.0167
_SEEN_S = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)  # checked five times a second
_PREROLL_S = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class StageFacts:
    """The stage for health and `/v1/now`; pids are None while a deck is being replaced."""

    libvlc: str
    pids: tuple[int | None, int | None]
    restarts: int
    cuts: int
    on_air: str | None
    prerolled: str | None
    media_ms: int | None
    frames_lost: int | None
    last_cut_ms: float | None  # from the instant it was due to the raised window
    last_preroll_ms: int | None
    renewals: int = 0  # decks replaced because they were worn, or the display changed; `restarts` are losses
    still_ms: int | None = None  # of the take on air, a video: its picture stood that should have changed
    black_ms: int | None = None  # of the take on air
    picture_faults: int = 0  # how often, within the last hour, the picture on air stood still or was black
    steps: dict[str, int] = field(default_factory=dict)  # what these led to: see `Escalation.step_counts`
    recovered: str = ""  # the restart or reboot of the last day, and why
    update_fault: str = ""  # why the updated program does not start
    deck: str | None = None  # the one on air, `a` or `b`
    fps: float | None = None  # these five of a video on air: see `PlaybackFacts`
    painted_fps: float | None = None
    codec: str | None = None
    hardware: bool | None = None
    sound: str | None = None  # the output that is used; None: there is no sound
    stream_bytes: int = 0  # received of streams over HTTP since start
    states: tuple[DeckState, DeckState] = (DeckState.GONE, DeckState.GONE)  # of deck `a` and deck `b`
    failed_starts: int = 0  # in a row, of the deck that failed more often


class Histogram:
    """How many values in seconds were at most each of `bounds`, and the sum of all."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self.sum_s += seconds

    def buckets(self) -> list[tuple[float, int]]:
        """Return each bound with how many values were at most that; the last bound is infinite."""
        return list(zip((*self._bounds, float("inf")), accumulate(self._counts), strict=True))


class StageCounters:
    """The counts of one stage."""

    def __init__(self) -> None:
        self.cuts = 0
        self.frames_lost = 0
        self.late = Histogram(_LATE_S)  # from the instant a cut was due to the raised window
        self.black = Histogram(_SEEN_S)  # of each take
        self.still = Histogram(_SEEN_S)  # of each take, a video: its picture stood that should have changed
        self.preroll = Histogram(_PREROLL_S)

    def count_preroll(self, took_ms: int) -> None:
        """Count a shot that was loaded."""
        self.preroll.add(took_ms / 1000)

    def count_cut(self, late_s: float) -> None:
        """Count a cut; one ahead of its time is not late."""
        self.cuts += 1
        self.late.add(max(0.0, late_s))

    def count_take(self, *, black_ms: int | None, still_ms: int | None, frames_lost: int | None) -> None:
        """Count what was seen of a take that is over; None: it was too short to be checked."""
        self.black.add((black_ms or 0) / 1000)
        self.still.add((still_ms or 0) / 1000)
        self.frames_lost += frames_lost or 0
