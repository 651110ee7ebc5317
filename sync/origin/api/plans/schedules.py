"""Schedules over HTTP: one versioned document for each channel. The first one creates the channel."""

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from pydantic import TypeAdapter, ValidationError

from sync.errors import Rejected
from sync.http.bodies import json_answer, read_json, read_query, requested_version, require_version
from sync.http.operations import InSpaces, Operation
from sync.origin.api.lists import SEEN, ListPage, list_operation
from sync.origin.api.plans.saved_versions import SavedNew, WhichVersion
from sync.origin.persistence.lists import CHANNELS
from sync.origin.planning.plan_fields import MOST_VALUES
from sync.origin.planning.schedules import ScheduleDraft, StoredSchedule
from sync.origin.store.schedules import ChannelSummary, ScheduleStore
from sync.roles import Role
from sync.wire.value_types import Identifier

_CHANNEL: TypeAdapter[str] = TypeAdapter(Identifier)


class ScheduleList(ListPage):
    """A page of the schedules of all channels."""

    schedules: tuple[StoredSchedule, ...]


class ChannelList(ListPage):
    """A page of the channels, without their schedules."""

    channels: tuple[ChannelSummary, ...]


class ScheduleRoutes:
    """Serves schedules. Calls `changed("schedule", channel)` after each stored change; `warned` adds its warnings.

    `ready` reads the ready version.
    """

    def __init__(
        self,
        store: ScheduleStore,
        changed: Callable[[str, str], None],
        warned: Callable[[StoredSchedule], Awaitable[StoredSchedule]],
        *,
        ready: Callable[[str], Awaitable[StoredSchedule]],
    ) -> None:
        self._ready = ready
        self._store = store
        self._changed = changed
        self._warned = warned

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        many, one = "/v1/schedule", "/v1/schedule/{channel}"
        pages, summaries = self._store.page, self._store.summaries
        draft, stored, editor = ScheduleDraft, StoredSchedule, InSpaces(Role.EDITOR)
        return (
            list_operation(many, "The schedules of all channels", CHANNELS, ScheduleList, pages, access=SEEN),
            list_operation("/v1/channels", "Channels, by name", CHANNELS, ChannelList, summaries, access=SEEN),
            Operation("GET", one, self._read, "The schedule of a channel", SEEN, answer=stored, query=WhichVersion),
            Operation(
                "PUT",
                one,
                self._put,
                "Create a channel or replace its schedule",
                editor,
                draft,
                stored,
                query=SavedNew,
                headers=(hdrs.IF_MATCH,),
                also=(201,),
            ),
            Operation(
                "DELETE",
                one,
                self._remove,
                "Remove a channel that was never published",
                editor,
                status=204,
                headers=(hdrs.IF_MATCH,),
            ),
        )

    async def _read(self, request: web.Request) -> web.Response:
        asked = read_query(request, WhichVersion).version
        found = await self._store.get(request.match_info["channel"])  # or one may not see it
        if asked is not None:
            found = await self._ready(request.match_info["channel"])
        return json_answer(found, version=found.version)

    async def _put(self, request: web.Request) -> web.Response:
        channel, space = _channel(request), read_query(request, SavedNew).space
        version = require_version(request) if await self._store.exists(channel) else requested_version(request)
        draft = await read_json(request, ScheduleDraft, most_values=MOST_VALUES)
        if version is None:
            saved, status = await self._store.create(channel, draft, space), 201
        else:
            saved, status = await self._store.replace(channel, draft, version=version), 200
        self._changed("schedule", channel)
        saved = await self._warned(saved)
        return json_answer(saved, status=status, version=saved.version)

    async def _remove(self, request: web.Request) -> web.Response:
        channel = request.match_info["channel"]
        await self._store.remove(channel, version=requested_version(request))
        self._changed("schedule", channel)
        return web.Response(status=204)


def _channel(request: web.Request) -> str:
    try:
        return _CHANNEL.validate_python(request.match_info["channel"])
    except ValidationError as error:
        raise Rejected(
            "a channel's name is letters, digits, dots, dashes and underscores, at most 64",
            fields={"channel": "not a name for a channel"},
        ) from error
