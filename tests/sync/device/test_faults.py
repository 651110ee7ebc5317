"""Faults of network, server and disk: verified content stays, and other content is never used."""

import errno
import hashlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sync.device.store.content_store import BALLAST_BYTES, ContentStore
from sync.device.store.partial_file import PartialFile
from sync.errors import StorageFull
from sync.runtime.durable_files import storage_error
from sync.wire.release import Asset
from tests.sync.conftest import running
from tests.sync.device.test_syncer import whole
from tests.sync.file_tree_origin import CHANNEL, CHUNK, Origin, noise


async def test_an_origin_that_is_down_at_the_start_is_asked_again(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 5000))
    await origin.stop()
    async with running(origin, store) as device:
        await device.until(lambda: device.syncer.facts().state == "waiting")
        await device.clock.advance(3600)
        assert device.syncer.facts().last_confirmed is None
        await origin.start()
        await device.until(lambda: device.syncer.facts().state == "current", pass_s=5)
        assert device.syncer.facts().problem == ""


async def test_an_interrupted_download_continues_where_it_stopped(origin: Origin, store: ContentStore) -> None:
    (asset,) = origin.publisher.publish(noise(1, 64 * CHUNK))
    origin.faults.cut_after = [(asset.sha256, 20 * CHUNK + 17)]
    async with running(origin, store) as device:
        await device.until(lambda: device.syncer.facts().release is not None, pass_s=1)
    assert whole(store, asset.sha256)
    assert origin.media_bytes - 64 * CHUNK <= 2 * CHUNK


async def test_an_interruption_of_the_origin_costs_at_most_a_chunk_per_worker(
    origin: Origin, store: ContentStore
) -> None:
    assets = origin.publisher.publish(*(noise(seed, 32 * CHUNK) for seed in range(4)))
    origin.faults.cut_after = [(assets[1].sha256, 9 * CHUNK + 5), (assets[2].sha256, 3 * CHUNK + 5)]
    async with running(origin, store) as device:
        await device.until(lambda: device.syncer.facts().state == "waiting")
        done = device.syncer.facts().bytes_done
        assert 0 < done < device.syncer.facts().bytes_to_do
        await origin.stop()
        await device.clock.advance(600)
        assert device.syncer.facts().bytes_done == done
        await origin.start()
        await device.until(lambda: device.syncer.facts().release is not None, pass_s=5)
    assert all(whole(store, asset.sha256) for asset in assets)
    assert origin.media_bytes - 4 * 32 * CHUNK <= 2 * 2 * CHUNK  # two interruptions, two workers


async def test_a_restart_in_the_middle_fetches_only_what_is_missing(origin: Origin, store: ContentStore) -> None:
    (asset,) = origin.publisher.publish(noise(1, 64 * CHUNK))
    origin.faults.cut_after = [(asset.sha256, 40 * CHUNK)]
    async with running(origin, store) as device:
        await device.until(lambda: device.syncer.facts().state == "waiting")
    sent = origin.media_bytes
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
    assert origin.media_bytes - sent == 24 * CHUNK


async def test_a_corrupted_chunk_is_dropped_and_fetched_again(origin: Origin, store: ContentStore) -> None:
    (asset,) = origin.publisher.publish(noise(1, 16 * CHUNK))
    origin.faults.flip = [asset.sha256, asset.sha256]
    async with running(origin, store) as device:
        await device.until(lambda: "does not match its hash" in device.syncer.facts().problem)
        assert not store.has_asset(asset.sha256)
        await device.until(lambda: device.syncer.facts().release is not None, pass_s=1)
        await device.until(lambda: device.syncer.facts().problem == "")
    assert whole(store, asset.sha256)
    assert origin.media_bytes == 18 * CHUNK


async def test_a_corrupted_asset_at_the_origin_does_not_delay_the_others(origin: Origin, store: ContentStore) -> None:
    bad, good = origin.publisher.publish(noise(1, 4 * CHUNK), noise(2, 4 * CHUNK))
    origin.publisher.write(f"assets/{bad.sha256}", noise(9, 4 * CHUNK))
    async with running(origin, store) as device:
        await device.until(lambda: store.has_asset(good.sha256), pass_s=1)
        assert device.syncer.facts().release is None
        origin.publisher.asset(noise(1, 4 * CHUNK))
        await device.until(lambda: device.syncer.facts().release is not None, pass_s=1)


