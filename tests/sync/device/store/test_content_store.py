"""The files of a device: old or new content after any fault, and only verified content under a hash."""

import errno
import hashlib
import os
import shutil
import stat
from pathlib import Path

import pytest

from sync.device.store.content_store import BALLAST_BYTES, ContentStore, open_content_store
from sync.device.store.partial_file import PartialFile, dump_bitmap, load_bitmap, open_partial_file
from sync.errors import Conflict, CorruptContent, NotFound, StorageBroken, StorageFull
from sync.runtime.durable_files import write_durably
from sync.wire.chunk_index import Index
from tests.sync.device.disk.damage import Damage, deleted, folder, link, pipe
from tests.sync.file_tree_origin import CHUNK, Publisher, cut_into, noise, release_of


def begun(store: ContentStore, content: bytes, bitmap: bytes = b"") -> tuple[Index, PartialFile]:
    index = cut_into(content)
    return index, open_partial_file(store.media.part_path(index.asset), index, bitmap, "0" * 64)


def fill(part: PartialFile, content: bytes, numbers: range | None = None) -> None:
    for number in numbers if numbers is not None else range(len(part.index.chunks)):
        chunk = part.index.chunks[number]
        part.write(chunk, memoryview(content)[chunk.offset : chunk.offset + chunk.length])


def test_a_file_is_replaced_completely_and_with_the_given_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_durably(path, b"old")
    write_durably(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("fault", "error"),
    [(errno.ENOSPC, StorageFull), (errno.EFBIG, StorageFull), (errno.EDQUOT, StorageFull), (errno.EIO, StorageBroken)],
)
def test_a_fault_while_writing_leaves_the_old_file_and_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int, error: type[Exception]
) -> None:
    path = tmp_path / "file"
    write_durably(path, b"old")

    def fsync(descriptor: int) -> None:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(error):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_order_of_a_durable_write_is_data_then_name_then_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "data")
        fsync(descriptor)

    def noted_replace(self: Path, target: Path) -> Path:
        steps.append("name")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_durably(tmp_path / "file", b"x")
    assert steps == ["data", "name", "folder"]


def test_only_one_process_can_lock_the_state(tmp_path: Path) -> None:
    with open_content_store(tmp_path), pytest.raises(Conflict, match="already uses"), open_content_store(tmp_path):
        pass
    with open_content_store(tmp_path):
        pass


@pytest.mark.parametrize("damage", [deleted, folder, link, pipe], ids=lambda it: it.__name__)
def test_a_second_process_is_refused_also_without_the_lock_file(tmp_path: Path, damage: Damage) -> None:
    with open_content_store(tmp_path) as store:
        damage(store.state / "lock")
        with pytest.raises(Conflict, match="already uses"), open_content_store(tmp_path):
            pass


def test_folders_that_are_missing_or_no_folders_are_made_again(tmp_path: Path) -> None:
    with open_content_store(tmp_path) as store:
        folders = store.folders()
    shutil.rmtree(store.store)
    store.store.write_bytes(b"a file")
    with open_content_store(tmp_path):
        assert all(folder.is_dir() for folder in folders)
        assert (tmp_path / "store.aside").read_bytes() == b"a file"


def test_opening_deletes_incomplete_files_and_no_others(tmp_path: Path) -> None:
    with open_content_store(tmp_path) as store:
        litter = store.state / ".active.x7.tmp"
        litter.write_bytes(b"half")
        other = store.state / "config.json"
        other.write_bytes(b"{}")
    with open_content_store(tmp_path) as store:
        assert not litter.exists()
        assert other.exists()
        assert (store.state / "ballast").stat().st_size == BALLAST_BYTES


def test_the_active_release_is_read_from_files_without_a_database(store: ContentStore, publisher: Publisher) -> None:
    assert store.active() is None
    raw = release_of((publisher.asset(noise(1, 100)),)).model_dump_json().encode()
    name = hashlib.sha256(raw).hexdigest()
    store.save_release(name, raw)
    store.activate(name, 7)
    active = store.active()
    assert active is not None
    assert (active.sha256, active.sequence) == (name, 7)
    assert not store.catalog_path.exists()


def test_the_previous_release_replaces_a_damaged_active_one(store: ContentStore, publisher: Publisher) -> None:
    names = []
    for seed in (1, 2):
        raw = release_of((publisher.asset(noise(seed, 100)),)).model_dump_json().encode()
        names.append(hashlib.sha256(raw).hexdigest())
        store.save_release(names[-1], raw)
        store.activate(names[-1], seed)
    path = store.store / "releases" / f"{names[1]}.json"
    path.write_bytes(path.read_bytes()[:-10])
    active = store.active()
    assert active is not None
    assert (active.sha256, active.sequence) == (names[0], 0)


