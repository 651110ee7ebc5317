"""What monitoring sees of a player: how requests go, and at each scrape what status says in numbers.

Labels come from our own tables only (an operation's name, a service), so that no caller can make up new series.
"""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Info, generate_latest

from player.status import Status
from sync.clock import Clock
from sync.measuring import Operations

CONTENT_TYPE = CONTENT_TYPE_LATEST

_NUMBERS = {
    "cpu_percent": "Processor use since the sample before",
    "load_1m": "Load average over a minute",
    "memory_percent": "Memory in use",
    "memory_available_bytes": "Memory available",
    "disk_free_bytes": "Free on the disk of the state folder",
    "disk_total_bytes": "Size of the disk of the state folder",
    "temperature_c": "Temperature of the processor",
    "uptime_s": "Since boot",
    "process_bytes": "Resident memory of the daemon",
    "undervoltage": "1 while the power supply is too weak",
    "throttled": "1 while the processor is slowed down",
    "monitor": "1 while a display is connected",
    "display_answers": "1 while the X server answers",
    "deck_restarts": "Decks replaced since start",
    "picture_faults": "Within the hour the picture stood still or became black",
}


class Metrics:
    """One registry per player, so that two in one process (tests) do not mix."""

    def __init__(self, clock: Clock) -> None:
        self._registry = CollectorRegistry()
        self.operations = Operations("signage_player", self._registry, clock)
        self._numbers = {name: self._gauge(name, what) for name, what in _NUMBERS.items()}
        self._info = Info("signage_player", "What this player is", registry=self._registry)
        self._synced = self._gauge("clock_synchronised", "1 while a time service vouches for the clock")
        self._sync_age = self._gauge("sync_age_s", "Since the origin last confirmed the release")
        self._depth = self._gauge("outbox_depth", "Plays waiting for delivery")
        self._problems = self._gauge("problems", "How many problems status tells")
        self._sequence = self._gauge("release_sequence", "Sequence of the active release")
        self._restarts = self._gauge("service_restarts", "How often a service had to be restarted", "service")

    def render(self, status: Status) -> bytes:
        """Return everything in Prometheus's text format; what this machine cannot tell is not a number."""
        for name, gauge in self._numbers.items():
            value = status.health.get(name)
            gauge.set(float("nan") if value is None else float(value))
        self._synced.set(status.health.get("clock") == "synced")
        self._sync_age.set(float("nan") if status.sync.age_s is None else status.sync.age_s)
        self._depth.set(status.outbox_depth)
        self._problems.set(len(status.problems))
        self._sequence.set(status.sync.sequence or 0)
        self._info.info({"version": status.version, "device": status.device or "", "channel": status.channel or ""})
        for service, times in status.service_restarts.items():
            self._restarts.labels(service).set(times)
        return generate_latest(self._registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"signage_player_{name}", what, labels, registry=self._registry)
