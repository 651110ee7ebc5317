"""A disk that fails: the programme goes on, plays are written later, and no ad is shown without a reservation."""

import sqlite3
from contextlib import closing
from pathlib import Path

from player.programme.proof_of_play import verify_chain
from sync.wire.device_reports import PlayKind
from tests.player.director.venue import World, campaign, item, open_world, playlist, release

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
