"""A venue in a test: the real store, ledger and director, a fake screen, and a clock that waits for them."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from player.director.director import Director
from player.evidence.ledger import Ledger, open_ledger
from player.programme.proof_of_play import ScreenCondition
from player.settings.model import Settings
from sync.device.store.content_store import ContentStore, open_content_store
from sync.runtime.clock import SystemClock
from sync.wire.device_reports import Play, ScreenDetail, ScreenState
from sync.wire.release import Asset, Campaign, Creative, Daypart, Item, Line, MediaKind, Playlist, Release
from tests.fakes import FakeClock
from tests.player.director.fake_screen import FakeScreen, PictureChange

DEVICE = "device-1"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
TIMEOUT_S = 60.0


class VenueClock(FakeClock):
    """Moves only while the director waits: its tick and its volume control sleep, its loop waits for screen or time."""

    def wake_times(self) -> list[float]:
        self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[2].done()]
        return sorted(at for at, _, _ in self._sleepers)

    async def until_idle(self) -> None:
        """Wait until the director waits, its threads included."""
        await self.run_ready(12)
        real = SystemClock()
        until_s = real.monotonic() + TIMEOUT_S
        while len(self.wake_times()) < 3:
            await real.sleep(0.0002)
            assert real.monotonic() < until_s, "the director does not come to a wait"

    async def advance_to(self, at: datetime) -> None:
        """Let time pass to `at`, stopping at each instant at which somebody wakes."""
        await self.until_idle()
        while (seconds := self.wake_times()[0] - self.monotonic()) < (at - self.now()).total_seconds():
            self._move_to(self.monotonic() + seconds)
            self._wake_sleepers()
            await self.until_idle()
        self._move_to(self.monotonic() + (at - self.now()).total_seconds())
        self._wake_sleepers()
        await self.until_idle()

    def _wake_sleepers(self) -> None:
        for wakes, _, future in self._sleepers:
            if wakes <= self.monotonic() and not future.done():
                future.set_result(None)


def asset(name: str, *, kind: MediaKind = MediaKind.VIDEO, duration_ms: int | None = 10_000) -> Asset:
    length = duration_ms if kind is MediaKind.VIDEO else None
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return Asset(
        sha256=sha256, size_bytes=len(name), index="0" * 64, kind=kind, media_type="video/mp4",
        width=640, height=360, duration_ms=length,
    )  # fmt: skip


def item(name: str, **fields: object) -> Item:
    return Item.model_validate({"id": name, "title": name.title(), "asset": asset(name).sha256, **fields})


def playlist(name: str, *items: Item) -> Playlist:
    return Playlist(id=name, name=name.title(), items=items)


def campaign(name: str, *, share_ppm: int | None = None, seconds: int = 10) -> Campaign:
    creative = Creative(id=f"{name}-spot", title=f"{name} spot", asset=asset(name).sha256, duration_ms=seconds * 1000)
    line = Line(id=f"{name}-line", name=name, creatives=(creative,), share_ppm=share_ppm)
    month = timedelta(days=30)
    return Campaign(
        id=name, name=name, advertiser=name.title(), starts_at=NOON - month, ends_at=NOON + month, lines=(line,)
    )


def release(*playlists: Playlist, dayparts: tuple[Daypart, ...] = (), ads: tuple[Campaign, ...] = ()) -> Release:
    names = {i.title.lower() for p in playlists for i in p.items} | {c.id for c in ads}
    return Release(
        channel="main",
        created_at=NOON - timedelta(days=1),
        zone="UTC",
        default_playlist=playlists[0].id if playlists else None,
        playlists=playlists,
        dayparts=dayparts,
        campaigns=ads,
        assets=tuple(asset(name) for name in sorted(names)),
    )


def activate(cache: ContentStore, content: Release, sequence: int) -> str:
    """Store and activate a release; return its name."""
    raw = content.model_dump_json().encode()
    sha256 = hashlib.sha256(raw).hexdigest()
    cache.save_release(sha256, raw)
    cache.activate(sha256, sequence)
    return sha256


class World:
    """A director with its parts; `plays` are read from the ledger's file."""

    def __init__(self, path: Path, clock: VenueClock, cache: ContentStore, ledger: Ledger) -> None:
        self.path = path
        self.clock = clock
        self.cache = cache
        self.ledger = ledger
        self.screen = FakeScreen(clock)
        self.settings = Settings()
        self.power = ScreenState.ON
        self.dark_s = self.unplugged_s = float("-inf")  # when the screen was last seen off, and without a monitor
        self.budget_spent = False
        self.director = Director(
            self.screen,
            ledger,
            cache,
            clock,
            lambda: self.settings,
            seed=7,
            display=self._power_since,
            budget_spent=lambda: self.budget_spent,
        )
        self._sequence = 0

    def _power_since(self, at_s: float) -> ScreenCondition:
        state = ScreenState.OFF if self.dark_s >= at_s else self.power
        unplugged = ScreenDetail.DISCONNECTED if self.unplugged_s >= at_s else None
        return ScreenCondition(state, unplugged, "HDMI-1", "1920x1080")

    def publish(self, content: Release, *, without: frozenset[str] = frozenset()) -> str:
        """Activate a release as the syncer does; its assets are on disk, apart from those named."""
        for each in content.assets:
            path = self.cache.media._assets / each.sha256
            if each.sha256 not in without and not path.exists():
                path.write_bytes(b"media")
            self.screen.lengths_ms[str(path)] = each.duration_ms or 0
        self._sequence += 1
        return activate(self.cache, content, self._sequence)

    def media(self, name: str) -> str:
        return str(self.cache.media._assets / asset(name).sha256)

    async def sleep(self, seconds: float) -> None:
        """The whole machine is suspended: both clocks go on, nobody works."""
        self.clock._move_to(self.clock.monotonic() + seconds)
        self.clock._wake_sleepers()
        await self.clock.until_idle()

    def ledger_now(self) -> Path:
        """Return a copy of the ledger as it lies on the disk, as if the player were killed now."""
        for suffix in ("", "-wal"):
            shutil.copy(self.path / f"plays.db{suffix}", self.path / f"killed.db{suffix}")
        return self.path / "killed.db"

    async def plays(self) -> list[Play]:
        bodies = await self.ledger.outbox.plays(limit=100_000)
        return [Play.model_validate(body) for body in reversed(bodies)]

    def shown(self) -> list[str]:
        """Return what was on the screen in order: the asset's name, `fallback` or `blank`."""
        return [self.name(change) for change in self.screen.changes]

    def name(self, change: PictureChange) -> str:
        if change.shot is None:
            return change.picture
        names = {asset(name).sha256: name for name in NAMES}
        return names.get(Path(change.shot.path).name, "?")

    async def wake(self) -> None:
        """Wake the director and wait until it has read the release again."""
        self.director.wake()
        scenes = self.director._scenes
        await eventually(lambda: scenes._loaded == scenes._requested)
        await self.clock.until_idle()

    async def advance(self, seconds: float) -> None:
        await self.clock.advance_to(self.clock.now() + timedelta(seconds=seconds))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.director.run())
        try:
            await self.clock.until_idle()
            yield
        finally:
            before = len(self.screen.changes)
            task.cancel()
            await asyncio.wait({task})
            del self.screen.changes[before:]  # the director takes what is on off the screen as it stops
        if not task.cancelled():
            task.result()


NAMES = ("red", "green", "blue", "day", "night", "evening", "cola", "juice", "bad", "one", "two", "three")


@asynccontextmanager
async def open_world(path: Path, clock: VenueClock | None = None) -> AsyncIterator[World]:
    clock = clock or VenueClock(NOON)
    with open_content_store(path) as cache:
        async with open_ledger(path / "plays.db", DEVICE, clock) as ledger:
            yield World(path, clock, cache, ledger)


async def eventually(happened: Callable[[], bool]) -> None:
    """Wait in real time for something that other threads or processes do."""
    real = SystemClock()
    until_s = real.monotonic() + TIMEOUT_S
    while not happened():
        await real.sleep(0.005)
        assert real.monotonic() < until_s, "it did not happen"
