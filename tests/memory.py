"""Folders in memory for tests that flush to disk a lot."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 2 * 1024**3


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Real files, in memory where there is room: thousands of stores, databases and keys wait for no disk."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES
    with TemporaryDirectory(dir=MEMORY if roomy else None) as folder:
        yield Path(folder)
