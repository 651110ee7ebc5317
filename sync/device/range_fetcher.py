"""The bulk plane: media bytes by range requests, in worker threads that read, hash and write without a copy.

Two threads with `readinto` into one buffer each move more verified bytes a second than asyncio streams, for less CPU;
reading, hashing and writing all release the interpreter lock. What a server sends decides nothing: only the chunk hash.
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
from urllib.parse import SplitResult, urljoin, urlsplit

from sync.device.download_plan import Span
from sync.device.origin_client import retry_after_s
from sync.device.store.partial_file import PartialFile
from sync.errors import CorruptContent, OriginRefused, OriginUnreachable, SignageError, StorageBroken, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.os_messages import network_reason
from sync.runtime.threads import start_thread
from sync.wire.chunk_index import Chunk
from sync.wire.content_paths import asset_path

log = logging.getLogger(__name__)

WORKERS = 2
CONNECT_S = 10.0
READ_S = 30.0
FLOOR_BYTES_S = 1000
FLOOR_WINDOW_S = 30.0
_MOST_REDIRECTS = 3
_END_S = 2.0  # a thread may still be connecting when we end; it is a daemon and stops by itself
_REDIRECTS = (301, 302, 303, 307, 308)
_GONE = (404, 410)  # a publish under way, or an asset swept away: other assets may still come


class SpanFetcher(Protocol):
    """Anything that can bring spans into parts."""

    async def fetch(
        self, spans: Sequence[Span], parts: Mapping[str, PartialFile], *, enough: Callable[[], bool]
    ) -> None:
        """Fetch until done, or until `enough` says to stop starting new spans."""


class RangeFetcher:
    """Media from one origin, or whatever serves its content tree at `{url}/content/`."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        workers: int = WORKERS,
        read_s: float = READ_S,
        window_s: float = FLOOR_WINDOW_S,
    ) -> None:
        self._base = f"{url.rstrip('/')}/content/"
        self._clock = clock
        self._workers = workers
        self._read_s = read_s
        self._window_s = window_s

    async def fetch(
        self, spans: Sequence[Span], parts: Mapping[str, PartialFile], *, enough: Callable[[], bool]
    ) -> None:
        """Fetch `spans` in order into `parts`, keyed by asset.

        Verified chunks are in their part whatever happens after. A fault of one asset does not keep others waiting;
        a fault of the line lets others finish their span. Cancelling closes the connections and waits for the threads.

        Raises:
            OriginUnreachable: the line broke, or trickled below the floor of 1 kB/s for 30 s.
            OriginRefused: an error status.
            CorruptContent: a chunk was not what its name says, and was dropped.
            StorageFull, StorageBroken: the disk refused.
        """
        work = _Work(deque(spans), parts, enough)
        workers = [_Worker(self._base, self._clock, work, self._read_s, self._window_s) for _ in range(self._workers)]
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


