"""A SQLite file of this project, opened and closed for real."""

from pathlib import Path

import pytest

from sync.errors import StorageBroken
from sync.runtime.sqlite import open_database


async def test_who_still_asks_a_database_that_was_closed_is_told_so(tmp_path: Path) -> None:
    async with open_database(tmp_path / "a.db", ("CREATE TABLE a (b)",)) as database:
        assert await database.rows("SELECT b FROM a") == []
    for asking in (database.row, database.rows):
        with pytest.raises(StorageBroken, match="is closed"):
            await asking("SELECT b FROM a")
