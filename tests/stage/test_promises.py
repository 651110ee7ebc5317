"""What the stage promises, as a list: whatever happens to a deck, and whenever, no black, and the next item comes.

The display is looked at about a thousand times a second while it happens. Bounds are generous: the machine of a test
is busy. More faults are in test_faults, test_watch and test_renewal.
"""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from player.display import Display
from player.link import SILENCE_S
from player.stage import Stage
from player.still import brand
from sync import DeckLost, MediaUnplayable
from sync.clock import SystemClock
from tests.stage.conftest import Media
from tests.stage.eyes import BLACK, BLUE, GREEN, RED, near, until, watching

Strike = Callable[[Stage, Media, signal.Signals], Awaitable[None]]
KILL, STOP = signal.SIGKILL, signal.SIGSTOP
SOON_S = 2.5  # a second, and what a busy machine takes for it
SILENT_S = SILENCE_S + 1.0 + SOON_S  # a stopped deck is found by its silence


def _hit(stage: Stage, number: signal.Signals, *, on_air: bool) -> None:
    air = stage._air
    assert air
    link = air.link if on_air else stage._pair.other(air.link)
    assert link.pid
    os.kill(link.pid, number)


async def _whole(stage: Stage) -> None:
    await until(lambda: all(stage.facts().pids) and all(link.up for link in stage._pair.links), within_s=20.0)


async def _on_air(stage: Stage, media: Media, name: str = "long") -> None:
    await _whole(stage)
    await stage.preroll(media.shot(name))
    await stage.cut_now(name)


async def _while_loading(stage: Stage, media: Media, number: signal.Signals) -> None:
    loading = asyncio.create_task(stage.preroll(media.shot("red")))
    await SystemClock().sleep(0)
    _hit(stage, number, on_air=False)
    with suppress(DeckLost, MediaUnplayable):
        await loading


async def _while_prerolled(stage: Stage, media: Media, number: signal.Signals) -> None:
    await stage.preroll(media.shot("red"))
    _hit(stage, number, on_air=False)


async def _while_cutting(stage: Stage, media: Media, number: signal.Signals) -> None:
    await stage.preroll(media.shot("red"))
    cutting = asyncio.create_task(stage.cut_now("red"))
    await SystemClock().sleep(0)
    _hit(stage, number, on_air=False)
    with suppress(DeckLost, MediaUnplayable):
        await cutting


@pytest.mark.parametrize("number", [KILL, STOP], ids=["SIGKILL", "SIGSTOP"])
@pytest.mark.parametrize("strike", [_while_loading, _while_prerolled, _while_cutting])
async def test_whatever_hits_the_hidden_deck_what_is_on_air_goes_on_until_the_next_item(
    stage: Stage, media: Media, display: Display, display_name: str, strike: Strike, number: signal.Signals
) -> None:
    await display.show_root(brand(1280, 720))
    await _on_air(stage, media)
    with watching(display_name) as sight:
        await strike(stage, media, number)
        while True:  # as the director does
            try:
                await stage.preroll(media.shot("green"))
                await stage.cut_now("green")
                break
            except (DeckLost, MediaUnplayable):
                continue
        await until(lambda: near(sight.seen[-1][1][1], GREEN))
    assert not any(near(colours[1], BLACK, 5) for colours, _, _ in sight.runs())
    assert sight.first(GREEN) - sight.seen[0][0] < 3 * SILENT_S  # at worst one silence, one answer, one start


@pytest.mark.parametrize(("number", "within_s"), [(KILL, SOON_S), (STOP, SILENT_S)], ids=["SIGKILL", "SIGSTOP"])
async def test_whatever_hits_the_deck_on_air_the_next_item_comes(
    stage: Stage, media: Media, display: Display, display_name: str, number: signal.Signals, within_s: float
) -> None:
    await display.show_root(brand(1280, 720))
    await _on_air(stage, media)
    await stage.preroll(media.shot("green"))
    with watching(display_name) as sight:
        struck_s = SystemClock().monotonic()
        _hit(stage, number, on_air=True)
        cut = await stage.cut_at_end("green")
    assert cut.at_s - struck_s < within_s
    assert cut.previous and cut.previous.deck_lost
    assert not any(near(colours[1], BLACK, 5) for colours, _, _ in sight.runs())


async def test_a_file_deleted_while_it_plays_plays_on(
    stage: Stage, media: Media, display_name: str, tmp_path: Path
) -> None:
    harmed = tmp_path / "harmed"
    shutil.copy(media.folder / "long", harmed)
    await _whole(stage)
    shot = media.shot("long", duration_ms=2000)
    await stage.preroll(shot.model_copy(update={"path": str(harmed)}))
    await stage.cut_now("long")
    await stage.preroll(media.shot("green"))
    with watching(display_name) as sight:
        harmed.unlink()
        cut = await stage.cut_at_end("green")
    assert cut.previous and cut.previous.reason == "duration"
    assert not sight.strangers(BLUE, GREEN)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Make 12 s of noise, 60 MB: libVLC reads a third of it ahead."""
    made = tmp_path / "large"
    source = "color=blue:s=640x360:r=25:d=12,noise=alls=60:allf=t"
    encode = ["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p", "-f", "avi", str(made)]
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, *encode], check=True, timeout=60)
    return made


async def test_a_file_truncated_while_it_plays_is_followed_by_the_next_item(
    stage: Stage, media: Media, display_name: str, large: Path
) -> None:
    await _whole(stage)
    await stage.preroll(media.shot("large").model_copy(update={"path": str(large)}))
    await stage.cut_now("large")
    await stage.preroll(media.shot("green"))
    with watching(display_name) as sight:
        os.truncate(large, 1000)
        truncated_s = SystemClock().monotonic()
        cut = await stage.cut_at_end("green")
    assert cut.previous and cut.previous.failed and "of 12.0 s" in cut.previous.reason
    assert cut.at_s - truncated_s < 5.0 + SOON_S
    assert not any(near(colours[1], BLACK, 5) for colours, _, _ in sight.runs())


async def test_both_decks_dead_show_the_brand_and_then_the_next_item(
    stage: Stage, media: Media, display: Display, display_name: str
) -> None:
    picture = brand(1280, 720)
    await display.show_root(picture)
    await _on_air(stage, media)
    with watching(display_name) as sight:
        for on_air in (False, True):
            _hit(stage, KILL, on_air=on_air)
        assert (await stage.ended()).deck_lost
        assert (await display.grab()).bgrx == picture.bgrx
        await stage.preroll(media.shot("red"))
        assert (await stage.cut_at_end("red")).previous is None
        await until(lambda: near(sight.seen[-1][1][1], RED))
    assert not any(near(colours[1], BLACK, 5) for colours, _, _ in sight.runs())
