"""Plays of past days move into Parquet files, and everything answers as before, whatever ends the move at any step."""

import asyncio
import itertools
import json
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from sync.errors import StorageBroken
from sync.origin.persistence import play_files
from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.persistence.pages import PageRequest
from sync.origin.persistence.play_files import FileOfDay, PlayFiles
from sync.origin.retention.play_archiver import PlayArchiver
from sync.origin.store.days.archived_plays import STAYS, ArchiveStore
from sync.origin.store.proof.device_logs import DeviceLogStore
from sync.origin.store.proof.exported_plays import ExportedPlayStore, LogRange
from sync.origin.store.proof.play_contexts import Question
from sync.origin.store.proof.plays import Delivery, PlayFilter, PlayStore
from sync.origin.tables.plays import play_archives, plays
from sync.origin.tables.reports import play_days
from sync.runtime.clock import unix_ms
from tests.fakes import FakeClock
from tests.long_tables import in_bench
from tests.origin.api.proof.test_play_export import exported, screens, verified
from tests.origin.proof.export.signed_screens import ENDS
from tests.origin.reports.test_day_counter import ALL, correct, counter, fill, sent
from tests.origin.running_origin import EPOCH, RunningOrigin

needs_duckdb = pytest.mark.skipif(not play_files.can_archive(), reason="DuckDB is not installed")
FIRST = datetime(2026, 3, 2, 22, 59, 50, tzinfo=UTC)  # ten seconds before midnight in Berlin
FAR_MS = unix_ms(datetime(2999, 1, 1, tzinfo=UTC))
ODD = {"title": '“Spring” \U0001f338 \\ "x" \u2028 \'; DROP', "later_field": {"deep": [1.5, None, "\u0001"]}}


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[OriginDatabase]:
    async with open_origin_database(f"sqlite+aiosqlite:///{folder}/origin.db", folder / "plays's") as database:
        yield database


def archiver(database: OriginDatabase, after_days: int = 30) -> PlayArchiver:
    return PlayArchiver(database, FakeClock(FIRST + timedelta(days=37)), after_days)


def some(device: str, first: int, count: int, **changes: Any) -> list[Any]:
    """Return plays of both days: one each five seconds, so that the third one begins after midnight in Berlin."""
    return [
        sent(device, number, FIRST + timedelta(seconds=5 * number), zone="Europe/Berlin", line="mornings",
             **(ODD if number % 3 == 0 else {}), **changes)
        for number in range(first, first + count)
    ]  # fmt: skip


async def deliver(database: OriginDatabase) -> None:
    await fill(database, "d", "e")
    for device in "de":
        await PlayStore(database).store([Delivery(device, some(device, 1, 5))], 7)
    await PlayStore(database).store([Delivery("d", some("d", 7, 1, set_aside="unconfirmed: it is older"))], 8)


async def everything(database: OriginDatabase) -> dict[str, Any]:
    """Return what is read of all plays: pages, an export, the audit, sums that are counted anew, what is missing."""
    store, exported, logs = PlayStore(database), ExportedPlayStore(database), DeviceLogStore(database)
    async with database.writing() as connection:
        await connection.execute(update(play_days).values(changes=play_days.c.changes + 1))
    counts, sums = counter(database)
    await counts.count()
    names = ("device_id", "day", "line_id", "asset", "verdict", "reason")
    rows = [tuple(row.values()) for row in await sums.sums(ALL, names, hours=True)]
    everyone = LogRange(EPOCH, 1, 99)
    return {
        "page": (await store.page(PlayFilter(), PageRequest())).items,
        "aside": await store.kept_aside("d", EPOCH, 1, 99),
        "beside": (await store.context([Question("d", [], {}, [(EPOCH, 6, 1), (EPOCH, 6, -1)])]))[0].beside,
        "documents": [one.document async for one in exported.plays("d", EPOCH, [1, 2, 3, 4, 5, 7])],
        "not signed": [one async for one in exported.beside("e", [], 0, FAR_MS)],
        "logged": await exported.logged("d", everyone),
        "breaks": await logs.breaks(None, 0, FAR_MS, 99),
        "missing": await logs.missing("d", EPOCH, 9),
        "sums": sorted(rows),
        "shown": await sums.shown_ms(ALL),
    }


def keys_in_files(files: PlayFiles) -> Counter[tuple[str, int]]:
    """Return how often each play is in a file that a manifest names."""
    found = Counter[tuple[str, int]]()
    for day in files.days():
        for one in files.manifest(day):
            rows = [row for part in files.rows(FileOfDay(day, one.sha256)) for row in part]
            assert len(rows) == one.plays
            found.update((row["device_id"], row["sequence"]) for row in rows)
    return found


async def bodies(database: OriginDatabase) -> list[tuple[int | None, dict[str, Any]]]:
    async with database.reading() as connection:
        query = select(plays.c.archive_id, plays.c.body).order_by(plays.c.device_id, plays.c.sequence)
        return [(archive, body) for archive, body in await connection.execute(query)]


ALL_KEYS = Counter({("d", n): 1 for n in (1, 2, 3, 4, 5, 7)}) + Counter({("e", n): 1 for n in range(1, 6)})


