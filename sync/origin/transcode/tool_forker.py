"""The program that runs our own tools for pictures: it has loaded them, and forks a process for each file.

`python -m sync.origin.transcode.tool_forker` reads messages from a pair of sockets, its standard input, and ends with
it. It never opens a sent file. A process that does is new and has no other: before it looks at the file it gives up its
rights (`sync.sandbox.restrict`), all descriptors but its own output, and all that is over its limits. When it ends,
however that happens, it and its process group are killed. `sync.origin.transcode.forked_tools` is the other side.
"""

import ctypes
import gc
import json
import os
import resource
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from PIL import (  # noqa: F401  # Pillow loads these when it opens the first file
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from sync.origin.limits import picture_size
from sync.origin.transcode import picture_tool, title_card_tool
from sync.sandbox import restrict

TOOLS: dict[str, Callable[[list[str]], int]] = {
    "size": picture_size.main,
    "picture": picture_tool.main,
    "card": title_card_tool.main,
}
MESSAGE_BYTES = 64 * 1024
_SET_PARENT_DEATH_SIGNAL = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(slots=True)
class ToolForker:
    """Forks as it is told on `control`; the processes that run, by the number of their job."""

    control: socket.socket
    pids: dict[int, int] = field(default_factory=dict)
    waiting: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def serve(self) -> None:
        """Work until the other side closes; nothing that was forked is left then."""
        self.waiting.register(self.control, selectors.EVENT_READ)
        while True:
            for key, _ in self.waiting.select():
                if key.fileobj is not self.control:
                    self._end(key.data, key.fd)
                elif not self._read_message():
                    for job in self.pids:
                        self._kill(job)
                    return

    def _read_message(self) -> bool:
        try:
            raw, descriptors, _, _ = socket.recv_fds(self.control, MESSAGE_BYTES, 2)
        except ConnectionResetError:  # it was closed with answers in it
            return False
        if not raw:
            return False
        told = json.loads(raw)
        if "kill" in told:
            self._kill(told["kill"])
        else:
            self._begin(told, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def _begin(self, told: dict[str, Any], descriptors: Sequence[int]) -> None:
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # no memory, or too many processes
            os.write(descriptors[1], str(error).encode())
            self._answer(told["job"], -1)
            return
        if pid == 0:
            _run(told, parent, descriptors)
        self.pids[told["job"]] = pid
        _make_group(pid)
        self.waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, told["job"])

    def _end(self, job: int, descriptor: int) -> None:
        self._kill(job)  # what it has started; its group has this number until it is waited for
        _, status = os.waitpid(self.pids.pop(job), 0)
        self.waiting.unregister(descriptor)
        os.close(descriptor)
        self._answer(job, os.waitstatus_to_exitcode(status))

    def _kill(self, job: int) -> None:
        if job in self.pids:  # else it has ended meanwhile
            with suppress(ProcessLookupError):  # it has gone to another group, and nothing else is in its own
                os.killpg(self.pids[job], signal.SIGKILL)
            os.kill(self.pids[job], signal.SIGKILL)

    def _answer(self, job: int, code: int) -> None:
        with suppress(ConnectionError):  # closed: that is read next
            self.control.send(json.dumps({"job": job, "code": code}).encode())


def _make_group(pid: int) -> None:
    """Give a process a group of its own; both sides do so, for either may need it first."""
    os.setpgid(pid, pid)


def _run(told: dict[str, Any], parent: int, descriptors: Sequence[int]) -> None:
    """Become the tool, run it and end this process."""
    code = 1
    try:
        _make_group(0)
        _libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() == parent:
            _keep_only(descriptors)
            code = _restricted(told) or TOOLS[told["tool"]](told["arguments"])
    finally:
        if sys.exc_info()[1] is not None:
            sys.excepthook(*sys.exc_info())
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _keep_only(descriptors: Sequence[int]) -> None:
    """Keep these as output and errors, and nothing else that is open."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for target, descriptor in zip((1, 2), descriptors, strict=True):
        os.dup2(descriptor, target)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def _restricted(told: dict[str, Any]) -> int:
    """Give up rights; return 0, or the exit code if that is not possible."""
    for name, most in told["limits"].items():
        limit = getattr(resource, f"RLIMIT_{name}")
        least = min(most, allowed) if (allowed := resource.getrlimit(limit)[1]) >= 0 else most  # below 0: unlimited
        resource.setrlimit(limit, (least, least))
    try:
        restrict.restrict_files(**told["kept"])
    except OSError as error:
        sys.stderr.write(f"{told['tool']}: {error.strerror}\n")
        return restrict.CANNOT_RUN
    return 0


def main() -> None:
    """Load what the tools need, and serve."""
    gc.freeze()  # what is loaded stays shared with the processes that are forked
    with socket.socket(fileno=os.dup(0)) as control:
        ToolForker(control).serve()


if __name__ == "__main__":
    main()
