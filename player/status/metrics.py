"""The metrics of a player for Prometheus: counts of requests, counters of the stage, and the numbers of the status.

Label values come only from our own tables (operations, services), so that no caller can create new series.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Info, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from player.protocol.problems import ProblemCode
from player.protocol.status import RELEASE_STATES, BandwidthStatus, Status, SyncStatus, TrafficStatus
from player.stage.stage_facts import Histogram, StageCounters, StageFacts
from sync.errors import Distrust
from sync.http.metrics import OperationMetrics
from sync.runtime.clock import Clock

CONTENT_TYPE = CONTENT_TYPE_LATEST

_NUMBERS = {
    "cpu_percent": "Processor use since the previous sample",
    "load_1m": "Load average over one minute",
    "memory_percent": "Memory in use",
    "memory_available_bytes": "Memory available",
    "disk_free_bytes": "Free space on the disk of the state folder",
    "disk_total_bytes": "Size of the disk of the state folder",
    "temperature_c": "Temperature of the processor",
    "uptime_s": "Time since boot",
    "process_bytes": "Resident memory of the daemon",
    "undervoltage": "1 while the power supply is too weak",
    "throttled": "1 while the processor is slowed down",
    "monitor": "1 while a display is connected",
    "display_answers": "1 while the X server answers",
    "deck_restarts": "Decks replaced since start, after a fault",
    "picture_faults": "Times the picture froze or became black in the last hour",
    "quarantined": "Media in quarantine on this device, because they failed three times",
}


_IN_WHOLE_UNITS = {"temperature_c": "temperature_celsius", "uptime_s": "uptime_seconds"}
"""Numbers of the status whose unit Prometheus wants written out."""


class StageSeries(Collector):
    """The counters of the stage, read at each scrape."""

    def __init__(self, counters: StageCounters, facts: Callable[[], StageFacts]) -> None:
        self._counters = counters
        self._facts = facts

    def describe(self) -> Iterable[Metric]:
        """Return no series: registering does not read the stage."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return every series."""
        counts, facts = self._counters, self._facts()
        yield _counter("cuts", "Cuts from one take to the next", counts.cuts)
        yield _counter("frames_lost", "Frames that came too late to be shown", counts.frames_lost)
        yield _counter(
            "deck_renewals",
            "Decks replaced without a fault: long use, or another display",
            facts.renewals,
        )
        yield _counter("stream_bytes", "Bytes received of network streams over HTTP", facts.stream_bytes)
        yield _histogram("cut_late_seconds", "From the time a cut was due until its window was on top", counts.late)
        yield _histogram("take_black_seconds", "How long a take was black, checked once a second", counts.black)
        yield _histogram(
            "take_still_seconds", "How long the picture of a video stood still that should have changed", counts.still
        )
        yield _histogram("preroll_seconds", "From the command to load a take to its first frame", counts.preroll)
        steps = CounterMetricFamily(
            "signage_player_ladder_steps", "Steps taken after faults of the picture", labels=["step"]
        )
        for step, times in facts.steps.items():
            steps.add_metric([step], times)
        yield steps


def _counter(name: str, meaning: str, value: int) -> Metric:
    return CounterMetricFamily(f"signage_player_{name}", meaning, value=value)


def _histogram(name: str, meaning: str, values: Histogram) -> Metric:
    buckets = [(str(bound).replace("inf", "+Inf"), float(count)) for bound, count in values.buckets()]
    return HistogramMetricFamily(f"signage_player_{name}", meaning, buckets=buckets, sum_value=values.sum_s)


_SYNC_NUMBERS = {
    "missing_bytes": "Bytes of media that the coming release still needs; 0: none is being fetched",
    "fetch_bytes_per_second": "Measured rate at which media come under the limits of now; NaN: not known",
    "ready_seconds": "Time until the coming release is ready; NaN: none is being fetched, or not known",
    "late_starts": "Starts that the coming release will miss, or has missed",
    "spare_bytes": "Bytes of files that no release names: they go when room is needed",
    "reserve_bytes": "Bytes that stay free on the disk",
}

_SOURCE_NUMBERS = {
    "received_bytes": "Bytes of media received from a server since the connection to the origin was set up",
    "bytes_per_second": "What one connection to a server reached lately; 0: not known",
    "errors": "Requests to a server that failed",
    "up": "1 unless a server is left alone for a while because it failed",
}


