"""The history in the log of a device: durable, in order, bounded, and moved to a new log with what the origin lacks."""

from datetime import timedelta
from pathlib import Path

import pytest

from player.evidence import history_log, new_log_epoch
from player.evidence.history_log import Change
from player.evidence.ledger import Ledger, open_ledger
from sync.device.store.outbox import RefusedPlay
from sync.runtime.clock import unix_ms
from sync.wire.device_reports import HistoryRecord, record_hash
from tests.fakes import FakeClock
from tests.player.director.venue import DEVICE, NOON
from tests.player.evidence.plays import log_plays


def change(number: int, kind: str = "problem", **things: str | None) -> Change:
    at = NOON + timedelta(minutes=number)
    return Change({"kind": kind, "state": "began", "at": at, "text": str(number)}, things)


async def texts(ledger: Ledger) -> list[str]:
    return [waiting.body["text"] for waiting in await ledger.history.batch(99_999)]


async def test_what_waits_is_delivered_in_order_and_goes_after_a_month(tmp_path: Path, clock: FakeClock) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await ledger.history.write([change(number) for number in range(1, 8)])
        assert [queued.sequence for queued in await ledger.history.batch(3)] == [1, 2, 3]
        await ledger.history.acknowledge([1, 2, 3, 7, 99])
        await ledger.history.refuse([RefusedPlay(4, "invalid", "no"), RefusedPlay(5, "conflict", "")])
        assert (await texts(ledger), await ledger.history.has_conflicts()) == (["6"], True)
        assert await ledger.history.queue_again(2, 6) == 2
        assert await texts(ledger) == ["2", "3", "6"]
        await ledger.history.acknowledge([2, 3])
        assert await ledger.history.prune(unix_ms(NOON + timedelta(minutes=3))) == 2
        assert await ledger.history.prune(2**60) == 2  # all but what waits, is in conflict, and the newest
        await ledger.history.write([change(8)])
        assert [queued.sequence for queued in await ledger.history.batch()] == [6, 8]


async def test_a_crash_leaves_a_change_and_what_is_kept_of_it_or_neither(tmp_path: Path, clock: FakeClock) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await ledger.history.write([change(1, screen="on", release="a"), change(2, screen="off", release=None)])
        assert await ledger.history.states() == {"screen": "off"}
        with pytest.raises(ValueError, match="kind"):
            await ledger.history.write([change(3, screen="on"), change(4, "No word", screen="off")])
        assert (await ledger.history.states(), await texts(ledger)) == ({"screen": "off"}, ["1", "2"])
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        assert (await ledger.history.states(), await texts(ledger)) == ({"screen": "off"}, ["1", "2"])


async def test_of_too_many_that_wait_the_oldest_problems_go_first(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_log, "MOST_WAITING", 250)
    monkeypatch.setattr(history_log, "_AT_ONCE", 100)
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        kinds = {1: "clock", 2: "screen"}
        await ledger.history.write([change(number, kinds.get(number, "problem")) for number in range(1, 401)])
        left = [int(text) for text in await texts(ledger)]
        assert left == [1, 2, *range(203, 401)]
        await ledger.history.write([change(number, "clock") for number in range(401, 2_001)])
        left = [int(text) for text in await texts(ledger)]
        assert (len(left) <= 350, left[-1]) == (True, 2_000)


async def test_a_new_log_begins_with_the_history_that_the_origin_lacks(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_log_epoch, "_ROWS_AT_ONCE", 20)
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 2)
        await ledger.history.write([change(number) for number in range(1, 4)])
        await log_plays(ledger, 4)
        await ledger.history.write([change(number) for number in range(4, 53)])  # more than are moved at once
        await ledger.outbox.acknowledge([1, 3])
        await ledger.history.acknowledge([1, 2, 5])
        await ledger.history.refuse([RefusedPlay(3, "conflict", ""), RefusedPlay(6, "invalid", "no")])
        await ledger.begin_anew()
        records = [HistoryRecord.model_validate(queued.body) for queued in await ledger.history.batch(9_999)]
        assert [one.text for one in records] == ["3", "4", *(str(number) for number in range(7, 53))]
        assert [one.sequence for one in records] == list(range(1, len(records) + 1))
        assert {one.log_epoch for one in records} == {ledger.epoch}
        assert [one.plays for one in records[:3]] == [1, 2, 2]  # of the plays that are in the new log
        assert all(queued.body["hash"] == record_hash(queued.body) for queued in await ledger.history.batch(9_999))
        assert not await ledger.history.has_conflicts()


async def test_what_is_said_of_a_batch_of_the_log_before_changes_nothing(tmp_path: Path, clock: FakeClock) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 4)
        await ledger.history.write([change(number) for number in range(1, 5)])
        await ledger.outbox.acknowledge([1])
        await ledger.history.acknowledge([1])
        for queue in (ledger.outbox, ledger.history):
            assert [one.sequence for one in await queue.batch(2)] == [2, 3]
        await ledger.begin_anew()  # meanwhile
        for queue in (ledger.outbox, ledger.history):
            await queue.acknowledge([2])
            await queue.refuse([RefusedPlay(3, "conflict", "")])
            assert (await queue.queue_again(1, 3), await queue.has_conflicts()) == (0, False)
            assert [one.sequence for one in await queue.batch()] == [1, 2, 3]
            await queue.acknowledge([1])
            assert [one.sequence for one in await queue.batch()] == [2, 3]
