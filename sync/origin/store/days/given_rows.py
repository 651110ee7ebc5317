"""Many rows for one statement: it asks for all of them, or adds them, and is made once for any number.

A statement for each row would cost the origin more than its row does the database.
"""

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from pydantic_core import to_json
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Connection,
    FromClause,
    Table,
    Text,
    Update,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from sync.origin.persistence.database import insertion

Row = Sequence[Any]


class GivenRows:
    """Rows of texts and whole numbers that a statement reads: the names and types of their columns.

    PostgreSQL takes an array of each column, written as a text: to send one value by value costs asyncpg four times
    that. SQLite takes a text with a list of lists.
    """

    def __init__(self, **kinds: TypeEngine[Any]) -> None:
        self._kinds = kinds

    def table(self, dialect: str) -> FromClause:
        """Return what a statement selects them from."""
        if dialect == "sqlite":
            texts = func.json_each(bindparam("rows", type_=Text)).table_valued("value", name="given_texts")
            named = [
                literal_column(f"json_extract(given_texts.value, '$[{place}]')", kind).label(name)
                for place, (name, kind) in enumerate(self._kinds.items())
            ]
            return select(*named).select_from(texts).subquery("given")
        arrays = [cast(bindparam(name, type_=Text), ARRAY(kind)) for name, kind in self._kinds.items()]
        columns = [column(name, kind) for name, kind in self._kinds.items()]
        return func.unnest(*arrays).table_valued(*columns, name="given").render_derived()

    def values(self, dialect: str, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the parameters by which a statement gets these rows."""
        if dialect == "sqlite":
            return {"rows": json.dumps(rows)}
        columns = zip(*rows, strict=True) if rows else ((),) * len(self._kinds)
        return dict(zip(self._kinds, map(_array, columns), strict=True))


def _array(values: Sequence[Any], is_json: bool = False) -> str:
    """Return values as PostgreSQL reads an array: what is written in JSON alike, but for controls, which JSON has not.

    JSON in JSON has none of them either.
    """
    text = to_json(values).decode()
    if "\\" in text and not is_json:
        text = f"[{','.join(map(_element, values))}]"
    return f"{{{text[1:-1]}}}"


def _element(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))


class Addition:
    """Adds rows of these columns, in the order of the table.

    `finish` says what becomes of a row that is there.
    """

    def __init__(self, table: Table, names: Sequence[str], finish: Callable[[Any], Any]) -> None:
        kinds = {name: table.c[name].type for name in names}
        self._table = table
        self._documents = [place for place, name in enumerate(names) if isinstance(kinds[name], JSON)]
        self._kinds = {name: Text() if isinstance(kind, JSON) else kind for name, kind in kinds.items()}
        self._finish = finish

    def add(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Add rows."""
        if not rows:
            return
        columns = [*zip(*rows, strict=True)]
        for place in self._documents:
            columns[place] = tuple(map(json_text, columns[place]))
        if connection.dialect.name == "sqlite":
            for place in self._documents:
                columns[place] = tuple(one.decode() if isinstance(one, bytes) else one for one in columns[place])
            connection.exec_driver_sql(self._of_one, [*zip(*columns, strict=True)])
        else:
            arrays = [_array(column, place in self._documents) for place, column in enumerate(columns)]
            connection.execute(self._of_many, dict(zip(self._kinds, arrays, strict=True)))

    @cached_property
    def _of_one(self) -> str:
        statement = insertion(self._table, "sqlite")
        made = self._finish(statement.values({name: bindparam(name, type_=kind) for name, kind in self._kinds.items()}))
        compiled = made.compile(dialect=sqlite.dialect())
        assert compiled.positiontup == list(self._kinds), "not in the order of the table"
        return str(compiled)

    @cached_property
    def _of_many(self) -> postgresql.Insert:
        given = GivenRows(**self._kinds).table("postgresql")
        columns = [
            cast(given.c[name], JSON) if isinstance(self._table.c[name].type, JSON) else given.c[name]
            for name in self._kinds
        ]
        made: postgresql.Insert = self._finish(
            insertion(self._table, "postgresql").from_select(list(self._kinds), select(*columns))
        )
        return made


def json_text(document: Any) -> str | bytes | None:
    """Return what a column of JSON holds; None stays NULL, and bytes are JSON that is written already."""
    if isinstance(document, bytes):
        return document
    try:
        return None if document is None else to_json(document).decode()
    except ValueError:  # half of a surrogate pair, which is no UTF-8
        return json.dumps(document)


class Increase:
    """Adds numbers to columns of rows that are known by a number; each row given has that number, then the others."""

    def __init__(self, table: Table, key: str, names: Sequence[str]) -> None:
        self._table, self._key, self._names = table, table.c[key], names

    def add(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Increase rows."""
        if rows and connection.dialect.name == "sqlite":
            connection.exec_driver_sql(self._of_one, [(*numbers, key) for key, *numbers in rows])
        elif rows:
            connection.execute(self._of_many, self._given.values("postgresql", rows))

    @cached_property
    def _given(self) -> GivenRows:
        return GivenRows(key=BigInteger(), **dict.fromkeys(self._names, BigInteger()))

    @cached_property
    def _of_one(self) -> str:
        changes = ", ".join(f"{name} = {name} + ?" for name in self._names)
        return f"UPDATE {self._table.name} SET {changes} WHERE {self._key.name} = ?"

    @cached_property
    def _of_many(self) -> Update:
        given = self._given.table("postgresql")
        increased = {name: self._table.c[name] + given.c[name] for name in self._names}
        return update(self._table).where(self._key == given.c.key).values(increased)
