"""Passkeys: made, used, named and removed; and every wrong answer that a stranger may think of."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from sync.origin.api.people.cookies import BROWSER_COOKIE, CHALLENGE_COOKIE
from sync.origin.http.auth import COOKIE
from sync.origin.people.passkeys import VALID_S
from sync.origin.settings.model import ServerSettings
from sync.origin.store.people.passkeys import MOST_PASSKEYS
from tests.fakes import FakeClock
from tests.origin.api.people.authenticator import CAN_SYNC, IS_SYNCED, PRESENT, VERIFIED, Authenticator, encoded
from tests.origin.api.people.visitor import PASSWORD, Visitor, add_person, sent_later, set_up_app
from tests.origin.running_origin import Answer, RunningOrigin, running_origin, settings_in

Alter = Callable[[dict[str, Any]], dict[str, Any]]


def at_localhost(server: RunningOrigin, **options: Any) -> Visitor:
    """A browser that opened the page as http://localhost:PORT."""
    return Visitor(
        server, headers={"Host": server.url.removeprefix("http://").replace("127.0.0.1", "localhost")}, **options
    )


def authenticator(server: RunningOrigin, **options: Any) -> Authenticator:
    return Authenticator(server.url.replace("127.0.0.1", "localhost"), **options)


async def add(visitor: Visitor, key: Authenticator, name: str = "My phone", **client: Any) -> Answer:
    """Add a passkey to the account of who is logged in."""
    asked = await visitor.ask("POST", "/v1/account/passkeys/question", {"password": PASSWORD})
    assert asked.status == 200, asked.text
    made = key.make(asked.document["options"], **client)
    return await visitor.ask("POST", "/v1/account/passkeys", {"name": name, "credential": made})


async def question(visitor: Visitor) -> dict[str, Any]:
    asked = await visitor.ask("POST", "/v1/session-by-passkey/question")
    assert asked.status == 200, asked.text
    return dict(asked.document["options"])


async def log_in(visitor: Visitor, key: Authenticator, **options: Any) -> Answer:
    answer = key.sign(await question(visitor), **options)
    return await visitor.ask("POST", "/v1/session-by-passkey", {"credential": answer})


@pytest.fixture
async def anna(server: RunningOrigin) -> Visitor:
    """Anna, logged in by password at localhost."""
    await add_person(server, "Anna")
    visitor = at_localhost(server)
    assert (await visitor.log_in("Anna")).status == 200
    return visitor


@pytest.fixture
async def phone(server: RunningOrigin, anna: Visitor) -> Authenticator:
    """A passkey of Anna."""
    key = authenticator(server)
    assert (await add(anna, key)).status == 201
    return key


async def test_a_passkey_lets_in_without_name_and_password_and_is_both_factors(
    server: RunningOrigin, anna: Visitor, phone: Authenticator, clock: FakeClock
) -> None:
    await set_up_app(anna, clock.now().timestamp())
    browser = at_localhost(server)
    options = await question(browser)
    assert (options["rpId"], options["userVerification"], options["allowCredentials"]) == ("localhost", "required", [])
    answer = await browser.ask("POST", "/v1/session-by-passkey", {"credential": phone.sign(options)})
    assert (answer.status, answer.document["name"]) == (200, "Anna")
    assert (await browser.ask("GET", "/v1/media")).status == 200
    [here] = [one for one in (await browser.ask("GET", "/v1/sessions")).document["sessions"] if one["is_this"]]
    assert here["opened_by"] == "passkey"
    [one] = (await anna.ask("GET", "/v1/account/passkeys")).document["passkeys"]
    assert (one["name"], one["host"], one["can_sync"], one["used_at"] is None) == (
        "My phone",
        "localhost",
        False,
        False,
    )
    [listed] = (await server.ask("GET", "/v1/people", server.writer)).document["people"]
    assert listed["passkeys"] == 1


async def test_below_a_path_of_a_proxy_the_session_of_a_passkey_is_one_for_all_of_the_api(
    server: RunningOrigin, phone: Authenticator
) -> None:
    assert COOKIE in sent_later("/v1/session-by-passkey", await log_in(at_localhost(server), phone))


async def test_the_options_ask_for_a_passkey_that_finds_the_person_and_not_for_one_that_is_there(
    anna: Visitor, phone: Authenticator
) -> None:
    asked = await anna.ask("POST", "/v1/account/passkeys/question", {"password": PASSWORD})
    options = asked.document["options"]
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert [one["id"] for one in options["excludeCredentials"]] == [encoded(phone.id)]
    assert (options["rp"]["id"], options["attestation"]) == ("localhost", "none")
    cookie = next(one for one in asked.headers.getall("Set-Cookie") if one.startswith(CHALLENGE_COOKIE))
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie


async def test_what_the_browser_signed_for_something_else_does_not_count(
    server: RunningOrigin, phone: Authenticator
) -> None:
    browser = at_localhost(server)
    for fault, why in (
        ({"origin": "http://localhost:1"}, "origin"),
        ({"origin": "https://evil.example"}, "origin"),
        ({"type": "webauthn.create"}, "type"),
        ({"challenge": encoded(b"another challenge of the same length")}, "took too long"),
        ({"crossOrigin": True}, "no answer"),
    ):
        refused = await log_in(browser, phone, **fault)
        assert refused.status in (401, 422) and why in refused.document["detail"], refused.text
    assert (await log_in(browser, phone)).status == 200


async def test_an_authenticator_that_is_wrong_does_not_let_in(server: RunningOrigin, phone: Authenticator) -> None:
    browser, right = at_localhost(server), phone.key
    phone.key = generate_private_key(SECP256R1())
    assert "signature" in (await log_in(browser, phone)).document["detail"]
    phone.key, phone.host = right, "evil.example"
    assert "RP ID" in (await log_in(browser, phone)).document["detail"]
    phone.host = "localhost"
    for flags, why in ((PRESENT, "not verified"), (VERIFIED, "not present"), (PRESENT | VERIFIED | CAN_SYNC, "kind")):
        phone.flags = flags
        refused = await log_in(browser, phone)
        assert (refused.status, why in refused.document["detail"]) == (401, True), refused.text
    phone.flags = PRESENT | VERIFIED
    assert "somebody else" in (await log_in(browser, phone, handle="of-somebody-else")).document["detail"]
    assert "session" not in " ".join(browser.cookies)
    assert (await log_in(browser, phone)).status == 200


async def test_a_count_that_does_not_rise_is_refused_and_one_that_is_not_kept_is_not_missed(
    server: RunningOrigin, anna: Visitor, phone: Authenticator
) -> None:
    browser = at_localhost(server)
    assert (await log_in(browser, phone)).status == 200
    phone.count = 0  # a copy of it
    assert "count" in (await log_in(browser, phone)).document["detail"]
    uncounted = authenticator(server, id=b"key without a count", count=None)
    assert (await add(anna, uncounted, "Laptop")).status == 201
    assert [(await log_in(browser, uncounted)).status for _ in range(2)] == [200, 200]


async def test_what_is_kept_elsewhere_too_is_shown(server: RunningOrigin, anna: Visitor) -> None:
    key = authenticator(server, flags=PRESENT | VERIFIED | CAN_SYNC, count=None)
    await add(anna, key)
    key.flags |= IS_SYNCED
    assert (await log_in(at_localhost(server), key)).status == 200
    [one] = (await anna.ask("GET", "/v1/account/passkeys")).document["passkeys"]
    assert (one["can_sync"], one["is_synced"]) == (True, True)


async def test_an_answer_counts_once_also_when_it_comes_twice_at_once(
    server: RunningOrigin, phone: Authenticator
) -> None:
    browser = at_localhost(server)
    answer = {"credential": phone.sign(await question(browser))}
    twice = await asyncio.gather(*(browser.ask("POST", "/v1/session-by-passkey", answer) for _ in range(2)))
    assert sorted(one.status for one in twice) == [200, 401]
    assert (await browser.ask("POST", "/v1/session-by-passkey", answer)).status == 401


async def test_an_answer_counts_soon_and_from_the_browser_that_was_asked(
    server: RunningOrigin, phone: Authenticator, clock: FakeClock
) -> None:
    browser, other = at_localhost(server), at_localhost(server)
    answer = {"credential": phone.sign(await question(browser))}
    assert "not asked" in (await other.ask("POST", "/v1/session-by-passkey", answer)).document["detail"]
    await question(other)
    assert (await other.ask("POST", "/v1/session-by-passkey", answer)).status == 401
    clock.step_wall(VALID_S + 1)
    assert "too long" in (await browser.ask("POST", "/v1/session-by-passkey", answer)).document["detail"]


async def test_an_answer_for_one_thing_is_none_for_another(server: RunningOrigin, anna: Visitor) -> None:
    key = authenticator(server)
    made = key.make({**await question(anna), "user": {"id": encoded(b"x")}})  # to a question for logging in
    body = {"name": "Phone", "credential": made}
    assert "too long" in (await anna.ask("POST", "/v1/account/passkeys", body)).document["detail"]
    await add_person(server, "Bo")
    bo = at_localhost(server)
    await bo.log_in("Bo")
    asked = await anna.ask("POST", "/v1/account/passkeys/question", {"password": PASSWORD})
    bo.cookies[CHALLENGE_COOKIE] = anna.cookies[CHALLENGE_COOKIE]
    body["credential"] = key.make(asked.document["options"])
    assert (await bo.ask("POST", "/v1/account/passkeys", body)).status == 409
    assert (await bo.ask("GET", "/v1/account/passkeys")).document["passkeys"] == []


