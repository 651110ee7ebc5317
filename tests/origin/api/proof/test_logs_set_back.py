"""Files of device and origin that come from a backup or a copied card: every play is counted once, by real files."""

import asyncio
import csv
import io
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from aiohttp import ClientSession

from player.evidence.history_log import Change
from player.evidence.ledger import Ledger, open_ledger
from sync.device.origin_client import open_client
from sync.device.queue_delivery import QueueDelivery, QueueUploader
from sync.http.listener import serve_http
from sync.origin.wiring.origin import open_origin
from sync.runtime.clock import SystemClock
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in
from tests.player.director.venue import NOON
from tests.player.evidence.plays import closed


@asynccontextmanager
async def delivering(server: RunningOrigin, ledger: Ledger, token: str, clock: FakeClock) -> AsyncIterator[None]:
    async with open_client(server.url, token) as client:
        plays = QueueDelivery(ledger.outbox, clock, Random(1), ledger.begin_anew)
        history = QueueDelivery(ledger.history, clock, Random(1), ledger.begin_anew, "history")
        tasks = {
            asyncio.create_task(QueueUploader(plays, client.post_plays, clock).run()),
            asyncio.create_task(QueueUploader(history, client.post_history, clock).run()),
        }
        try:
            yield
            async with asyncio.timeout(60):
                quiet = 0  # what the origin asks for again comes to the queue after the answer
                while quiet < 20:
                    waiting = await ledger.outbox.depth() or await ledger.history.batch(1)
                    busy = waiting or await ledger.outbox.has_conflicts() or await ledger.history.has_conflicts()
                    quiet = 0 if busy else quiet + 1
                    await SystemClock().sleep(0.01)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def at(number: int) -> datetime:
    return NOON + timedelta(seconds=10 * number)


async def show(ledger: Ledger, numbers: range) -> None:
    await ledger.write([closed(f"take-{number}", at(number)) for number in numbers])


async def counted(server: RunningOrigin) -> list[str]:
    """Return the takes that count, in the order in which they were on the screen."""
    plays = (await server.ask("GET", "/v1/plays?limit=1000&set_aside=false", server.reader)).document["plays"]
    return [play["take"] for play in reversed(plays)]


def takes(numbers: range) -> list[str]:
    return [f"take-{number}" for number in numbers]


async def test_a_card_that_is_restored_from_a_backup_loses_no_play(
    server: RunningOrigin, tmp_path: Path, clock: FakeClock
) -> None:
    device, token = await server.pair()
    clock.step_wall(10_000)

    async def play(file: str, numbers: range) -> None:
        async with open_ledger(tmp_path / file, device, clock) as ledger, delivering(server, ledger, token, clock):
            await show(ledger, numbers)

    await play("plays.db", range(100))
    shutil.copy(tmp_path / "plays.db", tmp_path / "backup.db")
    await play("plays.db", range(100, 140))
    await play("backup.db", range(140, 180))
    assert await counted(server) == takes(range(180))


async def test_of_two_screens_with_one_copied_card_no_time_counts_twice(
    server: RunningOrigin, tmp_path: Path, clock: FakeClock
) -> None:
    device, token = await server.pair()
    clock.step_wall(10_000)
    async with open_ledger(tmp_path / "plays.db", device, clock) as ledger:
        await show(ledger, range(50))
    shutil.copy(tmp_path / "plays.db", tmp_path / "copy.db")
    async with (
        open_ledger(tmp_path / "plays.db", device, clock) as original,
        open_ledger(tmp_path / "copy.db", device, clock) as copy,
    ):
        for first in range(50, 100, 10):
            for name, ledger in (("original", original), ("copy", copy)):
                async with delivering(server, ledger, token, clock):
                    await ledger.write([closed(f"{name}-{n}", at(n)) for n in range(first, first + 10)])
        assert original.epoch != copy.epoch
    plays = (await server.ask("GET", "/v1/plays?limit=1000", server.reader)).document
    assert (len(plays["plays"]), len(plays["set_aside"])) == (150, 50)
    assert {one["reason"] for one in plays["set_aside"]} == {"another play of this screen has the same time"}


