"""The pipeline under crashes, limits and full disks: what is tried again, and what stays behind."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from sync.errors import StorageBroken
from sync.origin.ingest import asset_builder
from sync.origin.ingest import pipeline as pipeline_module
from sync.origin.ingest.pipeline import Pipeline
from sync.origin.persistence.upload_file import lock_upload
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.media_rows import MediaRow, MediaState
from sync.origin.transcode import forked_tools, transcode_job
from sync.origin.transcode.forked_tools import ForkedTools
from sync.origin.transcode.sandbox import THREADS, ToolResult
from sync.origin.transcode.transcode_job import MadeMedia, TranscodeJob
from tests.fakes import FakeClock
from tests.origin.limits.test_picture_size import apng_frame, gif_of, png_of, webp_of
from tests.origin.media_origin import MediaOrigin, child_processes, open_media_origin, settings_for, wait_until
from tests.origin.samples import Samples

PRORES = ("-c:v", "prores_ks", "-f", "mov")


def running_tools() -> list[psutil.Process]:
    return child_processes("ffmpeg", "ffprobe", "sleep")


async def running_encoder() -> psutil.Process:
    """Wait for the hanging encoder and return it."""

    async def found() -> psutil.Process | None:
        encoders = child_processes("sleep")
        return encoders[0] if encoders else None

    encoder: psutil.Process = await wait_until(found)
    return encoder


async def wait_until_cleaned_up(media_origin: MediaOrigin) -> None:
    """Wait until no tool runs and the work folder is empty; this is just after the row says how the work ended."""

    async def cleaned_up() -> bool:
        return not running_tools() and not list(media_origin.files.work.iterdir())

    await wait_until(cleaned_up)


@pytest.fixture
def hanging_encoder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Inject an encoder that hangs until this file is deleted."""
    folder = tmp_path_factory.mktemp("hang")
    tool = folder / "ffmpeg"
    tool.write_text("#!/bin/sh\nexec sleep 300\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tool


@pytest.fixture
def video(samples: Samples) -> Path:
    """A video that must be encoded; it is made before the encoder hangs."""
    return samples.video("studio.mov", *PRORES, seconds=0.5)


@pytest.fixture
def wide_film(samples: Samples) -> Path:
    """A film of 160 x 160 pixels that are twenty times as wide as high."""
    return samples.video("wide.mov", "-vf", "setsar=20", *PRORES, size="160x160", seconds=0.5)


@pytest.fixture
def long_film(samples: Samples) -> Path:
    """A film whose work takes long; it is made before the encoder hangs."""
    return samples.long_film()


async def test_a_killed_worker_is_tried_again_and_the_media_becomes_ready(
    media_origin: MediaOrigin, video: Path, hanging_encoder: Path
) -> None:
    media_id = await media_origin.intake.ingest_file(video, "video.mov")
    encoder = await running_encoder()
    hanging_encoder.unlink()
    encoder.send_signal(signal.SIGKILL)
    row = await media_origin.wait_until_processed(media_id)
    assert row.state is MediaState.READY and row.attempts == 2
    await wait_until_cleaned_up(media_origin)
    assert not list(media_origin.files.uploads.iterdir())


async def test_stopping_the_origin_queues_the_media_again_without_counting_the_attempt(
    tmp_path: Path, video: Path, hanging_encoder: Path
) -> None:
    async with open_media_origin(tmp_path) as media_origin:
        media_id = await media_origin.intake.ingest_file(video, "video.mov")
        await running_encoder()
    assert not running_tools() and not list((tmp_path / "work").iterdir())
    async with open_media_origin(tmp_path, run_pipeline=False) as media_origin:
        row = await media_origin.media.get(media_id)
        assert row.state is MediaState.QUEUED and row.attempts == 0


async def test_media_interrupted_by_a_crash_are_processed_after_the_next_start(
    tmp_path: Path, samples: Samples
) -> None:
    async with open_media_origin(tmp_path, run_pipeline=False) as media_origin:
        media_id = await media_origin.intake.ingest_file(samples.rotated_jpeg(), "photo")
        assert await media_origin.media.claim()
        unfinished = media_origin.files.work / media_id / "asset"
        unfinished.parent.mkdir()
        unfinished.write_bytes(b"half")
    async with open_media_origin(tmp_path) as media_origin:
        row = await media_origin.wait_until_processed(media_id)
        assert row.state is MediaState.READY and row.attempts == 2
        assert not list(media_origin.files.work.iterdir())


async def test_a_file_that_crashes_the_origin_each_time_fails_after_three_attempts(
    tmp_path: Path, samples: Samples
) -> None:
    async with open_media_origin(tmp_path, run_pipeline=False) as media_origin:
        media_id = await media_origin.intake.ingest_file(samples.rotated_jpeg(), "photo")
        for _ in range(3):
            assert await media_origin.media.claim()
            await media_origin.pipeline.recover()
        row = await media_origin.media.get(media_id)
        assert row.state is MediaState.FAILED and row.problem and "several times" in row.problem
        assert await media_origin.media.claim() is None


async def test_media_that_another_origin_processes_are_left_alone(idle_origin: MediaOrigin, samples: Samples) -> None:
    media_id = await idle_origin.intake.ingest_file(samples.rotated_jpeg(), "photo")
    await idle_origin.media.claim()
    (idle_origin.files.work / media_id).mkdir()
    with lock_upload(idle_origin.files.source_path(media_id)):
        await idle_origin.pipeline.recover()
    assert (await idle_origin.media.get(media_id)).state is MediaState.PROCESSING
    assert (idle_origin.files.work / media_id).exists()


async def test_pictures_become_ready_in_the_order_of_their_uploads(tmp_path: Path, samples: Samples) -> None:
    async with open_media_origin(tmp_path, run_pipeline=False, pipeline={"workers": 1}) as media_origin:
        ids = [await media_origin.intake.ingest_file(path, path.name) for path in photos(samples, 4)]
        service = asyncio.ensure_future(media_origin.pipeline.run())
        for media_id in ids:
            await media_origin.wait_until_processed(media_id)
        service.cancel()
        await asyncio.wait([service])  # its tools have ended then
        begun = [media_id for _, media_id in media_origin.changes if media_id in ids]
    assert list(dict.fromkeys(begun[len(ids) :])) == ids


# Tools that a file makes crash, hang or take memory, as a decoder with a fault would.
FAULTY_FORKER = """
import os, time
from pathlib import Path
from sync.origin.transcode import tool_forker

def picture(arguments, convert=tool_forker.TOOLS["picture"]):
    raw = Path(arguments[0]).read_bytes()
    for fault, harm in {b"crash": os.abort, b"hang": lambda: time.sleep(60), b"memory": lambda: bytes(10**10)}.items():
        if raw.endswith(fault):
            harm()
    code = convert(arguments)
    for fault, name in {b"key": "asset", b"thumbnail": "thumbnail.jpg"}.items():
        if raw.endswith(fault):
            made = Path(arguments[1], name)
            made.unlink()
            made.symlink_to(Path(arguments[0]).parent.parent / "secret")
    return code

tool_forker.TOOLS["picture"] = picture
tool_forker.main()
"""


async def test_files_that_harm_their_tool_fail_alone(
    tmp_path: Path, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forked_tools, "_COMMAND", (sys.executable, "-c", FAULTY_FORKER))
    monkeypatch.setattr(pipeline_module, "MAX_ATTEMPTS", 1)
    good = photos(samples, 10)
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "secret").chmod(0o600)
    async with open_media_origin(tmp_path, pipeline={"workers": 4, "longest_s": 5}) as media_origin:
        ids = dict[str, str]()
        for path, fault in zip(good, ("", "crash", "", "hang", "", "memory", "", "key", "", "thumbnail"), strict=True):
            path.write_bytes(path.read_bytes() + fault.encode())
            ids[path.name] = await media_origin.intake.ingest_file(path, path.name)
        rows = [await media_origin.wait_until_processed(media_id) for media_id in ids.values()]
    for row in rows[0::2]:
        assert row.state is MediaState.READY and row.attempts == 1
    for row in rows[1::2]:
        assert row.state is MediaState.FAILED and row.attempts == 1 and row.problem and "time or memory" in row.problem
    assert not [path for path in tmp_path.rglob("*") if path.is_symlink()]
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


