"""Crashes, limits and full disks around the pipeline: what is picked up, what is tried again, what is left behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from random import Random

import psutil
import pytest

from sync.errors import Conflict, StorageBroken, StorageFull
from sync.origin.ingest.pipeline import Pipeline
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.upload_file import lock_upload
from sync.origin.store.media import MediaState
from sync.origin.transcode.sandbox import ChildStopped, Limits, run_tool
from sync.runtime.clock import SystemClock
from tests.fakes import FakeClock
from tests.origin.media_origin import MediaOrigin, open_media_origin, settings_for, wait_until
from tests.origin.samples import Samples

MIB = 1024 * 1024
LIMITS = Limits(seconds=20, memory_bytes=512 * MIB, file_bytes=8 * MIB)
PRORES = ("-c:v", "prores_ks", "-f", "mov")


def children() -> list[psutil.Process]:
    tools = ("ffmpeg", "ffprobe", "sleep")
    return [child for child in psutil.Process().children(recursive=True) if name_of(child) in tools]


def name_of(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:  # it ended since it was listed
        return ""


async def running_encoder(media_origin: MediaOrigin) -> psutil.Process:
    """Return the encoder that is at work."""

    async def found() -> psutil.Process | None:
        encoders = [child for child in children() if name_of(child) == "sleep"]
        return encoders[0] if encoders else None

    child: psutil.Process = await wait_until(found)
    return child


async def wait_until_cleaned_up(media_origin: MediaOrigin) -> None:
    """Wait until the work's folder is gone: it goes right after the row says how the work ended."""

    async def gone() -> bool:
        return not children() and not list(media_origin.files.work.iterdir())

    await wait_until(gone)


