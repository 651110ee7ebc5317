"""Fetches media by HTTP range requests, in worker threads that read, hash and write without copying.

Two threads, each with `readinto` into one buffer, verify more bytes a second than asyncio streams, with less CPU.
Reading, hashing and writing release the interpreter lock. Only the hash of a chunk decides whether it is accepted.
"""

import asyncio
import contextlib
import http.client
import logging
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from sync.device.connection import (
    MOST_REDIRECTS,
    REDIRECTS,
    WEB_PAGE_STATUSES,
    Network,
    Proxy,
    circle_reason,
    moved_base,
    portal_reason,
    proxy_refusal,
    redirect_target,
)
from sync.device.download_plan import Span
from sync.device.origin_client import retry_after_s
from sync.device.store.partial_file import PartialFile
from sync.errors import CorruptContent, OriginRefused, OriginUnreachable, SignageError, StorageBroken, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.threads import start_thread
from sync.wire.chunk_index import Chunk
from sync.wire.content_paths import asset_path

log = logging.getLogger(__name__)

WORKERS = 2
CONNECT_S = 10.0
READ_S = 30.0
FLOOR_BYTES_S = 1000
FLOOR_WINDOW_S = 30.0
_END_S = 2.0  # a thread that is still connecting after that is a daemon thread and ends by itself
_MISSING = (404, 410)  # the asset was removed, or is being published; other assets can still be fetched


class SpanFetcher(Protocol):
    """Anything that fetches spans into partial files."""

    async def fetch(
        self, spans: Sequence[Span], parts: Mapping[str, PartialFile], *, should_stop: Callable[[], bool]
    ) -> None:
        """Fetch all spans; start no more of them once `should_stop` is true."""


class RangeFetcher:
    """Fetches from one origin, or from any server of its content tree at `{url}/content/`."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        network: Network | None = None,
        workers: int = WORKERS,
        read_s: float = READ_S,
        window_s: float = FLOOR_WINDOW_S,
    ) -> None:
        self._base = f"{url.rstrip('/')}/content/"
        self._clock = clock
        self._network = network or Network()
        self._workers = workers
        self._read_s = read_s
        self._window_s = window_s

    async def fetch(
        self, spans: Sequence[Span], parts: Mapping[str, PartialFile], *, should_stop: Callable[[], bool]
    ) -> None:
        """Fetch `spans` in order into `parts`, keyed by asset.

        Verified chunks stay in their partial file, also after a fault. A fault of one asset does not stop the others.
        After a fault of the connection the other workers finish their span. Cancelling closes the connections and
        waits for the threads.

        Raises:
            OriginUnreachable: the connection broke, or was slower than 1 kB/s for 30 s.
            OriginRefused: an error status.
            CorruptContent: a chunk does not match its hash; it was dropped.
            StorageFull, StorageBroken: the disk is full or failed.
        """
        work = _Work(deque(spans), parts, should_stop)
        workers = [self._worker(work) for _ in range(self._workers)]
        jobs = [start_thread(worker.run) for worker in workers]
        try:
            await asyncio.wait(jobs)
        finally:
            work.stop()
            for worker in workers:
                worker.interrupt()
            await asyncio.wait(jobs, timeout=_END_S)
        for job in jobs:
            job.result()
        if work.faults:
            raise work.faults[0]

    def _worker(self, work: "_Work") -> "_Worker":
        return _Worker(self._base, self._clock, self._network, work, self._read_s, self._window_s)


class _Work:
    """The queue of spans and the faults that the workers of one fetch share."""

    def __init__(self, spans: deque[Span], parts: Mapping[str, PartialFile], should_stop: Callable[[], bool]) -> None:
        self.parts = parts
        self.faults: list[SignageError] = []
        self._spans = spans
        self._should_stop = should_stop
        self._draining = threading.Event()  # start no more spans, but finish the present ones
        self._stopped = threading.Event()  # end after the present chunk
        self._lock = threading.Lock()
        self._skipped: set[str] = set()

    def next_span(self) -> Span | None:
        """Return the next span with a missing chunk, None if no more span is to be fetched."""
        with self._lock:
            while self._spans and not self._draining.is_set() and not self._should_stop():
                span = self._spans.popleft()
                verified = self.parts[span.asset].verified()
                if span.asset not in self._skipped and any(chunk.number not in verified for chunk in span.chunks):
                    return span
            return None

    def claim_whole(self, asset: str) -> bool:
        """Reserve a complete asset, for a server without range requests; False if another worker has reserved it."""
        with self._lock:
            free = asset not in self._skipped
            self._skipped.add(asset)
            return free

    def add_fault(self, span: Span, error: SignageError) -> None:
        """Record a fault. A missing or wrong asset is skipped; a fault of the connection or the disk ends the fetch."""
        with self._lock:
            self.faults.append(error)
            if isinstance(error, OriginRefused) and error.status in _MISSING:
                self._skipped.add(span.asset)
            elif not isinstance(error, CorruptContent):
                self._draining.set()
            if isinstance(error, StorageFull | StorageBroken):
                self._stopped.set()

    def stop(self) -> None:
        """End the workers after their present chunk."""
        self._draining.set()
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether workers end after their present chunk."""
        return self._stopped.is_set()


