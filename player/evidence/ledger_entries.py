"""What is written to the ledger and read from it, as values: the steps of a take, and the memory of the programme."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from player.evidence.quarantine import AssetFailure
from player.evidence.take_states import TakeState
from sync.wire.device_reports import Play


@dataclass(frozen=True, slots=True)
class LogHead:
    """Where the log stands: the next play is `sequence + 1` and names `hash` as its `previous_hash`."""

    device: str
    epoch: str
    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class TakeReserved:
    """A take was decided and loaded; `body` is its JSON."""

    take: str
    body: str


@dataclass(frozen=True, slots=True)
class TakeStarted:
    """A take came on the screen at `started_ms` (Unix ms), by a wall clock trusted as `clock` says."""

    take: str
    body: str
    started_ms: int
    clock: str


@dataclass(frozen=True, slots=True)
class TakeProgress:
    """A take was still on the screen after `shown_ms`."""

    take: str
    shown_ms: int


@dataclass(frozen=True, slots=True)
class TakeClosed:
    """A take is over; `make_play` makes its play from the head of the log. None: it does not count."""

    take: str
    make_play: Callable[[LogHead], Play] | None = None


Entry = TakeReserved | TakeStarted | TakeProgress | TakeClosed | AssetFailure


@dataclass(frozen=True, slots=True)
class MemoryChange:
    """What the programme has to remember, as JSON; None leaves a row as it is.

    `all_accounts` are those of all lines, in place of all that were written before. Recent ads are by their choice;
    those before `recent_from` may be forgotten.
    """

    rotation: str | None = None
    ads: str | None = None
    accounts: Mapping[str, str] = field(default_factory=dict)
    removed_lines: Sequence[str] = ()
    all_accounts: bytes | None = None
    recent_ads: Mapping[int, str] = field(default_factory=dict)
    removed_ads: Sequence[int] = ()
    recent_from: int = 0


@dataclass(frozen=True, slots=True)
class SavedMemory:
    """What the programme remembered when the device stopped, as JSON; None before the first time.

    An account in `accounts` is newer than that in `all_accounts`; an empty one was removed.
    """

    rotation: str | None
    ads: str | None
    accounts: Mapping[str, str]
    all_accounts: bytes | None
    recent_ads: Sequence[str]


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
        return TakeState.RESERVED if self.started_ms is None else TakeState.STARTED
