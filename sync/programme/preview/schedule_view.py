"""Pure: what a release has on air at an instant or over days, and why each other open daypart is not; for people.

Media count as there and whole: which of them a screen has is its own matter, and `explain` on the screen tells it.
"""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from sync.programme.ad_selection import AdHead, AdState
from sync.programme.items_and_breaks import Rotation
from sync.programme.next_take import Memory, Scene
from sync.programme.preview.on_air_reasons import Moment, Verdict, dayparts, items, open_daypart
from sync.programme.preview.steady_screen import PICTURE_MS
from sync.programme.schedule import Programme, programme_at, stretches
from sync.programme.weekly_windows import HORIZON
from sync.wire.release import Release
from sync.wire.value_types import Instant, Wire
from sync.words.on_air import ON_AIR
from sync.words.sentences import Told

MOST_ITEMS = 100
MOST_VERDICTS = 10_000
"""Segments, and verdicts on other dayparts in them, of one answer: hundreds of dayparts may be open at once."""
MOST_OTHERS = 20


class OnAirProgramme(Wire):
    """The playlist on air, by id and name, the daypart that it is on air by (None: it is the default), and why."""

    playlist: str | None
    playlist_name: str | None
    daypart: str | None
    daypart_name: str | None
    why: str
    why_told: Told


class ProgrammeSegment(OnAirProgramme):
    """A time in which this is on air and the same other dayparts are open: `others`, the next in rank first.

    There are `more_others` than these first ones.
    """

    starts_at: Instant
    ends_at: Instant
    others: tuple[Verdict, ...]
    more_others: int = 0


class OnAirThen(OnAirProgramme):
    """What is on air at an instant. `until`: when another daypart follows, None: not within the next days.

    `dayparts` are all dayparts, the highest priority first. `items` are the first items of the playlist; `items_on` of
    all its items are in the rotation, the other `items_off` are not within their own time.
    """

    at: Instant
    until: Instant | None
    dayparts: tuple[Verdict, ...]
    items: tuple[Verdict, ...]
    items_on: int
    items_off: int


def on_air_then(release: Release, zone: ZoneInfo, at: datetime) -> OnAirThen:
    """Return what a release has on air at an instant, and why all else is not."""
    moment, programme = _moment(release, zone, at), programme_at(release, zone, at)
    found = tuple(items(moment, programme))
    on = sum(item.on for item in found)
    return OnAirThen(
        **_on_air(programme),
        at=at,
        until=programme.until if programme.until < at + HORIZON else None,
        dayparts=tuple(dayparts(moment, programme)),
        items=found[:MOST_ITEMS],
        items_on=on,
        items_off=len(found) - on,
    )


def segments(
    release: Release, zone: ZoneInfo, at: datetime, until: datetime
) -> tuple[tuple[ProgrammeSegment, ...], bool]:
    """Return the first segments of a time, at least one, and whether there are more."""
    found, verdicts = list[ProgrammeSegment](), 0
    for segment in _segments(release, zone, at, until):
        verdicts += 1 + len(segment.others)
        if found and verdicts > MOST_VERDICTS:
            return tuple(found), True
        found.append(segment)
    return tuple(found), False


def _segments(release: Release, zone: ZoneInfo, at: datetime, until: datetime) -> Iterator[ProgrammeSegment]:
    for stretch in stretches(release, zone, at, until):
        programme, moment = stretch.programme, _moment(release, zone, stretch.starts_at)
        others = [each for each in stretch.opened if each is not programme.daypart]
        yield ProgrammeSegment(
            **_on_air(programme),
            starts_at=stretch.starts_at,
            ends_at=programme.until,
            others=tuple(open_daypart(moment, each, programme) for each in others[:MOST_OTHERS]),
            more_others=max(0, len(others) - MOST_OTHERS),
        )


def _on_air(programme: Programme) -> dict[str, object]:
    playlist, daypart = programme.playlist, programme.daypart
    return {
        "playlist": playlist.id if playlist else None,
        "playlist_name": playlist.name if playlist else None,
        "daypart": daypart.id if daypart else None,
        "daypart_name": daypart.name if daypart else None,
        "why": programme.why,
        "why_told": ON_AIR.told(programme.why),
    }


def _moment(release: Release, zone: ZoneInfo, at: datetime) -> Moment:
    scene = Scene(release, "", zone, True, PICTURE_MS, {}, {}, lambda _: True)
    return Moment(scene, Memory(Rotation(), AdState(AdHead(seed=1), {})), at, lambda _: "")
