"""Plays of many devices in one transaction: what is acknowledged is stored, and one device cannot harm another."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import SQLAlchemyError

from sync.origin.store.proof.plays import Delivery, PlayStore
from sync.origin.tables.plays import plays
from sync.origin.wiring.origin import Origin, open_origin
from sync.runtime.clock import SystemClock
from sync.wire.device_reports import PlayBatch
from tests import TOP
from tests.fakes import FakeClock
from tests.origin.running_origin import Answer, RunningOrigin, play, running_origin, settings_in


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The devices whose plays were written together."""
    seen, store = list[list[str]](), PlayStore.store

    async def noted(self: PlayStore, deliveries: list[Delivery], *rest: Any) -> Any:
        seen.append([one.device for one in deliveries])
        return await store(self, deliveries, *rest)

    monkeypatch.setattr(PlayStore, "store", noted)
    return seen


async def deliver(server: RunningOrigin, token: str, *documents: dict[str, Any]) -> Answer:
    return await server.ask("POST", "/v1/plays", token, {"plays": list(documents)})


def statuses(answer: Answer) -> list[str]:
    return [one["status"] for one in answer.document["receipts"]]


async def stored(origin: Origin) -> set[tuple[str, int]]:
    async with origin.keys._database.reading() as connection:
        return {(row[0], row[1]) for row in await connection.execute(select(plays.c.device_id, plays.c.sequence))}


async def submitted(server: RunningOrigin, deliveries: Mapping[str, int]) -> list[asyncio.Task[Any]]:
    """Begin to submit so many plays of each device while nothing can be written: the first one is a group by itself."""
    groups, tasks = server.origin.plays._groups, list[asyncio.Task[Any]]()
    for device, count in deliveries.items():
        batch = PlayBatch(plays=tuple(play(device, number) for number in range(1, count + 1)))
        tasks.append(asyncio.create_task(server.origin.plays.submit(device, batch.plays)))
        while not tasks[-1].done() and (groups._running is None or len(groups._waiting) != len(tasks) - 1):
            await SystemClock().sleep(0.001)
    return tasks


async def test_plays_that_come_while_others_are_written_share_a_transaction(
    server: RunningOrigin, transactions: list[list[str]]
) -> None:
    devices = [(await server.pair(f"screen {number}"))[0] for number in range(5)]
    async with server.database.writing():  # somebody else writes
        waiting = await submitted(server, dict(zip(devices, (1, 2, 2, 2, 2), strict=True)))
    answers = await asyncio.gather(*waiting)
    assert [len(one.receipts) for one in answers] == [1, 2, 2, 2, 2]
    assert {receipt.status for one in answers for receipt in one.receipts} == {"accepted"}
    assert [one.high_water for one in answers] == [1, 2, 2, 2, 2]
    assert transactions == [devices[:1], sorted(devices[1:])]
    assert len(await stored(server.origin)) == 9


async def test_a_device_that_cannot_be_written_harms_no_other_one(
    server: RunningOrigin, transactions: list[list[str]]
) -> None:
    one, other = [(await server.pair(name))[0] for name in ("one", "other")]
    async with server.database.writing():
        waiting = await submitted(server, {one: 1, "nobody": 2, other: 2})
    results: list[Any] = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[1], SQLAlchemyError)
    assert [receipt.status for receipt in results[2].receipts] == ["accepted", "accepted"]
    assert await stored(server.origin) == {(one, 1), (other, 1), (other, 2)}


async def test_batches_of_one_device_are_judged_one_after_another(server: RunningOrigin) -> None:
    device, token = await server.pair()
    same_time = play(device, 3, started_at="2026-03-02T09:00:20Z", ended_at="2026-03-02T09:00:30Z")
    answers = await asyncio.gather(
        deliver(server, token, play(device, 1), play(device, 2)), deliver(server, token, play(device, 2), same_time)
    )
    assert sorted(statuses(answers[0]) + statuses(answers[1])) == ["accepted"] * 3 + ["duplicate"]
    details = {one["detail"] for answer in answers for one in answer.document["receipts"]}
    assert details == {"", "set aside: another play of this screen has the same time"}


