"""Prometheus metrics of the duration and outcome of each HTTP operation.

Labels are names from the table of operations, so that callers cannot create new series.
"""

from functools import cache
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry, Counter, Histogram

from sync.http.operations import OPERATION
from sync.runtime.clock import Clock

_BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_DISCONNECTED = 499  # the caller closed the connection, or this program ends


class OperationMetrics:
    """The two series `{prefix}_operation_seconds` and `{prefix}_operations_total`."""

    def __init__(self, prefix: str, registry: CollectorRegistry, clock: Clock) -> None:
        self._clock = clock
        self._durations = Histogram(
            f"{prefix}_operation_seconds",
            "How long operations took",
            ["operation"],
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self._outcomes = Counter(
            f"{prefix}_operations", "How operations ended", ["operation", "status"], registry=registry
        )
        self._outcome = cache(lambda operation, status: self._outcomes.labels(operation, str(status)))
        self._duration = cache(lambda operation: self._durations.labels(operation))

    @web.middleware
    async def measure(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Measure an operation. WebSockets are counted when they end; their duration is not measured."""
        started_s = self._clock.monotonic()
        status = _DISCONNECTED
        try:
            answer = await handler(request)
            status = answer.status
            return answer
        finally:
            operation = request.get(OPERATION, "other")
            self._outcome(operation, status).inc()
            if status != HTTPStatus.SWITCHING_PROTOCOLS:
                self._duration(operation).observe(self._clock.monotonic() - started_s)