async def test_a_response_with_another_range_is_not_read(origin: Origin, store: ContentStore) -> None:
    (asset,) = origin.publisher.publish(noise(1, 4 * CHUNK))
    origin.faults.lie_about_range = True
    async with running(origin, store) as device:
        await device.until(lambda: "bytes 0-" in device.syncer.facts().problem)
        origin.faults.lie_about_range = False
        await device.until(lambda: device.syncer.facts().release is not None, pass_s=1)
    assert whole(store, asset.sha256)


async def test_a_silent_server_is_disconnected_and_asked_again(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 4 * CHUNK))
    origin.faults.trickle_bytes = 100
    async with running(origin, store, read_s=0.2) as device:
        await device.until(lambda: "no answer in time" in device.syncer.facts().problem)
        origin.faults.trickle_bytes = 0
        await device.until(lambda: device.syncer.facts().release is not None, pass_s=1)


@pytest.mark.parametrize("path", ["timestamp.json", "releases/", "index/", "assets/"])
@pytest.mark.parametrize(("asked_s", "believed_s"), [(120, 120), (86_400, 900)])
async def test_retry_after_is_believed_up_to_a_limit_and_a_hint_ends_it(
    origin: Origin, store: ContentStore, path: str, asked_s: int, believed_s: int
) -> None:
    origin.publisher.publish(noise(1, 2 * CHUNK))
    origin.faults.status = [(path, 503, {"Retry-After": str(asked_s)})]
    async with running(origin, store, poll_s=10_000) as device:
        await device.until(lambda: "503" in device.syncer.facts().problem and device.syncer.facts().state == "waiting")
        assert device.syncer.facts().waiting_s == believed_s
        asked = [request for request in origin.requests if path in request]
        await device.clock.advance(believed_s - 1)
        assert [request for request in origin.requests if path in request] == asked
        assert device.syncer.facts().waiting_s <= believed_s
        device.syncer.wake()
        await device.plays(origin.publisher.release)


async def test_a_missing_asset_is_tried_again_after_reading_the_timestamp_again(
    origin: Origin, store: ContentStore
) -> None:
    late, early = origin.publisher.publish(noise(1, 5000), noise(2, 5000))
    origin.faults.status = [(late.sha256, 404, {})] * 3
    async with running(origin, store) as device:
        await device.until(lambda: store.has_asset(early.sha256), pass_s=1)
        await device.until(lambda: device.syncer.facts().release is not None, pass_s=1)
    assert sum("timestamp" in request for request in origin.requests) >= 3


async def test_a_release_published_during_a_long_download_replaces_it(origin: Origin, store: ContentStore) -> None:
    (stuck,) = origin.publisher.publish(noise(1, 64 * CHUNK))
    origin.faults.status = [(stuck.sha256, 404, {})] * 100
    async with running(origin, store) as device:
        await device.until(lambda: stuck.sha256 in store.media.parts())
        origin.publisher.publish(noise(2, 5000))
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=1)
        await device.until(lambda: not store.media.parts())
        assert device.activations == 1


async def test_on_a_full_disk_the_old_release_stays_active_and_the_fault_is_reported(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.publisher.publish(noise(1, 5000))
    playing = origin.publisher.release
    async with running(origin, store) as device:
        await device.plays(playing)
        write = PartialFile.write

        def full(part: PartialFile, *args: object) -> None:
            raise StorageFull(f"no room to write: {os.strerror(errno.ENOSPC)}")

        monkeypatch.setattr(PartialFile, "write", full)
        origin.publisher.publish(noise(2, 20 * CHUNK))
        device.syncer.wake()
        await device.until(lambda: "no room" in device.syncer.facts().problem)
        assert not (store.state / "ballast").exists()
        assert (active := store.active()) is not None and active.sha256 == playing
        monkeypatch.setattr(PartialFile, "write", write)
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=1)
        ballast = store.state / "ballast"
        await device.until(lambda: ballast.exists() and ballast.stat().st_size == BALLAST_BYTES)


async def test_a_release_that_does_not_fit_is_refused_before_a_byte_is_fetched(
    origin: Origin, store: ContentStore
) -> None:
    origin.publisher.publish(noise(1, 64 * CHUNK))
    async with running(origin, store, reserve_bytes=1 << 60) as device:
        await device.until(lambda: "the release needs" in device.syncer.facts().problem)
    assert origin.media_bytes == 0
    assert not store.media.parts()


