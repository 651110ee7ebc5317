"""One working life of this device after another: direct what is held, join the origin, then sync and report to it.

Directing begins at once, from the disk. Belonging to an origin comes when it comes; another origin in the settings, or
another device id, begins another shift while the screen goes on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random

from player.director.director import Director
from player.display.backdrop import Backdrop
from player.display.overlay_host import OverlayHost
from player.evidence.identity import UNPAIRED, ad_seed, ledger_path
from player.evidence.ledger import Ledger, open_ledger
from player.protocol.screen import Screen
from player.settings.configuration import Configuration
from player.settings.model import Settings
from player.status.active_services import ActiveServices
from player.status.collector import StatusCollector
from player.status.heartbeat import HeartbeatSender
from sync.device.origin_client import open_client
from sync.device.pairing import pair
from sync.device.play_uploader import PlayUploader
from sync.device.range_fetcher import RangeFetcher
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership, load_membership
from sync.device.syncer import Syncer
from sync.runtime.clock import Clock
from sync.runtime.supervisor import Restarts, supervise
from sync.runtime.waiting import wait_unless
from sync.wire.report import ScreenState

log = logging.getLogger(__name__)


class DeviceSession:
    """A service; `duty` tells everybody else who is at work."""

    def __init__(
        self,
        configuration: Configuration,
        cache: ContentStore,
        screen: Screen,
        power: Callable[[], ScreenState],
        backdrop: Backdrop,
        overlays: OverlayHost,
        observer: StatusCollector,
        duty: ActiveServices,
        restarts: Restarts,
        clock: Clock,
        rng: Random,
    ) -> None:
        self._configuration = configuration
        self._cache = cache
        self._screen = screen
        self._power = power
        self._backdrop = backdrop
        self._overlays = overlays
        self._observer = observer
        self._duty = duty
        self._restarts = restarts
        self._clock = clock
        self._rng = rng
        self._begun = configuration.settings
        self._other = asyncio.Event()
        self._director: Director | None = None

    def wake(self) -> None:
        """Look at the settings again: they changed."""
        settings = self._configuration.settings
        if _network(settings) != _network(self._begun):
            self._other.set()
        if self._director is not None:
            self._director.wake()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            member = load_membership(self._cache)
            device = member.device if member else UNPAIRED
            async with open_ledger(ledger_path(self._cache, member), device, self._clock) as ledger:
                try:
                    await self._work(ledger)
                finally:
                    self._director = None
                    self._duty.ledger = self._duty.director = None

    async def _work(self, ledger: Ledger) -> None:
        """Direct and report; returns once this device has become another one."""
        director = Director(
            self._screen,
            ledger,
            self._cache,
            self._clock,
            lambda: self._configuration.settings,
            ad_seed(ledger.device),
            display=self._power,
        )
        self._director = director
        self._duty.ledger, self._duty.director = ledger, director
        relieved = asyncio.Event()

        async def belong() -> None:
            await self._belong(ledger)
            relieved.set()
            await asyncio.Event().wait()  # a service ends only by cancellation

        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._supervised("director", director.run)),
                group.create_task(self._supervised("membership", belong)),
            ]
            await relieved.wait()
            for task in tasks:
                task.cancel()

    async def _belong(self, ledger: Ledger) -> None:
        """Keep this device a member of the origin in the settings; return once it is another device there."""
        while True:
            self._other.clear()
            self._begun = self._configuration.settings
            member = await wait_unless(self._member(), self._other.wait())
            if member is None:
                continue
            if member.device != ledger.device:
                log.info("device=%s begins its shift", member.device)
                return
            self._duty.membership = member
            try:
                await wait_unless(self._online(member, ledger), self._other.wait())
            finally:
                self._duty.syncer = self._duty.membership = None

    async def _member(self) -> DeviceMembership:
        """Return what this device is at the origin of the settings; pair first if it is nothing yet."""
        origin = self._begun.origin
        url = str(origin.url)
        held = load_membership(self._cache)
        if held is not None and held.origin.rstrip("/") == url.rstrip("/"):
            return held
        key = origin.enrolment_key.get_secret_value() if origin.enrolment_key else None
        async with open_client(url) as client:
            try:
                return await pair(client, self._cache, self._clock, self._rng, origin.name, key, self._show_code)
            finally:
                self._show_code(None)

    def _show_code(self, code: str | None) -> None:
        self._duty.pairing_code = code
        self._backdrop.show_code(code)

    async def _online(self, member: DeviceMembership, ledger: Ledger) -> None:
        """Sync, deliver and report until cancelled."""
        settings = self._begun
        url = str(settings.origin.url)
        async with open_client(url, member.token) as client:
            syncer = Syncer(
                client,
                RangeFetcher(url, self._clock),
                self._cache,
                self._clock,
                self._rng,
                channel=member.channel,
                poll_s=settings.origin.poll_s,
                reserve_bytes=settings.storage.reserve_bytes,
                activated=self._activated,
            )
            self._duty.syncer = syncer
            uploader = PlayUploader(ledger.outbox, client, self._clock, self._rng)
            heart = HeartbeatSender(client, self._observer.heartbeat, self._configuration, self._clock)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._supervised("syncer", syncer.run))
                group.create_task(self._supervised("uploader", uploader.run))
                group.create_task(self._supervised("heartbeat", heart.run))

    def _activated(self) -> None:
        """Another release is active."""
        if self._director is not None:
            self._director.wake()
        self._backdrop.wake()
        self._overlays.wake()

    async def _supervised(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        await supervise(name, run, self._clock, self._restarts)


def _network(settings: Settings) -> object:
    return settings.origin.model_copy(update={"heartbeat_s": 0.0}), settings.storage.reserve_bytes
