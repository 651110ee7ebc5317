"""Only a test that looks at a real display or browser is repeated when it fails, and the end of the run names it."""

import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent.parent

TESTS = """
import asyncio
from pathlib import Path

import pytest


def fail_at_first(name: str) -> None:
    tried = Path(__file__).with_name(name)
    again = tried.exists()
    tried.touch()
    assert again, "the first time"


@pytest.fixture
def display() -> None: ...


@pytest.mark.display
async def test_marked_display() -> None:
    await asyncio.sleep(0)
    fail_at_first("marked_display")


@pytest.mark.browser
def test_marked_browser() -> None:
    fail_at_first("marked_browser")


def test_with_a_display(display: None) -> None:
    fail_at_first("with_a_display")


@pytest.mark.display
def test_wrong_each_time() -> None:
    assert False


def test_without_a_mark() -> None:
    fail_at_first("without_a_mark")
"""


@pytest.fixture(
    scope="module", params=[(), ("--numprocesses", "2", "--dist", "loadfile")], ids=["alone", "two workers"]
)
def summary(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What is printed by a run of these tests with our settings and our hook."""
    folder = tmp_path_factory.mktemp("repeats")
    (folder / "conftest.py").write_text("from tests.conftest import pytest_collection_modifyitems\n")
    (folder / "test_repeated.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(TOP / "pyproject.toml")]
    command += ["--rootdir", str(folder), *request.param, str(folder)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return [line.split(" - ")[0] for line in done.stdout.splitlines()]


def outcomes(summary: list[str], outcome: str) -> set[str]:
    return {line.split("::")[-1] for line in summary if line.startswith(outcome)}


def test_what_looks_at_a_display_or_browser_is_tried_again_and_named(summary: list[str]) -> None:
    assert outcomes(summary, "RERUN") == {
        "test_marked_display",
        "test_marked_browser",
        "test_with_a_display",
        "test_wrong_each_time",
    }


def test_all_else_fails_at_once_and_a_bug_fails_both_times(summary: list[str]) -> None:
    assert outcomes(summary, "FAILED") == {"test_without_a_mark", "test_wrong_each_time"}
    assert summary[-1].startswith("2 failed, 3 passed, 5 rerun")
