"""What monitoring sees of a player: how requests go, and at each scrape what status says in numbers.

Labels come from our own tables only (an operation's name, a service), so that no caller can make up new series.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Info, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from player.protocol.status import Status
from player.stage.counters import Histogram, StageCounters, StageFacts
from sync.http.metrics import OperationMetrics
from sync.runtime.clock import Clock

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
    "quarantined": "Media set aside on this device after failing three times",
}


class StageSeries(Collector):
    """What the stage counted since its start, read at each scrape."""

    def __init__(self, tally: StageCounters, facts: Callable[[], StageFacts]) -> None:
        self._tally = tally
        self._facts = facts

    def describe(self) -> Iterable[Metric]:
        """Return the series without their values: registering asks nobody."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return every series."""
        tally, facts = self._tally, self._facts()
        yield _counter("cuts", "Cuts from one take to the next", tally.cuts)
        yield _counter("frames_lost", "Frames of takes that came too late to be shown", tally.frames_lost)
        yield _counter("deck_renewals", "Decks replaced without a fault: worn, or the display changed", facts.renewals)
        yield _histogram("cut_late_seconds", "From the instant a cut was due to the raised window", tally.late)
        yield _histogram("take_black_seconds", "How long a take was black, by a look a second", tally.black)
        yield _histogram("take_still_seconds", "How long a video painted no new picture", tally.still)
        yield _histogram("preroll_seconds", "From the order to load a take to its first frame, unseen", tally.preroll)
        steps = CounterMetricFamily("signage_player_ladder_steps", "What faults of the picture led to", labels=["step"])
        for step, times in facts.steps.items():
            steps.add_metric([step], times)
        yield steps


def _counter(name: str, what: str, value: int) -> Metric:
    return CounterMetricFamily(f"signage_player_{name}", what, value=value)


def _histogram(name: str, what: str, values: Histogram) -> Metric:
    buckets = [(str(bound).replace("inf", "+Inf"), float(count)) for bound, count in values.buckets()]
    return HistogramMetricFamily(f"signage_player_{name}", what, buckets=buckets, sum_value=values.sum_s)


class PlayerMetrics:
    """One registry per player, so that two in one process (tests) do not mix."""

    def __init__(self, clock: Clock, stage: Collector) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(stage)
        self.operations = OperationMetrics("signage_player", self.registry, clock)
        self._numbers = {name: self._gauge(name, what) for name, what in _NUMBERS.items()}
        self._info = Info("signage_player", "What this player is", registry=self.registry)
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
        return generate_latest(self.registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"signage_player_{name}", what, labels, registry=self.registry)
