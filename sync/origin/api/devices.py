"""Devices over HTTP: people see what each shows, its health and whether it is behind; devices send heartbeats."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from datetime import timedelta

from aiohttp import hdrs, web
from pydantic import Field, ValidationError

from sync.errors import Conflict, trust_text
from sync.http.bodies import json_answer, read_json, requested_version
from sync.http.operations import Access, InSpaces, Operation
from sync.origin.api.lists import SEEN, ListPage, list_operation
from sync.origin.http.auth import caller_of
from sync.origin.intake.heartbeat_intake import BudgetWait, HeartbeatIntake, budget_wait
from sync.origin.live.live_hints import LiveHints
from sync.origin.live.severity import ScreenSeverity, severity_of
from sync.origin.persistence.lists import DEVICES
from sync.origin.persistence.pages import Page, PageRequest
from sync.origin.store.devices import Device, DeviceStore
from sync.origin.store.proof.identity_doubts import Doubt, IdentityDoubtStore
from sync.roles import Role
from sync.runtime.clock import Clock, instant, unix_ms
from sync.trust.signing import token_hash
from sync.wire.device_reports import Heartbeat, HeartbeatAnswer, ReleaseLetThrough
from sync.wire.value_types import Identifier, Instant, Name, Request, Sha256, Wire, is_none

HEARTBEAT_CAP_BYTES = 64 * 1024

log = logging.getLogger(__name__)


class DeviceView(Wire):
    """A device. `behind`: it plays an older release than the newest of its channel, published `channel_released_at`.

    `online`: it was heard, and its history does not say that it is silent since.
    `severity`: how bad it is what it reports; None before its first heartbeat.
    `trust`: whether it accepts what it is sent, in words; empty before its first heartbeat.
    `budget`: what waits because the bytes of its month are spent, if anything does.
    `doubts`: signs that two machines run with its identity, one sentence each.
    """

    id: Identifier
    name: Name
    channel: Identifier
    version: int
    paired_at: Instant
    seen_at: Instant | None
    seen_age_s: float | None
    online: bool
    sequence: int | None
    channel_sequence: int
    behind: bool
    heartbeat: Heartbeat | None
    severity: ScreenSeverity | None = None
    trust: str = ""
    budget: BudgetWait | None = None
    doubts: tuple[str, ...] = ()
    channel_released_at: Instant | None = None
    space: Identifier | None = Field(None, exclude_if=is_none)


class DeviceList(ListPage):
    """A page of devices."""

    devices: tuple[DeviceView, ...]


class DeviceChange(Request):
    """Changes of a device; a field that is left out stays as it is."""

    name: Name | None = None
    channel: Identifier | None = None


class ReleaseToLetThrough(Request):
    """The release that waits for the budget of its device."""

    release: Sha256


class Membership(Wire):
    """What a device asks about itself."""

    device: Identifier
    name: Name
    channel: Identifier


class DeviceRoutes:
    """Serves devices to people and receives heartbeats from devices."""

    def __init__(
        self,
        store: DeviceStore,
        doubts: IdentityDoubtStore,
        intake: HeartbeatIntake,
        live: LiveHints,
        clock: Clock,
    ) -> None:
        self._store = store
        self._intake = intake
        self._doubts = doubts
        self._live = live
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations on devices; pairing adds devices."""
        one, fetch = "/v1/devices/{id}", "Have a release fetched whatever the budget of the month"
        through, technician = (ReleaseToLetThrough, DeviceView), InSpaces(Role.TECHNICIAN)
        return (
            list_operation("/v1/devices", "Devices, by name", DEVICES, DeviceList, self.page, access=SEEN),
            Operation("GET", one, self._show, "One device", SEEN, None, DeviceView),
            Operation(
                "PATCH",
                one,
                self._change,
                "Rename a device or move it, together with what others change",
                technician,
                DeviceChange,
                DeviceView,
                headers=(hdrs.IF_MATCH,),
            ),
            Operation("POST", f"{one}/let-through", self._let_through, fetch, technician, *through),
            Operation("DELETE", one, self._remove, "Remove a device", technician, status=204),
            Operation(
                "GET",
                "/v1/device",
                self._own_membership,
                "Which channel the device is on",
                Access.DEVICE,
                None,
                Membership,
            ),
            Operation(
                "POST",
                "/v1/heartbeats",
                self._receive_heartbeat,
                "Send a heartbeat",
                Access.DEVICE,
                Heartbeat,
                HeartbeatAnswer,
                also=(204,),
            ),
        )

    async def view(self, device: str, needed: Role = Role.VIEWER) -> DeviceView:
        """Return one device for people.

        Raises:
            NotFound: there is no such device.
            Forbidden: one does not have this role in its space.
        """
        return self._view(await self._store.get(device, needed), await self._doubts.open_doubts(device))

    async def views(self, channel: str | None = None) -> list[DeviceView]:
        """Return the devices of a channel, or all, for people, by name."""
        doubts = await self._doubts.open_doubts()
        return [self._view(device, doubts) for device in await self._store.list_all(channel)]

    async def page(self, asked: PageRequest) -> Page[DeviceView]:
        """Return a page of devices for people."""
        found, doubts = await self._store.page(asked), await self._doubts.open_doubts()
        return await asyncio.to_thread(found.of, lambda device: self._view(device, doubts))

    async def remove(self, device: str) -> None:
        """Remove a device: its token is not valid from now on, its plays stay.

        Raises:
            NotFound: there is no such device.
        """
        unused = token_hash(secrets.token_urlsafe(32))
        await self._store.remove(device, token_hash=unused, now_ms=unix_ms(self._clock.now()))
        self._live.changed("devices", device)

    async def _show(self, request: web.Request) -> web.Response:
        view = await self.view(request.match_info["id"])
        return json_answer(view, version=view.version)

    async def _change(self, request: web.Request) -> web.Response:
        change = await read_json(request, DeviceChange)
        id, expected = request.match_info["id"], requested_version(request)
        now_ms = unix_ms(self._clock.now())
        device = await self._store.update(
            id, name=change.name, channel=change.channel, expected=expected, now_ms=now_ms
        )
        self._live.changed("devices", device.id)
        return json_answer(await self.view(device.id), version=device.version)

    async def _let_through(self, request: web.Request) -> web.Response:
        asked, by = await read_json(request, ReleaseToLetThrough), caller_of(request).id
        view = await self.view(request.match_info["id"], Role.TECHNICIAN)
        if view.budget is None or view.budget.release != asked.release:
            raise Conflict("this release does not wait for the budget of this screen: look at it again")
        if view.budget.state == "waits":
            wanted = ReleaseLetThrough(release=asked.release, month=view.budget.month)
            await self._store.let_through(view.id, wanted.model_dump(), unix_ms(self._clock.now()), by)
            log.info("device=%s release=%s is let through by %s", view.id, asked.release[:12], by)
            self._live.changed("devices", view.id)
        return json_answer(await self.view(view.id))

    async def _remove(self, request: web.Request) -> web.Response:
        await self.remove(request.match_info["id"])
        return web.Response(status=204)

    async def _own_membership(self, request: web.Request) -> web.Response:
        caller = caller_of(request)
        assert caller.channel is not None  # every device has one
        return json_answer(Membership(device=caller.id, name=caller.name, channel=caller.channel))

    async def _receive_heartbeat(self, request: web.Request) -> web.Response:
        heartbeat = await read_json(request, Heartbeat, cap_bytes=HEARTBEAT_CAP_BYTES)
        answer = await self._intake.submit(caller_of(request).id, heartbeat)
        return web.Response(status=204) if answer is None else json_answer(answer)

    def _view(self, device: Device, doubts: Sequence[Doubt]) -> DeviceView:
        heartbeat = _last_heartbeat(device)
        seen_at = None if device.seen_ms is None else instant(device.seen_ms)
        age_s = None if seen_at is None else max(0.0, (self._clock.now() - seen_at) / timedelta(seconds=1))
        if heartbeat is not None and age_s is not None:
            heartbeat = self._live.screens.latest(device.id, heartbeat, age_s)
        sequence = None if heartbeat is None else heartbeat.sequence
        return DeviceView(
            id=device.id,
            name=device.name,
            channel=device.channel,
            version=device.version,
            paired_at=instant(device.paired_ms),
            seen_at=seen_at,
            seen_age_s=age_s,
            online=seen_at is not None and not device.silent,
            sequence=sequence,
            channel_sequence=device.channel_sequence,
            behind=(sequence or 0) < device.channel_sequence,
            heartbeat=heartbeat,
            severity=None if heartbeat is None else severity_of(heartbeat),
            budget=None if heartbeat is None else budget_wait(heartbeat, device.let_through),
            trust="" if heartbeat is None else trust_text(heartbeat.trust),
            doubts=tuple(one.detail for one in doubts if one.device == device.id),
            channel_released_at=None if device.channel_released_ms is None else instant(device.channel_released_ms),
            space=device.space,
        )


def _last_heartbeat(device: Device) -> Heartbeat | None:
    """Return the last heartbeat, or None if an older origin stored one that cannot be read today."""
    if device.heartbeat is None:
        return None
    try:
        return Heartbeat.model_validate(device.heartbeat)
    except ValidationError:
        return None
