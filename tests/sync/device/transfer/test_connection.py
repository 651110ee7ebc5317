"""The way to the origin, for documents and media alike: proxies, certificates, redirects, logins, addresses."""

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohappyeyeballs
import pytest
from aiohttp import web

from sync.device.origin_client import open_client
from sync.device.store.content_store import ContentStore
from sync.device.store.partial_file import PartialFile, open_partial_file
from sync.device.transfer import addresses
from sync.device.transfer.connection import DIRECT, ConnectionSettings, Network, parse_proxy, redirect_target
from sync.device.transfer.transfer import ContentTransfer
from sync.errors import OriginRefused, OriginUnreachable, SignageError
from sync.runtime.clock import SystemClock
from sync.runtime.threads import in_thread
from sync.wire.device_reports import Heartbeat
from tests.fakes import FakeClock
from tests.sync.certificates import DAY, Company, make_company
from tests.sync.conftest import running
from tests.sync.device.transfer.one_fetch import fetch
from tests.sync.file_tree_origin import CHUNK, EPOCH, Origin, cut_into, noise
from tests.sync.http_proxy import http_proxy

CONTENT = noise(1, 3 * CHUNK)
NAME = "origin.example"  # known to nobody but the proxy
PROXY = "http://proxy.example:3128"


@pytest.fixture
def part(store: ContentStore) -> PartialFile:
    index = cut_into(CONTENT)
    return open_partial_file(store.media.part_path(index.asset), index, b"", "0" * 64)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return make_company(tmp_path)


@dataclass
class Server:
    """A listening origin: content for everybody, and `/v1/` for who has the token."""

    port: int = 0
    tokens: list[str] = field(default_factory=list)
    elsewhere: Callable[[web.Request], str] | None = None  # where it redirects to
    page: str = ""  # what it sends instead of everything
    status: int = 200

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization"):
            self.tokens.append(f"{request.scheme} {request.headers['Authorization']}")
        if self.elsewhere:
            return web.Response(status=301, headers={"Location": self.elsewhere(request)})
        if self.page or self.status != 200:
            return web.Response(text=self.page, content_type="text/html", status=self.status)
        if request.path.startswith("/v1/"):
            return web.Response(status=204)
        if request.path.endswith(cut_into(CONTENT).asset):
            first, last = (int(end) for end in request.headers["Range"].removeprefix("bytes=").split("-"))
            headers = {"Content-Range": f"bytes {first}-{last}/{len(CONTENT)}"}
            return web.Response(status=206, body=CONTENT[first : last + 1], headers=headers)
        return web.Response(body=b"{}")


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, host, 0, ssl_context=tls).start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


Ask = Callable[[str, Network], Awaitable[None]]


@pytest.fixture(params=["document", "media", "report"])
def ask(request: pytest.FixtureRequest, part: PartialFile) -> Ask:
    """Each way of asking the origin: for public content by either plane, and with the token."""

    async def media(url: str, network: Network) -> None:
        await fetch(ContentTransfer(url, SystemClock(), network=network), part)
        assert part.missing() == ()

    async def document(url: str, network: Network) -> None:
        async with open_client(url, "t0ken", network) as client:
            assert await client.document("roots/1.json", 100) == b"{}"

    async def report(url: str, network: Network) -> None:
        async with open_client(url, "t0ken", network) as client:
            await client.post_heartbeat(Heartbeat(at=EPOCH, version="1"))

    return {"document": document, "media": media, "report": report}[request.param]


