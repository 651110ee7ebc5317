"""Reads what a device decides from: its files and its log of plays, without a lock and without writing.

It works while a player runs. Another time than now is read with a clock that shows this time. What only the running
player knows is missing: streams that cannot be reached, and commands of an operator.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from player.director.backoff import StreamBackoff
from player.director.scene_loader import SceneLoader
from player.director.take_recorder import memory_from
from player.evidence.ledger import Ledger, read_ledger
from player.evidence.ledger_entries import OpenTake
from player.evidence.ledger_owner import ad_seed, find_ledger
from player.evidence.quarantine import AssetFailure
from player.programme.planned_shots import DeviceScene
from player.settings.model import Settings
from sync.device.store.content_store import ContentStore
from sync.errors import NotFound
from sync.programme.preview.decision_inputs import DecisionInputs, ReservedTake
from sync.programme.preview.on_air_reasons import Blocked
from sync.programme.take import Take
from sync.runtime.clock import Clock, ClockTrust, instant


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that always shows `at`, and is trusted as much as `clock`."""

    at: datetime
    clock: Clock

    def now(self) -> datetime:
        """Return `at`."""
        return self.at

    def monotonic(self) -> float:
        """Return the real clock's seconds since boot."""
        return self.clock.monotonic()

    def trust(self) -> ClockTrust:
        """Return how far the real clock is trusted."""
        return self.clock.trust()

    def set_ago_s(self) -> float | None:
        """Return how many seconds ago a time service last set the real clock."""
        return self.clock.set_ago_s()

    async def sleep(self, seconds: float) -> None:
        """Wait by the real clock."""
        await self.clock.sleep(seconds)


async def read_decision_view(
    content: ContentStore, ledger: Ledger, settings: Settings, clock: Clock, at: datetime | None = None
) -> DecisionInputs:
    """Return what a decision at `at` depends on; without `at`, a decision now.

    Raises:
        NotFound: nothing was synced on this device yet.
        StorageBroken: the log of plays cannot be read.
    """
    seed = ad_seed(ledger.device)
    fixed = FixedClock(clock.now() if at is None else at.astimezone(UTC), clock)
    loader = SceneLoader(content, fixed, lambda: settings, ledger.quarantine, StreamBackoff(clock, seed))
    scene = await loader.load()
    if scene is None:
        raise NotFound(f"there is no content in {content.state.parent}: let the player sync first")
    open_takes, saved = await ledger.saved_state()
    records = [(record, _take(record.body)) for record in (open_takes if at is None else ())]
    under_way = tuple(ReservedTake(take, _started_at(record, fixed.at)) for record, take in records if take is not None)
    memory = memory_from(saved, seed)
    blocked = _blocked(scene, ledger.quarantine.quarantined(fixed.at))
    return DecisionInputs(scene, memory, fixed.at, under_way, blocked)


def _blocked(scene: DeviceScene, quarantined: Iterable[AssetFailure]) -> Blocked:
    failures = {failure.asset: failure for failure in quarantined}

    def blocked(asset: str) -> str:
        if asset in failures:
            return f"in quarantine after {failures[asset].failures} failures: {failures[asset].reason}"
        if not scene.contains(asset):
            return "its media is not in the release"
        if not scene.playable(asset):
            return "it cannot be shown now"
        missing = asset in scene.assets and not scene.path(asset)
        return "its media is not on this device" if missing else ""

    return blocked


@asynccontextmanager
async def open_ledger_to_read(content: ContentStore) -> AsyncIterator[Ledger]:
    """Open the log of plays of this device for reading, while a player runs or not.

    Raises:
        StorageBroken: it cannot be read.
    """
    device, path = await find_ledger(content)
    async with read_ledger(path, device) as ledger:
        yield ledger


def _started_at(record: OpenTake, now: datetime) -> datetime | None:
    """Return when a take came on. After a step back of the clock its recorded start may not have come yet."""
    if record.started_ms is None:
        return None
    return min(instant(record.started_ms), now - timedelta(milliseconds=record.shown_ms))


def _take(body: str) -> Take | None:
    try:
        return Take.model_validate_json(body)
    except ValidationError:  # written by another version
        return None
