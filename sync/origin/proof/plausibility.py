"""Pure: whether a play can be what happened on a screen, and why not, in words that a buyer of ads understands.

A play that cannot is kept, for it is evidence too, but set aside: it is in no sum, and the audit names it. One that
does not fit to what this origin knows is unconfirmed only, for a clock may be wrong, or a database may have been
restored: a person who knows better may have it count.
"""

from bisect import bisect
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sync.origin.planning.release_contents import KnownRelease, ReleaseContent, ShownAssets
from sync.origin.sent_plays.sent_play import AnyPlay, Span, span_of
from sync.runtime.clock import ClockTrust
from sync.wire.device_reports import Outcome
from sync.wire.release import MOST_NUMBER

TOLERANCE_MS = 1_000  # a cut takes a moment at either end, and a slow machine is late
DAY_MS = 24 * 3_600_000
CLOCK_MS = DAY_MS  # a device's clock may be wrong by so much
UNSET_CLOCK_MS = 31 * DAY_MS  # the clock of an origin that no time service has set, against one that was set
UNCONFIRMED = "unconfirmed: "
"""How a reason begins that a person may overrule."""
MOST_FRAMES_S = 1_000  # pictures a second; no display shows nearly so many
OVERLAPS = "another play of this screen has the same time"
WEEK_DAYS = 7
MOST_MS = (WEEK_DAYS + 1) * DAY_MS + CLOCK_MS
"""For how long the plays of a day and of the week before it can have been on: so long, and a clock that was wrong."""


@dataclass(frozen=True, slots=True)
class ScreenFacts:
    """What the origin knows of the screen that sent plays. `taken` is the time of its plays that count.

    `channels` is every channel it was in, None if unknown. `shown` is what releases of these ever showed of the assets
    of its plays, None if its channel has no release. `spare_ms` is for each day (`day_of`) how much of `MOST_MS` its
    plays have not used, for plays whose clock was set back. `since_boot` is for a start of its machine the time of
    plays that count, by the clock that nobody sets.
    """

    paired_ms: int
    channels: Collection[str] | None
    shown: ShownAssets | None
    taken: Sequence[Span]
    spare_ms: Mapping[int, int]
    since_boot: Mapping[str, Sequence[Span]] = field(default_factory=dict)


def day_of(play: AnyPlay) -> int:
    """Return the day on which a play started, in days since 1970, in UTC."""
    return span_of(play)[0] // DAY_MS


def time_before(day: int) -> Span:
    """Return the time of a day and of the week before it."""
    return (day - WEEK_DAYS) * DAY_MS, (day + 1) * DAY_MS


@dataclass(frozen=True, slots=True)
class OriginTime:
    """The origin's clock, and whether a time service has set it."""

    now_ms: int
    trust: ClockTrust = ClockTrust.SYNCED


def why_set_aside(
    plays: Sequence[AnyPlay],
    screen: ScreenFacts,
    releases: Mapping[str, KnownRelease],
    time: OriginTime,
    *,
    confirmed: bool = False,
) -> list[str | None]:
    """Return for each play why it cannot be counted, None if it can; a play that counts takes its time.

    `confirmed`: a person says that they were shown, so only contradictions are looked for.
    """
    since_boot = {boot: sorted(spans) for boot, spans in screen.since_boot.items()}
    taken, reasons = _TakenTime(sorted(screen.taken), dict(screen.spare_ms), since_boot), list[str | None]()
    for play in plays:
        span = span_of(play)
        if _is_usual(play, span, screen, releases, time) and _takes_newest(play, span, taken):
            reasons.append(None)
        else:
            reasons.append(_why_set_aside(play, span, taken, screen, releases, time, confirmed))
    return reasons


@dataclass(frozen=True, slots=True)
class _TakenTime:
    """What plays that count have taken: their spans, the rest of each day, their spans since starts of the machine."""

    spans: list[Span]
    spare_ms: dict[int, int]
    since_boot: dict[str, list[Span]]


