"""Runs our own tools for pictures, each in a new process that costs milliseconds: it is forked from one that has them.

Such a process has the limits and rights of `sync.origin.transcode.sandbox`, sees one file and ends with it. The process
it is forked from (`sync.origin.transcode.tool_forker`) sees the uploads and the work folder, but opens none of them. It
starts when it is needed, ends when nobody has needed it for a while, and is renewed, since its children are laid out in
memory as it is.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from sync.origin.limits.priority import Priority
from sync.origin.limits.transcoding_budget import Limits
from sync.origin.transcode.sandbox import (
    ChildStopped,
    ToolResult,
    concluded,
    kept_access,
    kill,
    resource_limits,
    start_confined,
)
from sync.runtime.clock import Clock
from sync.runtime.os_messages import os_reason

_IDLE_S = 60.0
_MOST_JOBS = 200  # of one forker
_MOST_AT_ONCE = 48  # so many messages the socket holds while it starts, and as many that end them
_ENDS_WITHIN_S = 5.0  # it may still be starting, which takes a second on a busy machine
_OUTPUT_BYTES = 64 * 1024  # what a pipe holds; who writes more waits for the limit of its time
_MESSAGE_BYTES = 4096
_COMMAND = (sys.executable, "-m", "sync.origin.transcode.tool_forker")

log = logging.getLogger(__name__)


class ForkedTools:
    """Runs tools on files in the folder `reads`, with results in `writes`; `run` ends processes that nobody needs."""

    def __init__(self, reads: Path, writes: Path, clock: Clock) -> None:
        self._reads = reads
        self._writes = writes
        self._clock = clock
        self._starting = asyncio.Lock()
        self._forker: _Forker | None = None
        self._forkers = list[_Forker]()  # with those that have been left, and may end their jobs
        self._was_used = False

    async def run(self) -> None:
        """End the forker when it was not used for a while, and at the end."""
        try:
            while True:
                await self._clock.sleep(_IDLE_S)
                if not self._was_used:
                    self._leave()
                self._was_used = False
        finally:
            self._forker = None
            await asyncio.gather(*(forker.stop() for forker in self._forkers))

    async def prepare(self, priority: Priority) -> None:
        """Start the forker, so that the next tool need not wait for it.

        Raises:
            StorageBroken: a program is missing.
        """
        await self._running(priority)

    async def run_tool(self, tool: str, arguments: Sequence[str], limits: Limits) -> ToolResult:
        """Run a tool, `size`, `picture` or `card`, to its end.

        Raises:
            ChildStopped: it hit a limit, crashed or was killed.
            StorageFull: the disk is full.
            StorageBroken: a program is missing.
        """
        forker = await self._running(limits.priority)
        with _open_pipe() as (output, to_output), _open_pipe() as (errors, to_errors):
            job = forker.begin(tool, arguments, limits, (to_output, to_errors))
            try:
                async with asyncio.timeout(limits.seconds):
                    code = await asyncio.shield(forker.jobs[job])
            except TimeoutError as error:
                raise ChildStopped(f"{tool} took longer than {limits.seconds:.0f} s") from error
            finally:
                await forker.end(job)
            return concluded(tool, code, _text(output), _text(errors))

    async def _running(self, priority: Priority) -> "_Forker":
        self._was_used = True
        async with self._starting:
            if self._forker is not None and not self._forker.serves(priority):
                self._leave()
            if self._forker is None:
                process, control = await _start(Limits(0, 0, 0, priority, (self._reads,), (self._writes,)))
                self._forker = _Forker(process, control, priority)
                self._forkers = [one for one in (*self._forkers, self._forker) if one.process.returncode is None]
            return self._forker

    def _leave(self) -> None:
        if self._forker is not None:
            self._forker.leave()
        self._forker = None


async def _start(limits: Limits) -> tuple[Process, socket.socket]:
    """Start a forker; return it and the socket to tell it what to do."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, ExitStack() as unless_started:
        unless_started.enter_context(ours)
        process = await start_confined(_COMMAND, limits, control=theirs.fileno())
        unless_started.pop_all()
    return process, ours


class _Forker:
    """A forker that runs, and the exit codes of its jobs that have not been taken yet."""

    def __init__(self, process: Process, control: socket.socket, priority: Priority) -> None:
        self.process = process
        self._control = control
        self._priority = priority
        self._begun = 0
        self._is_leaving = False
        self.jobs = dict[int, asyncio.Future[int]]()
        control.setblocking(False)
        asyncio.get_running_loop().add_reader(control, self._read)

    def serves(self, priority: Priority) -> bool:
        """Tell whether it may begin one more job with this priority."""
        has_room = self._begun < _MOST_JOBS and len(self.jobs) < _MOST_AT_ONCE
        return has_room and self._priority is priority and not self._is_leaving

    def begin(self, tool: str, arguments: Sequence[str], limits: Limits, descriptors: Sequence[int]) -> int:
        """Begin a job that writes output and errors to these descriptors; return its number."""
        self._begun += 1
        self.jobs[self._begun] = asyncio.get_running_loop().create_future()
        told = {"job": self._begun, "tool": tool, "arguments": arguments, "limits": resource_limits(limits)}
        self._send({**told, "kept": kept_access(sys.executable, limits)}, descriptors)
        return self._begun

    async def end(self, job: int) -> None:
        """Make sure that a job has ended, and forget it."""
        ended = self.jobs[job]
        if not ended.done():
            self._send({"kill": job})
            await asyncio.wait([ended])
        del self.jobs[job]
        if self._is_leaving and not self.jobs:
            self._close()

    def leave(self) -> None:
        """End it after its last job."""
        self._is_leaving = True
        if not self.jobs:
            self._close()

    async def stop(self) -> None:
        """End it now, and its jobs with all that they have started."""
        has_jobs = bool(self.jobs)
        self._close()
        if has_jobs:  # only it can kill what they have started
            with suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), _ENDS_WITHIN_S)
        if self.process.returncode is None:
            await kill(self.process)

    def _send(self, told: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        try:
            socket.send_fds(self._control, [json.dumps(told).encode()], descriptors)
        except OSError as error:
            log.warning("tools=pictures the process that starts them is gone: %s", os_reason(error))
            self._close()

    def _read(self) -> None:
        try:
            while raw := self._control.recv(_MESSAGE_BYTES):
                told = json.loads(raw)
                if not (ended := self.jobs[told["job"]]).done():
                    ended.set_result(told["code"])
        except BlockingIOError:
            return
        except OSError as error:
            log.warning("tools=pictures the process that starts them does not answer: %s", os_reason(error))
        self._close()

    def _close(self) -> None:
        """Close it; it ends by that, and so do its jobs."""
        self._is_leaving = True
        if self._control.fileno() >= 0:  # it is open
            asyncio.get_running_loop().remove_reader(self._control)
            self._control.close()
        for ended in self.jobs.values():
            if not ended.done():
                ended.set_result(-signal.SIGKILL)


@contextmanager
def _open_pipe() -> Iterator[tuple[int, int]]:
    """Provide a pipe to read from without waiting, and to write to."""
    read, write = os.pipe2(os.O_CLOEXEC)
    try:
        os.set_blocking(read, False)
        yield read, write
    finally:
        os.close(read)
        os.close(write)


def _text(pipe: int) -> str:
    """Return what was written to a pipe."""
    try:
        return os.read(pipe, _OUTPUT_BYTES).decode("utf-8", "replace")
    except BlockingIOError:  # nothing
        return ""
