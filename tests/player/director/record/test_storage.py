"""A disk that fails: the programme goes on, plays are written later, and no ad is shown without a reservation."""

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from player.programme.proof_of_play import verify_chain
from sync.wire.device_reports import Outcome, PlayKind
from tests.player.director.venue import NOON, VenueClock, World, campaign, item, open_world, playlist, release

CONTENT = release(playlist("loop", item("red"), item("blue")), ads=(campaign("cola"),))


async def pragma(world: World, statement: str) -> None:
    async with world.ledger._database._connection.execute(f"PRAGMA {statement}") as cursor:
        await cursor.fetchall()


async def test_with_a_full_disk_items_go_on_ads_wait_and_plays_are_written_once_there_is_room(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(CONTENT)
        async with world.running():
            await world.advance(15)
            await pragma(world, "max_page_count = 1")  # as many as it has: SQLite says the disk is full
            await world.advance(200)
            written = await world.plays()
            assert "disk" in world.director.now().problems[0]
            during = world.shown()[-12:]
            assert "cola" not in during and {"red", "blue"} == set(during)
            await pragma(world, "max_page_count = 100000")
            await world.advance(60)
            assert world.director.now().problems == ()
            assert "cola" in world.shown()[-5:]
        plays = await world.plays()
        verify_chain(plays)
        assert len(plays) == len(world.shown()) > len(written) + 15
        assert len({play.take for play in plays}) == len(plays)


async def test_a_locked_database_does_not_stop_the_programme(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(CONTENT)
        await pragma(world, "busy_timeout = 20")
        async with world.running():
            await world.advance(15)
            with closing(sqlite3.connect(tmp_path / "plays.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                await world.advance(60)
                assert "locked" in world.director.now().problems[0]
                assert len(world.shown()) >= 7
                other.execute("ROLLBACK")
            await world.advance(30)
        plays = await world.plays()
        verify_chain(plays)
        assert len(plays) == len(world.shown())
        assert plays[-1].kind in (PlayKind.AD, PlayKind.ITEM)


LOCKS = {
    "written": ("BEGIN IMMEDIATE",),
    "neither read nor written": ("PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"),
}


@pytest.mark.parametrize("lock", LOCKS)
async def test_a_log_that_is_locked_at_the_start_gets_what_was_shown_meanwhile_once_it_is_free(
    tmp_path: Path, lock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.runtime.sqlite._LOCK_WAIT_S", 0.02)
    clock = VenueClock(NOON)
    async with open_world(tmp_path / "before", clock) as world:
        world.publish(CONTENT)
        async with world.running():
            await world.advance(35)
            failure = world.ledger.quarantine.record_failure("e" * 64, "broken", NOON)
            await world.ledger.write([failure])
            before, epoch = world.shown(), world.ledger.epoch
            world.ledger_now().rename(tmp_path / "plays.db")
            (tmp_path / "before" / "killed.db-wal").rename(tmp_path / "plays.db-wal")
    with closing(sqlite3.connect(tmp_path / "plays.db", isolation_level=None)) as other:
        for statement in LOCKS[lock]:
            other.execute(statement)
        async with open_world(tmp_path, clock) as world:
            world.publish(CONTENT)
            async with world.running():
                await world.advance(60)
                assert len(world.director.now().problems) == 1 and "locked" in world.director.now().problems[0]
                assert set(world.shown()) == {"red", "blue"}, "no ad: it could not be proved"
                assert await world.plays() == []
                other.execute("ROLLBACK")
                other.close()
                await world.advance(33)
                assert world.director.now().problems == ()
                assert "cola" in world.shown()
            plays = await world.plays()
            assert (world.ledger.epoch, world.ledger.quarantine.failures()) == (epoch, [failure])
    verify_chain(plays)
    titles = [play.title.removesuffix(" spot").lower() for play in plays]
    assert titles == [*before, *world.shown()]
    assert plays[len(before) - 1].outcome is Outcome.INTERRUPTED
    assert all(one.ended_at <= following.started_at for one, following in pairwise(plays))
    assert len({play.take for play in plays}) == len(plays)