def test_folders_that_are_no_day_are_left_alone(tmp_path: Path) -> None:
    for name in ("2026-03-02", "2026-13-02", "2026-03-02 copy", "20260302", "backup"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text("{}")
    assert PlayFiles(tmp_path).days() == [date(2026, 3, 2)]


@needs_duckdb
async def test_archived_plays_answer_as_their_rows_did(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await deliver(database)
        before = await everything(database)
        assert len(before["page"]) == 11 and before["page"][0].body["zone"] == "Europe/Berlin"
        assert any("later_field" in play.body for play in before["page"])
        await archiver(database, after_days=36).archive()  # the second day is 36 days ago: it is not due
        assert database.play_files.days() == [date(2026, 3, 2)]
        assert keys_in_files(database.play_files) == Counter([("d", 1), ("e", 1)])
        await archiver(database).archive()
        assert await everything(database) == before
        assert database.play_files.days() == [date(2026, 3, 2), date(2026, 3, 3)]
        assert keys_in_files(database.play_files) == ALL_KEYS
        for archive, body in await bodies(database):
            assert archive is not None and set(body) <= set(STAYS) and body["zone"] == "Europe/Berlin"
        await archiver(database).archive()  # again: there is nothing to do
        assert keys_in_files(database.play_files) == ALL_KEYS
        await correct(database, "d", 3, 60)  # its clock was set late: it is counted an hour later, by its document
        moved = await everything(database)
        assert moved["documents"] == before["documents"] and moved["sums"] != before["sums"]
    assert not [path.name for path in tmp_path.rglob(".*")]  # no file of a writer is left


@needs_duckdb
async def test_an_export_over_archived_days_is_the_one_from_rows(server: RunningOrigin) -> None:
    signed = await screens(server)
    exports = ("campaign=spring", "line=rival-1", f"device={signed[0].device}")
    before = [await exported(server, of) for of in exports]
    await PlayArchiver(server.database, FakeClock(ENDS + timedelta(days=40)), 30).archive()
    assert {archive is None for archive, _ in await bodies(server.database)} == {False}
    for of, rows in zip(exports, before, strict=True):
        archived = await exported(server, of)
        assert archived.text.splitlines()[1:-1] == rows.text.splitlines()[1:-1]  # but for when it was made
        assert verified(server, archived.text).verdict == "whole"


@needs_duckdb
async def test_repeats_forks_and_late_plays_of_archived_days_are_told_apart(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await deliver(database)
        await archiver(database).archive()
        store, files = PlayStore(database), database.play_files
        first = {day: files.manifest(day) for day in files.days()}
        again, late = some("d", 1, 3), some("d", 6, 1)
        forked = some("d", 4, 2, asset="c" * 64)
        [taken] = await store.store([Delivery("d", [*again, *forked, *late])], 9)
        assert taken.statuses == ["duplicate"] * 3 + ["conflict"] * 2 + ["accepted"]
        stored = await store.stored([Delivery("d", [*again, *late])])
        assert stored.keys() == {("d", EPOCH, number) for number in (1, 2, 3, 6)}
        before = await everything(database)
        await archiver(database).archive()
        assert await everything(database) == before
        assert keys_in_files(files) == ALL_KEYS + Counter([("d", 6)])
        second = files.manifest(date(2026, 3, 3))
        assert [one.plays for one in second] == [9, 1] and second[:1] == first[date(2026, 3, 3)]
        assert files.manifest(date(2026, 3, 2)) == first[date(2026, 3, 2)]  # nothing came for it


STEPS = {  # what is called, and which call of it ends the process: before it does anything, or after it did it
    "begun": (PlayFiles, "begin", 1, "after"),
    "rows written": (PlayFiles, "append", 2, "after"),
    "file not whole": (play_files, "sync_data", 1, "before"),
    "file not in its place": (play_files, "move_durably", 1, "before"),
    "file without a manifest": (play_files, "move_durably", 1, "after"),
    "second file without a manifest": (play_files, "move_durably", 2, "after"),
    "manifest not written": (play_files, "write_durably", 1, "before"),
    "manifest without rows": (play_files, "write_durably", 1, "after"),
    "file not known": (ArchiveStore, "begin", 1, "before"),
    "rows not attached": (ArchiveStore, "attach", 1, "before"),
    "some rows attached": (ArchiveStore, "attach", 3, "before"),
    "file not finished": (ArchiveStore, "finish", 1, "before"),
    "day not noted": (ArchiveStore, "note_archived", 1, "before"),
}


def kill_at(steps: Iterable[str], folder: Path) -> None:
    """Archive below `folder`, for each step in a process of its own that is killed there. It runs no thread before."""
    for step in steps:
        target, name, nth, when = STEPS[step]
        child = os.fork()
        if not child:
            play_files._ROWS_AT_ONCE = 2
            _kill_in(target, name, nth, when)
            asyncio.run(_archive(folder / step))
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, step


def _kill_in(target: Any, name: str, nth: int, when: str) -> None:
    whole, calls = getattr(target, name), itertools.count(1)

    def counted(*args: Any, **more: Any) -> Any:
        call = next(calls)
        if call == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = whole(*args, **more)
        if call == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(target, name, counted)


async def _archive(folder: Path) -> None:
    async with opened(folder) as database:
        await archiver(database).archive()


@needs_duckdb
@pytest.mark.parametrize(
    "steps",
    [("file without a manifest", "manifest without rows", "some rows attached"), *in_bench((tuple(STEPS),))],
    ids=["three", "all"],
)
async def test_a_kill_at_any_step_leaves_rows_or_a_file_and_never_both_or_none(
    tmp_path: Path, steps: tuple[str, ...]
) -> None:
    whole = tmp_path / "not killed"
    whole.mkdir()
    async with opened(whole) as database:
        await deliver(database)
    for step in steps:
        shutil.copytree(whole, tmp_path / step)
    late = some("e", 6, 1)  # so that a file that is written anew has more in it
    async with opened(whole) as database:
        before = await PlayStore(database).page(PlayFilter(), PageRequest())
        await PlayStore(database).store([Delivery("e", late)], 9)
        after = await everything(database)
    command = [sys.executable, "-m", __name__, str(tmp_path), *steps]
    killed = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parents[3])
    assert await killed.wait() == 0
    for step in steps:
        async with opened(tmp_path / step) as database:
            assert await PlayStore(database).page(PlayFilter(), PageRequest()) == before, step
            await PlayStore(database).store([Delivery("e", late)], 9)
            await archiver(database).archive()
            assert await everything(database) == after, step
            assert keys_in_files(database.play_files) == ALL_KEYS + Counter([("e", 6)]), step
            assert all(archive is not None for archive, _ in await bodies(database)), step
            files = {path.stem for path in (tmp_path / step / "plays's").rglob("*.parquet")}
            async with database.reading() as connection:
                known = (await connection.execute(select(play_archives.c.sha256, play_archives.c.finished))).all()
            assert {sha256 for sha256, _ in known} == files and all(finished for _, finished in known), step
        assert not [path.name for path in (tmp_path / step).rglob(".*")], step


@needs_duckdb
@pytest.mark.parametrize("had_plays", [True, False], ids=["with the plays as rows", "before the plays came"])
async def test_a_database_from_an_older_backup_gets_its_archived_plays_back(tmp_path: Path, had_plays: bool) -> None:
    backup = tmp_path / "backup.db"
    async with opened(tmp_path) as database:
        await fill(database, "d", "e")
    if not had_plays:
        shutil.copy(tmp_path / "origin.db", backup)
    async with opened(tmp_path) as database:
        for device in "de":
            await PlayStore(database).store([Delivery(device, some(device, 1, 5))], 7)
    if had_plays:
        shutil.copy(tmp_path / "origin.db", backup)
    async with opened(tmp_path) as database:
        before = await everything(database) if had_plays else None
        await archiver(database).archive()
        before = before or await everything(database)
    shutil.copy(backup, tmp_path / "origin.db")
    async with opened(tmp_path) as database:
        await archiver(database, after_days=0).archive()  # though it is switched off by now
        assert await everything(database) == before
        assert all(archive is not None for archive, _ in await bodies(database))
        assert max(keys_in_files(database.play_files).values()) == 1


@needs_duckdb
async def test_a_file_that_is_damaged_or_gone_is_named(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await deliver(database)
        await archiver(database).archive()
    (one,) = (tmp_path / "plays's" / "2026-03-02").glob("*.parquet")
    raw = one.read_bytes()
    for content in (raw[:-1] + b"?", None):
        if content is None:
            one.unlink()
        else:
            one.write_bytes(content)
        async with opened(tmp_path) as database:
            with pytest.raises(StorageBroken, match=rf"{one.name}, which has plays, is gone or damaged: restore it"):
                await PlayStore(database).page(PlayFilter(), PageRequest())
            # What needs no document goes on: a repeat is a repeat, and the other day can be read.
            [stored] = await PlayStore(database).store([Delivery("d", some("d", 1, 1))], 9)
            assert stored.statuses == ["duplicate"]
            [known] = await PlayStore(database).context([Question("d", [], {}, [(EPOCH, 4, -1)])])
            assert len(known.beside) == 1


async def test_without_duckdb_plays_stay_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)  # as if it were not installed
    async with opened(tmp_path) as database:
        await deliver(database)
        before = await everything(database)
        with pytest.raises(StorageBroken, match="without DuckDB: install the extra `archive`"):
            await archiver(database).archive()
        assert await everything(database) == before
        assert not database.play_files.days() and {archive for archive, _ in await bodies(database)} == {None}


async def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "plays's" / "2026-03-02" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    for text in (
        "",
        "{",
        json.dumps({"day": "2026-03-02"}),
        json.dumps({"day": "2026-03-02", "files": [{"sha256": "x"}]}),
    ):
        manifest.write_text(text)
        async with opened(tmp_path) as database:
            with pytest.raises(StorageBroken, match=r"manifest\.json is damaged: restore it"):
                await archiver(database).archive()


if __name__ == "__main__":
    kill_at(sys.argv[2:], Path(sys.argv[1]))
