"""The daemon's child processes as it sees them: how one is started and ended, what it is given, its memory."""

import asyncio
import errno
import os
import re
import signal
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from contextlib import suppress
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PASSED_ENVIRONMENT = re.compile(
    "PATH|PYTHON.*|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_.*|TZ|TMPDIR|LD_.*"
    "|XAUTHORITY|XDG_.*|DBUS_SESSION_BUS_ADDRESS|PULSE_.*|PIPEWIRE_.*|ALSA_.*"  # display and sound
    "|VLC_.*|LIBVA_.*|VDPAU_.*|LIBGL_.*|MESA_.*|FONTCONFIG_.*|PANGO_.*"
)
_READ_AHEAD_BYTES = 64 * 1024


class _ChildProtocol(SubprocessStreamProtocol):
    """The pipes of a child. asyncio leaves a child running if it fails after the fork: `given_up` ends that one."""

    given_up = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.given_up:
            transport.close()


async def start_child(display: str, *command: str) -> Process:
    """Start a program that draws on `display`, with pipes to its input and output.

    Raises:
        OSError: there are too few descriptors, threads, processes or bytes of memory; no process of it stays.
    """
    loop = asyncio.get_running_loop()
    protocol = _ChildProtocol(_READ_AHEAD_BYTES, loop)
    try:
        transport, _ = await loop.subprocess_exec(
            lambda: protocol, *command, stdin=PIPE, stdout=PIPE, stderr=None, env=child_environment(display)
        )
    except (OSError, RuntimeError, MemoryError) as error:
        protocol.given_up = True
        if isinstance(error, OSError):
            raise
        number = errno.ENOMEM if isinstance(error, MemoryError) else errno.EAGAIN  # no thread to wait for its end
        raise OSError(number, str(error)) from error
    return Process(transport, protocol, loop)


def child_environment(display: str) -> dict[str, str]:
    """Return the environment of a process that opens media: no setting of ours, no token, no proxy's password."""
    return {name: value for name, value in os.environ.items() if _PASSED_ENVIRONMENT.fullmatch(name)} | {
        "DISPLAY": display
    }


def deck_memory_limit_bytes() -> int:
    """Return how much memory one deck may use: half of the machine's. A deck usually uses 100-270 MiB."""
    return os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES // 2


def rss_bytes(pid: int) -> int:
    """Return the resident memory of a process; 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):  # an exiting process has an empty or no statm
        return 0


def is_stopped(pid: int) -> bool:
    """Tell whether the process was stopped (SIGSTOP), so it does not hang by itself."""
    return _state(Path(f"/proc/{pid}/stat")) in ("T", "t")


def _state(stat: Path) -> str:
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def waits_for_disk(pid: int) -> bool:
    """Tell whether one of the process's threads waits for a disk: then the file it reads is not to blame."""
    with suppress(OSError):
        return any(_state(task / "stat") == "D" for task in Path(f"/proc/{pid}/task").iterdir())
    return False


def kill_process(process: Process) -> None:
    """Send SIGKILL. `Process.kill` polls first and can take the exit code that asyncio waits for."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
