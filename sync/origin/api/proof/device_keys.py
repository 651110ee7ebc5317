"""The keys with which devices sign their logs of plays: devices have theirs certified, people see and revoke them."""

import logging
from dataclasses import replace
from datetime import datetime

from aiohttp import web

from sync.errors import Conflict, NotFound, Rejected, Untrusted
from sync.http.bodies import json_answer, read_json
from sync.http.operations import Access, InSpaces, Operation
from sync.origin.api.lists import SEEN
from sync.origin.http.auth import caller_of
from sync.origin.live.live_hints import LiveHints
from sync.origin.publishing.keyring import Keyring
from sync.origin.store.proof.device_keys import DeviceKeyStore, IssuedCertificate, newest
from sync.proof.checkpoint import CERTIFICATE_CAP_BYTES, READS_CHANGED_COUNTS, Certificate, sign_certificate
from sync.proof.delivery import CertifiedKey
from sync.proof.key_request import CheckedRequest, check_key_request
from sync.roles import Role
from sync.runtime.clock import Clock, instant, unix_ms
from sync.trust.signing import open_envelope
from sync.wire.release import Envelope
from sync.wire.value_types import Instant, Name, Request, Sha256, Wire

MOST_KEYS_OF_DEVICE = 1_000

log = logging.getLogger(__name__)


class DeviceKeyView(Wire):
    """A key of a device. `current`: it is the newest, and not revoked.

    `proven`: it was asked for by somebody who had the key that it `replaces`, too. A device that lost its key cannot
    prove that.
    """

    key: Sha256
    serial: int
    issued_at: Instant
    revoked_at: Instant | None
    revoked_by: str | None
    note: str | None
    replaces: Sha256 | None
    proven: bool
    current: bool


class DeviceKeyList(Wire):
    """The keys that a device ever had, the oldest first; none of a name that no device has."""

    device: str
    keys: tuple[DeviceKeyView, ...]


class KeyRevocation(Request):
    """Why a key is revoked."""

    note: Name


