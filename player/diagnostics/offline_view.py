"""Reads what a device decides from, beside a player at work: its files and its log, without a lock, writing nothing.

Other moments than now are looked at with a clock that stands there. What only the running player knows is not in it:
streams that are away, orders of an operator.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from player.director.backoff import StreamBackoff
from player.director.scene_loader import SceneLoader
from player.director.take_recorder import memory_of
from player.evidence.identity import UNPAIRED, ad_seed, ledger_path
from player.evidence.ledger import Ledger, read_ledger
from player.evidence.quarantine import Setback
from player.programme.planner import Memory, Scene
from player.programme.proof_of_play import Take
from player.settings.model import Settings
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import load_membership
from sync.errors import NotFound
from sync.runtime.clock import Clock, ClockTrust, instant


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands at an instant, trusted as much as the one it stands for."""

    at: datetime
    clock: Clock

    def now(self) -> datetime:
        """Return the instant."""
        return self.at

    def monotonic(self) -> float:
        """Return the real clock's seconds since boot."""
        return self.clock.monotonic()

    def trust(self) -> ClockTrust:
        """Return how far the real clock can be believed."""
        return self.clock.trust()

    async def sleep(self, seconds: float) -> None:
        """Wait by the real clock."""
        await self.clock.sleep(seconds)


@dataclass(frozen=True, slots=True)
class ReservedTake:
    """A take the player has under way: on the screen since `started_at`, or standing by (None)."""

    take: Take
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionView:
    """What a decision at `at` would look at; `under_way`, of now only, is what the player shows and has reserved."""

    scene: Scene
    memory: Memory
    at: datetime
    under_way: tuple[ReservedTake, ...]
    setbacks: tuple[Setback, ...]


async def read_decision_view(
    cache: ContentStore, ledger: Ledger, settings: Settings, clock: Clock, at: datetime | None = None
) -> DecisionView:
    """Return what a decision at `at` looks at, without one a decision now.

    Raises:
        NotFound: nothing was ever synced here.
        StorageBroken: the log cannot be read.
    """
    seed = ad_seed(ledger.device)
    standing = FixedClock(clock.now() if at is None else at.astimezone(UTC), clock)
    scenery = SceneLoader(cache, standing, lambda: settings, ledger.quarantine, StreamBackoff(clock, seed))
    scene = await scenery.load()
    if scene is None:
        raise NotFound(f"{cache.state.parent} holds no content yet: nothing was synced, so there is nothing to explain")
    takes = [(left, _take(left.body)) for left in (await ledger.open_takes() if at is None else ())]
    under_way = tuple(
        ReservedTake(take, None if left.started_ms is None else instant(left.started_ms))
        for left, take in takes
        if take is not None
    )
    memory = memory_of(await ledger.saved(), seed)
    return DecisionView(scene, memory, standing.at, under_way, tuple(ledger.quarantine.held(standing.at)))


@asynccontextmanager
async def open_evidence(cache: ContentStore) -> AsyncIterator[Ledger]:
    """Open the log of the device for reading, whether a player is at work on it or not.

    Raises:
        StorageBroken: it cannot be read.
    """
    member = load_membership(cache)
    async with read_ledger(ledger_path(cache, member), member.device if member else UNPAIRED) as ledger:
        yield ledger


def _take(body: str) -> Take | None:
    try:
        return Take.model_validate_json(body)
    except ValidationError:  # of another version
        return None
