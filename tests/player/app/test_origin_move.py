"""An origin that moves: its devices, their logs and their undelivered plays go along; a false one gets no token."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from sync.device.store.membership import DeviceMembership
from sync.http.listener import serve_http
from sync.runtime.clock import SystemClock
from tests.nginx import free_port
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in
from tests.player.app.test_session_runner import Device, running
from tests.player.director.venue import NOON
from tests.player.evidence.plays import closed, log_plays
from tests.sync.certificates import make_company

FALSE_NAME = "origin.example"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path / "device"))
    return tmp_path / "device"


def membership(device: Device) -> DeviceMembership:
    session = device.current()
    assert session is not None and session.connection is not None
    return session.connection.membership


async def delivered(device: Device, origin: RunningOrigin) -> int:
    """Wait until no play waits any more; return how many the origin has."""
    session = device.current()
    assert session is not None
    depth = 1
    while depth:
        depth = await session.ledger.outbox.depth()
        await device.until(lambda: True)
        await SystemClock().sleep(0.01)
    answer = await origin.ask("GET", f"/v1/plays?device={session.ledger.device}", origin.reader)
    return len(answer.document["plays"])


class FalseOrigin:
    """A server at a new address that copies all that is public of an origin, and records every secret it is told.

    With `passes_on` it hands questions about its identity on to the true origin, under a name that this one takes.
    """

    def __init__(self, origin: RunningOrigin, *, passes_on: bool) -> None:
        self._origin = origin
        self._passes_on = passes_on
        self.asked: list[str] = []
        self.tokens: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        self.tokens += [value for name, value in request.headers.items() if name == "Authorization"]
        if not request.path.startswith("/content/") and not (self._passes_on and request.path == "/v1/identity"):
            return web.Response(status=404)
        async with self._origin.client.request(
            request.method, self._origin.url + request.path, data=await request.read()
        ) as answer:
            return web.Response(status=answer.status, body=await answer.read())

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        async with serve_http(app, "127.0.0.1", 0) as url:
            yield urlsplit(url).port or 0


async def test_device_log_and_undelivered_plays_go_along_to_another_name_scheme_and_port(
    folder: Path, tmp_path: Path
) -> None:
    company = make_company(tmp_path)
    async with running_origin(settings_in(tmp_path / "data"), SystemClock()) as origin:
        port = urlsplit(origin.url).port
        async with running(folder) as device:
            await device.set_origin(url=origin.url)
            name = await device.pair(origin)
            before = device.current()
            assert before is not None
            await device.set_origin(url="http://127.0.0.1:1")  # nobody is there yet: nothing is decided
            await device.until(lambda: "no program listens" in device.problems.get("move", ""))
            await log_plays(before.ledger, 3)
            await device.set_origin(url=f"http://localhost:{port}/")
            await device.until(device.is_connected)
            after = device.current()
            assert after and after.ledger is before.ledger and after.director is before.director
            assert membership(device).origin == f"http://localhost:{port}" and not any(device.problems.values())
            assert await delivered(device, origin) == 3
            await device.set_origin(url="http://127.0.0.1:1")
            await device.until(lambda: not device.is_connected())
            await after.ledger.write([closed("later", NOON + timedelta(hours=1))])
            assert len(device.codes) == 1
        async with (
            serve_http(origin.origin.app, "127.0.0.1", 0, tls=company.server("127.0.0.1")) as secure,
            running(folder) as device,  # it was stopped when the origin moved
        ):
            await device.set_origin(url=secure, ca_certificates=str(company.file))
            await device.until(device.is_connected)
            assert (membership(device).device, membership(device).origin) == (name, secure)
            assert await delivered(device, origin) == 4
            assert not device.codes


@pytest.mark.parametrize("passes_on", [False, True])
async def test_a_false_origin_that_copies_all_that_is_public_gets_no_token_and_the_true_one_is_known_again(
    passes_on: bool, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_origin(settings_in(tmp_path / "data"), SystemClock()) as origin, running(folder) as device:
        await device.set_origin(url=origin.url)
        name = await device.pair(origin)
        known = socket.getaddrinfo

        def look_up(host: str, *rest: Any, **more: Any) -> object:
            return known("127.0.0.1" if host == FALSE_NAME else host, *rest, **more)

        monkeypatch.setattr("socket.getaddrinfo", look_up)
        false = FalseOrigin(origin, passes_on=passes_on)
        async with false.listening() as port:
            await device.set_origin(url=f"http://{FALSE_NAME}:{port}")
            await device.until(lambda: "/v1/pairings" in false.asked)
            assert "/v1/identity" in false.asked and false.tokens == []
            assert "Another origin answers" in device.problems["move"]
        session = device.current()
        assert session and session.ledger.device == name and session.connection is None
        await device.set_origin(url=origin.url)
        await device.until(device.is_connected)
        assert membership(device).device == name and len(device.codes) == 1


async def test_an_origin_that_is_put_right_later_is_known_while_a_code_is_shown(folder: Path, tmp_path: Path) -> None:
    async with (
        running_origin(settings_in(tmp_path / "data"), SystemClock()) as origin,
        running_origin(settings_in(tmp_path / "other"), SystemClock()) as other,
        running(folder) as device,
    ):
        await device.set_origin(url=origin.url)
        name = await device.pair(origin)
        port = free_port()
        async with serve_http(other.origin.app, "127.0.0.1", port):
            await device.set_origin(url=f"http://127.0.0.1:{port}")
            await device.until(lambda: len(device.codes) == 2)
        async with serve_http(origin.origin.app, "127.0.0.1", port):
            await device.until(device.is_connected)
            assert membership(device).device == name and device.code is None
