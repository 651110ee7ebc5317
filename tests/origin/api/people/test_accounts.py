"""Accounts and sessions: what ends them, who may change whom, and that an administrator stays."""

import asyncio
import logging
import traceback
from typing import Any

import pytest
from sqlalchemy import text

from sync.errors import StorageBroken
from sync.origin.api.people.cookies import SESSION_S
from sync.origin.http.auth import COOKIE
from sync.origin.login.accounts import RESET_S
from sync.origin.store.people.sessions import MOST_SESSIONS
from sync.origin.wiring.origin import open_origin
from tests.fakes import FakeClock
from tests.origin.api.people.visitor import PASSWORD, Visitor, add_person, set_up_app
from tests.origin.running_origin import RunningOrigin

NEW = "nine red kites over the hill"


async def logged_in(server: RunningOrigin, name: str = "Anna", **options: Any) -> Visitor:
    visitor = Visitor(server, **options)
    answer = await visitor.log_in(name)
    assert answer.status == 200, answer.text
    return visitor


async def is_in(visitor: Visitor) -> bool:
    return (await visitor.ask("GET", "/v1/session")).status == 200


async def test_who_logs_in_gets_a_new_session_and_the_one_before_ends(server: RunningOrigin) -> None:
    await add_person(server, "Anna")
    fixed = "made-up-by-somebody-else"
    visitor = Visitor(server, cookies={COOKIE: fixed})
    await visitor.log_in("Anna")
    first = dict(visitor.cookies)
    assert first[COOKIE] != fixed
    await visitor.log_in("Anna")
    assert not await is_in(Visitor(server, cookies=first))
    assert await is_in(visitor)


async def test_sessions_are_seen_with_place_and_browser_and_ended_one_by_one(
    server: RunningOrigin, clock: FakeClock
) -> None:
    await add_person(server, "Anna")
    home = Visitor(server, "192.0.2.1")
    await home.ask("POST", "/v1/session", {"name": "Anna", "password": PASSWORD}, **{"User-Agent": "Home\u200b 1"})
    clock.step_wall(60)
    work = await logged_in(server, address="198.51.100.7")
    await add_person(server, "Bo")
    bo = await logged_in(server, "Bo")
    seen = (await work.ask("GET", "/v1/sessions")).document["sessions"]
    assert [(one["client"], one["is_this"]) for one in seen] == [("198.51.100.7", True), ("192.0.2.1", False)]
    assert seen[1]["browser"] == "Home? 1"
    assert all(len(one["id"]) == 16 for one in seen)
    assert (await bo.ask("DELETE", f"/v1/sessions/{seen[1]['id']}")).status == 404
    assert (await work.ask("DELETE", f"/v1/sessions/{seen[1]['id']}")).status == 204
    clock.step_wall(3600)
    assert [await is_in(one) for one in (home, work, bo)] == [False, True, True]
    [here] = (await work.ask("GET", "/v1/sessions")).document["sessions"]
    assert (here["seen_at"] > here["created_at"], here["seen_at"][14:16]) == (True, here["created_at"][14:16])
    clock.step_wall(SESSION_S)
    assert [await is_in(one) for one in (home, work, bo)] == [False, False, False]


async def test_a_key_sees_the_sessions_of_its_pages_and_has_no_account(server: RunningOrigin) -> None:
    page = Visitor(server)
    await page.ask("POST", "/v1/session", {"token": server.reader})
    assert len((await page.ask("GET", "/v1/sessions")).document["sessions"]) == 1
    refused = await page.ask("GET", "/v1/account")
    assert (refused.status, "a key" in refused.document["detail"]) == (409, True)


async def test_a_person_has_so_many_sessions_and_the_oldest_goes(server: RunningOrigin, clock: FakeClock) -> None:
    await add_person(server, "Anna")
    oldest = await logged_in(server)
    for _ in range(MOST_SESSIONS):
        clock.step_wall(1)
        newest = await logged_in(server)
    assert len((await newest.ask("GET", "/v1/sessions")).document["sessions"]) == MOST_SESSIONS
    assert not await is_in(oldest)


async def test_another_password_ends_all_other_sessions_and_asks_for_the_old_one(server: RunningOrigin) -> None:
    await add_person(server, "Anna")
    here, there = await logged_in(server), await logged_in(server)
    wrong = {"current": "not the password", "password": NEW}
    assert (await here.ask("PUT", "/v1/account/password", wrong)).status == 403
    assert (await here.ask("PUT", "/v1/account/password", {"current": PASSWORD, "password": "short"})).status == 422
    assert (await here.ask("PUT", "/v1/account/password", {"current": PASSWORD, "password": NEW})).status == 204
    assert [await is_in(here), await is_in(there)] == [True, False]
    assert (await Visitor(server).log_in("Anna")).status == 401
    assert (await Visitor(server).log_in("Anna", NEW)).status == 200