@pytest.mark.parametrize(
    ("left", "why"),
    [(None, "no state/active says what plays"), (b"{", "state/active is damaged"), (b"", "state/active is empty")],
)
def test_a_release_that_plays_without_a_pointer_is_told_with_the_reason(
    store: ContentStore, caplog: pytest.LogCaptureFixture, left: bytes | None, why: str
) -> None:
    raw = release_of(()).model_dump_json().encode()
    store.save_release(hashlib.sha256(raw).hexdigest(), raw)
    if left is not None:
        (store.state / "active").write_bytes(left)
    assert store.repair() and not store.repair()
    assert f"plays from now on: {why}" in caplog.text.replace(f"{store.state}", "state")


@pytest.mark.parametrize("garbage", [b"", b"{", b"\xff" * 100, b'{"release": "../../x", "sequence": 1}', b"[" * 70_000])
def test_a_damaged_pointer_means_no_active_release(store: ContentStore, garbage: bytes) -> None:
    (store.state / "active").write_bytes(garbage)
    assert store.active() is None


def test_activating_the_same_release_again_keeps_the_previous_one(store: ContentStore) -> None:
    store.activate("a" * 64, 1)
    store.activate("b" * 64, 2)
    store.activate("b" * 64, 3)
    pointer = store.pointer()
    assert pointer is not None
    assert (pointer.release, pointer.sequence, pointer.previous) == ("b" * 64, 3, "a" * 64)


@pytest.mark.parametrize(
    "name", ["../state/lock", "/etc/passwd", "", "a" * 63, "A" * 64, "a" * 64 + "\n", "a\0b", "x" * 300]
)
def test_a_name_that_is_not_a_hash_is_never_used_as_a_path(store: ContentStore, name: str) -> None:
    assert not store.has_asset(name)
    with pytest.raises(NotFound):
        store.asset_path(name)


def test_a_link_in_the_store_is_not_content(store: ContentStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    name = hashlib.sha256(b"secret").hexdigest()
    (store.store / "assets" / name).symlink_to(secret)
    assert not store.has_asset(name)
    assert name not in store.media.assets()
    (store.store / "parts" / name).symlink_to(secret)
    open_partial_file(store.media.part_path(name), cut_into(b"secret"), b"", "0" * 64)  # put out of the way
    store.prepare()
    assert not (store.store / "parts" / name).is_symlink()
    assert not (store.store / "assets" / name).is_symlink()
    assert secret.read_bytes() == b"secret"


def test_a_partial_file_accepts_only_matching_chunks_and_becomes_an_asset(store: ContentStore) -> None:
    content = noise(1, 3 * CHUNK + 5)
    index, part = begun(store, content)
    with pytest.raises(CorruptContent):
        part.write(index.chunks[0], memoryview(content)[1 : CHUNK + 1])
    assert part.verified() == frozenset()
    fill(part, content)
    assert part.missing() == ()
    assert load_bitmap(part.saved(part.written()), 4) == {0, 1, 2, 3}
    assert not part.has_unsaved()
    store.media.admit({index.asset: len(content)})
    path = store.asset_path(index.asset)
    assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert store.media.parts() == frozenset()


def test_chunks_without_a_bit_are_found_again_on_the_disk(store: ContentStore) -> None:
    content = noise(1, 8 * CHUNK)
    _, part = begun(store, content)
    fill(part, content, range(2, 5))
    _, again = begun(store, content, dump_bitmap(frozenset({3}), 8))
    assert again.verified() == {2, 3, 4}
    assert again.written().unsaved == {2, 4}


def test_a_partial_file_of_another_size_is_started_again(store: ContentStore) -> None:
    content = noise(1, 2 * CHUNK)
    index = cut_into(content)
    store.media.part_path(index.asset).write_bytes(b"short")
    _, part = begun(store, content, dump_bitmap(frozenset({0, 1}), 2))
    assert part.verified() == frozenset()


def test_a_partial_file_that_does_not_fit_is_deleted(store: ContentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageFull):
        begun(store, noise(1, 2 * CHUNK))
    assert store.media.parts() == frozenset()


def test_an_asset_that_is_damaged_becomes_a_partial_file_unless_another_has_taken_its_place(
    store: ContentStore,
) -> None:
    for name, content in ((hashlib.sha256(b"good").hexdigest(), b"good"), ("e" * 64, b"rotten")):
        (store.store / "assets" / name).write_bytes(content)
        assert store.media.recheck(name) is (content == b"good")
    store.media.take_off("e" * 64, "another stamp")
    assert store.has_asset("e" * 64)
    store.media.take_off("e" * 64, store.media.stamp("e" * 64))
    assert not store.has_asset("e" * 64) and store.media.parts() == {"e" * 64} == store.media.damaged
