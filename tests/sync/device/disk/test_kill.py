"""Kills at any moment and full disks: the invariants of the content hold, and the device converges."""

import asyncio
import contextlib
import hashlib
import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sync.device.store.content_store import ContentStore, open_content_store
from sync.device.store.partial_file import load_bitmap
from sync.device.transfer.transfer import WORKERS
from sync.runtime.clock import SystemClock
from tests import TOP
from tests.small_disk import small_disk
from tests.sync.device.disk import killed_syncer
from tests.sync.file_tree_origin import CHANNEL, CHUNK, Faults, Origin, noise, serving

KILLS_OF_A_DEVICE = 20
KILLS = int(os.environ.get("SIGNAGE_KILLS", KILLS_OF_A_DEVICE))


class Child:
    """The syncer in another process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> None:
        assert self._process.stdout is not None
        async with asyncio.timeout(120):
            while line := await self._process.stdout.readline():
                if condition(json.loads(line)):
                    return
        raise AssertionError("the child ended")

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()


@asynccontextmanager
async def child(state_dir: Path, origin: Origin, *limit: int) -> AsyncIterator[Child]:
    command = [
        sys.executable,
        "-m",
        "tests.sync.device.disk.killed_syncer",
        str(state_dir),
        origin.url,
        *map(str, limit),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=TOP, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    running = Child(process)
    try:
        yield running
    finally:
        await running.kill()


def pinned(state_dir: Path, origin: Origin) -> ContentStore:
    store = ContentStore(state_dir)
    store.prepare()
    store.save_root(origin.publisher.root)
    return store


def check(store: ContentStore, played: int) -> int:
    """Assert the invariants I1 to I6 on the files of a killed device; return the active sequence."""
    pointer, floor = store.pointer(), store.floor(CHANNEL)
    if pointer is None:
        assert played == 0, "I4: nothing is active any more"
    else:
        assert pointer.sequence >= played, "I5: the sequence went back"
        assert floor is not None and floor.sequence >= pointer.sequence, "I5: acknowledged above the floor"
        active = store.active()
        assert active is not None and active.sha256 == pointer.release, "I3: the active document is not there"
        for asset in active.release.assets:
            held = store.asset_path(asset.sha256).read_bytes()
            assert hashlib.sha256(held).hexdigest() == asset.sha256, "I3: an active asset is not whole"
    for sha256 in store.media.assets():
        assert hashlib.sha256(store.asset_path(sha256).read_bytes()).hexdigest() == sha256, "I2"
    check_bits(store)
    top = store.state.parent
    assert {path.name for path in top.iterdir()} == {"state", "store"}, "I6"
    return pointer.sequence if pointer else 0


def check_bits(store: ContentStore) -> None:
    """Assert I1."""
    for sha256, chunk_list, bitmap in catalogued(store):
        index = store.index(chunk_list)
        if index is None or not store.media.part_path(sha256).exists():
            continue
        content = store.media.part_path(sha256).read_bytes()
        for number in load_bitmap(bitmap, len(index.chunks)):
            chunk = index.chunks[number]
            piece = content[chunk.offset : chunk.offset + chunk.length]
            assert hashlib.sha256(piece).hexdigest() == chunk.sha256, "I1: a bit is set without its bytes"


def catalogued(store: ContentStore) -> list[tuple[str, str, bytes]]:
    if not store.catalog_path.exists():
        return []
    database = sqlite3.connect(store.catalog_path)
    try:
        database.execute("PRAGMA synchronous=OFF")  # nobody needs this copy
        known = database.execute("SELECT name FROM sqlite_master WHERE name = 'parts'").fetchall()
        return database.execute("SELECT asset, chunk_list, bitmap FROM parts").fetchall() if known else []
    finally:
        database.close()


@asynccontextmanager
async def forked(state_dir: Path, origin: Origin) -> AsyncIterator[None]:
    """The syncer in a process that starts within milliseconds and is killed at the end."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([killed_syncer.__name__])
    process = processes.Process(target=killed_syncer.run, args=(state_dir, origin.url))
    process.start()
    try:
        yield
        assert process.is_alive(), "the syncer ended by itself"
    finally:
        process.kill()
        process.join()


def break_something(origin: Origin, rng: Random) -> None:
    """Let one of the next answers be cut short, wrong, or refused."""
    path = rng.choice(["assets/", "assets/", "index/", "releases/", "timestamp"])
    match rng.randrange(4):
        case 0:
            origin.faults.cut_after.append(("assets/", rng.randrange(CHUNK)))
        case 1:
            origin.faults.flip.append("assets/")
        case 2:
            origin.faults.status.append((path, rng.choice([404, 429, 503]), {"Retry-After": "1"}))


