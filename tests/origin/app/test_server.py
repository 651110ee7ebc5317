"""What every answer has in common: problems, headers, the description of it all, metrics, health and the page."""

import asyncio
from itertools import product
from pathlib import Path

import pytest
from aiohttp import web
from openapi_pydantic import OpenAPI

from sync.origin.console.server import CONSOLE
from sync.origin.settings.model import OriginStorageSettings
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin, play, running_origin, settings_in

STRANGERS = ("/v1/session", "/v1/pairings")
GARBAGE = (b"", b"{", b"null", b"[]", b'{"token": 3, "name": 4}', b"\xff")
MISROUTED = (
    ("GET", "/nothing", 404), ("GET", "/v1/nothing", 404), ("GET", "/v1/pairings/%00", 401),
    ("GET", "/%2e%2e/x", 404), ("PUT", "/v1/devices", 405), ("DELETE", "/healthz", 405), ("POST", "/", 405),
)  # fmt: skip


async def test_errors_of_routing_are_problems(server: RunningOrigin) -> None:
    for method, path, status in MISROUTED:
        answer = await server.ask(method, path)
        assert answer.status == status, f"{method} {path}"
        assert ("Allow" in answer.headers) is (status == 405)
        assert "address" in answer.document["detail"] or status == 401, "it says what to do, not only what went wrong"


async def test_strangers_cannot_send_much(server: RunningOrigin) -> None:
    for path in STRANGERS:
        assert (await server.ask("POST", path, body=b"x" * 100_000)).status == 413


async def test_strangers_garbage_is_a_problem(server: RunningOrigin) -> None:
    for path, body in product(STRANGERS, GARBAGE):
        assert (await server.ask("POST", path, body=body)).status == 422, f"{path} {body!r}"


async def test_a_fault_of_ours_is_a_problem_that_shows_nothing_of_the_inside(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr("sync.origin.store.devices.DeviceStore.page", broken)
    answer = await server.ask("GET", "/v1/devices", server.reader)
    assert answer.status == 500
    assert "secret" not in answer.text
    assert "a secret of the inside" in caplog.text


@pytest.mark.parametrize(
    "raw_request",
    [
        b"GET /v1/devices HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"BREW /v1/plays HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 12_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00 a TLS greeting\r\n\r\n",
    ],
)
async def test_bytes_that_are_no_http_are_answered_as_a_problem(server: RunningOrigin, raw_request: bytes) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw_request)
    raw = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    await writer.wait_closed()
    assert raw.startswith(b"HTTP/1.1 400") or raw.startswith(b"HTTP/1.0 400")
    assert b"application/problem+json" in raw


async def test_an_expectation_nobody_can_meet_is_a_problem_and_a_known_one_is_met(server: RunningOrigin) -> None:
    strange = await server.ask("GET", "/v1/devices", server.reader, headers={"Expect": "miracles"})
    assert strange.status == 417
    body = {"token": server.reader}
    assert (await server.ask("POST", "/v1/session", body=body, headers={"Expect": "100-continue"})).status == 200


