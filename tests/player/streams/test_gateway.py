"""The gateway between ffmpeg and the network: what a server may lead to, and what it never reaches."""

import asyncio
import itertools
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Container, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from player.deck.vlc.media_source import StreamRemuxer
from player.platform.own_addresses import may_reach
from player.streams.gateway import LineRate, StreamGateway
from player.streams.hls import StreamPart
from player.streams.remuxing import command, environment
from sync.device.transfer.connection import ConnectionSettings, Network
from sync.errors import MediaUnplayable
from sync.runtime.clock import SystemClock
from sync.wire.stream_url import shown_url
from tests.player.director.venue import eventually
from tests.player.stream_servers import free_port
from tests.sync.certificates import make_company
from tests.sync.counting_gate import counting_gate
from tests.sync.http_proxy import http_proxy

SEGMENT = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n"
KEY = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI="{}"\n#EXTINF:2,\nfilm.ts\n#EXT-X-ENDLIST\n'
MAP = '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI="{}"\n#EXTINF:2,\nfilm.ts\n#EXT-X-ENDLIST\n'
NESTED = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\n{}\n"
PLACES = (SEGMENT, KEY, MAP, NESTED, "ffconcat version 1.0\nfile '{}'\n", "v=0\nc=IN IP4 {}\nm=video 9 RTP/AVP 33\n")


