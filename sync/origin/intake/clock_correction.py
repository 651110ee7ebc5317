"""Gives what screens recorded under a clock that nobody had set its right time, once they say when it was set.

Documents stay as they came: only the times in the tables change, by which plays are found, summed and judged. A play
that moves is judged anew, and so is what was set aside because of the time that it had. What a request cannot do in a
second a service does; the record that corrects, and each play that moved, are noted as open until it is done.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, aclosing

from sync.origin.intake.play_judge import PlayJudge
from sync.origin.proof.clock_corrections import (
    ClockRecord,
    Recorded,
    as_recorded,
    at_right_time,
    clock_offset_ms,
    clock_record,
)
from sync.origin.proof.plausibility import OVERLAPS
from sync.origin.sent_plays.sent_play import span_of
from sync.origin.store.proof.history import HistoryStore
from sync.origin.store.proof.play_times import MovedPlay, PlayTimeStore, StoredPlay
from sync.origin.store.proof.plays import ReceivedPlay
from sync.runtime.clock import Clock
from sync.wire.device_reports import HistoryRecord

AT_ONCE = 500
"""Plays that are read and moved in one transaction."""

IN_REQUEST_S = 1.0
"""How long a request corrects plays, so that its answer comes before the device gives it up."""

log = logging.getLogger(__name__)


class ClockCorrection:
    """Finds right times: a service, and for requests, which have the turn of the device (`turn`).

    `changed` is called with a device whose plays have moved.
    """

    def __init__(
        self,
        history: HistoryStore,
        plays: PlayTimeStore,
        judge: PlayJudge,
        turn: Callable[[str], AbstractAsyncContextManager[None]],
        changed: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._history = history
        self._plays = plays
        self._judge = judge
        self._turn = turn
        self._changed = changed
        self._clock = clock
        self._left: dict[str, None] = {}  # devices that requests did not finish, in the order of their turns
        self._wanted = asyncio.Event()

    async def run(self) -> None:
        """Finish what an earlier run and requests have left, until cancelled."""
        self._left |= dict.fromkeys(
            sorted(await self._history.devices_to_correct() | await self._plays.devices_moved())
        )
        while True:
            self._wanted.clear()
            while self._left:
                device = next(iter(self._left))
                self._left[device] = self._left.pop(device)  # behind the others, should this one fail
                await self._finish(device)
            await self._wanted.wait()

    async def timed(self, device: str, received: Sequence[ReceivedPlay]) -> list[ReceivedPlay]:
        """Return plays that arrive with what corrects their time, as far as that is known."""
        recorded = [as_recorded(one.play) for one in received]
        records = await self._records(device, recorded)
        offsets = [None if each is None else clock_offset_ms(each, records) for each in recorded]
        return [
            one if ms is None else one._replace(right=at_right_time(one.play, ms), offset_ms=ms)
            for one, ms in zip(received, offsets, strict=True)
        ]

    async def correct(self, device: str, arrived: Sequence[HistoryRecord]) -> None:
        """Correct what is stored of a device by the records that just arrived, for a second; `run` goes on."""
        await self._correct_history(device, {one.boot_id for one in arrived if one.boot_id is not None})
        if device in self._left or not await self._history.that_correct(device):
            return
        moved, until_s = 0, self._clock.monotonic() + IN_REQUEST_S
        async with aclosing(self._pieces(device)) as pieces:
            async for count in pieces:
                moved += count
                if self._clock.monotonic() >= until_s:
                    self._left[device] = None
                    self._wanted.set()
                    break
        self._tell(device, moved)

    async def _finish(self, device: str) -> None:
        """Correct plays until all have their time; deliveries have their turns in between."""
        moved, done = 0, False
        async with aclosing(self._pieces(device)) as pieces:
            while not done:
                async with self._turn(device):
                    count = await anext(pieces, None)
                    if done := count is None:
                        del self._left[device]
                moved += count or 0
        self._tell(device, moved)

    def _tell(self, device: str, moved: int) -> None:
        if moved:
            log.info("device=%s plays=%d have another time: its clock was set after them", device, moved)
            self._changed(device)

    async def _pieces(self, device: str) -> AsyncGenerator[int]:
        """Correct plays piece by piece; yield after each how many it has moved."""
        while found := await self._history.that_correct(device):
            boots = {one.boot_id for one in found if one.boot_id is not None}
            async with aclosing(self._move_plays(device, boots, {one.log_epoch for one in found})) as moves:
                async for count in moves:
                    yield count
            while await self._judge_moved(device):
                yield 0
            await self._history.corrected([one.id for one in found])
        while await self._judge_moved(device):  # what an earlier version left
            yield 0

    async def _correct_history(self, device: str, boots: Collection[str]) -> None:
        rows = await self._history.untrusted(device, boots)
        records = await self._records_of(device, boots, ()) if rows else []
        times: dict[int, tuple[int, int]] = {}
        for row in rows:
            said = HistoryRecord.model_validate(row.body)
            said_ms = row.at_ms - (row.clock_offset_ms or 0)
            if said.mono_ms is None:
                continue
            offset_ms = clock_offset_ms(Recorded(said.log_epoch, 0, said_ms, said.boot_id, said.mono_ms), records)
            if offset_ms is not None and offset_ms != row.clock_offset_ms:
                times[row.id] = said_ms + offset_ms, offset_ms
        await self._history.set_times(times)

    async def _move_plays(
        self, device: str, boots: Collection[str], log_epochs: Collection[str]
    ) -> AsyncGenerator[int]:
        after = ("", 0)
        while plays := await self._plays.untrusted(device, boots, log_epochs, after=after, limit=AT_ONCE):
            after = plays[-1].key
            recorded = [as_recorded(one.play) for one in plays]
            records = await self._records(device, recorded)
            moves = [
                move
                for one, each in zip(plays, recorded, strict=True)
                if each is not None and (move := _move(one, clock_offset_ms(each, records)))
            ]
            await self._plays.move(device, moves, overlaps=OVERLAPS)
            yield len(moves)

    async def _judge_moved(self, device: str) -> bool:
        """Judge some of what was moved, which is then no more in that set; return whether there was any."""
        if not (plays := await self._plays.moved(device, limit=AT_ONCE)):
            return False
        reasons = await self._judge.reasons(device, [at_right_time(one.play, one.offset_ms) for one in plays])
        await self._plays.judge(device, dict(zip((one.key for one in plays), reasons, strict=True)))
        return True

    async def _records(self, device: str, recorded: Sequence[Recorded | None]) -> list[ClockRecord]:
        asked = [each for each in recorded if each is not None]
        boots = {each.boot_id for each in asked if each.boot_id is not None and each.mono_ms is not None}
        older = {each.log_epoch for each in asked if each.boot_id is None or each.mono_ms is None}
        return await self._records_of(device, boots, older) if asked else []

    async def _records_of(self, device: str, boots: Collection[str], log_epochs: Collection[str]) -> list[ClockRecord]:
        rows = await self._history.of_clock(device, boots, log_epochs)
        found = (clock_record(HistoryRecord.model_validate(body)) for body in rows)
        return [record for record in found if record is not None]


def _move(one: StoredPlay, offset_ms: int | None) -> MovedPlay | None:
    """Return where a stored play belongs, None if it is there."""
    if offset_ms is None or offset_ms == one.offset_ms:
        return None
    return MovedPlay(one.key, *span_of(at_right_time(one.play, offset_ms)), offset_ms)
