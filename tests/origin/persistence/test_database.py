"""What a database that fails means to callers: one problem that says so, never a traceback."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from sync.errors import StorageBroken
from sync.origin.app.wiring import open_origin
from sync.origin.persistence.database import OriginDatabase, open_origin_database
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin, settings_in


async def test_a_file_that_is_no_database_is_told_by_name_of_the_fault(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "origin.db").write_bytes(b"these are not the bytes of a database at all" * 100)
    with pytest.raises(StorageBroken, match="database"):
        async with open_origin(settings_in(tmp_path), clock):
            pass


async def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    pytest.importorskip("asyncpg")
    with pytest.raises(StorageBroken, match="does not answer"):
        async with open_origin_database(f"postgresql+asyncpg://signage@/postgres?host={tmp_path}"):
            pass


async def test_more_callers_than_the_database_can_serve_are_told_to_come_back(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = _database_of(server)
    monkeypatch.setattr(database._engine.sync_engine.pool, "_timeout", 0.2)
    leave = asyncio.Event()

    async def stay() -> None:
        async with database.reading():
            await leave.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(15):  # all there are: five kept and ten more
            group.create_task(stay())
        answer = await server.ask("GET", "/v1/devices", server.reader)
        leave.set()
    assert (answer.status, answer.document["type"]) == (503, "urn:signage:problem:storage-broken")


async def test_a_locked_database_is_told_and_works_again_afterwards(
    server: RunningOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.origin.persistence.database._SQLITE_PRAGMAS", ("journal_mode=WAL", "busy_timeout=100"))
    async with open_origin_database(f"sqlite+aiosqlite:///{tmp_path / 'origin.db'}") as impatient:
        async with _database_of(server).writing():
            with pytest.raises(StorageBroken, match="locked"):
                async with impatient.writing():
                    pass
        async with impatient.writing() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1


def _database_of(server: RunningOrigin) -> OriginDatabase:
    return server.origin.keys._database
