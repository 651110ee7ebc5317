"""Pages of lists: a page begins after a row that the caller has seen, so that rows which come or go shift nothing.

This is called keyset pagination. Its cursor has the values by which that row was sorted.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field, StrictBool, StrictInt, StringConstraints, TypeAdapter
from sqlalchemy import ColumnElement, Row, Select, Table, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Rejected

MOST_ROWS = 1_000
"""The most rows of a page. A list without `limit` has so many, too: it was answered as a whole once."""

Listed = TypeVar("Listed")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Filter:
    """A parameter that selects rows: the type of its value, and the condition that a value stands for."""

    kind: Any
    condition: Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class ListRule:
    """What a list can be sorted and filtered by.

    The columns of a sort are never NULL, all go the same way, and the primary key follows them: each row has a place
    of its own. `counted`: its rows that match are so few that they can be counted for each page.
    """

    rows: Table
    sorts: Mapping[str, tuple[ColumnElement[Any], ...]]
    default: str  # a sort; with "-" before it, the largest first
    filters: Mapping[str, Filter] = field(default_factory=dict)
    base: tuple[ColumnElement[bool], ...] = ()
    most_unasked: int = MOST_ROWS
    counted: bool = True

    @property
    def orders(self) -> tuple[str, ...]:
        """The sorts in both directions."""
        return tuple(f"{sign}{name}" for name in self.sorts for sign in ("", "-"))

    def columns(self, order: str) -> tuple[ColumnElement[Any], ...]:
        """Return what a sort in some direction compares."""
        return (*self.sorts[order.removeprefix("-")], *self.rows.primary_key)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the list of a table: after the row with these values in this order, or `back`: before it."""

    table: str
    order: str
    back: bool
    values: tuple[Any, ...]

    def __str__(self) -> str:
        """Return it as the opaque word that a caller sends back."""
        text = json.dumps([self.table, self.order, self.back, self.values], separators=(",", ":"), ensure_ascii=False)
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list is wanted; without a limit or an order, those of the list."""

    limit: int | None = None
    order: str | None = None
    cursor: Cursor | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page(Generic[Listed]):
    """A page of a list, and the cursors of the pages beside it; `total` counts the list, None if that is not cheap."""

    items: tuple[Listed, ...]
    next: Cursor | None
    previous: Cursor | None
    total: int | None

    def of(self, make: Callable[[Listed], Made]) -> "Page[Made]":
        """Return the same page of what is made of its items."""
        return Page(tuple(make(item) for item in self.items), self.next, self.previous, self.total)


_Word = Annotated[str, StringConstraints(max_length=1_000, pattern=r"^[^\x00]*$")]
_Whole = Annotated[StrictInt, Field(ge=-(2**53), le=2**53)]
_CURSOR: TypeAdapter[tuple[str, str, StrictBool, tuple[_Whole | _Word, ...]]] = TypeAdapter(
    tuple[str, str, StrictBool, tuple[_Whole | _Word, ...]]
)
_KEY = "page_key_"


def read_cursor(text: str, rule: ListRule, order: str | None, *, field: str = "cursor") -> Cursor:
    """Return the cursor that an earlier page gave for this list; `order`: the one that is asked for now, if any is.

    Raises:
        Rejected: no page gave it, it is of another list, or of another order; it names `field`.
    """
    wrong = "is not a cursor of this list: take one of an earlier page, or leave it out for the first page"
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = Cursor(*_CURSOR.validate_json(raw))
    except (binascii.Error, ValueError) as error:  # pydantic's is a ValueError, too
        raise Rejected(f"the cursor {wrong}", fields={field: wrong}) from error
    columns = rule.columns(cursor.order) if cursor.table == rule.rows.name and cursor.order in rule.orders else ()
    if not columns or [type(value) for value in cursor.values] != [one.type.python_type for one in columns]:
        raise Rejected(f"the cursor {wrong}", fields={field: wrong})
    if order not in (None, cursor.order):
        wrong = f"was made for sort={cursor.order}: leave it out to begin anew with sort={order}"
        raise Rejected(f"the cursor {wrong}", fields={field: wrong})
    return cursor


async def read_page(
    connection: AsyncConnection, rule: ListRule, query: Select[Any], asked: PageRequest, *these: ColumnElement[bool]
) -> Page[Row[Any]]:
    """Return a page of the rows of `query` that match `these`; it selects from `rule.rows`, perhaps joined with more.

    A page before the first one is the first one. Rows may have more columns than the query, at their end.
    """
    conditions = (*rule.base, *these, *(rule.filters[name].condition(value) for name, value in asked.filters.items()))
    total = None
    if rule.counted:
        total = await connection.scalar(select(func.count()).select_from(rule.rows).where(*conditions))
    limit = asked.limit or rule.most_unasked
    order = asked.cursor.order if asked.cursor else asked.order or rule.default
    columns = rule.columns(order)
    selected = query.where(*conditions).add_columns(*(one.label(f"{_KEY}{n}") for n, one in enumerate(columns)))

    async def fetch(cursor: Cursor | None) -> list[Row[Any]]:
        back = cursor is not None and cursor.back
        descending = order.startswith("-") != back
        ordered = selected.order_by(*(one.desc() if descending else one.asc() for one in columns)).limit(limit + 1)
        if cursor is not None:
            here, there = tuple_(*columns), tuple_(*cursor.values)
            ordered = ordered.where(here < there if descending else here > there)
        return list(await connection.execute(ordered))

    def at(row: Row[Any], *, back: bool) -> Cursor:
        return Cursor(rule.rows.name, order, back, tuple(row._mapping[f"{_KEY}{n}"] for n in range(len(columns))))

    cursor, found = asked.cursor, await fetch(asked.cursor)
    if cursor is not None and cursor.back and len(found) <= limit:
        cursor, found = None, await fetch(None)
    rows = found[:limit]
    if cursor is not None and cursor.back:
        rows.reverse()
        return Page(tuple(rows), at(rows[-1], back=False), at(rows[0], back=True), total)
    following = at(rows[-1], back=False) if len(found) > limit else None
    previous = at(rows[0], back=True) if cursor is not None and rows else None
    return Page(tuple(rows), following, previous, total)