def _why_set_aside(
    play: AnyPlay,
    span: Span,
    taken: _TakenTime,
    screen: ScreenFacts,
    releases: Mapping[str, KnownRelease],
    time: OriginTime,
    confirmed: bool,
) -> str | None:
    place = bisect(taken.spans, span)
    near = taken.spans[max(0, place - 2) : place + 2]
    back_ms = _clock_back_ms(play, span, near)
    release = releases.get(play.release)
    shown = None if release is None or release.contents is None else _shown(play, release.contents)
    reason = next(_contradictions(play, span, back_ms), None)
    if reason is None and not confirmed:
        doubt = next(_doubts(play, span, screen, release, shown, time), None)
        reason = doubt and UNCONFIRMED + doubt
    reason = reason or next(_too_long_for_release(play, shown or ()), None)
    if reason is None and any(overlaps(span, other) for other in near):
        reason = OVERLAPS
    if reason is None and back_ms and play.rendered_ms > taken.spare_ms[day_of(play)]:
        reason = "the plays of its screen add up to more than the time there was"
    if reason is None and not _takes_time_since_boot(play, taken.since_boot):
        reason = "another play of this screen has the same time since its machine started"
    if reason is None:
        taken.spans.insert(place, span)
        if back_ms:
            taken.spare_ms[day_of(play)] -= play.rendered_ms
    return reason


def _is_usual(
    play: AnyPlay, span: Span, screen: ScreenFacts, releases: Mapping[str, KnownRelease], time: OriginTime
) -> bool:
    """Tell at once of nearly every play that nothing speaks against it but another play; what is rare is told apart."""
    since, until = span
    rendered_ms, expected_ms, release = play.rendered_ms, play.expected_ms, releases.get(play.release)
    if release is None or play.clock_back_ms or rendered_ms > until - since or until > time.now_ms + CLOCK_MS:
        return False
    if since < max(screen.paired_ms, release.created_ms) - CLOCK_MS:
        return False
    if expected_ms is not None and not expected_ms - TOLERANCE_MS <= rendered_ms <= expected_ms + TOLERANCE_MS:
        return False
    in_channel = screen.channels is None or release.channel in screen.channels
    return in_channel and _fits_its_machine(play, until - since) and _is_named(play, release.contents)


def _fits_its_machine(play: AnyPlay, wall_ms: int) -> bool:
    """Tell whether the clock that nobody sets, and the frames, say nothing against a play."""
    frames, begins_ms, ends_ms = play.frames_shown, play.mono_start_ms, play.mono_end_ms
    if frames is not None and not 0 < frames <= wall_ms:
        return False
    return begins_ms is None or ends_ms is None or wall_ms <= ends_ms - begins_ms + TOLERANCE_MS


def _is_named(play: AnyPlay, contents: ShownAssets | None) -> bool:
    """Tell whether a release shows a play for so long; True if that is not known."""
    if contents is None:
        return True
    longest_ms = [one.longest_ms for one in contents.get(play.asset, ()) if _names(one, play)]
    return bool(longest_ms) and (0 in longest_ms or play.rendered_ms <= max(longest_ms) + TOLERANCE_MS)


def _takes_newest(play: AnyPlay, span: Span, taken: _TakenTime) -> bool:
    """Take the time of a play that follows all others, both by its clock and since its machine started."""
    if not _follows(taken.spans, span):
        return False
    if found := since_boot_of(play):
        of_boot = taken.since_boot.setdefault(found[0], [])
        if found[1][0] > found[1][1] or not _follows(of_boot, found[1]):
            return False
        of_boot.append(found[1])
    taken.spans.append(span)
    return True


def _follows(taken: Sequence[Span], span: Span) -> bool:
    """Tell whether a span begins when both that are last, which alone could overlap it, have ended."""
    return all(since <= until <= span[0] for since, until in taken[-2:])


