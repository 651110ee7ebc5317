"""What is written into the ledger and read from it, as values: the life of a take, and the memory of the programme."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from player.evidence.quarantine import Setback
from player.evidence.take_states import TakeState
from sync.wire.report import Play


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log stands: the next play is `sequence + 1` and carries `hash` as its `previous_hash`."""

    device: str
    epoch: str
    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class TakeReserved:
    """A take was decided; `body` is JSON."""

    take: str
    body: str


@dataclass(frozen=True, slots=True)
class TakeStarted:
    """A take came on the screen at `started_ms` (Unix ms) by a clock trusted so far."""

    take: str
    body: str
    started_ms: int
    clock: str


@dataclass(frozen=True, slots=True)
class TakeSeen:
    """A take was still on the screen after `shown_ms`."""

    take: str
    shown_ms: int


@dataclass(frozen=True, slots=True)
class TakeClosed:
    """A take is over; `seal` makes its play from the head of the log, None when it does not count."""

    take: str
    seal: Callable[[Head], Play] | None = None


Entry = TakeReserved | TakeStarted | TakeSeen | TakeClosed | Setback


@dataclass(frozen=True, slots=True)
class MemoryChange:
    """What the programme has to remember from now on, as JSON; None leaves a row as it is."""

    rotation: str | None = None
    ads: str | None = None
    accounts: Mapping[str, str] = field(default_factory=dict)
    gone: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """What the programme remembered when the device stopped, as JSON; None before the first time."""

    rotation: str | None
    ads: str | None
    accounts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OpenTake:
    """A take that was never closed; `started_ms` None: it was never on the screen."""

    take: str
    body: str
    started_ms: int | None
    shown_ms: int
    clock: str

    @property
    def state(self) -> TakeState:
        """Return where the take stood when the player stopped."""
        return TakeState.RESERVED if self.started_ms is None else TakeState.ON_AIR
