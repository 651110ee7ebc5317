"""What nobody needs any more goes after its grace, and nothing else ever does: real files, real deaths."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from sync.device.downloader import Downloader
from sync.device.origin_client import open_client
from sync.device.range_fetcher import RangeFetcher
from sync.device.store.chunk_catalog import open_catalog
from sync.device.store.content_store import open_cache
from sync.device.update_check import UpdateCheck
from sync.errors import Conflict, OriginRefused, Rejected, StorageBroken
from sync.origin.retention import cleaner
from sync.origin.store.devices import DeviceStore
from sync.wire.content_paths import asset_path, index_path, release_path
from tests import TOP
from tests.fakes import FakeClock
from tests.origin.planning_origin import serve
from tests.origin.publishing.test_publisher import fetched
from tests.origin.retention.content_shelf import DAY_S, GRACE_S, ContentShelf, asset_of, open_shelf


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[ContentShelf]:
    async with open_shelf(tmp_path) as opened:
        yield opened


async def test_old_releases_go_a_grace_after_they_were_followed_and_assets_a_grace_after_them(
    shelf: ContentShelf,
) -> None:
    first = await shelf.show("a")
    await shelf.clock.advance(30 * DAY_S)
    second, third = await shelf.show("b"), await shelf.show("c")
    await shelf.delete("a", "b")
    await shelf.clear_and_check()
    assert shelf.names("releases") == {first, second, third}  # a month old, but in force until a moment ago
    await shelf.clock.advance(GRACE_S)
    await shelf.clear_and_check()
    assert shelf.names("releases") == {second, third}
    assert shelf.names("assets") == {asset_of("a"), asset_of("b"), asset_of("c")}
    await shelf.clock.advance(GRACE_S)
    figures = await shelf.clear_and_check()
    assert shelf.names("assets") == {asset_of("b"), asset_of("c")}
    assert len(shelf.names("index")) == 2
    assert (figures.releases, figures.assets, figures.resting, figures.over) == (2, 2, 0, 0)
    assert sum(cleared for _, cleared in shelf.told) >= 100


async def test_what_a_media_shows_stays_although_no_release_names_it(shelf: ContentShelf) -> None:
    await shelf.show("a", "unused")
    await shelf.show("a")
    await shelf.show("a", "other")
    await shelf.clock.advance(10 * GRACE_S)
    for _ in range(2):
        await shelf.clear_and_check()
        await shelf.clock.advance(GRACE_S)
    assert asset_of("unused") in shelf.names("assets")


async def test_what_is_needed_again_within_its_grace_begins_a_whole_grace_anew(shelf: ContentShelf) -> None:
    await shelf.planning.ready("a")
    await shelf.show("b")
    await shelf.delete("a")
    await shelf.clear_and_check()
    await shelf.clock.advance(GRACE_S - 60)
    await shelf.planning.ready("again", data=b"a" * 100)  # somebody sends the same bytes once more
    await shelf.clear_and_check()
    await shelf.delete("again")
    await shelf.clear_and_check()
    await shelf.clock.advance(GRACE_S - 60)
    assert (await shelf.clear_and_check()).resting == 1
    await shelf.clock.advance(60)
    assert asset_of("a") in shelf.names("assets")
    await shelf.clear_and_check()
    assert asset_of("a") not in shelf.names("assets")


async def test_looking_changes_nothing_and_tells_what_clearing_would_take(shelf: ContentShelf) -> None:
    await shelf.show("a")
    for media in ("b", "c"):
        await shelf.show(media)
    await shelf.delete("a")
    await shelf.clock.advance(GRACE_S + 60)
    before = sorted(shelf.planning.files.data_dir.rglob("*"))
    looked = await shelf.clearer.report()
    assert sorted(shelf.planning.files.data_dir.rglob("*")) == before
    assert looked.over == 1
    await shelf.clearer.clear()
    assert shelf.told[1] == (looked, looked.over_bytes)


@pytest.mark.parametrize("told", [{"preparing": True}, {"release": True}])
async def test_what_a_device_plays_or_prepares_stays_for_years(shelf: ContentShelf, told: dict[str, bool]) -> None:
    first = await shelf.show("a")
    await shelf.device(**dict.fromkeys(told, first))
    for media in ("b", "c", "d"):
        await shelf.show(media)
    await shelf.delete("a", "b")
    for _ in range(3):
        await shelf.clock.advance(50 * GRACE_S)
        await shelf.clear_and_check()
    assert first in shelf.names("releases")
    assert shelf.names("assets") == {asset_of(media) for media in "acd"}


@pytest.mark.parametrize("reported", [True, False])
async def test_a_device_weeks_behind_fetches_its_old_release_or_goes_on_to_the_newest(
    tmp_path: Path, shelf: ContentShelf, reported: bool
) -> None:
    old = await shelf.show("a")
    with open_cache(tmp_path / "device") as cache:
        cache.keep_root(shelf.planning.keyring.root_envelope().model_dump_json().encode())
        async with serve(shelf.planning) as http, open_catalog(cache.catalog_path) as catalog:
            url = str(http.make_url("/"))
            async with open_client(url) as client:
                inquiry = UpdateCheck(client, cache, shelf.clock, "main")
                release = await inquiry.release(await inquiry.timestamp())  # then its line is dead for weeks
                if reported:
                    await shelf.device(preparing=cache.pending())
                for media in ("b", "c"):
                    await shelf.show(media)
                await shelf.delete("a")
                for _ in range(3):
                    await shelf.clock.advance(GRACE_S)
                    await shelf.clear_and_check()
                bulk = RangeFetcher(url, shelf.clock)
                gatherer = Downloader(client, bulk, cache, catalog, shelf.clock, Random(7), 0)
                if reported:
                    assert await gatherer.download(release, (), lambda: False)
                    assert cache.pending() == old
                else:
                    with pytest.raises(OriginRefused):
                        await gatherer.download(release, (), lambda: False)
                await shelf.planning.publisher.pointer.refresh()
                newest = await inquiry.release(await inquiry.timestamp())
                assert await gatherer.download(newest, (), lambda: False)
                assert cache.holds(asset_of("c"))


async def test_files_nothing_knows_go_only_once_they_are_old(shelf: ContentShelf) -> None:
    await shelf.show("a")
    files = shelf.planning.files
    stray = files.put(asset_path("f" * 64), b"left by a pipeline that was killed before its row")
    picture = files.thumbnail_path("gone")
    picture.write_bytes(b"of a media that was deleted while an origin died")
    half = files.content / f"assets/.{'e' * 64}.x.tmp"
    half.write_bytes(b"somebody writes this at this moment")
    await shelf.clear_and_check()
    assert stray.exists()
    assert picture.exists()
    await shelf.clock.advance(GRACE_S + 60)
    await shelf.clear_and_check()
    assert not stray.exists()
    assert not picture.exists()
    assert half.exists()


async def test_what_a_release_names_stays_even_if_the_database_forgot_it(shelf: ContentShelf) -> None:
    await shelf.show("a")
    await shelf.show("b")
    await shelf.delete("a")
    async with shelf.planning.database.writing() as connection:  # a backup of the database that is older than the files
        await connection.exec_driver_sql("DELETE FROM assets WHERE sha256 = ?", (asset_of("a"),))
    await shelf.clock.advance(2 * GRACE_S)
    await shelf.clear_and_check()
    assert asset_of("a") in shelf.names("assets")


async def test_with_a_database_from_a_backup_what_came_later_stays_until_devices_had_time_to_say_they_need_it(
    tmp_path: Path,
) -> None:
    clock = FakeClock(datetime.now(UTC))
    database, backup = tmp_path / "origin.db", tmp_path / "backup"
    async with open_shelf(tmp_path, clock) as shelf:
        await shelf.show("a")
        await shelf.device()
    shutil.copyfile(database, backup)
    async with open_shelf(tmp_path, clock) as shelf:
        later, unsaid = await shelf.show("b"), await shelf.show("c")
    await clock.advance(3 * GRACE_S)
    for written in (*tmp_path.glob("origin.db-*"), database):
        written.unlink()
    shutil.copyfile(backup, database)
    async with open_shelf(tmp_path, clock) as shelf:
        await shelf.clear_and_check()
        assert {later, unsaid} <= shelf.names("releases")
        await DeviceStore(shelf.planning.database).save_heartbeat("window", {"release": later}, 0)
        await clock.advance(GRACE_S)
        await shelf.clear_and_check()
        assert later in shelf.names("releases") and unsaid not in shelf.names("releases")
        assert shelf.names("assets") == {asset_of("a"), asset_of("b")}
        assert len(shelf.names("index")) == 2


async def test_what_others_put_beside_our_files_is_left_alone_and_in_nobodys_way(shelf: ContentShelf) -> None:
    await shelf.show("a")
    content = shelf.planning.files.content
    (content / "assets" / ("d" * 64)).mkdir()
    (content / "assets" / ("e" * 64)).symlink_to("nowhere")
    (content / "index/index.html").write_text("hello")
    stray = shelf.planning.files.put(index_path("f" * 64), b"of nobody")
    for _ in range(2):
        await shelf.clear_and_check()
        await shelf.clock.advance(GRACE_S)
    assert not stray.exists()
    assert (content / "index/index.html").exists()
    assert (content / "assets" / ("e" * 64)).is_symlink()


async def test_what_a_clock_that_was_ahead_wrote_down_does_not_rest_until_then(shelf: ContentShelf) -> None:
    await shelf.show("a")
    await shelf.planning.ready("old")
    await shelf.delete("old")
    await shelf.clock.advance(365 * DAY_S)
    await shelf.clear_and_check()
    shelf.clock.step_wall(-365 * DAY_S)
    await shelf.clear_and_check()
    await shelf.clock.advance(GRACE_S - 60)
    await shelf.clear_and_check()
    assert asset_of("old") in shelf.names("assets")
    await shelf.clock.advance(60)
    await shelf.clear_and_check()
    assert shelf.names("assets") == {asset_of("a")}


async def test_a_lot_goes_in_rounds_between_which_others_get_in(
    shelf: ContentShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaner, "BATCH_FILES", 2)
    await shelf.show("a")
    for media in ("b", "c", "d", "e", "f"):
        await shelf.planning.ready(media)
        await shelf.delete(media)
    await shelf.clear_and_check()
    await shelf.clock.advance(GRACE_S)
    running = asyncio.create_task(shelf.clearer.run())
    try:
        while not shelf.told[2:]:
            await shelf.clock.advance(0.0)
        adding = asyncio.create_task(_names_once_let_in(shelf))
        while not adding.done():
            await shelf.clock.advance(0.01)
        assert len(await adding) > 1  # it waited for a round, not for all of them
        for _ in range(500):
            await shelf.clock.advance(0.0 if shelf.names("assets") == {asset_of("a")} else cleaner.RETRY_WHEN_BUSY_S)
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert shelf.names("assets") == {asset_of("a")}


async def _names_once_let_in(shelf: ContentShelf) -> set[str]:
    async with shelf.planning.files.adding_content(shelf.clock):
        return shelf.names("assets")


async def test_who_is_told_only_to_look_does_not_clear_at_anyones_word(shelf: ContentShelf) -> None:
    shelf.clearer.dry_run = True
    with pytest.raises(Rejected, match="dry_run"):
        await shelf.clearer.clear()


async def test_what_was_sent_for_a_media_that_failed_can_be_tried_again_for_a_grace_only(shelf: ContentShelf) -> None:
    await shelf.show("a")
    await shelf.planning.failed("bad", "the disk was full")
    await shelf.planning.failed("held", "the disk was full")
    sources = {name: shelf.planning.files.source_path(name) for name in ("bad", "held")}
    for source in sources.values():
        source.write_bytes(b"bytes")
    await shelf.clear_and_check()
    assert sources["bad"].exists()
    await shelf.clock.advance(GRACE_S)
    await shelf.planning.media.retry("held")
    await shelf.clear_and_check()
    assert [name for name, source in sources.items() if source.exists()] == ["held"]


async def test_nobody_publishes_while_content_is_cleared_and_nobody_clears_while_it_is_added(
    shelf: ContentShelf,
) -> None:
    await shelf.show("a")
    adding = shelf.planning.files.adding_content
    async with adding(shelf.clock), adding(shelf.clock):  # the second does not wait for the first
        with pytest.raises(Conflict):
            await shelf.clearer.clear()
    with shelf.planning.files.clearing_content():
        publishing = asyncio.create_task(shelf.show("a", "b"))
        await shelf.clock.advance(1.0)
        assert not publishing.done()
    while not publishing.done():
        await shelf.clock.advance(0.1)
    assert (await publishing) in shelf.names("releases")


async def test_another_process_is_waited_for_until_it_dies(shelf: ContentShelf) -> None:
    script = (
        "import fcntl, sys; file = open(sys.argv[1], 'r+'); fcntl.flock(file, fcntl.LOCK_SH); "
        "print('held', flush=True); sys.stdin.read()"
    )
    await shelf.show("a")
    lock = shelf.planning.files.data_dir / "content.lock"
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(lock), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"held\n"
    with pytest.raises(Conflict):
        await shelf.clearer.clear()
    other.kill()
    await other.wait()
    await shelf.clear_and_check()


async def test_nothing_goes_while_a_release_in_force_cannot_be_read(shelf: ContentShelf) -> None:
    releases = [await shelf.show(media) for media in "abc"]
    await shelf.delete("a")
    await shelf.clock.advance(GRACE_S + 60)
    damaged = shelf.planning.files.content / release_path(releases[-1])
    whole = damaged.read_bytes()
    damaged.write_bytes(whole.replace(asset_of("c").encode(), asset_of("a").encode()))
    with pytest.raises(StorageBroken, match="publish anew"):
        await shelf.clearer.clear()
    assert shelf.names("releases") == set(releases)
    await shelf.planning.publisher.publish("main")
    assert damaged.read_bytes() == whole
    await shelf.clear_and_check()
    assert shelf.names("releases") == set(releases[1:])


async def test_the_service_looks_every_hour_and_soon_again_when_somebody_was_in_the_way(shelf: ContentShelf) -> None:
    await shelf.show("a")
    running = asyncio.create_task(shelf.clearer.run())
    try:
        async with shelf.planning.files.adding_content(shelf.clock):
            await shelf.clock.advance(0.0)
            assert not shelf.told
        await _told(shelf, 2, cleaner.RETRY_WHEN_BUSY_S)
        before = shelf.clock.monotonic()
        await _told(shelf, 4, cleaner.SCAN_EVERY_S / 10)
        assert shelf.clock.monotonic() - before >= cleaner.SCAN_EVERY_S
    finally:
        running.cancel()
        await asyncio.wait([running])


async def _told(shelf: ContentShelf, times: int, step_s: float) -> None:
    for _ in range(500):
        if len(shelf.told) >= times:
            return
        await shelf.clock.advance(step_s)
    raise AssertionError(f"only {len(shelf.told)} looks")


# A second process clears the folder at a later time, and dies just before or after it calls `place` for the nth time.
SCRIPT = """
import asyncio, os, signal, sys
from datetime import datetime
from pathlib import Path
from sync.origin.store.retention import RetentionStore
from tests.fakes import FakeClock
from tests.origin.retention.content_shelf import open_shelf

