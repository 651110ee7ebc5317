"""What machines ask about the origin: metrics, health, and the OpenAPI document.

Labels of metrics come from our own tables only (the name of an operation, a state): no caller can invent series.
"""

import asyncio
import collections
import json
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Literal

from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from sync.http.bodies import json_answer
from sync.http.examples import read_examples
from sync.http.forwarded import is_from_this_machine
from sync.http.metrics import OperationMetrics
from sync.http.openapi import openapi_document
from sync.http.operations import Access, Operation
from sync.http.problems import problem
from sync.origin.http.auth import COOKIE, Gatekeeper
from sync.origin.live.severity import ScreenSeverity
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.retention.scanner import Figures
from sync.origin.store.counts import CountStore
from sync.origin.store.media.media_rows import MediaState
from sync.roles import Role
from sync.runtime.clock import Clock, unix_ms
from sync.runtime.supervisor import Restarts
from sync.wire.device_reports import Receipt
from sync.wire.value_types import Wire

TITLE = "Signage origin"
EXAMPLES = Path(__file__).with_name("examples.json")


class OriginMetrics:
    """The metrics of one origin. Each has its own registry, so that two in one process (tests) do not mix."""

    def __init__(self, counts: CountStore, restarts: Restarts, clock: Clock) -> None:
        self._counts = counts
        self._restarts = restarts
        self._clock = clock
        registry = self.registry = CollectorRegistry()
        self.operations = OperationMetrics("signage_origin", registry, clock)
        self._plays = Counter("signage_origin_plays", "Plays received, by receipt", ["status"], registry=registry)
        self._set_aside = Counter("signage_origin_plays_set_aside", "Plays taken that are in no sum", registry=registry)
        self._cleared = Counter(
            "signage_origin_cleared_bytes", "Bytes of content that nobody needed, removed", registry=registry
        )
        self._gauges = _Gauges(registry)

    def count_receipts(self, receipts: Iterable[Receipt]) -> None:
        """Count the receipts of a batch of plays."""
        counts = collections.Counter((receipt.status, bool(receipt.detail)) for receipt in receipts)
        for (status, has_detail), count in counts.items():
            self._plays.labels(status).inc(count)
            self._set_aside.inc(count if status == "accepted" and has_detail else 0)

    def record_scan(self, figures: Figures, cleared_bytes: int) -> None:
        """Store what a scan of the content tree found, and add what was deleted after it."""
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
        counts = await self._counts.read(now_ms=unix_ms(now))
        gauges = self._gauges
        for state in MediaState:
            gauges.media.labels(state.value).set(counts.media.get(state, 0))
        gauges.uploads.set(counts.uploads)
        gauges.upload_bytes.set(counts.upload_bytes)
        gauges.devices.set(counts.devices)
        gauges.online.set(counts.devices_online)
        for severity in ScreenSeverity:
            gauges.severities.labels(severity.value).set(counts.severities.get(severity, 0))
        gauges.pairings.set(counts.pairings)
        gauges.releases.set(counts.releases)
        for kind, count in listeners.items():
            gauges.listeners.labels(kind).set(count)
        for service, times in self._restarts.counts.items():
            gauges.restarts.labels(service).set(times)
        return generate_latest(self.registry)


class _Gauges:
    """The gauges that are set at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(f"signage_origin_{name}", what, labels, registry=registry)

        self.media = gauge("media", "Media by pipeline state", "state")
        self.uploads = gauge("uploads", "Unfinished uploads")
        self.upload_bytes = gauge("upload_bytes", "Bytes of unfinished uploads")
        self.devices = gauge("devices", "Paired devices")
        self.online = gauge(
            "devices_online",
            "Devices that are heard: two and a half periods without a heartbeat, two minutes at least, are silence",
        )
        self.severities = gauge(
            "devices_by_severity", "Devices that are heard, by how bad it is what they say", "severity"
        )
        self.pairings = gauge("pairings_waiting", "Devices that wait to be paired")
        self.releases = gauge("releases", "Releases published")
        self.content_bytes = gauge(
            "content_bytes",
            "Bytes of content: needed, resting (unneeded, in its grace time), over (to be removed)",
            "state",
        )
        self.looked = gauge("content_looked_timestamp_seconds", "When the content was last scanned")
        self.listeners = gauge("listeners", "Open WebSockets", "kind")
        self.restarts = gauge("service_restarts", "How often a service had to be restarted", "service")


def content_type() -> str:
    """Return the content type of `render`."""
    return CONTENT_TYPE_LATEST


class Health(Wire):
    """The origin can serve requests."""

    status: Literal["ok"] = "ok"
    version: str


class MonitoringRoutes:
    """Serves `/metrics`, `/healthz` and `/v1/openapi.json`."""

    def __init__(
        self,
        counts: CountStore,
        files: DataFolder,
        gatekeeper: Gatekeeper,
        metrics: OriginMetrics,
        listeners: Callable[[], dict[str, int]],
        reserve_bytes: int,
        version: str,
    ) -> None:
        self._counts = counts
        self._files = files
        self._gatekeeper = gatekeeper
        self._metrics = metrics
        self._listeners = listeners
        self._reserve_bytes = reserve_bytes
        self._version = version
        self._operations: tuple[Operation, ...] = ()

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        return (
            Operation("GET", "/metrics", self._scrape, "Metrics for Prometheus", Access.OPEN_HERE, answer="text/plain"),
            Operation(
                "GET", "/healthz", self._health, "Whether the origin can serve requests", Access.OPEN, None, Health
            ),
            Operation(
                "GET", "/v1/openapi.json", self._describe, "This document", Access.OPEN, answer="application/json"
            ),
        )

    def describe(self, operations: Iterable[Operation]) -> None:
        """Take all operations into the OpenAPI document."""
        self._operations = tuple(operations)

    @cached_property
    def _document(self) -> bytes:
        """The OpenAPI document, made when somebody first asks: that takes half a second, which commands need not."""
        examples = read_examples(EXAMPLES)
        document = openapi_document(TITLE, self._version, self._operations, cookie=COOKIE, examples=examples)
        return json.dumps(document).encode()

    async def _scrape(self, request: web.Request) -> web.Response:
        if not is_from_this_machine(request):
            await self._gatekeeper.guard(request, Role.VIEWER)
        body = await self._metrics.render(self._listeners())
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type()})

    async def _health(self, request: web.Request) -> web.Response:
        await self._counts.ping()
        free_bytes = await asyncio.to_thread(self._files.free_bytes)
        if free_bytes < self._reserve_bytes:
            detail = "the disk is nearly full: uploads are refused until there is room"
            return problem(503, "disk-nearly-full", "Disk nearly full", detail, request.path)
        return json_answer(Health(version=self._version))

    async def _describe(self, request: web.Request) -> web.Response:
        body = await asyncio.to_thread(lambda: self._document)
        return web.Response(body=body, content_type="application/json")
