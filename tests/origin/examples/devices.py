"""Devices: how they are paired, what they report, and what people do with them."""

import secrets
from typing import Any

from pydantic import SecretStr

from sync.origin.settings.model import PublishSettings
from sync.proof.key_request import request_key
from sync.trust.signing import SigningKey, enrolment_proof, pairing_code, pin_root
from sync.wire.release import Envelope
from tests.fakes import FakeClock
from tests.origin.examples.recorder import Recorder
from tests.origin.running_origin import play

ENROLMENT_KEY = "open sesame, please"
PUBLISH = PublishSettings(enrolment_key=SecretStr(ENROLMENT_KEY), enrolment_channel="main")
BOOTS = ("a1" * 16, "b2" * 16)


async def tell(recorder: Recorder, clock: FakeClock, known: dict[str, Any]) -> None:
    """Pair a screen by its code and one by the enrolment key; hear of the first; give its copy another identity."""
    show, one = recorder.show, "/v1/devices/{id}"
    device, token = await _pair(recorder)
    await _enrol(recorder)
    challenge = {"nonce": secrets.token_hex(32), "url": recorder.server.url}
    await show("POST", "/v1/identity", challenge, token=None)
    await show("GET", "/v1/device", token=token)
    request = request_key(device, SigningKey.generate(), clock.now()).model_dump(mode="json")
    await show("PUT", "/v1/device/key", request, token=token)
    plays = [play(device, number, release=known["release"]) for number in (1, 2)]
    await show("POST", "/v1/exchange", {"heartbeat": _heartbeat(known), "plays": plays}, token=token)
    await show("POST", "/v1/heartbeats", _heartbeat(known), token=token)
    await show("GET", "/v1/devices", query={"online": "true"})
    await show("GET", one, id=device)
    await show("PATCH", one, {"name": "Window, left"}, id=device)
    await show("GET", f"{one}/history", id=device)
    await show("POST", f"{one}/let-through", {"release": known["release"]}, id=device)

    key = (await show("GET", f"{one}/keys", id=device))["keys"][0]["key"]
    why = {"note": "the screen was sold"}
    await show("POST", f"{one}/keys/{{key}}/revocation", why, id=device, key=key)
    for boot in (BOOTS[0], BOOTS[1], BOOTS[0], BOOTS[1]):
        await clock.advance(30)
        await show("POST", "/v1/heartbeats", {**_heartbeat(known), "boot_id": boot}, token=token)
    await show("GET", f"{one}/machines", id=device)
    await show("POST", f"{one}/new-identity", {"boot_id": BOOTS[1], "name": "Window, right"}, id=device)
    await _listen(recorder, token)
    known |= {"device": device, "token": token}


async def _pair(recorder: Recorder) -> tuple[str, str]:
    show, secret = recorder.show, secrets.token_hex(32)
    asked = await show("POST", "/v1/pairings", {"name": "Window", "secret": secret}, token=None)
    await show("GET", "/v1/pairings")
    code = pairing_code(Envelope.model_validate(asked["root"]), secret)
    await show("POST", "/v1/devices", {"code": code, "channel": "main"})
    paired = await show("GET", "/v1/pairings/{id}", token=secret, id=asked["pairing"])
    return paired["device"], paired["token"]


async def _enrol(recorder: Recorder) -> None:
    """Pair a second screen without a person, and remove it."""
    show, secret = recorder.show, secrets.token_hex(32)
    asked = await show("POST", "/v1/pairings", {"name": "Door", "secret": secret}, token=None)
    pin, url = pin_root(Envelope.model_validate(asked["root"])), recorder.server.url
    proof = enrolment_proof(key=ENROLMENT_KEY, root=pin, secret=secret, url=url)
    sent = {"url": url, "proof": proof}
    await show("POST", "/v1/pairings/{id}/proof", sent, token=secret, id=asked["pairing"])
    paired = await show("GET", "/v1/pairings/{id}", token=secret, id=asked["pairing"])
    await show("DELETE", "/v1/devices/{id}", id=paired["device"])


def _heartbeat(known: dict[str, Any]) -> dict[str, Any]:
    """Return what a screen says whose budget for the month is spent."""
    return {
        "at": "2026-03-02T12:00:00Z",
        "version": "0.1.0",
        "boot_id": BOOTS[0],
        "zone": "Europe/Berlin",
        "preparing": known["release"],
        "health": {"month": "2026-03", "month_spent": True, "month_let_through": ""},
    }


async def _listen(recorder: Recorder, token: str) -> None:
    """Open a live connection, and show the first message as its answer."""
    url, bearer = f"{recorder.server.url}/v1/live", {"Authorization": f"Bearer {token}"}
    async with recorder.server.client.ws_connect(url, headers=bearer) as socket:
        welcome = await socket.receive_json()
    request, answer = {"path": "/v1/live"}, {"status": 101, "message": welcome}
    recorder.shown["get_live"] = {"request": request, "answer": answer}