async def test_who_adds_or_removes_one_repeats_the_password_and_its_sessions_end_with_it(
    server: RunningOrigin, anna: Visitor, phone: Authenticator
) -> None:
    thief = at_localhost(server)
    assert (await log_in(thief, phone)).status == 200
    assert (await thief.ask("POST", "/v1/account/passkeys/question", {"password": "a guess"})).status == 403
    [one] = (await anna.ask("GET", "/v1/account/passkeys")).document["passkeys"]
    path = f"/v1/account/passkeys/{one['id']}"
    assert (await anna.ask("PATCH", path, {"name": "Lost phone"})).status == 204
    assert (await anna.ask("POST", f"{path}/removal", {"password": "a guess"})).status == 403
    await add_person(server, "Bo")
    bo = at_localhost(server)
    await bo.log_in("Bo")
    assert (await bo.ask("PATCH", path, {"name": "Mine"})).status == 404
    assert (await bo.ask("POST", f"{path}/removal", {"password": PASSWORD})).status == 404
    options = await question(browser := at_localhost(server))
    assert (await anna.ask("POST", f"{path}/removal", {"password": PASSWORD})).status == 204
    assert (await thief.ask("GET", "/v1/session")).status == 401
    assert (await anna.ask("GET", "/v1/session")).status == 200
    refused = await browser.ask("POST", "/v1/session-by-passkey", {"credential": phone.sign(options)})
    assert (refused.status, "not known here" in refused.document["detail"]) == (401, True)


@pytest.mark.parametrize("change", ["password", "reset"])
async def test_another_password_withdraws_what_was_asked_before_it(
    server: RunningOrigin, anna: Visitor, change: str
) -> None:
    asked = await anna.ask("POST", "/v1/account/passkeys/question", {"password": PASSWORD})
    new = "nine red kites over the hill"
    if change == "password":
        assert (await anna.ask("PUT", "/v1/account/password", {"current": PASSWORD, "password": new})).status == 204
    else:
        [person] = (await server.ask("GET", "/v1/people", server.writer)).document["people"]
        code = (await server.ask("POST", f"/v1/people/{person['id']}/reset", server.writer)).document["code"]
        assert (await anna.ask("POST", "/v1/account/reset", {"code": code, "password": new})).status == 204
        assert (await anna.log_in("Anna", new)).status == 200
    body = {"name": "Phone", "credential": authenticator(server).make(asked.document["options"])}
    assert (await anna.ask("POST", "/v1/account/passkeys", body)).status == 409


async def test_a_reset_takes_passkeys_and_a_removed_account_has_none(
    server: RunningOrigin, anna: Visitor, phone: Authenticator
) -> None:
    [person] = (await server.ask("GET", "/v1/people", server.writer)).document["people"]
    await server.ask("POST", f"/v1/people/{person['id']}/reset", server.writer)
    assert (await log_in(at_localhost(server), phone)).status == 401


async def test_there_are_so_many_and_each_once(server: RunningOrigin, anna: Visitor, phone: Authenticator) -> None:
    assert (await add(anna, phone)).status == 409
    for number in range(MOST_PASSKEYS - 1):
        assert (await add(anna, authenticator(server, id=b"key %d" % number))).status == 201
    full = await anna.ask("POST", "/v1/account/passkeys/question", {"password": PASSWORD})
    assert (full.status, "remove one" in full.document["detail"]) == (409, True)


async def test_a_key_has_no_passkeys(server: RunningOrigin) -> None:
    page = at_localhost(server)
    await page.ask("POST", "/v1/session", {"token": server.reader})
    assert (await page.ask("GET", "/v1/account/passkeys")).status == 409


WRONG: list[Alter] = [
    lambda answer: {},
    lambda answer: {**answer, "response": 1},
    lambda answer: {**answer, "response": {**answer["response"], "clientDataJSON": "\u00e9"}},
    lambda answer: {**answer, "response": {**answer["response"], "clientDataJSON": encoded(b"[" * 20_000)}},
    lambda answer: {**answer, "response": {**answer["response"], "clientDataJSON": encoded(b'{"challenge": [1]}')}},
    lambda answer: {**answer, "response": {**answer["response"], "authenticatorData": "AAAA"}},
    lambda answer: {**answer, "response": {**answer["response"], "authenticatorData": None}},
    lambda answer: {**answer, "response": {**answer["response"], "signature": "é"}},
    lambda answer: {**answer, "response": {**answer["response"], "userHandle": 7}},
    lambda answer: {**answer, "rawId": "AAAA"},
    lambda answer: {**answer, "id": "\ud800"},
    lambda answer: {**answer, "type": "password"},
]


