"""Letting devices in: by code, by enrolment key, once, in time, and never by somebody who imitates them."""

import secrets
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from sync.errors import Untrusted
from sync.origin.api import pairings
from sync.origin.api.pairings import PAIRING_LASTS
from sync.origin.settings.model import PublishSettings
from sync.trust.signing import check_identity, pairing_code, pin_root, read_timestamp
from sync.wire.device_reports import IdentityChallenge
from sync.wire.release import Envelope
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in

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


async def test_strangers_cannot_fill_the_database(server: RunningOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairings, "MOST_PAIRINGS", 3)
    for _ in range(3):
        await asked(server, secrets.token_hex(32))
    full = await server.ask("POST", "/v1/pairings", body={"name": "window", "secret": secrets.token_hex(32)})
    assert (full.status, full.headers["Retry-After"]) == (429, "60")


async def test_the_enrolment_key_lets_a_device_in_without_a_person(tmp_path: Path, clock: FakeClock) -> None:
    publish = PublishSettings(enrolment_key=SecretStr("open sesame"), enrolment_channel="lobby")
    async with running_origin(settings_in(tmp_path, publish=publish), clock) as server:
        wrong = await asked(server, "7" * 64, enrolment_key="open barley")
        assert (await poll(server, wrong, "7" * 64))["status"] == "waiting"
        right = await asked(server, enrolment_key="open sesame")
        state = await poll(server, right)
        assert (state["status"], state["channel"]) == ("paired", "lobby")
        assert (await server.ask("GET", "/v1/device", state["token"])).document["channel"] == "lobby"


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
