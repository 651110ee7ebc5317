"""Drafts over HTTP: who may publish a playlist, schedule or campaign makes its newest version ready to go out."""

from collections.abc import Callable

from aiohttp import hdrs, web

from sync.http.bodies import json_answer, requested_version
from sync.http.operations import InSpaces, Operation
from sync.http.problems import Handler
from sync.origin.audit.changes import ThingKind
from sync.origin.store.drafts.readiness import ReadinessStore
from sync.roles import Role
from sync.wire.value_types import Wire

PATHS = {
    ThingKind.PLAYLIST: ("playlists", "id"),
    ThingKind.SCHEDULE: ("schedule", "channel"),
    ThingKind.CAMPAIGN: ("campaigns", "id"),
}
"""Where each kind of document is, and what names it there."""


class ReadyVersion(Wire):
    """The version that releases are made of from now on."""

    ready_version: int


class ReadyRoutes:
    """Serves what makes drafts ready. Calls `changed(topic, id)` after each stored change."""

    def __init__(self, store: ReadinessStore, changed: Callable[[str, str], None]) -> None:
        self._store = store
        self._changed = changed

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        return tuple(
            Operation(
                "POST",
                f"/v1/{topic}/{{{key}}}/ready",
                self._handler(kind, topic, key),
                f"Make the newest version of a {kind} ready to go out",
                InSpaces(Role.PUBLISHER),
                answer=ReadyVersion,
                headers=(hdrs.IF_MATCH,),
            )
            for kind, (topic, key) in PATHS.items()
        )

    def _handler(self, kind: ThingKind, topic: str, key: str) -> Handler:
        async def make_ready(request: web.Request) -> web.StreamResponse:
            document = request.match_info[key]
            [version] = await self._store.make_ready([(kind, document, requested_version(request))])
            self._changed(topic, document)
            return json_answer(ReadyVersion(ready_version=version))

        return make_ready