class _Worker:
    """One worker thread, with one connection and one buffer."""

    def __init__(self, base: str, clock: Clock, network: Network, work: _Work, read_s: float, window_s: float) -> None:
        self._base = base
        self._network = network
        self._clock = clock
        self._work = work
        self._read_s = read_s
        self._window_s = window_s
        self._connection: http.client.HTTPConnection | None = None
        self._response: http.client.HTTPResponse | None = None
        self._host: tuple[str, str, Proxy | None] = ("", "", None)  # scheme, host and proxy of the connection
        self._socket: socket.socket | None = None
        self._buffer = bytearray()
        self._window_started = 0.0
        self._window_bytes = 0

    def run(self) -> None:
        """Fetch spans until none is left."""
        while (span := self._work.next_span()) is not None:
            try:
                self._fetch(span)
            except SignageError as error:
                self._work.add_fault(span, error)
                self._close()
            except (http.client.HTTPException, OSError) as error:
                fault = OriginUnreachable(f"{self._base} does not answer: {self._network.reason(error, self._base)}")
                self._work.add_fault(span, fault)
                self._close()
        self._close()

    def interrupt(self) -> None:
        """Wake the thread if it waits for its connection. Called from another thread, which must not close it."""
        if self._socket is not None:
            # Of the plain socket: that of TLS would end the session while the other thread reads.
            with contextlib.suppress(OSError):  # closed already
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _fetch(self, span: Span) -> None:
        part = self._work.parts[span.asset]
        first, last = span.offset, span.offset + span.length - 1
        response = self._follow_redirects(asset_path(span.asset), f"bytes={first}-{last}")
        complete = response.status == 200
        _check(
            response,
            f"bytes {first}-{last}/{part.index.size_bytes}",
            part.index.size_bytes if complete else span.length,
        )
        if complete and not self._work.claim_whole(span.asset):
            self._close()
            return
        self._window_started, self._window_bytes = self._clock.monotonic(), 0
        verified = part.verified()
        for chunk in part.index.chunks if complete else span.chunks:
            content = self._read(response, chunk.length)
            if chunk.number not in verified:
                self._write(part, span, chunk, content)
            if self._work.stopped:
                self._close()
                return
        response.close()

    def _write(self, part: PartialFile, span: Span, chunk: Chunk, content: memoryview) -> None:
        try:
            part.write(chunk, content)
        except CorruptContent as error:  # the rest of the response can still be right
            self._work.add_fault(span, error)

    def _read(self, response: http.client.HTTPResponse, length: int) -> memoryview:
        if len(self._buffer) < length:
            self._buffer = bytearray(length)
        view = memoryview(self._buffer)[:length]
        done = 0
        while done < length:
            count = response.fp.readinto1(view[done:])  # one read of the socket, directly into the buffer
            if not count:
                raise OriginUnreachable(f"{self._base}: the response ended too early")
            done += count
            self._check_speed(count)
        return view

    def _check_speed(self, count: int) -> None:
        self._window_bytes += count
        now = self._clock.monotonic()
        if now - self._window_started < self._window_s:
            return
        if self._window_bytes < FLOOR_BYTES_S * self._window_s:
            raise OriginUnreachable(f"{self._base}: slower than {FLOOR_BYTES_S} bytes a second")
        self._window_started, self._window_bytes = now, 0

    def _follow_redirects(self, path: str, byte_range: str) -> http.client.HTTPResponse:
        url = self._base + path
        for _ in range(MOST_REDIRECTS + 1):
            response = self._request(url, byte_range)
            location = response.headers.get("Location", "")
            if response.status not in REDIRECTS or not location:
                return response
            self._close()
            target = redirect_target(url, location, response.status, secret=False)
            self._base = moved_base(self._base, url, target)
            url = target
        raise OriginUnreachable(circle_reason(self._base + path, url))

    def _request(self, url: str, byte_range: str) -> http.client.HTTPResponse:
        address, proxy = urlsplit(url), self._network.proxy(url)
        connection, reused = self._connect(address, proxy)
        headers = {"Range": byte_range, "Accept-Encoding": "identity"}
        target = address._replace(fragment="").geturl()
        if proxy is None or address.scheme == "https":  # an HTTP proxy is told the whole address
            target = address._replace(scheme="", netloc="", fragment="").geturl()
        else:
            headers |= proxy.headers
        try:
            connection.request("GET", target, headers=headers)
            self._response = response = connection.getresponse()
        except ConnectionError:
            self._close()
            if not reused:
                raise
        else:
            if proxy is not None and response.status == http.client.PROXY_AUTHENTICATION_REQUIRED:
                raise OriginUnreachable(f"{self._base} does not answer: {proxy_refusal(proxy, response.status)}")
            return response
        return self._request(url, byte_range)  # the server had closed an idle connection: try a new one

    def _connect(self, address: SplitResult, proxy: Proxy | None) -> tuple[http.client.HTTPConnection, bool]:
        host = (address.scheme, address.netloc, proxy)
        if self._connection is not None and self._host == host and self._connection.sock:
            return self._connection, True
        self._close()
        if self._work.stopped:
            raise OriginUnreachable(f"{self._base}: stopped")
        try:
            connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=CONNECT_S)
        except ValueError as error:
            raise OriginUnreachable(
                f"{address.geturl()[:200]} is not an address: check the host and the port"
            ) from error
        connection.auto_open = 0  # it would connect by itself: without proxy and TLS
        connection.sock = self._network.connect(address.geturl(), CONNECT_S)
        connection.sock.settimeout(self._read_s)
        self._connection, self._socket, self._host = connection, connection.sock, host
        return connection, False

    def _close(self) -> None:
        response, connection = self._response, self._connection
        self._response, self._connection, self._socket = None, None, None
        if response is not None:
            response.close()  # it may outlive a connection that the server closes
        if connection is not None:
            connection.close()


def _check(response: http.client.HTTPResponse, content_range: str, length: int) -> None:
    """Accept the requested range or the complete asset; refuse any other response before its body is read."""
    status = response.status
    headers = response.headers
    if status not in (200, 206):
        wait_s = retry_after_s(headers.get("Retry-After", ""), headers.get("Date", ""))
        page = status in WEB_PAGE_STATUSES and headers.get_content_type() == "text/html"
        reason = portal_reason("media", status) if page else f"media: the origin answers with status {status}"
        raise OriginRefused(reason, status=status, retry_after_s=wait_s)
    sent = headers.get("Content-Range", "").strip()
    if status == 206 and sent != content_range:
        raise OriginUnreachable(f"media: {content_range} was requested, and {sent[:100]!r} came")
    if response.length != length or headers.get("Content-Encoding", "identity") != "identity":
        if headers.get_content_type() == "text/html":
            raise OriginUnreachable(portal_reason("media"))
        raise OriginUnreachable(f"media: {response.length} bytes instead of {length}, or they are compressed")
