"""Where content is fetched from: mirrors and CDNs before the origin, each with its health.

A source that cannot be reached, or that fails for one asset after the other, is left alone for a while (full jitter);
the next one is asked meanwhile. Then it is tried again, by one request if it was not reached. Nothing here trusts a
source: chunks are verified.

Sources that are nearer than a mirror (the chunk in another file on the disk, later neighbours and sticks) come before
these: `sync.device.downloader` looks on the disk before it asks for spans.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from urllib.parse import urlsplit

from sync.errors import SignageError
from sync.runtime.clock import Backoff

ORIGIN = "origin"
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
"""Short, for the wait does not end when a captive portal or a cable does, and one request tries a source."""

MOST_MIRRORS = 8
"""So many mirrors that the origin signed are used."""

MOST_NOT_SERVED = 8
"""After so many assets in turn that a source does not serve, with no other one between them, the source is at fault."""

LONGEST_NOT_SERVED_S = 15.0
"""The longest wait for that, for the assets may be at fault after all, and others wait."""

SLOW_SHARE = 0.1
"""A source below this share of the speed of another one is asked after it."""

_DOUBTFUL_BYTES_S = 250_000  # a slower source is compared with others, which one request each measures
_USUAL_OF = 9  # of so many of the last requests the median speed is usual
_MEASURED_S = 600.0  # after that time a speed is not known any more, and the source has its place again


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """A source for status and metrics; `bytes_s` is what one connection reached lately.

    `useless` are those of its `bytes` that were not kept, of requests that ended.
    """

    name: str
    url: str
    bytes: int
    useless: int
    bytes_s: float
    errors: int
    problem: str
    waiting_s: float


class ContentSource:
    """One server of the content tree, at `{url}/content/`. `TransferQueue` guards it by its lock."""

    def __init__(self, name: str, url: str, rng: Random) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self.base = f"{self.url}/content/"  # or HTTPS of the same host, once it redirected there
        self.bytes = self.useless = 0
        self.errors = 0
        self.problem = ""
        self.until_s = 0.0
        self.limited_until_s = 0.0  # by a limit of rate, which is no fault
        self.in_flight = 0
        self._rates: deque[float] = deque(maxlen=_USUAL_OF)
        self._measured_s = -math.inf
        self._unreached = False
        self._not_served: dict[str, float] = {}  # assets not served since the last success, and the waits asked for
        self._backoff = Backoff(first_s=FIRST_WAIT_S, limit_s=LONGEST_WAIT_S, rng=rng)

    @property
    def free_s(self) -> float:
        """When it may be asked."""
        return max(self.until_s, self.limited_until_s)

    def is_free(self, now_s: float) -> bool:
        """Return whether it may be asked: if it was not reached, by one request at a time, until that works."""
        return now_s >= self.free_s and (not self._unreached or self.in_flight == 0)

    def measured(self, bytes_s: float, now_s: float) -> None:
        """Record the speed of a request."""
        if now_s - self._measured_s > _MEASURED_S:
            self._rates.clear()
        self._rates.append(bytes_s)
        self._measured_s = now_s

    def usual_bytes_s(self, now_s: float) -> float:
        """Return the median speed of its last requests, 0 if that is not known."""
        known = self._rates and now_s - self._measured_s <= _MEASURED_S
        return median(self._rates) if known else 0.0

    def recover(self) -> None:
        """Ask it as usual from now on, after a success."""
        self.problem, self.until_s, self._unreached = "", 0.0, False
        self._not_served.clear()
        self._backoff.reset()

    def not_served(self, asset: str, error: SignageError, now_s: float, asked_s: float) -> None:
        """Record that it does not serve an asset, and what wait it has asked for; after several in turn it waits."""
        self.errors += 1
        self._not_served[asset] = asked_s
        if len(self._not_served) >= MOST_NOT_SERVED:
            self._wait(error, now_s, min(self._not_served.values()), LONGEST_NOT_SERVED_S)

    def failed(self, error: SignageError, now_s: float) -> None:
        """Record that it cannot be reached, and leave it alone for a while."""
        self.errors += 1
        self._unreached = True
        self._wait(error, now_s, 0.0, LONGEST_WAIT_S)

    def _wait(self, error: SignageError, now_s: float, at_least_s: float, most_s: float) -> None:
        self.problem = str(error)
        if now_s >= self.until_s:  # several requests that fail together are one failure
            self.until_s = now_s + max(at_least_s, min(most_s, self._backoff.next_s(offline=error.offline)))

    def facts(self, now_s: float) -> SourceFacts:
        """Return it as it is now."""
        waiting_s = max(0.0, self.until_s - now_s) if self.problem else 0.0
        bytes_s = self.usual_bytes_s(now_s)
        return SourceFacts(self.name, self.url, self.bytes, self.useless, bytes_s, self.errors, self.problem, waiting_s)


class Sources:
    """All sources, the preferred one first, and the origin last."""

    def __init__(self, origin: str, mirrors: Sequence[str], rng: Random) -> None:
        self._rng = rng
        self.origin = ContentSource(ORIGIN, origin, rng)
        self._configured: list[ContentSource] = []
        self._configured = self._new("mirror", mirrors)
        self._named: list[ContentSource] = []
        self._all: tuple[ContentSource, ...] = (*self._configured, self.origin)

    def name_mirrors(self, urls: Sequence[str]) -> None:
        """Use also the mirrors that the origin signed, after those of the configuration; known ones keep their health.

        What is no address of HTTP is left out: it may be of a newer origin.
        """
        known = {source.url: source for source in self._named}
        found = self._new("signed-mirror", [url for url in urls if _is_http(url)])[:MOST_MIRRORS]
        self._named = [known.get(source.url, source) for source in found]
        self._all = (*self._configured, *self._named, self.origin)

    def _new(self, name: str, urls: Sequence[str]) -> list[ContentSource]:
        taken = {source.url for source in (*self._configured, self.origin)}
        wanted = [url for url in dict.fromkeys(url.rstrip("/") for url in urls) if url not in taken]
        return [ContentSource(f"{name}-{n}", url, self._rng) for n, url in enumerate(wanted, 1)]

    def all(self) -> tuple[ContentSource, ...]:
        """Return the sources in the order in which they are asked."""
        return self._all

    def choose(self, avoided: Mapping[str, float], now_s: float) -> ContentSource | None:
        """Return the best source that is free; `avoided` are URLs not to ask for this asset, and until when."""
        free = [s for s in self.all() if s.is_free(now_s) and avoided.get(s.url, 0.0) <= now_s]
        if len(free) < 2:
            return free[0] if free else None
        speeds = {source: source.usual_bytes_s(now_s) for source in free}
        if 0 < speeds[free[0]] < _DOUBTFUL_BYTES_S:
            if unknown := next((s for s in free if not speeds[s] and not s.in_flight), None):
                return unknown
            return next(s for s in free if speeds[s] >= SLOW_SHARE * max(speeds.values()))
        return free[0]

    def is_outpaced(self, source: ContentSource, bytes_s: float, avoided: Mapping[str, float], now_s: float) -> bool:
        """Record the speed of a request under way; return whether another source is the best one by that."""
        source.measured(bytes_s, now_s)
        return source.is_free(now_s) and self.choose(avoided, now_s) not in (source, None)

    def limited_s(self, now_s: float) -> float:
        """Return for how long only a limit of rate holds back the first source that has one; 0: none has."""
        waits = [source.limited_until_s - now_s for source in self.all() if source.until_s <= now_s]
        return min((wait_s for wait_s in waits if wait_s > 0), default=0.0)

    def free_at_s(self, avoided: Mapping[str, float]) -> float:
        """Return when the first source may be asked, as far as that is known from waits."""
        return min(max(source.free_s, avoided.get(source.url, 0.0)) for source in self.all())


def _is_http(url: str) -> bool:
    try:
        address = urlsplit(url)
        return address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        return False
