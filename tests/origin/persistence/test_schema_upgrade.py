"""Databases of each earlier schema are brought up to date with all they hold; a newer one is refused, untouched."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from sync.errors import StorageBroken
from sync.origin.http.auth import make_first_key
from sync.origin.persistence import schema_upgrade
from sync.origin.persistence.database import open_origin_database
from sync.origin.store.people.keys import KeyStore
from sync.origin.tables.all_tables import metadata
from sync.origin.wiring.origin import open_origin
from sync.runtime.clock import SystemClock
from tests.fakes import FakeClock
from tests.origin.running_origin import running_origin, settings_in
from tests.released import DUMPS

Rows = dict[str, list[dict[str, Any]]]


def rows_of(file: Path) -> Rows:
    connection = sqlite3.connect(file)
    connection.row_factory = sqlite3.Row
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in names}
    connection.close()
    return rows


def columns_of(file: Path) -> Mapping[str, object]:
    """Return of each table its columns (name, type, NOT NULL, place in the key) and its indexes."""
    connection = sqlite3.connect(file)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {
        name: (
            {(row[1], row[2], row[3], row[5]) for row in connection.execute(f"PRAGMA table_info({name})")},
            {row[1] for row in connection.execute(f"PRAGMA index_list({name})")},
        )
        for name in names
    }
    connection.close()
    return found


def restored(dump: Path, file: Path) -> Rows:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode=WAL")  # as each origin has it, and no dump says it
    connection.executescript(dump.read_text())
    connection.close()
    return rows_of(file)


def newest() -> str:
    return schema_upgrade._revisions(schema_upgrade._FOLDER)[0]


async def opened(file: Path) -> None:
    async with open_origin_database(f"sqlite+aiosqlite:///{file}"):
        pass


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_a_database_of_an_earlier_schema_gets_todays_and_keeps_every_row(dump: Path, tmp_path: Path) -> None:
    before = restored(dump, tmp_path / "old.db")
    assert all(before.values())  # the dump has a row in each table
    await opened(tmp_path / "old.db")
    await opened(tmp_path / "new.db")
    assert columns_of(tmp_path / "old.db") == columns_of(tmp_path / "new.db")
    after = rows_of(tmp_path / "old.db")
    assert all(
        row["name_order"] and row["searched"] for name in ("media", "devices", "channels") for row in after[name]
    )
    before.pop("alembic_version", None)
    for key, now in zip(before["keys"], after["keys"], strict=True):
        if "access" in key:
            assert now["role"] == {"read": "viewer", "write": "administrator"}[key.pop("access")]
    for table, rows in before.items():
        assert [{name: row[name] for name in rows[0]} for row in after[table]] == rows
    connection = sqlite3.connect(tmp_path / "old.db")
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_an_origin_serves_what_an_earlier_one_stored(dump: Path, tmp_path: Path, clock: FakeClock) -> None:
    restored(dump, tmp_path / "origin.db")
    async with running_origin(settings_in(tmp_path), clock) as origin:
        for path, name in {
            "media": "Spring.mp4",
            "playlists": "Spring",
            "schedule/main": "playlists-1",
            "releases": "main",
            "campaigns": "Spring",
            "devices": "Spring",
            "plays?from=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00Z": "campaigns-1",
        }.items():
            answer = await origin.ask("GET", f"/v1/{path}", origin.reader)
            assert (answer.status, name in answer.text) == (200, True), (path, answer.text)


async def test_revisions_lead_to_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    restored(DUMPS[0], tmp_path / "origin.db")
    async with (
        open_origin_database(f"sqlite+aiosqlite:///{tmp_path}/origin.db") as database,
        database.reading() as connection,
    ):
        differences = await connection.run_sync(
            lambda plain: compare_metadata(MigrationContext.configure(plain), metadata)
        )
    assert differences == []


def test_the_numbers_of_the_files_are_those_of_the_revisions() -> None:
    known = [script.revision for script in ScriptDirectory(schema_upgrade._FOLDER).walk_revisions()]
    assert list(schema_upgrade._revisions(schema_upgrade._FOLDER)) == known


async def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path, clock: FakeClock) -> None:
    await opened(tmp_path / "origin.db")
    connection = sqlite3.connect(tmp_path / "origin.db")
    connection.executescript("UPDATE alembic_version SET version_num = '9999'; DROP TABLE streams;")
    connection.close()
    before = columns_of(tmp_path / "origin.db")
    with pytest.raises(StorageBroken, match=r"newer version of this program \(schema 9999\): install that version"):
        async with open_origin(settings_in(tmp_path), clock):
            pass
    assert columns_of(tmp_path / "origin.db") == before


REVISION = """
from alembic import op

revision, down_revision = "9998", "{newest}"


def upgrade():
    with op.batch_alter_table("media") as media:  # SQLite makes the table anew
        media.alter_column("problem", new_column_name="remark")
    {statement}
"""


@pytest.fixture
def revise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what makes a further revision, which ends with a statement."""
    folder = tmp_path / "100% of the migrations"
    shutil.copytree(schema_upgrade._FOLDER, folder)

    def revise(statement: str) -> None:
        (folder / "versions" / "revision_9998_remark.py").write_text(
            REVISION.format(newest=newest(), statement=statement)
        )
        monkeypatch.setattr(schema_upgrade, "_FOLDER", folder)

    return revise


async def test_a_table_that_is_made_anew_keeps_the_rows_that_refer_to_it(
    tmp_path: Path, revise: Callable[[str], None]
) -> None:
    restored(DUMPS[-1], tmp_path / "origin.db")
    revise("pass")
    await opened(tmp_path / "origin.db")
    after = rows_of(tmp_path / "origin.db")
    assert "remark" in after["media"][0]
    assert len(after["streams"]) == len(after["playlist_items"]) == 1
    assert after["alembic_version"] == [{"version_num": "9998"}]


async def test_a_revision_that_fails_changes_nothing(tmp_path: Path, revise: Callable[[str], None]) -> None:
    restored(DUMPS[-1], tmp_path / "origin.db")
    before = rows_of(tmp_path / "origin.db"), columns_of(tmp_path / "origin.db")
    revise("op.execute('SELECT * FROM nothing')")
    with pytest.raises(StorageBroken):
        await opened(tmp_path / "origin.db")
    assert (rows_of(tmp_path / "origin.db"), columns_of(tmp_path / "origin.db")) == before


async def first_keys(url: str) -> list[str]:
    """Start several origins at once, as far as their database goes; return the first keys that they made."""

    async def start() -> str | None:
        async with open_origin_database(url) as database:
            return await make_first_key(KeyStore(database), SystemClock())

    return [token for token in await asyncio.gather(*(start() for _ in range(8))) if token is not None]


@pytest.mark.parametrize("is_new", [True, False])
async def test_origins_that_start_at_once_on_one_database_wait_for_each_other(tmp_path: Path, is_new: bool) -> None:
    if not is_new:
        restored(DUMPS[0], tmp_path / "origin.db")
    assert len(await first_keys(f"sqlite+aiosqlite:///{tmp_path}/origin.db")) == int(is_new)
    assert rows_of(tmp_path / "origin.db")["alembic_version"] == [{"version_num": newest()}]
