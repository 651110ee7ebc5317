"""A thread that fetches: it reads into its buffer, verifies each chunk and writes it. Only the hash decides.

What is received of a chunk stays when the request ends early: the next one goes on inside the chunk.
"""

import threading

from sync.device.store.partial_file import PartialFile
from sync.device.transfer.asset_state import Fetch
from sync.device.transfer.connection import (
    MOST_REDIRECTS,
    REDIRECTS,
    WEB_PAGE_STATUSES,
    Network,
    circle_reason,
    moved_base,
    portal_reason,
    redirect_target,
)
from sync.device.transfer.deadlines_and_rates import MOST_WINDOWS, Deadlines, RateLimiter, why_given_up
from sync.device.transfer.http_reader import Head, HttpReader, NotReached, retry_after_s
from sync.device.transfer.sources import ORIGIN
from sync.device.transfer.transfer_queue import TransferQueue
from sync.errors import CorruptContent, OriginRefused, OriginUnreachable, SignageError, StorageBroken, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.durable_files import is_of_one_file
from sync.runtime.threads import Turn
from sync.wire.chunk_index import Chunk
from sync.wire.content_paths import asset_path, index_path
from sync.wire.release import INDEX_CAP_BYTES
from sync.wire.value_types import printable

BAD_CHUNKS = 2
"""After so many wrong chunks in one answer the rest of it is not read."""

TOLD_S = 1.0
"""How often the queue is told what was received, so that a slow line is measured soon."""

KEEP_S = 5.0
"""How often the beginning of an unfinished chunk is written to its file, so that little is lost in a kill."""

LONG_BYTES = 128 * 1024
"""A chunk of so many bytes is hashed and written beside others: that takes longer than to change threads."""


