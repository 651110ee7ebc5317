"""Gives what screens recorded under a clock that nobody had set its right time, once they say when it was set.

Documents stay as they came: only the times in the tables change, by which plays are found, summed and judged. A play
that moves is judged anew, and so is what was set aside because of the time that it had.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from sync.origin.api.proof.play_judge import PlayJudge
from sync.origin.proof.clock_corrections import (
    ClockRecord,
    Recorded,
    as_recorded,
    at_right_time,
    clock_offset_ms,
    clock_record,
)
from sync.origin.proof.plausibility import OVERLAPS
from sync.origin.store.proof.history import HistoryStore
from sync.origin.store.proof.play_times import MovedPlay, PlayTimeStore, StoredPlay
from sync.origin.store.proof.plays import ReceivedPlay
from sync.runtime.clock import unix_ms
from sync.wire.device_reports import HistoryKind, HistoryRecord

AT_ONCE = 500
"""Plays that are read and moved in one transaction."""

log = logging.getLogger(__name__)


class ClockCorrection:
    """Finds right times; the caller has the turn of the device (`PlayStore.turn`)."""

    def __init__(self, history: HistoryStore, plays: PlayTimeStore, judge: PlayJudge) -> None:
        self._history = history
        self._plays = plays
        self._judge = judge
        self._resumed: set[str] = set()  # devices whose unfinished moves were looked for since this origin started

    async def timed(self, device: str, received: Sequence[ReceivedPlay]) -> list[ReceivedPlay]:
        """Return plays that arrive with what corrects their time, as far as that is known."""
        if device not in self._resumed:
            await self._judge_moved(device)
            self._resumed.add(device)
        recorded = [as_recorded(one.play) for one in received]
        records = await self._records(device, recorded)
        offsets = [None if each is None else clock_offset_ms(each, records) for each in recorded]
        return [
            one if ms is None else replace(one, right=at_right_time(one.play, ms), offset_ms=ms)
            for one, ms in zip(received, offsets, strict=True)
        ]

    async def correct(self, device: str, arrived: Sequence[HistoryRecord]) -> int:
        """Correct what is stored of a device by the records that just arrived; return how many plays that moves."""
        boots = {one.boot_id for one in arrived if one.boot_id is not None}
        await self._correct_history(device, boots)
        if not any(one.kind == HistoryKind.CLOCK for one in arrived):
            return 0
        moved = await self._move_plays(device, boots, {one.log_epoch for one in arrived})
        await self._judge_moved(device)
        if moved:
            log.info("device=%s plays=%d have another time: its clock was set after them", device, moved)
        return moved

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

    async def _move_plays(self, device: str, boots: Collection[str], log_epochs: Collection[str]) -> int:
        count, after = 0, ("", 0)
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
            count += len(moves)
        return count

    async def _judge_moved(self, device: str) -> None:
        """Judge what was moved: each play leaves the set of these plays, so that a crash loses none."""
        while plays := await self._plays.moved(device, limit=AT_ONCE):
            right = [at_right_time(one.play, one.offset_ms) for one in plays]
            reasons = await self._judge.reasons(device, right)
            await self._plays.judge(device, dict(zip((one.key for one in plays), reasons, strict=True)))

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
    right = at_right_time(one.play, offset_ms)
    return MovedPlay(one.key, unix_ms(right.started_at), unix_ms(right.ended_at), offset_ms)