class Site:
    """A hostile server; what it answers is set by path."""

    def __init__(self) -> None:
        self.port = 0
        self.bodies: dict[str, bytes] = {}
        self.redirects: dict[str, tuple[int, str]] = {}
        self.asked: list[str] = []
        self.cookies: list[str] = []  # that came with each request
        self.digest = ""  # the login that it wants
        self.slow: dict[str, float] = {}  # seconds between the two halves of a body

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        self.cookies.append(request.headers.get("Cookie", ""))
        if self.digest and not request.headers.get("Authorization", "").startswith('Digest username="eve"'):
            return web.Response(status=401, headers={"WWW-Authenticate": self.digest})
        if request.path in self.slow:
            response = web.StreamResponse()
            await response.prepare(request)
            for half in range(2):
                await response.write(b"half of a film")
                await asyncio.sleep(0 if half else self.slow[request.path])
            return response
        if request.path in self.redirects:
            status, location = self.redirects[request.path]
            return web.Response(status=status, headers={"Location": location, "Set-Cookie": "session=1; Path=/"})
        body = self.bodies.get(request.path)
        return web.Response(status=404) if body is None else web.Response(body=body)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def device_endpoint() -> Iterator[tuple[int, list[bytes]]]:
    """Something on this device that no stream may reach, at all of its addresses; yields its port and what it got."""
    got: list[bytes] = []
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(1)
                    got.append(b"connected")
                    got.append(connection.recv(100))

        threading.Thread(target=serve, name="endpoint", daemon=True).start()
        try:
            yield listening.getsockname()[1], got
        finally:
            listening.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def open_site(
    network: Network | None = None, tls: ssl.SSLContext | None = None, ports: Container[int] = ()
) -> AsyncIterator[tuple[Site, StreamGateway]]:
    """A site on this machine, and a gateway that may reach its port and `ports` alone."""
    site = Site()
    application = web.Application()
    application.router.add_get("/{path:.*}", site.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    site.port = runner.addresses[0][1]
    way = network or Network()
    gateway = StreamGateway(SystemClock(), lambda: way, lambda port: port == site.port or port in ports)
    service = asyncio.create_task(gateway.run())
    try:
        yield site, gateway
    finally:
        service.cancel()
        await asyncio.gather(service, return_exceptions=True)
        await runner.cleanup()


@asynccontextmanager
async def opened(gateway: StreamGateway, url: str) -> AsyncIterator[str]:
    """Yield what ffmpeg opens for a stream that a deck asked for."""
    await gateway.source(url)
    async with gateway.opened(url) as address:
        yield address


async def fetch(gateway: StreamGateway, url: str) -> tuple[int, bytes]:
    """Ask the gateway for a stream as ffmpeg does."""
    async with opened(gateway, url) as source, aiohttp.ClientSession() as session, session.get(source) as answer:
        return answer.status, await answer.read()


async def ffmpeg_output(gateway: StreamGateway, url: str, *, says: str = "") -> bytes:
    """Return the first 64 KiB that a deck gets of a stream, once the last error of ffmpeg has `says` in it."""
    return await output_of(StreamRemuxer(await gateway.source(url), "mpegts"), says)


async def output_of(remuxer: StreamRemuxer, says: str = "") -> bytes:
    def read() -> bytes:
        with os.fdopen(os.dup(int(remuxer.address.removeprefix("fd://"))), "rb") as pipe:
            return pipe.read(65_536)

    try:
        output = await asyncio.wait_for(asyncio.to_thread(read), 60)
        await eventually(lambda: says in remuxer.last_error)
        return output
    finally:
        remuxer.close()


def own_lan_address() -> str:
    """Return an address of this machine that is not loopback; loopback where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.254", 9))  # sends nothing
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


OTHER_MACHINE = "127.0.0.2"


@asynccontextmanager
async def changing_name(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, list[str]]]:
    """A name that leads to another machine at the first look-up, to this device at the second, and so on.

    Yields the name with a port, which both have, and the addresses at which somebody connected.
    """
    known, allowed, look_ups, asked = socket.getaddrinfo, may_reach, itertools.count(), list[str]()

    def look_up(host: str, *rest: Any, **how: Any) -> Any:
        if host == "changes.example":
            host = "127.0.0.1" if next(look_ups) % 2 else OTHER_MACHINE
        return known(host, *rest, **how)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(writer.get_extra_info("sockname")[0])
        await reader.read(4096)
        writer.write(answer)
        writer.close()

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    monkeypatch.setattr("player.streams.upstream._CACHED_NAMES_S", 0)
    for user in ("upstream", "relay"):
        check = f"player.streams.{user}.may_reach"
        monkeypatch.setattr(check, lambda address, *rest: address == OTHER_MACHINE or allowed(address, *rest))
    async with await asyncio.start_server(serve, OTHER_MACHINE, 0) as other:
        port = other.sockets[0].getsockname()[1]
        async with await asyncio.start_server(serve, "127.0.0.1", port):
            yield f"changes.example:{port}", asked


async def test_a_name_that_leads_elsewhere_after_the_look_up_never_reaches_this_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfilm"
    async with open_site() as (_, gateway), changing_name(answer, monkeypatch) as (name, asked):
        answers = [await fetch(gateway, f"http://{name}/film") for _ in range(4)]
        assert answers == [(200, b"film"), (403, b"")] * 2
        assert asked == [OTHER_MACHINE] * 2


OWN = (
    "127.0.0.1", "127.9.9.9", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "localhost",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "①②⑦.0.0.1",
    "user@127.0.0.1", "169.254.169.254", "[fe80::1]", "255.255.255.255", "LAN", "[::ffff:LAN]",
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_redirect_segment_key_or_playlist_reaches_this_device(scheme: str) -> None:
    with device_endpoint() as (port, got):
        async with open_site() as (site, gateway):
            for number, host in enumerate(OWN):
                url = f"{scheme}://{host.replace('LAN', own_lan_address())}:{port}/v1/screenshot"
                site.redirects[f"/{number}"] = 302, url
                for where in (url, site.url(f"/{number}")):
                    status, body = await fetch(gateway, where)
                    assert (status, body) == (403, b"") and gateway.refusal(where), where
            assert "address of this device" in gateway.refusal(site.url("/0"))
        assert got == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed_to_http_alone_and_not_for_ever(status: int) -> None:
    async with open_site() as (site, gateway):
        site.bodies["/a/film"] = b"film"
        site.redirects |= {"/1": (status, "/a/2"), "/a/2": (status, "../a/film"), "/loop": (status, "loop")}
        assert await fetch(gateway, site.url("/1")) == (200, b"film")
        assert site.cookies == ["", "session=1", "session=1"]
        assert await fetch(gateway, site.url("/loop")) == (403, b"")
        assert "redirect too many" in gateway.refusal(site.url("/loop")) and site.asked.count("/loop") < 12
        for where in ("file:///etc/passwd", "gopher://127.0.0.1/", "data:text/plain,x", "concat:/etc/passwd", "//", ""):
            site.redirects["/away"] = status, where
            assert (await fetch(gateway, site.url("/away")))[0] == 403, where
            assert "http and https only" in gateway.refusal(site.url("/away")) or not where.strip("/")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder with a film to show, and one on this device that nobody may see."""
    for name, colour in (("film.ts", "red"), ("secret.ts", "blue")):
        source = ["-f", "lavfi", "-i", f"color={colour}:s=64x64:d=1", "-c:v", "libx264", "-f", "mpegts"]
        subprocess.run(["ffmpeg", "-v", "error", *source, tmp_path / name], check=True, timeout=60)
    return tmp_path


async def test_ffmpeg_never_gets_a_file_or_this_device_out_of_a_stream(films: Path) -> None:
    with device_endpoint() as (port, got):
        async with open_site() as (site, gateway):
            site.bodies["/film.ts"] = (films / "film.ts").read_bytes()
            site.bodies["/good.m3u8"] = SEGMENT.format("film.ts").encode()
            site.bodies["/nested.m3u8"] = NESTED.format("good.m3u8").encode()
            site.bodies["/odd"] = SEGMENT.format("film.ts/part.jpg;a=1?b=2").encode()
            site.bodies["/film.ts/part.jpg;a=1"] = site.bodies["/film.ts"]
            for good in ("/film.ts", "/nested.m3u8", "/odd"):
                assert (await ffmpeg_output(gateway, site.url(good)))[:1] == b"\x47", good
            for number, place in enumerate(PLACES):
                site.bodies[f"/{number}"] = place.format(f"file://{films}/secret.ts").encode()
            site.bodies["/own"] = NESTED.format(f"http://127.0.0.1:{port}/v1/screenshot.m3u8").encode()
            for path in list(site.bodies)[5:]:
                assert await ffmpeg_output(gateway, site.url(path)) == b"", path
        assert got == []


async def test_ffmpeg_itself_opens_nothing_else_should_the_gateway_ever_let_an_address_through(films: Path) -> None:
    with device_endpoint() as (port, got):
        async with open_site() as (site, _):
            for number, where in enumerate((f"file://{films}/secret.ts", f"http://127.0.0.1:{port}/a.ts")):
                site.bodies[f"/{number}"] = SEGMENT.format(where).encode()
                asked, own = command(site.url(""), site.url(f"/{number}"), "mpegts"), environment(site.url(""))
                ffmpeg = await asyncio.create_subprocess_exec(*asked, stdout=subprocess.PIPE, env=own)
                assert (await ffmpeg.communicate())[0] == b"", where
            assert site.asked == ["/0", "/1", "/a.ts"], "all of its HTTP goes to the server of its source"
        assert got == []


async def test_no_message_of_ffmpeg_tells_the_addresses_of_the_gateway(films: Path) -> None:
    """They have the secret of the gateway, and all that is secret in the address of a part."""
    async with open_site() as (site, gateway):
        site.bodies["/film.ts"] = (films / "film.ts").read_bytes()
        site.bodies["/live"] = KEY.replace("#EXT-X-KEY", "#EXTINF:1,\nfilm.ts\n#EXT-X-KEY").format("gone?a=1").encode()
        url = site.url("/live").replace("://", "://eve:hush@")
        assert await ffmpeg_output(gateway, url, says=f"key file {shown_url(url)}")


async def test_only_who_knows_the_secret_gets_through(tmp_path: Path) -> None:
    async with open_site() as (site, gateway):
        async with opened(gateway, site.url("/film")) as address, aiohttp.ClientSession() as session:
            root, secret = address.split("/")[2:4]
            for other in (
                "/",
                "/x" + address.partition(secret)[2],
                f"/{secret}",
                f"/{secret}/a/0/0/-/x",
                f"/{secret}/a/x/y/#/x",
            ):
                async with session.get(f"http://{root}{other}") as answer:
                    assert answer.status in (403, 404), other
            async with session.get("http://example.com/", proxy=f"http://{root}") as answer:
                assert answer.status == 403
        assert site.asked == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_streams_take_proxy_and_certificates_of_the_settings_but_never_to_this_device(
    scheme: str, tmp_path: Path
) -> None:
    company = make_company(tmp_path)
    tls = company.server("films.example") if scheme == "https" else None
    async with http_proxy(login="eve:hush") as proxy:
        way = ConnectionSettings(f"http://eve:hush@127.0.0.1:{proxy.port}", ca_certificates=company.file)
        async with open_site(Network(way), tls) as (site, gateway):
            site.bodies["/film"] = b"film"
            proxy.names["films.example"] = "127.0.0.1", site.port
            assert await fetch(gateway, f"{scheme}://films.example/film") == (200, b"film")
            assert gateway.received_bytes == 4 and len(proxy.asked) == 1
            for host in (own_lan_address(), "localhost", "[::1]", "169.254.169.254"):
                assert (await fetch(gateway, f"{scheme}://{host}:1/film"))[0] == 403
            assert len(proxy.asked) == 1
    async with open_site(tls=tls) as (site, gateway):
        url = site.url("/film").replace("http:", f"{scheme}:")
        assert (await fetch(gateway, url))[0] == (403 if tls else 404)
        assert "name that in `origin.ca_certificates`" in gateway.refusal(url) or not tls


async def test_endless_heads_playlists_and_slow_servers_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("player.streams.gateway.ANSWER_WITHIN_S", 0.3)
    monkeypatch.setattr("player.streams.upstream.ANSWER_WITHIN_S", 0.3)
    sent = {
        "head": (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 1000 + b"\r\n"),
        "line": (b"HTTP/1.1 200 OK\r\nX: ", b"c" * 1000),
        "playlist": (b"HTTP/1.1 200 OK\r\n\r\n#EXTM3U\n#EXT-X-VERSION:3\n", b"#EXTINF:1,\na.ts\n" * 1000),
        "silence": (b"", b""),
        "drop": (b"HTTP/1.1 200 OK\r\n\r\n#", b""),
    }

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, more = sent[(await reader.readline()).split()[1].decode().strip("/")]
        writer.write(first)
        try:
            while more:
                writer.write(more)
                await writer.drain()
                await asyncio.sleep(0)
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    gateway = StreamGateway(SystemClock(), own_ports=lambda _: True)
    service = asyncio.create_task(gateway.run())
    for kind in sent:
        assert await fetch(gateway, f"http://127.0.0.1:{port}/{kind}") == (403, b""), kind
        assert gateway.refusal(f"http://127.0.0.1:{port}/{kind}"), kind
    sent["header"] = b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\nContent-Type: \xff\x01\r\n\r\n0123456789abcdef", b""
    assert await fetch(gateway, f"http://127.0.0.1:{port}/header") == (200, b"0123456789abcdef")
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)
    server.close()


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("udp://@239.0.0.1:5000", "udp://@239.0.0.1:5000"),
        ("udp://239.0.0.1:5000?localaddr=192.0.2.9&sources=192.0.2.1", None),
        ("rtp://@:5000", "rtp://0.0.0.0:5000"),
    ],
)
async def test_ffmpeg_itself_listens_for_what_is_sent_to_this_device(url: str, opened: str | None) -> None:
    async with StreamGateway(SystemClock()).opened(url) as address:
        assert address == (opened or url)


