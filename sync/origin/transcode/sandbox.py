"""Runs a tool on a sent file in a child process with limits; the child never outlives this process.

`prlimit` limits address space, CPU time and the size of files. `setpriv` makes the kernel kill the tool when this
process dies, even by kill -9. `chrt`, `nice` and `ionice` lower its priority. `sync.sandbox.restrict` takes away
sockets, other processes, and all files but those of its job. The wall time is limited here. The whole process group is
dead when `run_tool` returns. What a tool may use is decided in `sync.origin.limits.transcoding_budget`.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sync
from sync.errors import SignageError, StorageBroken, StorageFull
from sync.origin.limits.priority import make_session_nice, with_priority
from sync.origin.limits.transcoding_budget import Limits as Limits
from sync.sandbox import restrict

THREADS = 4  # of a codec; more would need too much address space on machines with many cores
_OUTPUT_CAP_BYTES = 32 * 1024 * 1024  # tags may be long
_ERRORS_CAP_BYTES = 8 * 1024
_LINE_CAP_BYTES = 256 * 1024
_PIECE_BYTES = 64 * 1024
_OUT_OF_MEMORY = ("Cannot allocate memory", "MemoryError", "malloc of size")
_PASSED_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "TMPDIR")  # no secrets are among these
_PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_SETTINGS = ("/etc/ld.so.cache", "/etc/fonts", "/var/cache/fontconfig")  # of libraries
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")

OnLine = Callable[[str], Awaitable[None]]

log = logging.getLogger(__name__)


class ChildStopped(SignageError):
    """A tool hit a limit, crashed or was killed. The cause may be the file or the machine; another attempt may help."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """How a tool ended by itself: exit code, output (empty if it was read line by line) and the end of its errors."""

    code: int
    output: str
    errors: str


async def run_tool(
    command: Sequence[str], limits: Limits, *, on_line: OnLine | None = None, folder: Path | None = None
) -> ToolResult:
    """Run a tool to its end, in `folder`; `on_line`, if given, is called with each line of output as it comes.

    Raises:
        ChildStopped: it hit a limit, crashed or was killed.
        StorageFull: the disk is full.
        StorageBroken: the tool is not installed.
    """
    process = await start_confined(command, limits, folder=folder)
    try:
        async with asyncio.timeout(limits.seconds):
            output, errors, code = await asyncio.gather(
                _read_output(process, on_line), _read_errors(process), process.wait()
            )
    except TimeoutError as error:
        raise ChildStopped(f"{command[0]} took longer than {limits.seconds:.0f} s") from error
    finally:
        await kill(process)
    return concluded(command[0], code, output, errors)


def concluded(tool: str, code: int, output: str, errors: str) -> ToolResult:
    """Return how a tool ended by itself; raise what `run_tool` says if it did not."""
    if code == restrict.CANNOT_RUN:
        raise StorageBroken(f"{errors[-300:].strip()}: the tool cannot be run; is it installed?")
    if "No space left on device" in errors:
        raise StorageFull("no room left to process this file")
    # A tool that goes on after such an error met a size that is damaged, not its limit.
    if code < 0 or (code > 0 and _lacks_memory(errors)):
        raise ChildStopped(f"{tool} ended with {code}: {errors[-300:].strip() or 'killed'}")
    return ToolResult(code, output, errors)


def _lacks_memory(errors: str) -> bool:
    """Tell whether a tool met its limit; a packet that is too large to be read is said of the file, and is damage."""
    own = [line for line in errors.splitlines() if not line.startswith("file:")]
    return any(text in line for line in own for text in _OUT_OF_MEMORY)


async def start_confined(
    command: Sequence[str], limits: Limits, *, folder: Path | None = None, control: int | None = None
) -> Process:
    """Start a tool with fewer rights, in `folder`.

    One of ours that forks others has `control` as its input, writes errors to our log, and gets no limits of memory,
    time and files.

    Raises:
        StorageBroken: `setpriv` is not installed.
    """
    _tell_missing_restrictions()
    passed = {name: os.environ[name] for name in _PASSED_ENVIRONMENT if name in os.environ}
    environment = {**passed, "MALLOC_ARENA_MAX": "1"}  # an arena takes 64 MiB of address space; 4K would not fit
    try:
        process = await asyncio.create_subprocess_exec(
            *_confined(command, limits, forks=control is not None),
            stdin=DEVNULL if control is None else control,
            stdout=PIPE if control is None else DEVNULL,
            stderr=PIPE if control is None else None,
            env=environment,
            cwd=folder,
            limit=_LINE_CAP_BYTES,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise StorageBroken("setpriv is missing: install util-linux") from error
    make_session_nice(process.pid, limits.priority)
    return process


def _confined(command: Sequence[str], limits: Limits, *, forks: bool) -> tuple[str, ...]:
    """Return the command that runs a tool with fewer rights; each part gives something up and starts the next."""
    resources = () if forks else (f"--{name.lower()}={most}" for name, most in resource_limits(limits).items())
    outlives_nobody = ("setpriv", "--pdeathsig", "KILL", "--no-new-privs")
    tool = shutil.which(command[0]) or command[0]
    kept = (word for kind, paths in kept_access(tool, limits).items() for path in paths for word in (kind, path))
    restricted = (sys.executable, "-I", "-S", restrict.__file__, *kept, "--", tool, *command[1:])
    return (*outlives_nobody, *with_priority(limits.priority), "prlimit", *resources, "--", *restricted)


def resource_limits(limits: Limits) -> dict[str, int]:
    """Return the limits of a process by their names in the kernel, without RLIMIT_."""
    cpu_s = int(limits.seconds) * THREADS + 1
    return {"AS": limits.memory_bytes, "CPU": cpu_s, "FSIZE": limits.file_bytes, "CORE": 0}


def kept_access(tool: str, limits: Limits) -> dict[str, list[str]]:
    """Return what a tool may do with which files: nothing with the keys, the database, other uploads.

    What is in `read` it may also run. Of what is `listed` it sees the names: code is found there, and perhaps our data.
    """
    code = Path(sync.__file__).parent
    read = (*_PROGRAMS, *_SETTINGS, sys.prefix, sys.base_prefix, os.path.realpath(tool), code, *limits.reads)
    write = (*_DEVICES, *limits.writes)
    return {"read": [str(path) for path in read], "listed": [str(code.parent)], "write": [str(path) for path in write]}


@cache
def _tell_missing_restrictions() -> None:
    for problem in restrict.missing_restrictions():
        log.warning("tools=less restricted: %s", problem)


async def _read_output(process: Process, on_line: OnLine | None) -> str:
    assert process.stdout is not None
    if on_line is not None:
        await _read_lines(process.stdout, on_line)
        return ""
    output = bytearray()
    while piece := await process.stdout.read(_PIECE_BYTES):
        output += piece[: max(0, _OUTPUT_CAP_BYTES - len(output))]
    return output.decode("utf-8", "replace")


async def _read_lines(stream: asyncio.StreamReader, on_line: OnLine) -> None:
    """Read lines a piece at a time: a long film has millions."""
    rest = b""
    try:
        while piece := await stream.read(_PIECE_BYTES):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                await on_line(line.decode("utf-8", "replace").rstrip())
            if len(rest) > _LINE_CAP_BYTES:
                raise ValueError("a line without an end")
        if rest:
            await on_line(rest.decode("utf-8", "replace").rstrip())
    except ValueError as error:  # also a number that is none
        raise ChildStopped(f"what a tool printed cannot be read: {error}") from error


async def _read_errors(process: Process) -> str:
    assert process.stderr is not None
    tail = b""
    while piece := await process.stderr.read(_PIECE_BYTES):
        tail = (tail + piece)[-_ERRORS_CAP_BYTES:]
    return tail.decode("utf-8", "replace")


async def kill(process: Process) -> None:
    """Kill the process group of a tool, and wait for the tool."""
    with contextlib.suppress(ProcessLookupError):  # the whole group has ended
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
