"""The audit log over HTTP at `/v1/audit`, its export, and the history of each thing at its own address."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from aiohttp import hdrs, web

from sync.errors import SignageError
from sync.http.bodies import read_query
from sync.http.operations import Needed, Operation
from sync.origin.api.audit.entry_views import AuditPage, ThingHistory, entry_view, history_view
from sync.origin.api.lists import LINKS, list_operation, list_query, page_answer
from sync.origin.audit.changes import Action, ThingKind
from sync.origin.persistence.lists import AUDIT
from sync.origin.persistence.pages import MOST_ROWS, Page, PageRequest
from sync.origin.proof.csv_export import csv_of
from sync.origin.store.audit.audit_log import AuditEntry, AuditLog
from sync.origin.store.spaces.caller_rights import caller_rights
from sync.origin.store.spaces.visible_rows import check_role
from sync.roles import DEFAULT_SPACE, Role

log = logging.getLogger(__name__)

_ACTOR_COLUMNS = ("actor_kind", "actor", "actor_name", "address")
_THING_COLUMNS = ("kind", "thing", "name", "action", "version_before", "version_after", "before", "after")
_COLUMNS = ("id", "at", *_ACTOR_COLUMNS, *_THING_COLUMNS, "text")

Find = Callable[[str], Awaitable[object]]
"""Raises NotFound if there is no such thing."""

_EXPORT_QUERY = list_query("AuditExport", AUDIT, format=(Literal["jsonl", "csv"], "jsonl"))
_OF_ONE = replace(AUDIT, filters={name: one for name, one in AUDIT.filters.items() if name not in ("kind", "thing")})
_HISTORY_QUERY = list_query("ThingHistory", _OF_ONE)


class AuditLogRoutes:
    """Serves the audit log to administrators."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        path, summary = "/v1/audit", "Who changed what, newest first"
        listed = list_operation(path, summary, AUDIT, AuditPage, self._log.page, entry_view)
        exported = Operation(
            "GET",
            f"{path}/export",
            self._export,
            "The whole audit log, line by line, newest first",
            Role.ADMINISTRATOR,
            query=_EXPORT_QUERY,
            answer="application/jsonl",
            other_types=("text/csv",),
            answer_headers=(hdrs.CONTENT_DISPOSITION,),
        )
        return replace(listed, access=Role.ADMINISTRATOR), exported

    async def _export(self, request: web.Request) -> web.StreamResponse:
        query: Any = read_query(request, _EXPORT_QUERY)
        as_csv = query.format == "csv"
        asked = replace(query.page(AUDIT), limit=MOST_ROWS)
        page = await self._log.page(asked)
        answer = web.StreamResponse(headers={hdrs.CONTENT_DISPOSITION: f'attachment; filename="audit.{query.format}"'})
        answer.content_type = "text/csv" if as_csv else "application/jsonl"
        await answer.prepare(request)
        if request.method == hdrs.METH_HEAD:
            return answer
        try:
            await answer.write(csv_of([], _COLUMNS).encode() if as_csv else b"")
            async for entries in self._all(asked, page):
                await answer.write(await asyncio.to_thread(_csv_lines if as_csv else _json_lines, entries))
            await answer.write_eof()
        except (ConnectionError, SignageError) as error:
            log.warning("export of the audit log is cut off, which its reader sees by the missing end: %s", error)
            if request.transport is not None:
                request.transport.abort()
        return answer

    async def _all(self, asked: PageRequest, page: Page[AuditEntry]) -> AsyncIterator[Sequence[AuditEntry]]:
        yield page.items
        while page.next is not None:
            page = await self._log.page(replace(asked, cursor=page.next))
            yield page.items


def _json_lines(entries: Sequence[AuditEntry]) -> bytes:
    return b"".join(entry_view(one).model_dump_json().encode() + b"\n" for one in entries)


def _csv_lines(entries: Sequence[AuditEntry]) -> bytes:
    return csv_of(map(_row, entries), _COLUMNS).partition("\n")[2].encode()


def _row(entry: AuditEntry) -> dict[str, Any]:
    fields = entry_view(entry).model_dump(mode="json")
    actor = fields.pop("actor")
    fields |= {"actor_kind": actor["kind"], "actor": actor["id"], "actor_name": actor["name"]}
    fields |= {"address": actor["address"]}
    return fields | {name: json.dumps(fields[name]) for name in ("before", "after") if fields[name] is not None}


class ThingHistoryRoutes:
    """Serves the history of one kind of thing to who may see it; `find` raises NotFound if it is not there (for them).

    To whom it is merely lent has no history of it. `path` has the id of the thing in braces.
    """

    def __init__(self, log: AuditLog, path: str, kinds: Sequence[ThingKind], find: Find, role: Needed) -> None:
        self._log = log
        self._path = path
        self._key = path.rpartition("{")[2].removesuffix("}")
        self._kinds = kinds
        self._find = find
        self._role = role

    def operations(self) -> tuple[Operation, ...]:
        """Return the operation."""
        return (
            Operation(
                "GET",
                f"{self._path}/history",
                self._history,
                f"What was changed of a {self._kinds[0]} and by whom, newest first",
                self._role,
                answer=ThingHistory,
                query=_HISTORY_QUERY,
                answer_headers=LINKS,
            ),
        )

    async def _history(self, request: web.Request) -> web.Response:
        thing = request.match_info[self._key]
        asked = read_query(request, _HISTORY_QUERY).page(_OF_ONE)
        found = await self._find(thing)
        lies_in = getattr(found, "space_id", None) or getattr(found, "space", None) or DEFAULT_SPACE
        check_role(self._kinds[0], thing, lies_in, Role.VIEWER, is_seen=True)  # what is lent tells of what was not
        page = await self._log.history(self._kinds, thing, asked)
        return await page_answer(request, page.of(_as_seen), ThingHistory, history_view)


def _as_seen(entry: AuditEntry) -> AuditEntry:
    """Return an entry without the names of spaces that one may not see."""
    if entry.change.action not in (Action.MOVED, Action.LENT, Action.TAKEN_BACK):
        return entry
    before, after = _known_spaces(entry.change.before), _known_spaces(entry.change.after)
    return replace(entry, change=replace(entry.change, before=before, after=after))


def _known_spaces(fields: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    rights = caller_rights()
    return fields and {name: one for name, one in fields.items() if rights.allow(Role.VIEWER, str(one))}
