"""The way to the origin as doctor walks it: how far it goes, and in which words it ends."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from player.diagnostics.origin_walk import Step, walk_to_origin
from sync.device.store.content_store import ContentStore, open_content_store
from sync.device.store.membership import DeviceMembership, save_membership
from sync.device.transfer.connection import ConnectionSettings, Network
from sync.http.listener import serve_http
from sync.runtime.clock import SystemClock
from sync.wire.release import Envelope
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in
from tests.sync.certificates import DAY, Company, make_company
from tests.sync.http_proxy import http_proxy

ALL = ["address", "name", "connection", "HTTP", "signatures", "token"]
NAME = "origin.example"


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[RunningOrigin]:
    settings = settings_in(tmp_path / "data")
    server = settings.server.model_copy(update={"allowed_hosts": (NAME,)})
    async with running_origin(settings.model_copy(update={"server": server}), SystemClock()) as origin:
        yield origin


@pytest.fixture
async def paired(tmp_path: Path, origin: RunningOrigin) -> ContentStore:
    """The files of a device that belongs to the origin."""
    device, token = await origin.pair()
    root = (await origin.ask("POST", "/v1/pairings", body={"name": "x", "secret": "5" * 64})).document["root"]
    with open_content_store(tmp_path / "device") as store:
        member = DeviceMembership(device=device, token=token, channel="main", origin=origin.url)
        save_membership(store, Envelope.model_validate(root), member)
    return store


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return make_company(tmp_path)


async def walk(url: str, store: ContentStore, **settings: object) -> tuple[list[str], Step]:
    """Return the names of the steps that were gone, and the last one."""
    network = Network(ConnectionSettings(**settings))  # type: ignore[arg-type]
    files = {path: path.read_bytes() for path in store.state.rglob("*") if path.is_file()}
    steps = await walk_to_origin(url, network, store, SystemClock())
    assert {path: path.read_bytes() for path in store.state.rglob("*") if path.is_file()} == files
    assert all(step.ok for step in steps[:-1])
    return [step.name for step in steps], steps[-1]


async def test_the_whole_way_is_gone(origin: RunningOrigin, paired: ContentStore, company: Company) -> None:
    names, last = await walk(origin.url, paired)
    assert (names, last.ok) == (ALL, True) and "accepted" in last.text
    names, last = await walk(f"http://localhost:{urlsplit(origin.url).port}", paired)  # it moved
    assert (names, last.ok) == (ALL, True)
    async with (
        serve_http(origin.origin.app, "127.0.0.1", 0, tls=company.server(NAME)) as url,
        http_proxy(login="a:b") as proxy,
    ):
        proxy.names[NAME] = ("127.0.0.1", urlsplit(url).port or 0)
        through = f"http://a:b@127.0.0.1:{proxy.port}"
        names, last = await walk(f"https://{NAME}", paired, proxy=through, ca_certificates=company.file)
        assert (names, last.ok) == ([*ALL[:3], "TLS", *ALL[3:]], True)
        names, last = await walk(f"https://{NAME}", paired, proxy=through.replace("b@", "wrong@"))
        assert names[-1] == "proxy" and "407" in last.text and "wrong" not in last.text
        names, last = await walk(f"https://{NAME}", paired, proxy=through)
        assert names[-1] == "TLS" and "nobody whom this machine trusts" in last.text
    async with serve_http(origin.origin.app, "127.0.0.1", 0, tls=company.server("127.0.0.1", until=-DAY / 2)) as url:
        names, last = await walk(url, paired, ca_certificates=company.file)
        assert names[-1] == "TLS" and "has expired" in last.text and "the clock of this machine says" in last.text


async def test_it_ends_where_something_is_wrong(
    origin: RunningOrigin, paired: ContentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("player.diagnostics.origin_walk._TIME_LIMIT_S", 2.0)
    monkeypatch.setenv("all_proxy", "socks5://s3cret@p:1")
    network = Network()
    first = (await walk_to_origin("http://no-such-host.invalid", network, paired, SystemClock()))[0]
    assert first.text.endswith(
        "directly (the variable all_proxy names a SOCKS proxy, which cannot be used: give an HTTP proxy)"
    )
    for url, name, words in (
        ("http://no-such-host.invalid", "name", "the name of the host is not known"),
        ("http://127.0.0.1:1", "connection", "no program listens"),
        (origin.url.replace("http:", "https:"), "TLS", "speaks HTTPS at this port"),
        (f"{origin.url}/signage/", "HTTP", "check origin.url and its path"),
    ):
        names, last = await walk(url, paired)
        assert (names[-1], last.ok) == (name, False) and words in last.text, last
    with open_content_store(tmp_path / "unpaired") as unpaired:
        names, last = await walk(origin.url, unpaired)
        assert (names[-1], last.ok) == ("signatures", True) and "not paired yet" in last.text

    async def log_in(_: web.Request) -> web.Response:
        return web.Response(text="<html>Log in", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", log_in)
    async with serve_http(app, "127.0.0.1", 0) as portal:
        names, last = await walk(portal, paired)
        assert names[-1] == "HTTP" and "captive portal" in last.text
    async with running_origin(settings_in(tmp_path / "other"), SystemClock()) as other:
        names, last = await walk(other.url, paired)
        assert names[-1] == "signatures" and "another origin" in last.text
    device = (await origin.ask("GET", "/v1/devices", origin.reader)).document["devices"][0]["id"]
    assert (await origin.ask("DELETE", f"/v1/devices/{device}", origin.writer)).status == 204
    names, last = await walk(origin.url, paired)
    assert names[-1] == "token" and "pair it again" in last.text
