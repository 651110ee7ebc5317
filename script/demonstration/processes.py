"""Starts the demo's processes (X server, origin, player) and sees to it that none outlives it."""

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

SIZE = (1280, 720)
_STOP_WITHIN_S = 2.5


class Stopped(Exception):
    """A process of the demo ended by itself."""


def free_port(wanted: int) -> int:
    """Return `wanted` if nobody listens there, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("no free port on loopback")


@contextlib.asynccontextmanager
async def display() -> AsyncIterator[str]:
    """Give the display there is, else a virtual one of 1280x720."""
    if found := os.environ.get("DISPLAY"):
        yield found
        return
    async with virtual_display() as name:
        yield name


@contextlib.asynccontextmanager
async def virtual_display(size: tuple[int, int] = SIZE) -> AsyncIterator[str]:
    """Give a display nobody else sees, by default of 1280x720; its key is where `XAUTHORITY` says."""
    with tempfile.TemporaryDirectory() as folder:
        key = write_display_key(Path(folder))
        os.environ["XAUTHORITY"] = key
        async with _xvfb(size, "-auth", key) as name:
            yield name


def write_display_key(folder: Path) -> str:
    """Write a new key for displays of this machine; return its file. Who does not have it may not draw."""
    file = folder / "Xauthority"
    parts = socket.gethostname().encode(), b"", b"MIT-MAGIC-COOKIE-1", os.urandom(16)  # see <X11/Xauth.h>
    file.write_bytes(b"\x01\x00" + b"".join(len(part).to_bytes(2) + part for part in parts))
    return str(file)


@contextlib.asynccontextmanager
async def _xvfb(size: tuple[int, int], *options: str) -> AsyncIterator[str]:
    reader, writer = os.pipe()
    screen = ("-screen", "0", f"{size[0]}x{size[1]}x24", "-noreset", "-nolisten", "tcp", "+extension", "Composite")
    command = ("Xvfb", "-displayfd", str(writer), *screen, *options)
    process = await asyncio.create_subprocess_exec(
        *command, pass_fds=(writer,), stderr=asyncio.subprocess.DEVNULL, start_new_session=True
    )
    os.close(writer)
    try:
        with os.fdopen(reader) as numbers:
            number = await asyncio.wait_for(asyncio.to_thread(numbers.readline), 15)
        if not number.strip():
            raise Stopped("Xvfb did not start: is another X server in the way, or /tmp not writable?")
        yield f":{number.strip()}"
    finally:
        await _stop(process)


@contextlib.asynccontextmanager
async def running(command: tuple[str, ...], log: Path, environment: Mapping[str, str]) -> AsyncIterator[Process]:
    """Run `command` with its output in `log`; it is asked to stop at the end, and made to after 2.5 s.

    Should the demo itself be killed, the kernel tells the child (`setpriv --pdeathsig`).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "TERM", "--", *command,
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            env={**os.environ, **environment}, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        await _stop(process)


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _STOP_WITHIN_S)
    with contextlib.suppress(ProcessLookupError):  # whatever it left in its session
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def watch(process: Process, name: str, log: Path) -> None:
    """Wait until `process` ends by itself, then say so with the end of its log."""
    code = await process.wait()
    end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise Stopped(f"the {name} stopped with code {code}; the end of {log}:\n{end}")
