"""The evidence survives a kill at any moment, damage, files of another device, and disks that cannot be used."""

import asyncio
import shutil
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from player.director.take_recorder import TakeRecorder
from player.evidence.ledger import Ledger, open_ledger, read_ledger
from player.evidence.ledger_entries import (
    Entry,
    LogHead,
    MemoryChange,
    TakeClosed,
    TakeProgress,
    TakeReserved,
    TakeStarted,
)
from player.programme.proof_of_play import verify_chain
from sync.errors import StorageBroken
from sync.runtime.sqlite import Database
from sync.wire.device_reports import Outcome, Play, PlayKind
from tests import TOP
from tests.fakes import FakeClock
from tests.player.director.venue import DEVICE, NOON, VenueClock, campaign, item, open_world, playlist, release
from tests.player.evidence.plays import closed, log_plays, take


async def logged(ledger: Ledger) -> list[Play]:
    return [Play.model_validate(body) for body in reversed(await ledger.outbox.plays(limit=1000))]


async def test_plays_are_numbered_chained_and_queued_across_restarts(tmp_path: Path) -> None:
    for start in (0, 3):
        async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
            await ledger.write([closed(f"t{start + n}") for n in range(3)])
            epoch = ledger.epoch
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        plays = await logged(ledger)
        assert ledger.epoch == epoch and ledger.problem == ""
        assert [play.sequence for play in plays] == [1, 2, 3, 4, 5, 6]
        verify_chain(plays, after="0" * 64)
        assert await ledger.outbox.depth() == 6


async def test_a_take_is_a_play_once_however_often_it_is_closed(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        await ledger.write([closed("t")])
        await ledger.write([closed("t"), closed("u")])
        assert [play.take for play in await logged(ledger)] == ["t", "u"]


async def test_a_write_is_whole_or_not_at_all(tmp_path: Path) -> None:
    def broken(_: LogHead) -> Play:
        raise StorageBroken("injected")

    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        await ledger.write([TakeReserved("t", "{}")], MemoryChange(rotation="old"))
        with pytest.raises(StorageBroken, match="injected"):
            await ledger.write(
                [closed("t"), TakeClosed("u", broken)], MemoryChange(rotation="new", accounts={"l": "{}"})
            )
        assert await logged(ledger) == [] and await ledger.outbox.depth() == 0
        assert (await ledger.saved_memory()).rotation == "old" and (await ledger.saved_memory()).accounts == {}
        assert [left.take for left in await ledger.open_takes()] == ["t"]


async def test_takes_and_memory_are_read_as_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real, changed = tmp_path / "plays.db", Database.rows, list[str]()

    async def rows(database: Database, *asked: Any) -> list[sqlite3.Row]:
        found = await real(database, *asked)
        if database is not writer._database and not changed:
            changed.append("between two queries of the reader")
            await writer.write([closed("t"), TakeReserved("u", "{}")], MemoryChange(rotation="new"))
        return found

    async with open_ledger(path, DEVICE, FakeClock()) as writer:
        await writer.write([TakeReserved("t", "{}")], MemoryChange(rotation="old"))
        async with read_ledger(path, DEVICE) as reader:
            monkeypatch.setattr(Database, "rows", rows)
            open_takes, memory = await reader.saved_state()
            assert ([one.take for one in open_takes], memory.rotation) == (["t"], "old")
            open_takes, memory = await reader.saved_state()
            assert ([one.take for one in open_takes], memory.rotation) == (["u"], "new")


@pytest.mark.parametrize("reads", [False, True])
async def test_a_cancelled_write_or_read_leaves_no_transaction_open(tmp_path: Path, reads: bool) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        for turns in range(12):
            work = ledger.saved_state() if reads else ledger.write([closed(f"t{turns}")])
            cancelled: asyncio.Future[object] = asyncio.ensure_future(work)
            for _ in range(turns):
                await asyncio.sleep(0)
            cancelled.cancel()
            await asyncio.wait({cancelled})
            await ledger.write([closed(f"t{turns}")])
        plays = await logged(ledger)
        verify_chain(plays)
        assert len(plays) == 12


@pytest.mark.parametrize("rubbish", [b"no database at all", b"SQLite format 3\0" + b"\xff" * 8192])
async def test_a_damaged_file_is_set_aside_and_a_new_epoch_starts(tmp_path: Path, rubbish: bytes) -> None:
    path = tmp_path / "plays.db"
    path.write_bytes(rubbish)
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        assert "set aside" in ledger.problem
        await log_plays(ledger, 2)
        assert await ledger.outbox.depth() == 2
    (aside,) = (each for each in tmp_path.iterdir() if each.name.startswith("plays.db.2"))
    assert aside.read_bytes() == rubbish


async def test_a_file_damaged_in_the_middle_is_set_aside_with_what_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "plays.db"
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        await log_plays(ledger, 300)
        epoch = ledger.epoch
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 20_000] = bytes(20_000)
    path.write_bytes(raw)
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        assert "set aside" in ledger.problem and ledger.epoch != epoch


