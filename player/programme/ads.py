"""Chooses the ad for a slot: who may, who is most due, and what is given up when nobody fits.

The state is a value. A reservation is a new state; looking ahead is choosing and throwing it away. The same seed, the
same slates and the same refunds give the same ads, restarted or not, whatever the order of lines in the release.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sync.release import Campaign, Creative, Line
from sync.wire import Identifier, Name, Wire


class Account(Wire):
    """Where a line stands: one row. It is owed `lag + share * (slot - since)` out of `ONE` a play."""

    line: Identifier
    share: int = 0
    lag: int = 0
    since: int = 0
    plays: int = 0  # reserved and not refunded
    creative: Identifier | None = None  # the one shown last


class Aired(Wire):
    """An ad reserved lately, for the gaps between competitors, and for its refund."""

    choice: int
    line: Identifier
    creative: Identifier
    advertiser: Name
    category: str
    advertiser_gap: int
    category_gap: int


class AdHead(Wire):
    """The state but for the accounts: one row."""

    seed: int
    slot: int = 0  # slots filled
    choices: int = 0  # made so far: the next choice's id
    recent: tuple[Aired, ...] = ()


@dataclass(frozen=True, slots=True)
class AdState:
    """The whole state: build it with `AdState(AdHead(seed=…), {})`, or from the rows of a ledger."""

    head: AdHead
    accounts: dict[str, Account]


@dataclass(frozen=True, slots=True)
class Changes:
    """What to write: the accounts that are new or differ, and the lines whose accounts are gone. The head always."""

    accounts: tuple[Account, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line on the slate: what of it can be shown, its share of slots (of `ONE`)."""

    campaign: Campaign
    line: Line
    creatives: tuple[tuple[Creative, int | None], ...]
    share: int


@dataclass(frozen=True, slots=True)
class Slate:
    """The lines that may be shown, until when that holds, and what a planner should know, one sentence each."""

    lines: tuple[Entry, ...]
    until: datetime
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One reservation. `relaxed` names the rules given up: `category`, `advertiser`, `pace`, `repeat`."""

    id: int
    campaign: Campaign
    line: Line
    creative: Creative
    relaxed: tuple[str, ...]

    @property
    def advertiser(self) -> str:
        """Return who pays for it."""
        return self.campaign.advertiser


def slate(
    campaigns: Sequence[Campaign],
    zone: ZoneInfo,
    at: datetime,
    *,
    playable: Callable[[Creative], bool],
    timed: bool = True,
    length_ms: Callable[[Creative], int | None],
) -> Slate:
    """Return who may be shown; `length_ms` is how long a creative runs (its own duration, else its asset's)."""
    raise NotImplementedError


def choose(state: AdState, slate: Slate, *, fits_ms: int | None = None) -> tuple[Choice | None, AdState]:
    """Reserve the next ad; None (and the slot stays free) when none may or fits."""
    raise NotImplementedError


def refund(state: AdState, choice: int, *, failed: bool = False) -> AdState:
    """Give a reservation back; `failed`: it was tried and could not be shown, so another line goes first."""
    raise NotImplementedError


def changes(before: AdState, after: AdState) -> Changes:
    """Return what to write to get from one state to the other."""
    raise NotImplementedError