async def test_the_reserve_for_a_full_disk_is_no_room_for_a_release(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(store, monkeypatch, BALLAST_BYTES + 50 * CHUNK)
    async with running(origin, store) as device:
        origin.publisher.publish(noise(1, 40 * CHUNK))
        await device.plays(playing := origin.publisher.release)
        origin.publisher.publish(noise(1, 40 * CHUNK), noise(2, 20 * CHUNK))
        device.syncer.wake()
        await device.until(lambda: "the release needs" in device.syncer.facts().problem)
        for _ in range(20):
            await device.clock.advance(30)
        assert "the release needs" in device.syncer.facts().problem
        assert (active := store.active()) is not None and active.sha256 == playing
        origin.publisher.publish(noise(1, 40 * CHUNK))
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=1)
        await device.until(lambda: store.has_ballast() and not device.syncer.facts().problem, pass_s=1)


def limit(store: ContentStore, monkeypatch: pytest.MonkeyPatch, quota_bytes: int) -> None:
    """Limit the disk of the store, which also has the ballast, to `quota_bytes`."""

    def free() -> int:
        places = [*store.store.rglob("*"), store.state / "ballast"]
        return quota_bytes - sum(path.stat().st_size for path in places if path.is_file())

    monkeypatch.setattr(store, "free_bytes", free)


