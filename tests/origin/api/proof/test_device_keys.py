"""The keys of devices at the origin: who gets a certificate, what changes it, and that every step stays on record."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from sync.origin.publishing.keyring import ONLINE, Keyring
from sync.origin.store.proof.device_keys import DeviceKeyStore
from sync.proof.checkpoint import CERTIFICATE_DOMAIN, Certificate, open_certificate
from sync.proof.key_request import KEY_REQUEST_DOMAIN, KeyRequest, public_key, request_key
from sync.trust.root_changes import keys_of as keys_of_role
from sync.trust.root_changes import make_root, propose, public_of
from sync.trust.signing import SigningKey, sign_envelope
from sync.wire.release import Envelope
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEYS = [SigningKey.from_bytes(bytes([number]) * 32) for number in range(1, 5)]


async def put(server: RunningOrigin, token: str, envelope: Envelope) -> Certificate:
    answer = await server.ask("PUT", "/v1/device/key", token, envelope.model_dump(mode="json"))
    assert answer.status == 200, answer.text
    return open_certificate(server.origin.keyring.root(), Envelope.model_validate(answer.document))


async def keys_of(server: RunningOrigin, device: str) -> list[dict[str, Any]]:
    return list((await server.ask("GET", f"/v1/devices/{device}/keys", server.reader)).document["keys"])


async def test_a_key_is_certified_once_and_the_next_one_in_its_place(server: RunningOrigin, clock: FakeClock) -> None:
    device, token = await server.pair()
    first = await put(server, token, request_key(device, KEYS[0], AT))
    assert (first.device, first.key, first.serial, first.issued_at) == (device, KEYS[0].id, 1, clock.now())
    clock.step_wall(60)
    assert await put(server, token, request_key(device, KEYS[0], AT)) == first
    second = await put(server, token, request_key(device, KEYS[1], AT, KEYS[0]))
    assert (second.key, second.serial, second.issued_at) == (KEYS[1].id, 2, clock.now())
    third = await put(server, token, request_key(device, KEYS[2], AT))  # it lost the one before
    told = await keys_of(server, device)
    assert [(one["key"], one["proven"], one["current"]) for one in told] == [
        (KEYS[0].id, False, False),
        (KEYS[1].id, True, False),
        (third.key, False, True),
    ]


async def test_a_revoked_key_stays_revoked_and_another_one_is_certified(
    server: RunningOrigin, clock: FakeClock
) -> None:
    device, token = await server.pair()
    await put(server, token, request_key(device, KEYS[0], AT))
    clock.step_wall(60)
    path = f"/v1/devices/{device}/keys/{KEYS[0].id}/revocation"
    assert (await server.ask("POST", path, server.reader, {"note": "stolen"})).status == 403
    assert (await server.ask("POST", path, server.writer, {})).status == 422
    assert (await server.ask("POST", path.replace(KEYS[0].id, "0" * 64), server.writer, {"note": "x"})).status == 404
    revoked = await server.ask("POST", path, server.writer, {"note": "stolen"})
    assert revoked.status == 200 and revoked.document["keys"][0]["note"] == "stolen"
    again = await put(server, token, request_key(device, KEYS[0], AT))
    assert (again.serial, again.revoked_at) == (1, clock.now())
    clock.step_wall(60)
    await server.ask("POST", path, server.writer, {"note": "again"})
    assert (await put(server, token, request_key(device, KEYS[0], AT))) == again  # not revoked anew
    other = await put(server, token, request_key(device, KEYS[1], AT, KEYS[0]))
    assert (other.serial, other.revoked_at) == (2, None)
    assert [(one["proven"], one["current"]) for one in await keys_of(server, device)] == [(False, False), (False, True)]


def forged(device: str, key: SigningKey = KEYS[0], domain: bytes = KEY_REQUEST_DOMAIN, **changes: Any) -> Envelope:
    request = KeyRequest(device=device, public_key=public_key(KEYS[0]), at=AT).model_copy(update=changes)
    return Envelope.model_validate_json(sign_envelope(domain, request.model_dump_json().encode(), key))


@pytest.mark.parametrize(
    "changes",
    [
        {"device": "another"},
        {"key": KEYS[1]},
        {"domain": CERTIFICATE_DOMAIN},
        {"public_key": public_key(KEYS[1])},
        {"public_key": "no key"},
        {"public_key": base64.b64encode(b"x" * 33).decode()},
        {"public_key": ""},
    ],
    ids=lambda each: next(iter(each)),
)
async def test_who_does_not_prove_to_have_the_key_gets_no_certificate(
    server: RunningOrigin, changes: dict[str, Any]
) -> None:
    device, token = await server.pair()
    envelope = forged(**{"device": device, **changes})
    answer = await server.ask("PUT", "/v1/device/key", token, envelope.model_dump(mode="json"))
    assert answer.status == 422, answer.text
    for body in (b"", b"{}", b'{"payload": "AA==", "signatures": []}', b'{"payload": "no base64", "signatures": []}'):
        assert (await server.ask("PUT", "/v1/device/key", token, body)).status == 422
    assert (await server.ask("PUT", "/v1/device/key", server.writer, b"{}")).status == 403
    assert await keys_of(server, device) == []


async def test_a_certificate_is_signed_again_after_the_online_key_was_replaced(server: RunningOrigin) -> None:
    device, token = await server.pair()
    first = await put(server, token, request_key(device, KEYS[0], AT))
    rotate_online_key(server.origin.keyring)
    assert await put(server, token, request_key(device, KEYS[0], AT)) == first  # by the key of the new root
    assert len(await keys_of(server, device)) == 1
    assert len(await DeviceKeyStore(server.database).certificates(device)) == 2  # both stay on record


def rotate_online_key(keyring: Keyring) -> None:
    root, key = keyring.root(), SigningKey.generate()
    made = make_root(root.version + 1, keyring.expiry(), keys_of_role(root, root.root), 1, public_of(key))
    root_key = keyring.root_key()
    assert root_key is not None
    keyring.publish(propose(keyring.root_envelope(), made, [root_key]), {ONLINE: key})


async def test_a_name_that_no_device_can_have_has_no_keys(server: RunningOrigin) -> None:
    answer = await server.ask("GET", "/v1/devices/%C3%B6c/keys", server.reader)
    assert (answer.status, answer.document) == (200, {"device": "öc", "keys": []})
