"""Pure: what releases name, so that a play of something that none of them named is noticed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sync.wire.release import Asset, Creative, Item, MediaKind, Release


@dataclass(frozen=True, slots=True)
class ReleaseContent:
    """One thing that a release shows, as an item or as an ad; what does not apply is empty.

    `longest_ms` 0: only the device knows when it ends, as of a picture without a duration or a stream.
    """

    asset: str
    item: str
    campaign: str
    line: str
    creative: str
    longest_ms: int


ShownAssets = Mapping[str, Sequence[ReleaseContent]]
"""What was shown of each asset."""


@dataclass(frozen=True, slots=True)
class KnownRelease:
    """A published release. `contents`: what its channel ever showed of each asset asked for; None: unknown."""

    channel: str
    created_ms: int
    contents: ShownAssets | None


def contents_of(release: Release) -> frozenset[ReleaseContent]:
    """Return all that a release shows."""
    return frozenset((*_items(release), *_ads(release)))


def _items(release: Release) -> Iterator[ReleaseContent]:
    assets = {asset.sha256: asset for asset in release.assets}
    for playlist in release.playlists:
        for item in playlist.items:
            yield ReleaseContent(item.asset, item.id, "", "", "", _longest_ms(assets, item))


def _ads(release: Release) -> Iterator[ReleaseContent]:
    assets = {asset.sha256: asset for asset in release.assets}
    for campaign in release.campaigns:
        for line in campaign.lines:
            for one in line.creatives:
                yield ReleaseContent(one.asset, "", campaign.id, line.id, one.id, _longest_ms(assets, one))


def _longest_ms(assets: Mapping[str, Asset], content: Item | Creative) -> int:
    """Return how long it is shown at most, as `sync.programme.next_take.Scene.length_ms` plans it."""
    asset, loops = assets.get(content.asset), isinstance(content, Item) and content.loop
    ends_itself = asset is not None and asset.kind is MediaKind.VIDEO and not loops
    length_ms = asset.duration_ms if asset and ends_itself else None
    return min((ms for ms in (content.duration_ms, length_ms) if ms is not None), default=0)
