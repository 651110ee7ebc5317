"""Keeps the device's content what the origin says it is: asks, judges, gathers, activates, then clears up.

The old release plays on until the new one is whole. Nothing here can stop a screen: every fault waits and tries again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from random import Random

from sync.device.downloader import Downloader, DownloadProgress, NoRoom
from sync.device.janitor import Janitor
from sync.device.origin_client import OriginClient
from sync.device.range_fetcher import SpanFetcher
from sync.device.store.chunk_catalog import ChunkCatalog, open_catalog
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import change_channel
from sync.device.update_check import UpdateCheck
from sync.errors import (
    CorruptContent,
    OriginRefused,
    OriginUnreachable,
    SignageError,
    StorageBroken,
    StorageFull,
    Untrusted,
)
from sync.runtime.clock import Backoff, Clock
from sync.runtime.threads import in_thread
from sync.wire.release import Release, Timestamp

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0
_POLL_JITTER = 0.1  # of the poll interval, so that a fleet started by one switch spreads out

log = logging.getLogger(__name__)


class SyncState(StrEnum):
    """What the syncer is about."""

    STARTING = "starting"
    CHECKING = "checking"  # asking what is new
    FETCHING = "fetching"
    CURRENT = "current"  # what plays is what the origin last said
    WAITING = "waiting"  # something is in the way; `problem` says what


@dataclass(frozen=True, slots=True)
class SyncFacts:
    """What people may want to know; `last_confirmed` is in monotonic seconds, None before the first time."""

    state: SyncState = SyncState.STARTING
    channel: str = ""
    release: str | None = None  # what plays
    sequence: int | None = None
    preparing: str | None = None  # what was accepted last and is not whole yet
    bytes_to_do: int = 0
    bytes_done: int = 0
    last_confirmed: float | None = None
    confirmed_at: datetime | None = None
    problem: str = ""
    waiting_s: float = 0.0  # how long it waits before the next try


class Syncer:
    """The service; `activated` is called after each switch and has to return at once."""

    def __init__(
        self,
        client: OriginClient,
        bulk: SpanFetcher,
        cache: ContentStore,
        clock: Clock,
        rng: Random,
        *,
        channel: str,
        poll_s: float,
        reserve_bytes: int,
        activated: Callable[[], None],
    ) -> None:
        self._client = client
        self._bulk = bulk
        self._cache = cache
        self._clock = clock
        self._rng = rng
        self._channel = channel
        self._poll_s = poll_s
        self._reserve_bytes = reserve_bytes
        self._activated = activated
        self._inquiry = UpdateCheck(client, cache, clock, channel)
        self._gatherer: Downloader | None = None
        self._backoff = Backoff(first_s=FIRST_WAIT_S, limit_s=LONGEST_WAIT_S, rng=rng)
        self._woken = asyncio.Event()
        self._suspects: set[str] = set()
        self._state = SyncState.STARTING
        self._problem = ""
        self._waiting_s = 0.0
        self._confirmed: tuple[float, datetime] | None = None

    def wake(self) -> None:
        """Ask the origin now, without waiting for the next poll."""
        self._woken.set()

    def suspect(self, sha256: str) -> None:
        """Have a held asset hashed again, because it could not be shown; a damaged one is fetched anew."""
        self._suspects.add(sha256)
        self.wake()

    def facts(self) -> SyncFacts:
        """Return how things stand."""
        pointer = self._cache.pointer()
        progress = self._gatherer.progress() if self._gatherer else DownloadProgress()
        pending = self._cache.pending()
        return SyncFacts(
            state=self._state,
            channel=self._channel,
            release=pointer.release if pointer else None,
            sequence=pointer.sequence if pointer else None,
            preparing=pending if pointer is None or pending != pointer.release else None,
            bytes_to_do=progress.total_bytes,
            bytes_done=progress.done_bytes,
            last_confirmed=self._confirmed[0] if self._confirmed else None,
            confirmed_at=self._confirmed[1] if self._confirmed else None,
            problem=self._problem,
            waiting_s=self._waiting_s,
        )

    async def run(self) -> None:
        """Keep content current until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._keep_current())

    async def _keep_current(self) -> None:
        while True:
            try:
                async with open_catalog(self._cache.catalog_path) as catalog:
                    await self._serve(catalog)
            except StorageBroken as error:
                await self._wait_out(error)
            except StorageFull as error:
                await in_thread(self._cache.drop_ballast)
                await self._wait_out(error)

    async def _serve(self, catalog: ChunkCatalog) -> None:
        self._gatherer = gatherer = Downloader(
            self._client, self._bulk, self._cache, catalog, self._clock, self._rng, self._reserve_bytes
        )
        tidier = Janitor(self._cache, catalog, self._clock)
        await tidier.adopt()
        while True:
            try:
                await self._update(gatherer, tidier, catalog)
            except (OriginRefused, OriginUnreachable, Untrusted, CorruptContent) as error:
                await self._wait_out(error)
            except StorageFull as error:
                if not await tidier.make_room(error.missing_bytes if isinstance(error, NoRoom) else 0):
                    await self._wait_out(error)

    async def _update(self, gatherer: Downloader, tidier: Janitor, catalog: ChunkCatalog) -> None:
        """Go once from asking to activating; returns when it is time to ask again."""
        self._woken.clear()
        suspects, self._suspects = self._suspects, set()
        await tidier.recheck(suspects)
        self._enter(SyncState.CHECKING)
        timestamp = await self._inquiry.timestamp()
        release = await self._inquiry.release(timestamp)
        until = self._clock.monotonic() + self._poll_s

        def enough() -> bool:
            return self._woken.is_set() or self._clock.monotonic() >= until

        if gatherer.lacks(release):
            self._enter(SyncState.FETCHING)
        before = gatherer.progress().done_bytes
        try:
            whole = await gatherer.download(release, self._others(), enough)
        finally:
            if gatherer.progress().done_bytes > before:
                self._backoff.reset()  # the line works, even if it breaks
        if whole:
            await self._activate(timestamp, release, catalog)
            await tidier.evict()
            await tidier.scrub()
            await in_thread(self._cache.hold_ballast)
            self._enter(SyncState.CURRENT)
            await self._pause(self._poll_s * self._rng.uniform(1 - _POLL_JITTER, 1 + _POLL_JITTER))
        elif not enough():
            await self._pause(FIRST_WAIT_S)  # nothing failed, and yet something is missing: ask again, but do not spin

    async def _activate(self, timestamp: Timestamp, release: Release, catalog: ChunkCatalog) -> None:
        pointer = self._cache.pointer()
        new = pointer is None or (pointer.release, pointer.sequence) != (timestamp.release, timestamp.sequence)
        if new:
            await in_thread(self._cache.activate, timestamp.release, timestamp.sequence)
            log.info("release=%s sequence=%s is active", timestamp.release, timestamp.sequence)
            self._activated()
        self._confirmed = (self._clock.monotonic(), self._clock.now())
        self._backoff.reset()
        self._clear_problem()
        if new:
            await catalog.complete([asset.sha256 for asset in release.assets], self._clock.now())

    def _others(self) -> tuple[Release, ...]:
        """Return the active and the previous release."""
        pointer = self._cache.pointer()
        names = (pointer.release, pointer.previous) if pointer else ()
        return tuple(release for name in names if name and (release := self._cache.release(name)))

    async def _listen(self) -> None:
        backoff = Backoff(first_s=FIRST_WAIT_S, limit_s=LONGEST_WAIT_S, rng=self._rng)
        while True:
            try:
                await self._follow()
                async with contextlib.aclosing(self._client.hints()) as hints:
                    async for hint in hints:
                        backoff.reset()
                        if hint.topic == "release" and hint.channel in (None, self._channel):
                            self.wake()
            except (OriginRefused, OriginUnreachable) as error:
                log.debug("no live hints, polling only: %s", error)
            await self._clock.sleep(backoff.next_s())

    async def _follow(self) -> None:
        """Go where the origin has moved this device; it closes the live channel of those it moves, so we come here."""
        try:
            channel = (await self._client.standing()).channel
        except OriginRefused as error:
            log.debug("the origin does not say where this device belongs: %s", error)
            return
        if channel != self._channel:
            log.info("channel=%s is followed from now on, no longer %s", channel, self._channel)
            await in_thread(change_channel, self._cache, channel)
            self._channel = channel
            self._inquiry = UpdateCheck(self._client, self._cache, self._clock, channel)
            self.wake()

    async def _wait_out(self, error: SignageError) -> None:
        text = str(error)
        if text != self._problem:
            log.warning("sync waits: %s", text)
        self._problem = text
        asked_s = error.retry_after_s if isinstance(error, OriginRefused) else None
        wait_s = self._backoff.next_s(at_least_s=asked_s or 0.0)
        self._enter(SyncState.WAITING, wait_s)
        if asked_s:
            await self._clock.sleep(wait_s)  # the origin said not before: no hint overrides it
        else:
            await self._pause(wait_s)

    def _enter(self, state: SyncState, waiting_s: float = 0.0) -> None:
        self._state, self._waiting_s = state, waiting_s

    def _clear_problem(self) -> None:
        if self._problem:
            log.info("sync is well again")
        self._problem = ""

    async def _pause(self, seconds: float) -> None:
        waits = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._woken.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
