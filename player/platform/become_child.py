"""What a child process of the daemon gives up when it starts. Without asyncio: a deck starts sooner."""

import ctypes
import logging
import os
import resource
import signal
from pathlib import Path

from sync.runtime.os_messages import os_reason
from sync.sandbox.restrict import everything_but, refuse_calls, restrict_files

_PR_SET_PDEATHSIG = 1

log = logging.getLogger(__name__)


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
