"""To which month bytes belong, what is left of its budget, and when it goes on. Pure.

A month is one of the calendar in the zone of the venue. A clock that a time service has set is believed. Any other
clock ends a month only by entering the very next one; after 31 days of running a month ends in any case, so that a
screen whose clock nobody sets goes on, too. What was counted under a month that turns out to be wrong belongs to the
one that it is: a count never goes back.
"""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

LONGEST_MONTH_S = 31 * 86_400.0
KEPT_MONTHS = 13
LEAST_BYTES = 64 * 1024
"""With less left a budget counts as spent: the rest would go in heads of requests."""


@dataclass(frozen=True, slots=True)
class Month:
    """What was sent and received in a month such as `2026-11`, counted since an instant.

    `streams` is the part of both that network streams have.
    """

    name: str
    since: datetime
    sent: int = 0
    received: int = 0
    streams: int = 0

    @property
    def total(self) -> int:
        """All bytes of the month."""
        return self.sent + self.received

    def plus(self, other: "Month") -> "Month":
        """Return this month with the bytes of another one."""
        return Month(
            self.name,
            min(self.since, other.since),
            self.sent + other.sent,
            self.received + other.received,
            self.streams + other.streams,
        )


@dataclass(frozen=True, slots=True)
class Traffic:
    """The months that are kept, the oldest first; the last one is counted now.

    `sure` says whether a trusted clock has named it. `ran_s` is how long the player ran in it. Without `known` the
    record was lost in it, and nobody knows all that it had. `let_through` is the release that needs no budget.
    """

    months: tuple[Month, ...]
    sure: bool
    ran_s: float = 0.0
    known: bool = True
    let_through: str = ""

    @property
    def month(self) -> Month:
        """The one that is counted now."""
        return self.months[-1]

    def plus(self, sent: int, received: int, streams: int) -> "Traffic":
        """Return it with more bytes."""
        month = self.month.plus(Month(self.month.name, self.month.since, sent, received, streams))
        return replace(self, months=(*self.months[:-1], month))

    def at(self, now: datetime, zone: ZoneInfo, *, timed: bool) -> "Traffic":
        """Return it as it is at an instant, with the month that this belongs to; `timed`: the clock is trusted."""
        month, name = self.month, month_name(now, zone)
        if not timed:
            is_over = name == name_after(month.name) or self.ran_s >= LONGEST_MONTH_S
            return self._begin(name_after(month.name), now, sure=False) if is_over else self
        if name == month.name:
            return self if self.sure else replace(self, sure=True)
        if name > month.name and self.sure:
            return self._begin(name, now, sure=True)
        wrong = [one for one in self.months if one.name >= name or one is month]
        merged = wrong[0]
        for one in wrong[1:]:
            merged = merged.plus(one)
        kept = tuple(one for one in self.months if one not in wrong)
        return replace(self, months=(*kept, replace(merged, name=name)), sure=True)

    def _begin(self, name: str, now: datetime, *, sure: bool) -> "Traffic":
        return Traffic((*self.months, Month(name, now))[-KEPT_MONTHS:], sure)


def begin(now: datetime, zone: ZoneInfo, *, timed: bool) -> Traffic:
    """Return the count of a device that begins to count now."""
    return Traffic((Month(month_name(now, zone), now),), sure=timed)


@dataclass(frozen=True, slots=True)
class Budget:
    """How many bytes a month may have, and how many of these are kept for plays, heartbeats and checks."""

    total_bytes: int
    reserve_bytes: int


@dataclass(frozen=True, slots=True)
class BudgetState:
    """The month that is counted, and its budget, if it has one. The next begins at `goes_on_at`, if that is known."""

    traffic: Traffic
    budget: Budget | None = None
    goes_on_at: datetime | None = None

    @property
    def left_bytes(self) -> float:
        """What media and streams that end with the budget may still have; infinite without a budget."""
        if self.budget is None:
            return math.inf
        left = self.budget.total_bytes - self.budget.reserve_bytes - self.traffic.month.total
        return left if left >= LEAST_BYTES and self.traffic.known else 0

    @property
    def spent(self) -> bool:
        """Whether only what needs no budget may still be sent and received."""
        return self.left_bytes == 0

    def left_for(self, release: str) -> float:
        """Return what the media of a release may still have."""
        return math.inf if release and release == self.traffic.let_through else self.left_bytes


def budget_state(traffic: Traffic, budget: Budget | None, now: datetime, zone: ZoneInfo) -> BudgetState:
    """Return the state of a budget; with a clock that names another month nobody knows when the next one begins."""
    name = traffic.month.name
    return BudgetState(traffic, budget, month_end(name, zone) if month_name(now, zone) == name else None)


def month_name(at: datetime, zone: ZoneInfo) -> str:
    """Return the month of an instant in a zone, such as `2026-11`; names sort as months do."""
    local = at.astimezone(zone)
    return f"{local.year:04}-{local.month:02}"


def name_after(name: str) -> str:
    """Return the name of the next month."""
    year, month = divmod(int(name[:4]) * 12 + int(name[5:]), 12)
    return f"{year:04}-{month + 1:02}"


def month_end(name: str, zone: ZoneInfo) -> datetime | None:
    """Return the first instant after a month, in UTC, also where there is no midnight then. None: in 9999."""
    if name >= "9999":
        return None
    following = name_after(name)
    return datetime(int(following[:4]), int(following[5:]), 1, tzinfo=zone).astimezone(UTC)
