"""Pairs devices: by a short code on the screen that a person types, or by the enrolment key of the settings.

Devices that are paired already are told that this is their origin, where it moved to another address.

The device's token is made when the device fetches it, and given exactly once. A device that lost the answer pairs
again. Anybody may ask to pair, so the number of waiting pairings is limited.
"""

import hmac
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import hdrs, web
from pydantic import SecretStr

from sync.errors import Forbidden, Unauthenticated
from sync.http.bodies import json_answer, read_json
from sync.http.operations import Access, Operation
from sync.origin.api.devices import DeviceRoutes, DeviceView
from sync.origin.http.host_header_check import is_own_address
from sync.origin.http.live_hints import LiveHints
from sync.origin.store.devices import Admission, Pairing, PairingStep, PairingStore
from sync.runtime.clock import Clock, instant, unix_ms
from sync.trust.signing import new_token, pairing_code, token_hash
from sync.wire.device_reports import IdentityChallenge, PairingAnswer, PairingRequest, PairingState
from sync.wire.release import Envelope
from sync.wire.value_types import Identifier, Instant, Name, Request, Wire

PAIRING_LASTS = timedelta(minutes=15)
MOST_PAIRINGS = 500
BODY_CAP_BYTES = 8 * 1024

log = logging.getLogger(__name__)


class WaitingDevice(Wire):
    """A device that waits with a code on its screen; the code is not in the answer."""

    pairing: Identifier
    name: Name
    expires_at: Instant


class WaitingList(Wire):
    """All devices that wait to be paired."""

    pairings: tuple[WaitingDevice, ...]


class Approval(Request):
    """The code that a person read on the screen, and the channel of the device."""

    code: str
    channel: Identifier
    name: Name | None = None


class Enrolment:
    """How devices pair without a person: the enrolment key, and the channel they get."""

    def __init__(self, key: SecretStr | None, channel: str) -> None:
        self._key = key.get_secret_value() if key is not None else ""
        self.channel = channel

    def accepts(self, offered: str | None) -> bool:
        """Tell whether the device sent the right key; without a key in the settings no device can."""
        return bool(self._key) and hmac.compare_digest(self._key.encode(), (offered or "").encode())


@dataclass(frozen=True, slots=True)
class OriginKeys:
    """What devices know this origin by: its newest root, and proofs that it holds the keys of that root.

    `names` are the host names of this origin.
    """

    root: Callable[[], Envelope]
    prove: Callable[[IdentityChallenge], Envelope]
    names: frozenset[str]


