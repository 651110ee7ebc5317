"""Only what is on air is heard, without a click, from the configured loudspeaker."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from itertools import groupby, pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from player.diagnostics.doctor_probes import probe_machine
from player.protocol.stage_interface import Shot
from player.settings.configuration import load_configuration
from player.stage.stage import Stage
from sync.wire.release import MediaKind
from tests.player.conftest import H264, put_on_air, running_stage, wait_for_both_decks
from tests.player.pixels import wait_until
from tests.player.sound_capture import (
    RATE,
    SHOP,
    USB,
    WINDOW,
    AudioRecorder,
    PulseServer,
    Sound,
    running_pulse_server,
    tone,
)

LOW, HIGH = 440, 1000  # Hz
LOUD = 0.25  # of full scale


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PulseServer]:
    async with running_pulse_server(tmp_path, SHOP, USB) as server:
        monkeypatch.setenv("PULSE_SERVER", server.address)
        yield server


@pytest.fixture
def recorder(server: PulseServer) -> AudioRecorder:
    return server.recorders[SHOP]


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tones")
    for hertz in (LOW, HIGH):
        picture = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=12"]
        # The cosine begins in the middle of a wave.
        sound = ["-f", "lavfi", "-i", f"aevalsrc={LOUD}*cos(2*PI*{hertz}*t):s=48000:d=12"]
        arguments = [*picture, *sound, "-c:a", "aac", "-b:a", "160k", *H264, str(folder / str(hertz))]
        subprocess.run(["ffmpeg", "-v", "error", *arguments], check=True, timeout=60)
    return folder


def heard_tones(sound: Sound) -> list[tuple[str, float]]:
    """Return the tones in order, each with its length in seconds."""
    low, high = (tone(sound, hertz) > LOUD / 10 for hertz in (LOW, HIGH))
    names = ["low+high" if a and b else "low" if a else "high" if b else "" for a, b in zip(low, high, strict=True)]
    return [(name, len(list(same)) * 0.02) for name, same in groupby(names)]


def steps_at_cuts(sound: Sound) -> list[float]:
    """Return for each change of tone the largest step from one audio sample to the next."""
    low, high = (tone(sound, hertz) for hertz in (LOW, HIGH))
    louder = np.where(np.maximum(low, high) < LOUD / 10, 0, np.where(low > high, LOW, HIGH))
    cuts = [window * WINDOW for window, (old, new) in enumerate(pairwise(louder), 1) if old and new and old != new]
    return [float(np.abs(np.diff(sound[cut - RATE // 10 : cut + RATE // 10])).max()) for cut in cuts]


def shot_in(tones: Path, hertz: int, take: str, **options: int) -> Shot:
    return Shot(take=take, path=str(tones / str(hertz)), kind=MediaKind.VIDEO, **options)


async def test_only_what_is_on_air_is_heard_and_its_volume_follows_at_once(
    display_name: str, recorder: AudioRecorder, tones: Path
) -> None:
    async with running_stage(display_name) as stage:
        await wait_for_both_decks(stage)
        recorder.clear()
        for number, hertz in enumerate((LOW, HIGH, LOW)):
            await stage.preroll(shot_in(tones, hertz, f"take {number}", duration_ms=700))
            await stage.cut_at_end(f"take {number}")
        await stage.preroll(shot_in(tones, HIGH, "muted", volume=0))
        await stage.cut_at_end("muted")
        await wait_until(lambda: recorder.recent_level(LOW) < LOUD / 100)
        cuts = recorder.sound()
        heard = [(name, seconds) for name, seconds in heard_tones(cuts) if seconds > 0.15]  # during a cut: both
        stage.set_volume("muted", 50)
        await wait_until(lambda: abs(recorder.recent_level(HIGH) - LOUD / 8) < LOUD / 80)  # half is -18 dB
        stage.set_volume("another", 100)
        stage.set_volume("muted", 0)
        await wait_until(lambda: recorder.recent_level(HIGH) < LOUD / 100)
        await stage.clear()
    assert [name for name, _ in heard if name] == ["low", "high", "low"], heard
    assert all(0.5 < seconds < 1.0 for name, seconds in heard if name), heard


async def test_a_cut_from_tone_to_tone_does_not_click(display_name: str, recorder: AudioRecorder, tones: Path) -> None:
    async with running_stage(display_name) as stage:
        await wait_for_both_decks(stage)
        for number in range(6):
            await stage.preroll(shot_in(tones, (LOW, HIGH)[number % 2], f"{number}", duration_ms=500))
            await stage.cut_at_end(f"{number}")
        await wait_until(lambda: recorder.recent_level(HIGH) > LOUD / 2)
    steps = steps_at_cuts(recorder.sound())
    both = LOUD * 2 * np.pi * (LOW + HIGH) / RATE  # the steepest sum of the two: 0.05; a click is 0.1-0.3
    assert len(steps) >= 4 and median(steps) < 1.3 * both, steps  # a busy machine may cause one click


async def test_with_alsa_alone_sound_begins_with_the_picture_and_can_change_its_loudspeaker(
    display_name: str, server: PulseServer, tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, how = tmp_path / "asound.conf", f"type pulse server '{server.address}'"
    config.write_text(f"pcm.!default {{ {how} device {SHOP} }}\npcm.{USB} {{ {how} device {USB} }}\n")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(config))
    monkeypatch.delenv("PULSE_SERVER")
    async with running_stage(display_name) as stage:
        for number, hertz in enumerate((LOW, HIGH, LOW)):
            await stage.preroll(shot_in(tones, hertz, f"{number}", duration_ms=700))
            await stage.cut_at_end(f"{number}")
        await wait_until(lambda: server.recorders[SHOP].recent_level(LOW) > LOUD / 2)
        stage.set_audio_device(USB)
        await wait_until(lambda: server.recorders[USB].recent_level(LOW) > LOUD / 2)
        await wait_until(lambda: server.recorders[SHOP].recent_level(LOW) < LOUD / 100)
    heard = heard_tones(server.recorders[SHOP].sound())
    assert max(seconds for name, seconds in heard if name == "high") > 0.5, heard  # alone; both at its ends


async def test_sound_comes_from_the_configured_loudspeaker_and_changes_at_once(
    display_name: str, server: PulseServer, tones: Path
) -> None:
    shop, usb = server.recorders[SHOP], server.recorders[USB]
    async with running_stage(display_name) as stage:
        stage.set_audio_device(USB)
        await put_on_air(stage, shot_in(tones, LOW, "first"))
        await wait_until(lambda: usb.recent_level(LOW) > LOUD / 2)
        assert np.abs(shop.sound()).max() < LOUD / 1000
        await wait_until(lambda: stage.facts().sound == USB)
        stage.set_audio_device(SHOP)
        await wait_until(lambda: shop.recent_level(LOW) > LOUD / 2 and usb.recent_level(LOW) < LOUD / 100)
        usb.clear()
        await put_on_air(stage, shot_in(tones, HIGH, "second"))
        await wait_until(lambda: shop.recent_level(HIGH) > LOUD / 2)
        assert np.abs(usb.sound()).max() < LOUD / 1000
        stage.set_audio_device("nowhere")
        await put_on_air(stage, shot_in(tones, LOW, "third"))
        await wait_until(lambda: shop.recent_level(LOW) > LOUD / 2 and stage.facts().sound == SHOP)


async def test_the_doctor_names_the_loudspeakers_of_the_machine(server: PulseServer) -> None:
    facts = await asyncio.to_thread(probe_machine, load_configuration(None), "")
    assert server.address and [name for name, _ in facts.speakers] == [SHOP, USB]


async def test_the_picture_goes_on_when_its_loudspeaker_is_unplugged(
    display_name: str, server: PulseServer, tones: Path
) -> None:
    async with running_stage(display_name) as stage:
        stage.set_audio_device(USB)
        await put_on_air(stage, shot_in(tones, LOW, "first"))
        await wait_until(lambda: server.recorders[USB].recent_level(LOW) > LOUD / 2)
        await stage.preroll(shot_in(tones, HIGH, "second"))
        await server.unplug(USB)
        await wait_until(lambda: server.recorders[SHOP].recent_level(LOW) > LOUD / 2)
        await stage.cut_now("second")
        await wait_until(lambda: server.recorders[SHOP].recent_level(HIGH) > LOUD / 2)
        await server.plug(USB)
        await put_on_air(stage, shot_in(tones, LOW, "third"))
        await wait_until(lambda: server.recorders[USB].recent_level(LOW) > LOUD / 2)
        assert picture_went_on(stage)


async def test_the_picture_goes_on_when_the_sound_server_dies(
    display_name: str, server: PulseServer, tones: Path
) -> None:
    async with running_stage(display_name) as stage:
        await put_on_air(stage, shot_in(tones, LOW, "first"))
        await wait_until(lambda: server.recorders[SHOP].recent_level(LOW) > LOUD / 2)
        await stage.preroll(shot_in(tones, HIGH, "second"))
        await server.kill()
        await stage.cut_now("second")
        await wait_until(lambda: (stage.facts().media_ms or 0) > 1500)
        assert picture_went_on(stage)
        await server.start(SHOP)
        await put_on_air(stage, shot_in(tones, LOW, "third"))
        await wait_until(lambda: server.recorders[SHOP].recent_level(LOW) > LOUD / 2)
        assert picture_went_on(stage)


def picture_went_on(stage: Stage) -> bool:
    """Tell whether the picture never stood still."""
    facts = stage.facts()
    return facts.restarts == 0 and (facts.still_ms or 0) < 500 and not facts.picture_faults


async def test_the_picture_plays_without_the_sound_server(
    display_name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tones: Path
) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path / 'nobody'}")
    async with running_stage(display_name) as stage:
        await wait_for_both_decks(stage)
        for number in range(3):
            path = str(tones / str(LOW))
            await stage.preroll(Shot(take=f"{number}", path=path, kind=MediaKind.VIDEO, duration_ms=500))
            await stage.cut_at_end(f"{number}")
        ended = await stage.ended()
        assert (ended.reason, ended.failed, stage.facts().restarts) == ("duration", False, 0)
        assert 0.45 < ended.ended_s - ended.started_s < 4
