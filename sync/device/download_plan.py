"""Pure: what to download, in which order; what can be copied from files already held; what may be evicted.

Order is the order of first need. Inside a class (one playlist, or the ads) it is random, so that eight screens of one
site ask for different things and can help each other: in the same order they would load everything eight times.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from random import Random

from sync.wire.chunk_index import Chunk, Index
from sync.wire.release import Asset, Release

SPAN_BYTES = 8 * 1024 * 1024
"""Most bytes of neighbouring chunks asked for in one request; a single larger chunk is asked for alone."""


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring chunks of one asset, fetched by one range request."""

    asset: str
    chunks: tuple[Chunk, ...]

    @property
    def offset(self) -> int:
        """Return where it starts in the asset, in bytes."""
        return self.chunks[0].offset

    @property
    def length(self) -> int:
        """Return how many bytes it has."""
        return sum(chunk.length for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class Copy:
    """A chunk some other whole asset on this device holds: `source` at `offset`."""

    asset: str
    chunk: Chunk
    source: str
    offset: int


@dataclass(frozen=True, slots=True)
class LocalContent:
    """What is on the device: whole assets, and verified chunk numbers of those under way."""

    assets: frozenset[str] = frozenset()
    chunks: Mapping[str, AbstractSet[int]] = field(default_factory=dict)

    def lacks(self, index: Index) -> tuple[Chunk, ...]:
        """Return the chunks of an asset still to come, in file order."""
        if index.asset in self.assets:
            return ()
        held = self.chunks.get(index.asset, frozenset())
        return tuple(chunk for chunk in index.chunks if chunk.number not in held)


def missing(release: Release, held: AbstractSet[str]) -> tuple[Asset, ...]:
    """Return the assets the release needs and the device does not have whole, each once."""
    assets = {asset.sha256: asset for asset in release.assets}
    return tuple(asset for sha256, asset in assets.items() if sha256 not in held)


def downloads(
    release: Release,
    indexes: Mapping[str, Index],
    held: LocalContent,
    rng: Random,
    *,
    soonest: Sequence[str] = (),
    longest_bytes: int = SPAN_BYTES,
) -> tuple[Span, ...]:
    """Return the spans to fetch, in order.

    `indexes` maps assets to their chunk lists; an asset without one is left out. `soonest` names playlists known to be
    on air first; the default playlist follows them, then the rest as dayparts rank them, then ads.
    """
    spans: list[Span] = []
    for group in _classes(release, soonest):
        found = [span for sha256 in group if sha256 in indexes for span in _spans(indexes[sha256], held, longest_bytes)]
        rng.shuffle(found)
        spans += found
    return tuple(spans)


def _classes(release: Release, soonest: Sequence[str]) -> Iterator[list[str]]:
    """Yield groups of assets in order of first need; every asset of the release is in exactly one."""
    seen: set[str] = set()
    for group in _needs(release, soonest):
        new = [sha256 for sha256 in dict.fromkeys(group) if sha256 not in seen]
        seen.update(new)
        yield new


def _needs(release: Release, soonest: Sequence[str]) -> Iterator[list[str]]:
    playlists = {playlist.id: playlist for playlist in release.playlists}
    ranked = sorted(release.dayparts, key=lambda daypart: (-daypart.priority, daypart.id))
    order = [*soonest, release.default_playlist, *(daypart.playlist for daypart in ranked), *playlists]
    yield [release.fallback] if release.fallback else []
    yield [overlay.asset for overlay in release.overlays if overlay.kind == "logo"]
    for name in dict.fromkeys(order):
        if name in playlists:
            yield [item.asset for item in playlists[name].items]
    for campaign in sorted(release.campaigns, key=lambda campaign: campaign.starts_at):
        yield [creative.asset for line in campaign.lines for creative in line.creatives]
    yield [asset.sha256 for asset in release.assets]


def _spans(index: Index, held: LocalContent, longest_bytes: int) -> Iterator[Span]:
    run: list[Chunk] = []
    length = 0
    for chunk in held.lacks(index):
        if run and (chunk.number != run[-1].number + 1 or length + chunk.length > longest_bytes):
            yield Span(index.asset, tuple(run))
            run, length = [], 0
        run.append(chunk)
        length += chunk.length
    if run:
        yield Span(index.asset, tuple(run))


def copies(wanted: Collection[Index], sources: Collection[Index], held: LocalContent) -> tuple[Copy, ...]:
    """Return the missing chunks of `wanted` that whole assets on this device hold, wherever they lie in them.

    `sources` are chunk lists of older assets; those not held whole are passed over.
    """
    shelf = {
        chunk.sha256: (index.asset, chunk.offset)
        for index in sources
        if index.asset in held.assets
        for chunk in index.chunks
    }
    return tuple(
        Copy(index.asset, chunk, *shelf[chunk.sha256])
        for index in wanted
        for chunk in held.lacks(index)
        if chunk.sha256 in shelf
    )


def evictions(held: AbstractSet[str], kept: Collection[Release], needed_ms: Mapping[str, int]) -> tuple[str, ...]:
    """Return what may go, the longest unneeded first: never anything the active, previous or pending release names."""
    precious = {asset.sha256 for release in kept for asset in release.assets}
    return tuple(sorted(held - precious, key=lambda sha256: (needed_ms.get(sha256, 0), sha256)))
