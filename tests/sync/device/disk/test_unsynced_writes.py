"""Power cuts at every step of a download, on a disk that loses what was not flushed.

A real syncer fetches releases and evicts what they no longer need. Each change of its files is recorded, and the disk
is put together as a cut after that change leaves it (`unsynced_disk`). I1 to I6 are in `test_kill.check`. I7: the media
leave the reserve of the disk free. I8: what the active, the previous or the pending release names is never evicted. I9:
no more is fetched than is missing, and was spoilt by the server. I10: a second start changes nothing. I11: without the
catalogue the same release plays, and only missing bytes are fetched. Wrong orders of our own have to be found.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sync.device.downloader import Downloader
from sync.device.store import media_files, media_intake
from sync.device.store.active_pointer import ActivePointer, Floors
from sync.device.store.chunk_catalog import open_catalog
from sync.device.store.content_store import BALLAST_BYTES, ContentStore, open_content_store
from sync.device.store.media_files import MediaFiles
from sync.device.store.media_intake import MediaIntake
from sync.device.store.partial_file import PartialFile, dump_bitmap
from sync.device.syncer import Syncer
from sync.device.transfer.asset_state import AssetState
from sync.device.transfer.spans import Span
from sync.device.transfer.transfer_queue import TransferQueue
from sync.errors import NotFound
from sync.runtime import durable_files
from sync.wire.chunk_index import Index, load_index
from sync.wire.content_paths import index_path, release_path
from sync.wire.release import Release, Timestamp
from tests.fakes import FakeClock
from tests.long_tables import in_bench
from tests.sync.conftest import running
from tests.sync.device.disk.test_kill import check, check_bits
from tests.sync.device.disk.unsynced_disk import Bytes, Disk, Name, Recorder, Step, Told, cuts, write_out
from tests.sync.device.test_damage import flip
from tests.sync.file_tree_origin import CHANNEL, Origin, noise

RESERVE = 100_000_000
DISK = RESERVE + 165_000  # bytes beside the ballast: of three releases the first one has to go
PIECE = 4096  # bytes of a chunk
SPOILT = 2 * PIECE  # bytes that one wrong and one short answer cost


@dataclass(frozen=True)
class Recorded:
    """What a syncer did to its files below `root`."""

    root: Path
    steps: list[Step]
    begun: int  # the steps before only say what was there


def publish(origin: Origin, number: int) -> None:
    """Publish a release that shares files and chunks with the one before."""
    origin.publisher.publish(
        noise(number, 6 * PIECE),
        noise(number + 1, 6 * PIECE),
        noise(100 + number, PIECE) + noise(number, 3 * PIECE),
        *(noise(1000 + seed, 2000) for seed in range(4 * number, 4 * number + 8)),
        chunk=PIECE,
    )


async def recorded(origin: Origin, store: ContentStore, patch: pytest.MonkeyPatch, releases: int) -> Recorded:
    """Record a device that fetches releases, one after the other, with commits in between."""
    patch.setattr(durable_files, "_syncfs_reports_errors", lambda: True)
    store.save_root(origin.publisher.root)
    recorder = Recorder(store.state.parent, store.catalog_path)
    activate = Syncer._activate

    def free_bytes(store: ContentStore) -> int:
        with recorder.no_change():  # a real disk says it at once; a walk would miss a file that is renamed beside it
            return DISK - held_bytes(store)

    patch.setattr(ContentStore, "free_bytes", free_bytes)

    async def telling(self: Any, timestamp: Timestamp, *given: Any, **named: Any) -> None:
        await activate(self, timestamp, *given, **named)
        recorder.steps.append(Told(timestamp.sequence))

    patch.setattr(Syncer, "_activate", telling)
    origin.faults.pace_s = 0.003
    with recorder.recording(patch):
        for number in range(releases):
            publish(origin, number)
            missing, origin.media_bytes = missing_bytes(store, origin), 0
            origin.faults.flip.append("assets/")
            origin.faults.cut_after.append(("assets/", 1000))
            async with running(origin, store, reserve_bytes=RESERVE) as device:
                await device.until(lambda: device.syncer.facts().state == "current", pass_s=0.7)
                assert device.syncer.facts().release == origin.publisher.release
            assert 0 < origin.media_bytes <= missing + SPOILT, "I9: more was fetched than what is missing"
    origin.faults.pace_s = 0
    return Recorded(recorder.root, recorder.steps, recorder.begun)


def held_bytes(store: ContentStore) -> int:
    freed = 0 if store.has_ballast() else BALLAST_BYTES
    return sum(path.stat().st_size for path in store.store.rglob("*") if path.is_file()) - freed


def cut_at(told: Recorded, count: int, folder: Path, seed: int = 20261130) -> Iterator[tuple[Disk, Path]]:
    """Cut after so many of the steps; return the disk as it is then, and the folder that is left of it."""
    rng = Random(seed)
    chosen = set(rng.sample(range(told.begun, len(told.steps)), min(count, len(told.steps) - told.begun)))
    for number, (_, disk) in enumerate(cuts(told.steps)):
        if number in chosen:
            left = folder / str(number)
            write_out(disk.left(rng), disk.catalog, told.root, left)
            yield disk, left


def check_cuts(told: Recorded, folder: Path, count: int, seed: int = 20261130) -> None:
    """Assert I1 to I6 after so many cuts; what a cut leaves of the unsynced writes is by chance."""
    for disk, left in cut_at(told, count, folder, seed):
        check(ContentStore(left), disk.told)


@pytest.mark.parametrize(("checked", "converged"), [(40, 3), *in_bench((1000, 200))])
async def test_after_a_power_cut_at_any_step_nothing_is_wrong_and_what_is_missing_is_fetched(
    origin: Origin,
    store: ContentStore,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    checked: int,
    converged: int,
) -> None:
    told = await recorded(origin, store, monkeypatch, 3)
    check_evictions(told)
    check_room(told)
    check_cuts(told, tmp_path / "checked", checked)
    for number, (disk, left) in enumerate(cut_at(told, converged, tmp_path / "converged")):
        if number % 2:
            for file in (left / "state").glob("index.db*"):
                file.unlink()
        with open_content_store(left) as again:
            await converge(origin, again, disk.told)


async def converge(origin: Origin, store: ContentStore, told: int) -> None:
    """Assert I10 and I11, and that the device comes to the newest release with the bytes that are missing."""
    before = store.active()
    once = await recover(store, origin)
    assert await recover(store, origin) == once, "I10: a second start changes something"
    check(store, told)
    assert before is None or store.active() == before, "I11: another release plays"
    missing, origin.media_bytes = missing_bytes(store, origin), 0
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
    assert origin.media_bytes <= missing, "I9, I11: what is here was fetched again"
    assert check(store, origin.publisher.sequence) == origin.publisher.sequence


async def test_bits_that_a_crash_left_behind_do_not_count_once_their_asset_is_damaged(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(origin, 0)
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
    sha256, (chunk_list, index) = max(lists(origin).items(), key=lambda one: len(one[1][1].chunks))
    async with open_catalog(store.catalog_path) as catalog:  # as a cut between its new name and the commit leaves it
        bits = dump_bitmap(frozenset(range(len(index.chunks))), len(index.chunks))
        await catalog.save({(sha256, chunk_list): bits}, {}, {}, (), FakeClock().now())
    flip(store.asset_path(sha256), 5)
    recorder = Recorder(store.state.parent, store.catalog_path)
    with recorder.recording(monkeypatch):
        async with running(origin, store) as device:
            store.suspect(sha256)
            await device.until(lambda: device.mended > 0)
    damaged = store.media.part_path(sha256)
    assert any(isinstance(step, Name) and step.path == damaged for step in recorder.steps)
    for _, left in cut_at(Recorded(recorder.root, recorder.steps, recorder.begun), 1000, tmp_path / "cut"):
        check_bits(ContentStore(left))


Break = Callable[[pytest.MonkeyPatch], None]


def commit_without_flush(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(media_intake, "sync_files", lambda folder, paths: {})


def rename_before_the_flush(patch: pytest.MonkeyPatch) -> None:
    flush, admit = durable_files.sync_files, MediaFiles.admit

    def admit_and_flush(media: MediaFiles, sizes: Mapping[str, int]) -> object:
        admitted = admit(media, sizes)
        flush(media.folders()[0], [media.file(name) for name in sizes])
        return admitted

    commit_without_flush(patch)
    patch.setattr(MediaFiles, "admit", admit_and_flush)


def active_before_it_is_whole(patch: pytest.MonkeyPatch) -> None:
    download = Downloader.download

    async def activate_first(self: Downloader, release: Release, changed: Any, begun: Callable[[], None]) -> bool:
        floor = self._store.floor(CHANNEL)
        assert floor is not None
        self._store.activate(floor.release, floor.sequence)
        return await download(self, release, changed, begun)

    patch.setattr(Downloader, "download", activate_first)


def names_without_flush(patch: pytest.MonkeyPatch) -> None:
    for module in (durable_files, media_files):
        patch.setattr(module, "sync_folder", lambda folder: None)


def fetch_before_there_is_room(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Downloader, "_check_room", lambda downloader, wanted: None)


def ask_again_before_it_is_here(patch: pytest.MonkeyPatch) -> None:
    add = TransferQueue.add_spans

    def add_twice(queue: TransferQueue, asset: str, part: PartialFile, spans: Iterable[Span]) -> None:
        add(queue, asset, part, 2 * tuple(spans))

    patch.setattr(TransferQueue, "add_spans", add_twice)
    patch.setattr(AssetState, "busy_chunks", lambda state: set())


@pytest.mark.parametrize(
    ("broken", "found", "releases"),
    [
        (commit_without_flush, "I[123]", 1),
        (rename_before_the_flush, "I2", 1),
        (active_before_it_is_whole, "is not on this device", 1),
        (names_without_flush, "I[45]|is not on this device", 1),
        (fetch_before_there_is_room, "I7", 3),
        (ask_again_before_it_is_here, "I9", 1),
    ],
)
async def test_a_wrong_order_of_ours_is_found(
    origin: Origin,
    store: ContentStore,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    broken: Break,
    found: str,
    releases: int,
) -> None:
    broken(monkeypatch)
    with pytest.raises((AssertionError, NotFound), match=found):
        told = await recorded(origin, store, monkeypatch, releases)
        check_room(told)
        for seed in range(20):  # few of the cuts can show it
            check_cuts(told, tmp_path / f"cut{seed}", 1000, seed)


def check_evictions(told: Recorded) -> None:
    """Assert I8: nothing that the active, the previous or the pending release names is deleted."""
    deleted = 0
    for step, disk in cuts(told.steps):
        if isinstance(step, Name) and step.inode is None and step.path.parent.name in ("assets", "parts"):
            deleted += 1
            assert step.path.name not in named(disk, told), f"I8: {step.path}"
    assert deleted


def check_room(told: Recorded) -> None:
    """Assert I7: at every step the media leave the reserve free, also those that are reserved and not here yet."""
    for step, disk in cuts(told.steps):
        if isinstance(step, Bytes):
            media = [n for path, n in disk.seen.items() if path.parent.name in ("assets", "parts")]
            held = sum(len(disk.seen_content.get(number, b"")) for number in media)
            assert held <= DISK - RESERVE, "I7: the reserve of the disk is used"


def named(disk: Disk, told: Recorded) -> set[str]:
    """Return the assets of the releases that the files name, as the program sees them."""
    state = told.root / "state"
    pointer = ActivePointer.model_validate_json(disk.seen_content[disk.seen[state / "active"]])
    floors = Floors.model_validate_json(disk.seen_content[disk.seen[state / "floor"]])
    releases = {pointer.release, pointer.previous, floors.channels[CHANNEL].release} - {None}
    folder = told.root / "store" / "releases"
    documents = [disk.seen_content[disk.seen[folder / f"{name}.json"]] for name in releases]
    return {asset.sha256 for document in documents for asset in Release.model_validate_json(document).assets}


async def recover(store: ContentStore, origin: Origin) -> dict[str, object]:
    """Do what a start does with the files, and return all of them."""
    store.prepare()
    async with open_catalog(store.catalog_path) as catalog:
        intake = MediaIntake(store.media, catalog, FakeClock())
        await intake.begin({name: one for name, one in lists(origin).items() if name in store.media.parts()})
        await intake.commit()
        rows = (await catalog.bitmaps(store.media.parts()), await catalog.stamps())
    store.repair()
    paths = [path for folder in (store.state, store.store) for path in folder.rglob("*") if path.is_file()]
    files = {str(path): path.read_bytes() for path in paths if not path.name.startswith(("index.db", "ballast"))}
    return files | {"rows": rows}


def lists(origin: Origin) -> dict[str, tuple[str, Index]]:
    folder = (origin.publisher.folder / index_path("0" * 64)).parent
    found = ((path.name, load_index(path.read_bytes())) for path in folder.rglob("*") if path.is_file())
    return {index.asset: (name, index) for name, index in found}


def missing_bytes(store: ContentStore, origin: Origin) -> int:
    """Return the bytes of the chunks of the newest release that are not on this disk.

    A chunk whose beginning is there counts twice: it may be wrong.
    """
    known = lists(origin)
    raw = (origin.publisher.folder / release_path(origin.publisher.release)).read_bytes()
    missing = 0
    for asset in Release.model_validate_json(raw).assets:
        if store.has_asset(asset.sha256):
            continue
        path, index = store.media.part_path(asset.sha256), known[asset.sha256][1]
        held = path.read_bytes() if path.exists() else b""
        for chunk in index.chunks:
            piece = held[chunk.offset : chunk.offset + chunk.length]
            if hashlib.sha256(piece).hexdigest() != chunk.sha256:
                missing += chunk.length * (2 if piece.strip(b"\0") else 1)
    return missing
