"""When the content of a release is first on air, so that what is needed first is fetched first.

Computed for a release as if it were active from `at` on. Ad breaks are not planned ahead: an ad is needed once its line
may be shown. A daypart that others always cover is never needed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sync.programme.weekly_windows import FARTHEST, HORIZON, NEVER, Times, joined, span_of, window_state
from sync.wire.release import Daypart, Item, LocalWindow, Playlist, Release


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a release shows, and when that is first on air: `at`, None if that is not in sight.

    `what` names it for people. `assets` are named in their order, streams among them.
    """

    at: datetime | None
    what: str
    assets: tuple[str, ...]


def first_needs(release: Release, zone: ZoneInfo, at: datetime, *, timed: bool = True) -> tuple[Need, ...]:
    """Return what a release shows from `at` on, what is needed first in front; what is never needed comes last.

    At the same instant the fallback picture comes first, then logos, playlists, ads. Without a trusted clock
    (`timed=False`) only the default playlist, and what follows no local time, has an instant.
    """
    at = at.astimezone(UTC)
    fallback = [Need(at, "the fallback picture", (release.fallback,))] if release.fallback else []
    needs = (*fallback, *_logos(release, at), *_playlists(release, zone, at, timed), *_ads(release, zone, at, timed))
    return tuple(sorted(needs, key=lambda need: (need.at is None, need.at or at)))


def _logos(release: Release, at: datetime) -> Iterator[Need]:
    for overlay in release.overlays:
        if overlay.kind == "logo":
            is_over = overlay.ends_at is not None and overlay.ends_at <= at
            yield Need(None if is_over else max(at, overlay.starts_at or at), f"logo {overlay.id}", (overlay.asset,))


def _playlists(release: Release, zone: ZoneInfo, at: datetime, timed: bool) -> Iterator[Need]:
    playlists = {playlist.id: playlist for playlist in release.playlists}
    taken: Times = []
    free: dict[int, Times] = {place: [] for place, one in enumerate(release.dayparts) if one.playlist in playlists}
    for place, run in _ranked_runs(release.dayparts, zone, at) if timed else ():
        if place in free:
            free[place] += _minus([run], taken)
            taken = joined([*taken, *_with_items(playlists[release.dayparts[place].playlist], run)])
    shown: list[tuple[Playlist, Times, str]] = []
    for place, times in free.items():
        daypart = release.dayparts[place]
        times = sorted(times) or (_later_start(daypart, zone, at) if timed else [])
        shown.append((playlists[daypart.playlist], times, f" in daypart {daypart.name}"))
    if release.default_playlist in playlists:
        default = _minus([(at, at + HORIZON)], taken if timed else [])
        shown.insert(0, (playlists[release.default_playlist], default, ""))
    for playlist, times, where in shown:
        yield from _items(playlist, times, where, at + HORIZON)


def _ranked_runs(
    dayparts: Sequence[Daypart], zone: ZoneInfo, at: datetime
) -> list[tuple[int, tuple[datetime, datetime]]]:
    """Return the runs of all dayparts with their places; of two that overlap the first is on air."""
    runs: list[tuple[datetime, int, tuple[datetime, datetime]]] = []
    for place, daypart in enumerate(dayparts):
        for run in _open_times(daypart, zone, at):
            wall = run[0].astimezone(zone).replace(tzinfo=None)
            runs.append((span_of(daypart).opened(wall) or wall, place, run))
    runs.sort(key=lambda run: run[0], reverse=True)  # stable: those that opened together stay in their order
    runs.sort(key=lambda run: -dayparts[run[1]].priority)
    return [(place, run) for _, place, run in runs]


def _with_items(playlist: Playlist, run: tuple[datetime, datetime]) -> Times:
    """Return when in a run the playlist has an item within its own time; else the daypart gives way."""
    begins, ends = run
    own = ((max(begins, item.starts_at or begins), min(ends, item.ends_at or ends)) for item in playlist.items)
    return joined(time for time in own if time[0] < time[1])


