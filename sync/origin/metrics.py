"""What monitoring sees: duration and outcome of each operation, and how much of everything there is.

Labels come from our own tables only (an operation's name, a state), so that no caller can make up new series.
"""

from collections.abc import Iterable
from datetime import timedelta

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from sync.clock import Clock, unix_ms
from sync.measuring import OperationMetrics
from sync.origin.devices import ONLINE_S
from sync.origin.store.counts import CountStore
from sync.origin.survey import Figures
from sync.supervise import Restarts

MEDIA_STATES = ("queued", "processing", "ready", "failed")
_ONLINE = timedelta(seconds=ONLINE_S)


class OriginMetrics:
    """One registry per origin, so that two in one process (tests) do not mix."""

    def __init__(self, counts: CountStore, restarts: Restarts, clock: Clock) -> None:
        self._counts = counts
        self._restarts = restarts
        self._clock = clock
        registry = self._registry = CollectorRegistry()
        self.operations = OperationMetrics("signage_origin", registry, clock)
        self._plays = Counter("signage_origin_plays", "Plays received, by receipt", ["status"], registry=registry)
        self._cleared = Counter("signage_origin_cleared_bytes", "Bytes nobody needed, taken away", registry=registry)
        self._gauges = _Gauges(registry)

    def received(self, statuses: Iterable[str]) -> None:
        """Count the receipts of a batch of plays."""
        for status in statuses:
            self._plays.labels(status).inc()

    def looked(self, figures: Figures, cleared_bytes: int) -> None:
        """Note what a look through the content tree found, and what went since the one before."""
        needed_bytes = figures.asset_bytes - figures.resting_bytes
        sizes = {"needed": needed_bytes, "resting": figures.resting_bytes, "over": figures.over_bytes}
        for state, size_bytes in sizes.items():
            self._gauges.content_bytes.labels(state).set(size_bytes)
        self._gauges.looked.set(figures.at.timestamp())
        self._cleared.inc(cleared_bytes)

    async def render(self, listeners: dict[str, int]) -> bytes:
        """Return everything in Prometheus's text format.

        Raises:
            StorageBroken: the database does not answer.
        """
        now = self._clock.now()
        counts = await self._counts.counts(online_since_ms=unix_ms(now - _ONLINE), now_ms=unix_ms(now))
        gauges = self._gauges
        for state in MEDIA_STATES:
            gauges.media.labels(state).set(counts.media.get(state, 0))
        gauges.uploads.set(counts.uploads)
        gauges.upload_bytes.set(counts.upload_bytes)
        gauges.devices.set(counts.devices)
        gauges.online.set(counts.devices_online)
        gauges.pairings.set(counts.pairings)
        gauges.releases.set(counts.releases)
        for kind, count in listeners.items():
            gauges.listeners.labels(kind).set(count)
        for service, times in self._restarts.counts.items():
            gauges.restarts.labels(service).set(times)
        return generate_latest(self._registry)


class _Gauges:
    """What is counted at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(f"signage_origin_{name}", what, labels, registry=registry)

        self.media = gauge("media", "Media by pipeline state", "state")
        self.uploads = gauge("uploads", "Uploads under way")
        self.upload_bytes = gauge("upload_bytes", "Bytes of uploads under way")
        self.devices = gauge("devices", "Devices that belong here")
        self.online = gauge("devices_online", "Devices with a heartbeat in the last two minutes")
        self.pairings = gauge("pairings_waiting", "Devices that wait to be let in")
        self.releases = gauge("releases", "Releases published")
        self.content_bytes = gauge("content_bytes", "Bytes of content: needed, resting for its grace, over", "state")
        self.looked = gauge("content_looked_timestamp_seconds", "When the content was last looked through")
        self.listeners = gauge("listeners", "Open WebSockets", "kind")
        self.restarts = gauge("service_restarts", "How often a service had to be restarted", "service")


def content_type() -> str:
    """Return the content type of `render`."""
    return CONTENT_TYPE_LATEST