async def test_what_a_server_sends_of_a_stream_is_counted() -> None:
    network = Network()
    async with open_site(network, ports=range(1, 65_536)) as (site, gateway), counting_gate(site.port) as gate:
        site.bodies["/film.ts"] = b"\x47" * 300_000
        for path in ("/film.ts", "/gone", "/film.ts"):
            await fetch(gateway, f"http://127.0.0.1:{gate.port}{path}")
        sent, received = network.meter.take()
        assert abs(sent - gate.up) <= 0.02 * gate.up and abs(received - gate.down) <= 0.02 * gate.down > 10_000


def read_to_end(pipe: int) -> None:
    with os.fdopen(pipe, "rb") as file:
        while file.read1():
            pass


async def test_of_what_ffmpeg_receives_itself_what_it_passes_on_is_counted() -> None:
    network, port = Network(), free_port()
    async with open_site(network) as (_, gateway):
        film = ["-re", "-f", "lavfi", "-i", "testsrc=s=320x180:r=25", "-c:v", "libx264", "-preset", "ultrafast"]
        to = f"udp://127.0.0.1:{port}"
        sender = await asyncio.create_subprocess_exec("ffmpeg", "-v", "error", *film, "-g", "5", "-f", "mpegts", to)
        remuxer = StreamRemuxer(await gateway.source(to), "mpegts")
        pipe = os.dup(int(remuxer.address.removeprefix("fd://")))
        reading = asyncio.create_task(asyncio.to_thread(read_to_end, pipe))
        try:
            counted = 0

            def enough() -> bool:
                nonlocal counted
                counted += network.meter.take()[1]
                return counted > 20_000

            await eventually(enough)
        finally:
            remuxer.close()
            sender.kill()
            await asyncio.gather(sender.wait(), reading)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'<?xml version="1.0"?>\n<!-- ' + b"x" * 99 + b'-->\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">', "DASH"),
        (b"\xef\xbb\xbf  <MPD/>", "DASH"),
        (b"<?xml?><SmoothStreamingMedia>", "Smooth Streaming"),
        (b"<!DOCTYPE html>", "web page"),
        (b"<HTML>", "web page"),
        (b"<asx version='3'>", "list of other files"),
        (b"[playlist]\nFile1=http://a/", "list of other files"),
        (b"#EXTM3U\nfilm.mp4\n", "playlist of other files"),
    ],
)
async def test_what_is_no_stream_is_refused_by_its_name(body: bytes, why: str) -> None:
    async with open_site() as (site, gateway):
        site.bodies["/x"], site.redirects["/to"] = body, (302, "/x")
        for path in ("/x", "/to"):
            assert await fetch(gateway, site.url(path)) == (403, b"")
            assert why in gateway.refusal(site.url(path))


