"""Two workers begin with the files that need a display, the one in the background with the others."""

import json
import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parent.parent.parent
CONFTEST = """
from tests.conftest import pytest_collection_modifyitems, pytest_sessionstart, pytest_xdist_make_scheduler
"""
TEST = """
import json, os
from pathlib import Path

import pytest


{mark}
@pytest.mark.parametrize("number", range(3))
def test_something(number: int) -> None:
    here = [os.environ["PYTEST_XDIST_WORKER"], os.getpriority(os.PRIO_PROCESS, 0)]
    Path(__file__).with_suffix(".json").write_text(json.dumps(here))
"""


def test_files_with_a_display_run_in_front_and_others_in_the_background(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in ("a", "b", "c"):
        (tmp_path / f"test_{name}.py").write_text(TEST.format(mark=""))
    for name in ("x", "y"):
        (tmp_path / f"test_{name}.py").write_text(TEST.format(mark="@pytest.mark.display"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(TOP / "pyproject.toml")]
    command += ["--rootdir", str(tmp_path), "--numprocesses", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
    outside = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
    done = subprocess.run([*command, str(tmp_path)], cwd=TOP, env=outside, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    own = os.getpriority(os.PRIO_PROCESS, 0)
    found = {name: json.loads((tmp_path / f"test_{name}.json").read_text()) for name in ("x", "y", "c")}
    assert sorted([found["x"], found["y"]]) == [["gw0", own], ["gw1", own]]
    assert found["c"] == ["gw2", min(own + 5, 19)]
