"""How long reports take over a month of plays: 100 screens, 100 lines of 20 campaigns, on SQLite.

The last day has a row for each play, which are counted: `count_ms` is what one day of one screen takes. The days before
it are copies of its counts, as if all their plays had been there. The history of each screen has ten changes a day.
The others are seconds for a report of all 31 days, once all days are counted and promised: the first one after a start,
the slowest of three more, and the least time of the processor, which other work on the machine changes little.

At the end the last day moves into a Parquet file and is counted from it, where DuckDB is installed: `archive` has that.
"""

import hashlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import func, insert, literal, select, update

from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.persistence.play_files import can_archive
from sync.origin.planning.channel_plan import ReleaseRecord
from sync.origin.planning.release_contents import contents_of
from sync.origin.planning.venue_days import day_number
from sync.origin.proof.delivery import ReportBy
from sync.origin.reports.delivery_report import ReportQuestion
from sync.origin.retention.play_archiver import PlayArchiver
from sync.origin.settings.model import OriginConfiguration, OriginStorageSettings
from sync.origin.store.releases import ReleaseStore
from sync.origin.tables.devices import devices
from sync.origin.tables.history import history
from sync.origin.tables.plans import campaigns, channels, lines
from sync.origin.tables.plays import plays
from sync.origin.tables.reports import play_days, play_sums
from sync.origin.wiring.origin import open_origin
from sync.runtime.clock import SystemClock, unix_ms
from sync.wire.content_paths import release_path
from sync.wire.device_reports import GENESIS
from sync.wire.release import Asset, BreakRule, Campaign, Creative, Item, Line, MediaKind, Playlist, Release
from tests.fakes import FakeClock

PLAYS = 10_000_000
SCREENS, LINES, CAMPAIGNS, DAYS = 100, 100, 20, 31
FILM = "a" * 64
DAY_MS = 86_400_000


