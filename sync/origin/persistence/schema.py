"""Gives the origin's database the schema of this version, by Alembic, or refuses a database of a newer version."""

import logging
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, inspect, select

from sync.errors import StorageBroken
from sync.origin.persistence.report_tables import metadata

log = logging.getLogger(__name__)

_METADATA = metadata  # of all tables: its file comes after the others
_FOLDER = Path(__file__).with_name("migrations")
_LOCK = int.from_bytes(b"schema")  # the name of a lock of PostgreSQL is a number


def bring_up_to_date(connection: Connection) -> None:
    """Run the revisions that the database lacks, inside the transaction of `connection`.

    A database without a table gets today's tables at once. One from before there were revisions begins with the first.

    Raises:
        StorageBroken: the database has a revision that this version does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it has three lines to say when nothing is to be done
    context = MigrationContext.configure(connection)
    present = context.get_current_revision()
    newest, *older = _revisions(_FOLDER)
    if present == newest:
        return
    if present not in (None, *older):
        raise StorageBroken(
            f"the database was written by a newer version of this program (schema {present}): install that version, "
            "or restore the backup from before the update"
        )
    if _METADATA.tables.keys().isdisjoint(inspect(connection).get_table_names()):
        _METADATA.create_all(connection, checkfirst=False)
        context.stamp(ScriptDirectory(_FOLDER), newest)
        return
    log.info("schema=%s of the database becomes %s", present, newest)
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))  # `%` begins a name there
    config.attributes["connection"] = connection
    command.upgrade(config, newest)


@cache
def _revisions(folder: Path) -> tuple[str, ...]:
    """Return all revisions that this version knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory(folder).walk_revisions())
