"""A log that was set back goes on in a new epoch, with what only this device has; all else stays as it is."""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from player.evidence import new_log_epoch
from player.evidence.history_log import Change
from player.evidence.ledger import Ledger, open_ledger
from player.evidence.ledger_entries import TakeReserved
from player.programme.proof_of_play import verify_chain
from sync.device.store.outbox import RefusedPlay
from sync.errors import StorageBroken
from sync.runtime.durable_files import TEMP_SUFFIX
from sync.runtime.sqlite import Database
from sync.wire.device_reports import Play
from tests.fakes import FakeClock
from tests.player.director.venue import DEVICE
from tests.player.evidence.plays import closed, log_plays, take


async def test_what_waits_and_what_conflicts_is_logged_again_in_order(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_log_epoch, "_ROWS_AT_ONCE", 100)
    path = tmp_path / "plays.db"
    async with open_ledger(path, DEVICE, clock) as ledger:
        await log_plays(ledger, 250)  # more than are moved at once
        await ledger.outbox.acknowledge(range(1, 101))
        await ledger.outbox.refuse([RefusedPlay(2, "conflict", ""), RefusedPlay(150, "invalid", "no")])
        await ledger.write([TakeReserved("open", take("open").model_dump_json())])
        before = {body["take"]: body for body in await ledger.outbox.plays(limit=9_999)}
        old = ledger.epoch
        await ledger.begin_anew()
        assert ledger.epoch != old
        assert ledger.problem.endswith(f"plays.db.{old}, a new log epoch starts with 150 plays")
        await ledger.write([closed("next")])
        plays = [Play.model_validate(body) for body in reversed(await ledger.outbox.plays(limit=9_999))]
        assert [one.take for one in plays] == ["take-1", *(f"take-{n}" for n in range(100, 250) if n != 149), "next"]
        assert ({one.log_epoch for one in plays}, plays[0].sequence) == ({ledger.epoch}, 1)
        verify_chain(plays, after="0" * 64)
        changed = {"log_epoch", "sequence", "previous_hash", "hash"}
        for one in plays[:-1]:
            document = one.model_dump(mode="json", exclude_none=True)
            assert {key: document[key] for key in document.keys() - changed} == {
                key: value for key, value in before[one.take].items() if key not in changed
            }
        assert (await ledger.outbox.depth(), await ledger.outbox.has_conflicts()) == (len(plays), False)
        assert [one.take for one in await ledger.open_takes()] == ["open"]
    aside = sqlite3.connect(path.with_name(f"plays.db.{old}"))
    assert aside.execute("SELECT epoch, (SELECT count(*) FROM plays) FROM log").fetchone() == (old, 250)
    aside.close()


async def test_a_disk_that_fails_half_way_loses_nothing(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 5)

        async def fail(*_: object) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        with monkeypatch.context() as patch, pytest.raises(StorageBroken):
            patch.setattr(Database, "execute_many", fail)
            await ledger.begin_anew()
        await ledger.finish_anew()
        assert [one["take"] for one in await ledger.outbox.plays()] == [f"take-{n}" for n in reversed(range(5))]
        assert await ledger.outbox.depth() == 5