class FetchWorker:
    """One worker thread, with one connection and one buffer."""

    def __init__(
        self,
        queue: TransferQueue,
        clock: Clock,
        network: Network,
        deadlines: Deadlines,
        limiter: RateLimiter,
        turn: Turn,
    ) -> None:
        self.fetch: Fetch | None = None
        self._limiter = limiter
        self._turn = turn
        self._queue = queue
        self._clock = clock
        self._network = network
        self._window_s = deadlines.window_s
        self._reader = HttpReader(network, deadlines, turn)
        self._buffer = bytearray()
        self._stopped = threading.Event()
        self._useful_bytes = 0
        self._pace = _Pace(0.0)

    def run(self) -> None:
        """Fetch until nothing can begin."""
        try:
            while (fetch := self._next()) is not None:
                self.fetch = fetch
                self._reader.resume()
                started_s, self._useful_bytes, failed = self._clock.monotonic(), 0, True
                reserved = self._limiter.reserve(fetch.source.url, fetch.asked)
                try:
                    failed = not self._attempt(fetch)
                finally:
                    self._queue.end(fetch, self._useful_bytes, self._clock.monotonic() - started_s, failed=failed)
                    self._limiter.give_back(reserved)
        finally:
            self._reader.close()  # and leaves its turn, also after a bug

    def _next(self) -> Fetch | None:
        """Return what to fetch now; waits shortly for the limiter, so that the connection is used again."""
        while not self._stopped.is_set():
            taken = self._queue.take()
            if isinstance(taken, Fetch):
                return taken
            if not taken:
                return None
            self._turn.leave()
            self._stopped.wait(taken)
            self._queue.end_pause()
        return None

    def stop(self) -> None:
        """End soon. Called from another thread."""
        self._stopped.set()
        self._reader.interrupt()

    def drop(self, fetch: Fetch) -> None:
        """End this fetch, if it is the present one. Called from another thread."""
        if self.fetch is fetch:
            self._reader.interrupt()

    def _attempt(self, fetch: Fetch) -> bool:
        """Fetch; record a fault and return False if there is one."""
        try:
            if fetch.span is None or fetch.part is None:
                self._fetch_list(fetch)
                return True
            return self._fetch_span(fetch, fetch.part)
        except _TurnOver:
            self._reader.close()
            return True
        except (StorageFull, StorageBroken) as error:
            self._reader.close()
            if is_of_one_file(error):
                self._queue.refuse(fetch.asset.sha256, error, fetch.part)
            else:
                self._queue.stop(error)
        except (SignageError, OSError) as error:
            self._reader.close()
            if not self._reader.interrupted:
                self._record(fetch, error)
        return False

    def _record(self, fetch: Fetch, error: SignageError | OSError) -> None:
        if isinstance(error, NotReached):
            self._queue.fail_source(fetch, error)
        elif isinstance(error, SignageError):
            self._queue.fail(fetch, error)
        else:
            reason = self._network.reason(error, fetch.source.base)
            self._queue.fail(fetch, OriginUnreachable(f"{fetch.source.base} does not answer: {reason}"))

    def _fetch_list(self, fetch: Fetch) -> None:
        head = self._ask(fetch, index_path(fetch.asset.index), {})
        if head.status != 200 or head.length is None or head.length > INDEX_CAP_BYTES:
            raise _refusal(fetch, head, f"at most {INDEX_CAP_BYTES}", good=(200,))
        raw = self._view(head.length)
        self._receive(fetch, raw, 0)
        self._reader.end()
        self._useful_bytes = len(raw)
        self._queue.listed(fetch, bytes(raw))

    def _fetch_span(self, fetch: Fetch, part: PartialFile) -> bool:
        assert fetch.span is not None
        kept = part.kept_bytes(fetch.span.chunks[0])
        first, size = fetch.span.offset + kept, part.index.size_bytes
        wanted = fetch.span.length - kept
        last = first + (wanted if fetch.most_bytes is None else min(wanted, fetch.most_bytes)) - 1
        head = self._ask(fetch, asset_path(fetch.asset.sha256), {"Range": f"bytes={first}-{last}"})
        whole = head.status == 200
        _check(fetch, head, f"bytes {first}-{last}/{size}", size if whole else last - first + 1)
        if whole and not self._queue.claim_whole(fetch):
            self._reader.close()
            return True
        self._pace.yields = not whole  # that would begin anew, so it makes room for nobody
        bad = 0
        for chunk in part.index.chunks if whole else fetch.span.chunks:
            if not whole and chunk.offset + chunk.length > last + 1:
                self._fetch_beginning(fetch, part, chunk, kept, last + 1 - chunk.offset)
                break
            bad += not self._fetch_chunk(fetch, part, chunk, 0 if whole else kept)
            kept = 0
            if bad >= BAD_CHUNKS or self._reader.interrupted:
                self._reader.close()
                return bad == 0
        if bad:
            self._reader.close()  # what comes next on it may be of another request too
        self._reader.end()
        return bad == 0

    def _fetch_chunk(self, fetch: Fetch, part: PartialFile, chunk: Chunk, kept: int) -> bool:
        """Read one chunk, whose first `kept` bytes are in the file; return False if its bytes are wrong."""
        content, known = self._view(chunk.length), part.has(chunk)
        try:
            if kept:
                part.read_kept(chunk, content[:kept])
            self._receive(fetch, content, kept, None if known else (part, chunk))
            if known:
                return True
            if chunk.length >= LONG_BYTES:
                self._turn.leave()
            part.write(chunk, content)
        except CorruptContent as error:
            part.drop_kept(chunk)
            pieces = fetch.most_bytes is not None and chunk.length > fetch.most_bytes  # it never comes in one request
            if not kept or pieces:  # else another request, perhaps to another source, brought its beginning
                self._queue.fail(fetch, error)
            return False
        self._useful_bytes += chunk.length - kept
        return True

    def _fetch_beginning(self, fetch: Fetch, part: PartialFile, chunk: Chunk, kept: int, until: int) -> None:
        """Read a chunk up to `until`, where a limit ends the request; the next one goes on there."""
        if until <= kept:
            return
        content = self._view(chunk.length)[:until]
        self._receive(fetch, content, kept, (part, chunk))
        part.keep(chunk, content, kept)
        self._useful_bytes += until - kept

    def _receive(
        self, fetch: Fetch, content: memoryview, done: int, keep: tuple[PartialFile, Chunk] | None = None
    ) -> None:
        """Fill `content` from the body. What came of a chunk that has to be kept is written to its file at the end."""
        began, kept, told, kept_s = done, done, done, self._clock.monotonic()
        told_s = kept_s
        try:
            while done < len(content):
                count = self._reader.read_into(content[done:])
                if not count:
                    raise OriginUnreachable(f"{fetch.source.base}: the response ended too early")
                done += count
                self._pace.bytes += count
                if done == len(content):
                    break  # however slow it was: all of a chunk is never kept as its beginning
                self._check_pace(fetch)
                if self._pace.now_s - told_s >= TOLD_S:
                    self._pace.may_go_on = self._queue.received(fetch, done - told)
                    told, told_s = done, self._pace.now_s
                if keep is not None and self._pace.now_s - kept_s >= KEEP_S:
                    keep[0].keep(keep[1], content[:done], kept)
                    kept, kept_s = done, self._pace.now_s
        except (SignageError, OSError):
            if keep is not None and done > kept:
                keep[0].keep(keep[1], content[:done], kept)
            self._useful_bytes += done - began if keep is not None else 0
            raise
        finally:
            self._queue.received(fetch, done - told)

    def _check_pace(self, fetch: Fetch) -> None:
        pace = self._pace
        if not pace.may_go_on:
            raise _TurnOver
        pace.now_s = self._clock.monotonic()
        took_s = pace.now_s - pace.since_s
        if took_s < self._window_s:
            return
        bytes_s, pace.windows = pace.bytes / took_s, pace.windows + 1
        usual = fetch.source.usual_bytes_s(pace.now_s)
        waits = pace.yields and self._queue.work_waits()
        if why := why_given_up(bytes_s, usual, work_waits=waits):
            raise OriginUnreachable(f"{fetch.source.base}: {why}")
        if (waits and pace.windows >= MOST_WINDOWS) or (pace.yields and self._queue.is_outpaced(fetch, bytes_s)):
            raise _TurnOver
        pace.since_s, pace.bytes = pace.now_s, 0

    def _ask(self, fetch: Fetch, path: str, headers: dict[str, str]) -> Head:
        """Return the head of the answer, after redirects."""
        source = fetch.source
        url = source.base + path
        for _ in range(MOST_REDIRECTS + 1):
            try:
                head = self._reader.get(url, headers)
            except NotReached as error:
                source.base = f"{source.url}/content/"  # the redirect that was followed before may be gone
                if url.startswith(source.base):
                    raise
                raise OriginUnreachable(str(error)) from error  # where it redirects to is at fault, for this asset
            location = head.headers.get("location", "")
            if head.status not in REDIRECTS or not location:
                self._pace = _Pace(self._clock.monotonic())
                return head
            self._reader.end()
            target = redirect_target(url, location, head.status, secret=False)
            source.base = moved_base(source.base, url, target)
            url = target
        raise OriginUnreachable(circle_reason(source.base + path, url))

    def _view(self, length: int) -> memoryview:
        if len(self._buffer) < length:
            self._buffer = bytearray(length)
        return memoryview(self._buffer)[:length]


