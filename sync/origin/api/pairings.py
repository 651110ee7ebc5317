"""Pairs devices: by a short code on the screen that a person types, or by a proof that they know the enrolment key.

Devices that are paired already are told that this is their origin, where it moved to another address.

The device's token is made when the device fetches it, and given exactly once. A device that lost the answer pairs
again. Anybody may ask to pair, so the number of waiting pairings is limited, for each client and in all.
"""

import hmac
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, NoReturn

from aiohttp import hdrs, web
from pydantic import StringConstraints

from sync.errors import Forbidden, NotFound, Unauthenticated
from sync.http.bodies import json_answer, read_json
from sync.http.forwarded import client_of, is_from_this_machine, is_secure
from sync.http.listening_socket import network_of
from sync.http.operations import Access, InSpaces, Operation
from sync.origin.api.devices import DeviceRoutes, DeviceView
from sync.origin.api.lists import SEEN, ListPage, list_operation
from sync.origin.http.host_header_check import is_own_address
from sync.origin.live.live_hints import LiveHints
from sync.origin.persistence.lists import PAIRINGS
from sync.origin.persistence.pages import Page, PageRequest
from sync.origin.store.pairings import NOT_WAITING, Admission, Pairing, PairingLimits, PairingStep, PairingStore
from sync.roles import Role
from sync.runtime.clock import Clock, instant, unix_ms
from sync.trust.signing import enrolment_proof, new_token, pairing_code, pin_root, root_fingerprint, token_hash
from sync.wire.device_reports import EnrolmentProof, IdentityChallenge, PairingAnswer, PairingRequest, PairingState
from sync.wire.release import Envelope, Root
from sync.wire.value_types import Identifier, Instant, Name, Request, Wire

PAIRING_LASTS = timedelta(minutes=15)
LIMITS = PairingLimits(most=10_000, most_of_one=1_000)  # a venue of 500 screens has one address
BODY_CAP_BYTES = 8 * 1024

log = logging.getLogger(__name__)


class WaitingDevice(Wire):
    """A device that waits with a code on its screen; the code is not in the answer."""

    pairing: Identifier
    name: Name
    expires_at: Instant


class WaitingList(ListPage):
    """A page of the devices that wait to be paired."""

    pairings: tuple[WaitingDevice, ...]


class Approval(Request):
    """The code that a person read on the screen, and the channel of the device."""

    code: Annotated[str, StringConstraints(max_length=100)]
    channel: Identifier
    name: Name | None = None


