"""Keeps the device's content up to date: checks the origin, downloads a release, activates it, removes what is old.

The old release stays active until the new one is complete. No fault here stops the screen: the syncer waits and tries
again.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from sync.device.check_timer import CheckTimer
from sync.device.download_plan import FetchOrder, release_order
from sync.device.downloader import Downloader, ReleaseDoesNotFit
from sync.device.janitor import FileRepair, Janitor
from sync.device.origin_client import OriginClient
from sync.device.store.chunk_catalog import ChunkCatalog, open_catalog
from sync.device.store.content_store import ContentStore
from sync.device.store.media_intake import DownloadProgress
from sync.device.store.membership import change_channel
from sync.device.sync_state import SyncFacts, SyncProblems, state_of, transfer_problem
from sync.device.transfer.network_changes import NetworkChanges
from sync.device.transfer.transfer import ContentTransfer
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
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread
from sync.runtime.waiting import first_of
from sync.wire.release import Release, Timestamp

_NEXT_HINT_S = 1.0  # between two hints that are followed: an origin that sends them without end is polled no faster
_NEXT_NAMED_S = 10.0  # the same of hashes that exchanges name: several caches may have several files
_POLL_JITTER = 0.1  # share of the poll interval, so that devices that start together do not poll together

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How a device synchronizes: its channel at the start, how often it polls, and what it leaves free on the disk.

    `order` says in which order the assets of a release are fetched; it runs in a thread.
    """

    channel: str
    poll_s: float
    reserve_bytes: int
    order: FetchOrder = release_order