@pytest.mark.parametrize(
    ("url", "variables", "settings", "proxy"),
    [
        ("http://a.example/x", {}, ConnectionSettings(), None),
        ("http://a.example/x", {"http_proxy": PROXY}, ConnectionSettings(), PROXY),
        ("http://a.example/x", {"HTTP_PROXY": PROXY}, ConnectionSettings(), PROXY),
        ("http://a.example/x", {"https_proxy": PROXY}, ConnectionSettings(), None),
        ("https://a.example/x", {"https_proxy": "proxy.example:3128"}, ConnectionSettings(), PROXY),
        ("https://a.example/x", {"ALL_PROXY": PROXY}, ConnectionSettings(), PROXY),
        ("https://a.example/x", {"https_proxy": "socks5://p:1080"}, ConnectionSettings(), None),
        ("https://a.example/x", {"https_proxy": "http://p:none"}, ConnectionSettings(), None),
        ("http://a.example/x", {"http_proxy": PROXY}, ConnectionSettings(DIRECT), None),
        ("http://a.example/x", {"http_proxy": "http://other:1"}, ConnectionSettings(PROXY), PROXY),
        ("http://a.example/x", {"no_proxy": "a.example"}, ConnectionSettings(PROXY), PROXY),
        ("http://a.example/x", {"http_proxy": PROXY, "no_proxy": "*"}, ConnectionSettings(), None),
        ("http://a.example/x", {"http_proxy": PROXY, "no_proxy": "b.example , A.Example"}, ConnectionSettings(), None),
        ("http://a.example/x", {"http_proxy": PROXY, "no_proxy": "example"}, ConnectionSettings(), None),
        ("http://a.example/x", {"http_proxy": PROXY, "no_proxy": "ample"}, ConnectionSettings(), PROXY),
        ("http://a.example./x", {"http_proxy": PROXY, "no_proxy": ".example"}, ConnectionSettings(), None),
        ("http://a.example/x", {"http_proxy": PROXY, "no_proxy": "a.example:8090"}, ConnectionSettings(), PROXY),
        ("http://a.example:8090/", {"http_proxy": PROXY, "no_proxy": "a.example:8090"}, ConnectionSettings(), None),
        ("http://10.1.2.3/", {"http_proxy": PROXY, "no_proxy": "10.0.0.0/8"}, ConnectionSettings(), None),
        ("http://10.1.2.3/", {}, ConnectionSettings(PROXY, ("10.1.0.0/16",)), None),
        ("http://[2001:db8::7]/", {}, ConnectionSettings(PROXY, ("2001:db8::/32",)), None),
        ("http://[2001:db8::7]:80/", {}, ConnectionSettings(PROXY, ("[2001:db8::7]:80",)), None),
        ("http://a.example/", {}, ConnectionSettings(PROXY, ("10.0.0.0/8", "", ":", "[", "*.b.example")), PROXY),
        ("http://127.0.0.1:8090/", {"http_proxy": PROXY}, ConnectionSettings(PROXY), None),
        ("http://localhost/", {}, ConnectionSettings(PROXY), None),
        ("http://[::1]/", {}, ConnectionSettings(PROXY), None),
    ],
)
def test_settings_and_variables_say_which_proxy(
    url: str,
    variables: dict[str, str],
    settings: ConnectionSettings,
    proxy: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for kind in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{kind}_proxy", raising=False)
        monkeypatch.delenv(f"{kind}_proxy".upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = Network(settings).proxy(url)
    assert (found and found.address) == proxy


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_everything_goes_through_the_proxy_which_alone_knows_the_name(
    scheme: str, ask: Ask, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = company.server(NAME) if scheme == "https" else None
    async with serving(tls) as server, http_proxy(login="shop:p@ss:w%rd") as proxy:
        proxy.names[NAME] = ("127.0.0.1", server.port)
        address = f"http://shop:p%40ss%3Aw%25rd@127.0.0.1:{proxy.port}"
        network = Network(ConnectionSettings(address, ca_certificates=company.file))
        await ask(f"{scheme}://{NAME}", network)
        assert len(proxy.asked) >= 1
        assert all(one.startswith(f"CONNECT {NAME}:443" if tls else "") and NAME in one for one in proxy.asked)
        monkeypatch.setenv(f"{scheme}_proxy", address)
        proxy.asked.clear()
        await ask(f"{scheme}://{NAME}", Network(ConnectionSettings(ca_certificates=company.file)))


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("login", "refuse", "words"),
    [
        ("", 0, "wants a user and a password (status 407)"),
        ("shop:s3cret@", 0, "does not accept this user and password (status 407)"),
        ("", 403, "status 403"),
        ("shop:s3cret@", -1, "cannot be used: no program listens"),
    ],
)
async def test_what_is_wrong_with_the_proxy_is_said_without_its_password(
    scheme: str, login: str, refuse: int, words: str, ask: Ask, company: Company
) -> None:
    async with http_proxy(login="" if refuse else "shop:other", refuse=max(refuse, 0)) as proxy:
        port = proxy.port if refuse >= 0 else 1
        network = Network(ConnectionSettings(f"http://{login}127.0.0.1:{port}", ca_certificates=company.file))
        with pytest.raises(SignageError) as caught:
            await ask(f"{scheme}://{NAME}", network)
    assert words in str(caught.value) and "s3cret" not in str(caught.value)
    assert f"127.0.0.1:{port} (set by origin.proxy)" in str(caught.value) or refuse == 403


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        (lambda company: company.server("127.0.0.1"), ""),
        (lambda company: company.server("127.0.0.2"), "does not have this address"),
        (lambda company: company.server("127.0.0.1", since=-2 * DAY, until=-DAY), "has expired"),
        (lambda company: company.server("127.0.0.1", since=DAY, until=2 * DAY), "its time has not come yet"),
        (lambda company: company.server("127.0.0.1", signed_by_itself=True), "self-signed|signed by itself"),
    ],
)
async def test_a_company_is_trusted_and_what_is_wrong_with_a_certificate_is_named(
    certificate: Callable[[Company], ssl.SSLContext], words: str, ask: Ask, company: Company
) -> None:
    clock = FakeClock()
    async with serving(certificate(company)) as server:
        url = f"https://127.0.0.1:{server.port}"
        trusted = Network(ConnectionSettings(ca_certificates=company.file), clock)
        if not words:
            with pytest.raises(OriginUnreachable, match="nobody whom this machine trusts issued it"):
                await ask(url, Network())
            await ask(url, trusted)
            return
        with pytest.raises(OriginUnreachable, match=words) as caught:
            await ask(url, trusted)
    if "signed by itself" not in words and "address" not in words:
        assert f"the clock of this machine says {clock.now():%Y-%m-%d %H:%M} UTC" in str(caught.value)


