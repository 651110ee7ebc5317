"""Plans downloads as pure functions: what to fetch, in which order; what to copy from local files; what to evict.

What is needed first is fetched first (`sync.programme.first_need`). Inside one group (a playlist, a line) the order is
random. So the screens of one site fetch different spans at one time and can help each other; in one order, each would
fetch everything itself.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import accumulate

from sync.wire.chunk_index import Chunk, Index
from sync.wire.release import Asset, Release

FetchOrder = Callable[[Release], Iterable[Iterable[str]]]
"""Returns the assets of a release in groups, what is needed first in front; assets may be left out or named twice."""


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


def release_order(release: Release) -> Iterable[Iterable[str]]:
    """Return the assets of a release in one group: nothing is known of when they are needed."""
    return ([asset.sha256 for asset in release.assets],)


def priority_groups(order: Iterable[Iterable[str]], wanted: Collection[str]) -> Iterator[list[str]]:
    """Yield the wanted assets in the groups of `order`, each in the first one that has it; the others come last."""
    seen: set[str] = set()
    for group in (*order, wanted):
        new = [sha256 for sha256 in dict.fromkeys(group) if sha256 in wanted and sha256 not in seen]
        seen.update(new)
        yield new


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
