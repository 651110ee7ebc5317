"""Where assets are cut: by content if the compiled chunker is here, at fixed lengths if not; a known list stays."""

import hashlib
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random

import pytest

from sync.origin.ingest import chunker
from sync.origin.ingest.asset_builder import divide_asset, store_asset
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.transcode.transcode_job import MadeMedia
from sync.trust.acceptance import check_index
from sync.wire.chunk_index import MIB, Index, dump_index, index_file
from sync.wire.content_paths import index_path
from sync.wire.release import MediaKind

KIB = 1024
by_content = pytest.mark.skipif(not chunker.divides_by_content(), reason="the compiled pyfastcdc has no wheel here")


@cache
def noise(length: int, seed: int = 1) -> bytes:
    return Random(seed).randbytes(length)


def divided(content: bytes) -> Index:
    index = chunker.divide(BytesIO(content), len(content))
    offset = 0
    for number, chunk in enumerate(index.chunks):
        piece = content[chunk.offset : chunk.offset + chunk.length]
        assert (chunk.number, chunk.offset, chunk.length) == (number, offset, len(piece))
        assert chunk.sha256 == hashlib.sha256(piece).hexdigest()
        offset += chunk.length
    assert (index.asset, index.size_bytes, offset) == (hashlib.sha256(content).hexdigest(), len(content), len(content))
    return index


def fetched(old: bytes, new: bytes) -> int:
    """Return how many bytes of `new` a device with `old` fetches."""
    known = {chunk.sha256 for chunk in divided(old).chunks}
    return sum(chunk.length for chunk in divided(new).chunks if chunk.sha256 not in known)


def box(kind: bytes, content: bytes = b"", *, length: int | None = None, long: bool = False) -> bytes:
    size = len(content) + 8 + 8 * long if length is None else length
    head = (1).to_bytes(4) + kind + size.to_bytes(8) if long else size.to_bytes(4) + kind
    return head + content


@by_content
def test_the_cuts_are_those_of_every_version() -> None:
    lengths = [chunk.length for chunk in divided(noise(MIB)).chunks]
    assert lengths == [182265, 22102, 27575, 178776, 160244, 249846, 105571, 99567, 22630]


@by_content
@pytest.mark.parametrize(
    ("edit", "most"),
    [
        pytest.param(lambda old: old[: 3 * MIB] + b"x" + old[3 * MIB :], 400, id="inserted"),
        pytest.param(lambda old: old[: 3 * MIB] + old[3 * MIB + 999 :], 400, id="removed"),
        pytest.param(lambda old: old[: 3 * MIB] + bytes(999) + old[3 * MIB + 999 :], 400, id="overwritten"),
        pytest.param(lambda old: old[5 * MIB :] + old[: 5 * MIB], 700, id="rotated"),
        pytest.param(lambda old: old + b"x", 400, id="appended"),
        pytest.param(lambda old: old[777:], 400, id="start removed"),
        pytest.param(lambda old: old + old, 400, id="doubled"),
    ],
)
def test_an_edit_costs_the_chunks_around_it(edit: object, most: int) -> None:
    old = noise(8 * MIB)
    assert fetched(old, edit(old)) <= most * KIB  # type: ignore[operator]


@pytest.mark.parametrize(
    ("size_bytes", "average"),
    [(1, 128 * KIB), (128 * MIB, 128 * KIB), (128 * MIB + 1, 256 * KIB), (256 * MIB + 1, 512 * KIB),
     (1024 * MIB, MIB), (1024 * MIB + 1, 2 * MIB)],
)  # fmt: skip
def test_the_average_doubles_with_the_file(size_bytes: int, average: int) -> None:
    assert chunker.average_bytes(size_bytes) == average


@by_content
def test_no_content_has_more_chunks_than_a_list_may(monkeypatch: pytest.MonkeyPatch) -> None:
    content = noise(4 * MIB)
    for most in (40, 20, 9, 4):
        monkeypatch.setattr(chunker, "MOST_CHUNKS", most)
        assert len(divided(content).chunks) <= most
    monkeypatch.setattr(chunker, "MOST_CHUNKS", 0)
    assert divided(content) == index_file(BytesIO(content), len(content))