def since_boot_of(play: AnyPlay) -> tuple[str, Span] | None:
    """Return the start of its machine that a play names, and its time since then; None: an older player sent it."""
    if play.boot_id is None or play.mono_start_ms is None or play.mono_end_ms is None:
        return None
    return play.boot_id, (play.mono_start_ms, play.mono_end_ms)


def _takes_time_since_boot(play: AnyPlay, since_boot: dict[str, list[Span]]) -> bool:
    """Take the time of a play since the start of its machine; return False if another play has it."""
    found = since_boot_of(play)
    if found is None:
        return True
    taken = since_boot.setdefault(found[0], [])
    place = bisect(taken, found[1])
    if any(overlaps(found[1], other) for other in taken[max(0, place - 2) : place + 2]):
        return False
    taken.insert(place, found[1])
    return True


def may_lack_time(play: AnyPlay) -> bool:
    """Tell whether a play was on for longer than it has time in the record, as after a step back of its clock."""
    since, until = span_of(play)
    return bool(play.clock_back_ms) or play.rendered_ms > until - since


def _clock_back_ms(play: AnyPlay, span: Span, near: Sequence[Span]) -> int:
    """Return how much of the time of a play the record gave to others before its clock was set back.

    A player of an earlier version does not say so. But its plays then have no time at all where used time ends, or end
    where other used time begins; the one in which the clock passes the used time begins behind one without time.
    """
    if play.clock_back_ms is not None:
        return play.clock_back_ms
    lacking_ms = play.rendered_ms - (span[1] - span[0])
    found = lacking_ms > 0 and span[0] <= span[1] and any(_stopped_at(span, other) for other in near)
    return lacking_ms if found else 0


def _stopped_at(span: Span, other: Span) -> bool:
    without_time = span[0] == span[1] or other[0] == other[1]
    return span[1] == other[0] or (span[0] == other[1] and without_time)


def contradictions(play: AnyPlay) -> Iterator[str]:
    """Yield what a play says against itself."""
    numbers = (play.rendered_ms, play.expected_ms, play.clock_back_ms, play.mono_start_ms, play.mono_end_ms)
    if any(number and number > MOST_NUMBER for number in (*numbers, play.frames_shown, play.frames_lost)):
        yield "it has a number that nobody can reckon with"
        return
    yield from _contradictions(play, span_of(play), play.clock_back_ms or 0)


