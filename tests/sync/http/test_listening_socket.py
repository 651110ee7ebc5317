"""Limits of connections, on real sockets: who is refused, how, and that everybody else is served."""

import asyncio
import logging
import resource
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from sync.http.listener import serve_http
from sync.http.listening_socket import ConnectionLimits, limits_for_descriptors
from tests.sync.certificates import make_company

LIMITS = ConnectionLimits(most=8, most_of_one=5)


async def _hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, int]]:
    app = web.Application()
    app.router.add_get("/", _hello)
    async with serve_http(app, "0.0.0.0", 0, limits=LIMITS) as url:
        yield "127.0.0.1", int(url.rpartition(":")[2])


async def silent(address: tuple[str, int], count: int, source: str = "127.0.0.1") -> list[asyncio.StreamWriter]:
    opened = [await asyncio.open_connection(*address, local_addr=(source, 0)) for _ in range(count)]
    return [writer for _, writer in opened]


async def close(held: list[asyncio.StreamWriter]) -> None:
    for writer in held:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def ask(address: tuple[str, int], source: str = "127.0.0.1") -> bytes:
    reader, writer = await asyncio.open_connection(*address, local_addr=(source, 0))
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        await close([writer])


async def test_one_client_that_holds_too_many_is_refused_and_others_are_served(address: tuple[str, int]) -> None:
    held = await silent(address, 5)
    refused = await ask(address)
    assert refused.startswith(b"HTTP/1.1 503 ") and b"application/problem+json" in refused and b"Retry-After" in refused
    assert (await ask(address, "127.0.0.2")).endswith(b"hello")
    await close([held.pop()])
    for _ in range(100):
        if (again := await ask(address)).endswith(b"hello"):
            break
    assert again.endswith(b"hello")
    await close(held)


@pytest.mark.parametrize(("descriptors", "most"), [(1024, 768), (100, 16), (resource.RLIM_INFINITY, (1 << 20) - 256)])
def test_files_and_databases_keep_their_descriptors(
    descriptors: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (descriptors, descriptors))
    assert limits_for_descriptors(256) == ConnectionLimits(most, max(8, most // 2))


async def test_a_full_server_says_so_once_and_once_when_there_is_room(
    address: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sync.http.listening_socket")
    held = await silent(address, 4) + await silent(address, 4, "127.0.0.2")
    for _ in range(5):
        assert (await ask(address, "127.0.0.3")).startswith(b"HTTP/1.1 503 ")
    await close(held)
    for _ in range(100):
        if (await ask(address, "127.0.0.3")).endswith(b"hello"):
            break
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_thousand_at_once_leave_the_server_as_it_was(address: tuple[str, int]) -> None:
    for _ in range(10):
        answers = await asyncio.gather(*(ask(address) for _ in range(100)), return_exceptions=True)
        assert not [answer for answer in answers if isinstance(answer, bytes) and answer and b" 500 " in answer]
    for _ in range(100):
        if (answer := await ask(address)).endswith(b"hello"):
            break
    assert answer.endswith(b"hello")


async def test_connections_count_before_they_speak_tls(tmp_path: Path) -> None:
    company = make_company(tmp_path)
    trusting = ssl.create_default_context(cafile=company.file)
    app = web.Application()
    app.router.add_get("/", _hello)
    async with serve_http(app, "127.0.0.1", 0, limits=LIMITS, tls=company.server("127.0.0.1")) as url:
        port = int(url.rpartition(":")[2])
        held = await silent(("127.0.0.1", port), 5)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        await close(held)
        async with ClientSession() as client:
            for _ in range(100):
                try:
                    async with client.get(url, ssl=trusting) as answer:
                        assert await answer.text() == "hello"
                        break
                except OSError:
                    continue
            else:
                raise AssertionError("the connections that were closed still count")
