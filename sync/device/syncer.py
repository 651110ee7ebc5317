"""Keeps the device's content up to date: checks the origin, downloads a release, activates it, removes what is old.

The old release stays active until the new one is complete. No fault here stops the screen: the syncer waits and tries
again.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from random import Random

from sync.device.downloader import Downloader, ReleaseDoesNotFit
from sync.device.janitor import FileRepair, Janitor
from sync.device.origin_client import OriginClient
from sync.device.range_fetcher import SpanFetcher
from sync.device.recurring_problem import RecurringProblem
from sync.device.store.chunk_catalog import ChunkCatalog, open_catalog
from sync.device.store.content_store import ContentStore
from sync.device.store.media_intake import DownloadProgress
from sync.device.store.membership import change_channel
from sync.device.update_check import UpdateCheck
from sync.errors import (
    CorruptContent,
    OriginRefused,
    OriginUnreachable,
    Outdated,
    SignageError,
    StorageBroken,
    StorageFull,
    Untrusted,
)
from sync.runtime.clock import Backoff, Clock
from sync.runtime.state_table import StateTable
from sync.runtime.threads import in_thread
from sync.wire.release import Release, Timestamp

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0
_POLL_JITTER = 0.1  # share of the poll interval, so that devices that start together do not poll together

log = logging.getLogger(__name__)


class SyncState(StrEnum):
    """What the syncer does. Its run begins with STARTING; it has no end."""

    STARTING = "starting"  # the catalogue is opened and compared with the files
    CHECKING = "checking"  # the origin is asked for the newest release
    FETCHING = "fetching"  # a release is accepted, and some of its media are missing
    CURRENT = "current"  # the active release is the one that the origin named last
    WAITING = "waiting"  # the last try failed; `problem` says why, and `waiting_s` when the next one is


SYNC_STATES = StateTable(
    "syncer",
    SyncState.STARTING,
    {
        SyncState.STARTING: {
            SyncState.CHECKING: "the catalogue matches the files",
            SyncState.WAITING: "the disk fails or is full",
        },
        SyncState.CHECKING: {
            SyncState.CHECKING: "the disk was full, and there is room now",
            SyncState.FETCHING: "media are missing",
            SyncState.CURRENT: "nothing is missing",
            SyncState.WAITING: "the origin, the release or the disk is at fault",
        },
        SyncState.FETCHING: {
            SyncState.CHECKING: "a poll is due, a hint came, or there is room now",
            SyncState.CURRENT: "nothing is missing any more",
            SyncState.WAITING: "the origin, the content or the disk is at fault",
        },
        SyncState.CURRENT: {SyncState.CHECKING: "a poll is due, or a hint came"},
        SyncState.WAITING: {
            SyncState.CHECKING: "the wait is over",
            SyncState.WAITING: "the catalogue still cannot be opened",
        },
    },
)


@dataclass(frozen=True, slots=True)
class SyncFacts:
    """The state of the syncer for status and metrics."""

    state: SyncState = SyncState.STARTING
    channel: str = ""
    release: str | None = None  # the active release
    sequence: int | None = None
    preparing: str | None = None  # the release that was accepted last and is not complete yet
    bytes_to_do: int = 0
    bytes_done: int = 0
    last_confirmed: float | None = None  # when the origin last confirmed the active release, in monotonic seconds
    confirmed_at: datetime | None = None  # the same moment by the wall clock
    problem: str = ""  # the last fault, until a release is confirmed
    trust: str = ""  # the rule that the last document broke (`Distrust`), until one is accepted
    refused: Mapping[str, int] = field(default_factory=dict)  # documents by the rule they broke, since start
    waiting_s: float = 0.0  # how long the syncer waits before the next try


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How a device synchronizes: its channel at the start, how often it polls, and what it leaves free on the disk."""

    channel: str
    poll_s: float
    reserve_bytes: int


