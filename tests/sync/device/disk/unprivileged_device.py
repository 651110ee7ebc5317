"""A device without rights, a process: `python -m tests.sync.device.disk.unprivileged_device URL STATE_DIR FILE …`.

For each state folder and the file in it that belongs to somebody else it prints one JSON object a line: what it could
read, what it plays without the origin, and what it has and reports once the origin was there. With `-` as the URL the
devices run at the same time without an origin, and for each line of input one line has what all of them say by then.
"""

import asyncio
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from random import Random

from sync.device.janitor import FileRepair
from sync.device.origin_client import open_client
from sync.device.store.content_store import ContentStore, open_content_store
from sync.device.store.file_report import file_problems
from sync.device.store.membership import load_membership
from sync.device.syncer import Syncer, SyncOptions
from sync.device.transfer.transfer import ContentTransfer
from sync.errors import StorageBroken
from sync.runtime.clock import SystemClock
from tests.sync.file_tree_origin import CHANNEL


async def main(url: str, cells: list[tuple[Path, Path]]) -> None:
    for state_dir, path in cells:
        told: dict[str, object] = {"readable": os.access(path, os.R_OK)}
        with open_content_store(state_dir) as store:
            told["offline"] = state_of(store)
            await sync(store, url)
            told["online"] = state_of(store)
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()


async def run_side_by_side(cells: list[tuple[Path, Path]]) -> None:
    with ExitStack() as opened:
        stores = [opened.enter_context(open_content_store(state_dir)) for state_dir, _ in cells]
        while sys.stdin.readline():
            readable = [os.access(path, os.R_OK) for _, path in cells]
            for store in stores:
                await FileRepair(store, SystemClock(), lambda: None).repair()
            told = [{"readable": now, **state_of(store)} for now, store in zip(readable, stores, strict=True)]
            sys.stdout.write(f"{json.dumps(told)}\n")
            sys.stdout.flush()


async def sync(store: ContentStore, url: str) -> None:
    clock = SystemClock()
    async with open_client(url) as client:
        options = SyncOptions(CHANNEL, poll_s=60, reserve_bytes=0)
        syncer = Syncer(client, ContentTransfer(url, clock), store, clock, Random(), options, lambda: None)
        task = asyncio.create_task(syncer.run())
        async with asyncio.timeout(60):
            while syncer.facts().state not in ("current", "waiting"):
                await clock.sleep(0.005)
        task.cancel()
        await asyncio.wait({task})


def state_of(store: ContentStore) -> dict[str, object]:
    active = store.active()
    try:
        member = load_membership(store)
    except StorageBroken:
        device = "not readable"
    else:
        device = member.device if member else ""
    return {
        "plays": active.sha256 if active else "",
        "held": len(store.media.whole(active.release.assets)) if active else 0,
        "device": device,
        "problems": file_problems(store),
    }


if __name__ == "__main__":
    paths = [Path(each) for each in sys.argv[2:]]
    given = list(zip(paths[::2], paths[1::2], strict=True))
    asyncio.run(run_side_by_side(given) if sys.argv[1] == "-" else main(sys.argv[1], given))