async def test_a_key_may_begin_as_a_page_does() -> None:
    async with open_site() as (site, gateway), aiohttp.ClientSession() as session:
        site.bodies |= {"/a.m3u8": KEY.format("key").encode(), "/key": b"<16 random bytes"}
        async with opened(gateway, site.url("/a.m3u8")) as address, session.get(address) as playlist:
            key = (await playlist.text()).partition('URI="')[2].partition('"')[0]
            async with session.get(key) as answer:
                assert await answer.read() == site.bodies["/key"]


async def test_a_stream_is_known_for_as_long_as_it_is_read() -> None:
    """However many others are opened meanwhile; and a ticket opens what it was given out for, as often as wanted."""
    async with open_site() as (site, gateway), aiohttp.ClientSession() as session:
        site.bodies["/live"] = b"a film of more than 16 bytes"
        async with opened(gateway, site.url("/live")) as address, opened(gateway, site.url("/live")):
            for number in range(70):
                assert (await fetch(gateway, site.url(f"/{number}")))[0] == 404
            async with session.get(address) as answer:
                assert answer.status == 200
        async with session.get(address) as answer:
            assert answer.status == 403
        assert "404" in gateway.refusal(site.url("/69")) and not gateway.refusal(site.url("/1"))


@pytest.mark.parametrize(
    ("attempt", "succeeds"),
    [
        ("cat /etc/passwd", False),
        ("ls /proc", False),
        ("cat {folder}/secret", False),
        ("echo x >{folder}/mine", False),
        ("grep -q localhost /etc/hosts", True),
        ("ls /usr", True),
        ("echo x >/dev/null", True),
    ],
)
def test_a_stream_that_took_over_ffmpeg_sees_programs_and_no_other_files(
    tmp_path: Path, attempt: str, succeeds: bool
) -> None:
    (tmp_path / "secret").write_text("token")
    asked = command("udp://@:5000", "udp://@:5000", "nut")
    confined = asked[: asked.index("--", asked.index("sockets")) + 1]
    done = subprocess.run((*confined, "/bin/sh", "-c", attempt.format(folder=tmp_path)), capture_output=True)
    assert (done.returncode == 0) is succeeds, done.stderr


