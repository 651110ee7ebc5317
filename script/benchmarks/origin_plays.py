"""What plays cost one origin: `script/bench origin --part plays`, on PostgreSQL, where it is installed, and on SQLite.

Screens (`origin_plays_load`, a process of its own) deliver in a closed loop for some seconds. The origin's processor is
told in microseconds for each play: `intake` of the deliveries; `sums`, when a report counts them (what the service
counted before is in `intake`); and its part of a checkpoint over an hour of 10-second items. `database` is the
processor of the server of PostgreSQL in the first of these. A fifth of the plays are ads.
"""

import asyncio
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from origin_bodies import name_of, token_of
from origin_devices import asked
from origin_plays_load import ASSETS, KEY, RELEASE, Screens, Turn, ad_of
from origin_site import Site
from postgresql import BINARIES, postgresql, server_s
from sqlalchemy import func, insert, select, text

from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.planning.channel_plan import ReleaseRecord
from sync.origin.planning.release_contents import ReleaseContent
from sync.origin.store.proof.device_logs import DeviceLogStore
from sync.origin.store.releases import ReleaseStore
from sync.origin.tables.devices import devices
from sync.origin.tables.people import keys
from sync.origin.tables.plans import channels
from sync.origin.tables.plays import plays
from sync.origin.tables.reports import ALL_DEVICES, play_sums
from sync.origin.tables.signing import checkpoints, device_keys
from sync.proof.key_request import public_key
from sync.runtime.clock import SystemClock, unix_ms
from sync.trust.signing import token_hash

CONNECTIONS = 24
_MOST_S = 12_000
"""No origin takes more plays in a second: for so many there are bodies."""
_PLAYS_OF_AN_HOUR = 360
_READER = "reader"


async def measure(count: int, batch: int, seconds: float) -> list[dict[str, Any]]:
    """Return a row for each database."""
    rows = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as made:
        if BINARIES:
            async with postgresql() as (url, server):
                rows.append(await _measured(Path(made, "one"), url, server, count, batch, seconds))
        rows.append(await _measured(Path(made, "other"), "", None, count, batch, seconds))
    return rows


async def _measured(
    folder: Path, url: str, server: int | None, count: int, batch: int, seconds: float
) -> dict[str, Any]:
    folder.mkdir()
    here = url or f"sqlite+aiosqlite:///{folder}/origin.db"
    async with open_origin_database(here) as database:
        await _fill(database, count)
    batches = 2 + int(_MOST_S * seconds / count / batch)
    async with _origin(folder, url) as (site, address), _sender(address, count, batches, batch) as sender:
        first = await _turn(sender, Turn(count, 60))  # each screen is known, what is read once is read
        await _report(address)
        before_s, server_before_s = site.cpu_s(), server_s(server)
        taken = await _turn(sender, Turn(count * (batches - 1), seconds))
        intake_s, database_s = site.cpu_s() - before_s, server_s(server) - server_before_s
        before_s = site.cpu_s()
        report_s = await _report(address)
        sums_s = site.cpu_s() - before_s
        before_s = site.cpu_s()
        signed = await _turn(sender, Turn(count, 60, checkpoints=True))
        signing_s = site.cpu_s() - before_s
        mib = round(site.mib())
    accepted = taken["accepted"]
    told = {
        "database": "PostgreSQL" if server else "SQLite",
        "devices": count,
        "batch": batch,
        "plays_s": round(accepted / taken["took_s"]),
        "intake_us": round(1e6 * intake_s / accepted, 1),
        "sums_us": round(1e6 * sums_s / accepted, 1),
        "checkpoint_us": round(1e6 * signing_s / count / _PLAYS_OF_AN_HOUR, 1),
        "database_us": round(1e6 * database_s / accepted, 1) if server else "-",
        "report_s": report_s,
        "origin_mib": mib,
        "failed": sum(each["failed"] for each in (first, taken, signed)),
    }
    acknowledged = sum(each["accepted"] for each in (first, taken))
    async with open_origin_database(here) as database:
        return told | await _checked(database, acknowledged, signed["stored"])