async def test_a_name_that_the_certificate_does_not_have_is_named(ask: Ask, company: Company) -> None:
    async with serving(company.server("other.example")) as server, http_proxy() as proxy:
        proxy.names[NAME] = ("127.0.0.1", server.port)
        network = Network(ConnectionSettings(f"http://127.0.0.1:{proxy.port}", ca_certificates=company.file))
        with pytest.raises(OriginUnreachable, match="it is for another name"):
            await ask(f"https://{NAME}", network)


async def test_a_file_of_certificates_that_cannot_be_used_is_named_and_counts_once_it_can(
    ask: Ask, company: Company, tmp_path: Path
) -> None:
    path = tmp_path / "later.pem"
    network = Network(ConnectionSettings(ca_certificates=path))
    async with serving(company.server("127.0.0.1")) as server:
        url = f"https://127.0.0.1:{server.port}"
        with pytest.raises(OriginUnreachable, match=r"origin.ca_certificates: .* there is no such file"):
            await ask(url, network)
        damaged = b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
        for text in (b"", b"no certificate", b"\x00\xff" * 100, company.file.read_bytes() + damaged):
            path.write_bytes(text)
            with pytest.raises(OriginUnreachable, match=r"later.pem has no certificate, or one that is damaged"):
                await ask(url, network)
        for make in (os.mkfifo, Path.mkdir):  # to read the first one would never end
            path.unlink()
            make(path)
            with pytest.raises(OriginUnreachable, match=r"later.pem is no file"):
                await ask(url, network)
        path.rmdir()
        path.write_bytes(company.file.read_bytes())
        await ask(url, network)


async def test_a_redirect_to_https_of_the_same_host_is_followed_and_remembered(ask: Ask, company: Company) -> None:
    async with serving(company.server("127.0.0.1")) as secure, serving() as plain:
        plain.elsewhere = lambda request: f"https://127.0.0.1:{secure.port}{request.path_qs}"
        url, network = f"http://127.0.0.1:{plain.port}", Network(ConnectionSettings(ca_certificates=company.file))
        await ask(url, network)
        async with open_client(url, "t0ken", network) as client:
            await client.document("roots/1.json", 100)
            plain.tokens.clear()
            await client.post_heartbeat(Heartbeat(at=EPOCH, version="1"))
    assert plain.tokens == [] and secure.tokens[-1] == "https Bearer t0ken"  # nothing more in the clear


