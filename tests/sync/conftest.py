"""A running syncer with a real store and a real origin on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from sync.device.download_plan import FetchOrder, release_order
from sync.device.exchange.live_connection import LiveConnection
from sync.device.janitor import FileRepair
from sync.device.origin_client import OriginClient, open_client
from sync.device.store.content_store import ContentStore, open_content_store
from sync.device.syncer import Syncer, SyncOptions
from sync.device.transfer.connection import Network
from sync.device.transfer.deadlines_and_rates import Deadlines, RateLimiter
from sync.device.transfer.transfer import ContentTransfer
from sync.runtime.clock import SystemClock
from sync.wire.live_messages import Hint
from tests.fakes import FakeClock
from tests.memory import tmp_path as tmp_path
from tests.sync.file_tree_origin import CHANNEL, Origin, Publisher, serving


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ContentStore]:
    with open_content_store(tmp_path / "device") as store:
        yield store


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path / "tree")


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[Origin]:
    async with serving(tmp_path / "tree") as origin:
        yield origin


class Device:
    """A running syncer and the number of its activations."""

    def __init__(self, syncer: Syncer, store: ContentStore, clock: FakeClock, client: OriginClient) -> None:
        self.syncer = syncer
        self.client = client
        self.store = store
        self.clock = clock
        self.activations = 0
        self.mended = 0

    async def until(self, condition: Callable[[], bool], *, pass_s: float = 0.0) -> None:
        """Wait until `condition` is true; move the device's clock by `pass_s` seconds before each check."""
        system = SystemClock()
        until_s = system.monotonic() + 60
        while not condition():
            assert system.monotonic() < until_s, f"it did not happen; the syncer reports {self.syncer.facts()}"
            if pass_s:
                await self.clock.advance(pass_s)
            await system.sleep(0.005)

    async def heard(self, hint: Hint) -> None:
        if hint.topic == "release":
            self.syncer.hinted(hint.channel, hint.sequence, hint.within_s)
        elif hint.topic == "channel" and hint.channel is not None:
            await self.syncer.follow(hint.channel)

    async def plays(self, release: str) -> None:
        """Wait until `release` is active and the syncer is current."""
        await self.until(lambda: self.syncer.facts().release == release and self.syncer.facts().state == "current")


@asynccontextmanager
async def running(
    origin: Origin,
    store: ContentStore,
    *,
    clock: FakeClock | None = None,
    pin: bool = True,
    mirrors: tuple[str, ...] = (),
    limiter: RateLimiter | None = None,
    order: FetchOrder = release_order,
    network: Network | None = None,
    url: str = "",
    **options: float,
) -> AsyncIterator[Device]:
    """Run a paired device's syncer against `origin`, whose root is pinned first if there is none."""
    clock = clock or FakeClock()
    if pin and store.root() is None:
        store.save_root(origin.publisher.root)
    url = url or origin.url
    async with open_client(url, "token", network) as client:
        deadlines = Deadlines(silence_s=options.pop("read_s", 5.0), head_s=options.pop("head_s", 5.0))
        transfer = ContentTransfer(
            url, clock, mirrors=mirrors, network=network, rng=Random(7), deadlines=deadlines, limiter=limiter
        )
        device: Device

        def activated() -> None:
            device.activations += 1

        def mended() -> None:
            device.mended += 1

        syncer = Syncer(
            client,
            transfer,
            store,
            clock,
            Random(7),
            SyncOptions(CHANNEL, options.pop("poll_s", 60.0), int(options.pop("reserve_bytes", 0)), order),
            activated,
            mended,
        )
        device = Device(syncer, store, clock, client)
        live = LiveConnection(client, clock, Random(7), device.heard)
        services = [syncer.run(), live.run(), FileRepair(store, clock, mended).run()]  # as in the daemon
        tasks = [asyncio.create_task(service) for service in services]
        try:
            yield device
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
