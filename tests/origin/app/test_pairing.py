"""Letting devices in: by code, by enrolment key, once, in time, and never by somebody who imitates them."""

import secrets
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from sync.origin import pairing
from sync.origin.pairing import PAIRING_LASTS
from sync.origin.settings import PublishSettings
from sync.release import Envelope
from sync.signing import pairing_code, pin_root
from tests.fakes import FakeClock
from tests.origin.app.house import House, living, settings_in

SECRET = "5" * 64


async def asked(house: House, secret: str = SECRET, **more: Any) -> dict[str, Any]:
    answer = await house.ask("POST", "/v1/pairings", body={"name": "window", "secret": secret, **more})
    assert answer.status == 201
    document: dict[str, Any] = answer.document
    return document


def code_of(answer: dict[str, Any], secret: str = SECRET) -> str:
    return pairing_code(Envelope.model_validate(answer["root"]), secret)


async def poll(house: House, answer: dict[str, Any], secret: str = SECRET) -> dict[str, Any]:
    document: dict[str, Any] = (await house.ask("GET", f"/v1/pairings/{answer['pairing']}", secret)).document
    return document


async def test_a_code_typed_by_a_person_lets_the_device_in_and_its_token_comes_once(house: House) -> None:
    answer = await asked(house)
    pin_root(Envelope.model_validate(answer["root"]))
    assert (await poll(house, answer))["status"] == "waiting"
    shown = code_of(answer)
    typed = f" {shown[:4].lower()}-{shown[4:]} "
    let_in = await house.ask("POST", "/v1/devices", house.writer, {"code": typed, "channel": "cafe", "name": "Bar"})
    assert (let_in.status, let_in.document["name"], let_in.document["channel"]) == (201, "Bar", "cafe")
    state = await poll(house, answer)
    assert (state["status"], state["channel"], state["device"]) == ("paired", "cafe", let_in.document["id"])
    assert (await house.ask("GET", "/v1/device", state["token"])).document["name"] == "Bar"
    assert await poll(house, answer) == {"status": "expired", "device": None, "token": None, "channel": None}


async def test_the_waiting_list_shows_names_and_neither_codes_nor_secrets(house: House) -> None:
    answer = await asked(house)
    listed = await house.ask("GET", "/v1/pairings", house.reader)
    assert [row["name"] for row in listed.document["pairings"]] == ["window"]
    assert code_of(answer) not in listed.text and SECRET not in listed.text


async def test_a_wrong_secret_learns_nothing(house: House) -> None:
    answer = await asked(house)
    await house.ask("POST", "/v1/devices", house.writer, {"code": code_of(answer), "channel": "main"})
    assert (await poll(house, answer, "6" * 64))["status"] == "expired"
    assert (await house.ask("GET", f"/v1/pairings/{answer['pairing']}")).status == 401
    assert (await poll(house, answer))["token"]


async def test_asking_again_with_the_same_secret_is_the_same_pairing(house: House) -> None:
    first, second = await asked(house), await asked(house)
    assert first["pairing"] == second["pairing"]
    assert len((await house.ask("GET", "/v1/pairings", house.reader)).document["pairings"]) == 1


async def test_a_pairing_runs_out(house: House, clock: FakeClock) -> None:
    answer = await asked(house)
    clock.step_wall(PAIRING_LASTS.total_seconds())
    assert (await poll(house, answer))["status"] == "expired"
    late = await house.ask("POST", "/v1/devices", house.writer, {"code": code_of(answer), "channel": "main"})
    assert late.status == 404
    assert (await house.ask("GET", "/v1/pairings", house.reader)).document["pairings"] == []


async def test_two_devices_with_one_code_are_both_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "pairing_code", lambda root, secret: "SAMECODE")  # 2^40 tries would find one
    first, second = await asked(house), await asked(house, "6" * 64)
    refused = await house.ask("POST", "/v1/devices", house.writer, {"code": "SAMECODE", "channel": "main"})
    assert refused.status == 409
    assert (await poll(house, first))["status"] == (await poll(house, second, "6" * 64))["status"] == "waiting"


async def test_strangers_cannot_fill_the_database(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "MOST_PAIRINGS", 3)
    for _ in range(3):
        await asked(house, secrets.token_hex(32))
    full = await house.ask("POST", "/v1/pairings", body={"name": "window", "secret": secrets.token_hex(32)})
    assert (full.status, full.headers["Retry-After"]) == (429, "60")


async def test_the_enrolment_key_lets_a_device_in_without_a_person(tmp_path: Path, clock: FakeClock) -> None:
    publish = PublishSettings(enrolment_key=SecretStr("open sesame"), enrolment_channel="lobby")
    async with living(settings_in(tmp_path, publish=publish), clock) as house:
        wrong = await asked(house, "7" * 64, enrolment_key="open barley")
        assert (await poll(house, wrong, "7" * 64))["status"] == "waiting"
        right = await asked(house, enrolment_key="open sesame")
        state = await poll(house, right)
        assert (state["status"], state["channel"]) == ("paired", "lobby")
        assert (await house.ask("GET", "/v1/device", state["token"])).document["channel"] == "lobby"


async def test_without_an_enrolment_key_no_key_is_the_right_one(house: House) -> None:
    for offered in ("", "None", "null"):
        answer = await asked(house, secrets.token_hex(32), enrolment_key=offered)
        assert answer["pairing"]
    assert (await house.ask("GET", "/v1/devices", house.reader)).document["devices"] == []