@pytest.mark.parametrize("target", ["http://127.0.0.2:{port}", "https://localhost:{port}", "http://127.0.0.1:{port}"])
async def test_the_token_follows_no_redirect_to_another_place(target: str, ask: Ask) -> None:
    async with serving() as other, serving() as origin:
        origin.elsewhere = lambda request: target.format(port=other.port) + request.path_qs
        try:
            await ask(f"http://127.0.0.1:{origin.port}", Network())
        except OriginRefused as error:
            assert "set origin.url to its new address" in str(error)
        except OriginUnreachable as error:  # the other one listens on one address only, and without TLS
            assert "does not answer" in str(error)
    assert other.tokens == [] and len(origin.tokens) <= 1


async def test_content_may_be_redirected_from_https_to_http_and_the_token_may_not(ask: Ask, company: Company) -> None:
    async with serving(company.server("127.0.0.1")) as secure, serving() as plain:
        secure.elsewhere = lambda request: f"http://127.0.0.1:{plain.port}{request.path_qs}"
        network = Network(ConnectionSettings(ca_certificates=company.file))
        try:
            await ask(f"https://127.0.0.1:{secure.port}", network)
        except OriginRefused as error:
            assert secure.tokens == ["https Bearer t0ken"] and "captive portal" in str(error)
    assert plain.tokens == []


@pytest.mark.parametrize(
    ("location", "secret_goes", "content_goes"),
    [
        ("/y", True, True),
        ("y?z=1", True, True),
        ("https://h/v1/x", True, True),
        (" https://H:8443/x", True, True),
        ("//h/x", True, True),
        ("http://h:81/x", False, True),
        ("https://h.evil/x", False, True),
        ("https://h@evil/x", False, True),
        ("https://evil@h/x", False, True),
        ("https://h\\@evil/", False, True),
        ("https:\\\\h/x", False, True),
        ("https://[::1", False, False),
        ("https://h:99999/", False, False),
        ("ftp://h/x", False, False),
        ("javascript:x", False, False),
        ("http://h/\x1b[31m", False, False),
    ],
)
def test_where_a_redirect_may_lead(location: str, secret_goes: bool, content_goes: bool) -> None:
    for secret, goes in ((True, secret_goes), (False, content_goes)):
        if goes:
            assert redirect_target("http://h/v1/x", location, 302, secret=secret)
        else:
            with pytest.raises((OriginRefused, OriginUnreachable)):
                redirect_target("http://h/v1/x", location, 302, secret=secret)


@pytest.mark.parametrize(
    ("address", "login"),
    [
        ("http://p:3128/", None),
        ("p", None),
        ("http://u@p", ("u", "")),
        ("http://u%40x:p%3a%2f@[::1]:1", ("u@x", "p:/")),
        ("http://s3cret:s3cret@p:none", ""),
        ("socks5://s3cret@p", ""),
        ("https://s3cret@p", ""),
        ("http://s3cret@p/x", ""),
        ("http://s3cret@[::1", ""),
        ("http://s3cret:x@:80", ""),
        ("http://a b:s3cret@p", ""),
        ("http://", ""),
        ("http://\0", ""),
    ],
)
def test_the_address_of_a_proxy_is_read_and_a_wrong_one_is_not_repeated(
    address: str, login: tuple[str, str] | str | None
) -> None:
    if login != "":
        assert parse_proxy(address, "x").login == login
        return
    with pytest.raises(ValueError) as caught:
        parse_proxy(address, "x")
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(ConnectionSettings(address)) + repr(Network(ConnectionSettings(address)))


@pytest.mark.parametrize("status", [200, 403, 511])
async def test_a_login_page_of_the_network_is_named(status: int, ask: Ask) -> None:
    async with serving() as portal:
        portal.page, portal.status = "\n<!DOCTYPE html><title>Guest Wi-Fi</title>", status
        with pytest.raises(SignageError, match="captive portal"):
            await ask(f"http://127.0.0.1:{portal.port}", Network())


async def test_a_login_page_behind_a_redirect_is_named_and_gets_no_token(ask: Ask) -> None:
    async with serving() as portal, serving() as origin:
        portal.page = "<html>Welcome"
        origin.elsewhere = lambda request: f"http://127.0.0.1:{portal.port}/login?to={request.path}"
        with pytest.raises(SignageError, match="captive portal"):
            await ask(f"http://127.0.0.1:{origin.port}", Network())
    assert portal.tokens == []


