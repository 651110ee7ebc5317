"""Checkpoints of several devices share a transaction; those of PostgreSQL are in `test_postgres.py`."""

from pathlib import Path

from sync.origin.persistence.database import open_origin_database
from tests.origin.reports.test_day_counter import fill
from tests.origin.store.grouped_checkpoints import check_groups


async def test_each_is_judged_by_those_of_its_device(tmp_path: Path) -> None:
    async with open_origin_database(f"sqlite+aiosqlite:///{tmp_path}/origin.db") as database:
        await fill(database, "d", "e", "f")
        await check_groups(database)
