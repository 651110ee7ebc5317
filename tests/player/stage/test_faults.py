"""The end of a deck: it does not outlive its stage, its daemon or its input."""

import asyncio
import errno
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from player.protocol.deck_messages import Load
from player.stage.deck_options import DeckOptions
from player.stage.deck_process import DeckProcess
from player.stage.stage import Stage, open_stage
from sync.runtime.clock import SystemClock
from tests.player.conftest import Media, on_air_pid, put_on_air, running_stage, wait_for_both_decks
from tests.player.pixels import SCREEN, wait_until


async def test_no_deck_outlives_the_stage(display_name: str, media: Media) -> None:
    async with open_stage(DeckOptions(display_name, SCREEN), SystemClock()) as stage:
        running = asyncio.create_task(stage.run())
        await stage.preroll(media.shot("long"))
        pids = [pid for pid in stage.facts().pids if pid]
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert pids and not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def test_a_deck_that_sends_nonsense_is_replaced(display_name: str, caplog: pytest.LogCaptureFixture) -> None:
    program = ("sh", "-c", 'echo \'{"event":"finished","at_s":null}\'; exec sleep 60', "deck")
    options = DeckOptions(display_name, SCREEN, program=program)
    async with open_stage(options, SystemClock()) as stage:
        running = asyncio.create_task(stage.run())
        await wait_until(lambda: stage.facts().restarts >= 2)
        running.cancel()
    assert "sent an unreadable line" in caplog.text


async def test_an_error_in_the_program_costs_one_deck_and_its_sibling_plays_on(
    display_name: str, media: Media, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receive, broken = DeckProcess._receive, list[str]()

    def receive_badly(deck: DeckProcess, line: bytes) -> None:
        if deck.name in broken and b"pulse" in line:
            broken.clear()
            raise KeyError("a bug")
        receive(deck, line)

    async with running_stage(display_name) as stage:
        await put_on_air(stage, media.shot("long"))
        before = stage.facts()
        broken[:] = ["ab".replace(before.deck or "", "")]
        monkeypatch.setattr(DeckProcess, "_receive", receive_badly)
        await wait_until(lambda: stage.facts().restarts == 1)
        await wait_for_both_decks(stage)
        await stage.preroll(media.shot("green"))
        after = stage.facts()
        assert (after.on_air, after.deck) == ("long", before.deck)
        assert len(set(before.pids) & set(after.pids)) == 1
        await stage.cut_now("green")
    assert "a bug" in caplog.text


_DAEMON = """
import os, subprocess, sys
deck = subprocess.Popen([sys.executable, "-m", "player.deck", "--area", "640x360+0+0"],
                        stdin=int(sys.argv[1]), stdout=subprocess.PIPE, stderr=sys.stdout)
deck.stdout.readline()
print(deck.pid, flush=True)
sys.stdin.read()
"""


def _daemon_with_a_deck(display_name: str, deck_input: int) -> tuple[subprocess.Popen[bytes], int]:
    command = [sys.executable, "-c", _DAEMON, str(deck_input)]
    environment = {**os.environ, "DISPLAY": display_name}
    daemon = subprocess.Popen(
        command, pass_fds=(deck_input,), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert daemon.stdout
    return daemon, int(daemon.stdout.readline())


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_deck_dies_with_a_daemon_that_is_killed(display_name: str) -> None:
    deck_input, writer = os.pipe()  # the deck's input stays open: only the kernel can end it
    daemon, deck = _daemon_with_a_deck(display_name, deck_input)
    with daemon:
        daemon.kill()
        await wait_until(lambda: not _runs(deck))
    os.close(deck_input)
    os.close(writer)


def test_a_deck_ends_when_its_input_closes(display_name: str, media: Media) -> None:
    load = Load(shot=media.shot("long")).model_dump_json().encode() + b"\n"
    ended = subprocess.run(
        [sys.executable, "-m", "player.deck", "--area", "640x360+0+0"],
        input=load, capture_output=True, timeout=60, env={**os.environ, "DISPLAY": display_name}, check=False,
    )  # fmt: skip
    assert ended.returncode == 0
    assert ended.stdout.startswith(b'{"event":"ready"')


def test_a_deck_without_a_display_ends_with_code_3() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "player.deck", "--area", "640x360+0+0"],
        input=b"", capture_output=True, timeout=60, env={**os.environ, "DISPLAY": ":4711"}, check=False,
    )  # fmt: skip
    assert ended.returncode == 3
    assert b"X server ':4711' does not answer" in ended.stderr


async def test_a_deck_that_cannot_be_started_is_tried_again_and_its_sibling_plays_on(
    display_name: str, media: Media, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The last refusal comes after the fork: there is no thread to wait for the end of the process."""
    codes = errno.EMFILE, errno.EAGAIN, errno.ENOMEM
    refusals: list[Exception] = [*(OSError(code, "") for code in codes), MemoryError(), RuntimeError()]
    caplog.set_level(logging.INFO)
    spawn, start_thread, pids = subprocess.Popen.__init__, threading.Thread.start, list[int]()

    def refuse(process: Any, *arguments: Any, **how: Any) -> None:
        if refusals and not isinstance(refusals[0], RuntimeError):
            raise refusals.pop(0)
        spawn(process, *arguments, **how)
        pids.append(process.pid)

    def refuse_thread(thread: threading.Thread) -> None:
        if refusals and thread.name.startswith("asyncio-waitpid"):
            raise refusals.pop(0)
        start_thread(thread)

    async with running_stage(display_name) as stage:
        await put_on_air(stage, media.shot("long"))
        before = stage.facts()
        monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
        monkeypatch.setattr(threading.Thread, "start", refuse_thread)
        os.kill(next(pid for pid in before.pids if pid and pid != on_air_pid(stage)), signal.SIGKILL)
        await wait_until(lambda: not refusals and stage.facts().restarts >= 6)
        await wait_for_both_decks(stage)
        after = stage.facts()
        assert (after.on_air, after.deck) == ("long", before.deck)
        assert len(set(before.pids) & set(after.pids)) == 1
        assert [pid for pid in pids if _runs(pid)] == [pid for pid in after.pids if pid not in before.pids]
    assert caplog.text.count("it cannot be run: ") == caplog.text.count("runs again") == 1


async def test_a_stage_that_is_torn_down_reports_what_it_had_on_air_as_lost(display_name: str, media: Media) -> None:
    async with running_stage(display_name) as stage:
        await put_on_air(stage, media.shot("long"))
        waits = asyncio.create_task(stage.ended())
        await SystemClock().sleep(0.5)
    ended = await waits
    assert (ended.failed, ended.deck_lost, stage.facts().on_air) == (True, True, None)
    assert 0.1 < ended.ended_s - ended.started_s < 8


async def test_time_in_which_everything_stood_is_not_proven(display_name: str, media: Media) -> None:
    clock = SystemClock()
    async with running_stage(display_name) as stage:
        await put_on_air(stage, media.shot("long"))
        await clock.sleep(0.5)
        pids = [pid for pid in stage.facts().pids if pid]
        for number, stands_s in ((signal.SIGSTOP, 2.8), (signal.SIGCONT, 0.0)):
            for pid in pids:
                os.kill(pid, number)
            clock.wait(stands_s)  # this process, too, as when a virtual machine is paused
        await wait_until(lambda: _still_ms(stage) > 0)
        assert 2_700 < _still_ms(stage) < 3_500


def _still_ms(stage: Stage) -> int:
    so_far = stage.so_far("long")
    return so_far.still_ms if so_far else 0
