"""Keeps the proof while the show goes on: what the engines judge, the ledger writes, in the order it happened.

The screen never waits for a disk that fails: what could not be written is kept in memory and written with the next
entry. Only an ad needs its reservation on disk first, for what cannot be proved is not to be sold.
"""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from player.evidence.ledger import Ledger
from player.evidence.ledger_entries import (
    Entry,
    Head,
    MemoryChange,
    OpenTake,
    Saved,
    TakeClosed,
    TakeReserved,
    TakeSeen,
    TakeStarted,
)
from player.programme.ad_pacing import Account
from player.programme.ad_selection import AdHead, AdState, changes, refund
from player.programme.planner import Memory, Planned
from player.programme.proof_of_play import NoPlay, Take, TakeFacts, chain_play, judge_take
from player.programme.rotation import Rotation
from player.protocol.screen import Ended
from sync.errors import StorageBroken, StorageFull
from sync.runtime.clock import ClockTrust
from sync.wire.report import Play, PlayKind, ScreenState

_MOST_PENDING = 10_000  # a day of ten-second items, some 20 MB

log = logging.getLogger(__name__)


class TakeRecorder:
    """The memory of the programme and the log of its takes; `problem` says why writing fails, or is empty."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.memory = Memory(Rotation(), AdState(AdHead(seed=seed), {}))
        self.problem = ""
        self._ledger = ledger
        self._seed = seed
        self._saved: Memory | None = None
        self._rotation = self.memory.rotation  # before the latest reservation
        self._pending: list[Entry] = []
        self._writing = asyncio.Lock()

    async def recover(self) -> None:
        """Read what the programme remembered, and close what the last run left open: aborted or interrupted.

        Raises:
            StorageBroken: the evidence cannot be read.
        """
        if self._saved is None:
            self.memory = self._saved = memory_of(await self._ledger.saved(), self._seed)
        await self._flush()
        for left in await self._ledger.open_takes():
            self._recover(left)
        await self._flush()

    def _recover(self, left: OpenTake) -> None:
        try:
            take = Take.model_validate_json(left.body)
        except ValidationError:
            log.error("take=%s cannot be read and is given up", left.take)
            self._pending.append(TakeClosed(left.take))
            return
        log.warning("take=%s title=%s was cut off by the last stop", take.take, take.title)
        started_at = None if left.started_ms is None else datetime.fromtimestamp(left.started_ms / 1000, UTC)
        trust = ClockTrust(left.clock) if left.clock else ClockTrust.UNSYNCED
        facts = judge_take(take, None, started_at, clock=trust)
        if isinstance(facts, TakeFacts):
            facts = replace(facts, rendered_ms=left.shown_ms)
        self._close(take, facts, failed=False)

    async def reserve(self, planned: Planned) -> bool:
        """Make a decision durable before its cut is armed; False: it is an ad, and it could not be."""
        before = self.memory
        self._rotation = before.rotation
        self.memory = planned.memory
        self._pending.append(TakeReserved(planned.take.take, planned.take.model_dump_json()))
        await self.save()  # a disk in trouble is not waited for twice
        if not self.problem or planned.take.kind is PlayKind.ITEM:
            return True
        self._drop(planned.take.take)
        self.memory = replace(before, rotation=planned.memory.rotation)
        return False

    def abandon(self, planned: Planned) -> None:
        """Give up the take reserved last, which will not be shown: as if it had never been. The next write says so."""
        self.memory = replace(self.memory, rotation=self._rotation)
        self._close(planned.take, NoPlay("it was not shown"), failed=False)

    def skip(self, planned: Planned) -> None:
        """Pass over a take that could not be shown, before it was reserved."""
        self.memory = planned.memory
        self._refund(planned.take, failed=True)

    def start(self, take: Take, started_at: datetime, clock: ClockTrust) -> None:
        """Note that a take came on the screen; `save` writes it."""
        started_ms = round(started_at.timestamp() * 1000)
        self._pending.append(TakeStarted(take.take, take.model_dump_json(), started_ms, clock.value))

    def end(
        self, take: Take, ended: Ended, started_at: datetime, *, clock: ClockTrust, screen: ScreenState
    ) -> TakeFacts | NoPlay:
        """Judge a take that left the screen, and note the play it was; `save` writes it. `clock` is of its start."""
        facts = judge_take(take, ended, started_at, screen=screen, clock=clock)
        self._close(take, facts, failed=ended.failed and not ended.deck_lost)
        return facts

    async def save(self) -> None:
        """Write all that was noted, as one transaction; while the disk fails, `retry` does."""
        if not self.problem:
            await self._flush()

    async def retry(self) -> None:
        """Write what the disk would not take before."""
        if self.problem:
            await self._flush()

    async def touch(self, take: str, shown: timedelta) -> None:
        """Note how long a take has been on the screen, in case the device stops under it."""
        self._pending = [entry for entry in self._pending if not isinstance(entry, TakeSeen)]
        self._pending.append(TakeSeen(take, shown // timedelta(milliseconds=1)))
        await self.save()

    def failed(self, asset: str, reason: str, at: datetime) -> None:
        """Count a failure against an asset."""
        self._pending.append(self._ledger.quarantine.note_failure(asset, reason, at))

    def played(self, asset: str) -> None:
        """Forget the failures of an asset that played."""
        healed = self._ledger.quarantine.note_success(asset)
        if healed is not None:
            self._pending.append(healed)

    def _close(self, take: Take, facts: TakeFacts | NoPlay, *, failed: bool) -> None:
        self._drop(take.take)
        if isinstance(facts, NoPlay):
            self._pending.append(TakeClosed(take.take))
            self._refund(take, failed=failed)
            return

        def seal(head: Head) -> Play:
            return chain_play(
                head.hash, take, facts, device=head.device, log_epoch=head.epoch, sequence=head.sequence + 1
            )

        self._pending.append(TakeClosed(take.take, seal))
        if facts.refunded:
            self._refund(take, failed=failed)

    def _drop(self, take: str) -> None:
        """Forget what was noted of a take and not written yet: its end says it all."""
        self._pending = [
            entry
            for entry in self._pending
            if not (isinstance(entry, TakeReserved | TakeStarted | TakeSeen) and entry.take == take)
        ]

    def _refund(self, take: Take, *, failed: bool) -> None:
        if take.choice is not None:
            self.memory = replace(self.memory, ads=refund(self.memory.ads, take.choice, failed=failed))

    async def _flush(self) -> bool:
        async with self._writing:
            entries, memory = tuple(self._pending), self.memory
            if self._saved is None or (not entries and memory is self._saved):
                return True  # before the memory was read nothing may be overwritten
            try:
                await self._ledger.write(entries, _change(self._saved, memory))
            except (StorageFull, StorageBroken) as error:
                self._troubled(str(error))
                return False
            written = {id(entry) for entry in entries}
            self._pending = [entry for entry in self._pending if id(entry) not in written]
            self._saved = memory
            if self.problem:
                log.info("plays are written to disk again")
            self.problem = ""
            return True

    def _troubled(self, error: str) -> None:
        if not self.problem:
            log.error("plays cannot be written to disk, kept in memory, no ads until they can: %s", error)
        self.problem = f"plays cannot be written to disk: {error}"
        if len(self._pending) > _MOST_PENDING:
            log.error("plays=%d lost: the disk cannot be written for too long", len(self._pending) - _MOST_PENDING)
            del self._pending[:-_MOST_PENDING]


def _change(before: Memory, after: Memory) -> MemoryChange:
    changed = changes(before.ads, after.ads)
    return MemoryChange(
        rotation=None if before.rotation == after.rotation else after.rotation.model_dump_json(),
        ads=None if before.ads.head == after.ads.head else after.ads.head.model_dump_json(),
        accounts={account.line: account.model_dump_json() for account in changed.accounts},
        gone=changed.gone,
    )


def memory_of(saved: Saved, seed: int) -> Memory:
    """Return what the programme remembered; `seed` is of ads never shown before."""
    rotation = Rotation.model_validate_json(saved.rotation) if saved.rotation else Rotation()
    head = AdHead.model_validate_json(saved.ads) if saved.ads else AdHead(seed=seed)
    accounts = {line: Account.model_validate_json(body) for line, body in saved.accounts.items()}
    return Memory(rotation, AdState(head, accounts))
