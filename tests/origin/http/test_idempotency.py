"""A repeated request with an idempotency key: it gets the first answer, and does nothing twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event

from sync.errors import Rejected, RepeatedRequest, StorageBroken
from sync.origin.http.auth import make_key
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.audit.idempotent_requests import KEPT_MS, LEASE_MS, FirstAnswer, IdempotentRequestStore
from sync.roles import Role
from tests.fakes import FakeClock
from tests.origin.running_origin import Answer, RunningOrigin

Send = Callable[..., Awaitable[Answer]]


@pytest.fixture
def send(server: RunningOrigin) -> Send:
    async def post(key: str, name: str = "Lobby", **more: Any) -> Answer:
        headers = {"Idempotency-Key": key}
        token = more.pop("token", server.writer)
        path = more.pop("path", "/v1/playlists")
        return await server.ask("POST", path, token, more.pop("body", {"name": name}), headers=headers)

    return post


async def names(server: RunningOrigin) -> list[str]:
    listed = (await server.ask("GET", "/v1/playlists", server.writer)).document["playlists"]
    return [one["name"] for one in listed]


async def test_the_same_request_again_has_the_same_answer_and_makes_nothing(server: RunningOrigin, send: Send) -> None:
    first = await send('"8e03978e-40d5-43dd-bc93-6894a57f9324"')
    again = await send("8e03978e-40d5-43dd-bc93-6894a57f9324")  # without quotes it is the same key
    assert (first.status, first.text, first.headers["Location"]) == (201, again.text, again.headers["Location"])
    assert (again.status, again.headers["Idempotency-Replayed"], again.headers["ETag"]) == (201, "true", '"1"')
    assert "Idempotency-Replayed" not in first.headers
    assert await names(server) == ["Lobby"]
    await send("another-key")
    assert await names(server) == ["Lobby", "Lobby"]


async def test_a_key_is_of_one_request_and_of_its_caller(server: RunningOrigin, clock: FakeClock, send: Send) -> None:
    await send("k")
    other = await send("k", name="Bar")
    assert (other.status, list(other.document["fields"])) == (422, ["Idempotency-Key"])
    _, token = await make_key(server.origin.keys, clock, "else", Role.EDITOR)
    assert (await send("k", name="Bar", token=token)).status == 201
    assert await names(server) == ["Bar", "Lobby"]
    for wrong in ("", "a b", "x" * 256):
        assert (await send(wrong)).status == 422


async def test_a_change_repeated_is_not_refused_for_its_old_version(server: RunningOrigin) -> None:
    made = (await server.ask("POST", "/v1/playlists", server.writer, {"name": "Lobby"})).document
    headers = {"Idempotency-Key": "k", "If-Match": '"1"'}
    path = f"/v1/playlists/{made['id']}"
    answers = [await server.ask("PUT", path, server.writer, {"name": "Bar"}, headers=headers) for _ in range(3)]
    assert [(one.status, one.document["version"]) for one in answers] == [(200, 2)] * 3
    assert (await server.ask("DELETE", path, server.writer, headers={"Idempotency-Key": "d"})).status == 204
    assert (await server.ask("DELETE", path, server.writer, headers={"Idempotency-Key": "d"})).status == 204
    assert (await server.ask("DELETE", path, server.writer)).status == 404


async def test_a_refusal_that_changed_nothing_is_asked_again(server: RunningOrigin, send: Send) -> None:
    body = {"name": "Lobby", "items": [{"media": "m", "duration_ms": 1000}]}
    assert (await send("k", body=body)).status == 422
    assert (await send("k", body={"name": "Lobby"})).status == 201


async def test_of_two_at_once_one_is_carried_out(server: RunningOrigin, send: Send) -> None:
    answers = await asyncio.gather(*(send("k") for _ in range(6)))
    assert {answer.status for answer in answers} <= {201, 409}
    waiting = [answer for answer in answers if answer.status == 409]
    assert all(one.document["type"] == "urn:signage:problem:repeated-request" for one in waiting)
    assert all(one.headers["Retry-After"] == "1" for one in waiting)
    assert (await send("k")).status == 201
    assert await names(server) == ["Lobby"]


async def test_an_answer_with_a_secret_is_kept_nowhere(server: RunningOrigin, send: Send) -> None:
    body = {"name": "till", "role": "viewer"}
    first = await send("k", path="/v1/keys", body=body)
    assert first.status == 201
    again = await send("k", path="/v1/keys", body=body)
    assert (again.status, again.document["type"]) == (409, "urn:signage:problem:repeated-request")
    assert "Retry-After" not in again.headers and "secret" in again.document["detail"]
    async with server.database.reading() as connection:
        rows = (await connection.exec_driver_sql("SELECT * FROM idempotent_requests")).all()
    assert first.document["token"] not in str(rows)


async def test_a_key_is_forgotten_after_a_day(server: RunningOrigin, clock: FakeClock, send: Send) -> None:
    await send("k")
    await clock.advance(KEPT_MS / 1000 + 1)
    await send("k", name="Bar")
    assert await names(server) == ["Bar", "Lobby"]


async def test_a_change_whose_answer_was_lost_is_not_made_again(
    server: RunningOrigin, clock: FakeClock, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(self: IdempotentRequestStore, attempt: object, answer: FirstAnswer) -> None:
        raise StorageBroken("the power is gone")

    with monkeypatch.context() as lost:
        lost.setattr(IdempotentRequestStore, "keep", lose)
        assert (await send("k")).status == 503
    assert "being answered" in (await send("k")).document["detail"]
    await clock.advance(LEASE_MS / 1000 + 1)
    assert "was lost" in (await send("k")).document["detail"]
    assert await names(server) == ["Lobby"]


async def test_a_request_that_is_forgotten_as_it_comes_again_is_sent_once_more(
    server: RunningOrigin, send: Send
) -> None:
    await send("k")
    engine = server.database._engine.sync_engine

    @event.listens_for(engine, "before_cursor_execute")
    def forget(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        if statement.startswith("SELECT idempotent_requests"):
            cursor.execute("DELETE FROM idempotent_requests")

    answer = await send("k")
    assert (answer.status, answer.headers["Retry-After"]) == (409, "1")
    event.remove(engine, "before_cursor_execute", forget)
    assert (await send("k")).status == 201


async def check_two_processes(database: OriginDatabase, clock: FakeClock, *, is_sqlite: bool) -> None:
    """Have two processes answer one request, the first of which ends, or is only slow."""
    one, other = IdempotentRequestStore(database, clock), IdempotentRequestStore(database, clock)
    slow = await one.begin("id", "print")
    assert not isinstance(slow, FirstAnswer)
    with pytest.raises(RepeatedRequest):
        await one.begin("id", "print")
    if not is_sqlite:  # there the other one knows at once that the first is gone
        with pytest.raises(RepeatedRequest):
            await other.begin("id", "print")
        await clock.advance(LEASE_MS / 1000 + 1)
    taken = await other.begin("id", "print")
    assert not isinstance(taken, FirstAnswer)
    with one.noting_changes(slow), pytest.raises(RepeatedRequest):  # so that its change is not made
        async with database.writing():
            pass
    with other.noting_changes(taken):
        await database.write(lambda connection: None)
    assert await other.forget_unless_changed(taken)
    await other.keep(taken, FirstAnswer(201, {"ETag": '"1"'}, b"{}"))
    assert await one.begin("id", "print") == FirstAnswer(201, {"ETag": '"1"'}, b"{}")
    with pytest.raises(Rejected, match="another request"):
        await one.begin("id", "other")


async def test_who_is_gone_is_followed_and_who_is_slow_changes_nothing(server: RunningOrigin, clock: FakeClock) -> None:
    await check_two_processes(server.database, clock, is_sqlite=True)