async def test_a_kill_between_any_two_slices_loses_and_doubles_nothing(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_log_epoch, "_ROWS_AT_ONCE", 3)
    path, copies = tmp_path / "plays.db", list[Path]()
    real = Database.transaction

    @asynccontextmanager
    async def copied(database: Database) -> AsyncIterator[None]:
        """Commit; then keep what a kill would leave, and log one more play and a change."""
        async with real(database):
            yield
        if copies or await database.row("SELECT 1 FROM new_log") is None:
            return
        copies.append(path)  # not for the transactions of this function
        while await database.row("SELECT 1 FROM new_log") is not None:
            number = len(copies)
            copies.append(tmp_path / f"killed-{number}.db")
            for end in ("", "-wal"):
                shutil.copy(f"{path}{end}", f"{copies[-1]}{end}")
            if number < 4:
                await ledger.write([closed(f"meanwhile-{number}")])
                await ledger.history.write([Change({"kind": "screen", "state": "off", "at": clock.now()})])
            assert not await ledger.outbox.batch() and not await ledger.history.batch() and not await ledger.head()
            async with real(database):
                await new_log_epoch.log_some_again(database)

    async with open_ledger(path, DEVICE, clock) as ledger:
        await log_plays(ledger, 10)
        await ledger.history.write([Change({"kind": "screen", "state": "on", "at": clock.now()})])
        await ledger.outbox.acknowledge([1, 2, 6])
        monkeypatch.setattr(Database, "transaction", copied)
        await ledger.begin_anew()
        monkeypatch.undo()
        takes = [f"take-{n}" for n in (2, 3, 4, 6, 7, 8, 9)]
        await _is_whole(ledger, [*takes, "meanwhile-1", "meanwhile-2", "meanwhile-3"])
        assert [one.body["plays"] for one in await ledger.history.batch()] == [7, 8, 9, 10]
    for number, copy in enumerate(copies[1:]):
        async with open_ledger(copy, DEVICE, clock) as ledger:
            await ledger.write([closed("after")])
            await ledger.finish_anew()
            logged = [f"meanwhile-{n}" for n in range(1, 4) if n <= number]
            await _is_whole(ledger, [*takes, *logged, "after"])
    assert len(copies) > 5


async def _is_whole(ledger: Ledger, takes: list[str]) -> None:
    plays = [Play.model_validate(one.body) for one in await ledger.outbox.batch()]
    assert [one.take for one in plays] == takes
    assert [one.sequence for one in plays] == list(range(1, len(takes) + 1))
    assert {one.log_epoch for one in plays} == {ledger.epoch}
    verify_chain(plays, after="0" * 64)


async def test_copies_of_former_logs_are_bounded(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "plays.db.20261130T000000Z-aaaaaaaa").touch()  # a damaged one stays
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        for _ in range(6):
            await ledger.begin_anew()
        await ledger.begin_anew(set_back=False)
    names = {path.name for path in tmp_path.glob("plays.db.*")}
    assert (len(names), "plays.db.20261130T000000Z-aaaaaaaa" in names) == (4, True)


async def test_a_log_of_which_no_copy_can_be_written_begins_anew_without_one(tmp_path: Path, clock: FakeClock) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 2)
        in_the_way = tmp_path / f".plays.db.{ledger.epoch}.copied{TEMP_SUFFIX}"
        in_the_way.mkdir()
        await ledger.begin_anew()
        assert await ledger.outbox.depth() == 2 and "kept as" not in ledger.problem
    assert not list(tmp_path.glob("plays.db.*"))


async def test_the_new_log_is_there_after_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 5)
        await ledger.begin_anew()
        epoch = ledger.epoch
        shutil.copy(tmp_path / "plays.db", tmp_path / "killed.db")
        shutil.copy(tmp_path / "plays.db-wal", tmp_path / "killed.db-wal")
    async with open_ledger(tmp_path / "killed.db", DEVICE, clock) as ledger:
        assert (ledger.epoch, await ledger.outbox.depth()) == (epoch, 5)


async def test_a_log_becomes_that_of_another_device_with_what_waits_in_it(tmp_path: Path, clock: FakeClock) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 5)
        await ledger.outbox.acknowledge([1, 2])
        await ledger.become("another")
        await ledger.finish_anew()
        assert (ledger.device, ledger.problem) == ("another", "")
        await ledger.write([closed("next")])
        plays = [Play.model_validate(body) for body in reversed(await ledger.outbox.plays())]
        assert [(one.take, one.device) for one in plays] == [
            ("take-2", "another"), ("take-3", "another"), ("take-4", "another"), ("next", "another")
        ]  # fmt: skip
        verify_chain(plays)
        assert (await ledger.checkpoints.place()).newest is None
    async with open_ledger(tmp_path / "plays.db", "another", clock) as ledger:
        assert (ledger.problem, await ledger.outbox.depth()) == ("", 4)