class DeviceKeyRoutes:
    """Certifies, lists and revokes keys."""

    def __init__(self, store: DeviceKeyStore, keyring: Keyring, live: LiveHints, clock: Clock) -> None:
        self._store = store
        self._keyring = keyring
        self._live = live
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operation for devices, and those for people."""
        keys = "/v1/devices/{id}/keys"
        certify, revoke = "Have the key of the device certified", "Revoke a key of a device"
        return (
            Operation("PUT", "/v1/device/key", self._certify, certify, Access.DEVICE, Envelope, CertifiedKey),
            Operation("GET", keys, self._list, "The keys of a device", SEEN, None, DeviceKeyList),
            Operation(
                "POST",
                f"{keys}/{{key}}/revocation",
                self._revoke,
                revoke,
                InSpaces(Role.TECHNICIAN),
                KeyRevocation,
                DeviceKeyList,
            ),
        )

    async def keys(self, device: str) -> DeviceKeyList:
        """Return the keys of a device that one may see."""
        return _list_view(device, await self._store.seen_certificates(device))

    async def revoke(self, device: str, key: str, *, by: str, note: str) -> DeviceKeyList:
        """Revoke a key from now on, as a further certificate of it. A key that is revoked stays as it is.

        Raises:
            NotFound: the device has no such key.
            Forbidden: one is no technician where it lies.
            StorageBroken: the online key is lost, so nothing can be signed.
        """

        def revoked(found: list[IssuedCertificate]) -> IssuedCertificate | None:
            one = newest(found).get(key)
            if one is None:
                raise NotFound(f"device {device} has no key {key}")
            if one.revoked_ms is not None:
                return None
            now_ms = unix_ms(self._clock.now())
            return self._signed(replace(one, number=len(found) + 1, revoked_ms=now_ms, revoked_by=by, note=note))

        await self._store.check_revocable(device, key)
        found = await self._store.issue(device, revoked)
        log.info("device=%s key=%s is revoked by %s", device, key[:16], by)
        self._live.changed("devices", device)
        return _list_view(device, found)

    async def _list(self, request: web.Request) -> web.Response:
        return json_answer(await self.keys(request.match_info["id"]))

    async def _revoke(self, request: web.Request) -> web.Response:
        asked, by = await read_json(request, KeyRevocation), caller_of(request).id
        device, key = request.match_info["id"], request.match_info["key"]
        return json_answer(await self.revoke(device, key, by=by, note=asked.note))

    async def _certify(self, request: web.Request) -> web.Response:
        envelope = await read_json(request, Envelope, cap_bytes=CERTIFICATE_CAP_BYTES)
        device = caller_of(request).id
        asked: list[CheckedRequest] = []

        def certified(found: list[IssuedCertificate]) -> IssuedCertificate | None:
            asked.append(self._checked(envelope, device, found))
            return self._next(device, asked[-1], envelope, found)

        certificate = newest(await self._store.issue(device, certified))[asked[-1].key]
        return json_answer(CertifiedKey(**certificate.certificate, reads=(READS_CHANGED_COUNTS,)))

    def _checked(self, envelope: Envelope, device: str, found: list[IssuedCertificate]) -> CheckedRequest:
        known = {one.key: one.public_key for one in newest(found).values() if one.revoked_ms is None}
        try:
            return check_key_request(envelope, device, known)
        except Untrusted as error:
            raise Rejected(str(error)) from error

    def _next(
        self, device: str, asked: CheckedRequest, envelope: Envelope, found: list[IssuedCertificate]
    ) -> IssuedCertificate | None:
        """Return the certificate to issue; None if the one there is of this key will do."""
        keys, number = newest(found), len(found) + 1
        if (one := keys.get(asked.key)) is not None:
            if self._is_by_online_key(one):
                return None
            return self._signed(replace(one, number=number, request=None))  # the online key was replaced since
        if len(keys) >= MOST_KEYS_OF_DEVICE:
            raise Conflict(f"device {device} had {len(keys)} keys, so no other is certified: pair it again")
        log.info("device=%s has the key %s from now on", device, asked.key[:16])
        if keys and not asked.proven:
            log.warning("device=%s: the key that it had before did not sign the request for this one", device)
        self._live.changed("devices", device)
        return self._signed(
            IssuedCertificate(
                device,
                number,
                len(keys) + 1,
                asked.key,
                asked.request.public_key,
                unix_ms(self._clock.now()),
                {},
                request=envelope.model_dump(mode="json"),
                replaces=asked.request.replaces,
                proven=asked.proven,
            )
        )

    def _is_by_online_key(self, one: IssuedCertificate) -> bool:
        signers = {each.key for each in Envelope.model_validate(one.certificate).signatures}
        return bool(signers & set(self._keyring.root().timestamp.keys))

    def _signed(self, one: IssuedCertificate) -> IssuedCertificate:
        certificate = Certificate(
            device=one.device,
            key=one.key,
            public_key=one.public_key,
            serial=one.serial,
            issued_at=instant(one.issued_ms),
            revoked_at=_at(one.revoked_ms),
        )
        envelope = open_envelope(sign_certificate(certificate, self._keyring.timestamp_key), CERTIFICATE_CAP_BYTES)
        return replace(one, certificate=envelope.model_dump(mode="json"))


def _list_view(device: str, found: list[IssuedCertificate]) -> DeviceKeyList:
    keys = list(newest(found).values())
    return DeviceKeyList(device=device, keys=tuple(_view(one, current=one is keys[-1]) for one in keys))


def _view(one: IssuedCertificate, *, current: bool) -> DeviceKeyView:
    return DeviceKeyView(
        key=one.key,
        serial=one.serial,
        issued_at=instant(one.issued_ms),
        revoked_at=_at(one.revoked_ms),
        revoked_by=one.revoked_by,
        note=one.note,
        replaces=one.replaces,
        proven=one.proven,
        current=current and one.revoked_ms is None,
    )


def _at(ms: int | None) -> datetime | None:
    return None if ms is None else instant(ms)