async def measure(count: int = PLAYS) -> list[dict[str, Any]]:
    """Return one row."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        return [await _measured(Path(folder), count)]


async def _measured(folder: Path, count: int) -> dict[str, Any]:
    last = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    first = last - timedelta(days=DAYS - 1)
    storage = OriginStorageSettings(data_dir=folder, reserve_bytes=0)
    began = time.perf_counter()
    async with open_origin_database(f"sqlite+aiosqlite:///{folder}/origin.db") as database:
        sha256 = await _plan(database, folder, first)
        for screen in range(SCREENS):
            await _fill(database, f"screen-{screen:03}", first, count // SCREENS // DAYS, sha256)
    row: dict[str, Any] = {"plays": count // SCREENS // DAYS * SCREENS * DAYS, "fill_s": _since(began)}
    async with open_origin(OriginConfiguration(storage=storage), SystemClock()) as origin:
        maker, began = origin.reports, time.perf_counter()
        await maker.counter.count()
        row["count_ms"] = round(1_000 * _since(began) / SCREENS, 1)
    async with open_origin_database(f"sqlite+aiosqlite:///{folder}/origin.db") as database:
        row["sums"] = await _copy_counts(database, unix_ms(last) // DAY_MS)
    async with open_origin(OriginConfiguration(storage=storage), SystemClock()) as origin:
        maker, began = origin.reports, time.perf_counter()
        await maker.keeper.keep(unix_ms(first) // DAY_MS, unix_ms(last) // DAY_MS)
        row["promise_s"] = round(_since(began) / DAYS, 2)
    async with open_origin(OriginConfiguration(storage=storage), SystemClock()) as origin:
        for by in get_args(ReportBy):
            row[by] = await _timed(origin.reports, ReportQuestion(by, first.date(), last.date()))
        chosen = ReportQuestion("line", first.date(), last.date(), campaign="campaign-7")
        row["one_campaign"] = await _timed(origin.reports, chosen)
    row["database_mb"] = round((folder / "origin.db").stat().st_size / 1e6)
    row["archive"] = await _archive(folder, last.date()) if can_archive() else "DuckDB is not installed"
    return row


async def _archive(folder: Path, last: date) -> dict[str, float]:
    """Archive the day that has rows, as the origin does two days later, and count a screen anew from its file."""
    before_mb = _size_mb(folder)
    async with open_origin_database(f"sqlite+aiosqlite:///{folder}/origin.db", folder / "plays") as database:
        begun = time.process_time()
        await PlayArchiver(database, FakeClock(datetime.now(UTC) + timedelta(days=2)), after_days=1).archive()
        cpu_s, file = time.process_time() - begun, database.play_files.manifest(last)[0]
        async with database.writing() as connection:
            stale = update(play_days).where(play_days.c.device_id == "screen-000", play_days.c.day == day_number(last))
            await connection.execute(stale.values(changes=play_days.c.changes + 1))
    storage = OriginStorageSettings(data_dir=folder, reserve_bytes=0)
    async with open_origin(OriginConfiguration(storage=storage), SystemClock()) as origin:
        begun = time.process_time()
        await origin.reports.counter.count()
        count_s = time.process_time() - begun
        report = await _timed(origin.reports, ReportQuestion("line", last - timedelta(days=DAYS - 1), last))
    return {
        "plays": file.plays,
        "cpu_s": round(cpu_s, 1),
        "file_mb": round(file.size_bytes / 1e6, 1),
        "database_mb_before": before_mb,
        "database_mb": _size_mb(folder),
        "count_cpu_ms": round(1_000 * count_s, 1),
        "report_cpu_s": report["cpu"],
    }


def _size_mb(folder: Path) -> float:
    """Return how large the database is once it is made anew: what is free in it is used again by new plays."""
    with closing(sqlite3.connect(folder / "origin.db")) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return round((folder / "origin.db").stat().st_size / 1e6)


async def _timed(maker: Any, asked: ReportQuestion) -> dict[str, float]:
    took, cpu = [], []
    for _ in range(4):
        began, began_cpu = time.perf_counter(), time.process_time()
        await maker.make(asked)
        took.append(_since(began))
        cpu.append(round(time.process_time() - began_cpu, 3))
    return {"first": took[0], "slowest": max(took[1:]), "cpu": min(cpu)}


async def _plan(database: OriginDatabase, folder: Path, first: datetime) -> str:
    files = DataFolder(folder)
    files.prepare()
    release = _release(first)
    raw = release.model_dump_json().encode()
    sha256 = hashlib.sha256(raw).hexdigest()
    files.put(release_path(sha256), raw)
    async with database.writing() as connection:
        await connection.execute(insert(channels).values(id="main", zone="Europe/Berlin", version=1))
        for one in release.campaigns:
            own = {"name": one.name, "advertiser": one.advertiser, "starts_ms": 0, "ends_ms": 1, "updated_ms": 0}
            await connection.execute(insert(campaigns).values(id=one.id, version=1, **own))
            terms = {"category": "", "weight": 1, "windows": [], "category_gap": 0, "advertiser_gap": 0, "position": 0}
            rows = [{"id": line.id, "campaign_id": one.id, "name": line.name, **terms} for line in one.lines]
            await connection.execute(insert(lines), rows)
        paired = {"channel_id": "main", "paired_ms": unix_ms(first), "version": 1}
        names = [f"screen-{number:03}" for number in range(SCREENS)]
        await connection.execute(insert(devices), [{"id": id, "name": id, "token_hash": id, **paired} for id in names])
    record = ReleaseRecord("main", 1, sha256, len(raw), unix_ms(first), 1, LINES, 1, None)
    await ReleaseStore(database).add(record, contents_of(release))
    return sha256


def _release(first: datetime) -> Release:
    film = Asset(
        sha256=FILM, size_bytes=1, index=FILM, kind=MediaKind.VIDEO, media_type="video/mp4", width=1, height=1,
        duration_ms=10_000,
    )  # fmt: skip
    booked = [
        Line(id=f"line-{n:03}", name=f"Line {n}", creatives=(Creative(id=f"creative-{n:03}", title="A", asset=FILM),))
        for n in range(LINES)
    ]
    each = LINES // CAMPAIGNS
    sold = tuple(
        Campaign(
            id=f"campaign-{n}", name=f"Campaign {n}", advertiser=f"Advertiser {n}", starts_at=first,
            ends_at=first + timedelta(days=99), lines=tuple(booked[n * each : (n + 1) * each]),
        )
        for n in range(CAMPAIGNS)
    )  # fmt: skip
    loop = Playlist(id="loop", name="Loop", items=(Item(id="news", title="News", asset=FILM),))
    return Release(
        channel="main", created_at=first, zone="Europe/Berlin", playlists=(loop,), default_playlist="loop",
        break_rule=BreakRule(every_items=1, ads=1), campaigns=sold, assets=(film,),
    )  # fmt: skip


async def _fill(database: OriginDatabase, screen: str, first: datetime, a_day: int, release: str) -> None:
    """Add the plays of the last day, and a month of history."""
    begins = unix_ms(first) // DAY_MS
    last = begins + DAYS - 1
    async with database.writing() as connection:
        await connection.execute(insert(plays), list(_plays(screen, last, a_day, release)))
        await connection.execute(insert(play_days).values(device_id=screen, day=last, changes=1))
        changes = [_change(screen, DAY_MS * begins + DAY_MS * nth // 10, nth) for nth in range(10 * DAYS)]
        await connection.execute(insert(history), changes)


def _change(screen: str, at_ms: int, nth: int) -> dict[str, Any]:
    """Return a change: the monitor goes off and on, the screen is lost and back, the player stops and starts."""
    words = (("screen", "off", "on"), ("contact", "lost", "back"), ("player", "stopped", "started"))
    kind, *states = words[nth // 2 % 3]
    times = {"at_ms": at_ms, "received_ms": at_ms, "clock": "synced"}
    return {"device_id": screen, "kind": kind, "state": states[nth % 2], "body": {}, **times}


async def _copy_counts(database: OriginDatabase, last: int) -> int:
    """Give all days of the month the counts of the last one; return how many rows of sums there are then."""
    async with database.writing() as connection:
        for table in (play_days, play_sums):
            names = [column.name for column in table.c if column.name not in ("id", "day")]
            for day in range(last - DAYS + 1, last):
                copied = select(literal(day), *(table.c[name] for name in names)).where(table.c.day == last)
                await connection.execute(insert(table).from_select(["day", *names], copied))
        return await connection.scalar(select(func.count()).select_from(play_sums)) or 0


def _plays(screen: str, day: int, a_day: int, release: str) -> Iterator[dict[str, Any]]:
    step = DAY_MS // a_day
    for number in range(a_day):
        line, began_ms = (number * 37 + day) % LINES, day * DAY_MS + number * step
        ids = {"campaign": f"campaign-{line * CAMPAIGNS // LINES}", "line": f"line-{line:03}"}
        ids["creative"] = f"creative-{line:03}"
        fails = number % 50 == 0
        body = {
            "device": screen, "log_epoch": "0" * 32, "sequence": day * a_day + number, "take": f"take-{number}",
            "kind": "ad", "release": release, "asset": FILM, "title": "A", "advertiser": "Advertiser", **ids,
            "started_at": began_ms, "ended_at": began_ms + 10_000, "zone": "Europe/Berlin", "expected_ms": 10_000,
            "rendered_ms": 4_000 if fails else 10_000, "outcome": "failed" if fails else "complete",
            "screen": "off" if number % 40 == 0 else "on", "clock": "synced", "previous_hash": GENESIS, "hash": GENESIS,
        }  # fmt: skip
        yield {
            "device_id": screen, "log_epoch": "0" * 32, "sequence": body["sequence"], "hash": GENESIS, "kind": "ad",
            "item_id": None, "campaign_id": ids["campaign"], "line_id": ids["line"], "creative_id": ids["creative"],
            "outcome": body["outcome"], "started_ms": began_ms, "ended_ms": began_ms + 10_000,
            "rendered_ms": body["rendered_ms"], "body": body, "received_ms": began_ms, "clock": "synced",
        }  # fmt: skip


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 3)
