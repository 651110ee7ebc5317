"""Many files share one round of flushes, in the order that survives a power cut; a lost file takes no other with it."""

import asyncio
import errno
import math
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sync.device.store import media_intake
from sync.device.store.chunk_catalog import ChunkCatalog, open_catalog
from sync.device.store.content_store import ContentStore
from sync.device.store.media_intake import ADMIT_S, GROUP_S, MediaIntake
from sync.device.store.partial_file import PartialFile, load_bitmap
from sync.errors import CorruptContent
from sync.runtime import durable_files
from sync.wire.chunk_index import Index, one_chunk_index
from tests.fakes import FakeClock
from tests.sync.file_tree_origin import CHUNK, Publisher, cut_into, noise

LIST = "c" * 64


@pytest.fixture
async def catalog(store: ContentStore) -> AsyncIterator[ChunkCatalog]:
    async with open_catalog(store.catalog_path) as catalog:
        yield catalog


@pytest.fixture
def intake(store: ContentStore, catalog: ChunkCatalog, clock: FakeClock) -> MediaIntake:
    return MediaIntake(store.media, catalog, clock)


async def begun(intake: MediaIntake, *contents: bytes) -> list[Index]:
    indexes = [cut_into(content) for content in contents]
    await intake.begin({index.asset: (LIST, index) for index in indexes})
    return indexes


def fill(part: PartialFile, content: bytes, most: int = 1_000) -> None:
    for chunk in part.index.chunks[:most]:
        part.write(chunk, memoryview(content)[chunk.offset : chunk.offset + chunk.length])


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, catalog: ChunkCatalog) -> list[str]:
    """Note each flush, each new name and each commit."""
    noted: list[str] = []

    def note(owner: object, name: str, step: str) -> None:
        real = getattr(owner, name)

        def noting(*given: object, **named: object) -> object:
            noted.append(step)
            return real(*given, **named)

        monkeypatch.setattr(owner, name, noting)

    note(durable_files, "_syncfs", "flush of all")
    note(os, "fdatasync", "flush")
    note(os, "fsync", "flush of a folder")
    note(os, "replace", "name")
    note(catalog._database, "transaction", "commit")
    return noted


async def test_many_small_files_share_their_flushes_and_one_commit(
    store: ContentStore, intake: MediaIntake, catalog: ChunkCatalog, steps: list[str]
) -> None:
    contents = [noise(seed, 100 + seed) for seed in range(40)]
    indexes = await begun(intake, *contents)
    assert not store.media.parts(), "the file of a single chunk is created when it arrives"
    for index, content in zip(indexes, contents, strict=True):
        fill(intake.parts[index.asset], content)
    assert await intake.commit() == {index.asset for index in indexes} == store.media.assets()
    assert steps == ["flush of all", *["name"] * 40, "flush of a folder", "commit"]
    assert (await catalog.assets()).keys() == store.media.assets()
    assert (await catalog.unproven(), intake.parts, store.media.parts()) == ({}, {}, frozenset())
    assert await intake.commit() == frozenset() and len(steps) == 43, "nothing new costs nothing"


async def test_a_kernel_that_hides_lost_bytes_from_syncfs_flushes_each_file(
    intake: MediaIntake, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable_files, "_syncfs_reports_errors", lambda: False)
    for index, content in zip(await begun(intake, b"one", b"two"), (b"one", b"two"), strict=True):
        fill(intake.parts[index.asset], content)
    assert len(await intake.commit()) == 2
    assert steps == ["flush"] * 2 + ["flush of a folder"] + ["name"] * 2 + ["flush of a folder", "commit"]


async def test_chunks_of_a_file_that_is_not_whole_are_durable_before_their_bits(
    intake: MediaIntake, catalog: ChunkCatalog, steps: list[str]
) -> None:
    content = noise(1, 4 * CHUNK)
    (index,) = await begun(intake, content)
    fill(intake.parts[index.asset], content, 2)
    assert await intake.commit() == frozenset()
    assert steps == ["flush", "flush of a folder", "commit"]
    assert load_bitmap((await catalog.bitmaps([index.asset]))[index.asset, LIST], 4) == {0, 1}
    assert (intake.progress().done_bytes, intake.progress().total_bytes) == (2 * CHUNK, 4 * CHUNK)


