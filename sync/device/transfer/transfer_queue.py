"""What is to be fetched: what is ready, what waits after a fault, what is under way. No I/O.

Each asset fails, waits and is tried again by itself. Threads take fetches and report how they ended; the event loop
plans and reads facts. One lock guards all; what is called often costs the same however many assets there are.
"""

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import count, islice
from random import Random

from sync.device.store.partial_file import PartialFile
from sync.device.transfer.asset_state import AssetState, Fetch, Item, ReadyItems, TransferFacts, Waits, problem_of
from sync.device.transfer.deadlines_and_rates import MOST_REFUSED, RateLimiter
from sync.device.transfer.sources import ContentSource, Sources
from sync.device.transfer.spans import Span, longest_span_bytes, next_request
from sync.errors import SignageError
from sync.runtime.clock import Clock
from sync.wire.release import INDEX_CAP_BYTES, Asset

_PROGRESS_BYTES = 64 * 1024  # so many bytes of use show that an asset can be fetched
_PROBLEMS = 5  # as many are told
LONGEST_PAUSE_S = 5.0  # a thread that would wait longer for a limiter ends, and its connection with it
_MOST_AGAIN = 3  # as many requests are for assets that have failed, while others wait


class TransferQueue:
    """The queue of one device. `changed` is called, from any thread, when the event loop has something to do."""

    def __init__(
        self, sources: Sources, clock: Clock, rng: Random, changed: Callable[[], None], limiter: RateLimiter
    ) -> None:
        self._limiter = limiter
        self._sources = sources
        self._clock = clock
        self._rng = rng
        self._changed = changed
        self._lock = threading.RLock()
        self._numbers = count()
        self._states: dict[str, AssetState] = {}
        self._failing: dict[str, AssetState] = {}  # of these those with a fault
        self._ready = ReadyItems()
        self._parked: list[Item] = []  # until a request ends: it may show that a source works
        self._waits = Waits()
        self._recheck = False  # the timestamp is to be read
        self._under_way: set[Fetch] = set()
        self._pausing = 0  # threads that wait for the limiter, with their connections open
        self._lists: list[tuple[Fetch, bytes]] = []
        self._faults: list[SignageError] = []
        self._stopped: SignageError | None = None

    # For the event loop

    def plan(self, groups: Sequence[Sequence[Asset]]) -> frozenset[Fetch]:
        """Fetch these assets, the first group first; return what is under way and no longer wanted.

        What was wanted before keeps its state. `add_list` and `add_spans` say what is missing of each.
        """
        with self._lock:
            before, self._states = self._states, {}
            for old in before.values() if self._stopped is not None else ():
                old.take()  # the disk is tried anew
            for rank, asset in ((rank, asset) for rank, group in enumerate(groups) for asset in group):
                if (state := before.get(asset.sha256)) is None or not state.is_of(asset):
                    state = AssetState(asset, rank, self._rng)
                state.rank, state.held = rank, []
                self._states[asset.sha256] = state
            self._ready, self._parked, self._waits, self._stopped = ReadyItems(), [], Waits(), None
            self._failing = {name: state for name, state in self._states.items() if state.fault is not None}
            for state in self._states.values():
                self._waits.add(state)
            return frozenset(fetch for fetch in self._under_way if self._state(fetch) is None)

    def add_list(self, asset: str) -> None:
        """Have the chunk list of an asset fetched."""
        with self._lock:
            self._push(asset, None)

    def refuse(self, asset: str, error: SignageError, part: PartialFile | None = None) -> None:
        """Have an asset wait whose own file, or `part`, the disk does not take; then it begins anew with its list.

        Of more than `MOST_REFUSED` at a time the disk is at fault, which stops all. May be called in any thread.
        """
        with self._lock:
            state = self._states.get(asset)
            if state is None or (part is not None and part is not state.part):
                return  # requests that fail together are one failure
            self._failing[asset] = state
            self._faults.append(error)
            state.refuse(error, self._clock.monotonic())
            self._waits.add(state)
            self._push(asset, None)
            if sum(other.refused for other in self._failing.values()) > MOST_REFUSED:
                self._stopped = self._stopped or error
        self._changed()

    def add_spans(self, asset: str, part: PartialFile, spans: Iterable[Span]) -> None:
        """Have spans of an asset fetched into its partial file, in random order among those of its group."""
        with self._lock:
            if (state := self._states.get(asset)) is not None:
                state.part = part
                for span in spans:
                    self._push(asset, span)

    def remove(self, assets: Iterable[str]) -> None:
        """Forget assets that are here now."""
        with self._lock:
            for name in assets:
                self._states.pop(name, None)
                self._failing.pop(name, None)

    def wanted(self) -> int:
        """Return how many assets are missing."""
        return len(self._states)

    def take_lists(self) -> list[tuple[Fetch, bytes]]:
        """Return the wanted chunk lists that arrived since the last call; they are not verified."""
        with self._lock:
            found, self._lists = self._lists, []
            return [(fetch, raw) for fetch, raw in found if self._state(fetch) is not None]

    def take_faults(self) -> list[SignageError]:
        """Return the faults since the last call.

        Raises:
            StorageFull, StorageBroken: the disk stopped all.
        """
        with self._lock:
            if self._stopped is not None:
                raise self._stopped
            found, self._faults = self._faults, []
            return found

    def retry_now(self) -> None:
        """End all waits: there is news of the origin, of the network, or of the limits."""
        self._limiter.look_again()
        with self._lock:
            for source in self._sources.all():
                source.until_s = source.limited_until_s = 0.0
            self._end_waits_of(state for state in self._states.values() if state.until_s > 0.0)
        self._changed()

    def name_mirrors(self, urls: Sequence[str]) -> None:
        """Use the mirrors that the origin signed."""
        with self._lock:
            self._sources.name_mirrors(urls)

    def checked(self, *, reached: bool) -> None:
        """Record that the timestamp was read again, or that it was tried; `reached`: the origin answered."""
        with self._lock:
            if reached:
                self._sources.origin.until_s = 0.0
            self._end_waits_of(state for state in self._failing.values() if state.until_s == math.inf)
        self._changed()

    def take_recheck(self) -> bool:
        """Return whether the timestamp is to be read now: an asset is nowhere. `checked` is called after that."""
        with self._lock:
            self._end_waits(self._clock.monotonic())
            due, self._recheck = self._recheck, False
            return due

    def ready(self) -> int:
        """Return how many more fetches may begin now."""
        with self._lock:
            self._end_waits(now_s := self._clock.monotonic())
            return len(self._ready) if self._may_begin(now_s) else 0

    def next_s(self, since_s: float) -> float:
        """Return when the next wait ends that had not at `since_s`, a time before the last `ready`; infinite: none."""
        with self._lock:
            moments = [source.free_s for source in self._sources.all()] if self.work_waits() else []
            return min((moment for moment in (*moments, *self._waits.next_s) if moment > since_s), default=math.inf)

    def is_active(self) -> bool:
        """Return whether a request is under way."""
        return bool(self._under_way)

    def facts(self) -> TransferFacts:
        """Return what the queue does now."""
        with self._lock:
            now_s, sources = self._clock.monotonic(), self._sources.all()
            next_s = self.next_s(now_s)
            spent = all(self._limiter.is_spent(source.url) for source in sources)
            return TransferFacts(
                active=self.is_active() or (not spent and (self._pausing > 0 or self.ready() > 0)),
                spent=spent,
                failing=len(self._failing),
                problems=tuple(problem_of(state, now_s) for state in islice(self._failing.values(), _PROBLEMS)),
                sources=tuple(source.facts(now_s) for source in sources),
                waiting_s=0.0 if next_s == math.inf else max(0.0, next_s - now_s),
                limits=self._limiter.in_force(),
            )

    # For the threads that fetch

    def take(self) -> Fetch | float:
        """Return the next fetch, or for how many seconds to wait for the limiter, until `end_pause`; 0: not at all."""
        with self._lock:
            now_s = self._clock.monotonic()
            self._end_waits(now_s)
            put_back, fetch = list[Item](), None
            others = bool(self._failing) and sum(fetch.again for fetch in self._under_way) >= _MOST_AGAIN
            while fetch is None and self._may_begin(now_s) and (first := self._ready.take(others=others)) is not None:
                if (chosen := self._choose(first, now_s, put_back)) is not None:
                    fetch = self._begin(*chosen, now_s, put_back)
            self._add(*put_back)
            if fetch is not None and put_back:  # another thread may fetch what is left of the span
                self._changed()
            return self._begin_pause(now_s) if fetch is None else fetch

    def _begin_pause(self, now_s: float) -> float:
        wait_s = self._sources.limited_s(now_s)
        if wait_s > LONGEST_PAUSE_S or self._stopped or not self.work_waits():
            return 0.0
        self._pausing += wait_s > 0
        return wait_s

    def end_pause(self) -> None:
        """Record that a thread does not wait for the limiter any more."""
        with self._lock:
            self._pausing -= 1

    def claim_whole(self, fetch: Fetch) -> bool:
        """Have one request bring all of an asset, from a server without ranges; False if another one does so."""
        with self._lock:
            if (state := self._state(fetch)) is None or state.claimed:
                return False
            state.claimed = True
            return True

    def work_waits(self) -> bool:
        """Return whether something else could be fetched in place of what is under way."""
        return bool(self._ready)

    def is_outpaced(self, fetch: Fetch, bytes_s: float) -> bool:
        """Return whether another source is to be asked in place of one that reaches so much; what came stays."""
        with self._lock:
            state, now_s = self._state(fetch), self._clock.monotonic()
            return self._sources.is_outpaced(fetch.source, bytes_s, state.avoided if state else {}, now_s)

    def received(self, fetch: Fetch, length: int) -> bool:
        """Count bytes that were read; return whether more may come."""
        with self._lock:
            fetch.source.bytes += length
            fetch.received += length
        return not self._limiter.is_spent(fetch.source.url)

    def listed(self, fetch: Fetch, raw: bytes) -> None:
        """Hand over the chunk list that was fetched."""
        with self._lock:
            fetch.listed = True
            self._lists.append((fetch, raw))

    def stop(self, error: SignageError) -> None:
        """Begin nothing more: the disk is at fault."""
        with self._lock:
            self._stopped = self._stopped or error

    def fail(self, fetch: Fetch, error: SignageError) -> None:
        """Record a fault of an asset, during a fetch or after it."""
        with self._lock:
            state, now_s = self._state(fetch), self._clock.monotonic()
            if state is None:
                return
            self._failing[state.asset.sha256] = state
            fetch.source.not_served(state.asset.sha256, error, now_s, state.fail(fetch.source, error, now_s))
            free_s = self._sources.free_at_s(state.avoided)
            if free_s > now_s:
                state.wait_until(free_s)
                self._waits.add(state)
            if free_s > now_s or fetch.source is self._sources.origin:  # else the next source is asked: nothing to log
                self._faults.append(error)
        self._changed()

    def fail_source(self, fetch: Fetch, error: SignageError) -> None:
        """Record that a source was not reached; no asset is to blame."""
        with self._lock:
            fetch.source.failed(error, self._clock.monotonic())
            self._faults += [error] if fetch.source is self._sources.origin else []

    def end(self, fetch: Fetch, useful_bytes: int, took_s: float, *, failed: bool) -> None:
        """Record the end of a fetch that brought so many bytes that are kept. The event loop is told if it is news."""
        with self._lock:
            before = self._ready.counts(), fetch.source.problem
            self._under_way.discard(fetch)
            fetch.source.in_flight -= 1
            fetch.source.useless += max(0, fetch.received - useful_bytes)
            self._limiter.ended(fetch.source.url, fetch.asked, fetch.received)
            parked, self._parked = self._parked, []
            self._add(*parked)
            state, done = self._state(fetch), fetch.done
            works = useful_bytes >= _PROGRESS_BYTES or (done and not failed)
            if works and fetch.source.problem:  # what failed because of it need not wait any more
                self._end_waits_of(s for s in self._failing.values() if fetch.source.url not in s.wrong)
            if works:
                fetch.source.recover()
            if useful_bytes >= _PROGRESS_BYTES and took_s > 0:
                fetch.source.measured(useful_bytes / took_s, self._clock.monotonic())
            if state is not None:
                state.under_way = [other for other in state.under_way if other is not fetch]
                state.claimed = state.claimed and bool(state.under_way)
                self._settle(state, fetch, works=works, failed=failed)
                if not done:
                    self._push(state.asset.sha256, fetch.span)
            after = self._ready.counts(), fetch.source.problem
        if failed or fetch.listed or fetch.most_bytes is not None or before != after:
            self._changed()

    def _settle(self, state: AssetState, fetch: Fetch, *, works: bool, failed: bool) -> None:
        if works:
            state.backoffs.pop(fetch.source.url, None)
        if works and fetch.part is not None and fetch.part is state.part:
            state.take()
        if works and not failed and state.recover(fetch.source):
            self._failing.pop(state.asset.sha256, None)
        if not state.claimed and state.until_s == 0.0:
            self._release(state)

    def _state(self, fetch: Fetch) -> AssetState | None:
        state = self._states.get(fetch.asset.sha256)
        return state if state is not None and state.is_of(fetch.asset) else None

    def _may_begin(self, now_s: float) -> bool:
        return self._stopped is None and any(source.is_free(now_s) for source in self._sources.all())

    def _choose(self, item: Item, now_s: float, put_back: list[Item]) -> tuple[Item, ContentSource] | None:
        """Return what to ask for, and whom; None if that is not wanted any more, or has to wait."""
        if (state := self._states.get(item[3])) is None:
            return None
        if state.until_s > now_s or state.claimed:
            state.held.append(item)
            return None
        source = self._sources.choose(state.avoided, now_s)
        if source is None:
            free_s = self._sources.free_at_s(state.avoided)
            if free_s <= now_s:  # one request tries the only source that is left
                self._parked.append(item)
            else:
                state.until_s = free_s
                state.held.append(item)
                self._waits.add(state)
            return None
        rank, order, _, name, span = item
        if span is None or state.part is None:  # after a refusal it begins anew with its list
            return None if state.under_way else (item, source)
        wrong = source.url in state.wrong
        if wrong and state.under_way:
            state.held.append(item)
            return None
        few = self._ready.few_spans(span)
        longest = 1 if wrong or len(span.chunks) == 1 else longest_span_bytes(source.usual_bytes_s(now_s), few)
        first, rest = next_request(span, state.busy_chunks(), longest)
        if rest is not None:
            put_back.append((rank, order, next(self._numbers), name, rest))
        return None if first is None else ((rank, order, next(self._numbers), name, first), source)

    def _begin(self, item: Item, source: ContentSource, now_s: float, put_back: list[Item]) -> Fetch | None:
        span, state = item[4], self._states[item[3]]
        most = self._limiter.most_bytes(source.url)
        asked = int(min(INDEX_CAP_BYTES if span is None else span.length, most or math.inf))
        wait_s = self._limiter.wait_s(source.url, asked)
        if wait_s > 0:
            source.limited_until_s = now_s + wait_s
            put_back.append(item)
            return None
        fetch = Fetch(state.asset, source, span, state.part, state.fault is not None, most_bytes=most, asked=asked)
        state.under_way.append(fetch)
        source.in_flight += 1
        self._under_way.add(fetch)
        return fetch

    def _end_waits_of(self, states: Iterable[AssetState]) -> None:
        for state in states:
            state.end_wait()
            self._release(state)

    def _end_waits(self, now_s: float) -> None:
        for name in self._waits.due(now_s):
            state = self._states.get(name)
            if state is not None and state.until_s <= now_s:
                state.until_s = 0.0
                self._release(state)
            elif state is not None and state.recheck_s <= now_s:
                state.recheck_s, self._recheck = math.inf, True
                self._changed()

    def _release(self, state: AssetState) -> None:
        if state.held:
            held, state.held = state.held, []
            self._add(*held)

    def _push(self, asset: str, span: Span | None) -> None:
        if (state := self._states.get(asset)) is not None:
            self._add((state.rank, self._rng.random(), next(self._numbers), asset, span))

    def _add(self, *items: Item) -> None:
        for item in items:
            self._ready.add(item, again=item[3] in self._failing)