async def test_a_request_that_ends_early_stores_its_plays_before_the_next_one_is_judged(server: RunningOrigin) -> None:
    device, token = await server.pair()
    async with server.database.writing():
        [task] = await submitted(server, {device: 1})
        task.cancel()
        await asyncio.wait({task})
        again = asyncio.create_task(deliver(server, token, play(device, 1), play(device, 2)))
    assert statuses(await again) == ["duplicate", "accepted"]


async def test_more_than_can_be_written_is_refused_at_once_and_kept_by_the_device(
    server: RunningOrigin, clock: FakeClock
) -> None:
    devices = [await server.pair(f"screen {number}") for number in range(3)]
    async with server.database.writing():
        waiting = await submitted(server, {devices[0][0]: 1, devices[1][0]: 1})
        await clock.advance(3)
        device, token = devices[2]
        refused = await deliver(server, token, play(device, 1))
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    await asyncio.gather(*waiting)
    assert statuses(await deliver(server, token, play(device, 1))) == ["accepted"]


async def test_an_origin_that_ends_stores_what_it_has_taken(tmp_path: Path, clock: FakeClock) -> None:
    async with running_origin(settings_in(tmp_path), clock) as server:
        device, token = await server.pair()
        beat = {"at": "2026-03-02T12:00:00Z", "version": "1"}
        assert (await server.ask("POST", "/v1/heartbeats", token, beat)).status == 204
        task = asyncio.create_task(server.origin.plays.submit(device, [play(device, 1)]))
        while not server.origin.plays._unfinished:
            await SystemClock().sleep(0.001)
        task.cancel()
    async with open_origin(settings_in(tmp_path), clock) as origin:
        assert await stored(origin) == {(device, 1)}
        assert (await origin.devices.view(device)).online


async def doomed(folder: str, moment: str) -> None:
    """Take plays of three devices, tell what was acknowledged, and be killed at the next transaction of plays."""
    async with running_origin(settings_in(Path(folder)), SystemClock()) as server:
        devices = [await server.pair(f"screen {number}") for number in range(3)]
        for number in (1, 2):
            answers = await asyncio.gather(*(deliver(server, token, play(device, number)) for device, token in devices))
            assert {status for answer in answers for status in statuses(answer)} == {"accepted"}
        sys.stdout.write(json.dumps(devices))
        sys.stdout.flush()
        engine = server.database._in_threads
        if moment == "before":
            event.listen(engine, "commit", lambda _: kill())
        else:
            write = type(server.database).write
            type(server.database).write = and_kill(write)  # type: ignore[method-assign]
        await asyncio.gather(*(deliver(server, token, play(device, 3)) for device, token in devices))


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def and_kill(write: Any) -> Any:
    async def written(self: Any, work: Any) -> Any:
        await write(self, work)
        kill()

    return written


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_around_the_commit_nothing_acknowledged_is_lost(tmp_path: Path, moment: str) -> None:
    code = f"import asyncio; from {__name__} import doomed; asyncio.run(doomed({str(tmp_path)!r}, {moment!r}))"
    run = await asyncio.to_thread(
        subprocess.run, (sys.executable, "-c", code), cwd=TOP, stdout=subprocess.PIPE, timeout=120, check=False
    )
    assert run.returncode == -9
    devices = json.loads(run.stdout)
    async with open_origin(settings_in(tmp_path), SystemClock()) as origin:
        acknowledged = {(device, number) for device, _ in devices for number in (1, 2)}
        there = await stored(origin)
        assert acknowledged <= there
        assert (there == acknowledged) == (moment == "before")
        for device, _ in devices:
            [receipt] = (await origin.plays.submit(device, [play(device, 3)])).receipts
            assert receipt.status == ("duplicate" if (device, 3) in there else "accepted")
        assert {(device, 3) for device, _ in devices} <= await stored(origin)


@pytest.mark.parametrize("odd", [{"reason": "a\0b"}, {"zone": "UTC\0"}, {"of": [{"a\0": 1}]}])
async def test_a_zero_byte_which_postgresql_could_not_read_again_is_refused(
    server: RunningOrigin, odd: dict[str, Any]
) -> None:
    device, token = await server.pair()
    plays = [play(device, 1), play(device, 2, **odd), play(device, 3)]
    answer = await server.ask("POST", "/v1/plays", token, {"plays": plays})
    assert statuses(answer) == ["accepted", "invalid", "accepted"]
    assert "zero byte" in answer.text
