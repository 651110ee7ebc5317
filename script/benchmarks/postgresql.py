"""A PostgreSQL server of one benchmark, which keeps what it commits: `fsync` is on."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@asynccontextmanager
async def postgresql() -> AsyncIterator[tuple[str, int]]:
    """Run a server that listens only on a socket file; give its URL, and its process."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER"), ignore_cleanup_errors=True) as made:
        if os.getuid() == 0:
            os.chown(made, pwd.getpwnam("nobody").pw_uid, -1)
        data, control = f"{made}/data", str(BINARIES[-1] / "pg_ctl")
        await asyncio.to_thread(
            _run, str(BINARIES[-1] / "initdb"), "-D", data, "-A", "trust", "-U", "signage", "-E", "UTF8"
        )
        options = f"-k {made} -c listen_addresses="
        await asyncio.to_thread(_run, control, "-D", data, "-o", options, "-w", "-l", f"{made}/log", "start")
        try:
            process = int(Path(data, "postmaster.pid").read_text().splitlines()[0])
            yield f"postgresql+asyncpg://signage@/postgres?host={made}", process
        finally:
            await asyncio.to_thread(_run, control, "-D", data, "-m", "immediate", "stop")
            shutil.rmtree(data, ignore_errors=True)


def server_s(server: int | None) -> float:
    """Return the processor time that a server and its children have used; None: there is none."""
    found = [] if server is None else [psutil.Process(server), *psutil.Process(server).children()]
    return float(sum(sum(one.cpu_times()[:2]) for one in found))


def _run(*command: str) -> None:
    """Run a tool of PostgreSQL; they refuse to run as root."""
    unprivileged: dict[str, Any] = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
    subprocess.run(command, check=True, timeout=60, cwd="/", stdout=subprocess.DEVNULL, **unprivileged)
