"""The origin behind a real nginx: as it comes, and as docs/operations.md says; with a path of its own and without."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from urllib.parse import urljoin

import pytest
from aiohttp import ClientSession, CookieJar

from sync.device.origin_client import open_client
from sync.device.pairing import DevicePairing
from sync.device.store.content_store import open_content_store
from sync.errors import OriginRefused
from sync.runtime.clock import SystemClock
from tests.nginx import documented_server, free_port, nginx, plain_server
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in

TUS = {"Tus-Resumable": "1.0.0"}
WAYS = ["/", "/signage/", "documented"]


@pytest.fixture(params=WAYS)
async def way(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[RunningOrigin, str, str]]:
    """An origin behind nginx; yields it, its address as people know it, and how nginx is configured."""
    port = free_port()
    async with running_origin(settings_in(tmp_path / "data"), SystemClock()) as origin:
        if request.param == "documented":
            server = documented_server().replace("http://127.0.0.1:8090", origin.url)
            server = server.replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
            server = re.sub(r" *ssl_certificate.*\n", "", server)
        else:
            server = plain_server(request.param, port, origin.url)
        path = "/" if request.param == "/" else "/signage/"
        with nginx(tmp_path, server, port):
            yield origin, f"http://127.0.0.1:{port}{path}", request.param


async def test_page_and_api_work_at_the_address_that_people_know(way: tuple[RunningOrigin, str, str]) -> None:
    origin, url, _ = way
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        async with browser.get(url) as page:
            files = re.findall(r'(?:href|src)="([^#"]+)"', await page.text())
        assert len(files) >= 5
        for file in files:
            async with browser.get(urljoin(url, file)) as answer:
                assert answer.status == 200, file

        foreign = {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-site"}
        async with browser.post(url + "v1/session", json={"token": origin.writer}, headers=foreign) as answer:
            assert answer.status == 403 and "Host header" in (await answer.json())["detail"]
        apache = {"Origin": "http://signage.example", "X-Forwarded-Host": "signage.example, inner"}
        async with browser.post(url + "v1/session", json={"token": "wrong"}, headers=apache) as answer:
            assert answer.status == 401  # its page may log in
        page_of_ours = {"Origin": urljoin(url, "/").rstrip("/"), "Sec-Fetch-Site": "same-origin"}
        async with browser.post(url + "v1/session", json={"token": origin.writer}, headers=page_of_ours) as answer:
            assert answer.status == 200, await answer.text()
        (cookie,) = browser.cookie_jar
        assert (cookie["path"] or "/v1") in url + "v1"  # not for all that has this name

        headers = {**TUS, **page_of_ours, "Upload-Length": "3", "Upload-Metadata": "filename eA=="}
        async with browser.post(url + "v1/uploads", headers=headers) as answer:
            upload = urljoin(str(answer.url), answer.headers["Location"])
        headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        async with browser.patch(upload, headers=headers, data=b"abc") as answer:
            assert (answer.status, answer.headers["Upload-Offset"]) == (204, "3")
        async with browser.post(url + "v1/playlists", json={"name": "x", "items": []}) as answer:
            playlist = urljoin(str(answer.url), answer.headers["Location"])
        async with browser.get(playlist) as answer:
            assert (await answer.json())["name"] == "x"

        document = url + "v1/openapi.json"
        async with browser.get(document) as answer:
            (server,) = (await answer.json())["servers"]
        assert urljoin(document, server["url"]) == url
        async with browser.delete(url + "v1/session") as answer:
            assert answer.status == 204
        assert not list(browser.cookie_jar)


async def test_a_player_pairs_and_reports_through_nginx(
    way: tuple[RunningOrigin, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin, url, kind = way
    monkeypatch.setattr("sync.device.pairing.POLL_S", 0.05)
    code: asyncio.Queue[str | None] = asyncio.Queue()
    with open_content_store(tmp_path / "device") as store:
        async with open_client(url) as client:
            device = DevicePairing(client, store, SystemClock(), Random(1), "window", None, code.put_nowait)
            pairing = asyncio.create_task(device.run())
            approval = {"code": await code.get(), "channel": "main"}
            assert (await origin.ask("POST", "/v1/devices", origin.writer, approval)).status == 201
            membership = await pairing
        async with open_client(url, membership.token) as client:
            assert (await client.channel_assignment()).device == membership.device
            assert await client.document("roots/1.json", 65_536)
            if kind != "documented":  # nginx as it comes passes no WebSocket on: the player polls
                with pytest.raises(OriginRefused):
                    await anext(client.hints())
                return
    async with (
        ClientSession(headers={"Authorization": f"Bearer {origin.writer}"}) as session,
        session.ws_connect(url + "v1/live") as live,
        asyncio.timeout(60),
    ):
        await origin.ask("POST", "/v1/playlists", origin.writer, {"name": "x", "items": []})
        assert (await live.receive_json())["topic"] == "playlists"