class Syncer:
    """The service that synchronizes one device.

    Checking and downloading run side by side: no poll, hint or newer release waits for a transfer. `activated` is
    called after each activation, `mended` when lost content of the active release is here again. Neither may block.
    """

    def __init__(
        self,
        client: OriginClient,
        transfer: ContentTransfer,
        store: ContentStore,
        clock: Clock,
        rng: Random,
        options: SyncOptions,
        activated: Callable[[], None],
        mended: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._transfer = transfer
        self._store = store
        self._clock = clock
        self._rng = rng
        self._channel = options.channel
        self._options = options
        self._activated = activated
        self._mended = mended
        self._files = FileRepair(store, clock, mended)
        self._update_check = UpdateCheck(client, store, clock, rng, options.channel)
        self._network = NetworkChanges(clock, self.wake)
        self._downloader: Downloader | None = None
        self._problems = SyncProblems(clock, rng, options.poll_s)
        self._timer = CheckTimer(clock, rng)
        self._disk_wait_over = asyncio.Event()
        self._named: str | None = None  # the hash that an exchange has named since the last check, unless a hint came
        self._accepted: _Accepted | None = None
        self._settled: Timestamp | None = None  # the one of which nothing is missing
        self._losses = 0  # how often content was found damaged or gone
        self._to_download = asyncio.Event()  # `_accepted` is to be compared with what is here
        self._mending = False  # something of the release had to be fetched: it was new here, or damaged
        self._downloading = ""  # the release whose media are being fetched
        self._started = False
        self._checking = True
        self._confirmed: tuple[float, datetime] | None = None

    def wake(self) -> None:
        """Check the origin and try all again that waits, now instead of later."""
        self._named = None
        self._check_now()
        self._transfer.queue.retry_now()

    def _check_now(self) -> None:
        self._timer.now()
        self._disk_wait_over.set()

    @property
    def channel(self) -> str:
        """The channel of this device, as the origin named it last."""
        return self._channel

    def hinted(self, channel: str | None, sequence: int | None, within_s: float) -> None:
        """Check at a random moment within so many seconds: the origin says that a channel has a newer release."""
        settled = self._settled.sequence if self._settled is not None else 0
        if channel in (None, self._channel) and (sequence is None or sequence > settled):
            self._named = None
            if self._check_within(within_s, _NEXT_HINT_S):
                self._disk_wait_over.set()  # what comes may be smaller

    def named(self, sha256: str, within_s: float) -> None:
        """Take it from an exchange that the timestamp of the channel has this hash.

        That of the file that is held counts as much as an answer that the file is unchanged. Another one has the file
        fetched. If the last check failed the next one comes by itself.
        """
        if self._problems.check:
            return
        if sha256 == self._update_check.held:
            if self._timer.is_set:
                return
            within_s = 0.0
        if not self._timer.is_set or self._named is not None:  # else a hint wants the file, whatever its hash is
            self._named = sha256
        self._check_within(within_s, _NEXT_NAMED_S)

    def _check_within(self, window_s: float, apart_s: float) -> bool:
        return self._timer.within(min(window_s, self._update_check.due_in_s()), apart_s=apart_s)

    async def follow(self, channel: str) -> None:
        """Follow the origin if it moved this device to another channel."""
        if channel == self._channel:
            return
        log.info("channel=%s replaces channel=%s", channel, self._channel)
        try:
            await in_thread(change_channel, self._store, channel)
        except (StorageBroken, StorageFull) as error:  # the origin names it again at the next start
            log.warning("the channel is not stored: %s", error)
        self._channel = channel
        self._update_check = UpdateCheck(self._client, self._store, self._clock, self._rng, channel)
        self.wake()

    def limits_changed(self) -> None:
        """Go on, or stop, as the limits say now."""
        self._transfer.queue.retry_now()

    def _lost(self) -> None:
        """Look for what is missing again: content that was here is damaged or gone."""
        self._losses += 1
        if self._settled is not None:
            self._settled = None
            self._check_now()

    def facts(self) -> SyncFacts:
        """Return the present state."""
        pointer = self._store.pointer()
        progress = self._downloader.progress() if self._downloader else DownloadProgress()
        pending = self._store.pending()
        transfers = self._transfer.queue.facts()
        out_of_budget = bool(self._downloading) and transfers.spent and not transfers.active
        waits = out_of_budget or (bool(self._downloading) and not transfers.active and transfers.waiting_s > 0)
        fetching = bool(self._downloading) and not waits and not self._problems.disk
        problem = self._problems.check or self._problems.disk
        if not problem and self._downloading:
            problem = transfer_problem(transfers)
        return SyncFacts(
            state=state_of(
                started=self._started,
                fetching=fetching,
                checking=self._checking and not waits and not self._problems.disk,
                failing=bool(problem) or waits,
            ),
            channel=self._channel,
            release=pointer.release if pointer else None,
            sequence=pointer.sequence if pointer else None,
            preparing=pending if pointer is None or pending != pointer.release else None,
            accepted=self._accepted.release if self._accepted else None,
            accepted_sequence=self._accepted.timestamp.sequence if self._accepted else None,
            bytes_to_do=progress.total_bytes,
            bytes_done=progress.done_bytes,
            last_confirmed=self._confirmed[0] if self._confirmed else None,
            confirmed_at=self._confirmed[1] if self._confirmed else None,
            problem=problem,
            trust=self._problems.trust,
            refused=dict(self._problems.refused),
            no_room=self._problems.no_room,
            waiting_s=transfers.waiting_s if waits else self._problems.waiting_s,
            out_of_budget=out_of_budget,
            failing_assets=transfers.failing,
            asset_problems=transfers.problems,
            sources=transfers.sources,
            limits=transfers.limits,
        )

    async def run(self) -> None:
        """Synchronize until cancelled."""
        self._started = False
        async with asyncio.TaskGroup() as group:
            group.create_task(self._network.run())
            group.create_task(self._synchronize())

    async def _synchronize(self) -> None:
        while True:
            await self._files.repair()
            try:
                async with open_catalog(self._store.catalog_path) as catalog:
                    await self._run_updates(catalog)
            except StorageBroken as error:
                await self._wait_for_disk(error)
            except StorageFull as error:
                await in_thread(self._store.delete_ballast)
                await self._wait_for_disk(error)

    async def _run_updates(self, catalog: ChunkCatalog) -> None:
        self._downloader = downloader = Downloader(
            self._transfer,
            self._store,
            catalog,
            self._clock,
            self._options.reserve_bytes,
            self._problems.note,
            self._check_now,
            self._options.order,
        )
        janitor = Janitor(self._store, catalog, self._clock, self._options.reserve_bytes, self._lost)
        self._started, self._settled = True, None
        self._problems.disk, self._problems.no_room = "", False
        try:
            await first_of(self._check_for_ever(), self._download_for_ever(downloader, janitor, catalog), janitor.run())
        finally:
            await downloader.stop()

    async def _check_for_ever(self) -> None:
        while True:
            self._checking = True
            reached = True
            hinted, (named, self._named) = self._timer.begin(), (self._named, None)
            hinted = hinted and named is None
            if hinted:
                self._transfer.queue.retry_now()
            try:
                await self._check(hinted=hinted, named=named)
                wait_s = self._options.poll_s * self._rng.uniform(1 - _POLL_JITTER, 1 + _POLL_JITTER)
            except (OriginRefused, OriginUnreachable, Untrusted, CorruptContent, StorageFull) as error:
                self._checking, reached = False, not isinstance(error, OriginUnreachable)
                wait_s, named = self._problems.check_failed(error), None
                if isinstance(error, StorageFull):
                    await in_thread(self._store.delete_ballast)
            self._transfer.queue.checked(reached=reached)
            await self._timer.wait(wait_s if named is None else 2 * wait_s)  # the next exchange comes before

    async def _check(self, *, hinted: bool, named: str | None) -> None:
        """Ask the origin for the newest release, and have the download follow it."""
        timestamp = await self._update_check.timestamp(hinted=hinted, named=named)
        settled = timestamp == self._settled and self._update_check.noted and self._store.has_ballast()
        if settled and not await self._lacks_bookings():
            self._problems.check_worked()
            self._confirm()
            self._checking = False
            return
        await self._files.repair()
        release = await self._update_check.release(timestamp)
        if self._problems.check:
            self._transfer.queue.retry_now()  # the line works again
        self._problems.check_worked()
        same = self._accepted is not None and self._accepted.release.booked == release.booked
        self._accepted = _Accepted(timestamp, release)
        self._transfer.queue.name_mirrors(timestamp.mirrors)
        self._mending |= self._update_check.fetched
        if self._downloading != timestamp.release or not same:
            self._to_download.set()
        else:
            self._checking = False

    async def _lacks_bookings(self) -> bool:
        """Return whether flights come near whose bookings are not here: no new release has to be published for them."""
        release = self._latest().release
        return bool(await in_thread(self._store.releases.missing_bookings, release, self._clock.now()))

    async def _download_for_ever(self, downloader: Downloader, janitor: Janitor, catalog: ChunkCatalog) -> None:
        while True:
            if self._accepted is None:
                await self._to_download.wait()
            self._to_download.clear()
            try:
                losses = self._losses
                if (complete := await self._download(downloader, catalog)) is None:
                    continue
                await janitor.evict()
                await in_thread(self._store.create_ballast)
            except StorageFull as error:
                if not await janitor.make_room(error.missing_bytes if isinstance(error, ReleaseDoesNotFit) else 0):
                    await self._wait_for_disk(error)
                continue
            self._settled = complete
            if losses != self._losses:  # something was lost meanwhile, perhaps after it was looked at
                self._lost()
            self._problems.disk_worked()
            if not self._to_download.is_set():
                self._checking = False
                await self._to_download.wait()

    async def _download(self, downloader: Downloader, catalog: ChunkCatalog) -> Timestamp | None:
        """Complete, activate and return what was accepted; None if something else is accepted meanwhile."""
        accepted = self._latest()
        self._transfer.fetch_for(accepted.timestamp.release)

        def begun() -> None:
            self._downloading, self._checking, self._mending = accepted.timestamp.release, False, True

        if not await downloader.download(accepted.release, self._to_download, begun):
            return None
        self._downloading, self._checking = "", True
        newest = self._latest() if self._latest().of(accepted) else accepted
        mended, self._mending = self._mending, False
        await self._activate(newest.timestamp, newest.release, catalog, mended=mended)
        return newest.timestamp

    def _latest(self) -> "_Accepted":
        assert self._accepted is not None, "a check comes first"
        return self._accepted

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
        self._confirm()
        if new:
            await catalog.mark_needed([asset.sha256 for asset in release.assets], self._clock.now())

    def _confirm(self) -> None:
        self._confirmed = (self._clock.monotonic(), self._clock.now())
        self._problems.confirmed()

    async def _wait_for_disk(self, error: SignageError) -> None:
        self._checking = False
        self._disk_wait_over.clear()
        await first_of(self._clock.sleep(self._problems.disk_failed(error)), self._disk_wait_over.wait())


@dataclass(frozen=True, slots=True)
class _Accepted:
    """What the origin named last."""

    timestamp: Timestamp
    release: Release

    def of(self, other: "_Accepted") -> bool:
        """Return whether both name the same release."""
        return self.timestamp.release == other.timestamp.release
