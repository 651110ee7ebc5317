"""What is visible at a cut, when it is carried out, and how long each shot stays."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from player.protocol.stage_interface import Ended
from player.stage.stage import Stage
from sync.runtime.clock import SystemClock
from tests.player.conftest import Media, put_on_air
from tests.player.pixels import BLUE, GREEN, MIDDLE, RED, YELLOW, PixelReader, is_close, recording_screen, wait_until


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


def _is_cut_ordered(stage: Stage) -> bool:
    return stage._waiting is not None and stage._waiting.order_s is not None


async def _on_air(stage: Stage, media: Media, name: str, **how: Any) -> None:
    await stage.preroll(media.shot(name, **how))
    await stage.cut_at_end(name)


async def test_a_cut_from_video_to_video_shows_nothing_else(stage: Stage, media: Media, display_name: str) -> None:
    await _on_air(stage, media, "red")
    await stage.preroll(media.shot("green"))
    with recording_screen(display_name) as recording:
        cut = await stage.cut_at_end("green")
        await stage.ended()
    assert not recording.unexpected(RED, GREEN)
    assert cut.previous and cut.previous.reason == "eof"
    assert abs(recording.first_seen_s(GREEN) - cut.at_s) < 0.05 + recording.longest_gap_s()


async def test_pictures_and_videos_alternate_without_a_gap(stage: Stage, media: Media, display_name: str) -> None:
    shots = ["blue_picture", "red", "blue_picture", "loud", "red_picture", "green"]
    await stage.preroll(media.shot("red", take="first"))
    await stage.cut_at_end("first")
    with recording_screen(display_name) as recording:
        for number, name in enumerate(shots):
            await stage.preroll(media.shot(name, take=str(number), duration_ms=600))
            await stage.cut_at_end(str(number))
        await stage.ended()
    # A 4:3 picture has black beside it, outside the three points that are sampled.
    assert not recording.unexpected(RED, GREEN, BLUE, YELLOW)


async def test_a_picture_stays_for_its_duration(stage: Stage, media: Media, display_name: str) -> None:
    await _on_air(stage, media, "red")
    await stage.preroll(media.shot("blue_picture", duration_ms=800))
    await stage.cut_now("blue_picture")
    await stage.preroll(media.shot("green"))
    with recording_screen(display_name) as recording:
        cut = await stage.cut_at_end("green")
    assert cut.previous and cut.previous.reason == "duration"
    assert 0.7999 < cut.previous.ended_s - cut.previous.started_s < 4
    assert not recording.unexpected(BLUE, GREEN)


async def test_a_video_plays_from_its_first_frame_to_its_last(stage: Stage, media: Media, display_name: str) -> None:
    await put_on_air(stage, media.shot("blue_picture", duration_ms=200))
    await stage.preroll(media.shot("counting"))
    with recording_screen(display_name) as recording:
        cut = await stage.cut_at_end("counting")
        ended = await stage.ended()
    greys = sorted({colours[1][0] for _, colours in recording.samples if colours[1][2] - colours[1][0] < 100})
    assert greys[0] < 6  # luma 16 is black: the first frame
    assert greys[-1] > 200  # the last one, bright
    assert ended.frames_lost is not None and len(greys) + ended.frames_lost >= 20, greys  # seen, or counted as lost
    assert 1.9 < ended.ended_s - cut.at_s < 6


async def test_a_duration_cuts_a_longer_video(stage: Stage, media: Media) -> None:
    await _on_air(stage, media, "long", duration_ms=500)
    ended = await stage.ended()
    assert ended.reason == "duration" and not ended.failed
    assert 0.4999 < ended.ended_s - ended.started_s < 4


async def test_the_last_picture_stays_after_the_end(stage: Stage, media: Media, display_name: str) -> None:
    await _on_air(stage, media, "green")
    await stage.ended()
    eye = PixelReader(display_name)
    assert is_close(eye.colour_at(*MIDDLE), GREEN)
    eye.close()


async def test_a_deadline_cuts_what_is_on_air(stage: Stage, media: Media) -> None:
    await _on_air(stage, media, "long")
    await stage.preroll(media.shot("green"))
    deadline_s = SystemClock().monotonic() + 0.3
    cut = await stage.cut_at_end("green", deadline_s=deadline_s)
    assert isinstance(cut.previous, Ended) and cut.previous.reason == "cut"
    assert 0 <= cut.at_s - deadline_s < 4


async def test_a_shot_leaves_the_screen_when_the_next_one_comes_not_when_it_ends(stage: Stage, media: Media) -> None:
    await _on_air(stage, media, "blue_picture", duration_ms=200)
    ended = await stage.ended()
    assert (ended.take, ended.left_s) == ("blue_picture", None)
    await stage.preroll(media.shot("red"))
    cut = await stage.cut_at_end("red")
    assert cut.previous == ended.model_copy(update={"left_s": cut.at_s}) == stage.so_far("blue_picture")


async def test_a_video_with_sound_keeps_its_time_without_an_audio_device(stage: Stage, media: Media) -> None:
    await _on_air(stage, media, "loud")
    ended = await stage.ended()
    assert ended.reason == "eof"
    assert 0.95 < ended.ended_s - ended.started_s < 5


async def test_cuts_by_plan_do_not_drift(stage: Stage, media: Media) -> None:
    await _on_air(stage, media, "long", duration_ms=20_000)
    await stage.preroll(media.shot("blue_picture", duration_ms=2000))  # so long a busy machine may take to load
    began_s = (await stage.cut_now("blue_picture")).at_s
    for number, (name, reason) in enumerate((("counting", "duration"), ("green_picture", "eof")), start=1):
        length: dict[str, Any] = {"length_ms" if name == "counting" else "duration_ms": 2000}
        await stage.preroll(media.shot(name, **length))
        cut = await stage.cut_at_end(name)
        assert cut.at_s == pytest.approx(began_s + 2 * number, abs=1e-6)
        assert cut.previous and (cut.previous.ended_s, cut.previous.reason) == (cut.at_s, reason)


async def test_a_cancelled_cut_changes_nothing_and_the_next_one_is_carried_out(
    stage: Stage, media: Media, display_name: str
) -> None:
    await _on_air(stage, media, "long", duration_ms=20_000)
    await stage.preroll(media.shot("blue_picture", duration_ms=1500))
    await stage.cut_now("blue_picture")
    await stage.preroll(media.shot("red", length_ms=1000))
    cutting = asyncio.create_task(stage.cut_at_end("red"))
    await wait_until(lambda: _is_cut_ordered(stage))
    cutting.cancel()
    with suppress(asyncio.CancelledError):
        await cutting
    with recording_screen(display_name) as recording:
        assert (await stage.ended()).reason == "duration"
        await stage.preroll(media.shot("green", duration_ms=600))
        assert not recording.unexpected(BLUE)
        cut = await stage.cut_now("green")
    assert cut.previous and cut.previous.left_s == cut.at_s > cut.previous.ended_s
    assert not recording.unexpected(BLUE, GREEN)


async def test_a_cancelled_cut_that_was_carried_out_is_returned(stage: Stage, media: Media, display_name: str) -> None:
    await _on_air(stage, media, "blue_picture", duration_ms=20_000)
    await stage.preroll(media.shot("green_picture", duration_ms=20_000))
    cutting = asyncio.create_task(stage.cut_now("green_picture"))
    await SystemClock().sleep(0)  # the order is sent
    eye = PixelReader(display_name)
    while not is_close(eye.colour_at(*MIDDLE), GREEN):
        pass  # the event loop does not run: the cut is on the screen, and the stage does not know it yet
    eye.close()
    cutting.cancel()
    cut = await cutting
    assert cut.take == "green_picture" and cut.previous and cut.previous.reason == "cut"
    assert stage.facts().on_air == "green_picture"


async def test_a_cut_now_replaces_a_cut_that_was_ordered_ahead(stage: Stage, media: Media) -> None:
    await _on_air(stage, media, "blue_picture", duration_ms=20_000)
    await stage.preroll(media.shot("red", length_ms=1000))
    cutting = asyncio.create_task(stage.cut_at_end("red"))
    await wait_until(lambda: _is_cut_ordered(stage))
    cutting.cancel()
    with suppress(asyncio.CancelledError):
        await cutting
    ordered_s = SystemClock().monotonic()
    cut = await stage.cut_now("red")
    assert cut.at_s - ordered_s < 10
    assert cut.previous and cut.previous.reason == "cut" and not cut.previous.failed


async def test_a_video_that_breaks_is_followed_by_the_next_shot_at_once(stage: Stage, media: Media) -> None:
    await _on_air(stage, media, "short", length_ms=6000)
    assert stage.facts().on_air == "short"
    await stage.preroll(media.shot("green"))
    cut = await stage.cut_at_end("green")
    assert cut.previous and cut.previous.failed and cut.previous.reason.startswith("it ended after")
    assert cut.at_s - cut.previous.ended_s < 4 and stage.facts().on_air == "green"