def _items(playlist: Playlist, times: Times, where: str, horizon: datetime) -> Iterator[Need]:
    """Yield the items of a playlist by when they are first on air: those that have a start of their own later."""
    first = cache(lambda starts_at, ends_at: _first(times, starts_at, ends_at, horizon))
    groups: dict[datetime | None, list[Item]] = defaultdict(list)
    for item in playlist.items:
        groups[first(item.starts_at, item.ends_at)].append(item)
    begins = times[0][0] if times else None
    for at, items in groups.items():
        more = f" and {len(items) - 1} more" if len(items) > 1 else ""
        own = "" if at == begins else f"{items[0].title}{more} of "
        yield Need(at, f"{own}playlist {playlist.name}{where}", tuple(item.asset for item in items))


def _first(times: Times, starts_at: datetime | None, ends_at: datetime | None, horizon: datetime) -> datetime | None:
    """Return when an item is first on air; one that starts after all that is in sight: not before the horizon."""
    for begins, ends in times:
        at = max(begins, starts_at or begins)
        if at < ends:
            return at if ends_at is None or at < ends_at else None
    if not times or starts_at is None or starts_at > horizon + FARTHEST:
        return None
    later = max(starts_at, horizon)
    return later if ends_at is None or later < ends_at else None


def _ads(release: Release, zone: ZoneInfo, at: datetime, timed: bool) -> Iterator[Need]:
    @cache  # thousands of lines have a few windows and flights between them
    def opens(windows: tuple[LocalWindow, ...], begins: datetime) -> datetime | None:
        if not windows:
            return begins
        is_open, changes = window_state(windows, zone, begins) if timed else (False, begins + HORIZON)
        return begins if is_open else changes if changes < begins + HORIZON else None

    for campaign in release.campaigns:
        begins = max(at, campaign.starts_at)
        runs = begins < min(campaign.ends_at, at + FARTHEST)
        for line in campaign.lines:
            first = opens(line.windows, begins) if runs else None
            first = first if first is not None and first < campaign.ends_at else None
            what = f"ad line {line.name} of {campaign.name}"
            yield Need(first, what, tuple(creative.asset for creative in line.creatives))


def _open_times(window: LocalWindow, zone: ZoneInfo, at: datetime) -> Times:
    """Return when a window is open from `at` until the horizon."""
    found, ends = [], at + HORIZON
    while at < ends:
        is_open, changes = window_state((window,), zone, at)
        if is_open:
            found.append((at, min(changes, ends)))
        at = changes
    return found


def _later_start(daypart: Daypart, zone: ZoneInfo, at: datetime) -> Times:
    """Return the first run of a daypart whose first day lies behind the horizon; nobody knows what covers it then."""
    if daypart.first_day is None or daypart.first_day > (at + FARTHEST).date():
        return []
    eve = datetime.combine(daypart.first_day, time(), UTC) - timedelta(days=1)  # before that day in every zone
    horizon = at + HORIZON
    return _open_times(daypart, zone, max(eve, horizon))[:1] if eve + timedelta(days=3) > horizon else []


def _minus(times: Iterable[tuple[datetime, datetime]], taken: Times) -> Times:
    """Return `times` without those that are taken."""
    left: Times = []
    for begins, ends in times:
        for taken_from, taken_until in taken:
            if begins < taken_from < ends:
                left.append((begins, taken_from))
            if taken_from < ends:
                begins = max(begins, taken_until)
        if begins < ends:
            left.append((begins, ends))
    return left


def new_starts(needs: Iterable[Need], before: Iterable[Need], at: datetime) -> tuple[Need, ...]:
    """Return what starts after `at` and is not what the release `before` shows by then anyway, under whatever name."""
    known: dict[tuple[str, ...], datetime] = {}
    for need in before:
        if need.at is not None:
            known.setdefault(need.assets, need.at)
    starts = ((need, need.at) for need in needs if need.at is not None and need.at > at)
    return tuple(need for need, begins in starts if known.get(need.assets, NEVER) > begins)