async def test_the_log_of_another_device_is_set_aside_whole(tmp_path: Path) -> None:
    path = tmp_path / "plays.db"
    async with open_ledger(path, "stranger", FakeClock()) as ledger:
        await log_plays(ledger, 2)
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        assert "belongs to device stranger" in ledger.problem and await logged(ledger) == []
    (aside,) = (each for each in tmp_path.iterdir() if each.name.startswith("plays.db.2") and "-wal" not in each.name)
    with closing(sqlite3.connect(aside)) as file:
        assert file.execute("SELECT count(*) FROM plays").fetchone() == (2,)


async def test_a_file_that_cannot_be_opened_is_opened_as_soon_as_it_can_be(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "plays.db"
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        with pytest.raises(StorageBroken, match="check that its folder is there"):
            await log_plays(ledger, 1)
        assert await ledger.outbox.depth() == 0
        waiting = asyncio.create_task(ledger.outbox.wait_for_more(0))
        path.parent.mkdir()
        await log_plays(ledger, 1)
        await waiting
        (play,) = await logged(ledger)
        assert play.log_epoch == ledger.epoch
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        assert (await logged(ledger), ledger.problem) == ([play], "")


async def test_after_a_kill_a_reserved_take_is_cancelled_and_a_started_one_is_interrupted(tmp_path: Path) -> None:
    path, at_ms = tmp_path / "plays.db", int(NOON.timestamp() * 1000)
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        for name in ("on-air", "standing-by"):
            await ledger.write([TakeReserved(name, take(name).model_dump_json())])
        await ledger.write([TakeStarted("on-air", take("on-air").model_dump_json(), at_ms, "synced")])
        await ledger.write([TakeProgress("on-air", 5_000)])
        await ledger.write([TakeProgress("on-air", 4_000)])
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        recorder = TakeRecorder(ledger, 1)
        await recorder.recover()
        await recorder.recover()
        (play,) = await logged(ledger)
        assert (play.take, play.outcome, play.rendered_ms) == ("on-air", Outcome.INTERRUPTED, 5_000)
        assert play.ended_at == NOON + timedelta(seconds=5)
        assert await ledger.open_takes() == []


async def test_a_kill_between_any_two_writes_loses_no_play_counts_none_twice_and_refunds(tmp_path: Path) -> None:
    """The files as they stand after each write are what SIGKILL leaves; each copy is opened as after a restart."""
    copies: list[tuple[Path, list[str]]] = []
    async with open_world(tmp_path / "run") as world:
        write = world.ledger.write

        async def copying(entries: Sequence[Entry], change: MemoryChange | None = None) -> None:
            await write(entries, change)
            copy = tmp_path / f"copy-{len(copies)}"
            copy.mkdir()
            for part in (tmp_path / "run").glob("plays.db*"):
                shutil.copy(part, copy)
            takes = [seen.shot.take for seen in world.screen.changes if seen.shot]
            copies.append((copy, takes))

        world.ledger.write = copying  # type: ignore[method-assign]
        world.publish(release(playlist("loop", item("red")), ads=(campaign("cola"), campaign("juice"))))
        async with world.running():
            await world.advance(64)
    assert len(copies) > 15
    for copy, takes in copies:
        async with open_ledger(copy / "plays.db", DEVICE, FakeClock()) as ledger:
            recorder = TakeRecorder(ledger, 7)
            await recorder.recover()
            plays = await logged(ledger)
            verify_chain(plays)
            assert await ledger.open_takes() == []
            # A copy taken after a reservation may lie before the cut that `takes` already has: one is missing at most.
            assert [play.take for play in plays] == takes[: len(plays)] and len(takes) - len(plays) <= 1
            paid = sum(account.plays for account in recorder.memory.ads.accounts.values())
            complete = [p for p in plays if p.kind is PlayKind.AD and p.outcome is Outcome.COMPLETE]
            assert paid == len(complete), [(p.title, p.outcome) for p in plays] + [recorder.memory.ads]


async def test_a_player_killed_mid_take_finds_it_interrupted_at_the_next_start(tmp_path: Path) -> None:
    victim = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.player.director.killed_player",
        str(tmp_path),
        cwd=TOP,
        stdout=asyncio.subprocess.PIPE,
    )
    assert victim.stdout is not None
    on_air = (await victim.stdout.readline()).decode().strip()
    victim.send_signal(signal.SIGKILL)
    assert await victim.wait() == -signal.SIGKILL
    async with open_world(tmp_path, VenueClock(NOON + timedelta(hours=1))) as world:
        world.publish(release(playlist("loop", item("blue"))))
        async with world.running():
            first, second = (await world.plays())[:2]
            assert world.shown() == ["blue"]
        assert (first.outcome, first.reason) == (Outcome.COMPLETE, "eof")
        assert (second.take, second.outcome, second.reason) == (on_air, Outcome.INTERRUPTED, "interrupted")
        assert second.rendered_ms == 5_000
        verify_chain(await world.plays())
