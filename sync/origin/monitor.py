"""What machines ask about the origin: metrics, whether it is well, and what it can do (OpenAPI)."""

import asyncio
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any, Literal

from aiohttp import hdrs, web

from sync import Forbidden
from sync.openapi import openapi_document
from sync.origin.access import Gatekeeper
from sync.origin.files import DataFolder
from sync.origin.metrics import OriginMetrics, content_type
from sync.origin.store.counts import CountStore
from sync.web import Access, Operation, json_answer, problem
from sync.wire import Wire

TITLE = "Signage origin"
_FORWARDED = (hdrs.FORWARDED, hdrs.X_FORWARDED_FOR, hdrs.X_FORWARDED_HOST, hdrs.VIA)


class Health(Wire):
    """The origin is well enough to be sent requests."""

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
        self._described: dict[str, Any] = {}

    def operations(self) -> tuple[Operation, ...]:
        """Return what machines ask."""
        return (
            Operation("GET", "/metrics", self._scrape, "Metrics for Prometheus", Access.OPEN),
            Operation("GET", "/healthz", self._health, "Whether the origin is well", Access.OPEN, None, Health),
            Operation("GET", "/v1/openapi.json", self._describe, "This document", Access.OPEN),
        )

    def describe(self, operations: Iterable[Operation]) -> None:
        """Write the OpenAPI document of all operations once: it cannot change while we run."""
        self._described = openapi_document(TITLE, self._version, operations)

    async def _scrape(self, request: web.Request) -> web.Response:
        if not _from_this_machine(request):
            caller = await self._gatekeeper.identify(request)
            if caller.access is Access.DEVICE:
                raise Forbidden("metrics are for people and machines with a key")
        body = await self._metrics.render(self._listeners())
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type()})

    async def _health(self, request: web.Request) -> web.Response:
        await self._counts.answers()
        free_bytes = await asyncio.to_thread(self._files.free_bytes)
        if free_bytes < self._reserve_bytes:
            detail = "the disk is nearly full: uploads are refused until there is room"
            return problem(503, "disk-nearly-full", "Disk nearly full", detail, request.path)
        return json_answer(Health(version=self._version))

    async def _describe(self, request: web.Request) -> web.Response:
        return json_answer(self._described)


def _from_this_machine(request: web.Request) -> bool:
    """Tell a local scraper from a reverse proxy on this machine that speaks for the whole world."""
    if any(header in request.headers for header in _FORWARDED):
        return False
    try:
        return ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
