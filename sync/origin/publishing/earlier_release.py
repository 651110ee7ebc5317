"""Pure: makes a new release of an earlier one, without what is over by now."""

from collections.abc import Callable, Iterable, Iterator, Set
from datetime import datetime

from sync.errors import Rejected
from sync.origin.publishing.release_compiler import is_over
from sync.trust.acceptance import referenced_assets
from sync.wire.release import Item, Release

MOST_TOLD = 10


def renewed_release(earlier: Release, *, created_at: datetime, now: datetime) -> Release:
    """Return an earlier release as one created at `created_at`, without what can never play again after `now`.

    Its time of creation cannot stay: screens whose clocks no time service sets know by it how late it is at least.

    Raises:
        Rejected: nothing of it would ever be on air.
    """
    dayparts = tuple(part for part in earlier.dayparts if not is_over(part.last_day, now))
    on_air = {part.playlist for part in dayparts} | {earlier.default_playlist}
    playlists = tuple(
        one.model_copy(update={"items": tuple(_not_ended(one.items, now))})
        for one in earlier.playlists
        if one.id in on_air
    )
    if not any(one.items for one in playlists):
        wrong = "all that it showed is over: nothing would be on air"
        raise Rejected(f"that release of {earlier.channel} cannot come back: {wrong}", fields={"again": wrong})
    kept = {
        "dayparts": dayparts,
        "playlists": playlists,
        "campaigns": tuple(one for one in earlier.campaigns if one.ends_at > now),
        "overlays": tuple(one for one in earlier.overlays if one.ends_at is None or one.ends_at > now),
    }
    anew = {"created_at": created_at, "format": 1, "bookings": None, "booked": frozenset(), "left_out": ()}
    rest = earlier.model_copy(update=kept | anew)
    shown = referenced_assets(rest)
    return rest.model_copy(
        update={
            "assets": tuple(one for one in earlier.assets if one.sha256 in shown),
            "streams": tuple(one for one in earlier.streams if one.sha256 in shown),
        }
    )


def _not_ended(items: Iterable[Item], now: datetime) -> Iterator[Item]:
    return (item for item in items if item.ends_at is None or item.ends_at > now)


def return_warnings(earlier: Release, again: Release, removed: Set[str]) -> tuple[str, ...]:
    """Return what a person should know who brings a release back; `removed` are assets that no media has any more."""
    over = _named("is over and does not come back", "are over and do not come back", _gone(earlier, again))
    shown = [item.title for one in again.playlists for item in one.items if item.asset in removed]
    shown += [ad.title for one in again.campaigns for line in one.lines for ad in line.creatives if ad.asset in removed]
    back = _named("was removed from the media and is shown again", "were removed and are shown again", shown)
    return (*over, *back)


def _gone(earlier: Release, again: Release) -> Iterator[str]:
    left: list[tuple[str, Callable[[Release], Iterable[tuple[str, str]]]]] = [
        ("daypart", lambda one: ((part.id, part.name) for part in one.dayparts)),
        ("item", lambda one: ((item.id, item.title) for each in one.playlists for item in each.items)),
        ("campaign", lambda one: ((booked.id, booked.name) for booked in one.campaigns)),
    ]
    for kind, named in left:
        stays = {id for id, _ in named(again)}
        yield from (f"{kind} {name}" for id, name in named(earlier) if id not in stays)


def _named(one: str, several: str, names: Iterable[str]) -> Iterator[str]:
    found = list(dict.fromkeys(names))
    more = f" and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    if found:
        yield f"{', '.join(found[:MOST_TOLD])}{more} {one if len(found) == 1 else several}."