async def test_the_previous_release_is_dropped_if_the_next_one_does_not_fit_beside_it(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(store, monkeypatch, BALLAST_BYTES + 100 * CHUNK)
    async with running(origin, store) as device:
        for seed in (1, 2):
            (held,) = origin.publisher.publish(noise(seed, 40 * CHUNK))
            device.syncer.wake()
            await device.plays(origin.publisher.release)
        active = origin.publisher.release
        assert (pointer := store.pointer()) is not None and pointer.previous
        (wanted,) = origin.publisher.publish(noise(3, 55 * CHUNK))
        device.syncer.wake()
        await device.plays(origin.publisher.release)
        assert store.media.assets() == {held.sha256, wanted.sha256}
        assert (pointer := store.pointer()) is not None and pointer.previous == active
        assert device.syncer.facts().problem == ""


async def test_a_previous_release_that_replaces_a_damaged_one_is_never_dropped(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(store, monkeypatch, BALLAST_BYTES + 100 * CHUNK)
    async with running(origin, store) as device:
        for seed in (1, 2):
            origin.publisher.publish(noise(seed, 40 * CHUNK))
            device.syncer.wake()
            await device.plays(origin.publisher.release)
        held, before = store.media.assets(), store.pointer()
        assert before is not None and before.previous
        (store.store / f"releases/{before.release}.json").write_bytes(b"rotten")
        origin.publisher.publish(noise(3, 55 * CHUNK))
        device.syncer.wake()
        await device.until(lambda: "the release needs" in device.syncer.facts().problem)
        assert (store.pointer(), store.media.assets()) == (before, held)
        assert (active := store.active()) is not None and active.sha256 == before.previous


async def test_a_release_that_never_fits_is_reported_with_its_size_and_nothing_is_lost(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(store, monkeypatch, BALLAST_BYTES + 100 * CHUNK)
    async with running(origin, store) as device:
        kept: list[Asset] = []
        for seed in (1, 2):
            kept += origin.publisher.publish(noise(seed, 40 * CHUNK))
            device.syncer.wake()
            await device.plays(origin.publisher.release)
        before = store.pointer()
        origin.publisher.publish(noise(3, 300 * CHUNK))
        device.syncer.wake()
        await device.until(lambda: "the release needs 20 MB more" in device.syncer.facts().problem)
        tries = origin.requests.count(f"channels/{CHANNEL}/timestamp.json")
        await device.until(lambda: origin.requests.count(f"channels/{CHANNEL}/timestamp.json") > tries, pass_s=1)
        assert store.pointer() == before
        assert store.media.assets() == {asset.sha256 for asset in kept}


@pytest.mark.parametrize("damage", ["garbage", "empty", "deleted", "locked", "truncated"])
async def test_a_damaged_catalogue_is_rebuilt_without_fetching_anything(
    origin: Origin, store: ContentStore, damage: str, tmp_path: Path
) -> None:
    assets = origin.publisher.publish(noise(1, 5000), noise(2, 3 * CHUNK))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
    sent = origin.media_bytes
    locker = spoil(store.catalog_path, damage)
    try:
        async with running(origin, store) as device:
            await device.plays(origin.publisher.release)
            assert device.activations == 0
    finally:
        if locker is not None:
            locker.close()
    assert origin.media_bytes == sent
    assert all(whole(store, asset.sha256) for asset in assets)


def spoil(path: Path, damage: str) -> sqlite3.Connection | None:
    if damage == "garbage":
        path.write_bytes(noise(5, 20_000))
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "deleted":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:6000])
    else:
        locker = sqlite3.connect(path, isolation_level=None)
        locker.execute("PRAGMA locking_mode=EXCLUSIVE")
        locker.execute("BEGIN EXCLUSIVE")
        return locker
    return None


async def test_a_catalogue_lost_during_a_download_costs_no_download(origin: Origin, store: ContentStore) -> None:
    (asset,) = origin.publisher.publish(noise(1, 64 * CHUNK))
    origin.faults.cut_after = [(asset.sha256, 40 * CHUNK)]
    async with running(origin, store) as device:
        await device.until(lambda: device.syncer.facts().state == "waiting")
    sent = origin.media_bytes
    store.catalog_path.unlink()
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
    assert origin.media_bytes - sent == 24 * CHUNK


async def test_an_asset_damaged_while_the_catalogue_was_lost_is_not_accepted(
    origin: Origin, store: ContentStore
) -> None:
    (asset,) = origin.publisher.publish(noise(1, 3 * CHUNK))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
    store.catalog_path.unlink()
    path = store.asset_path(asset.sha256)
    path.chmod(0o644)
    path.write_bytes(b"\0" * 3 * CHUNK)
    async with running(origin, store) as device:
        await device.until(lambda: store.has_asset(asset.sha256) and whole(store, asset.sha256))


async def test_after_a_failed_flush_the_partial_file_is_discarded(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (asset,) = origin.publisher.publish(noise(1, 8 * CHUNK))
    real = os.fdatasync
    failed: list[int] = []

    def fdatasync(descriptor: int) -> None:
        if not failed:
            failed.append(descriptor)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    async with running(origin, store) as device:
        await device.until(lambda: "the disk reports an error" in device.syncer.facts().problem)
        await device.until(lambda: device.syncer.facts().release is not None, pass_s=1)
    assert whole(store, asset.sha256)
    assert origin.media_bytes == 16 * CHUNK  # no chunk of the partial file was used


class FailingWrites:
    """Writes that fail: those to files of a folder whose names are in `names`; `times` of them, or all."""

    def __init__(self, folder: Path, code: int, patch: pytest.MonkeyPatch) -> None:
        self.names: set[str] = set()
        self.times = 10**9
        self.failed = 0
        pwrite, fallocate = os.pwrite, os.posix_fallocate

        def check(descriptor: int) -> None:
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            if path.parent == folder and path.name in self.names and self.failed < self.times:
                self.failed += 1
                raise OSError(code, os.strerror(code))

        def failing_pwrite(descriptor: int, content: memoryview, offset: int) -> int:
            check(descriptor)
            return pwrite(descriptor, content, offset)

        def failing_fallocate(descriptor: int, offset: int, length: int) -> None:
            if code == errno.EFBIG:
                check(descriptor)
            fallocate(descriptor, offset, length)

        patch.setattr(os, "pwrite", failing_pwrite)
        patch.setattr(os, "posix_fallocate", failing_fallocate)


@pytest.mark.parametrize("chunks", [1, 3])
@pytest.mark.parametrize("code", [errno.EIO, errno.EFBIG, errno.EUCLEAN, errno.EACCES])
async def test_a_file_that_cannot_be_written_is_the_fault_of_its_asset_alone(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch, code: int, chunks: int
) -> None:
    writes = FailingWrites(store.store / "parts", code, monkeypatch)
    bad, *good = origin.publisher.publish(*(noise(seed, chunks * CHUNK) for seed in range(12)))
    writes.names = {bad.sha256}
    async with running(origin, store) as device:
        await device.until(lambda: all(store.has_asset(asset.sha256) for asset in good), pass_s=0.1)
        await device.until(lambda: bad.sha256 in device.syncer.facts().problem, pass_s=0.1)
        facts = device.syncer.facts()
        assert facts.failing_assets == 1 and not facts.no_room
        assert facts.release is None, "a release is activated whole"
        before = origin.publisher.release
        origin.publisher.publish(noise(99, 5000))
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=0.1)
        writes.names = set()
        origin.publisher.sign(origin.publisher.sequence + 1, before)
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().release == before, pass_s=0.5)
        await device.until(lambda: not device.syncer.facts().problem, pass_s=0.1)
    assert whole(store, bad.sha256)


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_a_file_that_fails_now_and_then_costs_little(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    writes = FailingWrites(store.store / "parts", errno.EIO, monkeypatch)
    (asset,) = origin.publisher.publish(noise(1, 64 * CHUNK))
    writes.names, writes.times = {asset.sha256}, times
    async with running(origin, store) as device:
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=1)
        await device.until(lambda: not device.syncer.facts().problem, pass_s=0.1)
    assert whole(store, asset.sha256) and writes.failed == times


