"""What the shop hears: what is on air and nothing else, without a click, from the loudspeaker that was chosen."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from itertools import groupby, pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from player.diagnostics.doctor_probes import probe_machine
from player.protocol.screen import Shot
from player.settings.configuration import load_configuration
from player.stage.stage import Stage
from sync.wire.release import MediaKind
from tests.player.conftest import H264, running, show, whole
from tests.player.pixels import until
from tests.player.sound_capture import RATE, SHOP, USB, WINDOW, Ears, Room, Sound, open_room, tone

LOW, HIGH = 440, 1000  # Hz
LOUD = 0.25  # of full scale


@pytest.fixture
async def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    async with open_room(tmp_path, SHOP, USB) as room:
        monkeypatch.setenv("PULSE_SERVER", room.server)
        yield room


@pytest.fixture
def ears(room: Room) -> Ears:
    return room.ears[SHOP]


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tones")
    for hertz in (LOW, HIGH):
        picture = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=12"]
        sound = ["-f", "lavfi", "-i", f"aevalsrc={LOUD}*cos(2*PI*{hertz}*t):s=48000:d=12"]  # begins in mid-wave
        how = [*picture, *sound, "-c:a", "aac", "-b:a", "160k", *H264, str(folder / str(hertz))]
        subprocess.run(["ffmpeg", "-v", "error", *how], check=True, timeout=60)
    return folder


def what_was_heard(sound: Sound) -> list[tuple[str, float]]:
    """Return in order what was heard, and for how many seconds."""
    low, high = (tone(sound, hertz) > LOUD / 10 for hertz in (LOW, HIGH))
    names = ["low+high" if a and b else "low" if a else "high" if b else "" for a, b in zip(low, high, strict=True)]
    return [(name, len(list(same)) * 0.02) for name, same in groupby(names)]


def steps_at_cuts(sound: Sound) -> list[float]:
    """Return, for each time the tone changes, the largest step from one sample to the next."""
    low, high = (tone(sound, hertz) for hertz in (LOW, HIGH))
    louder = np.where(np.maximum(low, high) < LOUD / 10, 0, np.where(low > high, LOW, HIGH))
    cuts = [window * WINDOW for window, (was, now) in enumerate(pairwise(louder), 1) if was and now and was != now]
    return [float(np.abs(np.diff(sound[cut - RATE // 10 : cut + RATE // 10])).max()) for cut in cuts]


def shot_in(tones: Path, hertz: int, take: str, **how: int) -> Shot:
    return Shot(take=take, path=str(tones / str(hertz)), kind=MediaKind.VIDEO, **how)


async def test_only_what_is_on_air_is_heard_and_tuned_at_once(display_name: str, ears: Ears, tones: Path) -> None:
    async with running(display_name) as stage:
        await whole(stage)
        ears.forget()
        for number, hertz in enumerate((LOW, HIGH, LOW)):
            await stage.preroll(shot_in(tones, hertz, f"take {number}", duration_ms=700))
            await stage.cut_at_end(f"take {number}")
        await stage.preroll(shot_in(tones, HIGH, "muted", volume=0))
        await stage.cut_at_end("muted")
        await until(lambda: ears.lately(LOW) < LOUD / 100)
        cuts = ears.sound()
        heard = [(name, seconds) for name, seconds in what_was_heard(cuts) if seconds > 0.15]  # over a cut: both
        stage.tune("muted", 50)
        await until(lambda: abs(ears.lately(HIGH) - LOUD / 8) < LOUD / 80)  # half is -18 dB
        stage.tune("another", 100)
        stage.tune("muted", 0)
        await until(lambda: ears.lately(HIGH) < LOUD / 100)
        await stage.clear()
    assert [name for name, _ in heard if name] == ["low", "high", "low"], heard
    assert all(0.5 < seconds < 1.0 for name, seconds in heard if name), heard


async def test_a_cut_from_tone_to_tone_does_not_click(display_name: str, ears: Ears, tones: Path) -> None:
    async with running(display_name) as stage:
        await whole(stage)
        for number in range(6):
            await stage.preroll(shot_in(tones, (LOW, HIGH)[number % 2], f"{number}", duration_ms=500))
            await stage.cut_at_end(f"{number}")
        await until(lambda: ears.lately(HIGH) > LOUD / 2)
    steps = steps_at_cuts(ears.sound())
    both = LOUD * 2 * np.pi * (LOW + HIGH) / RATE  # the steepest the two can be together: 0.05; a click is 0.1-0.3
    assert len(steps) >= 4 and median(steps) < 1.3 * both, steps  # a busy machine may make one


async def test_with_alsa_alone_sound_begins_with_the_picture_and_moves_too(
    display_name: str, room: Room, tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, how = tmp_path / "asound.conf", f"type pulse server '{room.server}'"
    config.write_text(f"pcm.!default {{ {how} device {SHOP} }}\npcm.{USB} {{ {how} device {USB} }}\n")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(config))
    monkeypatch.delenv("PULSE_SERVER")
    async with running(display_name) as stage:
        for number, hertz in enumerate((LOW, HIGH, LOW)):
            await stage.preroll(shot_in(tones, hertz, f"{number}", duration_ms=700))
            await stage.cut_at_end(f"{number}")
        await until(lambda: room.ears[SHOP].lately(LOW) > LOUD / 2)
        stage.route(USB)
        await until(lambda: room.ears[USB].lately(LOW) > LOUD / 2 and room.ears[SHOP].lately(LOW) < LOUD / 100)
    heard = what_was_heard(room.ears[SHOP].sound())
    assert max(seconds for name, seconds in heard if name == "high") > 0.5, heard  # alone; both at its ends


async def test_sound_comes_from_the_chosen_loudspeaker_and_moves_at_once(
    display_name: str, room: Room, tones: Path
) -> None:
    shop, usb = room.ears[SHOP], room.ears[USB]
    async with running(display_name) as stage:
        stage.route(USB)
        await show(stage, shot_in(tones, LOW, "first"))
        await until(lambda: usb.lately(LOW) > LOUD / 2)
        assert np.abs(shop.sound()).max() < LOUD / 1000
        await until(lambda: stage.facts().sound == USB)
        stage.route(SHOP)
        await until(lambda: shop.lately(LOW) > LOUD / 2 and usb.lately(LOW) < LOUD / 100)
        usb.forget()
        await show(stage, shot_in(tones, HIGH, "second"))
        await until(lambda: shop.lately(HIGH) > LOUD / 2)
        assert np.abs(usb.sound()).max() < LOUD / 1000
        stage.route("nowhere")
        await show(stage, shot_in(tones, LOW, "third"))
        await until(lambda: shop.lately(LOW) > LOUD / 2 and stage.facts().sound == SHOP)


async def test_the_doctor_names_the_loudspeakers_there_are(room: Room) -> None:
    facts = await asyncio.to_thread(probe_machine, load_configuration(None), "")
    assert room.server and [name for name, _ in facts.speakers] == [SHOP, USB]


async def test_a_loudspeaker_that_is_pulled_while_it_plays_stops_no_picture(
    display_name: str, room: Room, tones: Path
) -> None:
    async with running(display_name) as stage:
        stage.route(USB)
        await show(stage, shot_in(tones, LOW, "first"))
        await until(lambda: room.ears[USB].lately(LOW) > LOUD / 2)
        await stage.preroll(shot_in(tones, HIGH, "second"))
        await room.pull(USB)
        await until(lambda: room.ears[SHOP].lately(LOW) > LOUD / 2)
        await stage.cut_now("second")
        await until(lambda: room.ears[SHOP].lately(HIGH) > LOUD / 2)
        await room.plug(USB)
        await show(stage, shot_in(tones, LOW, "third"))
        await until(lambda: room.ears[USB].lately(LOW) > LOUD / 2)
        assert untouched(stage)


async def test_a_sound_server_that_dies_while_it_plays_stops_no_picture(
    display_name: str, room: Room, tones: Path
) -> None:
    async with running(display_name) as stage:
        await show(stage, shot_in(tones, LOW, "first"))
        await until(lambda: room.ears[SHOP].lately(LOW) > LOUD / 2)
        await stage.preroll(shot_in(tones, HIGH, "second"))
        await room.kill()
        await stage.cut_now("second")
        await until(lambda: (stage.facts().media_ms or 0) > 1500)
        assert untouched(stage)
        await room.start(SHOP)
        await show(stage, shot_in(tones, LOW, "third"))
        await until(lambda: room.ears[SHOP].lately(LOW) > LOUD / 2)
        assert untouched(stage)


def untouched(stage: Stage) -> bool:
    """Tell whether the picture went on all the time."""
    facts = stage.facts()
    return facts.restarts == 0 and (facts.still_ms or 0) < 500 and not facts.picture_faults


async def test_a_sound_server_that_is_gone_stops_no_picture(
    display_name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tones: Path
) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path / 'nobody'}")
    async with running(display_name) as stage:
        await whole(stage)
        for number in range(3):
            path = str(tones / str(LOW))
            await stage.preroll(Shot(take=f"{number}", path=path, kind=MediaKind.VIDEO, duration_ms=500))
            await stage.cut_at_end(f"{number}")
        ended = await stage.ended()
        assert (ended.reason, ended.failed, stage.facts().restarts) == ("duration", False, 0)
        assert 0.45 < ended.ended_s - ended.started_s < 0.6
