"""A database that fails is one clear problem for callers, never a traceback."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from sync.errors import StorageBroken
from sync.origin.persistence.database import _execute_when_free, open_origin_database
from sync.origin.wiring.origin import open_origin
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin, settings_in


async def test_a_file_that_is_not_a_database_is_a_storage_error(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "origin.db").write_bytes(b"these are not the bytes of a database at all" * 100)
    with pytest.raises(StorageBroken, match="database"):
        async with open_origin(settings_in(tmp_path), clock):
            pass


async def test_a_missing_database_server_is_a_storage_error(tmp_path: Path) -> None:
    pytest.importorskip("asyncpg")
    with pytest.raises(StorageBroken, match="does not answer"):
        async with open_origin_database(f"postgresql+asyncpg://signage@/postgres?host={tmp_path}"):
            pass


async def test_more_callers_than_connections_get_an_answer_that_says_so(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = server.database
    monkeypatch.setattr(database._engine.sync_engine.pool, "_timeout", 0.2)
    release = asyncio.Event()

    async def occupy() -> None:
        async with database.reading():
            await release.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(15):  # all connections: a pool of five and ten more
            group.create_task(occupy())
        answer = await server.ask("GET", "/v1/devices", server.reader)
        release.set()
    assert (answer.status, answer.document["type"]) == (503, "urn:signage:problem:storage-broken")


async def test_a_locked_database_is_a_storage_error_until_it_is_unlocked(
    server: RunningOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "sync.origin.persistence.database")
    monkeypatch.setattr("sync.origin.persistence.database._SQLITE_PRAGMAS", ("journal_mode=WAL", "busy_timeout=100"))
    async with open_origin_database(f"sqlite+aiosqlite:///{tmp_path / 'origin.db'}") as impatient:
        async with server.database.writing():
            for _ in range(3):
                with pytest.raises(StorageBroken, match="locked"):
                    async with impatient.writing():
                        pass
                with pytest.raises(StorageBroken, match="locked"):
                    await impatient.write(lambda connection: connection.execute(text("SELECT 1")))
        async with impatient.writing() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "database failed: database is locked",
        "database works again",
    ]


@pytest.mark.parametrize(("name", "tries"), [("SQLITE_BUSY", 10), ("SQLITE_IOERR", 1)])
def test_only_a_busy_database_is_waited_for(name: str, tries: int) -> None:
    class Failing:
        pragmas = 0

        def execute(self, statement: str) -> None:
            if statement == "PRAGMA journal_mode=WAL":
                self.pragmas += 1
                error = sqlite3.OperationalError(name)
                error.sqlite_errorname = name
                raise error

    cursor = Failing()
    with pytest.raises(sqlite3.OperationalError, match=name):
        _execute_when_free(cursor, "PRAGMA journal_mode=WAL")
    assert cursor.pragmas == tries
