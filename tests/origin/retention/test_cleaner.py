"""Unneeded content is deleted after its grace period, and nothing else ever is: real files, real kills."""

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
from sync.device.store.chunk_catalog import open_catalog
from sync.device.store.content_store import open_content_store
from sync.device.transfer.transfer import ContentTransfer
from sync.device.update_check import UpdateCheck
from sync.errors import Conflict, OriginRefused, Rejected, SignageError, StorageBroken
from sync.origin.retention import cleaner
from sync.origin.store.heartbeats.heartbeats import HeartbeatStore
from sync.wire.content_paths import asset_path, index_path, release_path
from tests import TOP
from tests.fakes import FakeClock
from tests.long_tables import in_bench
from tests.origin.planning_origin import serve_planning
from tests.origin.publishing.test_publisher import fetched
from tests.origin.retention.retention_origin import DAY_S, GRACE_S, RetentionOrigin, asset_of, open_retention_origin


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[RetentionOrigin]:
    async with open_retention_origin(tmp_path) as opened:
        yield opened


async def test_a_release_is_deleted_a_grace_after_the_next_one_and_its_assets_a_grace_later(
    origin: RetentionOrigin,
) -> None:
    first = await origin.publish("a")
    await origin.clock.advance(30 * DAY_S)
    second, third = await origin.publish("b"), await origin.publish("c")
    await origin.delete("a", "b")
    await origin.clear_and_check()
    assert origin.names("releases") == {first, second, third}  # a month old, but in force until a moment ago
    await origin.clock.advance(GRACE_S)
    await origin.clear_and_check()
    assert origin.names("releases") == {second, third}
    assert origin.names("assets") == {asset_of("a"), asset_of("b"), asset_of("c")}
    await origin.clock.advance(GRACE_S)
    figures = await origin.clear_and_check()
    assert origin.names("assets") == {asset_of("b"), asset_of("c")}
    assert len(origin.names("index")) == 2
    assert (figures.releases, figures.assets, figures.resting, figures.over) == (2, 2, 0, 0)
    assert sum(cleared for _, cleared in origin.scans) >= 100


async def test_the_asset_of_a_media_stays_although_no_release_refers_to_it(origin: RetentionOrigin) -> None:
    await origin.publish("a", "unused")
    await origin.publish("a")
    await origin.publish("a", "other")
    await origin.clock.advance(10 * GRACE_S)
    for _ in range(2):
        await origin.clear_and_check()
        await origin.clock.advance(GRACE_S)
    assert asset_of("unused") in origin.names("assets")


async def test_an_asset_needed_again_in_its_grace_gets_a_whole_new_grace(origin: RetentionOrigin) -> None:
    await origin.planning.make_media("a")
    await origin.publish("b")
    await origin.delete("a")
    await origin.clear_and_check()
    await origin.clock.advance(GRACE_S - 60)
    await origin.planning.make_media("again", data=b"a" * 100)  # somebody sends the same bytes once more
    await origin.clear_and_check()
    await origin.delete("again")
    await origin.clear_and_check()
    await origin.clock.advance(GRACE_S - 60)
    assert (await origin.clear_and_check()).resting == 1
    await origin.clock.advance(60)
    assert asset_of("a") in origin.names("assets")
    await origin.clear_and_check()
    assert asset_of("a") not in origin.names("assets")


async def test_a_report_changes_nothing_and_says_what_clearing_would_delete(origin: RetentionOrigin) -> None:
    await origin.publish("a")
    for media in ("b", "c"):
        await origin.publish(media)
    await origin.delete("a")
    await origin.clock.advance(GRACE_S + 60)
    before = sorted(origin.planning.files.data_dir.rglob("*"))
    report = await origin.cleaner.report()
    assert sorted(origin.planning.files.data_dir.rglob("*")) == before
    assert report.over == 1
    await origin.cleaner.clear()
    assert origin.scans[1] == (report, report.over_bytes)


@pytest.mark.parametrize("reported_as", ["preparing", "release"])
async def test_a_release_that_a_device_plays_or_prepares_stays_for_years(
    origin: RetentionOrigin, reported_as: str
) -> None:
    first = await origin.publish("a")
    await origin.device(**{reported_as: first})
    for media in ("b", "c", "d"):
        await origin.publish(media)
    await origin.delete("a", "b")
    for _ in range(3):
        await origin.clock.advance(50 * GRACE_S)
        await origin.clear_and_check()
    assert first in origin.names("releases")
    assert origin.names("assets") == {asset_of(media) for media in "acd"}