async def test_what_is_no_answer_is_refused_as_such(server: RunningOrigin, phone: Authenticator) -> None:
    browser = at_localhost(server)
    for alter in WRONG:
        answer = alter(phone.sign(await question(browser)))
        refused = await browser.ask("POST", "/v1/session-by-passkey", {"credential": answer})
        assert refused.status in (401, 422), refused.text


async def test_a_passkey_that_is_none_is_refused(server: RunningOrigin, anna: Visitor) -> None:
    for client in ({"origin": "https://evil.example"}, {"type": "webauthn.get"}):
        assert (await add(anna, authenticator(server), **client)).status == 422
    assert (await add(anna, authenticator(server, host="evil.example"))).status == 422
    assert (await add(anna, authenticator(server, flags=PRESENT))).status == 422  # who holds it was not verified
    assert (await add(anna, authenticator(server, flags=PRESENT | VERIFIED | IS_SYNCED))).status == 422
    for attestation in ("AAAA", "é", encoded(b"\xbf"), encoded(b"\x9f" * 3000)):
        asked = await anna.ask("POST", "/v1/account/passkeys/question", {"password": PASSWORD})
        made = authenticator(server).make(asked.document["options"])
        made["response"]["attestationObject"] = attestation
        refused = await anna.ask("POST", "/v1/account/passkeys", {"name": "x", "credential": made})
        assert refused.status == 422, refused.text


async def test_one_network_cannot_fill_the_table_with_questions_and_shuts_no_known_browser_out(
    server: RunningOrigin, anna: Visitor, phone: Authenticator
) -> None:
    crowd = at_localhost(server, address=anna.address)
    statuses = [(await crowd.ask("POST", "/v1/session-by-passkey/question")).status for _ in range(32)]
    assert statuses == [200] * 30 + [429] * 2
    assert (await log_in(at_localhost(server, address="198.51.100.7"), phone)).status == 200
    assert (await anna.ask("DELETE", "/v1/session")).status == 204
    crowd.cookies[BROWSER_COOKIE] = "made-up"
    assert (await crowd.ask("POST", "/v1/session-by-passkey/question")).status == 429
    assert (await log_in(anna, phone)).status == 200  # from the same one


@pytest.fixture
async def named(tmp_path: Path, clock: FakeClock) -> AsyncIterator[RunningOrigin]:
    """An origin behind a proxy on this machine, with a name of its own."""
    settings = settings_in(tmp_path).model_copy(
        update={"server": ServerSettings(port=0, allowed_hosts=("signage.example.com",))}
    )
    async with running_origin(settings, clock) as opened:
        yield opened


async def test_the_page_is_told_whether_passkeys_are_allowed_at_its_address_and_if_not_what_to_do(
    named: RunningOrigin,
) -> None:
    https, name = {"X-Forwarded-Proto": "https"}, "signage.example.com"
    for headers, unfit in (
        ({"Host": "localhost:8090"}, None),
        ({"Host": name, **https}, None),
        ({"Host": "127.0.0.1:8090", **https, "X-Forwarded-Host": name}, None),
        ({"Host": "127.0.0.1:8090"}, "loopback_address"),
        ({"Host": "[::1]:8090"}, "loopback_address"),
        ({"Host": "192.168.1.7:8090", **https}, "ip_address"),
        ({"Host": name}, "no_tls"),
        ({"Host": "127.0.0.1", **https, "X-Forwarded-Host": "evil.example"}, "unknown_name"),
    ):
        ways = (await named.ask("GET", "/v1/session/ways", headers=headers)).document
        assert (ways["passkeys"], ways["unfit"], ways["advice"] is None) == (unfit is None, unfit, unfit is None)
        begun = await named.ask("POST", "/v1/session-by-passkey/question", headers=headers)
        assert begun.status == (200 if unfit is None else 409)
        assert unfit != "loopback_address" or "http://localhost:8090/" in ways["advice"]


async def test_a_passkey_of_one_name_is_none_of_another(named: RunningOrigin) -> None:
    await add_person(named, "Anna")
    by_name = {"Host": "signage.example.com", "X-Forwarded-Proto": "https"}
    anna = Visitor(named, headers=by_name)
    await anna.log_in("Anna")
    key = Authenticator("https://signage.example.com", "signage.example.com")
    assert (await add(anna, key)).status == 201
    assert (await log_in(Visitor(named, headers=by_name), key)).status == 200
    refused = await log_in(at_localhost(named), key, origin=named.url.replace("127.0.0.1", "localhost"))
    assert (refused.status, "RP ID" in refused.document["detail"]) == (401, True)
