"""The gateway between ffmpeg and the network: the only server that an ffmpeg for HTTP and HLS streams may reach.

ffmpeg asks it for every part of a stream. The gateway fetches the part itself and leads what a playlist names through
itself again, so that no redirect, playlist, segment or key reaches a file, another protocol or this device itself. Of
the variants of an HLS stream it lets one through. To other servers it opens a relay.
"""

import asyncio
import base64
import binascii
import logging
import re
import secrets
import shutil
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from player.platform.own_addresses import OwnPorts
from player.streams.hls import HEAD, NO_MEDIA, Carried, StreamPart, lead_through, target, what_text_is
from player.streams.relay import open_relay
from player.streams.remuxing import LISTENING, Remuxing
from player.streams.upstream import ANSWER_WITHIN_S, Answer, Upstream, open_upstream
from sync.device.transfer.connection import Network
from sync.errors import MediaUnplayable
from sync.http.listener import serve_http
from sync.http.listening_socket import ConnectionLimits
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread
from sync.wire.stream_url import shown_url, stream_name

PLAYLIST_CAP_BYTES = 4 * 1024 * 1024
_REST = 4  # times what a playlist cost the processor, before ffmpeg gets it and asks again
_HTTP = ("http", "https")
_REASONS_KEPT = 64
_PASSED_ON = ("Content-Type", "Content-Length", "Content-Range", "Accept-Ranges")
_BEFORE_TEXT = b"\xef\xbb\xbf \t\r\n"
_PLAIN_VALUE = re.compile(r"[\x20-\x7e]*")
_NAMES_KEPT = ("m3u8", "mp3", "ac3", "eac3", "ec3")  # by their ends
_NAME_OF_ANY_VIDEO = ".m4s"  # ffmpeg refuses segments by their names since 2025; this one it takes for MPEG-TS and MP4
_LONGEST_ADDRESS = 4000  # ffmpeg cuts a line of a playlist at 4095
_READY_WITHIN_S = 5.0
_LIMITS = ConnectionLimits(64, 64)  # two decks use a handful
_PAUSED_S = 3600.0  # ffmpeg takes nothing while a film that it has read ahead plays

_DIRECT = Network()

log = logging.getLogger(__name__)


@dataclass(slots=True)
class LineRate:
    """What the line carried, and which variants of which streams came too slowly. Times are monotonic seconds."""

    _SLOW_FOR_S = 600.0
    _TOLERATED = 1.25  # of its own length a part may take
    _COUNTED_BYTES, _COUNTED_S = 100_000, 2.0  # less tells nothing
    _HEADROOM = 0.9

    recent: deque[float] = field(default_factory=lambda: deque(maxlen=20))  # bits a second
    too_slow: dict[str, tuple[int, float]] = field(default_factory=dict)  # stream: bits of the variant, until when

    def add(self, part: StreamPart, size: int, read_s: float, write_s: float, now_s: float) -> None:
        """Count a segment of `size` bytes: how long it was waited for, and how long ffmpeg did not take it.

        One that took about as long as it plays tells nothing of the line: a live server sends it while it is made.
        """
        length_s = part.length_ms / 1000
        is_slow, is_fast = read_s > self._TOLERATED * length_s, read_s < length_s / 2
        if not length_s or not (is_slow or is_fast):
            return
        if (size >= self._COUNTED_BYTES or read_s > self._COUNTED_S) and write_s < read_s / 4:
            self.recent.append(size * 8 / read_s)
        if part.bits and is_slow:
            if self.too_slow.get(part.stream, (0, 0.0))[0] != part.bits:
                log.info("stream=%s its variant of %d bit/s comes too slowly", part.stream, part.bits)
            self.too_slow[part.stream] = part.bits, now_s + self._SLOW_FOR_S

    def carries(self, stream: str, now_s: float) -> float | None:
        """Return how many bits a second a variant of `stream` may have; None while that is not known."""
        bits, until_s = self.too_slow.get(stream, (0, 0.0))
        limits = [max(self.recent) * self._HEADROOM] if self.recent else []
        if now_s < until_s:
            limits.append(bits - 1)
        return min(limits, default=None)


@dataclass(frozen=True, slots=True)
class _Begun:
    """An answer of which the first bytes are there."""

    of: StreamPart
    response: aiohttp.ClientResponse
    head: bytes
    asked_s: float