@pytest.mark.parametrize("size_bytes", [0, 1, 256 * KIB])
def test_a_small_asset_is_one_chunk(size_bytes: int) -> None:
    assert len(divided(noise(size_bytes)).chunks) == min(size_bytes, 1)


def test_without_the_compiled_chunker_chunks_have_one_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunker, "_COMPILED", False)
    assert [chunk.length for chunk in divided(noise(3 * MIB + 5)).chunks] == [MIB, MIB, MIB, 5]
    assert "fixed" in chunker.describe_chunker()


MOOV, MDAT = noise(100 * KIB, 2), noise(900 * KIB, 3)


@by_content
@pytest.mark.parametrize("long", [False, True])
def test_the_table_of_an_mp4_takes_no_media_data_along(long: bool) -> None:
    head, data = box(b"ftyp", b"isom"), box(b"mdat", MDAT, long=long)
    old, new = head + box(b"moov", MOOV) + data, head + box(b"moov", MOOV[50:]) + data
    changed = len(new) - len(MDAT)
    assert fetched(old, new) == changed  # at the start
    assert fetched(old, head + data + box(b"moov", MOOV)) == changed + 50  # moved to the end


@pytest.mark.parametrize(
    ("content", "edges"),
    [
        (box(b"ftyp") + box(b"mdat", bytes(20)) + box(b"moov", bytes(9)), (16, 36)),
        (box(b"ftyp") + box(b"moov", bytes(9)) + box(b"mdat", bytes(20)), (33,)),
        (box(b"ftyp") + box(b"mdat", bytes(20), length=0), (16,)),  # to the end of the file
        (box(b"ftyp") + box(b"mdat", bytes(20), long=True) + box(b"free"), (24, 44)),
        (box(b"ftyp") + box(b"mdat", bytes(20)) + box(b"moof") + box(b"mdat", bytes(20)), (16, 36)),  # in fragments
        (box(b"ftyp") + box(b"mdat", bytes(20), length=900), ()),  # longer than the file
        (box(b"ftyp") + box(b"mdat", bytes(20), length=3), ()),
        (box(b"ftyp") + box(b"mdat", length=9, long=True), ()),
        (box(b"ftyp") + (1).to_bytes(4) + b"mdat\x00", ()),  # the file ends in the head
        (box(b"mdat", bytes(20)) + box(b"ftyp"), ()),  # no MP4 file
        (box(b"ftyp") + box(b"free") * 100 + box(b"mdat", bytes(9)), ()),
        (b"\xff\xd8\xff\xe0" + bytes(50), ()),
        (b"ftyp", ()),
        (b"", ()),
    ],
)
def test_where_media_data_begin_and_end(content: bytes, edges: tuple[int, ...]) -> None:
    assert chunker.media_data_edges(BytesIO(content), len(content)) == edges


@pytest.fixture
def files(tmp_path: Path) -> DataFolder:
    files = DataFolder(tmp_path / "data")
    files.prepare()
    return files


def made(tmp_path: Path, content: bytes) -> MadeMedia:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    return MadeMedia(path, path, MediaKind.VIDEO, "video/mp4", 16, 9, 4000, False)


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("rule", [chunker.divide_evenly, chunker.divide])
def test_an_asset_keeps_the_list_it_had(
    files: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: object, lost: bool
) -> None:
    content = noise(3 * MIB)
    old = dump_index(rule(BytesIO(content), len(content)))  # type: ignore[operator]
    listed = hashlib.sha256(old).hexdigest()
    if not lost:
        files.put(index_path(listed), old)
    media = made(tmp_path, content)
    asset = store_asset(files, media, divide_asset(media), listed)
    assert asset.index == listed
    assert files.has_asset(asset)
    assert check_index((files.content / index_path(listed)).read_bytes(), asset).asset == asset.sha256


@pytest.mark.parametrize("stored", [b"", b"no list", None])
def test_a_list_that_no_rule_gives_is_replaced(files: DataFolder, tmp_path: Path, stored: bytes | None) -> None:
    if stored is not None:
        files.put(index_path("a" * 64), stored)
    media = made(tmp_path, noise(MIB))
    assert files.has_asset(asset := store_asset(files, media, divide_asset(media), "a" * 64))
    assert asset.index != "a" * 64
