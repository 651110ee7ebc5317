"""Planned publications over HTTP: a channel is published at an instant of its venue; seen, changed, cancelled."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from aiohttp import hdrs, web
from pydantic import AfterValidator, Field, StringConstraints

from sync.errors import Rejected
from sync.http.bodies import json_answer, read_json, requested_version
from sync.http.forwarded import location
from sync.http.operations import InSpaces, Operation
from sync.origin.api.lists import SEEN, ListPage, list_operation
from sync.origin.api.releases.release_routes import MOST_DIGITS, SMALL_BODY_BYTES
from sync.origin.persistence.lists import PUBLICATIONS
from sync.origin.planning.venue_days import zone_named
from sync.origin.publishing.planned.venue_instant import ClockChange, VenueInstant, venue_instant
from sync.origin.store.publications import PlannedPublication, PublicationPlan, PublicationState, PublicationStore
from sync.origin.store.schedules import ScheduleStore
from sync.roles import Role
from sync.runtime.clock import Clock, instant, unix_ms
from sync.wire.value_types import Identifier, Instant, Request, Wire


def _a_time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


LocalTime = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$"), AfterValidator(_a_time)]
"""A time by the clock on the wall of a venue, such as 2026-12-24T18:00."""
Note = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)]


class PlannedTime(Request):
    """When: `local`, a time of the venue in the zone of its channel, or `at`, an instant."""

    local: LocalTime | None = None
    at: Instant | None = None


class PublicationRequest(PlannedTime):
    """The channel to publish, when, and a note for people. `again`: an earlier release that is to come back instead."""

    channel: Identifier
    note: Note | None = None
    again: Annotated[int, Field(ge=1, lt=10**MOST_DIGITS)] | None = None


class PublicationChange(PlannedTime):
    """Another time, or another note; what is left out stays."""

    note: Note | None = None


class PublicationView(Wire):
    """A planned publication. `local` is the time of the venue in `zone` that was asked for, `at` the instant it is.

    `clock_change`: the clock of the venue leaves that time out, or shows it twice; `remark` says what that means.
    `problem` says why it failed, was missed or is tried again, `problems` by field; `sequence` is the release that is
    in force since.
    """

    id: str
    version: int
    channel: str
    state: PublicationState
    at: Instant
    local: str | None = None
    zone: str | None = None
    clock_change: ClockChange | None = None
    remark: str | None = None
    note: str | None = None
    again: int | None = None
    planned_by: str
    ended_at: Instant | None = None
    sequence: int | None = None
    problem: str | None = None
    problems: dict[str, str] = Field(default_factory=dict)


class PublicationList(ListPage):
    """A page of planned publications."""

    publications: tuple[PublicationView, ...]


class PublicationRoutes:
    """Serves planned publications. Calls `changed("publications", id)` after each stored change."""

    def __init__(
        self, store: PublicationStore, schedules: ScheduleStore, changed: Callable[[str, str], None], clock: Clock
    ) -> None:
        self._store = store
        self._schedules = schedules
        self._changed = changed
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        many, one, view, publisher = (
            "/v1/publications",
            "/v1/publications/{id}",
            PublicationView,
            InSpaces(Role.PUBLISHER),
        )
        plan, change, listed = "Plan a publication", "Change a planned publication", "Planned publications"
        cancel, tag, place = "Cancel a planned publication", (hdrs.IF_MATCH,), (hdrs.LOCATION,)
        return (
            list_operation(many, listed, PUBLICATIONS, PublicationList, self._store.page, _view, SEEN),
            Operation("POST", many, self._plan, plan, publisher, PublicationRequest, view, 201, answer_headers=place),
            Operation("GET", one, self._read, "A planned publication", SEEN, answer=view),
            Operation("PATCH", one, self._change, change, publisher, PublicationChange, view, headers=tag),
            Operation("DELETE", one, self._cancel, cancel, publisher, status=204, headers=tag),
        )

    async def _plan(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PublicationRequest, cap_bytes=SMALL_BODY_BYTES)
        at, zone = await self._instant(asked.channel, asked)
        plan = PublicationPlan(asked.channel, unix_ms(at.at), asked.local, zone, asked.note, asked.again)
        stored = await self._store.add(plan)
        answer = self._told(stored, status=201)
        answer.headers[hdrs.LOCATION] = location(request, f"/v1/publications/{stored.id}")
        return answer

    async def _read(self, request: web.Request) -> web.Response:
        found = await self._store.get(request.match_info["id"])
        return json_answer(_view(found), version=found.version)

    async def _change(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PublicationChange, cap_bytes=SMALL_BODY_BYTES)
        found = await self._store.get(request.match_info["id"])
        before, sent = found.plan, asked.model_fields_set
        at_ms, local, zone = before.at_ms, before.local, before.zone
        if sent & {"local", "at"}:
            at, zone = await self._instant(before.channel, asked)
            at_ms, local = unix_ms(at.at), asked.local
        note = asked.note if "note" in sent else before.note
        plan = PublicationPlan(before.channel, at_ms, local, zone, note, before.again)
        seen = requested_version(request)
        return self._told(await self._store.change(found.id, plan, found.version if seen is None else seen))

    async def _cancel(self, request: web.Request) -> web.Response:
        cancelled = await self._store.cancel(request.match_info["id"], requested_version(request))
        self._changed("publications", cancelled.id)
        return web.Response(status=204)

    def _told(self, stored: PlannedPublication, *, status: int = 200) -> web.Response:
        self._changed("publications", stored.id)
        return json_answer(_view(stored), status=status, version=stored.version)

    async def _instant(self, channel: str, asked: PlannedTime) -> tuple[VenueInstant, str]:
        """Return when it is to be done, and the zone of the channel."""
        zone = (await self._schedules.get(channel)).zone
        if (asked.local is None) is (asked.at is None):
            wrong = "name one of `local`, a time of the venue, and `at`, an instant"
            raise Rejected(f"when is not clear: {wrong}", fields={"local": wrong})
        if asked.at is not None:
            found = VenueInstant(asked.at)
        elif zone is None:
            wrong = f"channel {channel} names no time zone: set its zone, or send the instant as `at`"
            raise Rejected(wrong, fields={"local": wrong})
        else:
            found = venue_instant(datetime.fromisoformat(asked.local or ""), zone_named(zone))
        if found.at <= self._clock.now():
            field = "local" if asked.at is None else "at"
            raise Rejected(f"{found.at:%Y-%m-%d %H:%M} UTC is over: publish now", fields={field: "is over"})
        return found, zone or ""


def _view(found: PlannedPublication) -> PublicationView:
    plan, outcome = found.plan, found.outcome
    change = remark = None
    if plan.local is not None:
        local, zone = datetime.fromisoformat(plan.local), zone_named(plan.zone)
        by_clock = venue_instant(local, zone)
        change, remark = by_clock.change, by_clock.remark(local, zone)
    return PublicationView(
        id=found.id,
        version=found.version,
        channel=plan.channel,
        state=outcome.state,
        at=instant(plan.at_ms),
        local=plan.local,
        zone=plan.zone or None,
        clock_change=change,
        remark=remark,
        note=plan.note,
        again=plan.again,
        planned_by=found.planned_by.name,
        ended_at=None if found.ended_ms is None else instant(found.ended_ms),
        sequence=outcome.sequence,
        problem=outcome.problem,
        problems=dict(outcome.problems or {}),
    )
