"""Where a media is used, with the names that people gave, and what would be left without it."""

import hashlib
from collections.abc import Iterator, Mapping, Set

from pydantic import Field

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


class HiddenUses(Wire):
    """So many plans of spaces that one may not see, of one kind: playlist, campaign or channel."""

    kind: str
    count: int


class MediaUses(Wire):
    """All uses of a media. What its removal takes along is in the first three; `emptied` would be left without content.

    What one may not see is only counted, in `elsewhere`.

    `mark` names this state of the uses: who removes the media with it removes it from these places and no others.
    Devices play their releases on whatever becomes of the plans.
    """

    playlists: tuple[PlaylistUse, ...] = ()
    campaigns: tuple[CampaignUse, ...] = ()
    channels: tuple[ChannelUse, ...] = ()
    emptied: tuple[Emptied, ...] = ()
    mark: str = ""
    releases: tuple[ReleaseUse, ...] = ()
    elsewhere: tuple[HiddenUses, ...] = Field((), exclude_if=lambda value: not value)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what uses it, and how much of other spaces does."""
        named = (*(one.name for one in self.playlists), *(one.name for one in self.campaigns))
        hidden = (f"{one.count} {one.kind}{'s' if one.count > 1 else ''} of another space" for one in self.elsewhere)
        return (*sorted({*named, *(one.channel for one in self.channels)}), *hidden)

    def as_seen(self, ids: Mapping[str, Set[str]]) -> "MediaUses":
        """Return them as those know them who may see these playlists, campaigns and channels, by kind."""
        playlists = tuple(one for one in self.playlists if one.id in ids["playlist"])
        campaigns = tuple(one for one in self.campaigns if one.id in ids["campaign"])
        channels = tuple(one for one in self.channels if one.channel in ids["channel"])
        pairs = (("playlist", self.playlists, playlists), ("campaign", self.campaigns, campaigns))
        hidden = {kind: len(every) - len(seen) for kind, every, seen in pairs}
        hidden["channel"] = len(self.channels) - len(channels)
        left = MediaUses(playlists=playlists, campaigns=campaigns, channels=channels, mark=self.mark)
        elsewhere = tuple(HiddenUses(kind=kind, count=count) for kind, count in hidden.items() if count)
        return left.model_copy(update={"emptied": tuple(_emptied(left)), "elsewhere": elsewhere})


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
