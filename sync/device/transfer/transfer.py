"""The transfer of content from its sources: a queue, and threads that run while something can begin."""

import asyncio
import threading
from collections.abc import Iterable, Sequence
from random import Random

from sync.device.transfer.asset_state import Fetch
from sync.device.transfer.connection import Network
from sync.device.transfer.deadlines_and_rates import DEADLINES, Deadlines, RateLimiter
from sync.device.transfer.sources import Sources
from sync.device.transfer.transfer_queue import TransferQueue
from sync.device.transfer.worker import FetchWorker
from sync.runtime.clock import Clock
from sync.runtime.threads import Turn, lowered, start_thread

WORKERS = 8
"""As many connections as curl has for eight files: where packets are lost each brings its own share of the line."""

_END_S = 2.0  # a thread that is still connecting after that is a daemon thread and ends by itself


class ContentTransfer:
    """Fetches from one origin and its mirrors, from each at `{url}/content/`. `changed` is set on news of the queue."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        mirrors: Sequence[str] = (),
        network: Network | None = None,
        rng: Random | None = None,
        deadlines: Deadlines = DEADLINES,
        workers: int = WORKERS,
        limiter: RateLimiter | None = None,
    ) -> None:
        rng = rng or Random()
        self.changed = asyncio.Event()
        self.sources = Sources(url, mirrors, rng)
        self._limiter = limiter or RateLimiter(clock)
        self.queue = TransferQueue(self.sources, clock, rng, self.notify, self._limiter)
        self._clock = clock
        self._network = network or Network()
        self._deadlines = deadlines
        self._most = workers
        self._loop: asyncio.AbstractEventLoop | None = None
        self._jobs: dict[asyncio.Future[None], FetchWorker] = {}
        self._turns = threading.Lock()

    def fetch_for(self, release: str) -> None:
        """Fetch for a release from now on, by what the budget of the month has for it."""
        if release != self._limiter.release:
            self._limiter.release = release
            self.queue.retry_now()

    def notify(self) -> None:
        """Wake who waits for `changed`; may be called in any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.changed.set)

    def start_workers(self) -> None:
        """Start threads for what is ready.

        Raises:
            RuntimeError: a thread has ended by a bug.
        """
        self._loop = asyncio.get_running_loop()
        for job in [job for job in self._jobs if job.done()]:
            del self._jobs[job]
            job.result()
        useful = max(self._limiter.most_connections(source.url) for source in self.sources.all())
        most = int(min(self._most, useful))
        for _ in range(min(most - len(self._jobs), self.queue.ready())):
            turn = Turn(self._turns)
            worker = FetchWorker(self.queue, self._clock, self._network, self._deadlines, self._limiter, turn)
            job = start_thread(lowered(worker.run) if self._limiter.plays() else worker.run)
            job.add_done_callback(lambda _: self.changed.set())  # work may have come while the last thread ended
            self._jobs[job] = worker

    def drop(self, fetches: Iterable[Fetch]) -> None:
        """End these fetches."""
        for fetch in fetches:
            for worker in self._jobs.values():
                worker.drop(fetch)

    async def stop(self) -> None:
        """End all threads; what they have received is written."""
        jobs, self._jobs = self._jobs, {}
        for worker in jobs.values():
            worker.stop()
        if jobs:
            await asyncio.wait(jobs, timeout=_END_S)
