"""A venue in a test: the real cache, ledger and director, a screen of glass, and time that waits for all of them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from player.director.director import Director
from player.evidence.ledger import Ledger, open_ledger
from player.settings.model import Settings
from sync.device.store.content_store import ContentStore, open_cache
from sync.runtime.clock import SystemClock
from sync.wire.release import Asset, Campaign, Creative, Daypart, Item, Line, MediaKind, Playlist, Release
from sync.wire.report import Play
from tests.fakes import FakeClock
from tests.player.director.fake_screen import FakeScreen, Seen

DEVICE = "device-1"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
PATIENCE_S = 20.0


class VenueClock(FakeClock):
    """Moves only while the director rests: its tick and its tuning asleep, itself waiting for screen or time."""

    def live(self) -> list[float]:
        self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[2].done()]
        return sorted(at for at, _, _ in self._sleepers)

    async def rest(self) -> None:
        """Wait until the director rests, its threads included."""
        await self.settle(12)
        real = SystemClock()
        until_s = real.monotonic() + PATIENCE_S
        while len(self.live()) < 3:
            await real.sleep(0.0002)
            assert real.monotonic() < until_s, "the director neither waits nor gets on"

    async def pass_until(self, at: datetime) -> None:
        """Let time pass to `at`, stopping wherever somebody sleeps."""
        await self.rest()
        while (seconds := self.live()[0] - self.monotonic()) < (at - self.now()).total_seconds():
            self._move_to(self.monotonic() + seconds)
            self._wake()
            await self.rest()
        self._move_to(self.monotonic() + (at - self.now()).total_seconds())
        self._wake()
        await self.rest()

    def _wake(self) -> None:
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


def item(name: str, **how: object) -> Item:
    return Item.model_validate({"id": name, "title": name.title(), "asset": asset(name).sha256, **how})


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
        default_playlist=playlists[0].id if playlists else None,
        playlists=playlists,
        dayparts=dayparts,
        campaigns=ads,
        assets=tuple(asset(name) for name in sorted(names)),
    )


def activate(cache: ContentStore, content: Release, sequence: int) -> str:
    """Keep and activate a release; return its name."""
    raw = content.model_dump_json().encode()
    sha256 = hashlib.sha256(raw).hexdigest()
    cache.keep_release(sha256, raw)
    cache.activate(sha256, sequence)
    return sha256


class World:
    """All of it; `plays` are what the ledger's file says."""

    def __init__(self, path: Path, clock: VenueClock, cache: ContentStore, ledger: Ledger) -> None:
        self.path = path
        self.clock = clock
        self.cache = cache
        self.ledger = ledger
        self.screen = FakeScreen(clock)
        self.settings = Settings()
        self.director = Director(self.screen, ledger, cache, clock, lambda: self.settings, seed=7)
        self._sequence = 0

    def publish(self, content: Release, *, without: frozenset[str] = frozenset()) -> str:
        """Activate a release as the syncer would, its assets held but for those named."""
        for each in content.assets:
            path = self.cache.media._assets / each.sha256
            if each.sha256 not in without and not path.exists():
                path.write_bytes(b"media")
            self.screen.lengths[str(path)] = each.duration_ms or 0
        self._sequence += 1
        return activate(self.cache, content, self._sequence)

    def media(self, name: str) -> str:
        return str(self.cache.media._assets / asset(name).sha256)

    async def plays(self) -> list[Play]:
        bodies = await self.ledger.outbox.plays(limit=100_000)
        return [Play.model_validate(body) for body in reversed(bodies)]

    def shown(self) -> list[str]:
        """Return what was on the screen in order: the asset's name, `fallback` or `blank`."""
        return [self.name(seen) for seen in self.screen.picture]

    def name(self, seen: Seen) -> str:
        if seen.shot is None:
            return seen.what
        names = {asset(name).sha256: name for name in NAMES}
        return names.get(Path(seen.shot.path).name, "?")

    async def wake(self) -> None:
        """Wake the director and wait until it has looked."""
        self.director.wake()
        scenes = self.director._scenes
        await eventually(lambda: scenes._loaded == scenes._requested)
        await self.clock.rest()

    async def after(self, seconds: float) -> None:
        await self.clock.pass_until(self.clock.now() + timedelta(seconds=seconds))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.director.run())
        try:
            await self.clock.rest()
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.result()


NAMES = ("red", "green", "blue", "day", "night", "evening", "cola", "juice", "bad", "one", "two", "three")


@asynccontextmanager
async def a_world(path: Path, clock: VenueClock | None = None) -> AsyncIterator[World]:
    clock = clock or VenueClock(NOON)
    with open_cache(path) as cache:
        async with open_ledger(path / "plays.db", DEVICE, clock) as ledger:
            yield World(path, clock, cache, ledger)


async def eventually(what: Callable[[], bool]) -> None:
    """Wait in real time for something other threads or processes do."""
    real = SystemClock()
    until_s = real.monotonic() + PATIENCE_S
    while not what():
        await real.sleep(0.005)
        assert real.monotonic() < until_s, "it never came"