async def _fill(database: OriginDatabase, count: int) -> None:
    now_ms = unix_ms(SystemClock().now())
    before_ms = now_ms - 2 * 86_400_000
    reader = {"id": _READER, "name": _READER, "hash": token_hash(_READER), "role": "viewer", "created_ms": now_ms}
    paired = {"channel_id": "main", "channels": ["main"], "paired_ms": before_ms, "version": 1}
    certified = {"number": 1, "serial": 1, "key": KEY.id, "public_key": public_key(KEY), "issued_ms": before_ms}
    names = [(name_of(number), token_hash(token_of(number))) for number in range(count)]
    async with database.writing() as connection:
        await connection.execute(insert(channels).values(id="main", zone="Europe/Berlin", version=1))
        await connection.execute(insert(keys).values(**reader))
        await connection.execute(
            insert(devices), [{"id": name, "name": name, "token_hash": token, **paired} for name, token in names]
        )
        await connection.execute(
            insert(device_keys), [{"device_id": name, "certificate": {}, **certified} for name, _ in names]
        )
    record = ReleaseRecord("main", 1, RELEASE, 1_000, before_ms, 20, 0, 1, None)
    contents = [ReleaseContent(asset, f"item-{index}", "", "", "", 10_000) for index, asset in enumerate(ASSETS)]
    ads = [ReleaseContent(asset, "", **ad_of(index), longest_ms=10_000) for index, asset in enumerate(ASSETS)]
    await ReleaseStore(database).add(record, contents + ads)


@asynccontextmanager
async def _origin(folder: Path, url: str) -> AsyncIterator[tuple[Site, str]]:
    site = Site(folder, url)
    await site.start()
    try:
        yield site, f"http://127.0.0.1:{site.port}"
    finally:
        await site.end()


@asynccontextmanager
async def _sender(address: str, count: int, batches: int, batch: int) -> AsyncIterator[Process]:
    program = Path(__file__).parent / "origin_plays_load.py"
    process = await asyncio.create_subprocess_exec(sys.executable, str(program), stdin=PIPE, stdout=PIPE)
    screens = Screens(address, 0, count, batches, batch, CONNECTIONS)
    try:
        await asked(process, asdict(screens))
        yield process
    finally:
        process.kill()
        await process.wait()


async def _turn(sender: Process, turn: Turn) -> dict[str, Any]:
    outcome = await asked(sender, asdict(turn))
    statuses = Counter[str](outcome["statuses"])
    words = {word: statuses.pop(word, 0) for word in ("accepted", "stored", "set aside")}
    return {**words, "failed": statuses.total() - statuses["200"], "took_s": outcome["took_s"]}


async def _report(address: str) -> float:
    began_s = time.monotonic()
    who = {"Authorization": f"Bearer {_READER}"}
    async with ClientSession() as session, session.get(f"{address}/v1/reports/line", headers=who) as answer:
        answer.raise_for_status()
        await answer.read()
    return time.monotonic() - began_s


async def _checked(database: OriginDatabase, acknowledged: int, signed: int) -> dict[str, Any]:
    """Return what is missing of what was acknowledged, what is counted, and what does not fit."""
    async with database.reading() as connection:
        stored = await connection.scalar(select(func.count()).select_from(plays)) or 0
        aside = await connection.scalar(select(func.count()).where(plays.c.set_aside.is_not(None))) or 0
        covered = await connection.scalar(select(func.count()).select_from(checkpoints)) or 0
        summed = select(func.sum(play_sums.c.plays)).where(play_sums.c.device_id == ALL_DEVICES)
        counted = await connection.scalar(summed) or 0
        bytes_of = "pg_total_relation_size('plays')"
        if connection.dialect.name == "sqlite":
            bytes_of = "(SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%plays%')"
        size = await connection.scalar(text(f"SELECT {bytes_of}")) or 0
    breaks = await DeviceLogStore(database).breaks(None, 0, 2**50, 10)
    return {
        "lost": acknowledged - stored,
        "not_counted": acknowledged - counted,
        "set_aside": aside,
        "broken_chains": len(breaks),
        "lost_checkpoints": signed - covered,
        "bytes_a_play": round(size / max(1, stored)),
    }
