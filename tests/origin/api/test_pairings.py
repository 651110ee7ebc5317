"""Letting devices in: by code, by enrolment key, once, in time, and never by somebody who imitates them."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr

from sync.device.origin_client import open_client
from sync.device.pairing import DevicePairing
from sync.device.store.content_store import open_content_store
from sync.device.transfer.connection import ConnectionSettings, Network
from sync.errors import Untrusted
from sync.origin.api import pairings
from sync.origin.api.pairings import PAIRING_LASTS
from sync.origin.settings.model import PublishSettings
from sync.origin.store.pairings import PairingLimits
from sync.runtime.clock import SystemClock, instant
from sync.trust.signing import SigningKey, check_identity, enrolment_proof, pairing_code, pin_root, read_timestamp
from sync.wire.device_reports import IdentityChallenge
from sync.wire.release import Envelope, Root, SigningRole
from tests.fakes import FakeClock
from tests.origin.running_origin import Answer, RunningOrigin, running_origin, settings_in

SECRET = "5" * 64


async def asked(server: RunningOrigin, secret: str = SECRET, **more: Any) -> dict[str, Any]:
    answer = await server.ask("POST", "/v1/pairings", body={"name": "window", "secret": secret, **more})
    assert answer.status == 201
    document: dict[str, Any] = answer.document
    return document


def code_of(answer: dict[str, Any], secret: str = SECRET) -> str:
    return pairing_code(Envelope.model_validate(answer["root"]), secret)


async def poll(server: RunningOrigin, answer: dict[str, Any], secret: str = SECRET) -> dict[str, Any]:
    document: dict[str, Any] = (await server.ask("GET", f"/v1/pairings/{answer['pairing']}", secret)).document
    return document


async def test_a_code_typed_by_a_person_lets_the_device_in_and_its_token_comes_once(server: RunningOrigin) -> None:
    answer = await asked(server)
    pin_root(Envelope.model_validate(answer["root"]))
    assert (await poll(server, answer))["status"] == "waiting"
    shown = code_of(answer)
    typed = f" {shown[:4].lower()}-{shown[4:]} "
    await server.make_channel("cafe")
    let_in = await server.ask("POST", "/v1/devices", server.writer, {"code": typed, "channel": "cafe", "name": "Bar"})
    assert (let_in.status, let_in.document["name"], let_in.document["channel"]) == (201, "Bar", "cafe")
    state = await poll(server, answer)
    assert (state["status"], state["channel"], state["device"]) == ("paired", "cafe", let_in.document["id"])
    assert (await server.ask("GET", "/v1/device", state["token"])).document["name"] == "Bar"
    assert await poll(server, answer) == {"status": "expired", "device": None, "token": None, "channel": None}


async def test_the_waiting_list_shows_names_and_neither_codes_nor_secrets(server: RunningOrigin) -> None:
    answer = await asked(server)
    listed = await server.ask("GET", "/v1/pairings", server.reader)
    assert [row["name"] for row in listed.document["pairings"]] == ["window"]
    assert code_of(answer) not in listed.text and SECRET not in listed.text


async def test_a_wrong_secret_learns_nothing(server: RunningOrigin) -> None:
    answer = await asked(server)
    await server.ask("POST", "/v1/devices", server.writer, {"code": code_of(answer), "channel": "main"})
    assert (await poll(server, answer, "6" * 64))["status"] == "expired"
    assert (await server.ask("GET", f"/v1/pairings/{answer['pairing']}")).status == 401
    assert (await poll(server, answer))["token"]


async def test_asking_again_with_the_same_secret_is_the_same_pairing(server: RunningOrigin) -> None:
    first, second = await asked(server), await asked(server)
    assert first["pairing"] == second["pairing"]
    assert len((await server.ask("GET", "/v1/pairings", server.reader)).document["pairings"]) == 1


async def test_a_pairing_runs_out(server: RunningOrigin, clock: FakeClock) -> None:
    answer = await asked(server)
    clock.step_wall(PAIRING_LASTS.total_seconds())
    assert (await poll(server, answer))["status"] == "expired"
    late = await server.ask("POST", "/v1/devices", server.writer, {"code": code_of(answer), "channel": "main"})
    assert late.status == 404
    assert (await server.ask("GET", "/v1/pairings", server.reader)).document["pairings"] == []


async def test_two_devices_with_one_code_are_both_refused(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairings, "pairing_code", lambda root, secret: "SAMECODE")  # 2^40 tries would find one
    first, second = await asked(server), await asked(server, "6" * 64)
    refused = await server.ask("POST", "/v1/devices", server.writer, {"code": "SAMECODE", "channel": "main"})
    assert refused.status == 409
    assert (await poll(server, first))["status"] == (await poll(server, second, "6" * 64))["status"] == "waiting"


async def ask_as(server: RunningOrigin, client: str) -> Answer:
    body = {"name": "window", "secret": secrets.token_hex(32)}
    return await server.ask("POST", "/v1/pairings", body=body, headers={"X-Forwarded-For": client})


async def waiting(server: RunningOrigin) -> list[str]:
    listed = (await server.ask("GET", "/v1/pairings", server.reader)).document["pairings"]
    return [row["pairing"] for row in listed]


async def test_one_client_cannot_close_the_door_for_the_others(
    server: RunningOrigin, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairings, "LIMITS", PairingLimits(most=5, most_of_one=4))
    greedy = []
    for number in range(4):
        greedy.append((await ask_as(server, f"2001:db8::{number}")).document["pairing"])  # one customer
        clock.step_wall(1)
    full = await ask_as(server, "2001:db8::99")
    assert (full.status, full.headers["Retry-After"]) == (429, "60")
    others = []
    for number in range(3):
        others.append((await ask_as(server, f"192.0.2.{number}")).document["pairing"])
        clock.step_wall(1)
    assert await waiting(server) == greedy[2:] + others  # the oldest of those who have the most made room
    clock.step_wall(PAIRING_LASTS.total_seconds())
    assert (await ask_as(server, "2001:db8::99")).status == 201


KEY = "open sesame, please"
URL = "http://127.0.0.1:8090"


@pytest.fixture
async def fleet(tmp_path: Path, clock: FakeClock) -> AsyncIterator[RunningOrigin]:
    """An origin with an enrolment key."""
    publish = PublishSettings(enrolment_key=SecretStr(KEY), enrolment_channel="lobby")
    async with running_origin(settings_in(tmp_path, publish=publish), clock) as server:
        yield server


def proof_for(answer: dict[str, Any], **changes: Any) -> dict[str, str]:
    told = {
        "key": KEY,
        "root": pin_root(Envelope.model_validate(answer["root"])),
        "secret": SECRET,
        "url": URL,
        **changes,
    }
    return {"url": told["url"], "proof": enrolment_proof(**told)}


async def prove(server: RunningOrigin, answer: dict[str, Any], proof: dict[str, str], secret: str = SECRET) -> Answer:
    return await server.ask("POST", f"/v1/pairings/{answer['pairing']}/proof", secret, proof)


async def test_a_device_that_proves_to_know_the_key_is_let_in_without_a_person(fleet: RunningOrigin) -> None:
    answer = await asked(fleet)
    assert answer["takes_proof"]
    proof = proof_for(answer)
    assert KEY not in str(proof)
    for _ in range(2):  # the answer may get lost
        assert (await prove(fleet, answer, proof)).status == 204
    state = await poll(fleet, answer)
    assert (state["status"], state["channel"]) == ("paired", "lobby")
    assert (await fleet.ask("GET", "/v1/device", state["token"])).document["channel"] == "lobby"
    assert (await prove(fleet, answer, proof)).status == 404
    assert len((await fleet.ask("GET", "/v1/devices", fleet.reader)).document["devices"]) == 1


async def test_a_player_pairs_by_its_key(fleet: RunningOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.device.pairing.POLL_S", 0.01)
    codes: list[str | None] = []
    network = Network(ConnectionSettings(fingerprint=fleet.origin.pairings.fingerprint()))
    with open_content_store(tmp_path / "device") as store:
        async with open_client(fleet.url, None, network) as client:
            device = DevicePairing(client, store, SystemClock(), Random(1), "window", KEY, codes.append)
            assert (await device.run()).channel == "lobby"
    assert codes == [None]


def another_root() -> Root:
    key = SigningKey.generate()
    role = SigningRole(keys=(key.id,))
    keys = {key.id: base64.b64encode(key.public).decode()}
    return Root(version=1, expires_at=instant(2**40), keys=keys, root=role, timestamp=role)


@pytest.mark.parametrize(
    "wrong",
    [{"key": "open barley, please"}, {"key": KEY + " "}, {"secret": "6" * 64}, {"root": another_root()}, {"key": ""}],
)
async def test_a_wrong_proof_closes_its_pairing(fleet: RunningOrigin, wrong: dict[str, Any]) -> None:
    answer = await asked(fleet)
    refused = await prove(fleet, answer, proof_for(answer, **wrong))
    assert (refused.status, KEY in refused.text) == (403, False)
    assert (await prove(fleet, answer, proof_for(answer))).status == 404  # one try
    assert (await poll(fleet, answer))["status"] == "expired"
    typed = await fleet.ask("POST", "/v1/devices", fleet.writer, {"code": code_of(answer), "channel": "main"})
    assert typed.status == 404
    assert (await asked(fleet))["pairing"] != answer["pairing"]


async def test_of_many_proofs_at_once_only_one_is_a_try(fleet: RunningOrigin) -> None:
    answer = await asked(fleet)
    proofs = [proof_for(answer, key=f"guess number {number}") for number in range(12)]
    answers = await asyncio.gather(*(prove(fleet, answer, proof) for proof in [*proofs, proof_for(answer)]))
    assert sorted(answer.status for answer in answers) in ([403, *[404] * 12], [204, *[404] * 12])
    assert len({answer.text for answer in answers if answer.status == 404}) == 1


async def test_a_proof_that_another_origin_passes_on_lets_nobody_in(fleet: RunningOrigin) -> None:
    answer = await asked(fleet)
    for url in ("https://evil.example", "https://evil.example@127.0.0.1.evil.example/"):
        assert (await prove(fleet, answer, proof_for(answer, url=url))).status == 403
    moved = proof_for(answer, url="https://evil.example") | {"url": URL}
    assert (await prove(fleet, answer, proof_for(answer), "6" * 64)).status == 404
    assert (await poll(fleet, answer))["status"] == "waiting"  # nothing of this was a try
    assert (await prove(fleet, answer, moved)).status == 403
    assert (await poll(fleet, answer))["status"] == "expired"


LINES: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "paired"),  # on this machine
    ({"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}, "paired"),
    ({"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http"}, "waiting"),
    ({"X-Forwarded-For": "192.0.2.7"}, "waiting"),
)


@pytest.mark.parametrize(("headers", "status"), LINES)
async def test_an_older_device_that_sends_its_key_is_let_in_where_nobody_else_can_read_it(
    fleet: RunningOrigin, headers: dict[str, str], status: str
) -> None:
    body = {"name": "window", "secret": SECRET, "enrolment_key": "open barley, please"}
    wrong = (await fleet.ask("POST", "/v1/pairings", body=body, headers=headers)).document
    again = (await fleet.ask("POST", "/v1/pairings", body=body | {"enrolment_key": KEY}, headers=headers)).document
    assert wrong["pairing"] == again["pairing"]
    assert (await poll(fleet, wrong))["status"] == "waiting"  # for a person: one try
    body = {"name": "window", "secret": "6" * 64, "enrolment_key": KEY}
    right = (await fleet.ask("POST", "/v1/pairings", body=body, headers=headers)).document
    assert (await poll(fleet, right, "6" * 64))["status"] == status


async def test_a_key_that_is_too_short_lets_nobody_in(tmp_path: Path, clock: FakeClock) -> None:
    publish = PublishSettings(enrolment_key=SecretStr("fifteen letters"))
    async with running_origin(settings_in(tmp_path, publish=publish), clock) as server:
        answer = await asked(server, enrolment_key="fifteen letters")
        assert not answer["takes_proof"]
        assert (await poll(server, answer))["status"] == "waiting"
        assert (await prove(server, answer, proof_for(answer, key="fifteen letters"))).status == 403


async def test_without_an_enrolment_key_no_key_is_the_right_one(server: RunningOrigin) -> None:
    for offered in ("", "None", "null"):
        answer = await asked(server, secrets.token_hex(32), enrolment_key=offered)
        assert answer["pairing"]
    assert (await server.ask("GET", "/v1/devices", server.reader)).document["devices"] == []


ADDRESSES = (
    ("http://localhost:8090", "localhost:1", 200),
    ("https://10.1.2.3/signage", "127.0.0.1:8090", 200),  # addresses cannot be told from ours behind a proxy
    ("https://[2001:db8::1]:8443/", "127.0.0.1", 200),
    ("https://Signage.Example/path", "127.0.0.1", 200),  # in the settings
    ("https://evil.example", "127.0.0.1", 403),
    ("https://evil.example", "localhost", 403),
    ("https://signage.example.evil.example", "signage.example", 403),
    ("https://signage.example@evil.example", "signage.example", 403),
    ("https://[::1", "127.0.0.1", 403),
    ("", "127.0.0.1", 403),
    ("x" * 3000, "127.0.0.1", 422),
)


async def test_the_origin_proves_who_it_is_for_addresses_that_may_be_its_own(tmp_path: Path, clock: FakeClock) -> None:
    settings = settings_in(tmp_path)
    names = settings.server.model_copy(update={"allowed_hosts": ("signage.example",)})
    async with running_origin(settings.model_copy(update={"server": names}), clock) as server:
        root = pin_root(Envelope.model_validate((await asked(server))["root"]))
        for url, host, status in ADDRESSES:
            challenge = {"nonce": SECRET, "url": url}
            answer = await server.ask("POST", "/v1/identity", body=challenge, headers={"Host": host})
            assert answer.status == status, (url, host)
            if status != 200:
                continue
            proof = Envelope.model_validate(answer.document)
            check_identity(root, proof, IdentityChallenge.model_validate(challenge))
            for other in ({"nonce": "6" * 64}, {"url": url + "/"}):
                with pytest.raises(Untrusted):
                    check_identity(root, proof, IdentityChallenge.model_validate(challenge | other))
            with pytest.raises(Untrusted):  # it is no document of another kind
                read_timestamp(root, proof)