async def test_an_origin_that_is_restored_from_a_backup_gets_again_what_it_lost(
    tmp_path: Path, clock: FakeClock
) -> None:
    clock.step_wall(10_000)
    async with running_origin(settings_in(tmp_path / "origin"), clock) as server:
        device, token = await server.pair()
        async with (
            open_ledger(tmp_path / "plays.db", device, clock) as ledger,
            delivering(server, ledger, token, clock),
        ):
            await show(ledger, range(60))
    shutil.copytree(tmp_path / "origin", tmp_path / "backup")
    for folder, numbers in (("origin", range(60, 105)), ("backup", range(105, 110))):
        async with (
            open_origin(settings_in(tmp_path / folder), clock) as origin,
            serve_http(origin.app, "127.0.0.1", 0) as url,
            open_ledger(tmp_path / "plays.db", device, clock) as ledger,
        ):
            again = replace(server, url=url)
            async with delivering(again, ledger, token, clock):
                await show(ledger, numbers)
            async with ClientSession() as client:
                held = await counted(replace(again, client=client))
            assert held == takes(range(numbers.stop))


async def tell(ledger: Ledger, *names: str) -> None:
    """Record problems of these names, with nothing else to tell."""
    now = {"at": NOON, "boot_id": "b" * 32, "mono_ms": 1}
    await ledger.history.write([Change({"kind": "problem", "state": "began", "text": name, **now}) for name in names])


async def told(server: RunningOrigin) -> list[str]:
    rows = (await server.ask("GET", "/v1/history?limit=1000", server.reader)).document["history"]
    return [row["text"] for row in reversed(rows) if row["by"] == "screen"]


async def test_the_history_of_a_restored_or_copied_card_does_not_fork(
    server: RunningOrigin, tmp_path: Path, clock: FakeClock
) -> None:
    device, token = await server.pair()

    async def tell_from(file: str, *names: str) -> str:
        async with open_ledger(tmp_path / file, device, clock) as ledger, delivering(server, ledger, token, clock):
            await tell(ledger, *names)
        return ledger.epoch

    first = await tell_from("plays.db", "a", "b", "c")
    shutil.copy(tmp_path / "plays.db", tmp_path / "backup.db")
    assert await tell_from("plays.db", "d", "e") == first
    second = await tell_from("backup.db", "f", "g")  # their places are taken
    assert second != first
    assert await tell_from("backup.db", "h") == second
    assert await tell_from("plays.db", "i") == first
    assert sorted(await told(server)) == list("abcdefghi")
    answer = await server.ask("GET", "/v1/history?limit=1000&format=csv", server.reader)
    keys = [(row["log_epoch"], int(row["sequence"])) for row in csv.DictReader(io.StringIO(answer.text)) if row["hash"]]
    assert sorted(keys) == sorted([*((first, n) for n in range(1, 7)), *((second, n) for n in range(1, 4))])


async def test_a_restored_origin_asks_for_the_history_that_it_lost(tmp_path: Path, clock: FakeClock) -> None:
    async with running_origin(settings_in(tmp_path / "origin"), clock) as server:
        device, token = await server.pair()
        async with (
            open_ledger(tmp_path / "plays.db", device, clock) as ledger,
            delivering(server, ledger, token, clock),
        ):
            await tell(ledger, "a", "b")
    shutil.copytree(tmp_path / "origin", tmp_path / "backup")
    for folder, names in (("origin", "cde"), ("backup", "f")):
        async with (
            open_origin(settings_in(tmp_path / folder), clock) as origin,
            serve_http(origin.app, "127.0.0.1", 0) as url,
            open_ledger(tmp_path / "plays.db", device, clock) as ledger,
            ClientSession() as client,
        ):
            again = replace(server, url=url, client=client)
            async with delivering(again, ledger, token, clock):
                await tell(ledger, *names)
            held = await told(again)
    assert sorted(held) == list("abcdef")