folder, at, owner, name, when, nth = sys.argv[1:]
owner = {"file": Path, "store": RetentionStore}[owner]
real, calls = getattr(owner, name), 0

def due():
    global calls
    calls += 1
    return calls == int(nth)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def unlink(self, missing_ok=False):
    if ".lock" in self.name or self.suffix == ".tmp":
        return real(self, missing_ok)
    last = due()
    if last and when == "before":
        die()
    real(self, missing_ok)
    if last:
        die()

async def statement(self, *arguments):
    if when == "before":
        die()
    await real(self, *arguments)
    die()

async def main():
    async with open_shelf(Path(folder), FakeClock(datetime.fromisoformat(at))) as shelf:
        setattr(owner, name, unlink if name == "unlink" else statement)
        await shelf.clearer.clear()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("owner", "name", "when", "nth"),
    [
        ("file", "unlink", "after", 1),  # the release is gone
        ("store", "delete_assets", "before", 1),
        ("store", "delete_assets", "after", 1),
        ("file", "unlink", "after", 2),  # an asset, but not its chunk list
    ],
)
async def test_killed_at_any_step_nothing_needed_is_gone_and_the_next_look_ends_the_work(
    tmp_path: Path, owner: str, name: str, when: str, nth: int
) -> None:
    clock = FakeClock(datetime.now(UTC) - timedelta(days=30))
    async with open_shelf(tmp_path, clock) as shelf:
        for media in "abc":
            await shelf.show(media)
        await shelf.delete("a")
        await shelf.clearer.clear()  # nothing of it is old enough
        await shelf.clock.advance(GRACE_S)
        _age(shelf.planning.files.content, clock)
        await shelf.planning.ready("old")
        await shelf.delete("old")
        assert (await shelf.clearer.report()).over == 1
        async with shelf.planning.database.writing() as connection:  # as if it had been unneeded for long
            await connection.exec_driver_sql("UPDATE assets SET unneeded_ms = 1 WHERE sha256 = ?", (asset_of("old"),))
        _age(shelf.planning.files.content, clock)
    at = clock.now() + timedelta(seconds=GRACE_S)
    arguments = (str(tmp_path), at.isoformat(), owner, name, when, str(nth))
    victim = await asyncio.create_subprocess_exec(sys.executable, "-c", SCRIPT, *arguments, cwd=TOP)
    assert await victim.wait() == -signal.SIGKILL
    async with open_shelf(tmp_path, FakeClock(at)) as shelf:
        shelf.check()
        await shelf.planning.publisher.pointer.refresh()
        fetched(shelf.planning.files.content, "main", shelf.clock)
        await shelf.clear_and_check()
        assert len(shelf.names("releases")) == 2
        await shelf.clock.advance(GRACE_S)
        assert (await shelf.clear_and_check()).over == 0
        assert shelf.names("assets") == {asset_of("b"), asset_of("c")}
        assert len(shelf.names("index")) == 2


def _age(folder: Path, clock: FakeClock) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (clock.now().timestamp() - 2 * GRACE_S,) * 2)