@pytest.mark.parametrize("code", [errno.EIO, errno.EROFS, errno.ENOSPC, errno.EDQUOT])
async def test_a_disk_that_takes_no_file_is_one_problem_and_named_as_such(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    writes = FailingWrites(store.store / "parts", code, monkeypatch)
    assets = origin.publisher.publish(*(noise(seed, CHUNK) for seed in range(30)))
    writes.names = {asset.sha256 for asset in assets}
    async with running(origin, store) as device:
        await device.until(lambda: bool(device.syncer._problems.disk), pass_s=0.1)
        assert device.syncer.facts().state == "waiting"
        assert device.syncer.facts().no_room == (code in (errno.ENOSPC, errno.EDQUOT))
        assert writes.failed < 30, "not each file is tried once more"
        writes.names = set()
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=30)
    assert all(whole(store, asset.sha256) for asset in assets)


async def test_a_chunk_list_that_cannot_be_stored_holds_no_other_asset(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, *good = origin.publisher.publish(*(noise(seed, 3 * CHUNK) for seed in range(5)))
    save, broken = store.save_index, [True]

    def failing(name: str, raw: bytes) -> None:
        if name == bad.index and broken:
            raise storage_error(OSError(errno.EIO, os.strerror(errno.EIO)), store.index_folder / name)
        save(name, raw)

    monkeypatch.setattr(store, "save_index", failing)
    async with running(origin, store) as device:
        await device.until(lambda: all(store.has_asset(asset.sha256) for asset in good), pass_s=0.1)
        await device.until(lambda: bad.index in device.syncer.facts().problem, pass_s=0.1)
        broken.clear()
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=1)
    assert whole(store, bad.sha256)


class StuckFile:
    """A file that can be neither opened for writing, replaced nor deleted, as one with a damaged inode."""

    def __init__(self, path: Path, patch: pytest.MonkeyPatch) -> None:
        self.path: Path | None = path
        for name in ("open", "replace", "unlink", "chmod"):
            patch.setattr(os, name, self._refusing(getattr(os, name)))

    def _refusing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            reads = real.__name__ == "open" and not given[1] & (os.O_WRONLY | os.O_RDWR)
            if not reads and self.path is not None and str(self.path) in map(str, given):
                raise OSError(errno.EUCLEAN, os.strerror(errno.EUCLEAN))
            return real(*given, **named)

        return call


@pytest.mark.parametrize("folder", ["parts", "assets"])
@pytest.mark.parametrize("chunks", [1, 3])
async def test_one_file_that_cannot_be_used_holds_no_other_asset_and_no_newer_release(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch, folder: str, chunks: int
) -> None:
    stuck, *others = (noise(seed, chunks * CHUNK) for seed in range(5))
    name = hashlib.sha256(stuck).hexdigest()
    path = store.store / folder / name
    path.write_bytes(b"x")
    file = StuckFile(path, monkeypatch)
    bad, *good = origin.publisher.publish(stuck, *others)
    before = origin.publisher.release
    async with running(origin, store) as device:
        await device.until(lambda: all(store.has_asset(asset.sha256) for asset in good), pass_s=0.5)
        await device.until(lambda: name in device.syncer.facts().problem, pass_s=0.1)
        assert store.active() is None
        origin.publisher.publish(noise(9, 5000))
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=0.5)
        await device.until(lambda: device.syncer.facts().state == "current", pass_s=0.5)
        origin.publisher.sign(origin.publisher.sequence + 1, before)
        file.path = None
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().release == before, pass_s=0.5)
    assert store.asset_path(bad.sha256).read_bytes() == stuck
    assert origin.media_bytes <= sum(map(len, (stuck, *others))) + chunks * CHUNK + 5000
