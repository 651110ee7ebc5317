"""The record of takes: what was shown is judged, and written to the ledger in the order it happened.

The screen never waits for a disk that fails: what cannot be written stays in memory and is written with the next
entry. Only an ad needs its reservation on the disk first: an ad that cannot be proved is not shown.
"""

import asyncio
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from pydantic import TypeAdapter, ValidationError

from player.director.record_clock import RecordClock, Span, TakeStart
from player.evidence.ledger import Ledger
from player.evidence.ledger_entries import (
    Entry,
    LogHead,
    MemoryChange,
    OpenTake,
    SavedMemory,
    TakeClosed,
    TakeProgress,
    TakeReserved,
    TakeStarted,
)
from player.evidence.take_states import TAKE_ENDS, TAKE_STATES, TakeEnd, TakeState
from player.programme.proof_of_play import (
    ScreenCondition,
    StartFacts,
    TakeFacts,
    TakeOnAir,
    chain_play,
    judge_take,
)
from player.protocol.stage_interface import Ended
from sync.errors import StorageBroken, StorageFull
from sync.programme.ad_selection import AdHead, AdState, ad_changes, refund
from sync.programme.ad_separation import RecentAd
from sync.programme.ad_shares import Account
from sync.programme.items_and_breaks import Rotation
from sync.programme.next_take import Memory, Planned
from sync.programme.take import Take
from sync.runtime.clock import ClockTrust, boot_id
from sync.wire.device_reports import Play, PlayKind
from sync.wire.value_types import Model

_MOST_PENDING = 10_000  # a day of ten-second items, some 20 MB
_FEW_ACCOUNTS = 8  # that are written one by one
_ACCOUNTS = TypeAdapter(tuple[Account, ...])

log = logging.getLogger(__name__)