async def test_only_a_ticket_starts_ffmpeg(films: Path) -> None:
    async with open_site() as (site, gateway):
        site.bodies["/film.ts"] = (films / "film.ts").read_bytes()
        source = await gateway.source(site.url("/film.ts"))
        name = source.partition("/")[0]
        for wrong, container in (
            (f"{name}/", "mpegts"),
            (f"{name}/x", "nut"),
            (source, "image2"),
            (source, "nut -y x"),
        ):
            assert await output_of(StreamRemuxer(wrong, container)) == b""
        with socket.socket(socket.AF_UNIX) as without_a_pipe:
            without_a_pipe.connect(f"\0{name}")
            without_a_pipe.send(f"{source.partition('/')[2]} nut".encode())
            assert await asyncio.to_thread(without_a_pipe.recv, 1) == b""
        assert site.asked == []
        assert (await output_of(StreamRemuxer(source, "mpegts")))[:1] == b"\x47"
        assert (await output_of(StreamRemuxer(source, "nut")))[:3] == b"nut"
        assert (await output_of(StreamRemuxer(source, "mp4")))[4:8] == b"ftyp"
    with pytest.raises(MediaUnplayable, match="the player opens no stream"):
        StreamRemuxer(source, "mpegts")


async def test_after_a_stall_a_smaller_variant_is_taken() -> None:
    variant = "#EXT-X-STREAM-INF:BANDWIDTH={0}000,RESOLUTION={0}x9\n{0}.m3u8\n"

    async def taken() -> str:
        """Return the last line of what ffmpeg gets: the address of the variant, or of a segment."""
        return (await fetch(gateway, site.url("/all.m3u8")))[1].decode().split()[-1]

    async with (
        open_site() as (site, gateway),
        aiohttp.ClientSession() as session,
        opened(gateway, site.url("/all.m3u8")),
    ):
        site.bodies["/all.m3u8"] = ("#EXTM3U\n" + variant.format(16) + variant.format(32)).encode()
        site.bodies["/32.m3u8"] = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.2,\n1.ts\n"
        site.slow["/1.ts"] = 0.3
        assert (await taken()).endswith("/32.m3u8")
        async with session.get(await taken()) as playlist:
            segment = (await playlist.text()).split()[-1]
        async with session.get(segment) as answer:
            assert await answer.read() == b"half of a film" * 2
        assert (await taken()).endswith("/16.m3u8")


