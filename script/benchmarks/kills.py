"""kills --part daemon: the whole player is killed at random (kill -9) while it fetches from a server with faults.

It runs as it is installed, with decks on a display. A kill falls into its start, or after a random number of requests.
After each one its files are checked as in `tests/sync/device/disk/test_kill.py`, and so is its evidence. At the end a
player that nobody kills has to reach the newest release. Without `--part`, see `tables.py`.
"""

import asyncio
import os
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from player.app.failed_starts import FILE as FAILED_STARTS
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership, save_membership
from sync.runtime.clock import SystemClock
from sync.trust.signing import open_envelope
from sync.wire.release import ROOT_CAP_BYTES
from tests.sync.device.disk.test_kill import KILLS_OF_A_DEVICE, break_something, check, pinned
from tests.sync.file_tree_origin import CHANNEL, CHUNK, Faults, Origin, noise, serving

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import virtual_display

_BIN = Path(sys.executable).parent
_STARTED_S = 20.0  # within which a player asks the server, else it is killed in its start
_CONVERGED_S = 120.0


async def measure(kills: int, seed: int) -> list[dict[str, Any]]:
    """Kill a player so many times, a new device after each 20; raise AssertionError for what is wrong on its disk."""
    rng, began_s, done, asked = Random(seed), SystemClock().monotonic(), 0, 0
    async with virtual_display() as display:
        while done < kills:
            with tempfile.TemporaryDirectory(prefix="bench-kills-") as folder:
                async with serving(Path(folder) / "tree") as origin:
                    some = min(KILLS_OF_A_DEVICE, kills - done)
                    asked += await _killed(Path(folder) / "device", origin, display, some, rng)
                    done += some
            sys.stderr.write(f"{done} kills\n")
    seconds = SystemClock().monotonic() - began_s
    return [{"kills": done, "devices": -(-done // KILLS_OF_A_DEVICE), "after_requests": asked, "seconds": seconds}]


async def _killed(folder: Path, origin: Origin, display: str, kills: int, rng: Random) -> int:
    """Kill one device; return how many of the kills came after a request."""
    store, played, asked = pinned(folder, origin), 0, 0
    root = open_envelope(origin.publisher.root, ROOT_CAP_BYTES)
    member = DeviceMembership(device="d1", token="t" * 43, channel=CHANNEL, origin=origin.url)
    save_membership(store, root, member)
    origin.faults.pace_s = 0.002
    for number in range(kills):
        if number % 5 == 0:
            _publish(origin, number)
        break_something(origin, rng)
        asked += await _run_and_kill(folder, origin, display, rng)
        _forget_start(store)
        played = check(store, played)
        _check_evidence(store)
    origin.faults = Faults()
    await _converge(store, origin, display)
    assert check(store, played) == origin.publisher.sequence
    return asked


def _publish(origin: Origin, number: int) -> None:
    """Publish a picture that can be shown, and noise that shares most of its bytes with the release before."""
    Image.new("RGB", (640, 360), (0, 0, 50 + number)).save(picture := BytesIO(), "PNG")
    contents = [picture.getvalue(), *(noise(number + other, 6 * CHUNK) for other in (0, 5, 10))]
    origin.publisher.publish(*contents, *(noise(10 * number + other, 3000) for other in range(60, 90)))


@asynccontextmanager
async def _running(folder: Path, origin: Origin, display: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Give a player that is killed at the end."""
    settings = {
        "STORAGE__STATE_DIR": str(folder),
        "ORIGIN__URL": origin.url,
        "ORIGIN__POLL_S": "1",
        "ENDPOINT__PORT": "0",
    }
    environment = {f"SIGNAGE_PLAYER__{name}": value for name, value in settings.items()}
    with folder.with_name("player.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            str(_BIN / "signage-player"), "run", env={**os.environ, **environment, "DISPLAY": display},
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _run_and_kill(folder: Path, origin: Origin, display: str, rng: Random) -> bool:
    """Start a player and kill it at random; return whether it had asked the server."""
    before, wanted = len(origin.requests), rng.choice([0, 1, 3, 5, 10, rng.randrange(60)])
    async with _running(folder, origin, display) as process:
        with suppress(TimeoutError):
            async with asyncio.timeout(_STARTED_S):
                await origin.until(lambda: len(origin.requests) >= before + wanted)
        await SystemClock().sleep(rng.uniform(0, 0.3 if wanted else 2.0))
        assert process.returncode is None, f"the player ended by itself: {folder.with_name('player.log')}"
    return len(origin.requests) > before


async def _converge(store: ContentStore, origin: Origin, display: str) -> None:
    clock, newest = SystemClock(), origin.publisher.sequence
    async with _running(store.state.parent, origin, display), asyncio.timeout(_CONVERGED_S):
        while (pointer := store.pointer()) is None or pointer.sequence < newest:
            await clock.sleep(0.2)
    _forget_start(store)


def _forget_start(store: ContentStore) -> None:
    """Have the next start not wait: the kills would count as starts that failed."""
    (store.state / FAILED_STARTS).unlink(missing_ok=True)


def _check_evidence(store: ContentStore) -> None:
    path = store.state / "plays.db"
    if path.exists():
        with closing(sqlite3.connect(path)) as database:
            found = database.execute("PRAGMA integrity_check").fetchall()
        assert found == [("ok",)], f"the evidence is damaged: {found}"