class _TurnOver(SignageError):
    """A request ends early: others wait, another source is faster, or the budget is spent. What it received is kept."""


class _Pace:
    """The speed of a body in the present window."""

    __slots__ = ("bytes", "may_go_on", "now_s", "since_s", "windows", "yields")

    def __init__(self, now_s: float) -> None:
        self.now_s = self.since_s = now_s
        self.bytes = self.windows = 0
        self.yields = self.may_go_on = True


def _check(fetch: Fetch, head: Head, content_range: str, length: int) -> None:
    """Accept the requested range or the complete asset; refuse any other response before its body is read."""
    sent = head.headers.get("content-range", "")
    if head.status == 206 and sent != content_range:
        came = printable(sent, 100) if sent else "an answer without a range"
        raise OriginUnreachable(f"media: {content_range} was requested, and {came} came")
    if head.status not in (200, 206) or head.length != length or _encoding(head):
        raise _refusal(fetch, head, str(length))


def _encoding(head: Head) -> str:
    encoding = head.headers.get("content-encoding", "")
    return "" if encoding == "identity" else printable(encoding, 40)


def _refusal(fetch: Fetch, head: Head, wanted: str, good: tuple[int, ...] = (200, 206)) -> SignageError:
    """Return what is wrong with an answer that is not what was asked for."""
    page = head.headers.get("content-type", "").startswith("text/html")
    if head.status not in good:
        wait_s = retry_after_s(head.headers.get("retry-after", ""), head.headers.get("date", ""))
        who = "the origin" if fetch.source.name == ORIGIN else fetch.source.url
        reason = f"media: {who} answers with status {head.status}"
        if page and head.status in WEB_PAGE_STATUSES:
            reason = portal_reason("media", head.status)
        return OriginRefused(reason, status=head.status, retry_after_s=wait_s)
    if page:
        return OriginUnreachable(portal_reason("media"))
    if encoding := _encoding(head):
        return OriginUnreachable(f"media: the answer is compressed ({encoding}), which was not asked for")
    if head.length is None:
        return OriginUnreachable(f"media: the answer does not say how long it is; {wanted} bytes were expected")
    return OriginUnreachable(f"media: {head.length} bytes instead of {wanted}")