async def test_pictures_that_need_all_memory_are_converted_one_after_the_other(
    tmp_path: Path, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_tool, at_once, most = ForkedTools.run_tool, list[str](), list[int]()

    async def counted(tools: ForkedTools, tool: str, *arguments: Any) -> ToolResult:
        if tool != "picture":
            return await run_tool(tools, tool, *arguments)
        at_once.append(tool)
        most.append(len(at_once))
        try:
            return await run_tool(tools, tool, *arguments)
        finally:
            at_once.pop()

    monkeypatch.setattr(ForkedTools, "run_tool", counted)
    monkeypatch.setattr(pipeline_module, "free_memory", lambda _: 100 * 1024**2)
    async with open_media_origin(tmp_path, pipeline={"workers": 4}) as media_origin:
        ids = [await media_origin.intake.ingest_file(path, path.name) for path in photos(samples, 4)]
        rows = [await media_origin.wait_until_processed(media_id) for media_id in ids]
    assert {row.state for row in rows} == {MediaState.READY} and most == [1] * 4


async def test_after_kill_9_all_pictures_of_a_batch_become_ready(tmp_path: Path, samples: Samples) -> None:
    async with open_media_origin(tmp_path, run_pipeline=False) as media_origin:
        ids = [await media_origin.intake.ingest_file(path, path.name) for path in photos(samples, 9)]
        command = (sys.executable, "-m", "sync.origin.app.start", "serve", "--port", "0", "--data-dir", str(tmp_path))
        origin = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)

        async def some_are_ready() -> bool:
            return len(await media_origin.media.in_states(MediaState.READY)) >= 2

        await wait_until(some_are_ready)
        origin.kill()
        await origin.wait()
    async with open_media_origin(tmp_path) as media_origin:
        rows = [await media_origin.wait_until_processed(media_id) for media_id in ids]
        assert {row.state for row in rows} == {MediaState.READY}
        await wait_until_cleaned_up(media_origin)
        assert not list(media_origin.files.uploads.iterdir())