class TakeRecorder:
    """The memory of the programme and the state of each take; `problem` says why writing fails, or is empty."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.memory = Memory(Rotation(), AdState(AdHead(seed=seed), {}))
        self.problem = ""
        self._ledger = ledger
        self._seed = seed
        self._saved: Memory | None = None  # None: the evidence could not be read yet
        self._no_ads = self.memory.ads  # what decisions know of ads until then
        self._rotation = self.memory.rotation  # before the latest reservation
        self._states: dict[str, TakeState] = {}  # of takes that are reserved or on air
        self._times = RecordClock()
        self._pending: list[Entry] = []
        self._writing = asyncio.Lock()

    async def recover(self) -> None:
        """Read what the programme remembered, and close the takes that the last run left open.

        While the evidence cannot be read the screen goes on, and `retry` tries again.
        """
        await self._flush()
        try:
            await self._ledger.open_file()
            open_takes, saved = await self._ledger.open_takes(), await self._ledger.saved_memory()
        except (StorageFull, StorageBroken) as error:
            self._report_problem(str(error))
            return
        started = [left.started_ms for left in open_takes if left.started_ms is not None]
        used = await self._used_time(min(started)) if started else []
        if self._saved is None:
            shown, self._saved = self.memory.rotation, memory_from(saved, self._seed)
            self.memory = self._saved if shown == Rotation() else replace(self._saved, rotation=shown)
            self._times.unread = True
        since, self._pending = self._pending, []
        for left in open_takes:
            self._recover(left, used)
        self._pending += since
        await self._flush()

    def _recover(self, left: OpenTake, used: list[Span]) -> None:
        self._states[left.take] = left.state
        try:
            take = TakeOnAir.model_validate_json(left.body)
        except ValidationError:
            log.error("take=%s is dropped: its row in the ledger cannot be read", left.take)
            self._move(left.take, TakeState.ABORTED)
            self._pending.append(TakeClosed(left.take))
            return
        log.warning("take=%s title=%s was %s when the player stopped", take.take, take.title, left.state.value)
        if left.started_ms is None:
            self._close(take, None, failed=False)
            return
        start = TakeStart(0, left.started_ms, left.started_ms)  # counted from its own start
        start = self._times.avoid(start, used)
        times = self._times.end(start, left.shown_ms / 1000)
        facts = judge_take(
            take, None, times, start=take.start or StartFacts(clock=ClockTrust(left.clock)), boot_id=boot_id()
        )
        self._close(take, facts, failed=False)

    def state(self, planned: Planned) -> TakeState:
        """Return where a take stands that has not ended."""
        return self._states.get(planned.take.take, TAKE_STATES.start)

    async def reserve(self, planned: Planned) -> bool:
        """Write a decision before its cut is ordered; False: it is an ad and could not be written."""
        before = self.memory
        self._rotation = before.rotation
        self._move(planned.take.take, TakeState.RESERVED)
        self.memory = self._with_saved_ads(planned.memory)
        self._pending.append(TakeReserved(planned.take.take, planned.take.model_dump_json()))
        await self.save()
        if not self.problem or planned.take.kind is PlayKind.ITEM:
            return True
        self._move(planned.take.take, TakeState.ABORTED)
        self._drop(planned.take.take)
        self.memory = replace(before, rotation=planned.memory.rotation)
        return False

    def cancel(self, planned: Planned) -> None:
        """Give up a take that will not be shown; the programme goes on as if it had never been."""
        if self.state(planned) is TakeState.PLANNED:
            self._move(planned.take.take, TakeState.ABORTED)
            return
        self._close(planned.take, None, failed=False)
        self.memory = replace(self.memory, rotation=self._rotation)

    def skip(self, planned: Planned) -> None:
        """Go on after a take that is not reserved: it cannot be shown, or an operator stepped over it."""
        self.memory = self._with_saved_ads(planned.memory)
        self._end(planned.take, TakeState.SKIPPED, failed=True)

    def start(self, take: Take, at_s: float, now: datetime, now_s: float) -> TakeStart:
        """Start a take that came on the screen at `at_s`; `now` and `now_s` are both clocks, read together."""
        self._move(take.take, TakeState.STARTED)
        return self._times.start(at_s, now, now_s)

    async def avoid_used_time(self, start: TakeStart) -> TakeStart:
        """Return the start again, outside the time of recorded plays; the ledger is read after a clock step only."""
        return self._times.avoid(start, await self._used_time(start.unix_ms)) if self._times.unread else start

    async def write_start(self, take: Take, start: TakeStart, facts: StartFacts) -> None:
        """Write that a take is on the screen, with what is known of that moment."""
        body = TakeOnAir(**take.model_dump(), start=facts).model_dump_json(exclude_none=True)
        self._pending.append(TakeStarted(take.take, body, start.unix_ms, facts.clock.value))
        await self.save()

    def end(
        self, take: Take, ended: Ended, start: TakeStart, *, facts: StartFacts, screen: ScreenCondition
    ) -> TakeFacts | None:
        """Judge a take that left the screen; `save` writes its play. `facts` are of its start."""
        found = judge_take(take, ended, self._times.end(start, ended.gone_s), start=facts, screen=screen)
        self._close(take, found, failed=ended.failed and not ended.deck_lost)
        return found

    async def save(self) -> None:
        """Write all that is pending, as one transaction; while the disk fails, only `retry` tries."""
        if not self.problem:
            await self._flush()

    async def retry(self) -> None:
        """Write what could not be written before; read first what could not be read."""
        if self._saved is None:
            await self.recover()
        elif self.problem:
            await self._flush()

    async def write_progress(self, take: str, shown: timedelta) -> None:
        """Write how long a take has been on the screen, in case the device stops while it is on."""
        self._pending = [entry for entry in self._pending if not isinstance(entry, TakeProgress)]
        self._pending.append(TakeProgress(take, shown // timedelta(milliseconds=1)))
        await self.save()

    def record_failure(self, asset: str, reason: str, at: datetime) -> None:
        """Count a failure of an asset."""
        self._pending.append(self._ledger.quarantine.record_failure(asset, reason, at))

    def record_success(self, asset: str) -> None:
        """Forget the failures of an asset that played."""
        forgotten = self._ledger.quarantine.record_success(asset)
        if forgotten is not None:
            self._pending.append(forgotten)

    async def _used_time(self, after_ms: int) -> list[Span]:
        """Return the time after an instant that the ledger holds; none while it cannot be read."""
        try:
            return await self._ledger.outbox.times_after(after_ms)
        except (StorageFull, StorageBroken) as error:
            log.warning("earlier plays cannot be read, their times may be given out again: %s", error)
            return []

    def _move(self, take: str, after: TakeState) -> None:
        self._states[take] = TAKE_STATES.move(self._states.get(take, TAKE_STATES.start), after)
        if TAKE_STATES.is_end(after):
            del self._states[take]

    def _close(self, take: Take, facts: TakeFacts | None, *, failed: bool) -> None:
        """End a take that has a row in the ledger; without `facts` nobody saw it."""
        end = self._end(take, TakeState.ABORTED if facts is None else TakeState(facts.outcome.value), failed=failed)
        self._drop(take.take)
        make_play = partial(_make_play, take, facts) if facts is not None and end.play else None
        self._pending.append(TakeClosed(take.take, make_play))

    def _end(self, take: Take, after: TakeState, *, failed: bool) -> TakeEnd:
        self._move(take.take, after)
        end = TAKE_ENDS[after]
        if end.refund and take.choice is not None:
            self.memory = replace(self.memory, ads=refund(self.memory.ads, take.choice, failed=failed))
        return end

    def _drop(self, take: str) -> None:
        """Remove the pending entries of a take: its end replaces them."""
        self._pending = [
            entry
            for entry in self._pending
            if not (isinstance(entry, TakeReserved | TakeStarted | TakeProgress) and entry.take == take)
        ]

    def _with_saved_ads(self, memory: Memory) -> Memory:
        """Return the memory of a decision, which may have been made before what is known of ads could be read."""
        return replace(memory, ads=self.memory.ads) if memory.ads is self._no_ads else memory

    async def _flush(self) -> None:
        async with self._writing:
            entries, memory = tuple(self._pending), self.memory
            if self._saved is None or (not entries and memory is self._saved and not self.problem):
                return  # the memory is never overwritten before it was read
            try:
                await self._ledger.write(entries, _memory_change(self._saved, memory))
            except (StorageFull, StorageBroken) as error:
                self._report_problem(str(error))
                return
            written = {id(entry) for entry in entries}
            self._pending = [entry for entry in self._pending if id(entry) not in written]
            self._saved = memory
            if self.problem:
                log.info("plays are written to disk again")
            self.problem = ""

    def _report_problem(self, error: str) -> None:
        if not self.problem:
            log.error("plays cannot be written to disk; they are kept in memory, and no ads are shown: %s", error)
        self.problem = f"plays cannot be written to disk: {error}"
        if len(self._pending) > _MOST_PENDING:
            log.error("plays=%d lost: the disk could not be written for too long", len(self._pending) - _MOST_PENDING)
            del self._pending[:-_MOST_PENDING]


def _make_play(take: Take, facts: TakeFacts, head: LogHead) -> Play:
    return chain_play(head.hash, take, facts, device=head.device, log_epoch=head.epoch, sequence=head.sequence + 1)


def _memory_change(before: Memory, after: Memory) -> MemoryChange:
    changed, head = ad_changes(before.ads, after.ads), after.ads.head
    change = MemoryChange(
        rotation=None if before.rotation == after.rotation else after.rotation.model_dump_json(),
        ads=None if before.ads.head is head else head.model_dump_json(exclude={"recent"}),
        recent_ads={one.choice: one.model_dump_json() for one in changed.recent},
        removed_ads=changed.removed_choices,
        recent_from=head.recent_from,
    )
    accounts = after.ads.accounts
    if len(changed.accounts) + len(changed.removed_lines) > max(_FEW_ACCOUNTS, len(accounts) // 100):
        return replace(change, all_accounts=_ACCOUNTS.dump_json(tuple(accounts.values()), exclude_defaults=True))
    written = {account.line: account.model_dump_json() for account in changed.accounts}
    return replace(change, accounts=written, removed_lines=changed.removed_lines)


def memory_from(saved: SavedMemory, seed: int) -> Memory:
    """Return what the programme remembered; `seed` is for a device that has shown no ads yet.

    What is damaged is lost, for the screen must go on; without their head the ads begin anew.
    """
    rotation = _read(Rotation, saved.rotation) or Rotation()
    head = _read(AdHead, saved.ads)
    if head is None:
        return Memory(rotation, AdState(AdHead(seed=seed), {}))
    kept = range(head.recent_from, head.choices)
    recent = (one for body in saved.recent_ads if (one := _read(RecentAd, body)) and one.choice in kept)
    written = _ACCOUNTS.validate_json(saved.all_accounts) if saved.all_accounts else ()
    accounts = {account.line: account for account in written}
    for line, body in saved.accounts.items():
        if account := _read(Account, body):
            accounts[line] = account
        else:  # removed, or damaged
            accounts.pop(line, None)
    return Memory(rotation, AdState(head.model_copy(update={"recent": tuple(recent)}), accounts))


def _read(model: type[Model], body: str | None) -> Model | None:
    """Return what a row says; None if there is none, or it is damaged."""
    if not body:
        return None
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        log.error(
            "a row of what the programme remembers is damaged on the disk, and lost: %s", error.errors()[0]["msg"]
        )
        return None
