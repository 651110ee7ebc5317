"""A syncer in its own process, to be killed: `python -m tests.sync.device.disk.killed_syncer STATE_DIR URL [LIMIT]`.

Prints one JSON object a line whenever its facts change. LIMIT is the largest file it may write, in bytes.
"""

import asyncio
import json
import os
import resource
import sys
from pathlib import Path
from random import Random

from sync.device.origin_client import open_client
from sync.device.store.content_store import open_content_store
from sync.device.syncer import Syncer, SyncOptions
from sync.device.transfer.transfer import ContentTransfer
from sync.runtime import durable_files, sqlite
from sync.runtime.clock import SystemClock
from tests.sync.file_tree_origin import CHANNEL


async def main(state_dir: Path, url: str, limit: int | None) -> None:
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if os.environ.get("CHILD_WITHOUT_FLUSHES"):  # the power cut test must fail then
        os.fsync = os.fdatasync = lambda fd: None
        durable_files._syncfs = lambda folder: None
        sqlite._PRAGMAS = (*sqlite._PRAGMAS[:-1], "PRAGMA synchronous=OFF")  # the last one is about checkpoints
    clock = SystemClock()
    with open_content_store(state_dir) as store:
        async with open_client(url) as client:
            syncer = Syncer(
                client,
                ContentTransfer(url, clock),
                store,
                clock,
                Random(),
                SyncOptions(CHANNEL, poll_s=0.2, reserve_bytes=0),
                lambda: None,
            )
            async with asyncio.TaskGroup() as group:
                group.create_task(syncer.run())
                group.create_task(report(syncer, clock))


def run(state_dir: Path, url: str) -> None:
    """Run until killed, without a word."""
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        asyncio.run(main(state_dir, url, None))


async def report(syncer: Syncer, clock: SystemClock) -> None:
    told = ""
    while True:
        facts = syncer.facts()
        line = json.dumps({"state": facts.state, "release": facts.release, "problem": facts.problem})
        if line != told:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            told = line
        await clock.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None))
