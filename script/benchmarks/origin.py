"""How many devices one origin carries: `script/bench origin --devices N --part writes`.

Simulated devices (`origin_load`, in processes of their own) send heartbeats and batches of plays at the rates of real
ones, all with 10-second items. A play is lost that was acknowledged and is not in the database, refused one that was
not acknowledged. The origin listens on loopback, on the same processors.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from dataclasses import asdict
from pathlib import Path
from typing import Any

import origin_plays
import origin_static
import psutil
from origin_load import ASSETS, RELEASE, Load, name_of, token_of
from seam import spread_ms
from sqlalchemy import func, insert, select

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import free_port, running
from syncing_content import listening

from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.persistence.tables import channels, devices, plays
from sync.origin.planning.channel_plan import ReleaseRecord
from sync.origin.planning.release_contents import ReleaseContent
from sync.origin.store.releases import ReleaseStore
from sync.runtime.clock import SystemClock, unix_ms
from sync.trust.signing import token_hash

PARTS = ("writes", "plays", "static")
DEVICES = 1_000
ITEM_S = 10.0
HEARTBEAT_S = 30.0
BATCH = 6
"""Plays of one request: those of a minute."""
SECONDS = 60.0
_LOADERS = 2


async def measure(part: str, count: int, batch: int, seconds: float) -> list[dict[str, Any]]:
    """Return a row for each kind of request of a part; empty: of all parts."""
    if part not in ("", *PARTS):
        raise SystemExit(f"no part named {part}; there are: {', '.join(PARTS)}")
    rows = await _writes(count, batch, seconds) if part in ("", "writes") else []
    rows += await origin_plays.measure(count, batch, seconds) if part in ("", "plays") else []
    return rows + (await origin_static.measure() if part in ("", "static") else [])


async def _writes(count: int, batch: int, seconds: float) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as made:
        folder = Path(made)
        url = f"sqlite+aiosqlite:///{folder}/origin.db"
        async with open_origin_database(url) as database:
            await _fill(database, count)
        port = free_port(0)
        environment = {
            "SIGNAGE_ORIGIN__STORAGE__DATA_DIR": str(folder),
            "SIGNAGE_ORIGIN__STORAGE__RESERVE_BYTES": "0",
            "SIGNAGE_ORIGIN__SERVER__PORT": str(port),
        }
        command = (sys.executable, "-m", "sync.origin.app.start", "serve")
        async with running(command, folder / "log" / "origin.log", environment) as process:
            await listening(port)
            rows = await _loaded(psutil.Process(process.pid), f"http://127.0.0.1:{port}", count, batch, seconds)
        async with open_origin_database(url) as database, database.reading() as connection:
            stored = await connection.scalar(select(func.count()).select_from(plays)) or 0
            aside = await connection.scalar(select(func.count()).where(plays.c.set_aside.is_not(None))) or 0
    for row in rows:
        accepted, is_plays = row.pop("accepted"), row["request"] == "plays"
        row |= {"lost": max(0, accepted - stored), "set_aside": aside} if is_plays else {"lost": "-", "set_aside": "-"}
    return rows


async def _fill(database: OriginDatabase, count: int) -> None:
    now_ms = unix_ms(SystemClock().now())
    async with database.writing() as connection:
        await connection.execute(insert(channels).values(id="main", zone="Europe/Berlin", version=1))
        paired = {"channel_id": "main", "channels": ["main"], "paired_ms": now_ms - 86_400_000, "version": 1}
        rows = [
            {"id": name_of(number), "name": name_of(number), "token_hash": token_hash(token_of(number)), **paired}
            for number in range(count)
        ]
        await connection.execute(insert(devices), rows)
    record = ReleaseRecord("main", 1, RELEASE, 1_000, now_ms - 86_400_000, 20, 0, 1, None)
    contents = [ReleaseContent(asset, f"item-{index}", "", "", "", 10_000) for index, asset in enumerate(ASSETS)]
    await ReleaseStore(database).add(record, contents)


async def _loaded(origin: psutil.Process, url: str, count: int, batch: int, seconds: float) -> list[dict[str, Any]]:
    edges = [count * part // _LOADERS for part in range(_LOADERS + 1)]
    loads = [Load(url, edges[part], edges[part + 1], seconds, HEARTBEAT_S, ITEM_S, batch) for part in range(_LOADERS)]
    loaders = await asyncio.gather(*map(_loader, loads))
    starts_at, cpu_before = time.time() + 1, sum(origin.cpu_times()[:2])
    outcomes = await asyncio.gather(*(_outcome(loader, starts_at) for loader in loaders))
    took_s, cpu_s = time.time() - starts_at, sum(origin.cpu_times()[:2]) - cpu_before
    requests = sum(len(late) for one in outcomes for late in one["late_s"].values())
    own: dict[str, Any] = {"origin_cpu_ms": round(1000 * cpu_s / requests, 2)}  # a request
    own |= {"origin_cpu_percent": round(100 * cpu_s / took_s), "origin_mib": round(origin.memory_info().rss / 2**20)}
    return [_row(kind, outcomes, count, batch, seconds) | own for kind in ("heartbeat", "plays")]


async def _loader(load: Load) -> Process:
    """Start a process of devices, and wait until its bodies are made."""
    program = Path(__file__).parent / "origin_load.py"
    process = await asyncio.create_subprocess_exec(sys.executable, str(program), stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(asdict(load)).encode() + b"\n")
    if not await process.stdout.readline():
        raise SystemExit("simulated devices failed")
    return process


async def _outcome(loader: Process, starts_at: float) -> dict[str, Any]:
    out, _ = await loader.communicate(f"{starts_at}\n".encode())
    if loader.returncode:
        raise SystemExit("simulated devices failed")
    result: dict[str, Any] = json.loads(out)
    return result


def _row(kind: str, outcomes: list[dict[str, Any]], count: int, batch: int, seconds: float) -> dict[str, Any]:
    late = [late_s for one in outcomes for late_s in one["late_s"].get(kind, ())]
    statuses = [(int(status), n) for one in outcomes for status, n in one["statuses"].get(kind, {}).items()]
    accepted = sum(one["accepted"] for one in outcomes)
    sent = len(late) * batch
    return {
        "devices": count,
        "request": kind,
        "requests_s": round(len(late) / seconds, 1),
        "plays_s": round(sent / seconds, 1) if kind == "plays" else "-",
        "late_ms": spread_ms(late),
        "failed": sum(n for status, n in statuses if not 200 <= status < 300),
        "refused": sent - accepted if kind == "plays" else "-",
        "accepted": accepted,
    }
