"""Starts a private Xvfb for tests that need a real display."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def start_xvfb(width: int = 1280, height: int = 720) -> Iterator[str]:
    """Run an Xvfb of our own on a free display number and yield its name, such as `:7`; it ends with the block."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-noreset", "-nolisten", "tcp", "+extension", "Composite"]
    command += ["-screen", "0", f"{width}x{height}x24"]
    process = subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(10)