def photos(samples: Samples, count: int) -> list[Path]:
    """Return pictures that are unlike each other."""
    return [
        samples.picture(f"photo {number}.jpg", samples.halves(400 + number, 200), "JPEG") for number in range(count)
    ]


async def test_media_are_found_by_their_bytes_however_many_are_asked_for(
    idle_origin: MediaOrigin, samples: Samples
) -> None:
    path = samples.rotated_jpeg()
    ids = {await idle_origin.intake.ingest_file(path, f"photo {number}") for number in range(2)}
    source = (await idle_origin.media.get(next(iter(ids)))).source_sha256
    asked = [source, *(f"{number:064x}" for number in range(1200))]
    assert {row.id for row in await idle_origin.media.of_bytes(asked)} == ids
    assert await idle_origin.media.of_bytes(asked[1:]) == ()


async def test_two_workers_never_claim_the_same_media(idle_origin: MediaOrigin, samples: Samples) -> None:
    ids = {await idle_origin.intake.ingest_file(samples.rotated_jpeg(), f"photo {number}") for number in range(4)}
    claimed = await asyncio.gather(*(idle_origin.media.claim() for _ in range(6)))
    assert sorted(row.id for row in claimed if row) == sorted(ids)


async def test_work_that_takes_too_long_fails_with_a_reason_and_can_be_retried(
    tmp_path: Path, video: Path, hanging_encoder: Path
) -> None:
    async with open_media_origin(tmp_path, pipeline={"longest_s": 1}) as media_origin:
        row = await media_origin.process_file(video)
        assert row.state is MediaState.FAILED and row.attempts == 3
        assert row.problem and "more time or memory" in row.problem
        await wait_until_cleaned_up(media_origin)
        async with media_origin.http.get(f"{media_origin.url}/v1/media/{row.id}") as answer:
            assert (await answer.json())["retryable"] is True
    hanging_encoder.unlink()
    async with open_media_origin(tmp_path) as media_origin:
        async with media_origin.http.post(f"{media_origin.url}/v1/media/{row.id}/retry") as answer:
            assert answer.status == 202 and (await answer.json())["state"] != "failed"
        assert (await media_origin.wait_until_processed(row.id)).state is MediaState.READY


async def is_at_work(media_origin: MediaOrigin, media_id: str) -> MediaRow:
    """Wait until a large media is being processed, and return it."""

    async def at_work() -> MediaRow | None:
        row = await media_origin.media.get(media_id)
        return row if row.large and row.state is MediaState.PROCESSING else None

    row: MediaRow = await wait_until(at_work)
    return row


async def test_a_small_media_does_not_wait_for_a_large_one(
    tmp_path: Path, samples: Samples, long_film: Path, hanging_encoder: Path
) -> None:
    async with open_media_origin(tmp_path, pipeline={"workers": 1}) as media_origin:
        giants = [await media_origin.intake.ingest_file(long_film, f"giant{number}.mov") for number in range(3)]
        await running_encoder()
        small = await media_origin.process_file(samples.rotated_jpeg())
        assert small.state is MediaState.READY and not small.large
        assert (await is_at_work(media_origin, giants[0])).attempts == 1
        for waiting in giants[1:]:
            row = await media_origin.media.get(waiting)
            assert row.large and row.state is MediaState.QUEUED and row.attempts == 0


