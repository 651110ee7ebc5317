"""A device that syncs, put together as the daemon does it, without a screen: `syncing_device.py STATE_DIR URL TREE`.

It begins at the first line it is sent. For each activation, and for each further line, it prints one JSON object: the
time since the line before, its processor time, and the largest gap of the event loop.
"""

import argparse
import asyncio
import gc
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

from player.app.device_session import OriginConnection, SessionBuilder
from player.evidence.ledger import open_ledger
from player.settings.model import Settings
from sync.device.janitor import FileRepair
from sync.device.store.content_store import open_content_store
from sync.device.store.membership import DeviceMembership
from sync.device.traffic.month_counter import TrafficCounter
from sync.runtime.clock import SystemClock
from sync.wire.content_paths import root_path

CHANNEL = "main"
_TICK_S = 0.002


Used = dict[str, float]
"""`wall_s`, `cpu_s`, and of the event loop `gap_ms` and `busy_ms`."""


class DeviceProcess:
    """The bench's side of such a device."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._writer, self._reader = process.stdin, process.stdout

    def begin(self) -> None:
        """Let it sync, or count anew."""
        self._writer.write(b"\n")

    async def told(self) -> Used:
        """Return what it says next; the first is an activation."""
        line = await asyncio.wait_for(self._reader.readline(), 900)
        if not line:
            raise RuntimeError(f"the device ended with {await self._process.wait()}")
        found: Used = json.loads(line)
        return found

    async def used(self) -> Used:
        """Return what it used since the last line, and count anew."""
        self.begin()
        return await self.told()


@asynccontextmanager
async def device(
    state_dir: Path, url: str, tree: Path, *more: str, under: Sequence[str] = ()
) -> AsyncIterator[DeviceProcess]:
    """Run a device that waits for `begin`, `under` another program if one is given; it is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *under,
        sys.executable, __file__, str(state_dir), url, str(tree), *more,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        running = DeviceProcess(process)
        await running.told()
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Meter:
    """What the process used since `begin`."""

    def __init__(self) -> None:
        self._began_s = self._cpu_s = self._gap_s = self._busy_s = 0.0

    def begin(self) -> None:
        """Count from now on."""
        self._began_s, self._cpu_s, self._gap_s, self._busy_s = time.perf_counter(), time.process_time(), 0.0, 0.0

    def read(self) -> Used:
        """Return what was used."""
        return {
            "wall_s": time.perf_counter() - self._began_s,
            "cpu_s": time.process_time() - self._cpu_s,
            "gap_ms": 1000 * self._gap_s,
            "busy_ms": 1000 * self._busy_s,
        }

    async def watch(self) -> None:
        """Note the largest gap of the event loop, and the most that its thread computed in one.

        The first one is also that of a machine which has other things to do, the second one is not.
        """
        before, cpu_s = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(_TICK_S)
            now, used_s = time.perf_counter(), time.thread_time()
            self._gap_s, before = max(self._gap_s, now - before - _TICK_S), now
            self._busy_s, cpu_s = max(self._busy_s, used_s - cpu_s), used_s


async def main() -> None:
    """Sync until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("state_dir", type=Path)
    parser.add_argument("url")
    parser.add_argument("tree", type=Path)
    parser.add_argument("--poll", type=float, default=3600.0)
    parser.add_argument("--certificates", default="")
    parser.add_argument("--watch", action="store_true", help="measure the gaps of the event loop")
    given = parser.parse_args()
    origin = {"url": given.url, "poll_s": given.poll, "ca_certificates": given.certificates}
    settings = Settings.model_validate({"origin": origin, "storage": {"state_dir": given.state_dir}})
    meter, activated = Meter(), asyncio.Queue[Used]()
    async with AsyncExitStack() as stack:
        content = stack.enter_context(open_content_store(given.state_dir))
        content.save_root((given.tree / root_path(1)).read_bytes())
        connection = await _connected(stack, content, settings, lambda: activated.put_nowait(meter.read()))
        gc.freeze()  # as the daemon does
        await _served(connection, content, meter, activated, watch=given.watch)


async def _connected(
    stack: AsyncExitStack, content: Any, settings: Settings, activated: Callable[[], None]
) -> OriginConnection:
    async def no_heartbeat() -> Any:
        raise AssertionError("it is not run")

    core: Any = SimpleNamespace(content=content, clock=SystemClock(), configuration=SimpleNamespace(settings=settings))
    member = DeviceMembership(device="bench", token="t", channel=CHANNEL, origin=str(settings.origin.url))
    ledger = await stack.enter_async_context(open_ledger(content.state / "plays.db", "bench", core.clock))
    director = SimpleNamespace(venue_time=lambda: None, now=lambda: SimpleNamespace(showing="blank"))
    session: Any = Mock(ledger=ledger, director=director)  # the rest is not run
    traffic = TrafficCounter(content.state, core.clock, lambda: None)
    builder = SessionBuilder(core, activated, no_heartbeat, Random(), traffic)
    return await stack.enter_async_context(builder.connection(settings, member, session))


async def _served(
    connection: OriginConnection, content: Any, meter: Meter, activated: "asyncio.Queue[Used]", *, watch: bool
) -> None:
    _say({})
    if not await asyncio.to_thread(sys.stdin.readline):
        return
    services = [connection.syncer.run(), FileRepair(content, SystemClock(), lambda: None).run()]
    services += [meter.watch()] if watch else []
    meter.begin()
    tasks = [asyncio.create_task(service) for service in services]

    async def tell() -> None:
        while True:
            _say(await activated.get())

    tasks.append(asyncio.create_task(tell()))
    while await asyncio.to_thread(sys.stdin.readline):
        _say(meter.read())
        meter.begin()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _say(what: Used) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