async def test_who_took_a_session_cannot_try_passwords_for_ever(server: RunningOrigin) -> None:
    await add_person(server, "Anna")
    thief = await logged_in(server)
    body = [{"password": f"guess {number} of many"} for number in range(12)]
    statuses = [(await thief.ask("POST", "/v1/account/recovery-codes", one)).status for one in body]
    assert statuses == [403] * 10 + [429] * 2


async def test_of_two_changes_of_one_password_at_once_one_is_refused(server: RunningOrigin) -> None:
    await add_person(server, "Anna")
    pages = [await logged_in(server), await logged_in(server)]
    changes = [{"current": PASSWORD, "password": f"{NEW} {number}"} for number in range(2)]
    answers = await asyncio.gather(
        *(page.ask("PUT", "/v1/account/password", change) for page, change in zip(pages, changes, strict=True))
    )
    assert [answer.status for answer in answers].count(204) == 1


@pytest.mark.parametrize("change", ["role", "remove", "reset", "role in another process"])
async def test_what_takes_rights_away_ends_the_sessions_at_once(server: RunningOrigin, change: str) -> None:
    id = await add_person(server, "Anna", "administrator")
    page = await logged_in(server)
    if change == "role":
        assert (await server.ask("PATCH", f"/v1/people/{id}", server.writer, {"role": "viewer"})).status == 200
    elif change == "remove":
        assert (await server.ask("DELETE", f"/v1/people/{id}", server.writer)).status == 204
    elif change == "reset":
        assert (await server.ask("POST", f"/v1/people/{id}/reset", server.writer)).status == 200
    else:
        async with server.database.writing() as connection:  # as the command line would
            await connection.execute(text("UPDATE people SET role = 'viewer'"))
        assert (await page.ask("GET", "/v1/people")).status == 403
        return
    assert not await is_in(page)


async def test_a_name_is_taken_once_in_all_spellings_and_can_be_changed(server: RunningOrigin) -> None:
    anna, bo = await add_person(server, "Anna"), await add_person(server, "Bo")
    page = await logged_in(server)
    twice = await server.ask("POST", "/v1/people", server.writer, {"name": "ＡＮＮＡ", "role": "viewer"})  # noqa: RUF001
    assert (twice.status, "already" in twice.document["detail"]) == (409, True)
    assert (await server.ask("PATCH", f"/v1/people/{bo}", server.writer, {"name": "anna"})).status == 409
    renamed = await server.ask("PATCH", f"/v1/people/{anna}", server.writer, {"name": "anna M."})
    assert (renamed.status, renamed.document["name"]) == (200, "anna M.")
    assert await is_in(page)
    assert (await server.ask("PATCH", f"/v1/people/{anna}", server.writer, {})).status == 200
    assert (await server.ask("PATCH", "/v1/people/none", server.writer, {"role": "viewer"})).status == 404


async def test_a_one_time_code_sets_a_password_once_and_expires(server: RunningOrigin, clock: FakeClock) -> None:
    made = await server.ask("POST", "/v1/people", server.writer, {"name": "Anna", "role": "publisher"})
    code = made.document["one_time_code"]
    assert code["fragment"] == f"#code={code['code']}"
    body = {"code": code["code"], "password": PASSWORD}
    weak = await Visitor(server).ask("POST", "/v1/account/reset", {**body, "password": "aaaaaaaaaaaaaaa"})
    assert weak.status == 422  # and the code is still there
    at_once = await asyncio.gather(*(Visitor(server).ask("POST", "/v1/account/reset", body) for _ in range(3)))
    assert sorted(answer.status for answer in at_once) == [204, 401, 401]
    assert await is_in(await logged_in(server))
    again = await server.ask("POST", f"/v1/people/{made.document['person']['id']}/reset", server.writer)
    clock.step_wall(RESET_S)
    late = {"code": again.document["code"], "password": PASSWORD}
    assert (await Visitor(server).ask("POST", "/v1/account/reset", late)).status == 401


