"""Starts a private X server for tests that need a real display: Xvfb, or Xorg with its dummy driver."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType


class Xvfb:
    """An X server of our own on a free display number; it ends with the block. It can be stopped and started."""

    def __init__(self, width: int = 1280, height: int = 720) -> None:
        self.name = ""
        self._size = f"{width}x{height}x24"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, on the number it had before."""
        read, write = os.pipe()
        command = ["Xvfb", *([self.name] if self.name else []), "-displayfd", str(write), "-noreset"]
        command += ["-nolisten", "tcp", "+extension", "Composite", "-screen", "0", self._size]
        self._process = subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        assert number, "Xvfb did not start"
        self.name = f":{number}"

    def stop(self) -> None:
        """End it, and every client's connection."""
        assert self._process
        self._process.terminate()
        self._process.wait(10)

    def __enter__(self) -> "Xvfb":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextmanager
def start_xvfb(width: int = 1280, height: int = 720) -> Iterator[str]:
    """Run an Xvfb and yield its name, such as `:7`."""
    with Xvfb(width, height) as server:
        yield server.name


class Dummy(Xvfb):
    """An Xorg with its dummy driver: outputs and modes that RandR can change, without any hardware."""

    def start(self) -> None:
        """Start it, on the number it had before."""
        self._folder = tempfile.TemporaryDirectory()
        file = Path(self._folder.name) / "xorg.conf"
        file.write_text(_XORG.format(modes=f'"{self._size.rpartition("x")[0]}"'))
        read, write = os.pipe()
        command = ["Xorg", *([self.name] if self.name else []), "-displayfd", str(write), "-config", str(file)]
        command += ["-noreset", "-nolisten", "tcp", "-novtswitch", "-sharevts", "-logfile", f"{file}.log"]
        self._process = subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        assert number, Path(f"{file}.log").read_text()
        self.name = f":{number}"

    def stop(self) -> None:
        """End it, and every client's connection."""
        super().stop()
        self._folder.cleanup()


_XORG = """
Section "Device"
    Identifier "d"
    Driver "dummy"
    VideoRam 64000
EndSection
Section "Monitor"
    Identifier "m"
    HorizSync 5-1000
    VertRefresh 5-200
EndSection
Section "Screen"
    Identifier "s"
    Device "d"
    Monitor "m"
    DefaultDepth 24
    SubSection "Display"
        Depth 24
        Virtual 1920 1920
        Modes {modes}
    EndSubSection
EndSection
"""
