"""The test vectors of `docs/content-format.md`: what another implementation makes is accepted or refused as it says."""

import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from sync.device.store.content_store import ContentStore
from sync.errors import CorruptContent, Outdated, Untrusted
from sync.origin.ingest.chunker import divide, divides_by_content
from sync.trust.acceptance import Known, check_index, check_release, check_root, check_timestamp
from sync.trust.signing import next_root, open_envelope, pin_root, read_timestamp, root_fingerprint
from sync.wire.chunk_index import dump_index, one_chunk_index
from sync.wire.content_paths import asset_path, index_path, release_path, root_path, timestamp_path
from sync.wire.release import ROOT_CAP_BYTES, TIMESTAMP_CAP_BYTES, Root, Timestamp
from tests.fakes import FakeClock
from tests.sync.conftest import running
from tests.sync.file_tree_origin import Origin
from tests.sync.wire.content_vectors import FOLDER, noise, refused, sha256, tree

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def stored(path: str) -> bytes:
    return (FOLDER / path).read_bytes()


def test_the_stored_vectors_are_those_that_are_made() -> None:
    paths = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    made = tree() | refused()
    assert paths == made.keys() | {"cuts.json"}
    assert {path: stored(path) for path in made} == made


def accepted(known: Known) -> tuple[Root, Timestamp]:
    first = pin_root(open_envelope(stored(root_path(1)), ROOT_CAP_BYTES))
    root = next_root(first, open_envelope(stored(root_path(2)), ROOT_CAP_BYTES))
    check_root(root, known)
    timestamp = read_timestamp(root, open_envelope(stored(timestamp_path("main")), TIMESTAMP_CAP_BYTES))
    check_timestamp(timestamp, "main", known)
    return root, timestamp


def test_the_tree_is_accepted_step_by_step() -> None:
    _, timestamp = accepted(Known(NOW, synchronised=True))
    release = check_release(stored(release_path(timestamp.release)), timestamp)
    one, three = release.assets
    for asset, chunks in ((one, 1), (three, 3)):
        index = check_index(stored(index_path(asset.index)), asset)
        assert len(index.chunks) == chunks
        content = stored(asset_path(asset.sha256))
        assert all(sha256(content[c.offset : c.offset + c.length]) == c.sha256 for c in index.chunks)
    assert one_chunk_index(one) is not None and one_chunk_index(three) is None


async def test_a_device_plays_the_tree(origin: Origin, store: ContentStore) -> None:
    for path, raw in tree().items():
        origin.publisher.write(path, raw)
    store.save_root(stored(root_path(1)))
    async with running(origin, store, clock=FakeClock(NOW), pin=False) as device:
        await device.until(lambda: device.syncer.facts().sequence == 7)
    assert len(store.media.assets()) == 2


@pytest.mark.parametrize("path", sorted(refused()), ids=str)
def test_what_no_client_accepts(path: str) -> None:
    _, kind, _ = path.split("/")
    known = Known(NOW, synchronised=True)
    root, timestamp = accepted(known)
    raw = stored(path)
    with pytest.raises((Untrusted, Outdated, CorruptContent)):
        if kind == "timestamp":
            found = read_timestamp(root, open_envelope(raw, TIMESTAMP_CAP_BYTES))
            check_timestamp(found, "main", Known(NOW, synchronised=True, floor=timestamp))
        elif kind == "root":
            next_root(root, open_envelope(raw, ROOT_CAP_BYTES))
        else:
            _, three = check_release(stored(release_path(timestamp.release)), timestamp).assets
            check_index(raw, three.model_copy(update={"index": sha256(raw)}))


@pytest.mark.skipif(not divides_by_content(), reason="the compiled pyfastcdc has no wheel here")
@pytest.mark.parametrize(("size", "lengths"), json.loads((FOLDER / "cuts.json").read_text()).items())
def test_an_origin_cuts_by_the_rules(size: str, lengths: list[int]) -> None:
    content = noise(int(size))
    index = divide(BytesIO(content), len(content))
    assert [chunk.length for chunk in index.chunks] == lengths
    assert len(dump_index(index)) == 50 + 36 * len(lengths)


def test_the_page_names_the_vectors_and_the_fingerprint() -> None:
    page = (Path(__file__).parents[3] / "docs/content-format.md").read_text()
    assert str(FOLDER.relative_to(Path(__file__).parents[3])) in page
    assert root_fingerprint(pin_root(open_envelope(stored(root_path(1)), ROOT_CAP_BYTES))) in page