class PairingRoutes:
    """Serves pairing to devices and to people."""

    def __init__(
        self,
        store: PairingStore,
        devices: DeviceRoutes,
        live: LiveHints,
        enrolment: Enrolment,
        keys: OriginKeys,
        clock: Clock,
    ) -> None:
        self._store = store
        self._devices = devices
        self._live = live
        self._enrolment = enrolment
        self._keys = keys
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations for devices and for people."""
        return (
            Operation(
                "POST",
                "/v1/pairings",
                self._request,
                "Ask to be paired",
                Access.OPEN,
                PairingRequest,
                PairingAnswer,
                201,
            ),
            Operation(
                "GET", "/v1/pairings/{id}", self._poll, "The state of a pairing", Access.PAIRING, None, PairingState
            ),
            Operation(
                "POST",
                "/v1/identity",
                self._prove,
                "Prove to a device that this is the origin it belongs to",
                Access.OPEN,
                IdentityChallenge,
                Envelope,
            ),
            Operation("GET", "/v1/pairings", self._waiting, "Waiting devices", Access.READ, None, WaitingList),
            Operation(
                "POST",
                "/v1/devices",
                self._approve,
                "Pair a device by code",
                Access.WRITE,
                Approval,
                DeviceView,
                201,
            ),
        )

    async def approve(self, code: str, channel: str, name: str | None) -> DeviceView:
        """Pair the device that shows `code`. Spaces, dashes and case do not matter.

        Raises:
            NotFound: no device waits with this code.
            Conflict: two devices wait with this code: one may imitate the other.
        """
        admission = self._admission(channel, name)
        await self._store.approve_by_code(_normalised(code), admission)
        log.info("device=%s channel=%s paired by code", admission.device, channel)
        self._live.changed("devices", admission.device)
        return await self._devices.view(admission.device)

    async def _request(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PairingRequest, cap_bytes=BODY_CAP_BYTES)
        root, now = self._keys.root(), self._clock.now()
        pairing = await self._store.create(
            Pairing(secrets.token_hex(8), asked.name, PairingStep.WAITING, None, None, unix_ms(now + PAIRING_LASTS)),
            code=pairing_code(root, asked.secret),
            secret_hash=token_hash(asked.secret),
            now_ms=unix_ms(now),
            limit=MOST_PAIRINGS,
        )
        if pairing is None:
            raise web.HTTPTooManyRequests(
                text="too many devices are waiting to be paired; try again in a minute", headers={"Retry-After": "60"}
            )
        if pairing.step is PairingStep.WAITING:
            await self._enrol(pairing, asked)
        self._live.changed("pairings", pairing.id)
        expires_at = instant(pairing.expires_ms)
        return json_answer(PairingAnswer(pairing=pairing.id, root=root, expires_at=expires_at), status=201)

    async def _enrol(self, pairing: Pairing, asked: PairingRequest) -> None:
        if self._enrolment.accepts(asked.enrolment_key):
            admission = self._admission(self._enrolment.channel, None)
            await self._store.approve(pairing.id, admission)
            log.info("device=%s channel=%s paired by enrolment key", admission.device, admission.channel)
            self._live.changed("devices", admission.device)
        elif asked.enrolment_key:
            log.warning("pairing=%s sent a wrong enrolment key; it waits for a person", pairing.id)

    async def _poll(self, request: web.Request) -> web.Response:
        scheme, _, secret = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise Unauthenticated("send the pairing's secret as Authorization: Bearer SECRET")
        now_ms = unix_ms(self._clock.now())
        pairing = await self._store.get(request.match_info["id"], token_hash(secret.strip()), now_ms)
        if pairing is None or pairing.step is PairingStep.DELIVERED:
            return json_answer(PairingState(status="expired"))
        if pairing.step is PairingStep.WAITING:
            return json_answer(PairingState(status="waiting"))
        return json_answer(await self._deliver(pairing))

    async def _deliver(self, pairing: Pairing) -> PairingState:
        token = new_token()
        if not await self._store.deliver(pairing, token_hash(token)):
            return PairingState(status="expired")  # another request was faster and got the token
        log.info("device=%s got its token", pairing.device)
        self._live.changed("pairings", pairing.id)
        return PairingState(status="paired", device=pairing.device, token=token, channel=pairing.channel)

    async def _prove(self, request: web.Request) -> web.Response:
        """Sign a challenge, but not for a name that is not ours: somebody there may only pass it on to us."""
        challenge = await read_json(request, IdentityChallenge, cap_bytes=BODY_CAP_BYTES)
        if not is_own_address(challenge.url, request, self._keys.names):
            raise Forbidden(
                f"{challenge.url[:200]!r} is at no name of this origin; if it is, add the name to server.allowed_hosts"
            )
        return json_answer(self._keys.prove(challenge))

    async def _waiting(self, request: web.Request) -> web.Response:
        found = await self._store.list_waiting(unix_ms(self._clock.now()))
        waiting = (WaitingDevice(pairing=p.id, name=p.name, expires_at=instant(p.expires_ms)) for p in found)
        return json_answer(WaitingList(pairings=tuple(waiting)))

    async def _approve(self, request: web.Request) -> web.Response:
        approval = await read_json(request, Approval)
        view = await self.approve(approval.code, approval.channel, approval.name)
        return json_answer(view, status=201, version=view.version)

    def _admission(self, channel: str, name: str | None) -> Admission:
        unused = token_hash(new_token())
        return Admission(secrets.token_hex(8), channel, name, unused, unix_ms(self._clock.now()))


def _normalised(code: str) -> str:
    return "".join(character for character in code.upper() if character.isalnum())
