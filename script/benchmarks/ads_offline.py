"""Thirty days without a network: what the record takes on the disk, and how it is delivered while the screen plays on.

The origin is a real one in a process of its own. What one callback of the event loop takes is its time of the
processor, so that what else the machine does is not in it.
"""

import asyncio
import gc
import multiprocessing
import os
import tempfile
from asyncio.events import Handle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from time import perf_counter, process_time, thread_time
from typing import Any

from psutil import Process

from player.director.take_recorder import TakeRecorder
from player.evidence.ledger import Ledger, open_ledger
from player.programme.proof_of_play import ScreenCondition, StartFacts
from player.proof.log_signer import LogSigner
from player.protocol.stage_interface import Ended
from sync.device.origin_client import OriginClient, open_client
from sync.device.proof.checkpoint_uploader import CheckpointUploader
from sync.device.queue_delivery import QueueDelivery, QueueUploader
from sync.device.store.content_store import ContentStore
from sync.device.store.device_key import DeviceKeyFile
from sync.proof.key_request import request_key
from sync.runtime.clock import SystemClock
from sync.runtime.sqlite import copy_database
from sync.wire.device_reports import BatchAnswer
from tests.fakes import FakeClock
from tests.origin.running_origin import running_origin, settings_in
from tests.player.director.record.examples import planned
from tests.player.evidence.plays import closed

DAYS, LINES = 30, 10_000
PLAYS = 300_000
TAKE_EVERY_S = 0.5  # while plays are delivered: twenty times as often as a screen


async def measure(plays: int = PLAYS) -> list[dict[str, Any]]:
    """Return the row of a screen that was offline for 30 days."""
    ours, theirs = multiprocessing.Pipe()
    origin = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    origin.start()
    try:
        url, device, token = ours.recv()
        with tempfile.TemporaryDirectory(prefix="ads-offline-") as folder:
            return [await _Screen(Path(folder), device, plays).run(url, token, ours)]
    finally:
        ours.close()  # the origin ends by that, and removes its folder
        origin.join()


def _serve(pipe: Connection) -> None:
    with suppress(EOFError):
        asyncio.run(_origin(pipe))


async def _origin(pipe: Connection) -> None:
    with tempfile.TemporaryDirectory(prefix="ads-offline-origin-") as folder:
        async with running_origin(settings_in(Path(folder)), SystemClock()) as server:
            pipe.send((server.url, *await server.pair()))
            device = await asyncio.to_thread(pipe.recv)
            found = await server.ask("GET", f"/v1/plays/audit?device={device}", server.reader)
            pipe.send(found.document["devices"][0])
            await asyncio.to_thread(pipe.recv)


