"""Each file of a device by each damage: what still plays without the origin, and what is mended when it is there."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from sync.device.janitor import REPAIR_EVERY_S, FileRepair
from sync.device.store.content_store import ContentStore, open_content_store
from sync.device.store.file_report import file_problems, membership_unreadable
from sync.device.store.membership import load_membership, membership_file, repair_membership
from sync.errors import SignageError, StorageBroken
from sync.runtime.clock import SystemClock
from tests.fakes import FakeClock
from tests.long_tables import in_bench
from tests.sync.conftest import running
from tests.sync.device.disk.damage import (
    ALL,
    Damage,
    Original,
    deleted,
    empty,
    folder,
    garbage,
    link,
    newer,
    pipe,
    synced,
    truncated,
)
from tests.sync.device.test_syncer import whole
from tests.sync.faulty_disk import FaultyDisk
from tests.sync.file_tree_origin import Origin, noise, serving

ACTIVE, PREVIOUS = 1, 0


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    return asyncio.run(synced(tmp_path_factory.mktemp("original")))


@pytest.fixture
async def origin(original: Original) -> AsyncIterator[Origin]:
    origin = Origin(original.publisher)
    await origin.start()
    yield origin
    await origin.stop()


# file: which release plays without the origin, and whether all of its media are there
WITHOUT_ORIGIN = {
    "active": (ACTIVE, True),
    "root.json": (ACTIVE, True),
    "floor": (ACTIVE, True),
    "membership.json": (ACTIVE, True),
    "index.db": (ACTIVE, True),
    "ballast": (ACTIVE, True),
    "lock": (ACTIVE, True),
    "release": (PREVIOUS, True),
    "index": (ACTIVE, True),
    "asset": (ACTIVE, False),
}
CELLS = [(name, damage) for name in WITHOUT_ORIGIN for damage in ALL]


def ids(cell: str | Damage) -> str:
    return cell if isinstance(cell, str) else cell.__name__


@pytest.mark.parametrize(("name", "damage"), CELLS, ids=ids)
async def test_a_stopped_device_with_a_damaged_file_plays_on_and_is_mended(
    original: Original, origin: Origin, tmp_path: Path, name: str, damage: Damage
) -> None:
    path = original.paths(original.copy_to(tmp_path / "device"))[name]
    if name == "ballast":
        path.write_bytes(bytes(5000))
    damage(path)
    with open_content_store(tmp_path / "device") as store:
        check_offline(store, original, name)
        async with running(origin, store) as device:
            await device.plays(original.releases[ACTIVE])
            await device.until(lambda: holds_all(store, original))
            await device.plays(original.releases[ACTIVE])
        check_mended(store, original, unpaired=name == "membership.json" and damage is deleted)


RUNNING = [cell for cell in CELLS if cell[0] not in ("lock", "index")]  # nobody needs those two while it runs
ALIKE = in_bench(*(cell for cell in RUNNING if cell[1] not in (deleted, garbage, folder)))
ALONE = [cell for cell in RUNNING if cell[0] != "ballast"]  # which is made again once the origin was asked


@pytest.mark.parametrize(
    ("name", "damage"), [*(cell for cell in RUNNING if cell[1] in (deleted, garbage, folder)), *ALIKE], ids=ids
)
async def test_a_running_device_mends_a_damaged_file(
    original: Original, origin: Origin, tmp_path: Path, name: str, damage: Damage
) -> None:
    path = original.paths(original.copy_to(tmp_path / "device"))[name]
    with open_content_store(tmp_path / "device") as store:
        async with running(origin, store) as device:
            await device.plays(original.releases[ACTIVE])
            damage(path)
            unpaired = name == "membership.json" and damage is deleted
            looks = 1 if name in ("release", "asset") else 0  # of the screen, at what it can play
            await device.until(
                lambda: (
                    is_mended(store, original, unpaired=unpaired)
                    and path.is_file() is not unpaired
                    and device.mended >= looks
                ),
                pass_s=120,
            )


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *(cell for cell in ALONE if cell[1] in (deleted, newer)),
        *in_bench(*(cell for cell in ALONE if cell[1] not in (deleted, newer))),
    ],
    ids=ids,
)
async def test_a_running_device_plays_on_and_mends_what_it_can_while_the_origin_is_away(
    original: Original, tmp_path: Path, name: str, damage: Damage
) -> None:
    path = original.paths(original.copy_to(tmp_path / "device"))[name]
    unpaired = name == "membership.json" and damage is deleted
    plays, all_held = WITHOUT_ORIGIN[name]
    away = Origin(original.publisher)
    await away.start()
    await away.stop()
    with open_content_store(tmp_path / "device") as store:
        async with running(away, store) as device:
            await device.until(lambda: device.syncer.facts().state == "waiting")
            damage(path)

            def settled() -> bool:
                active = store.active()
                assert active is not None, "there is always something to play"
                if name == "release":
                    return active.sha256 == original.releases[plays]
                if name == "asset":
                    return active.sha256 == original.releases[plays] and not store.has_asset(path.name)
                return is_mended(store, original, unpaired=unpaired) and path.is_file() is not unpaired

            await device.until(settled, pass_s=120)
            assert len(store.media.assets()) == (3 if all_held else 2)


def is_mended(store: ContentStore, original: Original, *, unpaired: bool) -> bool:
    try:
        check_mended(store, original, unpaired=unpaired)
    except (AssertionError, SignageError):
        return False
    return holds_all(store, original)


def holds_all(store: ContentStore, original: Original) -> bool:
    active = store.active()
    if active is None or active.sha256 != original.releases[ACTIVE]:
        return False
    return all(store.has_asset(sha256) and whole(store, sha256) for sha256 in original.assets)


SMALL = ("active", "root.json", "floor", "membership.json")


@pytest.mark.parametrize("name", [*SMALL, "release", "asset"])
@pytest.mark.parametrize("kind", ["EIO once", "EIO twice", "a byte at a time", "ends early once"])
async def test_a_fault_that_passes_changes_nothing(
    original: Original, origin: Origin, tmp_path: Path, faulty_disk: FaultyDisk, name: str, kind: str
) -> None:
    path = original.paths(original.copy_to(tmp_path / "device"))[name]
    before = path.stat()
    if kind == "a byte at a time":
        faulty_disk.bytes_at_once = 997
    elif kind == "ends early once":
        faulty_disk.early_ends[path] = 1
    else:
        faulty_disk.fail(path, times=1 if kind == "EIO once" else 2)
    with open_content_store(tmp_path / "device") as store:
        check_mended(store, original)
        assert (active := store.active()) is not None and active.sha256 == original.releases[ACTIVE]
        assert store.media.recheck(path.name) or name != "asset"
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert not origin.requests


@pytest.mark.parametrize("name", SMALL)
async def test_what_the_disk_never_gives_back_comes_from_the_copy_and_deletes_nothing(
    original: Original, tmp_path: Path, faulty_disk: FaultyDisk, name: str
) -> None:
    path = original.paths(original.copy_to(tmp_path / "device"))[name]
    faulty_disk.fail(path)
    with open_content_store(tmp_path / "device") as store:
        assert (active := store.active()) is not None and active.sha256 == original.releases[ACTIVE]
        assert (member := load_membership(store)) is not None and member.token == "t"
        assert (root := store.root()) is not None and root.version == 1
        assert store.floor("main") is not None
        (problem,) = file_problems(store)
        assert str(path) in problem and "the disk reports an error" in problem and "Its copy is used" in problem


async def test_a_membership_that_the_disk_does_not_give_back_is_not_unpaired(
    original: Original, tmp_path: Path, faulty_disk: FaultyDisk
) -> None:
    path = original.paths(original.copy_to(tmp_path / "device"))["membership.json"]
    faulty_disk.fail(path, path.parent / "copies" / path.name)
    with open_content_store(tmp_path / "device") as store:
        with pytest.raises(StorageBroken, match="the disk reports an error"):
            load_membership(store)
        assert membership_unreadable(store)
        faulty_disk.faults.clear()
        assert (member := load_membership(store)) is not None and member.token == "t"


async def test_an_asset_that_the_disk_does_not_give_back_is_kept_and_fetched_again(
    original: Original, origin: Origin, tmp_path: Path, faulty_disk: FaultyDisk
) -> None:
    path = original.paths(original.copy_to(tmp_path / "device"))["asset"]
    faulty_disk.fail(path)
    with open_content_store(tmp_path / "device") as store:
        assert not store.media.recheck(path.name)
        assert path.exists() and not store.has_asset(path.name)
        before = path.stat().st_ino
        faulty_disk.faults.clear()
        async with running(origin, store) as device:
            await device.until(lambda: holds_all(store, original) and device.mended > 0)
        assert path.stat().st_ino != before


@pytest.mark.parametrize("damage", [empty, truncated, garbage, deleted, folder, link, pipe], ids=ids)
async def test_a_root_and_its_copy_that_are_lost_come_back_from_the_origin_that_has_the_pinned_one(
    original: Original, origin: Origin, tmp_path: Path, damage: Damage
) -> None:
    original.copy_to(tmp_path / "device")
    with open_content_store(tmp_path / "device") as store:
        store.activate(original.releases[PREVIOUS], 1)
        for path in (store.root_file.path, store.root_file.copy):
            damage(path)
        async with running(origin, store, pin=False) as device:
            await device.plays(original.releases[ACTIVE])
        check_mended(store, original)


async def test_a_root_that_is_lost_is_never_taken_from_a_stranger(original: Original, tmp_path: Path) -> None:
    original.copy_to(tmp_path / "device")
    async with serving(tmp_path / "stranger") as stranger:
        stranger.publisher.publish(noise(9, 500))
        with open_content_store(tmp_path / "device") as store:
            store.root_file.path.unlink()
            store.root_file.copy.unlink()
            async with running(stranger, store, pin=False) as device:
                await device.until(lambda: "not the one that was pinned" in device.syncer.facts().problem)
            assert store.root() is None
            assert (active := store.active()) is not None and active.sha256 == original.releases[ACTIVE]


def check_offline(store: ContentStore, original: Original, name: str) -> None:
    plays, _ = WITHOUT_ORIGIN[name]
    active = store.active()
    assert active is not None and active.sha256 == original.releases[plays]


def check_mended(store: ContentStore, original: Original, *, unpaired: bool = False) -> None:
    pointer, member, root = store.pointer(), load_membership(store), store.root()
    assert pointer is not None and pointer.release == original.releases[ACTIVE] and pointer.sequence == 2
    assert (member is None) is unpaired and (member is None or (member.device, member.token) == ("d1", "t"))
    assert root is not None and root.version == 1
    floor = store.floor("main")
    assert floor is not None and floor.sequence == 2
    assert file_problems(store) == ()


async def test_a_lost_root_of_which_nothing_is_known_is_named_and_what_is_there_plays(
    original: Original, tmp_path: Path
) -> None:
    original.copy_to(tmp_path / "device")
    store = ContentStore(tmp_path / "device")
    member = load_membership(store)
    assert member is not None
    store.root_file.path.unlink()
    store.root_file.copy.unlink()
    (problem,) = file_problems(store)
    assert "root.json is missing: it is fetched again" in problem
    for path in (membership_file(store).path, membership_file(store).copy):
        path.write_text(member.model_dump_json())  # as an older version wrote it
    with open_content_store(tmp_path / "device") as store:
        (problem,) = file_problems(store)
        assert "root.json is missing: no new content is accepted" in problem and "pair this device again" in problem
        assert (active := store.active()) is not None and active.sha256 == original.releases[ACTIVE]


@pytest.mark.parametrize("damage", ALL, ids=ids)
@pytest.mark.parametrize("name", SMALL)
def test_a_damaged_copy_is_written_again(original: Original, tmp_path: Path, name: str, damage: Damage) -> None:
    path = original.paths(original.copy_to(tmp_path / "device"))[name]
    damage(path.parent / "copies" / path.name)
    with open_content_store(tmp_path / "device") as store:
        repair_membership(store)
        assert file_problems(store) == ()
    assert (path.parent / "copies" / path.name).read_bytes() == path.read_bytes()


async def test_without_the_origin_an_asset_that_was_written_to_is_not_shown(original: Original, tmp_path: Path) -> None:
    path = original.paths(original.copy_to(tmp_path / "device"))["asset"]
    garbage(path)
    origin = Origin(original.publisher)
    await origin.start()
    await origin.stop()
    with open_content_store(tmp_path / "device") as store:
        async with running(origin, store) as device:
            await device.until(lambda: device.syncer.facts().state == "waiting" and not store.has_asset(path.name))
        assert len(store.media.assets()) == 2


async def test_the_catalogue_of_an_older_version_is_kept_and_hashes_nothing_again(
    original: Original, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = original.paths(original.copy_to(tmp_path / "device"))["index.db"]
    with closing(sqlite3.connect(path, isolation_level=None)) as older:
        for column in ("stamp", "chunk_list", "hashed_ms"):
            older.execute(f"ALTER TABLE assets DROP COLUMN {column}")
        older.execute("PRAGMA user_version=1")
    rechecked: list[str] = []
    with open_content_store(tmp_path / "device") as store:
        monkeypatch.setattr(store.media, "recheck", lambda sha256, index: rechecked.append(sha256))
        async with running(origin, store) as device:
            await device.plays(original.releases[ACTIVE])
    assert rechecked == []
    with closing(sqlite3.connect(path)) as now:
        assert all(stamp for (stamp,) in now.execute("SELECT stamp FROM assets"))


async def test_a_device_that_asks_no_origin_repairs_its_files_while_it_runs(
    original: Original, tmp_path: Path, clock: FakeClock
) -> None:
    original.copy_to(tmp_path / "device")
    mended: list[str] = []
    with open_content_store(tmp_path / "device") as store:
        service = asyncio.create_task(FileRepair(store, clock, lambda: mended.append("content")).run())
        for path in (store.active_file.path, store.active_file.copy, store.root_file.path):
            path.unlink()
        (store.store / "index").rename(tmp_path / "away")
        while not mended or file_problems(store):
            await clock.advance(REPAIR_EVERY_S)
            await SystemClock().sleep(0.005)
        assert mended == ["content"] and (store.store / "index").is_dir()
        assert (pointer := store.pointer()) is not None and pointer.release == original.releases[ACTIVE]
        service.cancel()
        await asyncio.wait({service})