@pytest.mark.parametrize("seed", range(-(-KILLS // KILLS_OF_A_DEVICE)))
async def test_a_device_killed_at_any_moment_keeps_the_invariants_and_converges(tmp_path: Path, seed: int) -> None:
    rng, played = Random(seed), 0
    async with serving(tmp_path / "tree") as origin:
        store = pinned(tmp_path / "device", origin)
        origin.faults.pace_s = 0.002
        for round_ in range(KILLS_OF_A_DEVICE):
            if round_ % 5 == 0:  # a new release shares most of its bytes with the one before
                contents = [noise(round_ + number, 6 * CHUNK) for number in (0, 5, 10)]
                contents += [noise(1000 + round_, 2 * CHUNK) + noise(round_, 4 * CHUNK)]
                contents += [noise(10 * round_ + number, 3000) for number in range(60, 90)]
                origin.publisher.publish(*contents)
            break_something(origin, rng)
            asked = len(origin.requests) + rng.choice([0, 1, 1, 1, rng.randrange(20)])
            async with forked(store.state.parent, origin):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.3):
                        await origin.until(lambda: len(origin.requests) >= asked)  # noqa: B023
                await SystemClock().sleep(rng.uniform(0, 0.1))
            played = check(store, played)
        origin.faults = Faults()
        async with child(store.state.parent, origin) as device:
            await device.until(lambda facts: facts["release"] == origin.publisher.release)
        assert check(store, played) == origin.publisher.sequence


async def test_a_kill_loses_only_the_bytes_in_flight(tmp_path: Path) -> None:
    async with serving(tmp_path / "tree") as origin:
        store = pinned(tmp_path / "device", origin)
        origin.faults.pace_s = 0.002
        size = 256 * CHUNK
        origin.publisher.publish(noise(1, size))
        async with child(store.state.parent, origin) as device:
            await origin.until(lambda: origin.media_bytes >= size // 2)
            await device.kill()
        origin.faults.pace_s = 0
        async with child(store.state.parent, origin) as device:
            await device.until(lambda facts: facts["release"] == origin.publisher.release)
        in_flight = 2 * (CHUNK + 4 * 1024 * 1024)  # a chunk and a socket's buffers for each worker
        assert size <= origin.media_bytes <= size + in_flight
        check(store, 1)


async def test_a_kill_in_the_middle_of_a_group_of_small_files_loses_only_those_in_flight(tmp_path: Path) -> None:
    async with serving(tmp_path / "tree") as origin:
        store = pinned(tmp_path / "device", origin)
        origin.faults.pace_s = 0.002
        assets = origin.publisher.publish(*(noise(seed, 5000) for seed in range(300)))
        for asked in (40, 200, 303):
            async with child(store.state.parent, origin) as device:
                await origin.until(lambda: len(origin.requests) >= asked)  # noqa: B023
                await device.kill()
            check(store, 0)
        async with child(store.state.parent, origin) as device:
            await device.until(lambda facts: facts["release"] == origin.publisher.release)
        check(store, 1)
        assert 0 <= origin.media_bytes - len(assets) * 5000 <= 3 * WORKERS * 5000  # one for each worker and kill
        assert not store.media.parts()


async def test_a_second_process_on_the_same_state_ends_with_a_clear_message(tmp_path: Path) -> None:
    async with serving(tmp_path / "tree") as origin:
        store = pinned(tmp_path / "device", origin)
        origin.publisher.publish(noise(1, 100))
        async with child(store.state.parent, origin) as device:
            await device.until(lambda facts: facts["release"] == origin.publisher.release)
            second = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.sync.device.disk.killed_syncer", str(store.state.parent), origin.url,
                cwd=TOP, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            _, said = await second.communicate()
    assert second.returncode != 0
    assert b"already uses" in said


async def test_a_file_that_is_too_large_for_the_disk_is_named_and_the_old_release_stays_active(tmp_path: Path) -> None:
    async with serving(tmp_path / "tree") as origin:
        store = pinned(tmp_path / "device", origin)
        origin.publisher.publish(noise(1, 5000))
        playing = origin.publisher.release
        async with child(store.state.parent, origin) as device:
            await device.until(lambda facts: facts["state"] == "current")
        origin.publisher.publish(noise(2, 64 * CHUNK))
        async with child(store.state.parent, origin, 2 * 1024 * 1024) as device:
            await device.until(lambda facts: "the file is too large for this disk" in facts["problem"])
        pointer = store.pointer()
        assert pointer is not None
        assert pointer.release == playing
        async with child(store.state.parent, origin) as device:
            await device.until(lambda facts: facts["release"] == origin.publisher.release)
        check(store, 2)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 24 MiB; root only."""
    with small_disk(folder := tmp_path / "disk", mib=24) as mounted:
        if not mounted:
            pytest.skip("mounting a file system takes root")
        yield folder


async def test_a_disk_that_fills_while_downloading_keeps_the_old_release(disk: Path, tmp_path: Path) -> None:
    async with serving(tmp_path / "tree") as origin:
        store = pinned(disk / "device", origin)
        origin.publisher.publish(noise(1, 5000))
        playing = origin.publisher.release
        async with child(store.state.parent, origin) as device:
            await device.until(lambda facts: facts["state"] == "current")
            hog = disk / "hog"
            with hog.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, 13 * 1024 * 1024)
            origin.publisher.publish(noise(2, 32 * CHUNK), noise(3, 64 * CHUNK))
            await device.until(lambda facts: "needs" in facts["problem"] or "disk is full" in facts["problem"])
            assert (pointer := store.pointer()) is not None and pointer.release == playing
            hog.unlink()
            await device.until(lambda facts: facts["release"] == origin.publisher.release)
            await device.until(lambda facts: facts["problem"] == "")
    check(store, 2)


async def test_the_active_release_can_be_read_from_a_read_only_disk(disk: Path, tmp_path: Path) -> None:
    async with serving(tmp_path / "tree") as origin:
        store = pinned(disk / "device", origin)
        (asset,) = origin.publisher.publish(noise(1, 5000))
        async with child(store.state.parent, origin) as device:
            await device.until(lambda facts: facts["state"] == "current")
        remount_read_only(disk)
        with open_content_store(disk / "device") as again:
            active = again.active()
            assert active is not None
            assert active.sha256 == origin.publisher.release
            assert again.asset_path(asset.sha256).read_bytes() == noise(1, 5000)
        playing = origin.publisher.release
        origin.publisher.publish(noise(2, 5000))
        async with child(store.state.parent, origin) as device:
            await device.until(lambda facts: "read-only" in facts["problem"] and facts["release"] == playing)


def remount_read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True, capture_output=True)