def test_a_variant_that_comes_too_slowly_is_not_taken_again_for_ten_minutes() -> None:
    rate, segment = LineRate(), StreamPart("s", "http://a.example/1.ts", bits=5_000_000, length_ms=4_000)
    rate.add(StreamPart("t", "http://a.example/live.ts"), 2_500_000, read_s=10.0, write_s=0.0, now_s=0)
    assert rate.carries("s", 0) is None, "a stream without segments comes as it is made"
    for size, read_s, write_s in (
        (2_500_000, 1.0, 0.1),  # the line carries 20 Mbit/s
        (2_500_000, 0.01, 4.0),  # ffmpeg was not ready
        (2_500_000, 4.1, 0.1),  # a live segment, sent while it is made
        (1_000, 0.00001, 0.0),  # too small to tell
    ):
        rate.add(segment, size, read_s, write_s, now_s=10)
        assert rate.carries("s", 10) == pytest.approx(18_000_000)
    rate.add(segment, 2_500_000, read_s=6.0, write_s=0.1, now_s=20)
    assert rate.carries("s", 20) == 4_999_999 and rate.carries("other", 20) == pytest.approx(18_000_000)
    assert rate.carries("s", 621) == pytest.approx(18_000_000)


@pytest.mark.parametrize("address", ["10.1.2.3", "192.0.2.99", "8.8.8.8", "2001:db8::1", "::ffff:10.1.2.3", "fd00::99"])
def test_other_machines_may_be_reached(address: str) -> None:
    assert may_reach(address, 80, lambda _: False)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1%lo", "::ffff:169.254.169.254", "224.0.0.1", "ff02::1"])
def test_a_port_of_this_device_opens_no_port_of_the_cloud(address: str) -> None:
    assert not may_reach(address, 80, lambda _: True) and may_reach("127.0.0.1", 80, lambda port: port == 80)


async def test_a_camera_that_wants_a_digest_gets_one() -> None:
    async with open_site() as (site, gateway):
        site.bodies["/film"], site.digest = b"film", 'Digest realm="camera", nonce="1", qop="auth"'
        assert await fetch(gateway, site.url("/film")) == (401, b"")
        assert await fetch(gateway, site.url("/film").replace("://", "://eve:hush@")) == (200, b"film")
