"""One asset that is missing: what of it is under way, why it waits, and until when. And one request for it."""

import heapq
import math
from dataclasses import dataclass, field
from random import Random

from sync.device.store.partial_file import PartialFile
from sync.device.transfer.deadlines_and_rates import NO_LIMITS, RateLimits
from sync.device.transfer.sources import ContentSource, SourceFacts
from sync.device.transfer.spans import FEW_SPANS, Span
from sync.errors import CorruptContent, OriginRefused, SignageError
from sync.runtime.clock import Backoff
from sync.wire.release import Asset

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0
LONGEST_ASKED_S = 900.0
"""How far a `Retry-After` is believed, for an asset as for a source."""

_MISSING = (404, 410)  # removed, or being published: the timestamp is read again before the next try

_DISK = ""  # in place of the URL of a source

Item = tuple[int, float, int, str, Span | None]
"""What is to be asked for: rank of the group, order in it, a number, asset; without a span its chunk list."""


@dataclass(eq=False, slots=True)
class Fetch:
    """One request: a span of an asset, or its chunk list if there is none."""

    asset: Asset
    source: ContentSource
    span: Span | None = None
    part: PartialFile | None = None
    again: bool = False  # the asset has failed before
    listed: bool = False  # the chunk list arrived
    most_bytes: int | None = None  # it may ask for, by a limit; None: all of the span
    asked: int = 0  # bytes, as the limiter counts them
    received: int = 0

    @property
    def done(self) -> bool:
        """Whether all that was asked for is here."""
        if self.span is None or self.part is None:
            return self.listed
        return self.part.has_all(self.span.chunks)


@dataclass(eq=False, slots=True)
class AssetState:
    """The state of one asset; `TransferQueue` guards it by its lock."""

    asset: Asset
    rank: int
    rng: Random
    part: PartialFile | None = None
    until_s: float = 0.0  # nothing of it is asked for before
    recheck_s: float = math.inf  # when the timestamp is to be read, before the next try
    fault: SignageError | None = None  # since its last success
    refused: bool = False  # the disk did not take its file, since its last success
    claimed: bool = False  # one request brings all of it
    under_way: list[Fetch] = field(default_factory=list)
    avoided: dict[str, float] = field(default_factory=dict)  # sources that failed for it, until when
    wrong: set[str] = field(default_factory=set)  # sources whose bytes were wrong: one chunk a request
    backoffs: dict[str, Backoff] = field(default_factory=dict)  # of the sources that failed
    held: list[Item] = field(default_factory=list)

    def is_of(self, asset: Asset) -> bool:
        """Return whether it is the state of this asset with this chunk list."""
        return self.asset.index == asset.index

    def busy_chunks(self) -> frozenset[int]:
        """Return the numbers of the chunks that are here or under way."""
        here = self.part.verified() if self.part else frozenset()
        if not self.under_way:
            return here
        return here.union(chunk.number for fetch in self.under_way if fetch.span for chunk in fetch.span.chunks)

    def fail(self, source: ContentSource, error: SignageError, now_s: float) -> float:
        """Record a fault: this source is not asked for it for a while. Return how long the source asked to wait."""
        asked_s = min(error.retry_after_s, LONGEST_ASKED_S)
        self.fault = error
        if isinstance(error, CorruptContent):
            self.wrong.add(source.url)
        if self.avoided.get(source.url, 0.0) <= now_s:  # requests that fail together are one failure
            backoff = Backoff(first_s=FIRST_WAIT_S, limit_s=LONGEST_WAIT_S, rng=self.rng)
            wait_s = self.backoffs.setdefault(source.url, backoff).next_s(at_least_s=asked_s)
            self.avoided[source.url] = now_s + wait_s
        return asked_s

    def refuse(self, error: SignageError, now_s: float) -> None:
        """Record that the disk does not take it, and wait; longer each time."""
        self.fault, self.refused, self.held, self.under_way = error, True, [], []
        if self.part is not None:
            self.part.is_left, self.part = True, None
        backoff = Backoff(first_s=FIRST_WAIT_S, limit_s=LONGEST_WAIT_S, rng=self.rng)
        self.until_s = now_s + self.backoffs.setdefault(_DISK, backoff).next_s()

    def take(self) -> None:
        """Record that the disk takes its file, as far as is known before it is flushed: the pauses stay long."""
        self.refused = False

    def wait_until(self, free_s: float) -> None:
        """Wait until a source is free for it; if it is nowhere, until the timestamp was read again."""
        if isinstance(self.fault, OriginRefused) and self.fault.status in _MISSING:
            self.until_s, self.recheck_s = math.inf, free_s
        else:
            self.until_s = free_s

    def end_wait(self) -> None:
        """Try again now, at any source."""
        self.until_s, self.recheck_s = 0.0, math.inf
        self.avoided.clear()

    def recover(self, source: ContentSource) -> bool:
        """Forget the faults of a source, after a success; return whether there is none of the disk either."""
        self.fault = self.fault if self.refused else None
        self.until_s, self.recheck_s = 0.0, math.inf
        for known in (self.avoided, self.backoffs):
            known.pop(source.url, None)
        self.wrong.discard(source.url)
        return self.fault is None