async def test_redirects_in_a_circle_are_named(ask: Ask) -> None:
    async with serving() as portal:
        portal.elsewhere = lambda request: "/login"
        with pytest.raises(OriginUnreachable, match=r"redirected over 3 times, at last to .*/login: .*captive portal"):
            await ask(f"http://127.0.0.1:{portal.port}", Network())


async def test_a_redirect_to_a_host_that_is_not_known_is_named() -> None:
    async with serving() as portal, open_client(f"http://127.0.0.1:{portal.port}") as client:
        portal.elsewhere = lambda request: "http://login.invalid/"
        with pytest.raises(OriginUnreachable, match=r"login.invalid/ \(where http:.* redirects to\) does not"):
            await client.document("roots/1.json", 100)


@pytest.mark.skipif(not socket.has_ipv6, reason="NOT TESTED: this machine has no IPv6")
async def test_an_origin_is_reached_where_there_is_only_ipv6(
    ask: Ask, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = socket.getaddrinfo

    def only_six(host: str, *rest: Any, **more: Any) -> object:
        return known("::1" if host == NAME else host, *rest, **more)

    monkeypatch.setattr("socket.getaddrinfo", only_six)
    network = Network(ConnectionSettings(ca_certificates=company.file))
    for tls in (None, company.server(NAME, "::1")):
        async with serving(tls, "::1") as server:
            for host in ("[::1]", NAME):
                await ask(f"{'https' if tls else 'http'}://{host}:{server.port}", network)


async def test_a_name_server_that_does_not_answer_delays_no_stop_and_counts_once_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, up = socket.getaddrinfo, threading.Event()

    def late(host: str, *rest: Any, **more: Any) -> object:
        if host != NAME:
            return known(host, *rest, **more)
        up.wait(60)
        return known("127.0.0.1", *rest, **more)

    monkeypatch.setattr("socket.getaddrinfo", late)
    async with serving() as server, open_client(f"http://{NAME}:{server.port}") as client:
        asked = asyncio.create_task(client.document("roots/1.json", 100))
        await SystemClock().sleep(0.05)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asked, 60)
        names = {thread.name for thread in threading.enumerate() if not thread.daemon}
        assert not any("asyncio" in name or "look_up" in name for name in names)  # those would be waited for
        up.set()
        assert await client.document("roots/1.json", 100) == b"{}"


@pytest.mark.parametrize("host", ["a..b.example", "x" * 70 + ".example", "no-such-host.invalid", "ex ample"])
async def test_a_host_that_is_no_name_is_not_known(host: str, ask: Ask) -> None:
    with pytest.raises(OriginUnreachable):
        await ask(f"http://{host}:8090", Network())


