"""The program is updated under a running player: old and new code never talk, and the screen stays bright."""

import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from player.display.capture import ScreenCapture
from player.platform.code_version import OTHER_CODE
from player.stage.self_restart import TRIAL
from tests import TOP
from tests.display import start_xvfb
from tests.player.app import test_daemon
from tests.player.app.test_daemon import RED, listening, started, store_release, until
from tests.player.pixels import SCREEN


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


def deck_pids(player: test_daemon.Player) -> list[int]:
    """Return the processes of the decks that run."""
    return [pid for pid in player.ask("/v1/status")["decks"]["pids"] if pid]


def bright(display: str) -> bool:
    """Tell whether something is on the display that nobody plays on any more."""
    shot = ScreenCapture(display).capture(SCREEN)
    return sum(shot.bgrx[::997]) > 0


FAULTS = {
    "player/app/wiring.py": ("current, problems =", "current, wrong ="),
    "player/deck/__main__.py": ("    options = _parse(argv)\n", "    options = wrong\n"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_trial_finds_an_update_that_can_be_imported_and_fails_a_moment_later(tree: Path, name: str) -> None:
    right, wrong = FAULTS[name]
    text = (tree / name).read_text()
    assert right in text
    (tree / name).write_text(text.replace(right, wrong, 1))
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(TRIAL, capture_output=True, text=True, cwd=tree, env=environment, check=False)
    assert done.returncode == 1 and "is not defined" in done.stderr.splitlines()[-1]


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
            until(lambda: player.ask("/v1/status")["decks"]["cuts"] > 1)  # a deck that starts later is of other code
            wiring = tree / "player/app/wiring.py"
            whole = wiring.read_text()
            wiring.write_text(whole.replace("current, problems =", "current, wrong ="))  # it can be imported
            os.kill(deck_pids(player)[0], signal.SIGKILL)
            until(lambda: "was updated and does not start" in str(player.ask("/v1/status")["problems"]), within_s=120)
            assert player.process.poll() is None and bright(display)
            wiring.write_text(whole)
            replace_code(tree)
            with suppress(ProcessLookupError):  # one that starts in vain has ended by itself
                os.kill(until(partial(deck_pids, player))[0], signal.SIGKILL)
            assert player.process.wait(180) == 5
            assert player.process.stderr
            log = player.process.stderr.read()
            assert OTHER_CODE in log and "the program was updated" in log
            assert bright(display)
        with started(environment) as player:
            until(lambda: listening(player))
            until(lambda: player.shows(RED))
