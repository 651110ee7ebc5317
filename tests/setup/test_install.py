"""Which packages systemd/install puts on a machine."""

import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent.parent

# Stands in for Python: "makes" a virtual environment whose Python writes down what it is told to install.
PYTHON = """#!/bin/sh
for target; do :; done
mkdir -p "$target/bin"
printf '#!/bin/sh\\necho "$@" >> %s\\n' "$LOG" > "$target/bin/python"
chmod +x "$target/bin/python"
"""


def installed_from(machine: Path, *parts: str) -> list[str]:
    """Install on a machine that is a folder; return the names of the locks that pip was given."""
    log = machine / "pip.log"
    log.unlink(missing_ok=True)
    python = machine / "bin/python3"
    python.parent.mkdir(exist_ok=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    environment = {"PATH": f"{python.parent}:{os.environ['PATH']}", "DESTDIR": str(machine), "LOG": str(log)}
    subprocess.run([TOP / "systemd/install", *parts], env=environment, check=True, capture_output=True)
    words = log.read_text().split()
    return [Path(word).name for word in words if word.endswith(".lock")]


@pytest.mark.parametrize(
    ("parts", "lock"),
    [
        ((), "device.lock"),
        (("player",), "device.lock"),
        (("origin",), "origin.lock"),
        (("player", "origin"), "origin.lock"),
    ],
)
def test_each_part_installs_its_own_lock(tmp_path: Path, parts: tuple[str, ...], lock: str) -> None:
    assert installed_from(tmp_path, *parts) == [lock]


def test_an_origin_that_is_here_already_is_updated_with_the_player(tmp_path: Path) -> None:
    installed_from(tmp_path, "origin")
    assert installed_from(tmp_path, "player") == ["origin.lock"]