def overlaps(one: Span, other: Span) -> bool:
    """Tell whether two spans have more in common than two cuts explain: so of many, only neighbours can overlap."""
    if one[0] <= one[1] <= other[0] <= other[1] or other[0] <= other[1] <= one[0] <= one[1]:
        return False  # as nearly always
    common_ms = min(one[1], other[1]) - max(one[0], other[0])
    shorter_ms = min(one[1] - one[0], other[1] - other[0])
    inside = not shorter_ms and (other[0] < one[0] < other[1] or one[0] < other[0] < one[1])
    return inside or common_ms > min(TOLERANCE_MS, shorter_ms // 2)


def _contradictions(play: AnyPlay, span: Span, back_ms: int) -> Iterator[str]:
    if span[1] < span[0]:
        yield "it ended before it started"
    yield from _longer(play, span[1] - span[0] + back_ms, "its clock allows")
    if play.expected_ms is not None:
        yield from _longer(play, play.expected_ms, "its item lasts")
        if play.outcome is Outcome.COMPLETE and play.rendered_ms < play.expected_ms - TOLERANCE_MS:
            yield f"it says complete, but was on for {_seconds(play.rendered_ms)} of {_seconds(play.expected_ms)}"
    wall_ms, (_, since_boot) = span[1] - span[0], since_boot_of(play) or ("", span)
    on_ms = since_boot[1] - since_boot[0]
    if since_boot is not span:
        yield from _contradicts_its_machine(play, wall_ms, on_ms)
    yield from _contradicts_its_frames(play, max(wall_ms, on_ms))


def _contradicts_its_machine(play: AnyPlay, wall_ms: int, on_ms: int) -> Iterator[str]:
    """Yield what the clock since the start of its machine, which nobody sets, says against a play."""
    if on_ms < 0:
        yield "it ended before it started, by the clock since its machine started"
    yield from _longer(play, on_ms, "the clock since its machine started allows")
    if wall_ms > on_ms + TOLERANCE_MS:  # after a step back of its clock a play has less time, never more
        yield f"it took {_seconds(wall_ms)}, but {_seconds(on_ms)} by the clock since its machine started"


def _contradicts_its_frames(play: AnyPlay, on_ms: int) -> Iterator[str]:
    if (play.frames_shown or 0) * 1000 > MOST_FRAMES_S * (on_ms + TOLERANCE_MS):
        yield f"it says {play.frames_shown} pictures in {_seconds(on_ms)}"
    if play.frames_shown == 0 and play.rendered_ms > TOLERANCE_MS:
        yield f"it says {_seconds(play.rendered_ms)} on the screen, but none of its pictures was shown"


def _doubts(
    play: AnyPlay,
    span: Span,
    screen: ScreenFacts,
    release: KnownRelease | None,
    shown: Sequence[ReleaseContent] | None,
    time: OriginTime,
) -> Iterator[str]:
    """Yield what does not fit to what this origin knows; what it wrote under a clock that was ahead says nothing.

    `shown` is what the channel of the release ever showed as this play, None if unknown.
    """
    unset = time.trust is not ClockTrust.SYNCED and play.clock is ClockTrust.SYNCED
    if max(span) > time.now_ms + (UNSET_CLOCK_MS if unset else CLOCK_MS):
        yield "its time had not come yet when it was sent"
    if span[0] < screen.paired_ms - CLOCK_MS and screen.paired_ms <= time.now_ms + CLOCK_MS:
        yield "it is older than the pairing of its screen"
    yield from _foreign(play, screen, release, shown)
    if release and span[0] < release.created_ms - CLOCK_MS and release.created_ms <= time.now_ms + CLOCK_MS:
        yield "it is older than the release that it names"


def _longer(play: AnyPlay, allowed_ms: int, whose: str) -> tuple[str, ...]:
    if play.rendered_ms <= allowed_ms + TOLERANCE_MS:
        return ()
    return (f"it says {_seconds(play.rendered_ms)} on the screen, but {whose} {_seconds(allowed_ms)}",)


def _foreign(
    play: AnyPlay, screen: ScreenFacts, release: KnownRelease | None, shown: Sequence[ReleaseContent] | None
) -> Iterator[str]:
    """Yield what does not fit to the release that it names, or to all of its channels if that is not known here.

    A restored database may have lost the release, and in which channels a screen was.
    """
    if release is None:
        if screen.shown is not None and not _shown(play, screen.shown):
            yield f"release {play.release[:16]} is unknown, and none of its channels {_shows(play)}"
        return
    if screen.channels is not None and release.channel not in screen.channels:
        yield f"its release is of channel {release.channel}, in which its screen never was"
    if shown is not None and not shown:
        yield f"no release of channel {release.channel} {_shows(play)}"


def _too_long_for_release(play: AnyPlay, shown: Sequence[ReleaseContent]) -> Iterator[str]:
    if shown and all(content.longest_ms for content in shown):
        yield from _longer(play, max(content.longest_ms for content in shown), "its release allows")


def _shown(play: AnyPlay, contents: ShownAssets) -> list[ReleaseContent]:
    return [content for content in contents.get(play.asset, ()) if _names(content, play)]


def _shows(play: AnyPlay) -> str:
    what = f"line {play.line}" if play.line else f"item {play.item}" if play.item else "something"
    return f"shows asset {play.asset[:16]} as {what}"


def _names(content: ReleaseContent, play: AnyPlay) -> bool:
    return (
        play.item in (None, content.item)
        and play.campaign in (None, content.campaign)
        and play.line in (None, content.line)
        and play.creative in (None, content.creative)
    )


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} s"
