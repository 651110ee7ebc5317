"""Lists over HTTP: every list takes the parameters of a page, and answers links to the pages beside it (RFC 8288)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlencode

from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from sync.http.bodies import json_answer, read_query
from sync.http.forwarded import location
from sync.http.operations import InSpaces, Needed, Operation
from sync.origin.persistence.pages import MOST_ROWS, Cursor, ListRule, Page, PageRequest, read_cursor
from sync.roles import Role
from sync.wire.value_types import Identifier, Wire

LINKS = (hdrs.LINK,)
"""The headers of an answer with a page."""

_MOST_IN_LOOP = 100  # rows; an answer with more is made in a thread, and others are answered meanwhile
_LONGEST_CURSOR = 4_000  # characters
_CURSOR = "`next` or `previous` of an earlier page of this list; without it the first page is answered"
_SORT = "what the list is sorted by; with - before it, the largest first"

Listed = TypeVar("Listed")


SEEN = InSpaces(Role.VIEWER)
"""Who may read a list of things that lie in spaces: it has those that one may see."""


class SpaceQuery(BaseModel):
    """In which space a new thing is to lie."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    space: Identifier | None = Field(None, description="where it is to lie; without it, in the space where one may")


class ListPage(Wire):
    """A page of a list, and the cursors of those beside it; `total` counts all that match the filters."""

    next: str | None = None
    previous: str | None = None
    total: int | None = None


class ListQuery(BaseModel):
    """Which page of a list to return. Some lists have another name for `cursor`, from an earlier version: `after`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cursor: Annotated[str, StringConstraints(max_length=_LONGEST_CURSOR)] | None = Field(None, description=_CURSOR)
    limit: int = Field(100, ge=1, le=MOST_ROWS, description="the most rows of the page")

    def page(self, rule: ListRule) -> PageRequest:
        """Return the page that is asked for; a cursor says the order of its list.

        Raises:
            Rejected: no page of this list gave this cursor.
        """
        sent = {name: getattr(self, name) for name in self.model_fields_set}
        name = "cursor" if sent.get("cursor") is not None else "after"
        order = sent.get("sort")
        cursor = None if sent.get(name) is None else read_cursor(sent[name], rule, order, field=name)
        filters = {key: sent[key] for key in rule.filters if sent.get(key) is not None}
        return PageRequest(self.limit, order, cursor, filters)


def list_operation(
    path: str,
    summary: str,
    rule: ListRule,
    answer: type[ListPage],
    read: Callable[[PageRequest], Awaitable[Page[Listed]]],
    view: Callable[[Listed], Any] = lambda row: row,
    access: Needed = Role.VIEWER,
) -> Operation:
    """Return the operation that answers the pages of a list; `view` makes what `answer` has of each row."""
    query = list_query(answer.__name__, rule)

    async def handle(request: web.Request) -> web.Response:
        page = await read(read_query(request, query).page(rule))
        return await page_answer(request, page, answer, view)

    return Operation("GET", path, handle, summary, access, answer=answer, query=query, answer_headers=LINKS)


def list_query(name: str, rule: ListRule, **others: Any) -> type[ListQuery]:
    """Return the parameters of a list, and `others` as pydantic takes them; `name` is that of its answer."""
    order: Any = Literal[rule.orders]
    filters: dict[str, Any] = {name: (one.kind | None, None) for name, one in rule.filters.items()}
    return create_model(
        f"{name}Query",
        __base__=ListQuery,
        limit=(int, Field(rule.most_unasked, ge=1, le=MOST_ROWS, description="the most rows of the page")),
        sort=(order, Field(rule.default, description=_SORT)),
        **filters,
        **others,
    )


async def page_answer(
    request: web.Request, page: Page[Listed], answer: type[ListPage], view: Callable[[Listed], Any]
) -> web.Response:
    """Answer a page of a list."""
    (key,) = answer.model_fields.keys() - ListPage.model_fields.keys()

    def made() -> web.Response:
        rows = {key: tuple(map(view, page.items))}
        beside = {"next": cursor_text(page.next), "previous": cursor_text(page.previous)}
        return json_answer(answer(total=page.total, **beside, **rows))

    done = await asyncio.to_thread(made) if len(page.items) > _MOST_IN_LOOP else made()
    done.headers.update(link_header(request, page))
    return done


def cursor_text(cursor: Cursor | None) -> str | None:
    """Return a cursor as a caller sends it back."""
    return None if cursor is None else str(cursor)


def link_header(request: web.Request, page: Page[Any]) -> dict[str, str]:
    """Return the links to the first page and to those beside this one; filters and limit stay."""
    own = {name: value for name, value in request.query.items() if name not in ("cursor", "after")}
    cursors = {"first": {}, "prev": {"cursor": page.previous}, "next": {"cursor": page.next}}
    links = []
    for relation, cursor in cursors.items():
        if None not in cursor.values():
            query = urlencode({**own, **cursor})
            target = location(request, request.path) + (query and f"?{query}")
            links.append(f'<{target}>; rel="{relation}"')
    return {hdrs.LINK: ", ".join(links)}