class Waits:
    """When waiting assets are due, or a recheck of them."""

    def __init__(self) -> None:
        self._moments: list[tuple[float, str]] = []

    @property
    def next_s(self) -> tuple[float, ...]:
        """When the first one is, if there is one."""
        return tuple(moment for moment, _ in self._moments[:1])

    def add(self, state: AssetState) -> None:
        """Wait for what this one waits for, if that ends by itself."""
        if 0.0 < (moment := min(state.until_s, state.recheck_s)) < math.inf:
            heapq.heappush(self._moments, (moment, state.asset.sha256))

    def due(self, now_s: float) -> list[str]:
        """Take those that are due."""
        due = []
        while self._moments and self._moments[0][0] <= now_s:
            due.append(heapq.heappop(self._moments)[1])
        return due


class ReadyItems:
    """What may be asked for now. In each group, assets that have failed come after the others."""

    def __init__(self) -> None:
        self._new: list[Item] = []
        self._again: list[Item] = []  # of assets that have failed

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._new) + len(self._again)

    def counts(self) -> tuple[int, int]:
        """Return how many there are of both kinds, to see whether they have changed."""
        return len(self._new), len(self._again)

    def add(self, item: Item, *, again: bool) -> None:
        """Add one; `again` is of an asset that has failed."""
        heapq.heappush(self._again if again else self._new, item)

    def take(self, *, others: bool) -> Item | None:
        """Take what is to be asked for next; `others`: of those that have not failed, if there are any."""
        if self._again and not (self._new and (others or self._new[0][0] <= self._again[0][0])):
            return heapq.heappop(self._again)
        return heapq.heappop(self._new) if self._new else None

    def few_spans(self, first: Span) -> list[Span | None] | None:
        """Return `first` and those that have not failed, unless there are many."""
        return [first, *(item[4] for item in self._new)] if len(self._new) < FEW_SPANS else None


@dataclass(frozen=True, slots=True)
class AssetProblem:
    """Why an asset waits, and for how long at least."""

    asset: str
    problem: str
    waiting_s: float


@dataclass(frozen=True, slots=True)
class TransferFacts:
    """What the queue does: whether anything is under way, and what waits."""

    active: bool = False
    spent: bool = False  # the budget of the month is, for all sources
    failing: int = 0
    problems: tuple[AssetProblem, ...] = ()  # of some of those that fail
    sources: tuple[SourceFacts, ...] = ()
    waiting_s: float = 0.0  # until something is tried again
    limits: RateLimits = NO_LIMITS


def problem_of(state: AssetState, now_s: float) -> AssetProblem:
    """Return why an asset waits."""
    return AssetProblem(state.asset.sha256, str(state.fault), max(0.0, min(state.until_s, state.recheck_s) - now_s))