async def test_work_that_turns_out_to_be_long_begins_again_among_the_large(
    tmp_path: Path, video: Path, hanging_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcode_job, "QUICK_ENDS_AFTER_S", 1.0)
    async with open_media_origin(tmp_path) as media_origin:
        media_id = await media_origin.intake.ingest_file(video, "video.mov")
        row = await is_at_work(media_origin, media_id)
        assert row.attempts == 1 and row.problem is None
        await running_encoder()


async def test_after_kill_9_a_large_media_is_taken_up_again_among_the_large(
    tmp_path: Path, long_film: Path, hanging_encoder: Path
) -> None:
    async with open_media_origin(tmp_path, run_pipeline=False) as media_origin:
        media_id = await media_origin.intake.ingest_file(long_film, "giant.mov")
        command = (sys.executable, "-m", "sync.origin.app.start", "serve", "--port", "0", "--data-dir", str(tmp_path))
        origin = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
        await is_at_work(media_origin, media_id)
        encoder = await running_encoder()
        origin.kill()
        await origin.wait()

        async def has_ended() -> bool:
            return not psutil.pid_exists(encoder.pid) or encoder.status() == psutil.STATUS_ZOMBIE

        await wait_until(has_ended)
    async with open_media_origin(tmp_path) as media_origin:

        async def is_at_work_again() -> bool:
            row = await media_origin.media.get(media_id)
            return row.large and row.state is MediaState.PROCESSING and row.attempts == 2

        await wait_until(is_at_work_again)
        await running_encoder()


async def test_of_large_media_those_that_failed_before_wait_behind_the_others(
    idle_origin: MediaOrigin, samples: Samples
) -> None:
    ids = [await idle_origin.intake.ingest_file(samples.rotated_jpeg(), f"photo {number}") for number in range(2)]
    for media_id in ids:
        assert await idle_origin.media.claim()
        await idle_origin.media.requeue_large(media_id)
    for expected in (ids[0], ids[1], ids[0]):
        row = await idle_origin.media.claim(large=True)
        assert row and row.id == expected
        await idle_origin.media.requeue(row.id, problem="too long", wait_s=0, count_attempt=True)


