"""How long a page of a long list takes, and how large it is: 50,000 media, 10,000 devices with a heartbeat, on SQLite.

`ms` is the median of requests of one client, loopback, and `cpu_ms` what the process takes for one, this client
included. `mib` is by how much more memory the process has at most meanwhile than before.
"""

import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from sqlalchemy import insert

from sync.http.listener import serve_http
from sync.origin.http.auth import make_key
from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.persistence.lists import named
from sync.origin.settings.model import OriginConfiguration, OriginStorageSettings
from sync.origin.tables.devices import devices
from sync.origin.tables.media import assets, media, media_folders, media_tags
from sync.origin.tables.plans import channels
from sync.origin.wiring.origin import open_origin
from sync.roles import Role
from sync.runtime.clock import SystemClock, unix_ms

MEDIA, DEVICES, CHANNELS = 50_000, 10_000, 100
TRIES = 7
PAGES = {
    "media, first page": "media?limit=60",
    "media, page 500": "media?limit=60&cursor={middle}",  # in the middle of the list
    "media, by name": "media?limit=60&sort=name",
    "media, sought": "media?limit=60&sort=name&search=film 4999",
    "media, sought in vain": "media?limit=60&search=nothing",
    "media, by size": "media?limit=60&sort=-source_bytes",
    "media, of a tag": "media?limit=60&tag=spring",
    "media, of a folder": "media?limit=60&sort=name&folder=folder-7",
    "media, unused and wide": "media?limit=60&use=unused&shape=landscape",
    "media, 1,000": "media",
    "devices, first page": "devices?limit=50",
    "devices, sought": "devices?limit=50&search=screen 99",
    "devices, of a channel": "devices?limit=50&channel=channel-7",
    "devices, offline": "devices?limit=50&online=false",
    "devices, 1,000": "devices",
}


async def measure(count: int = MEDIA) -> list[dict[str, Any]]:
    """Return one row for each kind of page."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        async with open_origin_database(f"sqlite+aiosqlite:///{folder}/origin.db") as database:
            await _fill(database, count)
        return await _measured(Path(folder), count)


async def _measured(folder: Path, count: int) -> list[dict[str, Any]]:
    settings, clock = OriginConfiguration(storage=OriginStorageSettings(data_dir=folder)), SystemClock()
    rows = list[dict[str, Any]]()
    async with (
        open_origin(settings, clock) as origin,
        serve_http(origin.app, "127.0.0.1", 0) as url,
        ClientSession() as client,
    ):
        _, key = await make_key(origin.keys, clock, "bench", Role.VIEWER)
        headers = {"Authorization": f"Bearer {key}"}

        async def asked(path: str) -> bytes:
            async with client.get(f"{url}/v1/{path}", headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.read()

        middle = ""
        for _ in range(count // 2 // 1_000):
            middle = json.loads(await asked(f"media?cursor={middle}" if middle else "media"))["next"]
        for name, path in PAGES.items():
            Path("/proc/self/clear_refs").write_text("5")  # what it has at most begins anew
            memory, waits, began_cpu = _memory_mib(), list[float](), time.process_time()
            for _ in range(TRIES):
                began = time.perf_counter()
                body = await asked(path.format(middle=middle))
                waits.append(time.perf_counter() - began)
            cpu_ms = (time.process_time() - began_cpu) / TRIES * 1000
            ms = statistics.median(waits) * 1000
            row = {"ms": ms, "cpu_ms": cpu_ms, "kb": len(body) / 1000, "mib": _memory_mib() - memory}
            rows.append({"page": name} | {key: round(value, 1) for key, value in row.items()})
    return rows


async def _fill(database: OriginDatabase, count: int) -> None:
    now_ms = unix_ms(SystemClock().now())
    beat = {
        "at": "2026-03-02T12:00:00Z", "version": "0.1.0", "sequence": 3, "period_s": 60,
        "on_air": {"title": "Good morning", "kind": "item", "asset": f"{7:064x}"},
        "health": {"cpu_percent": 12.5, "memory_percent": 40.0, "disk_free_bytes": 10**10, "clock": "synchronised"},
    }  # fmt: skip
    async with database.writing() as connection:
        asset = {"kind": "video", "media_type": "video/mp4", "width": 1920, "height": 1080, "duration_ms": 10_000}
        asset |= {"has_audio": True, "size_bytes": 10**7, "created_ms": now_ms}
        shas = [f"{number:064x}" for number in range(count)]
        await connection.execute(insert(assets), [{**asset, "sha256": sha, "index_sha256": sha} for sha in shas])
        rows = [
            {"id": sha[-32:], **named(f"Film {number}.mp4"), "state": "ready", "progress": 100, "source_sha256": sha,
             "source_bytes": number * 7919 % 10**7, "asset_sha256": sha, "created_ms": now_ms + number,
             "updated_ms": now_ms, "folder_id": f"folder-{number % 100}"}
            for number, sha in enumerate(shas)
        ]  # fmt: skip
        folders = [
            {"id": f"folder-{n}", **named(f"Folder {n}"), "path": [f"Folder {n}"], "version": 1, "updated_ms": now_ms}
            for n in range(100)
        ]
        await connection.execute(insert(media_folders), folders)
        await connection.execute(insert(media), rows)
        tagged = [
            {"media_id": row["id"], "tag_key": "spring", "tag": "spring", "searched": "spring"} for row in rows[::5]
        ]
        await connection.execute(insert(media_tags), tagged)
        kept = [{"id": f"channel-{n}", "zone": "UTC", "version": 1, "sequence": 3} for n in range(CHANNELS)]
        await connection.execute(insert(channels), kept)
        screens = [
            {"id": f"{n:016x}", **named(f"Screen {n}", f"{n:016x}"), "channel_id": f"channel-{n % CHANNELS}",
             "token_hash": f"{n:064x}", "paired_ms": now_ms, "seen_ms": now_ms, "heartbeat": beat,
             "unheard_ms": None if n % 10 else now_ms}
            for n in range(DEVICES * count // MEDIA)
        ]  # fmt: skip
        await connection.execute(insert(devices), screens)


def _memory_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