class _Work:
    """What the workers of one fetch share."""

    def __init__(self, spans: deque[Span], parts: Mapping[str, PartialFile], enough: Callable[[], bool]) -> None:
        self.parts = parts
        self.faults: list[SignageError] = []
        self._spans = spans
        self._enough = enough
        self._ending = threading.Event()  # start nothing more, but finish what is under way: it is paid for
        self._stopped = threading.Event()  # drop everything
        self._lock = threading.Lock()
        self._passed_over: set[str] = set()

    def take(self) -> Span | None:
        """Return the next span that still lacks something, None when there is nothing more to do."""
        with self._lock:
            while self._spans and not self._ending.is_set() and not self._enough():
                span = self._spans.popleft()
                held = self.parts[span.asset].held()
                if span.asset not in self._passed_over and any(chunk.number not in held for chunk in span.chunks):
                    return span
            return None

    def claim(self, asset: str) -> bool:
        """Take an asset as a whole, for a server that knows no ranges; False when another worker has it."""
        with self._lock:
            new = asset not in self._passed_over
            self._passed_over.add(asset)
            return new

    def failed(self, span: Span, error: SignageError) -> None:
        """Note a fault: of the asset when it is missing or wrong, else of the line or disk, which ends all."""
        with self._lock:
            self.faults.append(error)
            if isinstance(error, OriginRefused) and error.status in _GONE:
                self._passed_over.add(span.asset)
            elif not isinstance(error, CorruptContent):
                self._ending.set()
            if isinstance(error, StorageFull | StorageBroken):
                self._stopped.set()

    def stop(self) -> None:
        """Drop everything."""
        self._ending.set()
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Tell whether workers should end after the chunk they are in."""
        return self._stopped.is_set()


class _Worker:
    """One thread: one connection, one buffer."""

    def __init__(self, base: str, clock: Clock, work: _Work, read_s: float, window_s: float) -> None:
        self._base = base
        self._clock = clock
        self._work = work
        self._read_s = read_s
        self._window_s = window_s
        self._connection: http.client.HTTPConnection | None = None
        self._place = ("", "")  # scheme and host the connection leads to
        self._socket: socket.socket | None = None
        self._buffer = bytearray()
        self._window_began = 0.0
        self._window_bytes = 0

    def run(self) -> None:
        """Work until there is nothing left."""
        while (span := self._work.take()) is not None:
            try:
                self._fetch(span)
            except SignageError as error:
                self._work.failed(span, error)
                self._close()
            except (http.client.HTTPException, OSError) as error:
                fault = OriginUnreachable(f"{self._base} does not answer: {network_reason(error)}")
                self._work.failed(span, fault)
                self._close()
        self._close()

    def interrupt(self) -> None:
        """Wake the thread if it waits on its connection; called from another thread, which must not close it."""
        if self._socket is not None:
            # Below TLS: its own shutdown would take the session from under the reading thread.
            with contextlib.suppress(OSError):  # gone already
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _fetch(self, span: Span) -> None:
        part = self._work.parts[span.asset]
        first, last = span.offset, span.offset + span.length - 1
        response = self._ask(self._base + asset_path(span.asset), f"bytes={first}-{last}")
        whole = response.status == 200
        _check(
            response, f"bytes {first}-{last}/{part.index.size_bytes}", part.index.size_bytes if whole else span.length
        )
        if whole and not self._work.claim(span.asset):
            self._close()
            return
        self._window_began, self._window_bytes = self._clock.monotonic(), 0
        held = part.held()
        for chunk in part.index.chunks if whole else span.chunks:
            content = self._read(response, chunk.length)
            if chunk.number not in held:
                self._write(part, span, chunk, content)
            if self._work.stopped:
                self._close()
                return
        response.close()

    def _write(self, part: PartialFile, span: Span, chunk: Chunk, content: memoryview) -> None:
        try:
            part.write(chunk, content)
        except CorruptContent as error:  # dropped; the rest of the answer may still be good
            self._work.failed(span, error)

    def _read(self, response: http.client.HTTPResponse, length: int) -> memoryview:
        if len(self._buffer) < length:
            self._buffer = bytearray(length)
        view = memoryview(self._buffer)[:length]
        done = 0
        while done < length:
            count = response.fp.readinto1(view[done:])  # one read of the socket, straight into the buffer
            if not count:
                raise OriginUnreachable(f"{self._base}: the answer was cut short")
            done += count
            self._measure(count)
        return view

    def _measure(self, count: int) -> None:
        self._window_bytes += count
        now = self._clock.monotonic()
        if now - self._window_began < self._window_s:
            return
        if self._window_bytes < FLOOR_BYTES_S * self._window_s:
            raise OriginUnreachable(f"{self._base}: trickles below {FLOOR_BYTES_S} bytes a second")
        self._window_began, self._window_bytes = now, 0

    def _ask(self, url: str, wanted: str) -> http.client.HTTPResponse:
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._request(url, wanted)
            if response.status not in _REDIRECTS:
                return response
            self._close()
            target = urljoin(url, response.headers.get("Location", ""))
            if urlsplit(target).scheme != urlsplit(url).scheme:
                raise OriginUnreachable(f"{url} redirects to another scheme: {target[:200]}")
            url = target
        raise OriginUnreachable(f"{url}: over {_MOST_REDIRECTS} redirects")

    def _request(self, url: str, wanted: str) -> http.client.HTTPResponse:
        place = urlsplit(url)
        connection, used = self._connect(place)
        try:
            headers = {"Range": wanted, "Accept-Encoding": "identity"}
            connection.request("GET", place._replace(scheme="", netloc="", fragment="").geturl(), headers=headers)
            return connection.getresponse()
        except ConnectionError:
            self._close()
            if not used:
                raise
        return self._request(url, wanted)  # the server had closed an idle connection: once more on a new one

    def _connect(self, place: SplitResult) -> tuple[http.client.HTTPConnection, bool]:
        if self._connection is not None and self._place == (place.scheme, place.netloc) and self._connection.sock:
            return self._connection, True
        self._close()
        if self._work.stopped:
            raise OriginUnreachable(f"{self._base}: stopped")
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        try:
            connection = kind(place.hostname or "", place.port, timeout=CONNECT_S)
        except ValueError as error:
            raise OriginUnreachable(f"{place.geturl()[:200]} is not an address: check the host and the port") from error
        connection.connect()
        connection.sock.settimeout(self._read_s)
        self._connection, self._socket, self._place = connection, connection.sock, (place.scheme, place.netloc)
        return connection, False

    def _close(self) -> None:
        connection, self._connection, self._socket = self._connection, None, None
        if connection is not None:
            connection.close()


def _check(response: http.client.HTTPResponse, content_range: str, length: int) -> None:
    """Take the range asked for, or all of the asset; anything else is refused before a byte of it is read."""
    status = response.status
    headers = response.headers
    if status not in (200, 206):
        wait_s = retry_after_s(headers.get("Retry-After", ""), headers.get("Date", ""))
        raise OriginRefused(f"media: status {status} {response.reason}", status=status, retry_after_s=wait_s)
    sent = headers.get("Content-Range", "").strip()
    if status == 206 and sent != content_range:
        raise OriginUnreachable(f"media: asked for {content_range}, got {sent[:100]!r}")
    if response.length != length or headers.get("Content-Encoding", "identity") != "identity":
        raise OriginUnreachable(f"media: {response.length} bytes instead of {length}, or something packs them")
