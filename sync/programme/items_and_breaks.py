"""Goes through a playlist: which item comes next, when a break of ads is due, and where to go on after a change.

A rotation is a value: looking ahead is calling `next_entry` and dropping the new rotation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import Field

from sync.wire.release import AtEnd, BreakRule, Item, Playlist
from sync.wire.value_types import Identifier, Wire

ASK_AGAIN = timedelta(minutes=1)
"""When nothing can be shown, the longest time before the next try: what is playable may change at any time."""


SHORTEST_SHOW = timedelta(milliseconds=500)
"""An item that would be cut sooner after its start, because its own time ends, is not started any more."""


class PlaylistPosition(Wire):
    """Where a playlist is: the item shown last, the item that followed it then, and its index."""

    item: Identifier
    following: Identifier
    index: int


class Rotation(Wire):
    """Where each playlist is, and the count of items and ads, which all playlists have in common.

    `items` were started since the last break; `ads` slots of the current break are done.
    """

    places: dict[Identifier, PlaylistPosition] = Field(default_factory=dict)
    items: int = 0
    ads: int = 0


@dataclass(frozen=True, slots=True)
class ShowItem:
    """Show this item next."""

    item: Item


@dataclass(frozen=True, slots=True)
class AdSlot:
    """An ad is due: slot `position` (from 0) of a break of `of`. If there is none to show, take the next step."""

    position: int
    of: int


@dataclass(frozen=True, slots=True)
class NothingToShow:
    """There is nothing to show; ask again at `until`, or earlier after a new release or a quarantine that ended."""

    until: datetime


RotationStep = ShowItem | AdSlot | NothingToShow


def next_entry(
    rotation: Rotation,
    playlist: Playlist,
    break_rule: BreakRule,
    at: datetime,
    *,
    playable: Callable[[Item], bool],
    ads: bool,
) -> tuple[RotationStep, Rotation]:
    """Return what comes next at `at`, and the rotation once it was shown; use the old one if it was not.

    At most one break is due, however many items passed while there were no `ads`. An item is skipped while it is
    outside its validity or not `playable`. Each is checked once, so a list of broken items ends in `NothingToShow`.
    """
    if rotation.ads >= break_rule.ads:  # a new release made the current break shorter
        rotation = rotation.model_copy(update={"items": 0, "ads": 0})
    if ads and rotation.items >= break_rule.every_items:
        return AdSlot(rotation.ads, break_rule.ads), _after_ad(rotation, break_rule)
    first = _resume_index(rotation.places.get(playlist.id), playlist)
    count = len(playlist.items)
    for index in ((first + step) % count for step in range(count)):
        item = playlist.items[index]
        if is_valid(item, at) and playable(item):
            return ShowItem(item), _after_item(rotation, playlist, index)
    return NothingToShow(_ask_again_at(playlist, at)), rotation


def _after_ad(rotation: Rotation, rule: BreakRule) -> Rotation:
    over = rotation.ads + 1 >= rule.ads
    return rotation.model_copy(update={"items": 0, "ads": 0} if over else {"ads": rotation.ads + 1})


def _after_item(rotation: Rotation, playlist: Playlist, index: int) -> Rotation:
    following = playlist.items[(index + 1) % len(playlist.items)]
    place = PlaylistPosition(item=playlist.items[index].id, following=following.id, index=index)
    places = {**rotation.places, playlist.id: place}
    return rotation.model_copy(update={"places": places, "items": rotation.items + 1, "ads": 0})


def _resume_index(place: PlaylistPosition | None, playlist: Playlist) -> int:
    """Return where to go on: after the last item; if that is gone, at its successor; else at the same index."""
    if place is None:
        return 0
    indexes = {item.id: index for index, item in enumerate(playlist.items)}
    if place.item in indexes:
        return indexes[place.item] + 1
    return indexes.get(place.following, place.index)


def is_over(item: Item, at: datetime) -> bool:
    """Return whether an item is not started any more at `at`, because its own time ends."""
    least = SHORTEST_SHOW if item.at_end is AtEnd.CUT else timedelta(0)
    return item.ends_at is not None and at + least >= item.ends_at


def is_valid(item: Item, at: datetime) -> bool:
    """Return whether an item may be started at `at`, by its own times."""
    return (item.starts_at is None or item.starts_at <= at) and not is_over(item, at)


def _ask_again_at(playlist: Playlist, at: datetime) -> datetime:
    starts = [item.starts_at for item in playlist.items if item.starts_at is not None and item.starts_at > at]
    return min([*starts, at + ASK_AGAIN])
