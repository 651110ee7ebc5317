"""Gives the origin's database the schema of this version, by Alembic, or refuses a database of a newer version."""

import logging
from functools import cache
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, func, inspect, select

from sync.errors import StorageBroken
from sync.origin.tables.all_tables import metadata

log = logging.getLogger(__name__)

_METADATA = metadata  # of all tables: its file comes after the others
_FOLDER = Path(__file__).with_name("migrations")
_LOCK = int.from_bytes(b"schema")  # the name of a lock of PostgreSQL is a number
_VERSION = Table(  # as Alembic makes and reads it
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def bring_up_to_date(connection: Connection) -> None:
    """Run the revisions that the database lacks, inside the transaction of `connection`.

    A database without a table gets today's tables at once. One from before there were revisions begins with the first.

    Raises:
        StorageBroken: the database has a revision that this version does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    names = inspect(connection).get_table_names()
    present = connection.scalar(select(_VERSION.c.version_num)) if _VERSION.name in names else None
    newest, *older = _revisions(_FOLDER)
    if present == newest:
        return
    if present not in (None, *older):
        raise StorageBroken(
            f"the database was written by a newer version of this program (schema {present}): install that version, "
            "or restore the backup from before the update"
        )
    if _METADATA.tables.keys().isdisjoint(names):
        _METADATA.create_all(connection, checkfirst=False)
        _VERSION.create(connection, checkfirst=True)
        connection.execute(_VERSION.delete())
        connection.execute(_VERSION.insert().values(version_num=newest))
        return
    log.info("schema=%s of the database becomes %s", present, newest)
    _upgrade(connection, newest)


def _upgrade(connection: Connection, newest: str) -> None:
    from alembic import command  # 0.2 s and 15 MB that a start needs only once after an update
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)  # it has three lines to say when nothing is to be done
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))  # `%` begins a name there
    config.attributes["connection"] = connection
    command.upgrade(config, newest)


@cache
def _revisions(folder: Path) -> tuple[str, ...]:
    """Return all revisions that this version knows, the newest first; a file is `revision_0001_what_it_changes.py`."""
    numbers = (path.stem.split("_")[1] for path in folder.glob("versions/revision_*.py"))
    return tuple(sorted(numbers, reverse=True))
