"""Where a media is used, with the names that people gave, and what would be left without it."""

import hashlib
from collections.abc import Iterator

from sync.wire.value_types import Wire


class UsedPart(Wire):
    """An item of a playlist or a creative of a line: its place from 0, and the title that it shows."""

    id: str
    position: int
    title: str


class PlaylistUse(Wire):
    """A playlist that shows the media; `left` counts its items that show others."""

    id: str
    name: str
    path: str
    version: int
    items: tuple[UsedPart, ...]
    left: int


class LineUse(Wire):
    """A line of a campaign that shows the media; `left` counts its creatives that show others."""

    id: str
    name: str
    creatives: tuple[UsedPart, ...]
    left: int


class CampaignUse(Wire):
    """A campaign with lines that show the media; `left` counts its lines that show others, too."""

    id: str
    name: str
    path: str
    version: int
    lines: tuple[LineUse, ...]
    left: int


class ChannelUse(Wire):
    """A channel whose fallback picture the media is, or the picture of some of its overlays."""

    channel: str
    path: str
    version: int
    fallback: bool
    overlays: tuple[str, ...]


class ReleaseUse(Wire):
    """A release that shows the media as an item or an ad, and how many devices said last that they play it."""

    channel: str
    sequence: int
    sha256: str
    devices: int


class Emptied(Wire):
    """A part of a plan in which nothing would be left: a playlist stays empty, a line or campaign is removed."""

    kind: str
    id: str
    name: str


class MediaUses(Wire):
    """All uses of a media. What its removal takes along is in the first three; `emptied` would be left without content.

    `mark` names this state of the uses: who removes the media with it removes it from these places and no others.
    Devices play their releases on whatever becomes of the plans.
    """

    playlists: tuple[PlaylistUse, ...] = ()
    campaigns: tuple[CampaignUse, ...] = ()
    channels: tuple[ChannelUse, ...] = ()
    emptied: tuple[Emptied, ...] = ()
    mark: str = ""
    releases: tuple[ReleaseUse, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what uses it."""
        named = (*(one.name for one in self.playlists), *(one.name for one in self.campaigns))
        return tuple(sorted({*named, *(one.channel for one in self.channels)}))


def media_uses(
    playlists: tuple[PlaylistUse, ...], campaigns: tuple[CampaignUse, ...], channels: tuple[ChannelUse, ...]
) -> MediaUses:
    """Return the uses with what they leave empty, and their mark."""
    found = MediaUses(playlists=playlists, campaigns=campaigns, channels=channels)
    mark = hashlib.sha256(found.model_dump_json().encode()).hexdigest()[:16]
    return found.model_copy(update={"emptied": tuple(_emptied(found)), "mark": mark})


def _emptied(uses: MediaUses) -> Iterator[Emptied]:
    for playlist in uses.playlists:
        if not playlist.left:
            yield Emptied(kind="playlist", id=playlist.id, name=playlist.name)
    for campaign in uses.campaigns:
        yield from (Emptied(kind="line", id=one.id, name=one.name) for one in campaign.lines if not one.left)
        if not campaign.left:
            yield Emptied(kind="campaign", id=campaign.id, name=campaign.name)
