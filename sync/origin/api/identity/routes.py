"""People see which machines report as a device, and give one of them an identity of its own."""

import logging
import secrets

from aiohttp import web
from pydantic import Field

from sync.errors import NotFound
from sync.http.bodies import json_answer, read_json
from sync.http.operations import InSpaces, Operation
from sync.origin.api.proof.device_keys import DeviceKeyRoutes
from sync.origin.http.auth import caller_of
from sync.origin.live.live_hints import LiveHints
from sync.origin.store.devices import DeviceStore
from sync.origin.store.proof.identity_doubts import IdentityDoubtStore
from sync.origin.store.proof.machines import MachineStore
from sync.roles import Role
from sync.runtime.clock import Clock, instant, unix_ms
from sync.trust.signing import new_token, token_hash
from sync.wire.device_reports import BootId
from sync.wire.value_types import Identifier, Instant, Name, Request, Wire

log = logging.getLogger(__name__)


class MachineView(Wire):
    """A start of a machine that reported as a device. `current`: it was the last one to do so."""

    boot_id: BootId
    first_at: Instant
    since: Instant
    current: bool


class MachineList(Wire):
    """The machines that reported as a device, the current one first, and why they may be two."""

    machines: tuple[MachineView, ...]
    doubts: tuple[str, ...]


class IdentityToGive(Request):
    """Which machine is to be another device, and its name. None: it is one machine, and all doubts are dealt with."""

    boot_id: BootId | None = None
    name: Name | None = Field(None)


class IdentityGiven(Wire):
    """The device that the machine becomes (None: none), and which plays count for whom, in a sentence."""

    device: Identifier | None
    told: str


class IdentityRoutes:
    """Serves what two machines with one identity need."""

    def __init__(
        self,
        devices: DeviceStore,
        machines: MachineStore,
        doubts: IdentityDoubtStore,
        keys: DeviceKeyRoutes,
        live: LiveHints,
        clock: Clock,
    ) -> None:
        self._devices = devices
        self._machines = machines
        self._doubts = doubts
        self._keys = keys
        self._live = live
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations for people."""
        one, who, technician = "/v1/devices/{id}", "Which machines report as a device", InSpaces(Role.TECHNICIAN)
        give = "Give one of two machines with the identity of this device an identity of its own"
        return (
            Operation("GET", f"{one}/machines", self._list, who, InSpaces(Role.VIEWER), None, MachineList),
            Operation("POST", f"{one}/new-identity", self._give, give, technician, IdentityToGive, IdentityGiven),
        )

    async def _list(self, request: web.Request) -> web.Response:
        device = (await self._devices.get(request.match_info["id"])).id
        machines = await self._machines.machines(device)
        views = tuple(
            MachineView(
                boot_id=one.boot_id,
                first_at=instant(one.first_ms),
                since=instant(one.since_ms),
                current=one is machines[0],
            )
            for one in machines
        )
        doubts = tuple(one.detail for one in await self._doubts.open_doubts(device))
        return json_answer(MachineList(machines=views, doubts=doubts))

    async def _give(self, request: web.Request) -> web.Response:
        asked, by = await read_json(request, IdentityToGive), caller_of(request).id
        device = await self._devices.get(request.match_info["id"], Role.TECHNICIAN)
        now_ms = unix_ms(self._clock.now())
        if asked.boot_id is None:
            ended = await self._doubts.end(device.id, by, now_ms)
            told = (
                f"{ended} doubts about {device.name} are dealt with: it is one machine. All its plays count as before."
            )
            self._live.changed("devices", device.id)
            return json_answer(IdentityGiven(device=None, told=told))
        if asked.boot_id not in {one.boot_id for one in await self._machines.machines(device.id)}:
            raise NotFound(f"no machine that started as {asked.boot_id} reported as {device.name}")
        new, name = secrets.token_hex(8), asked.name or f"{device.name[:196]} (2)"
        await self._devices.add(
            id=new, name=name, channel_id=device.channel, channels=[device.channel],
            token_hash=token_hash(new_token()), paired_ms=now_ms, space_id=device.space_id,
        )  # fmt: skip
        await self._machines.give_identity(device.id, asked.boot_id, new, by, now_ms)
        await self._machines.forget_boot(device.id, asked.boot_id)
        await self._doubts.end(device.id, by, now_ms)
        await self._revoke_copied_key(device.id, by)
        log.info("device=%s: the machine that started as %s becomes device=%s", device.id, asked.boot_id[:8], new)
        for changed in (device.id, new):
            self._live.changed("devices", changed)
        told = (
            f"The machine becomes {name} at its next heartbeat. The plays that are here count for {device.name}, "
            "of two at one time the one that came first. What waits on the machine, and what it plays from then on, "
            f"counts for {name}."
        )
        return json_answer(IdentityGiven(device=new, told=told))

    async def _revoke_copied_key(self, device: str, by: str) -> None:
        """Revoke the key that both machines have; the one that stays makes another."""
        for key in (await self._keys.keys(device)).keys:
            if key.current:
                await self._keys.revoke(device, key.key, by=by, note="it was copied to another machine")
