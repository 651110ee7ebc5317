"""What is shown at once plays on from its first picture, and is loaded again if it has to wait after all."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from player.deck.running_loader import RunningLoader
from player.deck.vlc.vlc_player import VlcEvent
from player.protocol.deck_messages import DeckCommand, Load, Loaded
from player.protocol.stage_interface import Shot
from player.stage.deck_process import DeckProcess
from player.stage.stage import Stage
from sync.wire.release import Fit, MediaKind
from tests.player.conftest import H264, Media, on_air_pid, put_on_air, running_stage
from tests.player.pixels import ScreenRecording, recording_screen, wait_until
from tests.player.sound_capture import SHOP, running_pulse_server

FIRST, STEP, FRAMES = 60, 14, 12  # frame n of the film is grey, FIRST + n * STEP; ten frames a second
LOUD = 0.25


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("films") / "film"
    picture = ["-f", "lavfi", "-i", "color=gray:s=320x180:r=10:d=1.2"]
    sound = ["-f", "lavfi", "-i", f"aevalsrc={LOUD}*sin(2*PI*440*t):s=48000:d=1.2", "-c:a", "aac", "-b:a", "160k"]
    grey = ["-vf", f"geq=lum='{FIRST}+{STEP}*N':cb=128:cr=128"]
    subprocess.run(["ffmpeg", "-v", "error", *picture, *sound, *grey, *H264, str(target)], check=True, timeout=60)
    return target


def shot(film: Path, **options: int) -> Shot:
    return Shot(take="film", path=str(film), kind=MediaKind.VIDEO, length_ms=1200, **options)


def frame_numbers(recording: ScreenRecording) -> list[int]:
    """Return the numbers of the film's frames that were seen, and -1 for black, in order."""
    seen = [colours[1] for colours, _, _ in recording.runs() if max(colours[1]) - min(colours[1]) < 20]
    return [round(((red * 219 / 255 + 16) - FIRST) / STEP) if red > 5 else -1 for red, _, _ in seen]


async def test_it_is_shown_from_its_first_frames_to_its_last_and_no_longer(
    stage: Stage, media: Media, film: Path, display_name: str
) -> None:
    await put_on_air(stage, media.shot("blue_picture"))
    with recording_screen(display_name) as recording:
        await stage.preroll(shot(film), at_once=True)
        cut = await stage.cut_now("film")
        ended = await stage.ended()
    seen = frame_numbers(recording)
    assert -1 not in seen and seen == sorted(seen)
    assert seen[0] <= 2 and seen[-1] >= FRAMES - 2, seen
    assert 0.8 < ended.ended_s - cut.at_s < 5 and (ended.reason, ended.failed) == ("eof", False)


@pytest.mark.parametrize("planned", [True, False], ids=["at a known instant", "when something ends"])
async def test_a_shot_that_has_to_wait_after_all_begins_with_its_first_frame(
    stage: Stage, media: Media, film: Path, display_name: str, planned: bool
) -> None:
    await put_on_air(stage, media.shot("blue_picture", duration_ms=1000) if planned else media.shot("red"))
    with recording_screen(display_name) as recording:
        await stage.preroll(shot(film), at_once=True)
        await stage.cut_at_end("film")
        await stage.ended()
    seen = frame_numbers(recording)
    assert -1 not in seen and seen == sorted(seen)
    assert seen[0] <= (0 if planned else 2) and seen[-1] >= FRAMES - 2, seen


async def test_after_the_loss_of_the_deck_on_air_the_shot_being_loaded_is_loaded_to_show_at_once(
    stage: Stage, media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[DeckCommand] = []
    send = DeckProcess.send

    def record(deck: DeckProcess, command: DeckCommand) -> None:
        sent.append(command)
        send(deck, command)

    monkeypatch.setattr(DeckProcess, "send", record)
    await put_on_air(stage, media.shot("blue_picture"))
    sent.clear()
    loading = asyncio.create_task(stage.preroll(media.shot("long")))
    await wait_until(lambda: bool(sent))
    os.kill(on_air_pid(stage), signal.SIGKILL)
    await loading
    assert [command.at_once for command in sent if isinstance(command, Load)] == [False, True]
    await stage.cut_now("long")


@pytest.mark.parametrize(("volume", "gain"), [(100, 1.0), (50, 0.125)])  # half is -18 dB
async def test_it_is_heard_as_loud_as_it_should_be_and_not_before_it_is_seen(
    display_name: str,
    media: Media,
    film: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    volume: int,
    gain: float,
) -> None:
    async with running_pulse_server(tmp_path, SHOP) as server:
        recorder = server.recorders[SHOP]
        monkeypatch.setenv("PULSE_SERVER", server.address)
        async with running_stage(display_name) as stage:
            await put_on_air(stage, media.shot("blue_picture"))
            recorder.clear()
            await stage.preroll(shot(film, volume=volume), at_once=True)
            before = recorder.sound()
            await stage.cut_now("film")
            await wait_until(lambda: abs(recorder.recent_level(440) - LOUD * gain) < LOUD * gain / 8, within_s=1.15)
            assert not len(before) or abs(before).max() < LOUD / 100


@pytest.mark.parametrize("tries", [1, 2, 3])
def test_a_film_that_shows_nothing_once_it_is_distorted_is_distorted_in_its_second_try_too(
    film: Path, tries: int
) -> None:
    """A third try only covers the screen: better than no picture. So it was with a banner on a turned screen."""
    context: Any = Mock()
    context.clock.monotonic.return_value = now = 0.0
    context.lay_out.return_value = True  # it has to be distorted after its first paint
    context.follow_shape.return_value = False
    context.window.count_paints.return_value = 0
    loader = RunningLoader(Shot(take="film", path=str(film), kind=MediaKind.VIDEO, fit=Fit.FILL), context)
    for number in range(1, tries + 1):
        loader.on_event(VlcEvent.VOUT)
        context.window.count_paints.return_value = 4
        loader.tick(now)
        context.window.count_paints.return_value = 4 if number == tries else 0
        loader.tick(now := now + 2)
    (told,) = (call.args[0] for call in context.send.call_args_list)
    assert isinstance(told, Loaded)
    assert context.stretch_to_fill.call_count == min(tries, 2)
