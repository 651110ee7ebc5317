"""The program is updated under a running player: old and new code never talk, and the screen stays bright."""

import os
import shutil
import signal
import socket
from pathlib import Path

import pytest

from player.display.capture import ScreenCapture
from player.platform.code_version import OTHER_CODE
from player.platform.geometry import Area
from tests import TOP
from tests.display import start_xvfb
from tests.player.app import test_daemon
from tests.player.app.test_daemon import RED, listening, started, store_release, until


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of our code, compiled as in an installation."""
    for name in ("player", "sync"):
        shutil.copytree(TOP / name, tmp_path / "tree" / name, ignore=shutil.ignore_patterns("origin"))
    return tmp_path / "tree"


def replace_code(tree: Path) -> None:
    """Put another version of the deck in its place."""
    for path in (tree / "player/deck").rglob("*.py"):
        path.write_text(path.read_text() + "# another version\n")


def bright(display: str) -> bool:
    """Tell whether something is on the display that nobody plays on any more."""
    shot = ScreenCapture(display).capture(Area(width=1280, height=720))
    return sum(shot.bgrx[::997]) > 0


@pytest.mark.display
def test_after_an_update_the_player_makes_way_for_the_new_one(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_daemon, "TOP", tree)  # where the player is started, so that its decks are found there
    store_release(tmp_path / "device", tmp_path / "scratch")
    with start_xvfb() as display, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        environment = os.environ | {
            "DISPLAY": display,
            "PYTHONPATH": str(tree),
            "SIGNAGE_PLAYER__STORAGE__STATE_DIR": str(tmp_path / "device"),
            "SIGNAGE_PLAYER__ENDPOINT__PORT": str(port),
            "SIGNAGE_PLAYER__ORIGIN__URL": "http://127.0.0.1:9",
        }
        with started(environment) as player:
            until(lambda: listening(player))
            until(lambda: player.shows(RED))
            window = tree / "player/deck/window.py"
            whole = window.read_text()
            window.write_text("this is no Python")
            os.kill(player.ask("/v1/status")["decks"]["pids"][0], signal.SIGKILL)
            until(lambda: "was updated and does not start" in str(player.ask("/v1/status")["problems"]), within_s=60)
            assert player.process.poll() is None and bright(display)
            window.write_text(whole)
            replace_code(tree)
            os.kill(next(pid for pid in player.ask("/v1/status")["decks"]["pids"] if pid), signal.SIGKILL)
            assert player.process.wait(30) == 5
            assert player.process.stderr
            log = player.process.stderr.read()
            assert OTHER_CODE in log and "the program was updated" in log
            assert bright(display)
        with started(environment) as player:
            until(lambda: listening(player))
            until(lambda: player.shows(RED))