class _Screen:
    def __init__(self, folder: Path, device: str, plays: int) -> None:
        self.content = ContentStore(folder)
        self.content.make_folders()
        self.path = self.content.state / "plays.db"
        self.device, self.plays = device, plays
        self.clock = FakeClock(SystemClock().now() - timedelta(days=DAYS))
        self.sent: list[int] = []
        self.takes_ms: list[float] = []

    async def run(self, url: str, token: str, origin: Connection) -> dict[str, Any]:
        async with open_client(url, token) as client, open_ledger(self.path, self.device, self.clock) as ledger:
            signer = LogSigner(ledger, self.content, self.clock, lambda _: None)
            await self._certify(client)
            await self._be_offline(ledger, signer)
            disk_mb = self._disk_mb()
            another = await self._become_another()
            drained = await self._drain(ledger, signer, client)
            origin.send(self.device)
            audit = await asyncio.to_thread(origin.recv)
        times = sorted(self.takes_ms)
        return {
            "plays": self.plays,
            "days_offline": DAYS,
            "checkpoints": signer.head.number if signer.head else 0,
            "mb_on_the_disk": disk_mb,
            **drained,
            "delivered_in_order": self.sent == sorted(set(self.sent)),
            "log_whole_at_the_origin": audit["whole"],
            "take_written_p50_ms": times[len(times) // 2],
            "take_written_longest_ms": times[-1],
            **another,
        }

    async def _certify(self, client: OriginClient) -> None:
        keys = DeviceKeyFile(self.content, self.device)
        key = keys.load_or_make().key
        answer = await client.put_device_key(request_key(self.device, key, self.clock.now()))
        keys.certified(key.id, answer, answer.reads)

    async def _be_offline(self, ledger: Ledger, signer: LogSigner) -> None:
        """Play for 30 days, and sign each hour; meanwhile nothing is flushed to the disk, which would take long."""
        flush = os.fsync
        os.fsync = lambda fd: None
        await ledger._database.execute("PRAGMA synchronous=OFF")
        random, hours = Random(1), DAYS * 24
        weights = [1 / (rank + 5) for rank in range(LINES)]
        await signer.sign_if_due()
        for hour in range(hours):
            count = (hour + 1) * self.plays // hours - hour * self.plays // hours
            lines = random.choices(range(LINES), weights, k=count)
            at = self.clock.now()
            step = timedelta(hours=1) / max(1, count)
            entries = [
                closed(f"{random.getrandbits(128):032x}", at + place * step, line=f"line-{line:05}")
                for place, line in enumerate(lines)
            ]
            await ledger.write(entries)
            self.clock.step_wall(3600)
            await signer.sign_if_due(at_once=True)
        await ledger._database.execute("PRAGMA synchronous=FULL")
        os.fsync = flush

    def _disk_mb(self) -> float:
        return sum(path.stat().st_size for path in self.path.parent.glob("plays.db*")) / 1e6

    async def _become_another(self) -> dict[str, Any]:
        """Log all plays again for another device, in a copy of the log, while takes are shown."""
        copy = self.path.with_name("another.db")
        await copy_database(self.path, copy)
        async with open_ledger(copy, self.device, self.clock) as ledger:
            with _longest_callback() as longest:
                began, cpu_s = perf_counter(), process_time()
                await ledger.become("another")
                become_s, playing = perf_counter() - began, asyncio.ensure_future(self._play_on(ledger))
                await ledger.finish_anew()
                took_s, used_s = perf_counter() - began, process_time() - cpu_s
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
            waiting = await ledger.outbox.depth()
        times, self.takes_ms = sorted(self.takes_ms), []
        return {
            "another_device_begun_s": become_s,
            "another_device_s": took_s,
            "another_device_cpu_s": used_s,
            "another_device_longest_stop_of_the_loop_ms": longest[0],
            "another_device_take_written_p50_ms": times[len(times) // 2],
            "another_device_take_written_longest_ms": times[-1],
            "another_device_has_all": waiting >= self.plays,
        }

    async def _drain(self, ledger: Ledger, signer: LogSigner, client: OriginClient) -> dict[str, Any]:
        async def post(batch: Sequence[Mapping[str, Any]]) -> BatchAnswer:
            self.sent += [one["sequence"] for one in batch]
            return await client.post_plays(batch)

        clock, rng = SystemClock(), Random(1)
        plays = QueueUploader(QueueDelivery(ledger.outbox, clock, rng, signer.begin_anew), post, clock)
        checkpoints = CheckpointUploader(
            ledger.checkpoints,
            client,
            clock,
            rng,
            lambda: signer.head.number if signer.head else 0,
            signer.wait_for_news,
            lambda: None,
        )
        gc.collect()
        gc.freeze()  # as the player does once it runs
        with _longest_callback() as longest:
            began, cpu_s, written = perf_counter(), process_time(), Process().io_counters().write_chars
            tasks = [asyncio.ensure_future(one) for one in (plays.run(), checkpoints.run(), self._play_on(ledger))]
            while await ledger.outbox.depth() > 2 or await ledger.checkpoints.batch(1, 10**9):  # noqa: ASYNC110
                await asyncio.sleep(0.25)
            took_s, used_s = perf_counter() - began, process_time() - cpu_s
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return {
            "drained_s": took_s,
            "plays_a_second": self.plays / took_s,
            "cpu_share": used_s / took_s,
            "cpu_ms_a_play": 1000 * used_s / self.plays,
            "longest_stop_of_the_loop_ms": longest[0],
            "mb_written": (Process().io_counters().write_chars - written) / 1e6,
        }

    async def _play_on(self, ledger: Ledger) -> None:
        """Show takes as a screen does; note how long what is written of each takes."""
        recorder, number = TakeRecorder(ledger, 1), 0
        await recorder.recover()
        while True:
            shot, at_s = planned(f"on-{number}"), self.clock.monotonic()
            began = perf_counter()
            await recorder.reserve(shot)
            start = recorder.start(shot.take, at_s, self.clock.now(), at_s)
            await recorder.write_start(shot.take, start, StartFacts())
            await self.clock.advance(10)
            ended = Ended(take=shot.take.take, started_s=at_s, ended_s=at_s + 10, reason="eof")
            recorder.end(shot.take, ended, start, facts=StartFacts(), screen=ScreenCondition())
            await recorder.save()
            self.takes_ms.append(1000 * (perf_counter() - began))
            number += 1
            await asyncio.sleep(TAKE_EVERY_S)


@contextmanager
def _longest_callback() -> Iterator[list[float]]:
    """Give a list with the longest time of the processor that one callback of the event loop took, in milliseconds."""
    longest, run = [0.0], Handle._run

    def timed(handle: Handle) -> None:
        began = thread_time()
        run(handle)
        longest[0] = max(longest[0], 1000 * (thread_time() - began))

    Handle._run = timed  # type: ignore[method-assign, assignment]
    try:
        yield longest
    finally:
        Handle._run = run  # type: ignore[method-assign]