class StreamGateway:
    """A service; `network`, `own_ports` and `screen` (width and height, upright) return what holds now."""

    def __init__(
        self,
        clock: Clock,
        network: Callable[[], Network] = lambda: _DIRECT,
        own_ports: OwnPorts = lambda _: False,
        screen: Callable[[], tuple[int, int]] = lambda: (1920, 1080),
    ) -> None:
        self.received_bytes = 0
        self._clock = clock
        self._network = network
        self._own_ports = own_ports
        self._screen = screen
        self._secret = secrets.token_urlsafe(16)
        self._base = ""
        self._ready = asyncio.Event()
        self._urls: dict[str, str] = {}  # of the streams that are being read, by their names
        self._readers: Counter[str] = Counter()
        self._reasons: OrderedDict[str, str] = OrderedDict()  # why a stream, or a part of it, was refused
        self._remuxing = Remuxing(
            self.opened,
            lambda url, why: self._refused(_name(url), why),
            clock,
            lambda received: self._network().meter.add(0, received),
        )
        self._rate = LineRate()

    async def run(self) -> None:
        """Serve ffmpeg until cancelled."""
        async with open_upstream(self._network, self._own_ports) as upstream:

            async def answer(request: web.Request) -> web.StreamResponse:
                return await self._answer(request, upstream)

            application = web.Application()
            application.router.add_get("/{path:.*}", answer)
            serving = serve_http(application, "127.0.0.1", 0, limits=_LIMITS, shutdown_s=0.1, stalled_s=_PAUSED_S)
            async with serving as self._base, self._remuxing.serve():
                self._ready.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    self._ready.clear()

    async def source(self, url: str) -> str:
        """Return what a deck opens instead of `url`.

        Raises:
            MediaUnplayable: streams cannot be opened.
        """
        if shutil.which("ffmpeg") is None:
            raise MediaUnplayable("network streams need ffmpeg: install it on this device (apt install ffmpeg)")
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                await self._ready.wait()
        except TimeoutError as error:
            raise MediaUnplayable("the player cannot open streams yet") from error
        self._reasons.pop(_name(url), None)
        return self._remuxing.ticket(url)

    @asynccontextmanager
    async def opened(self, url: str) -> AsyncIterator[str]:
        """Yield what ffmpeg opens instead of `url`; there is a way to the stream until the end of the block.

        Raises:
            MediaUnplayable: the address of the stream is of no server.
        """
        parts, name = urlsplit(url), _name(url)
        if parts.scheme in LISTENING:  # ffmpeg connects to nobody
            yield url if parts.hostname else parts._replace(netloc=f"0.0.0.0:{parts.port}").geturl()
        elif parts.scheme in _HTTP:
            self._urls[name] = target("", url)
            self._readers[name] += 1
            try:
                yield self._address(StreamPart(name, ""))
            finally:
                self._readers[name] -= 1
                if not self._readers[name]:
                    del self._urls[name], self._readers[name]
        else:
            refused = partial(self._refused, name)
            async with open_relay(url, self._network(), self._own_ports, refused) as address:
                yield address

    def refusal(self, url: str) -> str:
        """Return why the gateway refused a part of the stream when it was opened last; empty if it did not."""
        return self._reasons.get(_name(url), "")

    def _refused(self, name: str, why: str) -> None:
        self._reasons[name] = why
        if len(self._reasons) > _REASONS_KEPT:
            self._reasons.popitem(last=False)

    # ── addresses of pieces ────────────────────────────────────────────────────────────────────────────────────────

    def _address(self, part: StreamPart) -> str:
        known = part.url or self._urls[part.stream]
        name = re.sub(r"[^\w.-]", "", urlsplit(known).path.rpartition("/")[2], flags=re.ASCII)[-60:] or "stream"
        if part.url and name.rpartition(".")[2].lower() not in _NAMES_KEPT:
            name += _NAME_OF_ANY_VIDEO
        url = base64.urlsafe_b64encode(part.url.encode()).decode() or "-"
        address = f"{self._base}/{self._secret}/{part.stream}/{part.bits}/{part.length_ms}/{url}/{name}"
        if len(address) > _LONGEST_ADDRESS:
            raise MediaUnplayable(f"{shown_url(part.url)[:200]} has {len(part.url)} letters: that is too long")
        return address

    def _part(self, path: str) -> StreamPart | None:
        """Return what ffmpeg asks for; None if the address is not one of ours."""
        parts = path.split("/")
        if len(parts) != 7 or not secrets.compare_digest(parts[1].encode(), self._secret.encode()):
            return None
        _, _, stream, bits, length_ms, encoded, _ = parts
        try:
            url = self._urls[stream] if encoded == "-" else base64.urlsafe_b64decode(encoded).decode()
            return StreamPart(stream, url, int(bits), int(length_ms))
        except (KeyError, ValueError, binascii.Error):
            return None

    # ── answers ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _answer(self, request: web.Request, upstream: Upstream) -> web.StreamResponse:
        part = self._part(request.path)
        if part is None:
            return web.Response(status=403)
        asked_s = self._clock.monotonic()
        try:
            async with upstream.get(part.url, dict(request.headers)) as answer:
                return await self._pass_on(request, part, answer, asked_s)
        except MediaUnplayable as error:
            self._refused(part.stream, str(error))
            return web.Response(status=403)

    async def _pass_on(
        self, request: web.Request, part: StreamPart, answer: Answer, asked_s: float
    ) -> web.StreamResponse:
        response = answer.response
        if response.status not in (200, 206):
            reason = f"{shown_url(answer.url)[:200]} answers with status {response.status}"
            self._refused(part.stream, self._reasons.get(part.stream, reason))
            return web.Response(status=response.status if response.status >= 400 else 502)
        head = await self._first_bytes(response)
        at_start = response.status == 200 or response.headers.get("Content-Range", "").startswith("bytes 0-")
        text = head.lstrip(_BEFORE_TEXT)
        if at_start and text.startswith(HEAD):
            return await self._playlist(part, answer, head)
        if at_start and text.startswith(NO_MEDIA) and part.url == self._urls.get(part.stream):  # a key may begin so
            raise MediaUnplayable(f"{shown_url(answer.url)[:200]} {what_text_is(text)}")
        kept = {name: response.headers.get(name, "") for name in _PASSED_ON}
        passed = {name: value for name, value in kept.items() if value and _PLAIN_VALUE.fullmatch(value)}
        out = web.StreamResponse(status=response.status, headers=passed)
        await out.prepare(request)
        await self._copy(request, out, _Begun(part, response, head, asked_s))
        return out

    async def _first_bytes(self, response: aiohttp.ClientResponse) -> bytes:
        head = b""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                while len(head) < _telling_bytes(head) and (more := await response.content.readany()):
                    head += more
        except (TimeoutError, aiohttp.ClientError) as error:
            raise MediaUnplayable(f"{shown_url(str(response.url))[:200]} sends too slowly, or breaks off") from error
        return head

    async def _playlist(self, part: StreamPart, answer: Answer, head: bytes) -> web.Response:
        content = bytearray(head)
        where = shown_url(answer.url)[:200]
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                while more := await answer.response.content.readany():
                    content += more
                    if len(content) > PLAYLIST_CAP_BYTES:
                        raise MediaUnplayable(f"{where} is a playlist of more than {PLAYLIST_CAP_BYTES >> 20} MiB")
        except (TimeoutError, aiohttp.ClientError) as error:
            raise MediaUnplayable(f"{where} sends its playlist too slowly, or not to its end") from error
        self.received_bytes += len(content)
        base = StreamPart(part.stream, answer.url, part.bits)
        carried = Carried(*self._screen(), self._rate.carries(part.stream, self._clock.monotonic()))
        began_s = self._clock.monotonic()
        text = content.decode("utf-8-sig", errors="replace")
        led = await in_thread(lead_through, text, base, carried, self._address)
        await self._clock.sleep(min(ANSWER_WITHIN_S, _REST * (self._clock.monotonic() - began_s)))
        return web.Response(text=led, content_type="application/vnd.apple.mpegurl")

    async def _copy(self, request: web.Request, out: web.StreamResponse, begun: _Begun) -> None:
        """Pass the body on, and measure how long it was waited for."""
        clock, size, write_s = self._clock, 0, 0.0
        try:
            chunk = begun.head
            while chunk:
                size += len(chunk)
                self.received_bytes += len(chunk)
                before_s = clock.monotonic()
                await out.write(chunk)
                write_s += clock.monotonic() - before_s
                chunk = await begun.response.content.readany()
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            if request.transport is not None:
                request.transport.abort()  # an orderly end would pass for the whole
        finally:
            now_s = clock.monotonic()
            self._rate.add(begun.of, size, max(0.001, now_s - begun.asked_s - write_s), write_s, now_s)


def _telling_bytes(head: bytes) -> int:
    """Return how many bytes tell what begins so; in XML comments may come first."""
    return 1024 if head.lstrip(_BEFORE_TEXT).startswith(b"<") else 16


def _name(url: str) -> str:
    """Return a short name of a stream: it stands in each address of a playlist."""
    return stream_name(url)[:16]
