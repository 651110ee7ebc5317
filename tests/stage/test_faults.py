"""Faults in detail: decks die, media chokes them, nothing outlives its owner. The list of promises is test_promises."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from player.display import Display
from player.screen import Area, Load
from player.stage import Stage, open_stage
from player.still import brand
from sync import DeckLost, MediaUnplayable
from sync.clock import SystemClock
from tests.stage.conftest import Media
from tests.stage.eyes import BLACK, BLUE, GREEN, RED, near, until, watching


def _pids(stage: Stage) -> list[int]:
    return [pid for pid in stage.facts().pids if pid]


async def _pid_on_air(stage: Stage, media: Media) -> int:
    """Put `long` on air and `green` behind it; return the process of the deck on air."""
    await until(lambda: len(_pids(stage)) == 2)
    await stage.preroll(media.shot("long"))
    await stage.cut_now("long")
    on_air = _links_with(stage, "long")
    await stage.preroll(media.shot("green"))
    return on_air


def _links_with(stage: Stage, take: str) -> int:
    assert stage._air and stage._air.shot.take == take and stage._air.link.pid
    return stage._air.link.pid


async def test_a_deck_killed_on_air_is_followed_within_a_second(
    stage: Stage, media: Media, display: Display, display_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    await display.show_root(brand(1280, 720))
    pid = await _pid_on_air(stage, media)
    clock = SystemClock()
    waiting = asyncio.create_task(stage.cut_at_end("green"))
    with watching(display_name) as sight, caplog.at_level(logging.WARNING):
        killed_s = clock.monotonic()
        os.kill(pid, signal.SIGKILL)
        cut = await waiting
    assert cut.at_s - killed_s < 1.0
    assert cut.previous and cut.previous.failed and cut.previous.deck_lost
    fallback = {colours for _, colours in sight.seen if not near(colours[1], BLUE) and not near(colours[1], GREEN)}
    assert not any(near(colours[1], BLACK, 5) for colours in fallback)
    assert len([record for record in caplog.records if "lost" in record.message]) == 1
    await until(lambda: len(_pids(stage)) == 2)
    assert stage.facts().restarts == 1


async def test_a_hidden_deck_killed_leaves_the_screen_alone(stage: Stage, media: Media, display_name: str) -> None:
    on_air = await _pid_on_air(stage, media)
    hidden = next(pid for pid in _pids(stage) if pid != on_air)
    waiting = asyncio.create_task(stage.cut_at_end("green"))
    with watching(display_name) as sight:
        os.kill(hidden, signal.SIGKILL)
        with pytest.raises(DeckLost):
            await waiting
        await stage.preroll(media.shot("red"))
        await stage.cut_now("red")
        await stage.ended()
    assert not sight.strangers(BLUE, RED)


@pytest.mark.parametrize("name", ["zero", "junk", "headless", "missing", "junk_picture", "red_as_a_picture"])
async def test_media_that_cannot_be_shown_is_refused_and_the_screen_goes_on(
    stage: Stage, media: Media, display_name: str, name: str
) -> None:
    shot = media.shot(name)
    if name == "red_as_a_picture":
        shot = shot.model_copy(update={"path": str(media.folder / "red")})
    await stage.preroll(media.shot("long"))
    await stage.cut_now("long")
    with watching(display_name) as sight:
        with pytest.raises(MediaUnplayable) as refusal:
            await stage.preroll(shot)
        await stage.preroll(media.shot("green"))
        await stage.cut_now("green")
    assert str(refusal.value).startswith(f"take {name} cannot be shown: ")
    assert not sight.strangers(BLUE, GREEN)
    assert stage.facts().restarts == 0


async def test_a_video_cut_short_fails_where_its_pictures_end(stage: Stage, media: Media) -> None:
    await stage.preroll(media.shot("short"))
    await stage.cut_now("short")
    ended = await stage.ended()
    assert ended.failed and not ended.deck_lost
    assert "of 6.0 s" in ended.reason


async def test_a_cancelled_preroll_leaves_the_stage_usable(stage: Stage, media: Media) -> None:
    await stage.preroll(media.shot("long"))
    await stage.cut_now("long")
    loading = asyncio.create_task(stage.preroll(media.shot("red")))
    await asyncio.wait([loading], timeout=0.02)
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    await stage.preroll(media.shot("green"))
    assert (await stage.cut_now("green")).take == "green"


async def test_no_deck_outlives_the_stage(display_name: str, media: Media) -> None:
    async with open_stage(display_name, Area(width=1280, height=720), SystemClock()) as stage:
        running = asyncio.create_task(stage.run())
        await stage.preroll(media.shot("long"))
        pids = _pids(stage)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert pids and not any(Path(f"/proc/{pid}").exists() for pid in pids)


_DAEMON = """
import os, subprocess, sys
deck = subprocess.Popen([sys.executable, "-m", "player.deck", "--area", "1280x720+0+0"],
                        stdin=int(sys.argv[1]), stdout=subprocess.PIPE, stderr=sys.stdout)
deck.stdout.readline()
print(deck.pid, flush=True)
sys.stdin.read()
"""


def _daemon_with_a_deck(display_name: str, keep: int) -> tuple[subprocess.Popen[bytes], int]:
    command = [sys.executable, "-c", _DAEMON, str(keep)]
    environment = {**os.environ, "DISPLAY": display_name}
    daemon = subprocess.Popen(command, pass_fds=(keep,), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert daemon.stdout
    return daemon, int(daemon.stdout.readline())


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_deck_dies_with_a_daemon_that_is_killed(display_name: str) -> None:
    keep, spare = os.pipe()  # the deck's input stays open: only the kernel can tell it
    daemon, deck = _daemon_with_a_deck(display_name, keep)
    with daemon:
        daemon.kill()
        await until(lambda: not _runs(deck))
    os.close(keep)
    os.close(spare)


def test_a_deck_ends_when_its_input_closes(display_name: str, media: Media) -> None:
    load = Load(shot=media.shot("long")).model_dump_json().encode() + b"\n"
    done = subprocess.run(
        [sys.executable, "-m", "player.deck", "--area", "1280x720+0+0"],
        input=load, capture_output=True, timeout=20, env={**os.environ, "DISPLAY": display_name}, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.startswith(b'{"event":"ready"')


def test_a_deck_without_a_display_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "player.deck", "--area", "1280x720+0+0"],
        input=b"", capture_output=True, timeout=20, env={**os.environ, "DISPLAY": ":4711"}, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert b"X server ':4711' does not answer" in done.stderr