class Enrolment:
    """How devices pair without a person: the enrolment key, empty if there is none, and the channel they get."""

    def __init__(self, key: str, channel: str) -> None:
        self.key = key
        self.channel = channel

    def accepts_key(self, offered: str) -> bool:
        """Tell whether an older device sent the right key."""
        key, sent = (text.encode(errors="surrogatepass") for text in (self.key, offered))
        return bool(key) and hmac.compare_digest(key, sent)

    def accepts_proof(self, offered: EnrolmentProof, root: Root, secret: str) -> bool:
        """Tell whether a device knows the key."""
        return bool(self.key) and hmac.compare_digest(
            enrolment_proof(self.key, root, secret, offered.url), offered.proof
        )


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
        ask, prove, pair = "Ask to be paired", "Prove to know the enrolment key", "Pair a device by code"
        identify = "Prove to a device that this is the origin it belongs to"
        one = "/v1/pairings/{id}"
        return (
            Operation("POST", "/v1/pairings", self._request, ask, Access.OPEN, PairingRequest, PairingAnswer, 201),
            Operation("GET", one, self._poll, "The state of a pairing", Access.PAIRING, None, PairingState),
            Operation("POST", f"{one}/proof", self._prove_key, prove, Access.PAIRING, EnrolmentProof, status=204),
            Operation("POST", "/v1/identity", self._prove, identify, Access.OPEN, IdentityChallenge, Envelope),
            list_operation(
                "/v1/pairings", "Waiting devices", PAIRINGS, WaitingList, self._waiting, _waiting_device, SEEN
            ),
            Operation("POST", "/v1/devices", self._approve, pair, InSpaces(Role.TECHNICIAN), Approval, DeviceView, 201),
        )

    def fingerprint(self) -> str:
        """Return what devices know this origin by."""
        return root_fingerprint(pin_root(self._keys.root()))

    async def approve(self, code: str, channel: str, name: str | None) -> DeviceView:
        """Pair the device that shows `code`. Spaces, dashes and case do not matter.

        Raises:
            NotFound: no device waits with this code.
            Rejected: there is no such channel, and it is not the one in which devices enrol.
            Forbidden: one is no technician in its space.
            Conflict: two devices wait with this code: one may imitate the other.
        """
        admission = self._admission(channel, name)
        await self._store.approve_by_code(_normalised(code), admission, first_channel=self._enrolment.channel)
        log.info("device=%s channel=%s paired by code", admission.device, channel)
        self._live.changed("devices", admission.device)
        return await self._devices.view(admission.device)

    async def _request(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PairingRequest, cap_bytes=BODY_CAP_BYTES)
        root, now, new_id = self._keys.root(), self._clock.now(), secrets.token_hex(8)
        pairing = await self._store.create(
            Pairing(new_id, asked.name, PairingStep.WAITING, None, None, unix_ms(now + PAIRING_LASTS)),
            code=pairing_code(root, asked.secret),
            secret_hash=token_hash(asked.secret),
            now_ms=unix_ms(now),
            client=network_of(client_of(request, request.app)),
            limits=LIMITS,
        )
        if pairing is None:
            raise web.HTTPTooManyRequests(
                text="too many devices of this address are waiting to be paired; try again in a minute",
                headers={"Retry-After": "60"},
            )
        if pairing.id == new_id and asked.enrolment_key:
            await self._take_key(
                pairing, asked.enrolment_key, is_private=is_secure(request) or is_from_this_machine(request)
            )
        self._live.changed("pairings", pairing.id)
        answer = PairingAnswer(
            pairing=pairing.id,
            root=root,
            expires_at=instant(pairing.expires_ms),
            takes_proof=bool(self._enrolment.key),
        )
        return json_answer(answer, status=201)

    async def _take_key(self, pairing: Pairing, key: str, *, is_private: bool) -> None:
        """Let an older device in, which sends the key itself, unless it did so where others can read it."""
        if not is_private:
            log.warning(
                "pairing=%s sent an enrolment key in the clear, so it waits for a person: update this player, or "
                "have it use HTTPS; if the key was right, give origin and players another one",
                pairing.id,
            )
        elif self._enrolment.accepts_key(key):
            await self._let_in(pairing)
        else:
            log.warning("pairing=%s sent a wrong enrolment key; it waits for a person", pairing.id)

    async def _let_in(self, pairing: Pairing) -> None:
        admission = self._admission(self._enrolment.channel, None)
        await self._store.approve(pairing.id, admission)
        log.info("device=%s channel=%s paired by enrolment key", admission.device, admission.channel)
        self._live.changed("devices", admission.device)

    async def _prove_key(self, request: web.Request) -> web.Response:
        """Let a device in that proves to know the key. A wrong proof closes its pairing: there is one try for each.

        A proof for a name that is not ours was meant for somebody else, who only passes it on: it counts as no try.
        """
        pairing, secret = await self._pairing_of(request)
        offered = await read_json(request, EnrolmentProof, cap_bytes=BODY_CAP_BYTES)
        if pairing is None or pairing.step not in (PairingStep.WAITING, PairingStep.APPROVED):
            raise NotFound(NOT_WAITING)
        self._refuse_other_names(offered.url, request)
        if not self._enrolment.accepts_proof(offered, pin_root(self._keys.root()), secret):
            await self._close(pairing)
        elif pairing.step is PairingStep.WAITING:
            await self._let_in(pairing)
        return web.Response(status=204)

    async def _close(self, pairing: Pairing) -> NoReturn:
        if not await self._store.refuse(pairing.id):
            raise NotFound(NOT_WAITING)  # as after a right proof: of many at once only the first one learns anything
        self._live.changed("pairings", pairing.id)
        log.warning("pairing=%s proved another enrolment key than ours, and is over", pairing.id)
        raise Forbidden("the enrolment key of this device is not that of the origin (publish.enrolment_key)")

    async def _pairing_of(self, request: web.Request) -> tuple[Pairing | None, str]:
        """Return the pairing that has the secret of the request, and the secret."""
        scheme, _, secret = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise Unauthenticated("send the pairing's secret as Authorization: Bearer SECRET")
        now_ms, secret = unix_ms(self._clock.now()), secret.strip()
        return await self._store.get(request.match_info["id"], token_hash(secret), now_ms), secret

    async def _poll(self, request: web.Request) -> web.Response:
        pairing, _ = await self._pairing_of(request)
        if pairing is None or pairing.step in (PairingStep.DELIVERED, PairingStep.REFUSED):
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
        self._refuse_other_names(challenge.url, request)
        return json_answer(self._keys.prove(challenge))

    def _refuse_other_names(self, url: str, request: web.Request) -> None:
        if not is_own_address(url, request, self._keys.names):
            raise Forbidden(
                f"{url[:200]!r} is at no name of this origin; if it is, add the name to server.allowed_hosts"
            )

    async def _waiting(self, asked: PageRequest) -> Page[Pairing]:
        return await self._store.page(asked, unix_ms(self._clock.now()))

    async def _approve(self, request: web.Request) -> web.Response:
        approval = await read_json(request, Approval)
        view = await self.approve(approval.code, approval.channel, approval.name)
        return json_answer(view, status=201, version=view.version)

    def _admission(self, channel: str, name: str | None) -> Admission:
        unused = token_hash(new_token())
        return Admission(secrets.token_hex(8), channel, name, unused, unix_ms(self._clock.now()))


def _waiting_device(pairing: Pairing) -> WaitingDevice:
    return WaitingDevice(pairing=pairing.id, name=pairing.name, expires_at=instant(pairing.expires_ms))


def _normalised(code: str) -> str:
    return "".join(character for character in code.upper() if character.isalnum())
