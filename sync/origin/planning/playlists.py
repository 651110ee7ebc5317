"""Playlists, as sent and as stored."""

from typing import Annotated

from pydantic import FailFast, Field

from sync.origin.planning.plan_fields import MAX_ITEMS, Document, Draft, End, MediaUse
from sync.wire.release import AtEnd
from sync.wire.value_types import Instant, Name


class PlaylistItem(MediaUse):
    """One entry of a playlist; sent with its id, it keeps its position in the rotation of the devices.

    With `loop` a video that is shorter than `duration_ms` starts again. A stream with `ends_with_budget` is not shown
    while the budget of bytes of a screen is spent.
    """

    loop: bool = False
    at_end: AtEnd = AtEnd.CUT
    starts_at: Instant | None = None
    ends_at: End | None = None
    ends_with_budget: bool = False


class PlaylistDraft(Draft):
    """A playlist as a person sends it."""

    name: Name
    items: Annotated[tuple[PlaylistItem, ...], FailFast(), Field(max_length=MAX_ITEMS)] = ()


class StoredPlaylist(PlaylistDraft, Document):
    """A playlist as it is stored."""
