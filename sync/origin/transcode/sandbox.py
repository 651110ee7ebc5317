"""Runs a tool on a file somebody sent: in a process of its own, with limits, and never longer than this one lives.

`prlimit` bounds address space, CPU and what it may write; `setpriv` has the kernel kill it should we die (even by
kill -9); the wall clock is ours. Whatever happens, its whole process group is gone when `run_child` returns.
"""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sync.errors import SignageError, StorageBroken, StorageFull

THREADS = 4  # of a codec: more cost address space on machines with many cores
_OUTPUT_CAP_BYTES = 4 * 1024 * 1024
_ERRORS_CAP_BYTES = 8 * 1024
_LINE_CAP_BYTES = 256 * 1024
_NO_MEMORY = ("Cannot allocate memory", "MemoryError", "malloc of size")
_KEPT_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "TMPDIR")  # nothing secret reaches a tool

OnLine = Callable[[str], Awaitable[None]]


class ChildStopped(SignageError):
    """A tool ran into a limit, crashed or was killed: perhaps the file, perhaps the machine; trying again can help."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one tool may use; `seconds` is wall time, `file_bytes` the largest file it may write."""

    seconds: float
    memory_bytes: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class ToolResult:
    """How a tool ended by itself: its exit code, its output (empty if it was read by line) and its last errors."""

    code: int
    output: str
    errors: str


async def run_tool(command: Sequence[str], limits: Limits, *, on_line: OnLine | None = None) -> ToolResult:
    """Run a tool to its end; with `on_line` each line of output is handed over as it comes.

    Raises:
        ChildStopped: it ran into a limit, crashed or was killed.
        StorageFull: it found no room.
        StorageBroken: the tool is not installed.
    """
    process = await _start(command, limits)
    try:
        async with asyncio.timeout(limits.seconds):
            output, errors, code = await asyncio.gather(_output(process, on_line), _errors(process), process.wait())
    except TimeoutError as error:
        raise ChildStopped(f"{command[0]} took longer than {limits.seconds:.0f} s") from error
    finally:
        await _end(process)
    if "No space left on device" in errors:
        raise StorageFull("no room left to process this file")
    if code < 0 or any(words in errors for words in _NO_MEMORY):
        raise ChildStopped(f"{command[0]} ended with {code}: {errors[-300:].strip() or 'killed'}")
    return ToolResult(code, output, errors)


async def _start(command: Sequence[str], limits: Limits) -> Process:
    cpu_s = int(limits.seconds) * THREADS + 1
    bounds = (f"--as={limits.memory_bytes}", f"--cpu={cpu_s}", f"--fsize={limits.file_bytes}", "--core=0")
    guard = ("setpriv", "--pdeathsig", "KILL", "--no-new-privs", "prlimit", *bounds, "--")
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    environment = {**kept, "MALLOC_ARENA_MAX": "1"}  # each arena takes 64 MiB of address space: 4K would not fit
    try:
        return await asyncio.create_subprocess_exec(
            *guard,
            *command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=environment,
            limit=_LINE_CAP_BYTES,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise StorageBroken("setpriv is missing: install util-linux") from error


async def _output(process: Process, on_line: OnLine | None) -> str:
    assert process.stdout is not None
    if on_line is not None:
        async for line in process.stdout:
            await on_line(line.decode("utf-8", "replace").rstrip())
        return ""
    kept = bytearray()
    while piece := await process.stdout.read(64 * 1024):
        kept += piece[: max(0, _OUTPUT_CAP_BYTES - len(kept))]
    return kept.decode("utf-8", "replace")


async def _errors(process: Process) -> str:
    assert process.stderr is not None
    tail = b""
    while piece := await process.stderr.read(64 * 1024):
        tail = (tail + piece)[-_ERRORS_CAP_BYTES:]
    return tail.decode("utf-8", "replace")


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):  # the group is gone already
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