@pytest.mark.parametrize("reported", [True, False])
async def test_a_device_weeks_behind_downloads_the_release_it_reported_or_else_the_newest(
    tmp_path: Path, origin: RetentionOrigin, reported: bool
) -> None:
    old = await origin.publish("a")
    with open_content_store(tmp_path / "device") as cache:
        cache.save_root(origin.planning.keyring.root_envelope().model_dump_json().encode())
        async with serve_planning(origin.planning) as http, open_catalog(cache.catalog_path) as catalog:
            url = str(http.make_url("/"))
            async with open_client(url) as client:
                update_check = UpdateCheck(client, cache, origin.clock, Random(1), "main")
                release = await update_check.release(await update_check.timestamp())  # now it is offline for weeks
                if reported:
                    await origin.device(preparing=cache.pending())
                for media in ("b", "c"):
                    await origin.publish(media)
                await origin.delete("a")
                for _ in range(3):
                    await origin.clock.advance(GRACE_S)
                    await origin.clear_and_check()
                faults: list[SignageError] = []
                newer = asyncio.Event()

                def fail(fault: SignageError) -> None:
                    faults.append(fault)
                    newer.set()

                downloader = Downloader(
                    ContentTransfer(url, origin.clock), cache, catalog, origin.clock, 0, fail, lambda: None
                )
                assert await downloader.download(release, newer) is reported
                if reported:
                    assert cache.pending() == old
                else:
                    assert [fault.status for fault in faults if isinstance(fault, OriginRefused)] == [404]
                await origin.planning.publisher.timestamps.refresh()
                newest = await update_check.release(await update_check.timestamp())
                newer.clear()
                assert await downloader.download(newest, newer)
                await downloader.stop()
                assert cache.has_asset(asset_of("c"))


async def test_orphaned_files_are_deleted_only_after_their_grace(origin: RetentionOrigin) -> None:
    await origin.publish("a")
    files = origin.planning.files
    orphan = files.put(asset_path("f" * 64), b"left by a pipeline that was killed before its row")
    picture = files.thumbnail_path("gone")
    picture.write_bytes(b"of a media that was deleted while an origin crashed")
    small_film = files.preview_path("f" * 64)
    small_film.write_bytes(b"of an asset that is there no more")
    half = files.content / f"assets/.{'e' * 64}.x.tmp"
    half.write_bytes(b"being written at this moment")
    await origin.clear_and_check()
    assert orphan.exists()
    assert picture.exists() and small_film.exists()
    await origin.clock.advance(GRACE_S + 60)
    await origin.clear_and_check()
    assert not orphan.exists()
    assert not picture.exists() and not small_film.exists()
    assert half.exists()


async def test_an_asset_of_a_release_stays_even_if_its_row_is_missing(origin: RetentionOrigin) -> None:
    await origin.publish("a")
    await origin.publish("b")
    await origin.delete("a")
    async with origin.planning.database.writing() as connection:  # a restored backup, older than the files
        await connection.exec_driver_sql("DELETE FROM assets WHERE sha256 = ?", (asset_of("a"),))
    await origin.clock.advance(2 * GRACE_S)
    await origin.clear_and_check()
    assert asset_of("a") in origin.names("assets")


async def test_after_a_restored_backup_newer_files_stay_until_devices_had_time_to_report_them(
    tmp_path: Path,
) -> None:
    clock = FakeClock(datetime.now(UTC))
    database, backup = tmp_path / "origin.db", tmp_path / "backup"
    async with open_retention_origin(tmp_path, clock) as origin:
        await origin.publish("a")
        await origin.device()
    shutil.copyfile(database, backup)
    async with open_retention_origin(tmp_path, clock) as origin:
        reported, unreported = await origin.publish("b"), await origin.publish("c")
    await clock.advance(3 * GRACE_S)
    for path in (*tmp_path.glob("origin.db-*"), database):
        path.unlink()
    shutil.copyfile(backup, database)
    async with open_retention_origin(tmp_path, clock) as origin:
        await origin.clear_and_check()
        assert {reported, unreported} <= origin.names("releases")
        HeartbeatStore(origin.planning.database).hold("window", {"release": reported}, 0)
        await clock.advance(GRACE_S)
        await origin.clear_and_check()
        assert reported in origin.names("releases") and unreported not in origin.names("releases")
        assert origin.names("assets") == {asset_of("a"), asset_of("b")}
        assert len(origin.names("index")) == 2


async def test_foreign_files_in_the_content_tree_are_left_alone_and_do_not_disturb(origin: RetentionOrigin) -> None:
    await origin.publish("a")
    content = origin.planning.files.content
    (content / "assets" / ("d" * 64)).mkdir()
    (content / "assets" / ("e" * 64)).symlink_to("nowhere")
    (content / "index/index.html").write_text("hello")
    orphan = origin.planning.files.put(index_path("f" * 64), b"an orphan")
    for _ in range(2):
        await origin.clear_and_check()
        await origin.clock.advance(GRACE_S)
    assert not orphan.exists()
    assert (content / "index/index.html").exists()
    assert (content / "assets" / ("e" * 64)).is_symlink()