async def test_work_that_takes_too_long_is_a_problem(server: RunningOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    async def late(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("sync.origin.store.devices.DeviceStore.page", late)
    assert (await server.ask("GET", "/v1/devices", server.reader)).status == 504


async def test_the_description_is_valid_openapi_and_names_every_route(server: RunningOrigin) -> None:
    document = (await server.ask("GET", "/v1/openapi.json")).document
    described = OpenAPI.model_validate(document)
    assert document["openapi"].startswith("3.1")
    assert described.paths is not None
    known = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    for route in server.origin.app.router.routes():
        resource = route.resource
        assert resource is not None
        page = isinstance(resource, web.PlainResource) and not resource.canonical.startswith(
            ("/v1/", "/metrics", "/heal")
        )
        if not page and not resource.canonical.startswith("/content"):
            assert (route.method, resource.canonical) in known or route.method in ("HEAD", "*")
    summaries = {operation["summary"] for item in document["paths"].values() for operation in item.values()}
    assert {summary for summary in summaries if not summary[0].isupper() or summary.endswith(".")} == set()


async def test_the_description_names_queries_and_headers(server: RunningOrigin) -> None:
    paths = (await server.ask("GET", "/v1/openapi.json")).document["paths"]

    def told(method: str, path: str) -> set[tuple[str, str]]:
        return {(one["in"], one["name"]) for one in paths[path][method]["parameters"]}

    known = {("path", "id"), ("query", "draft"), ("header", "If-Match"), ("header", "Idempotency-Key")}
    assert told("put", "/v1/playlists/{id}") == known
    assert ("header", "Upload-Offset") in told("patch", "/v1/uploads/{id}")
    assert told("get", "/v1/releases/preview") == {("query", "channel")}
    assert ("query", "from") in told("get", "/v1/plays")
    assert ("header", "Range") in told("get", "/content/assets/{name}")


async def test_metrics_tell_durations_and_outcomes_by_operation_not_by_path(server: RunningOrigin) -> None:
    device, token = await server.pair()
    for path in ("/v1/devices/made-up-1", "/v1/devices/made-up-2", "/nothing-1", "/nothing-2"):
        await server.ask("GET", path, server.reader)
    await server.ask("POST", "/v1/plays", token, {"plays": [play(device, 1), play(device, 1), {}]})
    text = (await server.ask("GET", "/metrics")).text
    assert 'signage_origin_operations_total{operation="GET /v1/devices/{id}",status="404"} 2.0' in text
    assert 'signage_origin_operations_total{operation="other",status="404"} 2.0' in text
    assert 'signage_origin_operation_seconds_count{operation="POST /v1/plays"} 1.0' in text
    for status, count in (("accepted", 1), ("duplicate", 1), ("invalid", 1)):
        assert f'signage_origin_plays_total{{status="{status}"}} {count}.0' in text
    assert "signage_origin_devices 1.0" in text
    assert 'signage_origin_media{state="failed"} 0.0' in text
    assert "made-up" not in text and "nothing" not in text


async def test_how_full_it_is_is_told_to_people_and_to_monitoring(server: RunningOrigin) -> None:
    stored = (await server.ask("GET", "/v1/storage", server.reader)).document
    assert stored["free_bytes"] > 0
    assert (stored["assets"], stored["over_bytes"], stored["dry_run"]) == (0, 0, False)
    assert (await server.ask("GET", "/v1/storage")).status == 401
    text = (await server.ask("GET", "/metrics")).text
    assert 'signage_origin_content_bytes{state="resting"} 0.0' in text
    assert "signage_origin_cleared_bytes_total 0.0" in text


async def test_metrics_are_free_on_this_machine_but_not_through_a_proxy_of_it(server: RunningOrigin) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    assert (await server.ask("GET", "/metrics", headers=forwarded)).status == 401
    assert (await server.ask("GET", "/metrics", server.reader, headers=forwarded)).status == 200
    _, token = await server.pair()
    assert (await server.ask("GET", "/metrics", token, headers=forwarded)).status == 403


async def test_a_well_origin_says_so_and_a_nearly_full_one_says_what_is_wrong(tmp_path: Path, clock: FakeClock) -> None:
    settings = settings_in(tmp_path)
    async with running_origin(settings, clock) as server:
        assert (await server.ask("GET", "/healthz")).document["status"] == "ok"
    greedy = OriginStorageSettings(data_dir=tmp_path / "other", reserve_bytes=2**60)
    async with running_origin(settings.model_copy(update={"storage": greedy}), clock) as server:
        answer = await server.ask("GET", "/healthz")
        assert (answer.status, answer.document["type"]) == (503, "urn:signage:problem:disk-nearly-full")


async def test_the_page_loads_nothing_from_elsewhere_and_is_never_guessed_at(server: RunningOrigin) -> None:
    page = await server.ask("GET", "/")
    assert page.status == 200
    assert "<!doctype html>" in page.text
    policy = page.headers["Content-Security-Policy"]
    kept = await server.ask("GET", "/", headers={"If-None-Match": page.headers["ETag"]})
    assert (kept.status, kept.headers["Content-Security-Policy"]) == (304, policy), "a browser puts it on what it keeps"
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for name in ("console.js", "console.css"):
        part = await server.ask("GET", f"/{name}")
        assert (part.status, part.headers["X-Content-Type-Options"]) == (200, "nosniff")
        assert part.text == (CONSOLE / name).read_text()
    assert (await server.ask("GET", "/v1/devices")).headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/console.js/../../app.py", "//etc/passwd"]
)
async def test_no_path_leads_out_of_the_page(server: RunningOrigin, path: str) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    raw = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    await writer.wait_closed()
    assert raw.split(b" ")[1] in (b"404", b"400")
