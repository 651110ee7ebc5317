"""Power cuts without a kernel module: only the bytes that reached a loop device survive.

An ext4 file system lies in an image in memory; a device syncs on it and is stopped at a random moment, and once right
after it said that the release plays; a copy of the image is what the disk would hold had the power gone. `SIGNAGE_CUTS`
sets how many times.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from sync.device.store.content_store import ContentStore
from sync.errors import NotFound
from sync.runtime.clock import SystemClock
from tests import TOP
from tests.sync.device.disk.test_kill import check, child, pinned
from tests.sync.file_tree_origin import CHUNK, Origin, noise, serving

CUTS = int(os.environ.get("SIGNAGE_CUTS", "5"))


def done(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    if not done("mount", "-o", "loop", str(image), str(folder)):
        pytest.skip("loop mounts take root and a kernel that has them")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Path]:
    ram = tmp_path / "ram"
    ram.mkdir()
    if os.geteuid() != 0 or not done("mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(ram)):
        pytest.skip("mounting a file system takes root")
    try:
        image = ram / "disk"
        with image.open("wb") as file:
            file.truncate(80 * 1024 * 1024)
        if not done("mkfs.ext4", "-q", "-F", str(image)):
            pytest.skip("mkfs.ext4 is not installed")
        yield image
    finally:
        subprocess.run(["umount", "-l", str(ram)], check=True)


Moment = Callable[[Origin, asyncio.StreamReader], Awaitable[int]]
"""Waits for the moment of the cut; returns the active sequence that the device reported, or 0."""


async def stopped(
    state_dir: Path, origin: Origin, moment: Moment, flushing: bool
) -> tuple[asyncio.subprocess.Process, int]:
    """Run a device until the moment and stop it; return it and the highest active sequence that it reported."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.sync.device.disk.killed_syncer", str(state_dir), origin.url, cwd=TOP,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | ({} if flushing else {"CHILD_WITHOUT_FLUSHES": "1"}),
    )  # fmt: skip
    assert process.stdout is not None
    said = await moment(origin, process.stdout)
    process.send_signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(0.05):
            return process, max(said, await acknowledged(origin, process.stdout))
    except TimeoutError:
        return process, said


async def acknowledged(origin: Origin, told: asyncio.StreamReader) -> int:
    """Wait until the device reports the newest release as active; return its sequence."""
    while line := await told.readline():
        if json.loads(line)["release"] == origin.publisher.release:
            return origin.publisher.sequence
    raise AssertionError("the device ended by itself")


def somewhere(rng: Random) -> Moment:
    async def moment(origin: Origin, told: asyncio.StreamReader) -> int:
        seen, after = len(origin.requests), rng.randint(3, 16)
        await origin.until(lambda: len(origin.requests) >= seen + after)
        await SystemClock().sleep(rng.uniform(0, 0.1))
        return 0

    return moment


async def cut_power(image: Path, tmp_path: Path, moments: Iterable[Moment], *, flushing: bool) -> int:
    """Cut at these moments and check the invariants; return the highest active sequence that a device reported."""
    played = 0
    async with serving(tmp_path / "tree") as origin:
        with mounted(image, tmp_path / "disk") as disk:
            pinned(disk / "device", origin)
            os.sync()
            origin.faults.pace_s = 0.003
            for cut, moment in enumerate(moments):
                if cut % 2 == 0:
                    origin.publisher.publish(
                        noise(cut, 30 * CHUNK),
                        noise(cut + 1, 8 * CHUNK),
                        *(noise(100 * cut + n, 3000) for n in range(50, 90)),
                    )
                process, said = await stopped(disk / "device", origin, moment, flushing)
                try:
                    played = max(played, said)
                    look(image, tmp_path / "cut", played)
                finally:
                    process.kill()
                    await process.communicate()
    return played


def small(cut: int) -> Iterator[bytes]:
    return (noise(100 * cut + number, 3000) for number in range(50, 90))


def look(image: Path, folder: Path, played: int) -> None:
    """Mount the bytes that reached the disk and check them."""
    copy = image.with_name("after-the-cut")
    shutil.copyfile(image, copy)
    with mounted(copy, folder) as left:
        check(ContentStore(left / "device"), played)


async def test_after_a_power_cut_at_any_moment_the_acknowledged_release_plays(image: Path, tmp_path: Path) -> None:
    rng = Random()
    moments = [acknowledged, *(somewhere(rng) for _ in range(CUTS - 2)), acknowledged]
    assert await cut_power(image, tmp_path, moments, flushing=True) >= 1


async def test_the_power_cut_test_fails_when_nothing_is_flushed(image: Path, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, NotFound)):
        await cut_power(image, tmp_path, [acknowledged], flushing=False)


def fault_of(disk: Path) -> Path:
    """Return the file by which the kernel makes a disk read-only, as after an error of the file system."""
    done("mount", "-o", "remount,errors=remount-ro", str(disk))
    found = subprocess.run(["findmnt", "-no", "SOURCE", str(disk)], check=True, capture_output=True, text=True)
    fault = Path("/sys/fs/ext4", Path(found.stdout.strip()).name, "trigger_fs_error")
    if not fault.exists():
        pytest.skip("a kernel that makes a disk read-only on demand is needed")
    return fault


async def test_a_disk_that_the_kernel_makes_read_only_while_a_device_runs_is_told_and_its_content_stays(
    image: Path, tmp_path: Path
) -> None:
    async with serving(tmp_path / "tree") as origin:
        with mounted(image, tmp_path / "disk") as disk:
            fault = fault_of(disk)
            store = pinned(disk / "device", origin)
            origin.publisher.publish(noise(1, 5000))
            playing = origin.publisher.release
            async with child(disk / "device", origin) as device:
                await device.until(lambda facts: facts["state"] == "current")
                fault.write_text("1")
                origin.publisher.publish(noise(2, 5000))
                await device.until(lambda facts: "read-only" in facts["problem"] and facts["release"] == playing)
            assert check(store, 1) == 1
