"""What a release of 5,000 assets costs a device, beside one of 5: while it arrives, idle, per poll, until a picture."""

import asyncio
import os
import statistics
import struct
import sys
import time
import zlib
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import psutil
import start
import syncing_content as content_of
from glass import Glass
from syncing_content import Content
from syncing_device import device

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import display, running

from sync.device.origin_client import open_client
from sync.device.store.content_store import ContentStore, open_content_store
from sync.device.store.membership import DeviceMembership, membership_file
from sync.device.update_check import UpdateCheck
from sync.runtime.clock import SystemClock
from tests.sync.file_tree_origin import CHANNEL, Publisher, release_of

FEW = 5
_BYTES = 100_000
_SIZE = (640, 360)
_POLLS = 200
_IDLE_S = 65.0  # with a look at all files, which comes once a minute
_SETTLED_S = 25.0
_STARTS = 3
_ITEM_MS = 3_600_000
_GREEN_ROWS = zlib.compress((b"\0" + bytes(start.GREEN) * _SIZE[0]) * _SIZE[1])
_POLL_WITHIN_S = 120.0


async def measure(stack: AsyncExitStack, folder: Path, many: int) -> list[dict[str, Any]]:
    """Return a row for a release of 5 assets and one of `many`."""
    name = await stack.enter_async_context(display())
    glass = Glass(name)
    stack.callback(glass.close)
    rows = []
    for count in (FEW, many):
        place = folder / str(count)
        content = await asyncio.to_thread(_pictures, place / "tree", count)
        async with content_of.nginx(place / "nginx", content.tree) as url:
            row: dict[str, Any] = {"assets": count, **await _arrives(place, content, url)}
            row["first_poll_without_catalogue_ms"] = await _lost_catalogue(place, content)
            rows.append(row | await _plays(place, url, name, glass))
    few, more = rows
    more["idle_mib_more"] = more["idle_mib"] - few["idle_mib"]
    more["first_picture_ms_more"] = more["first_picture_ms"] - few["first_picture_ms"]
    few["idle_mib_more"] = few["first_picture_ms_more"] = "-"
    return rows


def _pictures(folder: Path, count: int) -> Content:
    publisher = Publisher(folder)
    assets = tuple(
        publisher.asset(picture(), _BYTES * 2).model_copy(update={"width": _SIZE[0], "height": _SIZE[1]})
        for _ in range(count)
    )
    release = release_of(assets)
    (playlist,) = release.playlists
    items = tuple(item.model_copy(update={"duration_ms": _ITEM_MS}) for item in playlist.items)
    publisher.publish_release(release.model_copy(update={"playlists": (playlist.model_copy(update={"items": items}),)}))
    return Content(publisher, assets)


def picture() -> bytes:
    """Return a green PNG of 100 kB; random bytes in a chunk that no reader knows make each another file."""
    head = struct.pack(">IIBBBBB", *_SIZE, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"bnCh", os.urandom(_BYTES - 1_500)), (b"IDAT", _GREEN_ROWS), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + body


async def _arrives(place: Path, content: Content, url: str) -> dict[str, Any]:
    async with device(place / "device", url, content.tree, "--watch") as running:
        running.begin()
        arrived = await running.told()
        await asyncio.sleep(_SETTLED_S)
        later = await running.used()
        await asyncio.sleep(_IDLE_S)
        idle = await running.used()
    return {
        "first_sync_s": arrived["wall_s"],
        "first_sync_cpu_s": arrived["cpu_s"],
        "largest_gap_ms": max(arrived["gap_ms"], later["gap_ms"]),
        "loop_busy_ms": max(arrived["busy_ms"], later["busy_ms"]),
        "idle_gap_ms": idle["gap_ms"],
        "poll_cpu_ms": await _poll(place, url),
    }


async def _poll(place: Path, url: str) -> float:
    """Return the processor time of a poll without news, in ms."""
    async with open_client(url) as client:
        with open_content_store(place / "device") as store:
            check = UpdateCheck(client, store, SystemClock(), Random(), CHANNEL)
            await check.release(await check.timestamp())
            await check.timestamp()
            began_s = time.process_time()
            for _ in range(_POLLS):
                await check.timestamp()
            return 1000 * (time.process_time() - began_s) / _POLLS


async def _lost_catalogue(place: Path, content: Content) -> float:
    """Return how long after its start a device without `index.db` asks the origin for the first time, in ms."""
    (place / "device/state/index.db").unlink()
    log = place / "sent.log"
    async with (
        content_of.nginx(place / "nginx-2", content.tree, log=str(log)) as other,
        device(place / "device", other, content.tree) as running,
    ):
        began = time.perf_counter()
        running.begin()
        while "timestamp.json" not in (log.read_text() if log.exists() else ""):
            await SystemClock().sleep(0.005)
            if time.perf_counter() - began > _POLL_WITHIN_S:
                raise TimeoutError(f"a device without a catalogue does not poll within {_POLL_WITHIN_S:.0f} s")
        return 1000 * (time.perf_counter() - began)


async def _plays(place: Path, url: str, display: str, glass: Glass) -> dict[str, float]:
    """Return how long the installed player takes to its first picture, and its memory when nothing is new."""
    state_dir = place / "device"
    member = DeviceMembership(device="bench", token="t", channel=CHANNEL, origin=url)
    membership_file(ContentStore(state_dir)).save(member.model_dump_json().encode())
    environment = {
        "DISPLAY": display,
        "SIGNAGE_PLAYER__STORAGE__STATE_DIR": str(state_dir),
        "SIGNAGE_PLAYER__ORIGIN__URL": url,
        "SIGNAGE_PLAYER__ENDPOINT__PORT": "0",
    }
    command = (str(start.BIN / "signage-player"), "run")
    first = [await start.until_green([*command], {**os.environ, **environment}, glass) for _ in range(_STARTS)]
    async with running(command, place / "player.log", environment) as process:
        await asyncio.sleep(_SETTLED_S)
        idle = psutil.Process(process.pid).memory_full_info()
    return {"first_picture_ms": statistics.median(first), "idle_mib": idle.uss / 2**20}