class PlayerMetrics:
    """The registry of one player; two players in one process, as in tests, have two."""

    def __init__(self, clock: Clock, stage: Collector) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(stage)
        self.operations = OperationMetrics("signage_player", self.registry, clock)
        self._numbers = {
            name: self._gauge(_IN_WHOLE_UNITS.get(name, name), meaning) for name, meaning in _NUMBERS.items()
        }
        self._info = Info("signage_player", "Version, device id and channel of this player", registry=self.registry)
        self._synced = self._gauge("clock_synchronised", "1 while the clock is synchronised by a time service")
        self._sync_age = self._gauge("sync_age_seconds", "Time since the origin last confirmed the release")
        self._depth = self._gauge("outbox_depth", "Plays waiting for delivery")
        self._problems = self._gauge("problems", "Number of problems in the status")
        self._problem = self._gauge("problem", "1 while there is a problem of this kind", "code")
        self._sequence = self._gauge("release_sequence", "Sequence of the active release")
        self._trust = self._gauge("trust_problem", "1 for the rule that the last document broke", "reason")
        self._refused = self._gauge("refused_documents", "Documents refused since start, by broken rule", "reason")
        self._failing = self._gauge("failing_assets", "Files that could not be fetched at their last try")
        self._traffic = self._gauge("month_bytes", "Bytes sent and received in this month; streams of both", "of")
        self._budget = self._gauge("month_budget_bytes", "Bytes that a calendar month may have; NaN: any number")
        self._spent = self._gauge("month_budget_spent", "1 while the budget of the month is spent")
        self._limits = self._gauge("limit_bytes_per_second", "Limit for fetching media; NaN: none", "of")
        self._sources = {
            name: self._gauge(f"source_{name}", meaning, "source") for name, meaning in _SOURCE_NUMBERS.items()
        }
        self._sync = {name: self._gauge(name, meaning) for name, meaning in _SYNC_NUMBERS.items()}
        self._releases = self._gauge("release_state", "1 for the state of each release that is known", "state")
        self._restarts = self._gauge("service_restarts", "How often a service failed and was restarted", "service")

    def render(self, status: Status) -> bytes:
        """Return everything in the text format of Prometheus; a value that is not known is NaN."""
        for name, gauge in self._numbers.items():
            value = status.health.get(name)
            gauge.set(float("nan") if value is None else float(value))
        self._synced.set(status.health.get("clock") == "synced")
        self._sync_age.set(float("nan") if status.sync.age_s is None else status.sync.age_s)
        self._depth.set(status.outbox_depth)
        self._problems.set(len(status.problems))
        for code in ProblemCode:
            self._problem.labels(code.value).set(code in status.problem_codes)
        self._sequence.set(status.sync.sequence or 0)
        self._info.info({"version": status.version, "device": status.device or "", "channel": status.channel or ""})
        self._set_sync(status)
        self._set_traffic(status.traffic)
        for service, times in status.service_restarts.items():
            self._restarts.labels(service).set(times)
        return generate_latest(self.registry)

    def _set_sync(self, status: Status) -> None:
        sync = status.sync
        for reason in Distrust:
            self._trust.labels(reason.value).set(sync.trust == reason)
            self._refused.labels(reason.value).set(sync.refused.get(reason, 0))
        self._failing.set(sync.failing_assets)
        limits = sync.limits or BandwidthStatus()
        for of, kbit_s in (("all", limits.all_kbit_s), ("line", limits.line_kbit_s)):
            self._limits.labels(of).set(float("nan") if kbit_s is None else kbit_s * 125)
        for name, number in _sync_numbers(status).items():
            self._sync[name].set(float("nan") if number is None else number)
        states = [release.state for release in sync.releases]
        for state in RELEASE_STATES:
            self._releases.labels(state).set(state in states)
        self._set_sources(sync)

    def _set_sources(self, sync: SyncStatus) -> None:
        for gauge in self._sources.values():
            gauge.clear()  # mirrors come and go
        for source in sync.sources:
            self._sources["received_bytes"].labels(source.name).set(source.received_bytes)
            self._sources["bytes_per_second"].labels(source.name).set(source.bytes_s)
            self._sources["errors"].labels(source.name).set(source.errors)
            self._sources["up"].labels(source.name).set(not source.problem)

    def _set_traffic(self, traffic: TrafficStatus) -> None:
        self._traffic.labels("sent").set(traffic.sent_bytes)
        self._traffic.labels("received").set(traffic.received_bytes)
        self._traffic.labels("streams").set(traffic.stream_bytes)
        self._budget.set(float("nan") if traffic.budget_bytes is None else traffic.budget_bytes)
        self._spent.set(traffic.spent)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"signage_player_{name}", meaning, labels, registry=self.registry)


def _sync_numbers(status: Status) -> dict[str, float | None]:
    sync, coming = status.sync, status.sync.coming
    ready_at = coming.ready_at if coming else None
    return {
        "missing_bytes": coming.bytes_to_do - coming.bytes_done if coming else 0,
        "fetch_bytes_per_second": sync.bytes_s,
        "ready_seconds": max(0.0, (ready_at - status.at).total_seconds()) if ready_at else None,
        "late_starts": len(coming.late) + coming.more_late if coming else 0,
        "spare_bytes": sync.spare_bytes,
        "reserve_bytes": sync.reserve_bytes,
    }