async def test_the_memory_of_chunks_is_given_back_once_they_are_durable(
    intake: MediaIntake, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def advise(descriptor: int, offset: int, length: int, advice: int) -> None:
        assert advice == os.POSIX_FADV_DONTNEED
        steps.append(f"{offset // CHUNK} to {(offset + length) / CHUNK:.0f}")

    monkeypatch.setattr(os, "posix_fadvise", advise)
    large, small = await begun(intake, noise(1, 4 * CHUNK), noise(2, CHUNK))
    fill(intake.parts[large.asset], noise(1, 4 * CHUNK), 2)
    fill(intake.parts[small.asset], noise(2, CHUNK))
    await intake.commit()
    assert steps[0] == "flush of all" and sorted(steps[1:3]) == ["0 to 1", "1 to 2"] and "name" in steps[3:]
    steps.clear()
    fill(intake.parts[large.asset], noise(1, 4 * CHUNK))
    await intake.commit()
    assert [step for step in steps if " to " in step] == ["0 to 1", "1 to 2", "2 to 3", "3 to 4"], (
        "all was written anew"
    )


async def test_a_file_is_admitted_before_its_last_chunk_is_noted(
    store: ContentStore, intake: MediaIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit finds the chunk in the file, and its thread notes it while the file gets its name."""
    content = noise(1, 2 * CHUNK)
    (index,) = await begun(intake, content)
    part = intake.parts[index.asset]
    fill(part, content, 1)
    note, part.wrote = part.wrote, lambda part, length: None
    fill(part, content)
    admit = store.media.admit

    def noted_meanwhile(sizes: dict[str, int]) -> object:
        note(part, CHUNK)
        return admit(sizes)

    monkeypatch.setattr(store.media, "admit", noted_meanwhile)
    assert await intake.commit() == {index.asset}
    assert await intake.commit() == frozenset() and intake.due_s() == math.inf
    assert store.media.assets() == {index.asset}


async def test_the_downloader_is_told_of_what_is_due_and_not_of_each_chunk(
    store: ContentStore, catalog: ChunkCatalog, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_intake, "GROUP_BYTES", 8 * CHUNK)
    told: list[None] = []
    intake = MediaIntake(store.media, catalog, clock, lambda: told.append(None))
    contents = [noise(seed, 3 * CHUNK) for seed in range(4)]
    parts = [intake.parts[index.asset] for index in await begun(intake, *contents)]
    fill(parts[0], contents[0], 2)
    assert (len(told), intake.due_s()) == (1, GROUP_S), "the first chunk"
    fill(parts[0], contents[0])
    fill(parts[1], contents[1])
    assert (len(told), intake.due_s()) == (2, ADMIT_S), "the first whole file"
    fill(parts[2], contents[2])
    fill(parts[3], contents[3])
    assert (len(told), intake.due_s()) == (3, 0), "a full group"
    await intake.commit()
    assert (len(told), intake.due_s()) == (3, math.inf)


async def test_a_file_of_several_chunks_is_to_be_hashed_as_a_whole_later(
    store: ContentStore, intake: MediaIntake, catalog: ChunkCatalog
) -> None:
    (index,) = await begun(intake, content := noise(1, 2 * CHUNK))
    fill(intake.parts[index.asset], content)
    await intake.commit()
    assert await catalog.unproven() == {index.asset: LIST}
    await catalog.mark_hashed({index.asset: store.media.stamp(index.asset)}, FakeClock().now())
    assert await catalog.unproven() == {}


def deleted(part: PartialFile) -> None:
    part.path.unlink()


def cut_short(part: PartialFile) -> None:
    os.truncate(part.path, 5)


@pytest.mark.parametrize("damage", [deleted, cut_short])
async def test_a_file_that_somebody_changed_before_it_was_whole_is_lost_alone(
    store: ContentStore, intake: MediaIntake, damage: Callable[[PartialFile], None]
) -> None:
    contents = [noise(seed, 2 * CHUNK) for seed in range(3)]
    lost, *others = indexes = await begun(intake, *contents)
    for index, content in zip(indexes, contents, strict=True):
        fill(intake.parts[index.asset], content)
    damage(intake.parts[lost.asset])
    with pytest.raises(CorruptContent, match=lost.asset):
        await intake.commit()
    assert store.media.assets() == {index.asset for index in others}
    assert not intake.parts and not store.media.parts()
    await begun(intake, contents[0])
    assert not intake.parts[lost.asset].verified()


async def test_bytes_that_the_disk_loses_cost_their_own_file_only(
    store: ContentStore, intake: MediaIntake, catalog: ChunkCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = [noise(seed, 3 * CHUNK) for seed in range(3)]
    indexes = await begun(intake, *contents)
    for index, content in zip(indexes, contents, strict=True):
        fill(intake.parts[index.asset], content, 2)
    lost, fdatasync = intake.parts[indexes[1].asset].path.stat(), os.fdatasync

    def failing(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), lost):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fdatasync(descriptor)

    def syncfs(folder: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", failing)
    monkeypatch.setattr(durable_files, "_syncfs", syncfs)
    assert await intake.commit() == frozenset()
    (refused,) = intake.take_refused().items()
    assert refused[0] == indexes[1].asset and "the disk reports an error" in str(refused[1])
    kept = {index.asset for index in (indexes[0], indexes[2])}
    assert (
        intake.parts.keys()
        == store.media.parts()
        == {name for name, _ in await catalog.bitmaps([index.asset for index in indexes])}
        == kept
    )


async def test_a_commit_that_nobody_waits_for_any_more_is_finished_before_the_next(
    store: ContentStore, intake: MediaIntake
) -> None:
    (index,) = await begun(intake, content := noise(1, CHUNK))
    fill(intake.parts[index.asset], content)
    abandoned = asyncio.create_task(intake.commit())
    await asyncio.sleep(0)
    abandoned.cancel()
    assert await intake.commit() == frozenset()
    assert store.has_asset(index.asset) and not intake.parts


async def test_groups_are_committed_by_time_and_whole_files_sooner(
    store: ContentStore, intake: MediaIntake, catalog: ChunkCatalog, clock: FakeClock
) -> None:
    (large, small) = await begun(intake, noise(1, 3 * CHUNK), noise(2, 50))
    assert intake.due_s() == math.inf
    fill(intake.parts[small.asset], noise(2, 50))
    assert intake.due_s() == ADMIT_S
    await clock.advance(ADMIT_S)
    assert intake.due_s() == 0
    await intake.commit()
    assert store.has_asset(small.asset)
    fill(intake.parts[large.asset], noise(1, 3 * CHUNK), 1)
    assert intake.due_s() == GROUP_S
    await clock.advance(GROUP_S)
    assert intake.due_s() == 0
    await intake.commit()
    assert await catalog.bitmaps([large.asset]) and intake.due_s() == math.inf


def test_the_chunk_list_of_one_chunk_follows_from_the_release(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path)
    one, two = publisher.asset(noise(1, CHUNK)), publisher.asset(noise(2, CHUNK + 1))
    assert one_chunk_index(one) == cut_into(noise(1, CHUNK))
    assert one_chunk_index(two) is None
    assert one_chunk_index(one.model_copy(update={"size_bytes": 5})) is None


def gone(store: ContentStore, path: Path) -> None:
    path.unlink()


def of_another_size(store: ContentStore, path: Path) -> None:
    os.truncate(path, 5)


def a_link(store: ContentStore, path: Path) -> None:
    path.rename(store.state / "elsewhere")
    path.symlink_to(store.state / "elsewhere")


def found_damaged(store: ContentStore, path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))
    store.media.damaged.add(path.name)


@pytest.mark.parametrize("change", [gone, of_another_size, a_link, found_damaged])
async def test_bits_of_a_file_that_is_gone_never_count_for_the_one_in_its_place(
    store: ContentStore, intake: MediaIntake, catalog: ChunkCatalog, change: Callable[[ContentStore, Path], None]
) -> None:
    content = noise(1, 4 * CHUNK)
    (index,) = await begun(intake, content)
    fill(intake.parts[index.asset], content, 2)
    await intake.commit()
    intake.forget_all_but(())
    await begun(intake, content)
    assert intake.parts[index.asset].verified() == {0, 1}
    change(store, intake.parts[index.asset].path)
    for _ in range(2):  # the first one makes an empty file of that size; after a power cut the second one finds it
        intake.forget_all_but(())
        await begun(intake, content)
        assert not intake.parts[index.asset].verified()
        store.media.damaged.clear()


async def test_bits_of_another_chunk_list_do_not_count_once_this_one_was_written(
    intake: MediaIntake, catalog: ChunkCatalog
) -> None:
    content = noise(1, 4 * CHUNK)
    (index,) = await begun(intake, content)
    fill(intake.parts[index.asset], content, 2)
    await intake.commit()
    await intake.begin({index.asset: ("d" * 64, cut_into(content, 3 * CHUNK))})
    assert not await catalog.bitmaps([index.asset])


async def test_a_file_that_is_wanted_again_while_it_is_admitted_waits_for_that(
    store: ContentStore, intake: MediaIntake
) -> None:
    (index,) = await begun(intake, content := noise(1, 2 * CHUNK))
    fill(intake.parts[index.asset], content)
    admitting = asyncio.create_task(intake.commit())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    intake.forget_all_but(())
    await begun(intake, content)
    await admitting
    fill(intake.parts[index.asset], content)
    assert await intake.commit() == {index.asset}
    assert store.asset_path(index.asset).read_bytes() == content and not store.media.parts()
