"""Starts a private X server for tests that need a real display: Xvfb, Xorg with its dummy driver, or Xephyr."""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice
from pathlib import Path
from types import TracebackType

from processes import write_display_key


@cache
def authority() -> str:
    """Return a file with the key of all servers of this process (XAUTHORITY)."""
    folder = tempfile.mkdtemp(prefix="signage-key-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return write_display_key(Path(folder))


_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw99").removeprefix("gw")
_own_numbers = iter(range(200 + 500 * int(_worker), 700 + 500 * int(_worker)))  # of displays, for this process alone


class Xvfb:
    """A private X server on a free display number. It ends with the block; it can be stopped and started again."""

    def __init__(self, width: int = 640, height: int = 360, *options: str) -> None:
        self.name = ""
        self._size = f"{width}x{height}"
        os.environ["XAUTHORITY"] = authority()  # for all that is started from here
        self._options = ["-noreset", "-nolisten", "tcp", "-auth", authority(), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with the display number that it had before: while it is stopped no other worker takes that one."""
        tried = (f":{number}" for number in islice(_own_numbers, 20))
        assert any(self._answers(name) for name in ([self.name] if self.name else tried)), (
            f"{self._command()[0]} did not start{self.log_text()}"
        )

    def _answers(self, name: str) -> bool:
        read, write = os.pipe()
        program, *arguments = self._command()
        command = [program, name, "-displayfd", str(write), *arguments, *self._options]
        self._process = subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL, env=self._environment())
        os.close(write)
        with os.fdopen(read) as answer:
            if answer.readline():
                self.name = name
                return True
        self._process.wait(60)
        return False

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process
        return self._process.pid

    def _command(self) -> list[str]:
        return ["Xvfb", "+extension", "Composite", "-screen", "0", f"{self._size}x24"]

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

    def log_text(self) -> str:
        """Return what it logged, if it writes a log."""
        return ""

    def stop(self) -> None:
        """End it, and the connections of its clients."""
        assert self._process
        self._process.terminate()
        self._process.wait(60)

    def __enter__(self) -> "Xvfb":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextmanager
def start_xvfb(width: int = 640, height: int = 360) -> Iterator[str]:
    """Run an Xvfb and yield its name, such as `:7`."""
    with Xvfb(width, height) as server:
        yield server.name


class XorgDummy(Xvfb):
    """An Xorg with its dummy driver: outputs and modes that RandR can change, without hardware."""

    def start(self) -> None:
        """Start it, with the display number that it had before."""
        self._folder = tempfile.TemporaryDirectory()
        self._file = Path(self._folder.name) / "xorg.conf"
        self._file.write_text(XORG.format(modes=f'"{self._size}"'))
        super().start()

    def stop(self) -> None:
        """End it, and the connections of its clients."""
        super().stop()
        self._folder.cleanup()

    def _command(self) -> list[str]:
        return ["Xorg", "-config", str(self._file), "-novtswitch", "-sharevts", "-logfile", f"{self._file}.log"]

    def log_text(self) -> str:
        return ":\n" + Path(f"{self._file}.log").read_text()


class Xephyr(Xvfb):
    """An X server in a window of X server `host`; RandR can rotate what it shows there."""

    def __init__(self, host: str, width: int = 640, height: int = 360) -> None:
        super().__init__(width, height)
        self._host = host

    def _command(self) -> list[str]:
        return ["Xephyr", "-screen", self._size]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self._host}


XORG = """
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
