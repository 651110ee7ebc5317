"""Duration and outcome of each operation of an HTTP side, in Prometheus's terms.

Labels come from our own tables only (an operation's name), so that no caller can make up new series.
"""

from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry, Counter, Histogram

from sync.http.operations import OPERATION
from sync.runtime.clock import Clock

_BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_DISCONNECTED = 499  # the caller did, or we are ending


class OperationMetrics:
    """The two series of one side, `{prefix}_operation_seconds` and `{prefix}_operations_total`."""

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

    @web.middleware
    async def measure(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Measure an operation; WebSockets count when they end, and not in the durations."""
        began_s = self._clock.monotonic()
        status = _DISCONNECTED
        try:
            answer = await handler(request)
            status = answer.status
            return answer
        finally:
            operation = request.get(OPERATION, "other")
            self._outcomes.labels(operation, str(status)).inc()
            if status != HTTPStatus.SWITCHING_PROTOCOLS:
                self._durations.labels(operation).observe(self._clock.monotonic() - began_s)
