"""Which playlist is on air and until when.

Of the open dayparts the highest priority is on air; of equal ones the one that opened last; of those that opened
together the first one in the release. A daypart whose playlist has nothing to show is passed over.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sync.programme.weekly_windows import HORIZON, NEVER, Times, VenueTime, WeeklySpan, joined, span_of
from sync.runtime.clock import ClockTrust
from sync.wire.release import Daypart, Item, Playlist, Release
from sync.words.on_air import ON_AIR

_ALWAYS = (datetime.min.replace(tzinfo=UTC), NEVER)

Playable = Callable[[Item], bool]
"""Whether the media of an item can be shown, its own time apart."""


@dataclass(frozen=True, slots=True)
class Programme:
    """What is on air, why, and until when (exclusive, UTC).

    Before `until` the answer is the same. At `until` another daypart or the default follows, unless `until` is
    `HORIZON` away: then nothing may have changed. `playlist` is None when the release has nothing for this time.
    `passed` are open dayparts that would come first, but have nothing to show.
    """

    playlist: Playlist | None
    daypart: Daypart | None
    until: datetime
    why: str
    passed: tuple[Daypart, ...] = ()


def programme_at(
    release: Release, zone: ZoneInfo, at: datetime, *, timed: bool = True, playable: Playable = lambda _: True
) -> Programme:
    """Return the programme at an instant.

    A daypart has something to show while an item of its playlist is `playable` and within its own time. Without a
    trusted clock (`timed=False`) only the default playlist plays, and `until` is the horizon: ask again when the clock
    is set. `until` does not know when `playable` changes.
    """
    at = at.astimezone(UTC)
    playlists = {playlist.id: playlist for playlist in release.playlists}
    default = playlists.get(release.default_playlist) if release.default_playlist else None
    if not timed:
        return Programme(default, None, at + HORIZON, ON_AIR.say("clock_not_set"))
    plan = _Plan(release, VenueTime(zone, at, at + HORIZON), _ItemTimes(playlists, playable), at + HORIZON)
    passed, on_air = plan.on_air(at)
    return _programme(playlists, default, passed, on_air, plan.until(on_air, at))


@dataclass(frozen=True, slots=True)
class ProgrammeStretch:
    """A time in which the same dayparts are open and the same one is on air: `starts_at <= t < programme.until`.

    `opened` are the open dayparts in the order in which they would come on, those with nothing to show too.
    """

    starts_at: datetime
    programme: Programme
    opened: tuple[Daypart, ...]


def stretches(release: Release, zone: ZoneInfo, at: datetime, until: datetime) -> Iterator[ProgrammeStretch]:
    """Yield what is on air from `at` to `until` under a trusted clock, while all media can be shown.

    The work for each stretch grows with the dayparts that are open in it, not with those of the release.
    """
    at, until = at.astimezone(UTC), until.astimezone(UTC)
    playlists = {playlist.id: playlist for playlist in release.playlists}
    default = playlists.get(release.default_playlist) if release.default_playlist else None
    plan = _Plan(release, VenueTime(zone, at, until), _ItemTimes(playlists, lambda _: True), until)
    pending: ProgrammeStretch | None = None
    for starts, ends, opened in plan.open_times(at):
        passed, on_air = plan.first_with_items(opened, starts)
        programme = _programme(playlists, default, passed, on_air, ends)
        found = ProgrammeStretch(starts, programme, tuple(each.daypart for each in opened))
        if pending and found == replace(pending, starts_at=starts, programme=replace(pending.programme, until=ends)):
            pending = replace(found, starts_at=pending.starts_at)
            continue
        if pending:
            yield pending
        pending = found
    if pending:
        yield pending


def _programme(
    playlists: Mapping[str, Playlist],
    default: Playlist | None,
    passed: Sequence[Daypart],
    on_air: "_Ranked | None",
    until: datetime,
) -> Programme:
    daypart = on_air.daypart if on_air else None
    playlist = playlists[daypart.playlist] if daypart else default
    return Programme(playlist, daypart, until, _reason(daypart, passed, default), tuple(passed))


def _reason(daypart: Daypart | None, passed: Sequence[Daypart], default: Playlist | None) -> str:
    names = " and ".join(each.name for each in passed)
    if daypart is not None:
        window = {"daypart": daypart.name, "start": daypart.start, "end": daypart.end, "priority": daypart.priority}
        return ON_AIR.say("daypart_after_others" if passed else "daypart", passed=names, **window)
    plays = "default" if default else "nothing"
    return ON_AIR.say(f"{plays}_after_others" if passed else plays, passed=names)


class _ItemTimes:
    """When the playlists of a release have something to show."""

    def __init__(self, playlists: Mapping[str, Playlist], playable: Playable) -> None:
        self._playlists = playlists
        self._playable = playable
        self._times: dict[str, Times] = {}

    def state(self, playlist: str, at: datetime) -> tuple[bool, datetime]:
        """Return whether an item can be shown at `at`, and until when that is so."""
        if playlist not in self._times:
            self._times[playlist] = self._join(self._playlists[playlist])
        for begins, ends in self._times[playlist]:
            if at < ends:
                return (True, ends) if begins <= at else (False, begins)
        return False, NEVER

    def _join(self, playlist: Playlist) -> Times:
        """Return the times of its items in order, those that overlap or touch as one."""
        timed = sorted(playlist.items, key=lambda item: (item.starts_at is not None) + (item.ends_at is not None))
        found: Times = []
        for item in timed:
            time = (item.starts_at or _ALWAYS[0], item.ends_at or NEVER)
            if time[0] < time[1] and self._playable(item):
                if time == _ALWAYS:
                    return [time]
                found.append(time)
        return joined(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Ranked:
    """A daypart with its window; `place` is its place in the release."""

    daypart: Daypart
    span: WeeklySpan
    place: int


class _Plan:
    """The dayparts of a release until `limit`."""

    def __init__(self, release: Release, clock: VenueTime, items: _ItemTimes, limit: datetime) -> None:
        known = {playlist.id for playlist in release.playlists}
        self._dayparts = [
            _Ranked(daypart, span_of(daypart), place)
            for place, daypart in enumerate(release.dayparts)
            if daypart.playlist in known
        ]
        self._clock = clock
        self._items = items
        self._limit = limit

    def on_air(self, at: datetime) -> tuple[list[Daypart], _Ranked | None]:
        """Return the daypart on air, and those before it in rank that are open and have nothing to show."""
        return self.first_with_items(self._open(at), at)

    def first_with_items(self, opened: Sequence[_Ranked], at: datetime) -> tuple[list[Daypart], _Ranked | None]:
        """Return the first of `opened` that has something to show, and those before it."""
        passed: list[Daypart] = []
        for each in opened:
            if self._items.state(each.daypart.playlist, at)[0]:
                return passed, each
            passed.append(each.daypart)
        return passed, None

    def open_times(self, at: datetime) -> Iterator[tuple[datetime, datetime, list[_Ranked]]]:
        """Yield times in which the open dayparts and what they have to show stay the same, with those by rank."""
        changes = sorted((when, each.place) for each in self._dayparts for when in self._changes(each, at))
        opened: set[int] = set()
        ranked = {each.place: each for each in self._dayparts}
        waiting = deque(changes)
        while at < self._limit:
            while waiting and waiting[0][0] <= at:
                opened ^= {waiting.popleft()[1]}
            here = self._by_rank((ranked[place] for place in sorted(opened)), at)
            edges = [self._items.state(each.daypart.playlist, at)[1] for each in here]
            ends = min([self._limit, *edges, *(when for when, _ in islice(waiting, 1))])
            yield at, ends, here
            at = ends

    def _changes(self, each: _Ranked, at: datetime) -> Iterator[datetime]:
        """Yield when a daypart opens or closes, in turn; first `at`, if it is open then."""
        while at < self._limit:
            is_open, changes = self._clock.open_state([each.span], at, self._limit)
            if is_open:
                yield at
                if changes < self._limit:
                    yield changes
            at = changes

    def until(self, on_air: _Ranked | None, at: datetime) -> datetime:
        """Return when another daypart, or none, follows the one on air at `at`."""
        while at < self._limit:
            at = self._next_edge(on_air, at)
            if at < self._limit and self.on_air(at)[1] != on_air:
                break
        return at

    def _open(self, at: datetime) -> list[_Ranked]:
        return self._by_rank(self._dayparts, at)

    def _by_rank(self, dayparts: Iterable[_Ranked], at: datetime) -> list[_Ranked]:
        """Return those of these dayparts that are open, as they would come on; they are given in their order."""
        wall = self._clock.wall(at)
        opened = [(since, each) for each in dayparts if (since := each.span.opened(wall)) is not None]
        opened.sort(key=lambda one: one[0], reverse=True)  # stable: those that opened together stay in their order
        opened.sort(key=lambda one: -one[1].daypart.priority)
        return [each for _, each in opened]

    def _next_edge(self, on_air: _Ranked | None, at: datetime) -> datetime:
        """Return when the daypart on air ends, or one comes on that may be before it in rank."""
        edge = self._limit
        if on_air is None:
            rivals, outranked = self._dayparts, set[int]()
        else:
            edge = self._state(on_air, at, edge)[1]
            rivals = [each for each in self._dayparts if each.daypart.priority >= on_air.daypart.priority]
            ranked = self._open(at)
            outranked = {each.place for each in ranked[ranked.index(on_air) + 1 :]}
        for each in rivals:
            if each is not on_air:
                begins = self._clock.open_state([each.span], at, edge)[1] if each.place in outranked else at
                edge = min(edge, self._comes_on(each, begins, edge))
        return edge

    def _comes_on(self, each: _Ranked, at: datetime, limit: datetime) -> datetime:
        is_on, changes = self._state(each, at, limit)
        return self._state(each, changes, limit)[1] if is_on else changes

    def _state(self, each: _Ranked, at: datetime, limit: datetime) -> tuple[bool, datetime]:
        """Return whether a daypart is open and has something to show, and until when that is so."""
        was_on: bool | None = None
        while at < limit:
            opened, changes = self._clock.open_state([each.span], at, limit)
            has_items, items_change = self._items.state(each.daypart.playlist, at) if opened else (False, limit)
            if was_on is None:
                was_on = has_items
            elif was_on != has_items:
                return was_on, at
            at = min(changes, items_change)
        return bool(was_on), limit


def is_timed(release: Release, at: datetime, trust: ClockTrust) -> bool:
    """Return whether a clock that says `at` is trusted, so that what has a time is shown.

    Without a time service, a clock earlier than the content is the clock of a device without a battery.
    """
    return trust is ClockTrust.SYNCED or at >= release.created_at


def zone_of_venue(setting: str, release: str | None, system: str) -> tuple[ZoneInfo, str]:
    """Return the zone of the venue: of `venue.zone`, else of the release, else of this machine.

    With a problem if the release names a zone that is unknown here: then UTC is used.
    """
    try:
        return ZoneInfo(setting or release or system), ""
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC"), f"the release's time zone {release!r} is unknown here: UTC is used"


def unnamed_zone(release: Release, setting: str, zone: ZoneInfo) -> str:
    """Return the problem that weekly windows or dates are on air and nobody named the zone they are in; else ""."""
    windows = bool(release.dayparts) or any(line.windows for one in release.campaigns for line in one.lines)
    if setting or release.zone or not windows:
        return ""
    return (
        f"Dayparts and ad windows follow {zone.key}, the zone of this machine, because channel {release.channel} names "
        "no time zone: set the channel's zone, or venue.zone."
    )