@pytest.mark.parametrize(
    ("name", "raw", "told"),
    [
        ("giant.gif", gif_of(3000, 8000, 8000), "3000 frames of 8000 x 8000 pixels"),
        ("canvas.webp", webp_of(16_384, 16_384), "16384 x 16384 pixels"),
        ("frame.gif", gif_of(1, 60_000, 60_000, screen=(1, 1)), "60000 x 60000 pixels"),
        ("moving.png", png_of(12_000, 9_000, *(apng_frame(n) for n in range(400))), "400 frames of 12000 x 9000"),
    ],
)
async def test_what_costs_too_much_is_refused_before_it_is_decoded(
    media_origin: MediaOrigin, tmp_path: Path, name: str, raw: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(raw)
    row = await media_origin.process_file(tmp_path / name)
    assert row.state is MediaState.FAILED and row.attempts == 1 and not row.large
    assert row.problem and told in row.problem and ("limit" in row.problem or "may have" in row.problem)


async def test_a_child_gets_what_its_work_needs(media_origin: MediaOrigin, video: Path, hanging_encoder: Path) -> None:
    await media_origin.intake.ingest_file(video, "video.mov")
    encoder = await running_encoder()
    assert encoder.rlimit(psutil.RLIMIT_AS)[0] < 1024**3 < media_origin.settings.pipeline.memory_bytes
    assert encoder.rlimit(psutil.RLIMIT_CPU)[0] < 60 * THREADS


async def test_a_film_with_wide_pixels_gets_memory_for_the_size_it_is_shown_at(
    media_origin: MediaOrigin, wide_film: Path, hanging_encoder: Path
) -> None:
    await media_origin.intake.ingest_file(wide_film, "wide.mov")
    assert (await running_encoder()).rlimit(psutil.RLIMIT_AS)[0] >= 896 * 1024**2 + 140 * 3200 * 160


async def test_the_waits_between_attempts_grow(tmp_path: Path, samples: Samples, clock: FakeClock) -> None:
    sections = {"pipeline": {"retry_first_s": 100}, "storage": {"reserve_bytes": 10**18}}
    async with open_media_origin(tmp_path, run_pipeline=False, clock=clock) as media_origin:
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
        await asyncio.wait([service])


async def test_progress_is_stored_while_a_video_is_encoded(media_origin: MediaOrigin, samples: Samples) -> None:
    source = samples.video("slow.mov", *PRORES, size="320x180", rate=30, seconds=2)
    media_id = await media_origin.intake.ingest_file(source, "slow.mov")

    async def is_under_way() -> bool:
        row = await media_origin.media.get(media_id)
        return row.state is MediaState.PROCESSING and 0 < row.progress < 100

    await wait_until(is_under_way)
    assert media_origin.changes.count(("media", media_id)) >= 3
    assert (await media_origin.wait_until_processed(media_id)).progress == 100


async def test_a_media_deleted_while_it_is_processed_leaves_no_files(
    media_origin: MediaOrigin, video: Path, hanging_encoder: Path
) -> None:
    media_id = await media_origin.intake.ingest_file(video, "video.mov")
    encoder = await running_encoder()
    hanging_encoder.unlink()
    async with media_origin.http.delete(f"{media_origin.url}/v1/media/{media_id}") as answer:
        assert answer.status == 204
    encoder.send_signal(signal.SIGKILL)
    await wait_until_cleaned_up(media_origin)
    assert not await media_origin.media.in_states(*MediaState) and not list(media_origin.files.uploads.iterdir())
    assert not list(media_origin.files.thumbnails.iterdir())


async def test_a_full_disk_fails_the_media_with_a_reason(tmp_path: Path, samples: Samples) -> None:
    async with open_media_origin(tmp_path, run_pipeline=False) as media_origin:
        media_id = await media_origin.intake.ingest_file(samples.rotated_jpeg(), "photo")
    async with open_media_origin(tmp_path, storage={"reserve_bytes": 10**18}) as media_origin:
        row = await media_origin.wait_until_processed(media_id)
        assert row.state is MediaState.FAILED and row.attempts == 3 and row.problem and "no room" in row.problem


@pytest.mark.parametrize(
    ("errors", "state", "told"),
    [
        ([KeyError("a bug")] * 3, MediaState.FAILED, "several times"),
        ([AssertionError("once")], MediaState.READY, None),
        ([StorageBroken("the database does not answer")] * 2, MediaState.READY, None),
    ],
)
async def test_an_error_in_the_program_ends_one_attempt_and_no_other_work(
    tmp_path: Path,
    samples: Samples,
    monkeypatch: pytest.MonkeyPatch,
    errors: list[Exception],
    state: str,
    told: str | None,
) -> None:
    left, build = [*errors], asset_builder.build_asset

    async def fails(job: TranscodeJob) -> MadeMedia:
        if job.name == "odd" and left:
            raise left.pop()
        return await build(job)

    monkeypatch.setattr(pipeline_module, "build_asset", fails)
    async with open_media_origin(tmp_path) as media_origin:
        odd = await media_origin.intake.ingest_file(samples.rotated_jpeg(), "odd")
        good = await media_origin.process_file(samples.heic())
        row = await media_origin.wait_until_processed(odd)
        assert good.state is MediaState.READY and row.state == state and row.attempts == min(3, len(errors) + 1)
        assert (told in (row.problem or "")) if told else row.problem is None


@pytest.mark.parametrize("step", ["claim", "mark_ready", "set_progress"])
async def test_a_database_that_is_away_for_a_while_delays_the_work_and_no_more(
    tmp_path: Path, samples: Samples, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(pipeline_module, "_POLL_EVERY_S", 0.05)
    answers, away = getattr(MediaStore, step), [StorageBroken("the database does not answer")] * 2

    async def unsure(store: MediaStore, *arguments: object, **named: object) -> object:
        answer = await answers(store, *arguments, **named) if step == "claim" else None  # it is written, unheard
        if away:
            raise away.pop()
        return answer or await answers(store, *arguments, **named)

    async with open_media_origin(tmp_path, run_pipeline=False) as media_origin:
        media_id = await media_origin.intake.ingest_file(samples.video("moving.mov", *PRORES), "moving.mov")
    monkeypatch.setattr(MediaStore, step, unsure)
    async with open_media_origin(tmp_path) as media_origin:
        row = await media_origin.wait_until_processed(media_id)
        assert row.state is MediaState.READY
