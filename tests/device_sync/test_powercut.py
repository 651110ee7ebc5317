"""Power cuts, without a kernel module: what a loop device was given is all that survives.

An ext4 file system lies in an image in memory; a device syncs on it and is stopped at a random moment; a copy of the
image is what the disk would hold had the power gone. `SIGNAGE_CUTS` sets how many times.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from sync import NotFound
from sync.cache import Cache
from sync.clock import SystemClock
from tests.device_sync.origin import CHUNK, Origin, noise, serving
from tests.device_sync.test_kill import TOP, check, pinned

CUTS = int(os.environ.get("SIGNAGE_CUTS", "6"))


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


async def stopped_somewhere(
    state_dir: Path, origin: Origin, rng: Random, flushing: bool
) -> tuple[asyncio.subprocess.Process, int]:
    """Run a device until a random moment and freeze it; return it and the highest sequence it said was active."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.device_sync.child", str(state_dir), origin.url, cwd=TOP,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | ({} if flushing else {"CHILD_WITHOUT_FLUSHES": "1"}),
    )  # fmt: skip
    seen, after = len(origin.requests), rng.randint(3, 16)
    await origin.until(lambda: len(origin.requests) >= seen + after)
    await SystemClock().sleep(rng.uniform(0, 0.1))
    process.send_signal(signal.SIGSTOP)
    said = 0
    assert process.stdout is not None
    try:
        async with asyncio.timeout(0.05):
            while line := await process.stdout.readline():
                facts = json.loads(line)
                if facts["release"] == origin.publisher.release:
                    said = origin.publisher.sequence
    except TimeoutError:
        return process, said
    raise AssertionError("the device ended by itself")


async def cut_power(image: Path, tmp_path: Path, cuts: int, *, flushing: bool) -> int:
    """Cut so often, checking the invariants each time; return the highest sequence a device said was active."""
    rng = Random()
    acknowledged = 0
    async with serving(tmp_path / "tree") as origin:
        with mounted(image, tmp_path / "disk") as disk:
            pinned(disk / "device", origin)
            os.sync()
            origin.faults.pace_s = 0.003
            for cut in range(cuts):
                if cut % 2 == 0:
                    origin.publisher.publish(noise(cut, 30 * CHUNK), noise(cut + 1, 8 * CHUNK), noise(50 + cut, 3000))
                process, said = await stopped_somewhere(disk / "device", origin, rng, flushing)
                try:
                    acknowledged = max(acknowledged, said)
                    look(image, tmp_path / "cut", acknowledged)
                finally:
                    process.kill()
                    await process.communicate()
    return acknowledged


def look(image: Path, folder: Path, acknowledged: int) -> None:
    """Mount what the disk was given so far and check it."""
    copy = image.with_name("after-the-cut")
    shutil.copyfile(image, copy)
    with mounted(copy, folder) as left:
        check(Cache(left / "device"), acknowledged)


async def test_after_a_power_cut_at_any_moment_what_was_acknowledged_plays(image: Path, tmp_path: Path) -> None:
    assert await cut_power(image, tmp_path, CUTS, flushing=True) >= 1


async def test_the_same_cuts_find_it_when_nothing_is_flushed(image: Path, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, NotFound)):
        await cut_power(image, tmp_path, 40, flushing=False)
