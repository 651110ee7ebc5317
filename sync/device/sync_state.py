"""What the syncer tells of itself: its facts, its state as a function of what goes on, and what went wrong."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from random import Random

from sync.device.transfer.asset_state import LONGEST_ASKED_S, AssetProblem, TransferFacts
from sync.device.transfer.deadlines_and_rates import NO_LIMITS, RateLimits
from sync.device.transfer.sources import SourceFacts
from sync.errors import CorruptContent, Outdated, SignageError, StorageFull, Untrusted
from sync.recurring_problem import RecurringProblem
from sync.runtime.clock import Backoff, Clock
from sync.wire.release import Release

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0

log = logging.getLogger(__name__)


class SyncState(StrEnum):
    """What the syncer does. Checks and downloads run side by side; the state is the one that matters most."""

    STARTING = "starting"  # the catalogue is opened and compared with the files
    CHECKING = "checking"  # the origin is asked for the newest release, and nothing is fetched
    FETCHING = "fetching"  # a release is accepted, and some of its media are being fetched
    CURRENT = "current"  # the active release is the one that the origin named last
    WAITING = "waiting"  # the last try failed; `problem` says why, and `waiting_s` when the next one is


@dataclass(frozen=True, slots=True)
class SyncFacts:
    """The state of the syncer for status and metrics."""

    state: SyncState = SyncState.STARTING
    channel: str = ""
    release: str | None = None  # the active release
    sequence: int | None = None
    preparing: str | None = None  # the release that was accepted last and is not complete yet
    accepted: Release | None = field(default=None, repr=False)  # the release that was accepted last
    accepted_sequence: int | None = None
    bytes_to_do: int = 0
    bytes_done: int = 0
    last_confirmed: float | None = None  # when the origin last confirmed the active release, in monotonic seconds
    confirmed_at: datetime | None = None  # the same moment by the wall clock
    problem: str = ""  # the last fault that is not mended
    trust: str = ""  # the rule that the last document broke (`Distrust`), until one is accepted
    refused: Mapping[str, int] = field(default_factory=dict)  # documents by the rule they broke, since start
    no_room: bool = False  # the disk has no room for what is missing
    waiting_s: float = 0.0  # how long the syncer waits before the next try
    out_of_budget: bool = False  # it waits because the budget of the month is spent
    failing_assets: int = 0  # that failed at their last try; the others are fetched meanwhile
    asset_problems: tuple[AssetProblem, ...] = ()  # of some of these
    sources: tuple[SourceFacts, ...] = ()
    limits: RateLimits = NO_LIMITS

    @property
    def kept_bytes(self) -> int:
        """How many bytes of media came and were kept, since the connection to this origin was set up."""
        return sum(source.bytes - source.useless for source in self.sources)


def state_of(*, started: bool, fetching: bool, checking: bool, failing: bool) -> SyncState:
    """Return the state.

    `fetching`: media are under way, or about to be; `checking`: the origin is asked; `failing`: the last check failed,
    the disk did, or all that is missing waits to be tried again.
    """
    if not started:
        return SyncState.WAITING if failing else SyncState.STARTING
    if fetching:
        return SyncState.FETCHING
    if checking:
        return SyncState.CHECKING
    return SyncState.WAITING if failing else SyncState.CURRENT


def transfer_problem(transfers: TransferFacts) -> str:
    """Return what a download waits for, empty if nothing has failed."""
    if transfers.problems:
        others = transfers.failing - 1
        return transfers.problems[0].problem + (f" ({others} more assets wait)" if others else "")
    problems = [source.problem for source in transfers.sources]
    return problems[-1] if all(problems) else ""


class SyncProblems:
    """What went wrong with the last check and with the disk, and how long each waits until the next try."""

    def __init__(self, clock: Clock, rng: Random, poll_s: float) -> None:
        self.check = ""
        self.disk = ""
        self.no_room = False
        self.trust = ""
        self.refused = Counter[str]()
        self.waiting_s = 0.0
        self._log = RecurringProblem(clock, log, "sync waits", "sync works again")
        # A failing origin is not asked more often than one that works.
        longest_s = max(FIRST_WAIT_S, min(LONGEST_WAIT_S, poll_s))
        self._check_backoff = Backoff(first_s=FIRST_WAIT_S, limit_s=longest_s, rng=rng)
        self._disk_backoff = Backoff(first_s=FIRST_WAIT_S, limit_s=LONGEST_WAIT_S, rng=rng)

    def note(self, error: SignageError) -> None:
        """Log a fault, if it is new."""
        self._log.occurred(str(error), comes_and_goes=isinstance(error, Outdated))

    def check_failed(self, error: SignageError) -> float:
        """Record that a check failed; return how long to wait. A `Retry-After` is believed up to a limit."""
        self.check = str(error)
        if isinstance(error, Untrusted | CorruptContent) and error.reason:
            self.trust = error.reason.value
            self.refused[self.trust] += 1
        self.note(error)
        asked_s = min(error.retry_after_s, LONGEST_ASKED_S)
        self.waiting_s = self._check_backoff.next_s(at_least_s=asked_s, offline=error.offline)
        return self.waiting_s

    def check_worked(self) -> None:
        """Record that a timestamp and its release were accepted."""
        self.check = self.trust = ""
        self._check_backoff.reset()

    def disk_failed(self, error: SignageError) -> float:
        """Record that the disk is full or failed; return how long to wait."""
        self.disk, self.no_room = str(error), isinstance(error, StorageFull)
        self.note(error)
        self.waiting_s = self._disk_backoff.next_s()
        return self.waiting_s

    def disk_worked(self) -> None:
        """Record that all could be written."""
        self.disk, self.no_room = "", False
        self._disk_backoff.reset()

    def confirmed(self) -> None:
        """Log that the content is the newest, if there was a problem."""
        self._log.cleared()