async def test_a_reset_takes_password_and_second_factor_and_only_the_newest_code_counts(
    server: RunningOrigin, clock: FakeClock
) -> None:
    id = await add_person(server, "Anna")
    owner = await logged_in(server)
    _, codes = await set_up_app(owner, clock.now().timestamp())
    first, second = [(await server.ask("POST", f"/v1/people/{id}/reset", server.writer)).document for _ in range(2)]
    assert (await Visitor(server).log_in("Anna", code=codes[0])).status == 401
    old = {"code": first["code"], "password": NEW}
    assert (await Visitor(server).ask("POST", "/v1/account/reset", old)).status == 401
    new = {"code": second["code"], "password": NEW}
    assert (await Visitor(server).ask("POST", "/v1/account/reset", new)).status == 204
    assert (await Visitor(server).log_in("Anna", NEW)).status == 200


async def test_the_second_factor_needs_the_password_and_a_code_of_the_offered_secret(
    server: RunningOrigin, clock: FakeClock
) -> None:
    await add_person(server, "Anna")
    owner, now = await logged_in(server), int(clock.now().timestamp())
    offered = (await owner.ask("POST", "/v1/account/second-factor")).document
    assert offered["picture"].startswith("data:image/svg+xml") and offered["secret"] in offered["address"]
    path, right = "/v1/account/second-factor", {"password": PASSWORD, "secret": offered["secret"], "code": "000000"}
    assert (await owner.ask("PUT", path, right)).status == 422
    assert (await owner.ask("PUT", path, {**right, "secret": "AAAA"})).status == 422
    assert (await owner.ask("PUT", path, {**right, "password": "not the password"})).status == 403
    assert (await owner.ask("POST", "/v1/account/recovery-codes", {"password": PASSWORD})).status == 409
    await set_up_app(owner, now)
    assert (await owner.ask("GET", "/v1/account")).document["person"]["has_second_factor"]
    removal = f"{path}/removal"
    assert (await owner.ask("POST", removal, {"password": "not the password"})).status == 403
    assert (await owner.ask("POST", removal, {"password": PASSWORD})).status == 204
    assert (await Visitor(server).log_in("Anna")).status == 200


async def test_the_last_administrator_stays(server: RunningOrigin) -> None:
    anna = await add_person(server, "Anna", "administrator")
    await server.ask("POST", "/v1/people", server.writer, {"name": "Bo", "role": "administrator"})  # no password yet
    assert (await server.origin.keys.remove("writer")).name == "writer"
    page = await logged_in(server)
    for method, path, body in (
        ("DELETE", f"/v1/people/{anna}", None),
        ("PATCH", f"/v1/people/{anna}", {"role": "editor"}),
        ("POST", f"/v1/people/{anna}/reset", None),
    ):
        refused = await page.ask(method, path, body)
        assert (refused.status, "last administrator" in refused.document["detail"]) == (409, True)
    assert await is_in(page)  # nothing of it was done
    cleo = await add_person_as(page, "Cleo")
    page_of_cleo = await logged_in(server, "Cleo")
    both = await asyncio.gather(
        page.ask("PATCH", f"/v1/people/{cleo}", {"role": "viewer"}),
        page_of_cleo.ask("PATCH", f"/v1/people/{anna}", {"role": "viewer"}),
    )
    assert sorted(answer.status for answer in both)[0] == 200
    assert sorted(answer.status for answer in both)[1] in (401, 409)


async def add_person_as(page: Visitor, name: str) -> str:
    body = {"name": name, "role": "administrator", "password": PASSWORD}
    return str((await page.ask("POST", "/v1/people", body)).document["person"]["id"])


