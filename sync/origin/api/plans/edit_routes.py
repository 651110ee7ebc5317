"""Edits over HTTP: people send what they changed of a document, and take back what a version changed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic

from aiohttp import hdrs, web
from pydantic import Field

from sync.http.bodies import json_answer, read_json, require_version
from sync.http.operations import InSpaces, Operation
from sync.origin.api.plans.documents import BODY_CAP_BYTES
from sync.origin.api.plans.plan_editor import Draft, EditOutcome, PlanEditor, Stored
from sync.origin.api.plans.saved_versions import SavedAs
from sync.origin.planning.plan_fields import MOST_VALUES
from sync.roles import Role
from sync.wire.value_types import Request, Wire
from sync.words.sentences import Told


class EditAnswer(Wire):
    """What became of edits.

    `version` is that of the document now; `made_on` the one before it: if that is not the version that was seen, the
    document has the edits of others, too. `ready_version` is the one that releases are made of: edits without having
    seen a draft leave one. `added` has for each edit the ids of what it added. `warnings` are those of the whole
    document, `warnings_told` their codes and values.
    """

    version: int
    made_on: int
    ready_version: int | None = None
    added: tuple[tuple[str, ...], ...]
    warnings: tuple[str, ...] = ()
    warnings_told: tuple[Told, ...] = ()


class Undo(Request):
    """The version whose changes are taken back."""

    version: int = Field(ge=1, le=2**31 - 1)


class PlanEditRoutes(Generic[Draft, Stored]):
    """Serves edits of one kind of document. Calls `changed(topic, id)` after each; `warned` adds its warnings."""

    def __init__(
        self,
        editor: PlanEditor[Draft, Stored],
        path: str,
        changed: Callable[[str, str], None],
        warned: Callable[[Stored], Awaitable[Stored]] | None = None,
    ) -> None:
        self._editor = editor
        self._path = path
        self._changed = changed
        self._warned = warned

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        one = str(self._editor.thing)
        return (
            Operation(
                "PATCH",
                self._path,
                self._edit,
                f"Edit a {one}, together with what others edit",
                InSpaces(Role.EDITOR),
                self._editor.kind.edits,
                EditAnswer,
                needed_headers=(hdrs.IF_MATCH,),
                query=SavedAs,
            ),
            Operation(
                "POST",
                f"{self._path}/undo",
                self._undo,
                f"Take back what a version of a {one} changed",
                InSpaces(Role.EDITOR),
                Undo,
                EditAnswer,
                query=SavedAs,
            ),
        )

    async def _edit(self, request: web.Request) -> web.Response:
        seen = require_version(request)
        edits = await read_json(request, self._editor.kind.edits, cap_bytes=BODY_CAP_BYTES, most_values=MOST_VALUES)
        values = await asyncio.to_thread(edits.values)  # 10,000 parts take a fifth of a second
        return await self._answer(request, await self._editor.edit(_document(request), seen, values))

    async def _undo(self, request: web.Request) -> web.Response:
        asked = await read_json(request, Undo)
        return await self._answer(request, await self._editor.undo(_document(request), asked.version))

    async def _answer(self, request: web.Request, outcome: EditOutcome[Stored]) -> web.Response:
        self._changed(self._path.split("/")[2], _document(request))
        stored = outcome.stored if self._warned is None else await self._warned(outcome.stored)
        answer = EditAnswer(
            version=stored.version,
            made_on=outcome.made_on,
            ready_version=stored.ready_version,
            added=outcome.added,
            warnings=getattr(stored, "warnings", ()),
            warnings_told=getattr(stored, "warnings_told", ()),
        )
        return json_answer(answer, version=answer.version)


def _document(request: web.Request) -> str:
    """Return the id of the document, or the channel whose schedule it is."""
    return next(iter(request.match_info.values()))
