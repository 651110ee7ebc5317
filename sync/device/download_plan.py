"""Plans downloads as pure functions: what to fetch, in which order; what to copy from local files; what to evict.

What is shown first is fetched first. Inside one group (a playlist, or the ads) the order is random. So the screens of
one site fetch different spans at one time and can help each other; in one order, each would fetch everything itself.
"""

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

from sync.wire.chunk_index import Chunk, Index
from sync.wire.release import Asset, Release

SPAN_BYTES = 8 * 1024 * 1024
"""Most bytes of adjacent chunks in one request; a larger chunk has a request of its own."""


@dataclass(frozen=True, slots=True)
class Span:
    """Adjacent chunks of one asset, fetched by one range request."""

    asset: str
    chunks: tuple[Chunk, ...]

    @property
    def offset(self) -> int:
        """The start in the asset, in bytes."""
        return self.chunks[0].offset

    @property
    def length(self) -> int:
        """The number of bytes."""
        return sum(chunk.length for chunk in self.chunks)


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


def downloads(
    release: Release,
    indexes: Mapping[str, Index],
    local: LocalContent,
    rng: Random,
    *,
    longest_bytes: int = SPAN_BYTES,
) -> tuple[Span, ...]:
    """Return the spans to fetch, in order of first use.

    `indexes` maps assets to their chunk lists; an asset without one is left out. The order is the fallback picture,
    logos, the default playlist, the other playlists by the priority of their dayparts, then ads.
    """
    spans: list[Span] = []
    for group in _priority_groups(release):
        found = [
            span for sha256 in group if sha256 in indexes for span in _spans(indexes[sha256], local, longest_bytes)
        ]
        rng.shuffle(found)
        spans += found
    return tuple(spans)


def _priority_groups(release: Release) -> Iterator[list[str]]:
    """Yield groups of assets in order of first use; each asset of the release is in exactly one."""
    seen: set[str] = set()
    for group in _assets_by_first_use(release):
        new = [sha256 for sha256 in dict.fromkeys(group) if sha256 not in seen]
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


def _spans(index: Index, local: LocalContent, longest_bytes: int) -> Iterator[Span]:
    run: list[Chunk] = []
    length = 0
    for chunk in local.missing_chunks(index):
        if run and (chunk.number != run[-1].number + 1 or length + chunk.length > longest_bytes):
            yield Span(index.asset, tuple(run))
            run, length = [], 0
        run.append(chunk)
        length += chunk.length
    if run:
        yield Span(index.asset, tuple(run))


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
    local: Mapping[str, int], kept: Collection[Release], needed_ms: Mapping[str, int], missing_bytes: float
) -> tuple[str, ...]:
    """Return the assets to delete so that `missing_bytes` more are free; fewer if there are no more.

    `local` has the size of each asset on the device. What a release of `kept` names stays; of the others those go
    first that were needed longest ago (Unix ms).
    """
    needed = {asset.sha256 for release in kept for asset in release.assets}
    oldest = sorted(local.keys() - needed, key=lambda sha256: (needed_ms.get(sha256, 0), sha256))
    freed = accumulate((local[sha256] for sha256 in oldest), initial=0)
    return tuple(sha256 for sha256, before in zip(oldest, freed, strict=False) if before < missing_bytes)
