"""Hears what an origin asks its database, in whichever thread."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from sync.origin.persistence.database import OriginDatabase


@contextmanager
def heard_statements(database: OriginDatabase) -> Iterator[list[str]]:
    """Provide the list of all statements from now on, those that begin and end transactions included."""
    statements = list[str]()

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    engines = [database._engine.sync_engine, database._in_threads]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    try:
        yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", hear)
