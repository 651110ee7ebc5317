"""Two machines with one identity: what gives them away, what does not, and the identity that one of them gets."""

from typing import Any

import pytest
from sqlalchemy import select

from sync.origin.store.proof.machines import RETURNED_LATELY_MS, MachineChange, MachineStore
from sync.origin.tables.devices import devices
from sync.proof.key_request import request_key
from sync.runtime.clock import unix_ms
from sync.trust.signing import SigningKey
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin, play

A, B, C = ("a" * 32, "b" * 32, "c" * 32)
TWO = "two machines report as this screen in turn: its card was copied"


async def beat(server: RunningOrigin, token: str, boot: str | None, **more: Any) -> dict[str, Any] | None:
    heartbeat = {"at": "2026-03-02T12:00:00Z", "version": "1", "boot_id": boot, **more}
    answer = await server.ask("POST", "/v1/heartbeats", token, heartbeat)
    assert answer.status in (200, 204), answer.text
    document: dict[str, Any] | None = answer.document
    return document


async def doubts(server: RunningOrigin, device: str) -> list[str]:
    return list((await server.ask("GET", f"/v1/devices/{device}", server.reader)).document["doubts"])


@pytest.mark.parametrize(
    ("boots", "told"),
    [
        ([A, A, A], False),
        ([A, B, C, C], False),  # it was started anew
        ([A, B, A, A], False),  # one that came late
        ([None, A, None, A], False),  # an older player, back and forth
        ([A, B, A, B], True),
        ([A, B, C, A, C], True),
        ([A, A, B, B, A, B], True),
    ],
)
async def test_machines_that_report_in_turn_are_two(
    server: RunningOrigin, clock: FakeClock, boots: list[str | None], told: bool
) -> None:
    device, token = await server.pair()
    for boot in boots:
        answer = await beat(server, token, boot)
        await clock.advance(30)
    assert await doubts(server, device) == ([TWO] if told else [])
    assert (answer == {"doubts": [TWO], "identity": None, "let_through": None}) if told else answer is None


async def test_a_second_return_long_after_the_first_is_no_sign(server: RunningOrigin, clock: FakeClock) -> None:
    device, token = await server.pair()
    for boot, seconds in ((A, 30), (B, 30), (A, RETURNED_LATELY_MS / 1000 + 60), (B, 30)):
        await beat(server, token, boot)
        await clock.advance(seconds)
    assert await doubts(server, device) == []


@pytest.mark.parametrize(("starts", "known"), [(30, 30), (49, 49), (60, 50)])
async def test_so_many_starts_of_machines_are_known(server: RunningOrigin, starts: int, known: int) -> None:
    device, _ = await server.pair()
    store = MachineStore(server.database)
    await store.change([MachineChange(device, f"{number:032x}", number) for number in range(starts)])
    kept = [one.boot_id for one in await store.machines(device)]
    assert kept == [f"{number:032x}" for number in reversed(range(starts - known, starts))]


async def test_the_start_that_reported_last_is_with_its_device(server: RunningOrigin) -> None:
    device, _ = await server.pair()
    store, current = MachineStore(server.database), select(devices.c.boot_id).where(devices.c.id == device)

    async def written() -> str | None:
        async with server.database.reading() as connection:
            found: str | None = await connection.scalar(current)
            return found

    for number, boot in enumerate((A, B)):
        await store.change([MachineChange(device, boot, number)])
        assert await written() == boot
    await store.forget_boot(device, B)
    assert await written() == A


async def test_what_another_process_heard_is_seen_with_the_next_heartbeat(
    server: RunningOrigin, clock: FakeClock
) -> None:
    device, token = await server.pair()
    for boot in (A, B, A):
        await beat(server, token, boot)
        await clock.advance(1)
    await MachineStore(server.database).change([MachineChange(device, B, unix_ms(clock.now()))])
    await beat(server, token, A)
    assert await doubts(server, device) == [TWO]


async def test_plays_in_conflict_are_a_sign(server: RunningOrigin) -> None:
    device, token = await server.pair()
    for title in ("one", "another"):
        await server.ask("POST", "/v1/plays", token, {"plays": [play(device, 1, title=title)]})
    [told] = await doubts(server, device)
    assert told.startswith("two different plays have one place in its log")


async def test_one_of_two_machines_gets_an_identity_of_its_own(server: RunningOrigin, clock: FakeClock) -> None:
    device, token = await server.pair("Door")
    key = SigningKey.generate()
    asked = request_key(device, key, clock.now()).model_dump(mode="json")
    assert (await server.ask("PUT", "/v1/device/key", token, asked)).status == 200
    for boot in (A, B, A, B):
        await beat(server, token, boot)
        await clock.advance(30)
    path = f"/v1/devices/{device}"
    machines = (await server.ask("GET", f"{path}/machines", server.reader)).document
    assert [(one["boot_id"], one["current"]) for one in machines["machines"]] == [(B, True), (A, False)]
    assert machines["doubts"] == [TWO]
    assert (await server.ask("POST", f"{path}/new-identity", server.reader, {"boot_id": B})).status == 403
    assert (await server.ask("POST", f"{path}/new-identity", server.writer, {"boot_id": C})).status == 404
    assert (await server.ask("POST", f"{path}/new-identity", server.writer, {"boot_id": "x"})).status == 422
    given = (await server.ask("POST", f"{path}/new-identity", server.writer, {"boot_id": B, "name": "Window"})).document
    assert "count for Door" in given["told"] and "counts for Window" in given["told"]
    assert await doubts(server, device) == []
    first = await beat(server, token, B)
    again = await beat(server, token, B)  # the answer was lost
    assert first is not None and again is not None
    assert [one["identity"]["device"] for one in (first, again)] == [given["device"]] * 2
    assert (await server.ask("GET", "/v1/device", first["identity"]["token"])).status == 401
    own = await server.ask("GET", "/v1/device", again["identity"]["token"])
    assert own.document == {"device": given["device"], "name": "Window", "channel": "main"}
    assert await beat(server, token, A) is None
    assert await beat(server, again["identity"]["token"], B) is None
    assert (await doubts(server, device), await doubts(server, given["device"])) == ([], [])
    [copied] = (await server.ask("GET", f"{path}/keys", server.reader)).document["keys"]
    assert (copied["note"], copied["current"]) == ("it was copied to another machine", False)


async def test_a_person_says_that_it_is_one_machine(server: RunningOrigin) -> None:
    device, token = await server.pair()
    for boot in (A, B, A, B):
        await beat(server, token, boot)
    done = await server.ask("POST", f"/v1/devices/{device}/new-identity", server.writer, {})
    assert (done.document["device"], await doubts(server, device)) == (None, [])
    assert await beat(server, token, B) is None
