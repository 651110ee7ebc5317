"""The daemon's child processes: how one is started and ended, what it is given and what it loses, its memory."""

import asyncio
import ctypes
import errno
import logging
import os
import re
import resource
import signal
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from contextlib import suppress
from pathlib import Path

from sync.runtime.os_messages import os_reason
from sync.sandbox.restrict import everything_but, refuse_calls, restrict_files

_PR_SET_PDEATHSIG = 1
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PASSED_ENVIRONMENT = re.compile(
    "PATH|PYTHON.*|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_.*|TZ|TMPDIR|LD_.*"
    "|XAUTHORITY|XDG_.*|DBUS_SESSION_BUS_ADDRESS|PULSE_.*|PIPEWIRE_.*|ALSA_.*"  # display and sound
    "|VLC_.*|LIBVA_.*|VDPAU_.*|LIBGL_.*|MESA_.*|FONTCONFIG_.*|PANGO_.*"
)
_READ_AHEAD_BYTES = 64 * 1024

log = logging.getLogger(__name__)


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


def hide_state(state_dir: Path) -> None:
    """Hide the state folder from this process and what it starts, but for the verified media in it."""
    restrict_files(write=everything_but(state_dir), read=[str(state_dir / "store")])


def become_child(parent: int, *, address_space_bytes: int, state_dir: Path | None) -> None:
    """Make this process a child of the daemon with process id `parent`: limited, without core dumps, ended by it alone.

    The kernel kills the process when the daemon dies. SIGINT and SIGTERM are ignored, because the daemon ends its child
    processes itself, in order. It sees no tokens and no evidence in `state_dir`, and not the memory of the daemon. It
    reaches display, sound and daemon over local sockets, and no network.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)  # the daemon died before the call
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes, address_space_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if state_dir:
        hide_state(state_dir)
    try:
        refuse_calls("local")
    except OSError as error:  # a kernel without filters: a screen that is less restricted is better than a dark one
        log.warning("this process may open network sockets: %s", os_reason(error))


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
