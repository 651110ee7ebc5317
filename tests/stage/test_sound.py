"""What the shop hears: what is on air and nothing else, and a change of volume at once."""

import subprocess
from collections.abc import AsyncIterator
from itertools import groupby
from pathlib import Path

import pytest

from player.screen import Shot
from sync.release import MediaKind
from tests.stage.conftest import H264, running, whole
from tests.stage.ears import Ears, Sound, open_ears, tone
from tests.stage.eyes import until

LOW, HIGH = 440, 1000  # Hz
LOUD = 0.25  # of full scale


@pytest.fixture
async def ears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ears]:
    async with open_ears(tmp_path) as ears:
        monkeypatch.setenv("PULSE_SERVER", ears.server)
        yield ears


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tones")
    for hertz in (LOW, HIGH):
        picture = ["-f", "lavfi", "-i", "color=red:s=320x180:r=25:d=12"]
        sound = ["-f", "lavfi", "-i", f"aevalsrc={LOUD}*sin(2*PI*{hertz}*t):s=48000:d=12"]
        how = [*picture, *sound, "-c:a", "aac", "-b:a", "160k", *H264, str(folder / str(hertz))]
        subprocess.run(["ffmpeg", "-v", "error", *how], check=True, timeout=60)
    return folder


def what_was_heard(sound: Sound) -> list[tuple[str, float]]:
    """Return in order what was heard, and for how many seconds."""
    low, high = (tone(sound, hertz) > LOUD / 10 for hertz in (LOW, HIGH))
    names = ["low+high" if a and b else "low" if a else "high" if b else "" for a, b in zip(low, high, strict=True)]
    return [(name, len(list(same)) * 0.02) for name, same in groupby(names)]


async def test_only_what_is_on_air_is_heard_and_tuned_at_once(display_name: str, ears: Ears, tones: Path) -> None:
    def shot(hertz: int, take: str, **how: int) -> Shot:
        return Shot(take=take, path=str(tones / str(hertz)), kind=MediaKind.VIDEO, **how)

    async with running(display_name) as stage:
        await whole(stage)
        ears.forget()
        for number, hertz in enumerate((LOW, HIGH, LOW)):
            await stage.preroll(shot(hertz, f"take {number}", duration_ms=700))
            await stage.cut_at_end(f"take {number}")
        await stage.preroll(shot(HIGH, "muted", volume=0))
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