async def test_a_time_recorded_while_the_clock_was_ahead_does_not_prolong_the_grace(origin: RetentionOrigin) -> None:
    await origin.publish("a")
    await origin.planning.make_media("old")
    await origin.delete("old")
    await origin.clock.advance(365 * DAY_S)
    await origin.clear_and_check()
    origin.clock.step_wall(-365 * DAY_S)
    await origin.clear_and_check()
    await origin.clock.advance(GRACE_S - 60)
    await origin.clear_and_check()
    assert asset_of("old") in origin.names("assets")
    await origin.clock.advance(60)
    await origin.clear_and_check()
    assert origin.names("assets") == {asset_of("a")}


async def test_many_files_are_deleted_in_batches_and_publishers_go_on_in_between(
    origin: RetentionOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaner, "BATCH_FILES", 2)
    await origin.publish("a")
    for media in ("b", "c", "d", "e", "f"):
        await origin.planning.make_media(media)
        await origin.delete(media)
    await origin.clear_and_check()
    await origin.clock.advance(GRACE_S)
    running = asyncio.create_task(origin.cleaner.run())
    try:
        while not origin.scans[2:]:
            await origin.clock.advance(0.0)
        adding = asyncio.create_task(_names_once_adding(origin))
        while not adding.done():
            await origin.clock.advance(0.01)
        assert len(await adding) > 1  # it waited for one batch, not for all
        async with asyncio.timeout(60):
            while origin.names("assets") != {asset_of("a")}:
                await origin.clock.advance(cleaner.RETRY_WHEN_BUSY_S)
        await origin.clock.run_ready(500)  # and no more goes
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert origin.names("assets") == {asset_of("a")}


async def _names_once_adding(origin: RetentionOrigin) -> set[str]:
    async with origin.planning.files.adding_content(origin.clock):
        return origin.names("assets")


async def test_nothing_is_deleted_in_a_dry_run_even_on_request(origin: RetentionOrigin) -> None:
    origin.cleaner.dry_run = True
    with pytest.raises(Rejected, match="dry_run"):
        await origin.cleaner.clear()


async def test_the_sent_bytes_of_a_failed_media_stay_for_one_grace_and_can_be_retried(origin: RetentionOrigin) -> None:
    await origin.publish("a")
    await origin.planning.fail_media("bad", "the disk was full")
    await origin.planning.fail_media("retried", "the disk was full")
    sources = {name: origin.planning.files.source_path(name) for name in ("bad", "retried")}
    for source in sources.values():
        source.write_bytes(b"bytes")
    await origin.clear_and_check()
    assert sources["bad"].exists()
    await origin.clock.advance(GRACE_S)
    await origin.planning.media.retry("retried")
    await origin.clear_and_check()
    assert [name for name, source in sources.items() if source.exists()] == ["retried"]


async def test_publishing_waits_while_content_is_deleted_and_nothing_is_deleted_while_content_is_added(
    origin: RetentionOrigin,
) -> None:
    await origin.publish("a")
    adding = origin.planning.files.adding_content
    async with adding(origin.clock), adding(origin.clock):  # the second does not wait for the first
        with pytest.raises(Conflict):
            await origin.cleaner.clear()
    with origin.planning.files.clearing_content():
        publishing = asyncio.create_task(origin.publish("a", "b"))
        await origin.clock.advance(1.0)
        assert not publishing.done()
    while not publishing.done():
        await origin.clock.advance(0.1)
    assert (await publishing) in origin.names("releases")


async def test_the_lock_of_another_process_counts_until_that_process_dies(origin: RetentionOrigin) -> None:
    script = (
        "import fcntl, sys; file = open(sys.argv[1], 'r+'); fcntl.flock(file, fcntl.LOCK_SH); "
        "print('locked', flush=True); sys.stdin.read()"
    )
    await origin.publish("a")
    lock = origin.planning.files.data_dir / "content.lock"
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(lock), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"locked\n"
    with pytest.raises(Conflict):
        await origin.cleaner.clear()
    other.kill()
    await other.wait()
    await origin.clear_and_check()


