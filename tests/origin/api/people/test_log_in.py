"""Logging in with name and password: who gets in, what a refusal tells, and who is slowed down."""

import asyncio
import itertools
import logging

import pytest

from sync.errors import TooManyTries
from sync.origin.api.people.cookies import BROWSER_COOKIE, BROWSER_S
from sync.origin.http.auth import COOKIE
from sync.origin.login.attempts import Attempts
from sync.origin.login.hashing import MOST_WAITING
from sync.origin.people.tries import limits_of
from tests.fakes import FakeClock
from tests.origin.api.people.visitor import PASSWORD, Visitor, add_person, set_up_app
from tests.origin.running_origin import RunningOrigin


async def test_a_person_logs_in_by_any_spelling_of_the_name_and_has_the_rights_of_the_role(
    server: RunningOrigin,
) -> None:
    id = await add_person(server, "Zoë Łoś")
    visitor = Visitor(server)
    answer = await visitor.log_in(" ZOE\u0308  łoś ")
    assert answer.document == {
        "name": "Zoë Łoś",
        "access": "write",
        "roles": ["viewer", "editor"],
        "account": id,
        "everything": "editor",
    }
    for cookie in answer.headers.getall("Set-Cookie"):
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert (await visitor.ask("GET", "/v1/media")).status == 200
    assert (await visitor.ask("GET", "/v1/people")).status == 403
    assert (await visitor.ask("DELETE", "/v1/session")).status == 204
    assert COOKIE not in visitor.cookies and BROWSER_COOKIE in visitor.cookies
    assert (await visitor.ask("GET", "/v1/media")).status == 401


