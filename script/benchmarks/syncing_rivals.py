"""What others take to download, flush and verify the same files: curl, aria2 and rsync, where they are installed."""

import asyncio
import resource
import shutil
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from syncing_content import Content

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import free_port, running

from sync.wire.content_paths import asset_path

CURL_CONNECTIONS = 8
_RSYNC = (
    "use chroot = no\nlog file = /dev/null\npid file = {folder}/rsync.pid\n[tree]\npath = {tree}\nread only = yes\n"
)

Used = tuple[float, float]
"""Seconds by the clock, and of the processor."""


async def curl(content: Content, url: str, target: Path, certificates: str = "", under: tuple[str, ...] = ()) -> Used:
    """Use `curl -Z`, `under` another program if one is given, `sync -f` and `openssl dgst`."""
    lines = [
        f'url = "{url}/content/{asset_path(asset.sha256)}"\noutput = "{target / asset.sha256}"'
        for asset in content.assets
    ]
    (config := target.with_suffix(".curl")).write_text("\n".join(lines))
    trust = ("--cacert", certificates) if certificates else ()
    return await used(
        (*under, "curl", "-Z", "--parallel-max", str(CURL_CONNECTIONS), "-sS", "--fail", *trust, "-K", str(config)),
        ("sync", "-f", str(target)),
        hashing(content, target),
    )


async def aria2(content: Content, url: str, target: Path) -> Used:
    """Use aria2c with its own checksums; it flushes nothing."""
    lines = [
        f"{url}/content/{asset_path(asset.sha256)}\n out={asset.sha256}\n checksum=sha-256={asset.sha256}"
        for asset in content.assets
    ]
    (listed := target.with_suffix(".aria2")).write_text("\n".join(lines))
    return await used(("aria2c", "-q", "-j", "8", "-i", str(listed), "-d", str(target)))


async def rsync(content: Content, url: str, target: Path) -> Used:
    """Use `rsync --fsync` from a daemon, and `openssl dgst`."""
    async with _rsync_daemon(target.parent, content.tree) as module:
        command = ("rsync", "-a", "--fsync", f"{module}/assets/", f"{target}/")
        return await used(command, hashing(content, target))


@asynccontextmanager
async def _rsync_daemon(folder: Path, tree: Path) -> AsyncIterator[str]:
    port = free_port(0)
    (config := folder / "rsyncd.conf").write_text(_RSYNC.format(folder=folder, tree=tree))
    (folder / "rsync.pid").unlink(missing_ok=True)
    command = ("rsync", "--daemon", "--no-detach", f"--port={port}", f"--config={config}", "--address=127.0.0.1")
    async with running(command, folder / "rsync.log", {}):
        await asyncio.sleep(0.5)
        yield f"rsync://127.0.0.1:{port}/tree"


def hashing(content: Content, target: Path) -> tuple[str, ...]:
    """Return the command that verifies what was downloaded."""
    return ("openssl", "dgst", "-sha256", "-r", *(str(target / asset.sha256) for asset in content.assets))


async def used(*commands: Sequence[str]) -> Used:
    """Run commands one after the other."""
    began_s, cpu_s = time.perf_counter(), _children_s()
    for command in commands:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"{command[0]} failed with {process.returncode}: {said.decode()[-500:]}")
    return time.perf_counter() - began_s, _children_s() - cpu_s


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def installed(name: str) -> bool:
    """Tell whether a program is here."""
    return shutil.which(name) is not None
