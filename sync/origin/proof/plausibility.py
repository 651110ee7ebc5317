"""Pure: whether a play can be what happened on a screen, and why not, in words that a buyer of ads understands.

A play that cannot is kept, for it is evidence too, but set aside: it is in no sum, and the audit names it.
"""

from bisect import bisect
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sync.origin.planning.release_contents import KnownRelease, ReleaseContent, ShownAssets
from sync.runtime.clock import unix_ms
from sync.wire.device_reports import Outcome, Play

TOLERANCE_MS = 1_000  # a cut takes a moment at either end, and a slow machine is late
DAY_MS = 24 * 3_600_000
CLOCK_MS = DAY_MS  # a device's clock may be wrong by so much
WEEK_DAYS = 7
MOST_MS = (WEEK_DAYS + 1) * DAY_MS + CLOCK_MS
"""For how long the plays of a day and of the week before it can have been on: so long, and a clock that was wrong."""

Span = tuple[int, int]
"""Time on a screen, from and to, in Unix milliseconds."""


@dataclass(frozen=True, slots=True)
class ScreenFacts:
    """What the origin knows of the screen that sent plays. `taken` is the time of its plays that count.

    `channels` is every channel it was in, None if unknown. `shown` is what releases of these ever showed of the assets
    of its plays, None if its channel has no release. `spare_ms` is for each day (`day_of`) how much of `MOST_MS` its
    plays have not used, for plays whose clock was set back.
    """

    paired_ms: int
    channels: Collection[str] | None
    shown: ShownAssets | None
    taken: Sequence[Span]
    spare_ms: Mapping[int, int]


def day_of(play: Play) -> int:
    """Return the day on which a play started, in days since 1970, in UTC."""
    return unix_ms(play.started_at) // DAY_MS


def time_before(day: int) -> Span:
    """Return the time of a day and of the week before it."""
    return (day - WEEK_DAYS) * DAY_MS, (day + 1) * DAY_MS


def why_set_aside(
    plays: Sequence[Play], screen: ScreenFacts, releases: Mapping[str, KnownRelease], now_ms: int
) -> list[str | None]:
    """Return for each play why it cannot be counted, None if it can; a play that counts takes its time."""
    taken, spare_ms, reasons = sorted(screen.taken), dict(screen.spare_ms), list[str | None]()
    for play in plays:
        span = unix_ms(play.started_at), unix_ms(play.ended_at)
        reason = next(_faults(play, span, screen, releases.get(play.release), now_ms), None)
        place = bisect(taken, span)
        if reason is None and any(_overlaps(span, other) for other in taken[max(0, place - 2) : place + 2]):
            reason = "another play of this screen has the same time"
        if reason is None and play.clock_back_ms and play.rendered_ms > spare_ms[day_of(play)]:
            reason = "the plays of its screen add up to more than the time there was"
        if reason is None:
            taken.insert(place, span)
            if play.clock_back_ms:
                spare_ms[day_of(play)] -= play.rendered_ms
        reasons.append(reason)
    return reasons


def _overlaps(one: Span, other: Span) -> bool:
    """Tell whether two spans have more in common than two cuts explain: so of many, only neighbours can overlap."""
    common_ms = min(one[1], other[1]) - max(one[0], other[0])
    shorter_ms = min(one[1] - one[0], other[1] - other[0])
    inside = not shorter_ms and (other[0] < one[0] < other[1] or one[0] < other[0] < one[1])
    return inside or common_ms > min(TOLERANCE_MS, shorter_ms // 2)


def _faults(play: Play, span: Span, screen: ScreenFacts, release: KnownRelease | None, now_ms: int) -> Iterator[str]:
    started_ms, ended_ms = span
    if ended_ms < started_ms:
        yield "it ended before it started"
    if max(span) > now_ms + CLOCK_MS:
        yield "its time had not come yet when it was sent"
    if started_ms < screen.paired_ms - CLOCK_MS:
        yield "it is older than the pairing of its screen"
    yield from _longer(play, ended_ms - started_ms + (play.clock_back_ms or 0), "its clock allows")
    if play.expected_ms is not None:
        yield from _longer(play, play.expected_ms, "its item lasts")
        if play.outcome is Outcome.COMPLETE and play.rendered_ms < play.expected_ms - TOLERANCE_MS:
            yield f"it says complete, but was on for {_seconds(play.rendered_ms)} of {_seconds(play.expected_ms)}"
    yield from _foreign(play, started_ms, screen, release)


def _longer(play: Play, allowed_ms: int, whose: str) -> Iterator[str]:
    if play.rendered_ms > allowed_ms + TOLERANCE_MS:
        yield f"it says {_seconds(play.rendered_ms)} on the screen, but {whose} {_seconds(allowed_ms)}"


def _foreign(play: Play, started_ms: int, screen: ScreenFacts, release: KnownRelease | None) -> Iterator[str]:
    """Yield what does not fit to the release that it names, or to all of its channels if that is not known here.

    A restored database may have lost the release.
    """
    if release is None:
        if screen.shown is not None:
            nobody = f"release {play.release[:16]} is unknown, and none of its channels"
            yield from _not_shown(play, screen.shown, nobody)
        return
    if screen.channels is not None and release.channel not in screen.channels:
        yield f"its release is of channel {release.channel}, in which its screen never was"
    if started_ms < release.created_ms - CLOCK_MS:
        yield "it is older than the release that it names"
    if release.contents is not None:
        yield from _not_shown(play, release.contents, f"no release of channel {release.channel}")


def _not_shown(play: Play, contents: ShownAssets, nobody: str) -> Iterator[str]:
    shown = [content for content in contents.get(play.asset, ()) if _names(content, play)]
    if not shown:
        what = f"line {play.line}" if play.line else f"item {play.item}" if play.item else "something"
        yield f"{nobody} shows asset {play.asset[:16]} as {what}"
    elif all(content.longest_ms for content in shown):
        yield from _longer(play, max(content.longest_ms for content in shown), "its release allows")


def _names(content: ReleaseContent, play: Play) -> bool:
    pairs = (
        (play.item, content.item),
        (play.campaign, content.campaign),
        (play.line, content.line),
        (play.creative, content.creative),
    )
    return all(said in (None, named) for said, named in pairs)


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} s"
