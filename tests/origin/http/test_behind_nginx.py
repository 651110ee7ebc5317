"""The origin behind a real nginx: as it comes, and as docs/operations.md says; with a path of its own and without."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from urllib.parse import urljoin

import pytest
from aiohttp import ClientSession, CookieJar
from yarl import URL

from sync.device.origin_client import open_client
from sync.device.pairing import DevicePairing
from sync.device.store.content_store import open_content_store
from sync.errors import OriginRefused
from sync.origin.persistence.data_folder import DataFolder
from sync.runtime.clock import SystemClock
from tests.nginx import documented_server, free_port, nginx, plain_server, shipped_server
from tests.origin.live.sockets import running
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
                    await client.live().__aenter__()
                return
    async with (
        ClientSession(headers={"Authorization": f"Bearer {origin.writer}"}) as session,
        running(origin, "page_hints"),
        session.ws_connect(url + "v1/live") as live,
        asyncio.timeout(60),
    ):
        await origin.ask("POST", "/v1/playlists", origin.writer, {"name": "x", "items": []})
        assert (await live.receive_json())["topic"] == "playlists"


BIG = bytes(range(256)) * 1024  # more than the origin keeps in memory


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[tuple[RunningOrigin, DataFolder, ClientSession]]:
    """An origin behind nginx as config/nginx.conf has it; yields it, its files, and a session at its address."""
    port, settings = free_port(), settings_in(tmp_path / "data")
    server = settings.server.model_copy(update={"x_accel_redirect": "/origin-content/"})
    async with running_origin(settings.model_copy(update={"server": server}), SystemClock()) as origin:
        with nginx(tmp_path, shipped_server(tmp_path / "data", port, origin.url), port):
            async with ClientSession(f"http://127.0.0.1:{port}", headers={"Accept-Encoding": "identity"}) as session:
                yield origin, DataFolder(tmp_path / "data"), session


async def test_nginx_answers_alone_for_small_files_and_never_with_an_old_one(
    fast: tuple[RunningOrigin, DataFolder, ClientSession],
) -> None:
    origin, files, session = fast
    path = "channels/main/timestamp.json"
    tags: list[str] = []
    for number in range(3):  # of one size, within one second
        files.replace(path, b'{"sequence":%d}' % number)
        async with session.get(f"/content/{path}", headers={"If-None-Match": ", ".join(tags)}) as answer:
            assert (answer.status, await answer.json()) == (200, {"sequence": number})
            assert (answer.headers["Cache-Control"], answer.headers["Server"][:5]) == ("no-cache", "nginx")
            tags.append(answer.headers["ETag"])
        async with session.get(f"/content/{path}", headers={"If-None-Match": tags[-1]}) as answer:
            assert answer.status == 304
    for name, kind in (
        (f"index/{NAME}", "application/octet-stream"),
        (f"releases/{NAME}.json", "application/json"),
        ("roots/1.json", "application/json"),
    ):
        sent = files.put(name, BIG).read_bytes()
        async with session.get(f"/content/{name}") as answer:
            assert (await answer.read(), answer.headers["Server"][:5], answer.content_type) == (sent, "nginx", kind)
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert 'operation="GET /content' not in (await origin.ask("GET", "/metrics")).text  # the origin was not asked
    (files.content / path).unlink()
    for name in ("main", "other"):
        async with session.get(f"/content/channels/{name}/timestamp.json") as answer:
            assert (answer.status, answer.content_type) == (404, "application/problem+json")


NAME = hashlib.sha256(BIG).hexdigest()
REQUESTS: tuple[tuple[dict[str, str], int, bytes | None], ...] = (
    ({}, 200, BIG),
    ({"Range": "bytes=5-9"}, 206, BIG[5:10]),
    ({"Range": "bytes=-4"}, 206, BIG[-4:]),
    ({"Range": "bytes=5-9", "If-Range": f'"{NAME}"'}, 206, BIG[5:10]),
    ({"Range": "bytes=5-9", "If-Range": '"other"'}, 200, BIG),
    ({"Range": "bytes=999999-"}, 416, None),
    ({"If-None-Match": f'"{NAME}"'}, 304, b""),
    ({"If-None-Match": "*"}, 304, b""),
    ({"If-None-Match": '"other"'}, 200, BIG),
    ({"If-Modified-Since": "Wed, 21 Oct 2065 07:28:00 GMT"}, 200, BIG),
    ({"If-Match": f'"{NAME}"'}, 200, BIG),
    ({"If-Match": '"other"'}, 412, None),
)


async def test_what_the_origin_hands_over_is_what_it_would_send(
    fast: tuple[RunningOrigin, DataFolder, ClientSession],
) -> None:
    origin, files, session = fast
    path = f"/content/assets/{NAME}"
    files.put(f"assets/{NAME}", BIG)
    for asked, status, sent in REQUESTS:
        for base in ("", origin.url):  # through nginx, and as a player on this machine asks
            for method in ("GET", "HEAD") if "Range" not in asked else ("GET",):
                async with session.request(method, URL(f"{base}{path}"), headers=asked) as answer:
                    content = await answer.read()
                    assert answer.status == status, (asked, base, method)
                    assert sent is None or content == (sent if method == "GET" else b""), (asked, base, method)
                    assert "X-Accel-Redirect" not in answer.headers
                    if status < 400:
                        assert answer.headers["ETag"] == f'"{NAME}"', (asked, base, method)
                        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    (files.content / "assets" / NAME).unlink()
    async with session.get(path) as answer:
        assert (answer.status, answer.content_type) == (404, "application/problem+json")


async def test_no_name_from_outside_becomes_a_path_of_nginx(
    fast: tuple[RunningOrigin, DataFolder, ClientSession], tmp_path: Path
) -> None:
    _, files, session = fast
    files.put(f"assets/{NAME}", BIG)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/timestamp.json").write_bytes(BIG)
    (files.content / "channels").mkdir()
    (files.content / "channels/.hidden").symlink_to(tmp_path / "secret")
    (files.content / "assets" / ("0" * 64)).symlink_to(tmp_path / "secret/timestamp.json")
    for path in (
        f"/origin-content/assets/{NAME}",
        "/origin-content/../keys/root.key",
        "/content/../keys/root.key",
        "/content/assets/..%2f..%2fkeys%2froot.key",
        "/content/assets/%2e%2e/roots/1.json%00",
        "/content/channels/..%2f..%2fkeys/timestamp.json",
        "/content/channels/../timestamp.json",
        "/content/channels/.hidden/timestamp.json",
        "/content/roots/../../keys/root.key",
        "/content/roots/1.json%00",
        "/content/assets/" + "0" * 64,
    ):
        async with session.get(URL(path, encoded=True), headers={"X-Accel-Redirect": "/keys/root.key"}) as answer:
            assert answer.status >= 400 and await answer.read() != BIG, path


async def test_who_forges_a_proxy_on_this_machine_gets_the_name_that_it_asked_for(
    fast: tuple[RunningOrigin, DataFolder, ClientSession],
) -> None:
    origin, files, session = fast
    files.put(f"assets/{NAME}", BIG)
    headers = {"X-Forwarded-For": "203.0.113.9"}
    async with session.get(f"{origin.url}/content/assets/{NAME}", headers=headers) as answer:
        assert await answer.read() == b""
        assert answer.headers["X-Accel-Redirect"] == f"/origin-content/assets/{NAME}"