async def test_a_refusal_is_the_same_whether_there_is_an_account_or_not(
    server: RunningOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await add_person(server, "Anna")
    await server.ask("POST", "/v1/people", server.writer, {"name": "Bo", "role": "viewer"})  # no password yet
    tries = (("Anna", "wrong horse battery"), ("Nobody", PASSWORD), ("Bo", PASSWORD), ("", ""), ("Anna", "x" * 256))
    answers = [await Visitor(server).log_in(*pair) for pair in tries]
    assert {(answer.status, answer.document["detail"]) for answer in answers} == {
        (401, "this name and password do not belong together")
    }
    assert not any(answer.headers.getall("Set-Cookie", []) for answer in answers)
    assert "wrong horse" not in caplog.text and PASSWORD not in caplog.text


async def test_a_password_that_is_too_long_is_refused_before_it_is_hashed_and_not_repeated(
    server: RunningOrigin,
) -> None:
    await add_person(server, "Anna")
    long = "secret-" * 100
    for method, path, body in (
        ("POST", "/v1/session", {"name": "Anna", "password": long}),
        ("POST", "/v1/people", {"name": "Cleo", "role": "viewer", "password": long}),
        ("POST", "/v1/people", {"name": "Cleo", "role": "viewer", "password": "secret-1"}),
        ("POST", "/v1/account/reset", {"code": "a", "password": long}),
        ("POST", "/v1/session", {"name": "Anna", "password": ["secret-"]}),
        ("POST", "/v1/session", {"name": "Anna", "secret-": "secret-"}),
    ):
        answer = await server.ask(method, path, server.writer, body)
        assert answer.status == 422, answer.text
        assert "secret-s" not in answer.text and "secret-1" not in answer.text
    assert (await server.ask("POST", "/v1/session", None, {"password": "x" * 9_000})).status == 413


async def test_tries_from_one_network_are_slowed_down_and_those_of_others_are_not(
    server: RunningOrigin, clock: FakeClock
) -> None:
    await add_person(server, "Anna")
    owner = Visitor(server, "198.51.100.7")
    assert (await owner.log_in("Anna")).status == 200
    attacker = Visitor(server, "192.0.2.66")
    statuses = [(await attacker.log_in("Anna", f"guess {number} of many")).status for number in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    refused = await attacker.log_in("Anna")  # the right one does not count either
    assert (refused.status, refused.headers["Retry-After"]) == (429, "60")
    assert refused.document["type"].endswith("too-many-tries")
    assert (await Visitor(server, "203.0.113.9").log_in("Anna")).status == 200
    same_office = Visitor(server, attacker.address, {BROWSER_COOKIE: owner.cookies[BROWSER_COOKIE]})
    assert (await same_office.log_in("Anna")).status == 200  # a browser in which she was before
    await clock.advance(60)
    assert (await attacker.log_in("Anna")).status == 200


async def test_many_tries_at_once_count_as_many_also_from_other_addresses_of_a_network(server: RunningOrigin) -> None:
    await add_person(server, "Anna")
    places = (Visitor(server, f"2001:db8:0:7::{number}") for number in range(9))
    guesses = (place.log_in("Anna", "a wrong guess") for place in places)
    statuses = sorted(answer.status for answer in await asyncio.gather(*guesses))
    assert statuses == [401] * 5 + [429] * 4


async def test_one_password_for_many_accounts_from_one_network_is_slowed_down(server: RunningOrigin) -> None:
    sprayed = [(await Visitor(server).log_in(f"person {number}")).status for number in range(32)]
    assert sprayed == [401] * 30 + [429] * 2
    assert (await server.ask("POST", "/v1/session", None, {"token": server.reader})).status == 200


def test_the_table_of_tries_is_bounded_and_one_network_cannot_push_itself_out(clock: FakeClock) -> None:
    attempts, refused = Attempts(clock, most_known=100), 0
    for number in range(5_000):
        try:
            attempts.begin(limits_of(f"name {number}", "192.0.2.66", None))
        except TooManyTries:
            refused += 1
    assert refused == 5_000 - 30
    for number in range(5_000):
        attempts.begin(limits_of("anna", f"2001:db8:{number:x}::", None))
    assert len(attempts._spent) == 100


async def test_a_known_browser_of_one_person_is_none_of_another_and_is_forgotten_in_time(
    server: RunningOrigin, clock: FakeClock
) -> None:
    await add_person(server, "Anna")
    await add_person(server, "Mallory")
    mallory = Visitor(server)
    assert (await mallory.log_in("Mallory")).status == 200
    guesses = [(await mallory.log_in("Anna", f"guess {number} of many")).status for number in range(6)]
    assert guesses == [401] * 5 + [429]
    clock.step_wall(BROWSER_S)
    guesses = [(await mallory.log_in("Mallory", f"guess {number} of many")).status for number in range(6)]
    assert guesses == [401] * 5 + [429]


async def test_more_log_ins_at_once_than_can_wait_are_asked_to_come_again(server: RunningOrigin) -> None:
    await add_person(server, "Anna")
    visitors = [Visitor(server, f"10.0.{number}.1") for number in range(4 * MOST_WAITING)]
    async with server.origin.accounts._login._hashing._turn:  # nobody is heard before all have come
        many = [asyncio.create_task(visitor.log_in("Anna")) for visitor in visitors]
        for one in itertools.islice(asyncio.as_completed(many), 3 * MOST_WAITING):
            await one
    statuses = [answer.status for answer in await asyncio.gather(*many)]
    assert (statuses.count(200), statuses.count(503)) == (MOST_WAITING, 3 * MOST_WAITING)
    assert (await Visitor(server, "10.1.0.1").log_in("Anna")).status == 200


async def test_a_crowd_of_strangers_shuts_nobody_out_who_is_known_and_who_was_not_heard_has_lost_no_try(
    server: RunningOrigin,
) -> None:
    await add_person(server, "Anna")
    owner = Visitor(server)
    await owner.log_in("Anna")
    guesses = [Visitor(server, f"10.0.{number}.1").log_in("Anna", "a wrong guess") for number in range(40)]
    crowd = asyncio.gather(*guesses, *(Visitor(server, "10.9.9.9").log_in("Anna") for _ in range(5)))
    known = [await owner.log_in("Anna") for _ in range(5)]
    assert {answer.status for answer in known} == {200}
    assert {answer.status for answer in await crowd} <= {200, 401, 503}
    assert (await Visitor(server, "10.9.9.9").log_in("Anna")).status == 200


async def test_a_code_is_needed_after_the_right_password_only_and_counts_once(
    server: RunningOrigin, clock: FakeClock
) -> None:
    await add_person(server, "Anna")
    owner = Visitor(server)
    await owner.log_in("Anna")
    app, _ = await set_up_app(owner, clock.now().timestamp())
    now = int(clock.now().timestamp())
    other = Visitor(server, "198.51.100.7")
    asked = await other.log_in("Anna")
    assert (asked.status, asked.document["type"]) == (401, "urn:signage:problem:code-needed")
    assert not other.cookies
    assert "code" not in (await other.log_in("Anna", "wrong horse battery", app.at(now))).document["detail"]
    visitors = [Visitor(server, f"10.0.0.{number}") for number in range(3)]
    at_once = await asyncio.gather(*(one.log_in("Anna", code=app.at(now)) for one in visitors))
    assert sorted(answer.status for answer in at_once) == [200, 401, 401]
    assert (await other.log_in("Anna", code=app.at(now))).status == 401
    assert (await other.log_in("Anna", code=app.at(now - 30))).status == 401  # used when the app was set up
    assert (await other.log_in("Anna", code=app.at(now + 30))).status == 200


async def test_wrong_codes_are_slowed_down_wherever_they_come_from(server: RunningOrigin, clock: FakeClock) -> None:
    await add_person(server, "Anna")
    owner = Visitor(server)
    await owner.log_in("Anna")
    app, codes = await set_up_app(owner, clock.now().timestamp())
    statuses = [(await Visitor(server, f"10.0.0.{n}").log_in("Anna", code="000000")).status for n in range(6)]
    assert statuses == [401] * 5 + [429]
    assert (await owner.log_in("Anna", code=codes[0])).status == 200  # a browser in which she was before
    await clock.advance(60)
    assert (await Visitor(server).log_in("Anna", code=app.at(int(clock.now().timestamp())))).status == 200


async def test_a_recovery_code_works_once_also_when_two_send_it_at_once(
    server: RunningOrigin, clock: FakeClock
) -> None:
    await add_person(server, "Anna")
    owner = Visitor(server)
    await owner.log_in("Anna")
    _, codes = await set_up_app(owner, clock.now().timestamp())
    typed = codes[0].lower().replace("-", " ")
    at_once = await asyncio.gather(*(Visitor(server, f"10.0.0.{n}").log_in("Anna", code=typed) for n in (1, 2, 3)))
    assert sorted(answer.status for answer in at_once) == [200, 401, 401]
    assert (await owner.ask("GET", "/v1/account")).document["recovery_codes"] == 9
    body = {"password": PASSWORD}
    renewed = (await owner.ask("POST", "/v1/account/recovery-codes", body)).document["recovery_codes"]
    assert (await Visitor(server).log_in("Anna", code=codes[1])).status == 401
    assert (await Visitor(server).log_in("Anna", code=renewed[0])).status == 200