async def test_a_network_that_comes_late_is_used_within_seconds(
    store: ContentStore, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, up = socket.getaddrinfo, False

    def late(host: str, *rest: Any, **more: Any) -> object:
        if host == NAME and not up:
            raise socket.gaierror(socket.EAI_AGAIN, "temporary failure")
        return known("127.0.0.1" if host == NAME else host, *rest, **more)

    monkeypatch.setattr("socket.getaddrinfo", late)
    origin.publisher.publish(noise(1, 1000))
    origin.url = f"http://{NAME}:{urlsplit(origin.url).port}"
    async with running(origin, store) as device:
        began = device.clock.monotonic()
        await device.until(lambda: device.clock.monotonic() - began > 900, pass_s=20)  # it tried for long
        waiting = device.syncer.facts()
        assert "the name of the host is not known" in waiting.problem
        up, began = True, device.clock.monotonic()
        await device.until(lambda: bool(origin.requests), pass_s=1)
        assert device.clock.monotonic() - began < 60
        await device.until(lambda: device.syncer.facts().state == "current", pass_s=1)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"all_proxy": "socks5h://u:s3cret@p:1"},
            " (the variable all_proxy names a SOCKS proxy, which cannot be used:",
        ),
        ({"http_proxy": "SOCKS4://p:1"}, " (the variable http_proxy names a SOCKS proxy, which cannot be used:"),
        (
            {"http_proxy": "https://u:s3cret@p:1"},
            " (the variable http_proxy names an HTTPS proxy, which cannot be used:",
        ),
        ({"http_proxy": "ftp://p:1"}, " (the variable http_proxy names no HTTP proxy, and does not count)"),
        ({"https_proxy": "socks5://p:1"}, None),
        ({"all_proxy": "socks5://p:1", "no_proxy": "a.example"}, None),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_where_the_origin_is_not_reached(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    reason = Network().reason(ConnectionRefusedError(), "http://a.example/")
    assert (told in reason) if told else ("proxy" not in reason)
    assert "s3cret" not in reason


@pytest.mark.parametrize(
    ("url", "private"),
    [("https://signage.example/x", True), ("HTTPS://10.1.2.3", True), ("http://127.0.0.1:8090/", True),
     ("http://[::1]:8090/", True), ("http://localhost", True), ("http://10.1.2.3:8090/", False),
     ("http://signage.example", False), ("http://localhost.example", False), ("http://127.0.0.1.example", False),
     ("http://[::ffff:10.1.2.3]/", False), ("http://0.0.0.0", False)],
)  # fmt: skip
def test_a_line_is_private_by_tls_or_on_this_machine(url: str, private: bool) -> None:
    assert Network().is_private(url) is private


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A port of 127.0.0.2 that stays silent, as a route that leads nowhere does: the queue of its listener is full."""
    with contextlib.ExitStack() as held:
        port: int = held.enter_context(socket.create_server(("127.0.0.2", 0), backlog=0)).getsockname()[1]
        for _ in range(2):  # nobody accepts these
            plug = held.enter_context(socket.socket())
            plug.setblocking(False)
            plug.connect_ex(("127.0.0.2", port))
        yield port


async def test_documents_come_by_the_address_that_answered_last(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
        writer.close()

    tried: list[str] = []
    connect = aiohappyeyeballs.start_connection

    def noting(*, addr_infos: list[Any], **given: Any) -> Any:
        tried.append(addr_infos[0][4][0])
        return connect(addr_infos, **given)

    monkeypatch.setattr(aiohappyeyeballs, "start_connection", noting)
    with silent() as port:
        found = [(socket.AF_INET, "127.0.0.2", port), (socket.AF_INET, "127.0.0.1", port)]
        monkeypatch.setattr(addresses, "look_up", lambda *asked: found)
        network = Network(ConnectionSettings(DIRECT))
        server = await asyncio.start_server(answer, "127.0.0.1", port)
        async with server, open_client(f"http://origin.example:{port}", network=network) as client:
            for _ in range(4):
                await client.document("x", 10)
    assert tried == ["127.0.0.2", "127.0.0.1", "127.0.0.1", "127.0.0.1"]


async def test_an_address_that_leads_nowhere_costs_a_moment_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent() as port, contextlib.ExitStack() as held:
        held.enter_context(socket.create_server(("127.0.0.1", port)))
        found: list[addresses.Address] = [(socket.AF_INET, "127.0.0.2", port), (socket.AF_INET, "127.0.0.1", port)]
        monkeypatch.setattr(addresses, "look_up", lambda host, port: found)
        network, began = Network(ConnectionSettings(DIRECT)), SystemClock().monotonic()
        (await in_thread(network.connect, f"http://origin.example:{port}", 60.0)).close()
        assert SystemClock().monotonic() - began < 60 / 2, "it waits for the next address, not for the end"
        assert network.addresses.sorted("origin.example", found)[0][1] == "127.0.0.1"


async def test_what_breaks_tls_inside_a_body_is_a_broken_connection_and_keeps_what_came(
    company: Company, tmp_path: Path
) -> None:
    content = noise(1, 4 * CHUNK)
    index = cut_into(content)
    part = open_partial_file(tmp_path / "part", index, b"", "0" * 64)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        size = len(content)
        head = f"HTTP/1.1 206 OK\r\nContent-Length: {size}\r\nContent-Range: bytes 0-{size - 1}/{size}\r\n\r\n"
        writer.transport.set_write_buffer_limits(0)
        writer.write(head.encode() + content[: 2 * CHUNK + 100])
        await writer.drain()
        os.write(writer.get_extra_info("socket").fileno(), b"this is no record of TLS" * 10)

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=company.server("127.0.0.1"))
    async with server:
        network = Network(ConnectionSettings(DIRECT, ca_certificates=company.file))
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(OriginUnreachable, match="the connection broke"):
            await fetch(ContentTransfer(url, SystemClock(), network=network), part)
    assert part.verified() == {0, 1} and part.kept_bytes(index.chunks[2]) == 100