@pytest.fixture
def hang(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Inject an encoder that hangs, until this file is removed."""
    folder = tmp_path_factory.mktemp("hang")
    tool = folder / "ffmpeg"
    tool.write_text("#!/bin/sh\nexec sleep 300\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tool


@pytest.fixture
def film(samples: Samples) -> Path:
    """A film that must be encoded anew; made before anything hangs."""
    return samples.video("studio.mov", *PRORES, seconds=0.5)


async def test_a_killed_worker_is_tried_again_and_the_media_becomes_ready(
    media_origin: MediaOrigin, film: Path, hang: Path
) -> None:
    media_id = await media_origin.intake.ingest_file(film, "film.mov")
    encoder = await running_encoder(media_origin)
    hang.unlink()
    encoder.send_signal(signal.SIGKILL)
    row = await media_origin.wait_until_processed(media_id)
    assert row.state is MediaState.READY and row.attempts == 2
    await wait_until_cleaned_up(media_origin)
    assert not list(media_origin.files.uploads.iterdir())


async def test_stopping_the_origin_mid_way_puts_the_media_back_without_counting(
    tmp_path: Path, film: Path, hang: Path
) -> None:
    async with open_media_origin(tmp_path) as media_origin:
        media_id = await media_origin.intake.ingest_file(film, "film.mov")
        await running_encoder(media_origin)
    assert not children() and not list((tmp_path / "work").iterdir())
    async with open_media_origin(tmp_path, working=False) as media_origin:
        row = await media_origin.media.get(media_id)
        assert row.state is MediaState.QUEUED and row.attempts == 0


async def test_what_a_crash_left_at_work_is_picked_up_at_the_next_start(tmp_path: Path, samples: Samples) -> None:
    async with open_media_origin(tmp_path, working=False) as media_origin:
        media_id = await media_origin.intake.ingest_file(samples.rotated_jpeg(), "photo")
        assert await media_origin.media.claim()
        left = media_origin.files.work / media_id / "asset"
        left.parent.mkdir()
        left.write_bytes(b"half")
    async with open_media_origin(tmp_path) as media_origin:
        row = await media_origin.wait_until_processed(media_id)
        assert row.state is MediaState.READY and row.attempts == 2
        assert not list(media_origin.files.work.iterdir())


async def test_a_file_that_takes_the_origin_down_each_time_is_given_up_after_three(
    tmp_path: Path, samples: Samples
) -> None:
    async with open_media_origin(tmp_path, working=False) as media_origin:
        media_id = await media_origin.intake.ingest_file(samples.rotated_jpeg(), "photo")
        for _ in range(3):
            assert await media_origin.media.claim()
            await media_origin.pipeline.recover()
        row = await media_origin.media.get(media_id)
        assert row.state is MediaState.FAILED and row.problem and "several times" in row.problem
        assert await media_origin.media.claim() is None


async def test_what_another_origin_works_on_is_left_to_it(idle_origin: MediaOrigin, samples: Samples) -> None:
    media_id = await idle_origin.intake.ingest_file(samples.rotated_jpeg(), "photo")
    await idle_origin.media.claim()
    (idle_origin.files.work / media_id).mkdir()
    with lock_upload(idle_origin.files.source_path(media_id)):
        await idle_origin.pipeline.recover()
    assert (await idle_origin.media.get(media_id)).state is MediaState.PROCESSING
    assert (idle_origin.files.work / media_id).exists()


async def test_two_workers_never_take_the_same_media(idle_origin: MediaOrigin, samples: Samples) -> None:
    ids = {await idle_origin.intake.ingest_file(samples.rotated_jpeg(), f"photo {number}") for number in range(4)}
    claimed = await asyncio.gather(*(idle_origin.media.claim() for _ in range(6)))
    assert sorted(row.id for row in claimed if row) == sorted(ids)


async def test_work_that_takes_too_long_ends_and_says_so_and_a_person_may_try_again(
    tmp_path: Path, film: Path, hang: Path
) -> None:
    async with open_media_origin(tmp_path, pipeline={"longest_s": 1}) as media_origin:
        row = await media_origin.process_file(film)
        assert row.state is MediaState.FAILED and row.attempts == 3
        assert row.problem and "more time or memory" in row.problem
        await wait_until_cleaned_up(media_origin)
        async with media_origin.http.get(f"{media_origin.url}/v1/media/{row.id}") as answer:
            assert (await answer.json())["retryable"] is True
    hang.unlink()
    async with open_media_origin(tmp_path) as media_origin:
        async with media_origin.http.post(f"{media_origin.url}/v1/media/{row.id}/retry") as answer:
            assert answer.status == 202 and (await answer.json())["state"] != "failed"
        assert (await media_origin.wait_until_processed(row.id)).state is MediaState.READY


async def test_the_waits_between_tries_grow(tmp_path: Path, samples: Samples, clock: FakeClock) -> None:
    sections = {"pipeline": {"retry_first_s": 100}, "storage": {"reserve_bytes": 10**18}}
    async with open_media_origin(tmp_path, working=False, clock=clock) as media_origin:
        settings = settings_for(tmp_path, **sections)
        pipeline = Pipeline(
            media_origin.media, media_origin.files, settings, clock, changed=lambda *_: None, rng=Random(1)
        )
        media_id = await media_origin.intake.ingest_file(samples.rotated_jpeg(), "photo")
        service = asyncio.ensure_future(pipeline.run())

        async def waits() -> bool:
            row = await media_origin.media.get(media_id)
            return row.state is MediaState.QUEUED and row.attempts == 1

        await wait_until(waits)
        row = await media_origin.media.get(media_id)
        assert row.problem and "no room" in row.problem
        due_ms = await media_origin.media.next_attempt_ms()
        assert due_ms and 0 < due_ms - row.updated_ms <= 100_000
        service.cancel()


async def test_progress_is_told_while_a_film_is_encoded(media_origin: MediaOrigin, samples: Samples) -> None:
    source = samples.video("slow.mov", *PRORES, size="320x180", rate=30, seconds=2)
    media_id = await media_origin.intake.ingest_file(source, "slow.mov")

    async def moving() -> bool:
        row = await media_origin.media.get(media_id)
        return row.state is MediaState.PROCESSING and 0 < row.progress < 100

    await wait_until(moving)
    assert media_origin.changes.count(("media", media_id)) >= 3
    assert (await media_origin.wait_until_processed(media_id)).progress == 100


async def test_a_media_deleted_while_it_is_worked_on_leaves_nothing_to_see(
    media_origin: MediaOrigin, film: Path, hang: Path
) -> None:
    media_id = await media_origin.intake.ingest_file(film, "film.mov")
    encoder = await running_encoder(media_origin)
    hang.unlink()
    async with media_origin.http.delete(f"{media_origin.url}/v1/media/{media_id}") as answer:
        assert answer.status == 204
    encoder.send_signal(signal.SIGKILL)

    async def over() -> bool:
        return not list(media_origin.files.work.iterdir()) and not children()

    await wait_until(over)
    assert not await media_origin.media.list_all() and not list(media_origin.files.uploads.iterdir())
    assert not list(media_origin.files.thumbnails.iterdir())


async def test_no_room_for_the_work_is_said_in_words(tmp_path: Path, samples: Samples) -> None:
    async with open_media_origin(tmp_path, working=False) as media_origin:
        media_id = await media_origin.intake.ingest_file(samples.rotated_jpeg(), "photo")
    async with open_media_origin(tmp_path, storage={"reserve_bytes": 10**18}) as media_origin:
        row = await media_origin.wait_until_processed(media_id)
        assert row.state is MediaState.FAILED and row.attempts == 3 and row.problem and "no room" in row.problem


async def test_a_child_and_its_children_end_with_their_time() -> None:
    clock = SystemClock()
    began = clock.monotonic()
    with pytest.raises(ChildStopped, match="longer than 1 s"):
        await run_tool(("sh", "-c", "sleep 60 & sleep 60"), Limits(1, 512 * MIB, MIB))
    assert clock.monotonic() - began < 10
    left = [child for child in psutil.Process().children(recursive=True) if name_of(child) == "sleep"]
    assert not left


async def test_a_child_gets_no_more_memory_and_no_more_disk_than_it_may(tmp_path: Path) -> None:
    with pytest.raises(ChildStopped):
        await run_tool((sys.executable, "-c", "bytearray(10**9)"), LIMITS)
    big = tmp_path / "big"
    with pytest.raises(ChildStopped):
        await run_tool(("dd", "if=/dev/zero", f"of={big}", "bs=1M", "count=20"), LIMITS)
    assert big.stat().st_size <= LIMITS.file_bytes


async def test_a_child_sees_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAGE_ORIGIN__PUBLISH__ENROLMENT_KEY", "secret")
    assert "secret" not in (await run_tool(("env",), LIMITS)).output


async def test_a_child_dies_with_the_origin_even_by_kill_9(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    program = (
        "import asyncio; from sync.origin.transcode.sandbox import Limits, run_tool; "
        f"asyncio.run(run_tool(('sh', '-c', 'echo $$ > {mark}; sleep 60; :'), Limits(60, 10**9, 10**6)))"
    )
    origin = await asyncio.create_subprocess_exec(sys.executable, "-c", program)

    async def started() -> int:
        return int(mark.read_text() or 0) if mark.exists() else 0

    child = await wait_until(started)
    origin.kill()
    await origin.wait()

    async def gone() -> bool:
        return not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE

    await wait_until(gone)


def test_files_are_never_written_over_and_leave_no_scraps(tmp_path: Path) -> None:
    files = DataFolder(tmp_path)
    files.prepare()
    first = files.put("releases/a.json", b"one")
    assert files.put("releases/a.json", b"two") == first and first.read_bytes() == b"one"
    files.replace("releases/a.json", b"three")
    assert first.read_bytes() == b"three"
    made = files.work / "made"
    made.write_bytes(b"other")
    files.move_in(made, "releases/a.json")
    assert first.read_bytes() == b"three" and not made.exists()
    assert [path.name for path in first.parent.iterdir()] == ["a.json"]
    for bad in ("../a", "/etc/a", "a//b", "a/./b"):
        with pytest.raises(ValueError, match="inside"):
            files.put(bad, b"")


def test_a_full_or_broken_disk_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = DataFolder(tmp_path)
    files.prepare()
    (files.content / "releases").write_bytes(b"a file where a folder should be")
    with pytest.raises(StorageBroken):
        files.put("releases/a.json", b"one")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull):
        files.put("a.json", b"one")
    assert [path.name for path in files.content.iterdir()] == ["releases"]


def test_what_killed_writers_left_is_removed_once_nobody_can_be_writing_it(tmp_path: Path) -> None:
    files = DataFolder(tmp_path)
    files.prepare()
    kept = files.put("assets/a", b"whole")
    old, young = kept.with_name(".a.1.tmp"), kept.with_name(".a.2.tmp")
    for scrap in (old, young):
        scrap.write_bytes(b"half")
    os.utime(old, (1, 1))
    os.utime(kept, (1, 1))
    files.remove_temporary_files(before_s=1000)
    assert sorted(kept.parent.iterdir()) == sorted((kept, young))


def test_a_part_that_cannot_be_opened_is_no_fault_of_ours(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    with pytest.raises(StorageBroken, match="part"), lock_upload(tmp_path / "part"):
        pass


def test_a_part_is_locked_against_other_processes(tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.touch()
    with lock_upload(path), pytest.raises(Conflict), lock_upload(path):
        pass
    with lock_upload(path):
        pass
