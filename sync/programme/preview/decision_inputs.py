"""What a preview depends on: the scene, the memory, an instant, and what is already under way."""

from dataclasses import dataclass
from datetime import datetime

from sync.programme.next_take import Memory, Scene
from sync.programme.preview.on_air_reasons import Blocked
from sync.programme.take import Take


@dataclass(frozen=True, slots=True)
class ReservedTake:
    """A take that the player has reserved: on the screen since `started_at`, or loaded as the next one (None)."""

    take: Take
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionInputs:
    """What a decision at `at` depends on. `under_way` is what the player shows and has loaded, if `at` is now."""

    scene: Scene
    memory: Memory
    at: datetime
    under_way: tuple[ReservedTake, ...]
    blocked: Blocked