class Syncer:
    """The service that synchronizes one device.

    `activated` is called after each activation, `mended` when lost content of the active release is here again. Neither
    may block.
    """

    def __init__(
        self,
        client: OriginClient,
        fetcher: SpanFetcher,
        store: ContentStore,
        clock: Clock,
        rng: Random,
        options: SyncOptions,
        activated: Callable[[], None],
        mended: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._fetcher = fetcher
        self._store = store
        self._clock = clock
        self._rng = rng
        self._channel = options.channel
        self._options = options
        self._activated = activated
        self._mended = mended
        self._files = FileRepair(store, clock, mended)
        self._update_check = UpdateCheck(client, store, clock, options.channel)
        self._downloader: Downloader | None = None
        self._backoff = Backoff(first_s=FIRST_WAIT_S, limit_s=LONGEST_WAIT_S, rng=rng)
        self._wake_requested = asyncio.Event()
        self._state = SyncState.STARTING
        self._problem = ""
        self._trust = ""
        self._refused = Counter[str]()
        self._problems = RecurringProblem(clock, log, "sync waits", "sync works again")
        self._waiting_s = 0.0
        self._confirmed: tuple[float, datetime] | None = None

    def wake(self) -> None:
        """Check the origin now instead of at the next poll."""
        self._wake_requested.set()

    def facts(self) -> SyncFacts:
        """Return the present state."""
        pointer = self._store.pointer()
        progress = self._downloader.progress() if self._downloader else DownloadProgress()
        pending = self._store.pending()
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
            trust=self._trust,
            refused=dict(self._refused),
            waiting_s=self._waiting_s,
        )

    async def run(self) -> None:
        """Synchronize until cancelled."""
        self._state = SYNC_STATES.start
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen_for_hints())
            group.create_task(self._synchronize())

    async def _synchronize(self) -> None:
        while True:
            await self._files.repair()
            try:
                async with open_catalog(self._store.catalog_path) as catalog:
                    await self._run_updates(catalog)
            except StorageBroken as error:
                await self._wait_after_error(error)
            except StorageFull as error:
                await in_thread(self._store.delete_ballast)
                await self._wait_after_error(error)

    async def _run_updates(self, catalog: ChunkCatalog) -> None:
        self._downloader = downloader = Downloader(
            self._client, self._fetcher, self._store, catalog, self._clock, self._rng, self._options.reserve_bytes
        )
        janitor = Janitor(self._store, catalog, self._clock, self._options.reserve_bytes)
        await janitor.reconcile()
        while True:
            try:
                await self._update(downloader, janitor, catalog)
            except (OriginRefused, OriginUnreachable, Untrusted, CorruptContent) as error:
                await self._wait_after_error(error)
            except StorageFull as error:
                if not await janitor.make_room(error.missing_bytes if isinstance(error, ReleaseDoesNotFit) else 0):
                    await self._wait_after_error(error)

    async def _update(self, downloader: Downloader, janitor: Janitor, catalog: ChunkCatalog) -> None:
        """Check, download and activate once. Return when the next check is due."""
        self._wake_requested.clear()
        await self._files.repair()
        await catalog.restore()
        self._enter(SyncState.CHECKING)
        timestamp = await self._update_check.timestamp()
        release = await self._update_check.release(timestamp)
        self._trust = ""
        until = self._clock.monotonic() + self._options.poll_s

        def should_stop() -> bool:
            return self._wake_requested.is_set() or self._clock.monotonic() >= until

        if missing := bool(await downloader.missing(release)):
            self._enter(SyncState.FETCHING)
        before = downloader.progress().done_bytes
        try:
            complete = await downloader.download(release, should_stop)
        finally:
            if downloader.progress().done_bytes > before:
                self._backoff.reset()  # some bytes arrived: the connection works
        if complete:
            await self._activate(timestamp, release, catalog, mended=missing or self._update_check.fetched)
            await janitor.evict()
            await janitor.scrub()
            await in_thread(self._store.create_ballast)
            self._enter(SyncState.CURRENT)
            await self._wait_for_wake(self._options.poll_s * self._rng.uniform(1 - _POLL_JITTER, 1 + _POLL_JITTER))
        elif not should_stop():
            await self._wait_for_wake(FIRST_WAIT_S)  # media are missing without a fault: check again, with a pause

    async def _activate(self, timestamp: Timestamp, release: Release, catalog: ChunkCatalog, *, mended: bool) -> None:
        """Make a new release the active one; with `mended`, what was lost of the active one is here again."""
        pointer = self._store.pointer()
        new = pointer is None or (pointer.release, pointer.sequence) != (timestamp.release, timestamp.sequence)
        if new:
            await in_thread(self._store.activate, timestamp.release, timestamp.sequence)
            log.info("release=%s sequence=%s is active", timestamp.release, timestamp.sequence)
            self._activated()
        elif mended:
            self._mended()
        self._confirmed = (self._clock.monotonic(), self._clock.now())
        self._backoff.reset()
        self._clear_problem()
        if new:
            await catalog.mark_needed([asset.sha256 for asset in release.assets], self._clock.now())

    async def _listen_for_hints(self) -> None:
        backoff = Backoff(first_s=FIRST_WAIT_S, limit_s=LONGEST_WAIT_S, rng=self._rng)
        while True:
            try:
                await self._update_channel()
                async with contextlib.aclosing(self._client.hints()) as hints:
                    async for hint in hints:
                        backoff.reset()
                        if hint.topic == "release" and hint.channel in (None, self._channel):
                            self.wake()
                offline = False
            except (OriginRefused, OriginUnreachable) as error:
                log.debug("no live hints, only polling: %s", error)
                offline = isinstance(error, OriginUnreachable) and error.offline
            await self._clock.sleep(backoff.next_s(offline=offline))

    async def _update_channel(self) -> None:
        """Follow the origin if it moved this device to another channel. It closes the live connection when it does."""
        try:
            channel = (await self._client.channel_assignment()).channel
        except OriginRefused as error:
            log.debug("the origin does not name the channel of this device: %s", error)
            return
        if channel != self._channel:
            log.info("channel=%s replaces channel=%s", channel, self._channel)
            try:
                await in_thread(change_channel, self._store, channel)
            except (StorageBroken, StorageFull) as error:  # the origin names it again at the next start
                log.warning("the channel is not stored: %s", error)
            self._channel = channel
            self._update_check = UpdateCheck(self._client, self._store, self._clock, channel)
            self.wake()

    async def _wait_after_error(self, error: SignageError) -> None:
        self._problem = str(error)
        if isinstance(error, Untrusted | CorruptContent) and error.reason:
            self._trust = error.reason.value
            self._refused[self._trust] += 1
        self._problems.occurred(self._problem, comes_and_goes=isinstance(error, Outdated))
        asked_s = error.retry_after_s if isinstance(error, OriginRefused) else None
        offline = isinstance(error, OriginUnreachable) and error.offline
        wait_s = self._backoff.next_s(at_least_s=asked_s or 0.0, offline=offline)
        self._enter(SyncState.WAITING, wait_s)
        if asked_s:
            await self._clock.sleep(wait_s)  # the origin asked for this wait: a hint does not shorten it
        else:
            await self._wait_for_wake(wait_s)

    def _enter(self, state: SyncState, waiting_s: float = 0.0) -> None:
        self._state, self._waiting_s = SYNC_STATES.move(self._state, state), waiting_s

    def _clear_problem(self) -> None:
        self._problems.cleared()
        self._problem = ""

    async def _wait_for_wake(self, seconds: float) -> None:
        waits = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._wake_requested.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
