"""Runs commands as a user who cannot read what belongs to somebody else: root reads everything."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

STRANGER = 1
NOBODY = 65534
_AS_NOBODY = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
_WITHOUT_RIGHTS = ("--bounding-set=-all", "--inh-caps=-all", "--clear-groups")  # where nobody cannot run this Python

_STARTS_ANOTHER = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import pydantic'], check=True)"


@cache
def _user() -> tuple[tuple[str, ...], int]:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("NOT TESTED: files of another user take root and setpriv")
    for options, uid in ((_AS_NOBODY, NOBODY), (_WITHOUT_RIGHTS, 0)):
        command = ["setpriv", *options, sys.executable, "-c", _STARTS_ANOTHER]  # as the player starts its decks
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            return options, uid
    pytest.skip("NOT TESTED: files of another user take a user without rights who can run this Python")


def unprivileged(*command: str) -> list[str]:
    """Return the command line that runs `command` as a user without rights."""
    return ["setpriv", *_user()[0], *command]


def give_to_player(folder: Path) -> None:
    """Give a folder and all in it to that user."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, _user()[1], -1, follow_symlinks=False)


def give_away(path: Path) -> None:
    """Give a file to somebody else, and let nobody else read it."""
    os.chown(path, STRANGER, STRANGER)
    path.chmod(0o600)


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """Make a folder that every user can reach; those of pytest belong to one."""
    _user()
    with tempfile.TemporaryDirectory(prefix="signage-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