async def test_an_administrator_makes_and_ends_keys_and_the_log_names_what_goes(
    server: RunningOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    body, person = {"name": "shop system", "role": "editor"}, await add_person(server, "Anna")
    made = await server.ask("POST", "/v1/keys", server.writer, body)
    token, id = made.document["token"], made.document["key"]["id"]
    assert (await server.ask("POST", "/v1/keys", server.writer, body)).status == 409
    assert (await server.ask("GET", "/v1/session", token)).document["roles"] == ["viewer", "editor"]
    listed = await server.ask("GET", "/v1/keys", server.writer)
    assert ("shop system", "editor") in [(key["name"], key["role"]) for key in listed.document["keys"]]
    assert token not in listed.text
    assert (await server.ask("DELETE", f"/v1/keys/{id}", token)).status == 403
    assert (await server.ask("DELETE", f"/v1/keys/{id}", server.writer)).status == 204
    assert (await server.ask("GET", "/v1/session", token)).status == 401
    assert (await server.ask("DELETE", f"/v1/people/{person}", server.writer)).status == 204
    assert f"key={id} revoked" in caplog.text and f"person={person} removed" in caplog.text
    [writer] = [key["id"] for key in listed.document["keys"] if key["name"] == "writer"]
    assert (await server.ask("DELETE", f"/v1/keys/{writer}", server.writer)).status == 409


async def test_a_foreign_page_can_do_nothing_with_the_cookie(server: RunningOrigin) -> None:
    await add_person(server, "Anna", "administrator")
    page = await logged_in(server)
    for method, path, body in (
        ("POST", "/v1/session", {"name": "Anna", "password": PASSWORD}),
        ("PUT", "/v1/account/password", {"current": PASSWORD, "password": NEW}),
        ("POST", "/v1/account/reset", {"code": "x", "password": NEW}),
        ("POST", "/v1/people", {"name": "Mallory", "role": "administrator"}),
        ("DELETE", "/v1/sessions/x", None),
    ):
        answer = await page.ask(method, path, body, Origin="https://evil.example")
        assert answer.status == 403, (method, path)
    assert [one["name"] for one in (await page.ask("GET", "/v1/people")).document["people"]] == ["Anna"]


async def test_no_answer_and_no_text_of_ours_has_a_secret(server: RunningOrigin, clock: FakeClock) -> None:
    await add_person(server, "Anna", "administrator")
    page = await logged_in(server)
    app, codes = await set_up_app(page, clock.now().timestamp())
    secrets = (PASSWORD, app.secret, "argon2", *codes, *page.cookies.values())
    for path in ("/v1/people", "/v1/account", "/v1/sessions", "/v1/session"):
        answer = await page.ask("GET", path)
        assert answer.status == 200 and not any(secret in answer.text for secret in secrets)
    credentials = await server.origin.accounts.people.credentials_of(
        (await page.ask("GET", "/v1/session")).document["account"]
    )
    assert not any(secret in repr(credentials) for secret in secrets)
    async with server.database.reading() as connection:
        rows = [str(row) for row in await connection.execute(text("SELECT * FROM sessions"))]
        rows += [str(row) for row in await connection.execute(text("SELECT * FROM recovery_codes"))]
    assert not any(secret in row for row in rows for secret in secrets)


async def test_what_the_database_refuses_names_no_secret(server: RunningOrigin) -> None:
    with pytest.raises(StorageBroken) as refused:
        async with server.database.writing() as connection:
            await connection.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": PASSWORD})
    with pytest.raises(StorageBroken) as refused_in_thread:
        await server.database.write(
            lambda plain: plain.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": PASSWORD})
        )
    for error in (refused.value, refused_in_thread.value):
        told = "".join(traceback.format_exception(error))  # as a log has it
        assert "nowhere" in told and PASSWORD not in told


async def test_secrets_of_apps_are_sealed_those_of_before_too_and_without_the_key_another_way_stays(
    server: RunningOrigin, clock: FakeClock
) -> None:
    id = await add_person(server, "Anna")
    app, codes = await set_up_app(await logged_in(server), clock.now().timestamp())

    async def stored() -> str:
        return (await server.origin.accounts.people.app_secrets())[id]

    sealed = await stored()
    assert app.secret not in sealed
    await server.origin.accounts.people.replace_app_secret(id, sealed, app.secret)
    await server.origin.accounts.seal_secrets()
    sealed = await stored()
    assert app.secret not in sealed
    code = app.at(int(clock.now().timestamp()))
    assert (await Visitor(server).log_in("Anna", code=code)).status == 200
    await server.origin.accounts.people.replace_app_secret(id, sealed, f"{sealed[:-8]}AAAAAAA=")
    await clock.advance(30)
    lost = await Visitor(server).log_in("Anna", code=app.at(int(clock.now().timestamp())))
    assert (lost.status, "accounts.key" in lost.document["detail"]) == (503, True)
    assert (await Visitor(server).log_in("Anna", code=codes[0])).status == 200


async def test_a_key_of_secrets_that_was_lost_is_told_once(
    server: RunningOrigin, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await add_person(server, "Anna")
    await set_up_app(await logged_in(server), clock.now().timestamp())
    settings = server.origin.settings
    key = settings.storage.data_dir / "keys" / "accounts.key"
    key.unlink()
    for _ in range(2):
        async with open_origin(settings, clock):
            pass
    lines = [record.message for record in caplog.records if "accounts.key" in record.message]
    assert lines == [f"{key} was lost and is made anew: accounts=1 have apps whose codes count no more"]
