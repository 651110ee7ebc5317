"""The page of metrics: name, kind, labels and meaning of each series, read from the registries."""

from collections.abc import Iterator
from typing import Any, cast

from markdown import table
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from player.stage.escalation import EscalationStep
from player.stage.stage_facts import StageCounters, StageFacts
from player.status.metrics import PlayerMetrics, StageSeries
from sync.origin.api.monitoring import OriginMetrics
from sync.runtime.clock import SystemClock
from sync.runtime.supervisor import Restarts

Row = tuple[str, str, str, str]


def page() -> str:
    """Return the page."""
    clock = SystemClock()
    player = PlayerMetrics(clock, StageSeries(StageCounters(), _no_facts))
    origin = OriginMetrics(cast(Any, None), Restarts(), clock)  # the counts are asked for at a scrape only
    head = ("name", "kind", "labels", "meaning")
    device_table, origin_table = (table(head, sorted(_rows(one.registry))) for one in (player, origin))
    return (
        "# Metrics\n\nIn Prometheus's text format under `/metrics`.\n\n"
        f"## Device\n\n{device_table}\n## Origin\n\n{origin_table}"
    )


def _no_facts() -> StageFacts:
    steps = dict.fromkeys((step.value.replace(" ", "_") for step in EscalationStep), 0)
    unknown = cast(Any, None)
    return StageFacts("", (None, None), 0, 0, None, None, None, None, unknown, None, steps=steps)


def _rows(registry: CollectorRegistry) -> Iterator[Row]:
    for collector in registry._collector_to_names:
        if isinstance(collector, MetricWrapperBase):
            labels = ", ".join(collector._labelnames)
            yield _row(collector._name, str(collector._type), labels, collector._documentation)
        else:
            for metric in collector.collect():
                labels = ", ".join(
                    sorted({label for sample in metric.samples for label in sample.labels if label != "le"})
                )
                yield _row(metric.name, metric.type, labels, metric.documentation)


def _row(name: str, kind: str, labels: str, meaning: str) -> Row:
    return f"`{name}{'_total' if kind == 'counter' else ''}`", kind, labels, meaning