async def test_nothing_is_deleted_while_a_release_in_force_cannot_be_read(origin: RetentionOrigin) -> None:
    releases = [await origin.publish(media) for media in "abc"]
    await origin.delete("a")
    await origin.clock.advance(GRACE_S + 60)
    damaged = origin.planning.files.content / release_path(releases[-1])
    whole = damaged.read_bytes()
    damaged.write_bytes(whole.replace(asset_of("c").encode(), asset_of("a").encode()))
    with pytest.raises(StorageBroken, match="publish it again"):
        await origin.cleaner.clear()
    assert origin.names("releases") == set(releases)
    await origin.planning.publisher.publish("main")
    assert damaged.read_bytes() == whole
    await origin.clear_and_check()
    assert origin.names("releases") == set(releases[1:])


async def test_the_service_scans_every_hour_and_soon_again_when_content_was_being_added(
    origin: RetentionOrigin,
) -> None:
    await origin.publish("a")
    running = asyncio.create_task(origin.cleaner.run())
    try:
        async with origin.planning.files.adding_content(origin.clock):
            await origin.clock.advance(0.0)
            assert not origin.scans
        await _until_scans(origin, 2, cleaner.RETRY_WHEN_BUSY_S)
        before = origin.clock.monotonic()
        await _until_scans(origin, 4, cleaner.SCAN_EVERY_S / 10)
        assert origin.clock.monotonic() - before >= cleaner.SCAN_EVERY_S
    finally:
        running.cancel()
        await asyncio.wait([running])


async def _until_scans(origin: RetentionOrigin, times: int, step_s: float) -> None:
    async with asyncio.timeout(60):
        while len(origin.scans) < times:
            await origin.clock.advance(step_s)


# A second process clears the folder at a later time. It kills itself before or after the nth call of `owner.name`.
SCRIPT = """
import asyncio, os, signal, sys
from datetime import datetime
from pathlib import Path
from sync.origin.store.media.retention import RetentionStore
from tests.fakes import FakeClock
from tests.origin.retention.retention_origin import open_retention_origin

folder, at, owner, name, when, nth = sys.argv[1:]
owner = {"file": Path, "store": RetentionStore}[owner]
real, calls = getattr(owner, name), 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def unlink(self, missing_ok=False):
    if ".lock" in self.name or self.suffix == ".tmp":
        return real(self, missing_ok)
    global calls
    calls += 1
    if calls == int(nth) and when == "before":
        die()
    real(self, missing_ok)
    if calls == int(nth):
        die()

async def statement(self, *arguments):
    if when == "before":
        die()
    await real(self, *arguments)
    die()

async def main():
    async with open_retention_origin(Path(folder), FakeClock(datetime.fromisoformat(at))) as origin:
        setattr(owner, name, unlink if name == "unlink" else statement)
        await origin.cleaner.clear()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("owner", "name", "when", "nth"),
    [
        ("file", "unlink", "after", 1),  # the release is deleted
        ("store", "delete_assets", "after", 1),
        ("file", "unlink", "after", 2),  # an asset, but not its chunk list
        *in_bench(("store", "delete_assets", "before", 1)),
    ],
)
async def test_killed_at_any_step_nothing_needed_is_missing_and_the_next_scan_finishes(
    tmp_path: Path, owner: str, name: str, when: str, nth: int
) -> None:
    clock = FakeClock(datetime.now(UTC) - timedelta(days=30))
    async with open_retention_origin(tmp_path, clock) as origin:
        for media in "abc":
            await origin.publish(media)
        await origin.delete("a")
        await origin.cleaner.clear()  # nothing is old enough
        await origin.clock.advance(GRACE_S)
        _age(origin.planning.files.content, clock)
        await origin.planning.make_media("old")
        await origin.delete("old")
        assert (await origin.cleaner.report()).over == 1
        async with origin.planning.database.writing() as connection:  # as if it had been unneeded for long
            await connection.exec_driver_sql("UPDATE assets SET unneeded_ms = 1 WHERE sha256 = ?", (asset_of("old"),))
        _age(origin.planning.files.content, clock)
    at = clock.now() + timedelta(seconds=GRACE_S)
    arguments = (str(tmp_path), at.isoformat(), owner, name, when, str(nth))
    victim = await asyncio.create_subprocess_exec(sys.executable, "-c", SCRIPT, *arguments, cwd=TOP)
    assert await victim.wait() == -signal.SIGKILL
    async with open_retention_origin(tmp_path, FakeClock(at)) as origin:
        origin.check()
        await origin.planning.publisher.timestamps.refresh()
        fetched(origin.planning.files.content, "main", origin.clock)
        await origin.clear_and_check()
        assert len(origin.names("releases")) == 2
        await origin.clock.advance(GRACE_S)
        assert (await origin.clear_and_check()).over == 0
        assert origin.names("assets") == {asset_of("b"), asset_of("c")}
        assert len(origin.names("index")) == 2


def _age(folder: Path, clock: FakeClock) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (clock.now().timestamp() - 2 * GRACE_S,) * 2)
