"""Damage on the disk is found, at once where a decoder stumbled, and only what is damaged is fetched again."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import pytest

from sync.device.store.chunk_catalog import open_catalog
from sync.device.store.content_store import ContentStore, open_content_store
from sync.device.store.media_files import MediaFiles
from sync.runtime.clock import unix_ms
from sync.wire.chunk_index import Index
from tests.fakes import FakeClock
from tests.sync.conftest import running
from tests.sync.device.test_syncer import whole
from tests.sync.file_tree_origin import CHUNK, Origin, noise

SIZE = 10 * CHUNK


def flip(path: Path, at: int = SIZE // 2) -> None:
    """Change a bit as a worn memory card does: size and time of the file stay."""
    stamp = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def truncate(path: Path) -> None:
    path.chmod(0o644)
    os.truncate(path, SIZE // 2 + 5)


def lengthen(path: Path) -> None:
    path.chmod(0o644)
    with path.open("ab") as file:
        file.write(b"more")


def zero(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(bytes(SIZE))


def empty(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "chunks"),
    [(flip, 1), (truncate, 5), (lengthen, 0), (zero, 10), (empty, 10), (lambda path: flip(path, 0), 1)],
    ids=["flipped bit", "truncated", "longer", "zeroed", "empty", "flipped at the start"],
)
async def test_where_a_decoder_stumbles_damage_is_mended_at_once_with_what_is_missing(
    origin: Origin, store: ContentStore, damage: Callable[[Path], None], chunks: int
) -> None:
    asset, other = origin.publisher.publish(noise(1, SIZE), noise(2, SIZE))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        before = origin.media_bytes
        damage(store.asset_path(asset.sha256))
        store.suspect(asset.sha256)
        store.suspect(other.sha256)
        await device.until(lambda: other.sha256 in store.media.intact and whole(store, asset.sha256))
        assert asset.sha256 in store.media.damaged and other.sha256 not in store.media.damaged
        await device.until(lambda: device.mended == 1)  # the director looks again
        assert origin.media_bytes - before == chunks * CHUNK
        assert device.activations == 1


async def test_a_file_that_the_screen_misses_is_fetched_again_at_once_and_once(
    origin: Origin, store: ContentStore
) -> None:
    asset, _ = origin.publisher.publish(noise(1, SIZE), noise(2, SIZE))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        before = origin.media_bytes
        store.asset_path(asset.sha256).unlink()
        for _ in range(3):
            store.suspect(asset.sha256)
        await device.until(lambda: whole(store, asset.sha256))
        await device.until(lambda: device.mended == 1)
        assert origin.media_bytes - before == SIZE and asset.sha256 not in store.media.intact  # nobody could open it


@pytest.mark.parametrize("damage", [truncate, lengthen, empty], ids=["truncated", "longer", "empty"])
async def test_a_file_of_the_wrong_size_is_no_longer_shown_at_the_next_poll(
    origin: Origin, store: ContentStore, damage: Callable[[Path], None]
) -> None:
    (asset,) = origin.publisher.publish(noise(1, SIZE))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        damage(store.asset_path(asset.sha256))
        origin.faults.trickle_bytes = 1
        await device.until(lambda: asset.sha256 in store.media.damaged, pass_s=5)
        origin.faults.trickle_bytes = 0
        await device.until(lambda: whole(store, asset.sha256), pass_s=5)


async def test_without_an_origin_a_damaged_file_is_taken_off_the_screen_all_the_same(
    origin: Origin, store: ContentStore
) -> None:
    (asset,) = origin.publisher.publish(noise(1, SIZE))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        await origin.stop()
        flip(store.asset_path(asset.sha256))
        store.suspect(asset.sha256)
        await device.until(lambda: not store.has_asset(asset.sha256))
        await origin.start()
        await device.until(lambda: whole(store, asset.sha256), pass_s=1)


async def test_the_turns_go_on_where_they_stopped(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def note(media: MediaFiles, sha256: str, index: Index | None = None) -> bool:
        hashed.append(sha256)
        return True

    monkeypatch.setattr(MediaFiles, "recheck", note)
    assets = origin.publisher.publish(*(noise(seed, 1000 + seed) for seed in range(10)))
    clock = FakeClock()
    for day in range(1, 5):  # of a quarter of an hour, in which four are hashed
        with open_content_store(tmp_path / "device") as store:
            async with running(origin, store, clock=clock, poll_s=86_000) as device:
                await device.plays(origin.publisher.release)
                await device.until(lambda: len(hashed) >= 4 * day, pass_s=30)  # noqa: B023
                clock.step_wall(23 * 3600.0)
    turns = [name for name, _ in groupby(hashed)]  # the last one of a day may not be written down yet
    assert set(turns[:10]) == {asset.sha256 for asset in assets}
    assert turns[10:] == turns[: len(turns) - 10]  # then again in the same order


async def test_a_time_of_a_wrong_clock_leaves_no_asset_out(origin: Origin, store: ContentStore) -> None:
    (asset,) = origin.publisher.publish(noise(1, 1000))
    async with open_catalog(store.catalog_path) as catalog:
        await catalog.mark_hashed({asset.sha256: "1000:1"}, datetime(2090, 1, 1, tzinfo=UTC))
        await catalog.mark_hashed({"e" * 64: "1000:1"}, datetime(2026, 1, 1, tzinfo=UTC))
        assert await catalog.hashed_first(datetime(2026, 3, 1, tzinfo=UTC)) == asset.sha256
        await catalog.mark_hashed({asset.sha256: "1000:1"}, datetime(2026, 3, 1, tzinfo=UTC))
        assert await catalog.hashed_first(datetime(2026, 3, 2, tzinfo=UTC)) == "e" * 64
        needed = (await catalog.assets())[asset.sha256]
        assert needed == unix_ms(datetime(2090, 1, 1, tzinfo=UTC))  # to be hashed is not to be needed


async def test_damage_of_a_file_that_was_fetched_in_two_runs_is_mended(origin: Origin, store: ContentStore) -> None:
    (asset,) = origin.publisher.publish(noise(1, SIZE))
    origin.faults.pace_s = 0.01
    async with running(origin, store) as device:
        await device.until(lambda: device.syncer.facts().bytes_done >= 2 * CHUNK)  # at its end these are saved
    origin.faults.pace_s = 0
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        zero(store.asset_path(asset.sha256))
        store.suspect(asset.sha256)
        await device.until(lambda: asset.sha256 in store.media.damaged, pass_s=1)
        await device.until(lambda: store.has_asset(asset.sha256), pass_s=1)
        assert store.asset_path(asset.sha256).read_bytes() == noise(1, SIZE)
