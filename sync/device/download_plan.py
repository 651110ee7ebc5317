"""Plans downloads as pure functions: what to fetch, in which order; what to copy from local files; what to evict.

What is shown first is fetched first. Inside one group (a playlist, or the ads) the order is random. So the screens of
one site fetch different spans at one time and can help each other; in one order, each would fetch everything itself.
"""

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import accumulate

from sync.wire.chunk_index import Chunk, Index
from sync.wire.release import Asset, Release


@dataclass(frozen=True, slots=True)
class Copy:
    """A chunk that another complete asset on this device contains: `source`, at `offset` bytes."""

    asset: str
    chunk: Chunk
    source: str
    offset: int


@dataclass(frozen=True, slots=True)
class LocalContent:
    """What is on the device: complete assets, and the verified chunk numbers of partial ones."""

    assets: frozenset[str] = frozenset()
    chunks: Mapping[str, AbstractSet[int]] = field(default_factory=dict)

    def missing_chunks(self, index: Index) -> tuple[Chunk, ...]:
        """Return the chunks of an asset that are not on the device, in file order."""
        if index.asset in self.assets:
            return ()
        verified = self.chunks.get(index.asset, frozenset())
        return tuple(chunk for chunk in index.chunks if chunk.number not in verified)


def missing_assets(release: Release, local: AbstractSet[str]) -> tuple[Asset, ...]:
    """Return the assets of the release that are not complete on the device, each once."""
    assets = {asset.sha256: asset for asset in release.assets}
    return tuple(asset for sha256, asset in assets.items() if sha256 not in local)


def priority_groups(release: Release, wanted: AbstractSet[str]) -> Iterator[list[str]]:
    """Yield the wanted assets in groups by their first use; each is in exactly one.

    The order is the fallback picture, logos, the default playlist, the other playlists by the priority of their
    dayparts, then ads.
    """
    seen: set[str] = set()
    for group in _assets_by_first_use(release):
        new = [sha256 for sha256 in dict.fromkeys(group) if sha256 in wanted and sha256 not in seen]
        seen.update(new)
        yield new


def _assets_by_first_use(release: Release) -> Iterator[list[str]]:
    playlists = {playlist.id: playlist for playlist in release.playlists}
    ranked = sorted(release.dayparts, key=lambda daypart: (-daypart.priority, daypart.id))
    order = [release.default_playlist, *(daypart.playlist for daypart in ranked), *playlists]
    yield [release.fallback] if release.fallback else []
    yield [overlay.asset for overlay in release.overlays if overlay.kind == "logo"]
    for name in dict.fromkeys(order):
        if name in playlists:
            yield [item.asset for item in playlists[name].items]
    for campaign in sorted(release.campaigns, key=lambda campaign: campaign.starts_at):
        yield [creative.asset for line in campaign.lines for creative in line.creatives]
    yield [asset.sha256 for asset in release.assets]


def copies(wanted: Collection[Index], places: Mapping[str, tuple[str, int]], local: LocalContent) -> tuple[Copy, ...]:
    """Return the missing chunks of `wanted` that complete assets on this device contain.

    `places` says where: by the hash of a chunk the asset, and the offset in it.
    """
    return tuple(
        Copy(index.asset, chunk, *places[chunk.sha256])
        for index in wanted
        for chunk in local.missing_chunks(index)
        if chunk.sha256 in places
    )


def evictions(
    local: Mapping[str, int], needed: AbstractSet[str], needed_ms: Mapping[str, int], missing_bytes: float
) -> tuple[str, ...]:
    """Return the assets to delete so that `missing_bytes` more are free; fewer if there are no more.

    `local` has the size of each asset on the device. What is `needed` stays; of the others those go first
    that were needed longest ago (Unix ms).
    """
    oldest = sorted(local.keys() - needed, key=lambda sha256: (needed_ms.get(sha256, 0), sha256))
    freed = accumulate((local[sha256] for sha256 in oldest), initial=0)
    return tuple(sha256 for sha256, before in zip(oldest, freed, strict=False) if before < missing_bytes)
