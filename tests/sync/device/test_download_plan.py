"""Properties of the plan: nothing is missing, nothing is fetched twice, nothing needed is evicted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.device.download_plan import (
    LocalContent,
    copies,
    evictions,
    missing_assets,
    priority_groups,
)
from sync.device.transfer.spans import Span, longest_span_bytes, next_request, spans
from sync.wire.chunk_index import MIB, Chunk, Index
from sync.wire.release import Asset, Item, MediaKind, Playlist, Release
from tests.sync.file_tree_origin import EPOCH


def name(number: int) -> str:
    return f"{number:064x}"


def index_of(number: int, lengths: list[int]) -> Index:
    chunks, offset = [], 0
    for at, length in enumerate(lengths):
        chunks.append(Chunk(at, offset, length, name(number * 1000 + at)))
        offset += length
    return Index(name(number), offset, tuple(chunks))


def asset_of(index: Index) -> Asset:
    return Asset(
        sha256=index.asset,
        size_bytes=index.size_bytes,
        index=name(int(index.asset, 16) + 500_000),
        kind=MediaKind.PICTURE,
        media_type="image/png",
        width=1,
        height=1,
    )


def playlist_of(id: str, assets: list[Asset]) -> Playlist:
    items = tuple(Item(id=f"{id}-{n}", title="x", asset=asset.sha256) for n, asset in enumerate(assets))
    return Playlist(id=id, name=id, items=items)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Release, dict[str, Index], LocalContent]:
    count = draw(st.integers(1, 6))
    indexes = {}
    for number in range(1, count + 1):
        lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=12))
        indexes[name(number)] = index_of(number, lengths)
    assets = tuple(asset_of(index) for index in indexes.values())
    playlists = tuple(playlist_of(f"p{n}", draw(st.lists(st.sampled_from(assets), max_size=4))) for n in range(3))
    release = Release(
        channel="main",
        created_at=EPOCH,
        assets=assets,
        playlists=playlists,
        default_playlist=draw(st.sampled_from(["p0", "p1", None])),
        fallback=draw(st.sampled_from([None, assets[0].sha256])),
    )
    whole = draw(st.frozensets(st.sampled_from(sorted(indexes))))
    held = {asset: draw(st.frozensets(st.integers(0, len(index.chunks) - 1))) for asset, index in indexes.items()}
    return release, indexes, LocalContent(whole, held)


@settings(max_examples=50, deadline=None)
@given(worlds(), st.integers(1, 100))
def test_each_missing_chunk_is_planned_exactly_once_and_no_other(
    world: tuple[Release, dict[str, Index], LocalContent], longest: int
) -> None:
    release, indexes, held = world
    wanted = [asset.sha256 for asset in missing_assets(release, held.assets)]
    order = [[item.asset for item in playlist.items] for playlist in release.playlists]
    groups = [name for group in priority_groups(order, wanted) for name in group]
    assert sorted(groups) == sorted(wanted)
    for name in wanted:
        missing = held.missing_chunks(indexes[name])
        assert [c for span in spans(name, missing, longest) for c in span.chunks] == list(missing)


@settings(max_examples=50, deadline=None)
@given(worlds(), st.integers(1, 100))
def test_a_span_has_adjacent_chunks_within_its_limit_unless_one_chunk_is_larger(
    world: tuple[Release, dict[str, Index], LocalContent], longest: int
) -> None:
    _, indexes, held = world
    for span in (s for name, index in indexes.items() for s in spans(name, held.missing_chunks(index), longest)):
        numbers = [chunk.number for chunk in span.chunks]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert span.length <= longest or len(span.chunks) == 1
        assert span.offset == span.chunks[0].offset


@settings(max_examples=50, deadline=None)
@given(worlds(), st.integers(1, 100), st.frozensets(st.integers(0, 11)))
def test_a_request_and_what_is_left_are_the_chunks_that_nobody_has_or_fetches(
    world: tuple[Release, dict[str, Index], LocalContent], longest: int, busy: frozenset[int]
) -> None:
    for name, index in world[1].items():
        left: Span | None = Span(name, index.chunks)
        asked: list[int] = []
        while left is not None:
            first, left = next_request(left, busy, longest)
            asked += [chunk.number for chunk in first.chunks] if first else []
        assert asked == [chunk.number for chunk in index.chunks if chunk.number not in busy]


@pytest.mark.parametrize(
    ("bytes_s", "length"), [(0, 8 * MIB), (1, 65536), (2000, 65536), (100_000, 800_000), (1e9, 8 * MIB)]
)
def test_requests_are_shorter_on_a_slow_line(bytes_s: float, length: int) -> None:
    assert longest_span_bytes(bytes_s) == length


@pytest.mark.parametrize(
    ("bytes_s", "waiting", "length"),
    [
        (2 * MIB, [8, 8], 2 * MIB),  # no shorter than a second
        (2 * MIB, [8] * 8, 4 * MIB),
        (2 * MIB, [8] * 16, 8 * MIB),
        (100 * MIB, [8, 8], 8 * MIB),  # nobody waits for long
        (1, [8], 65536),
        (0, [8], 8 * MIB),  # not known
    ],
)
def test_the_last_requests_are_shorter_so_that_all_connections_end_together(
    bytes_s: float, waiting: list[int], length: int
) -> None:
    left = [Span("a", (Chunk(0, 0, mib * MIB, "a"),)) for mib in waiting]
    assert longest_span_bytes(bytes_s, [None, *left]) == length


def test_each_wanted_asset_is_in_the_first_group_that_has_it_and_the_others_come_last() -> None:
    order = [("a", "b", "a"), (), ("c", "stream"), ("b", "d")]
    assert list(priority_groups(order, ("e", "d", "c", "b"))) == [["b"], [], ["c"], ["d"], ["e"]]


@settings(max_examples=50, deadline=None)
@given(worlds(), st.dictionaries(st.integers(0, 8999).map(name), st.integers(0, 99)))
def test_each_missing_chunk_that_is_somewhere_is_copied_from_there(
    world: tuple[Release, dict[str, Index], LocalContent], offsets: dict[str, int]
) -> None:
    _, indexes, held = world
    places = {chunk: (name(99), offset) for chunk, offset in offsets.items()}
    found = copies(tuple(indexes.values()), places, held)
    assert all((copy.source, copy.offset) == places[copy.chunk.sha256] for copy in found)
    assert {(copy.asset, copy.chunk.number) for copy in found} == {
        (asset, chunk.number)
        for asset, index in indexes.items()
        for chunk in held.missing_chunks(index)
        if chunk.sha256 in offsets
    }


@settings(max_examples=50, deadline=None)
@given(worlds(), worlds(), st.dictionaries(st.integers(1, 9).map(name), st.integers(0, 99)), st.integers(-5, 60))
def test_eviction_takes_what_no_release_names_oldest_first_and_no_more_than_it_must(
    one: tuple[Release, dict[str, Index], LocalContent],
    other: tuple[Release, dict[str, Index], LocalContent],
    needed: dict[str, int],
    missing_bytes: int,
) -> None:
    held = {name(n): 2 * n for n in range(1, 10)}
    named = {asset.sha256 for release in (one[0], other[0]) for asset in release.assets}
    gone = evictions(held, named, needed, missing_bytes)
    spare = held.keys() - named
    assert set(gone) <= spare
    assert [needed.get(asset, 0) for asset in gone] == sorted(needed.get(asset, 0) for asset in gone)
    assert all(needed.get(asset, 0) >= max((needed.get(a, 0) for a in gone), default=0) for asset in spare - set(gone))
    freed = sum(held[asset] for asset in gone)
    assert freed >= missing_bytes or set(gone) == spare
    assert not gone or freed - held[gone[-1]] < missing_bytes


@settings(max_examples=50, deadline=None)
@given(worlds())
def test_an_asset_named_twice_is_listed_once(world: tuple[Release, dict[str, Index], LocalContent]) -> None:
    release, _, held = world
    doubled = release.model_copy(update={"assets": release.assets * 2})
    assert missing_assets(doubled, held.assets) == missing_assets(release, held.assets)
