"""What script/test runs for a room."""

import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with some rooms, where setting up, checking and pytest only say that they were called."""
    for room in ("player/stage", "origin/api", "sync/device"):
        (tmp_path / "tests" / room).mkdir(parents=True)
        (tmp_path / "tests" / room / "test_it.py").touch()
    for name in ("script/setup", "script/check", ".venv/bin/pytest"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#!/bin/sh\necho "$(basename "$0") $*"\n')
        path.chmod(0o755)
    shutil.copy(TOP / "script/test", tmp_path / "script/test")
    return tmp_path


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([checkout / "script/test", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "passed_on"),
    [
        (["player/stage"], "tests/player/stage"),
        (["sync/device"], "tests/sync/device"),
        (["origin/api"], "tests/origin/api"),
        (["sync/origin/api"], "tests/origin/api"),
        (["player"], "tests/player"),
        (["tests/player/stage/test_it.py::test_one"], "tests/player/stage/test_it.py::test_one"),
        (["player/stage", "origin/api", "-x", "-k", "upload"], "tests/player/stage tests/origin/api -x -k upload"),
    ],
)
def test_a_room_runs_its_own_tests_and_no_check(checkout: Path, arguments: list[str], passed_on: str) -> None:
    done = run(checkout, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["setup test", f"pytest --quiet {passed_on}"]


def test_without_a_room_everything_is_checked_and_tested(checkout: Path) -> None:
    first, last = run(checkout, "-k", "upload").stdout.splitlines()
    assert first.split() == ["check"]
    assert last.startswith("pytest ") and last.endswith(" --ignore tests/test_layers.py -k upload")
    assert last.count("tests/") == 1, "the check has run that one"


def test_a_room_that_does_not_exist_is_refused_with_those_that_do(checkout: Path) -> None:
    done = run(checkout, "player/kitchen")
    assert (done.returncode, done.stdout) == (2, "")
    assert "player/kitchen" in done.stderr
    assert {"player/stage", "origin/api", "sync/device"} <= set(done.stderr.split())
