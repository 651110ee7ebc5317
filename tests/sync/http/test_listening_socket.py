"""Limits of connections, on real sockets: who is refused, how, and that everybody else is served."""

import asyncio
import errno
import logging
import os
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.web_protocol import RequestHandler

from sync.http.bodies import read_body
from sync.http.forwarded import TRUSTED_PROXIES
from sync.http.listener import hold_by_token, serve_http
from sync.http.listening_socket import Connection, ConnectionLimits, Connections, limits_for_descriptors
from sync.http.problems import problem_middleware
from sync.http.shortage import Shortage
from tests.sync.certificates import make_company

LIMITS = ConnectionLimits(most=8, most_of_one=5, most_of_token=3)
PROXY = "127.0.0.9"
WEBSOCKET = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Address = tuple[str, int]


class Server:
    """Answers `/` at once, `/slow` when told to, `/endless` for as long as somebody takes it."""

    def __init__(self) -> None:
        self.waiting = 0
        self.go_on = asyncio.Event()
        self.app = web.Application(middlewares=[problem_middleware])
        self.app[TRUSTED_PROXIES] = (ip_network(PROXY),)
        self.app.router.add_get("/", self._answer)
        self.app.router.add_route("*", "/slow", self._answer)
        self.app.router.add_get("/short", self._answer)
        self.app.router.add_post("/body", self._take)
        self.app.router.add_get("/endless", self._answer_for_ever)
        self.app.router.add_get("/socket", self._open_socket)
        self.app.router.add_get("/steps", self._answer_in_steps)
        self.begun: list[str] = []  # who was answered in steps
        self.given_up = False

    async def _answer(self, request: web.Request) -> web.Response:
        if token := request.headers.get("Authorization"):
            hold_by_token(request, token)
        if request.path == "/slow":
            self.waiting += 1
            await self.go_on.wait()
        if request.path == "/short":
            raise OSError(errno.EMFILE, "too many open files")
        return web.Response(text="hello")

    async def _answer_in_steps(self, request: web.Request) -> web.Response:
        self.begun.append(str(request.remote))
        for _ in range(10):
            await asyncio.sleep(0.001)  # as for a database
        return web.Response(text=str(self.begun.count("127.0.0.2")))

    async def _open_socket(self, request: web.Request) -> web.WebSocketResponse:
        opened = web.WebSocketResponse()
        await opened.prepare(request)
        await opened.receive()
        return opened

    async def _take(self, request: web.Request) -> web.Response:
        return web.Response(body=await read_body(request, 10_000_000))

    async def _answer_for_ever(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while True:
                await answer.write(b"x" * 1_000_000)
        finally:
            self.given_up = True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    shortage = Shortage()  # the other one is of the whole process
    for user in ("listener", "problems"):
        monkeypatch.setattr(f"sync.http.{user}.SHORTAGE", shortage)
    return Server()


@pytest.fixture
async def address(server: Server) -> AsyncIterator[Address]:
    async with serve_http(server.app, "0.0.0.0", 0, limits=LIMITS) as url:
        yield "127.0.0.1", int(url.rpartition(":")[2])
        server.go_on.set()


async def silent(address: Address, count: int, source: str = "127.0.0.1") -> list[Streams]:
    return [await asyncio.open_connection(*address, local_addr=(source, 0)) for _ in range(count)]


async def close(held: list[Streams]) -> None:
    for _, writer in held:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def ended(held: list[Streams]) -> list[int]:
    """Return which connections the server closed."""
    return [place for place, (reader, _) in enumerate(held) if reader.at_eof()]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.001)


def send(streams: Streams, path: str = "/", headers: str = "") -> None:
    streams[1].write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())


async def ask(address: Address, source: str = "127.0.0.1", headers: str = "") -> bytes:
    streams = await asyncio.open_connection(*address, local_addr=(source, 0))
    send(streams, headers=f"Connection: close\r\n{headers}")
    try:
        async with asyncio.timeout(60):
            return await streams[0].read()
    finally:
        await close([streams])


async def show_token(address: Address, token: str, path: str = "/") -> Streams:
    streams = await asyncio.open_connection(*address)
    send(streams, path, f"Authorization: {token}\r\n")
    if path == "/":
        await streams[0].readuntil(b"hello")
    return streams


def is_refusal(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/1.1 503 ") and b"application/problem+json" in answer and b"Retry-After" in answer


async def test_who_holds_too_many_makes_room_itself_and_others_are_served(address: Address) -> None:
    held = await silent(address, 5)
    for _ in range(3):
        assert (await ask(address)).endswith(b"hello")
    assert (await ask(address, "127.0.0.2")).endswith(b"hello")
    await until(lambda: ended(held) == [0])  # its place was free again for the next ones
    await close(held)


async def test_who_asks_at_full_speed_lets_others_in_between(server: Server) -> None:
    limits = ConnectionLimits(most=100, most_of_one=60)
    async with serve_http(server.app, "0.0.0.0", 0, limits=limits) as url:
        address = "127.0.0.1", int(url.rpartition(":")[2])
        strangers = await silent(address, 50, "127.0.0.2")
        for streams in strangers:
            for _ in range(40):
                send(streams, "/steps")
        await until(lambda: len(server.begun) > 200)
        mine = await asyncio.open_connection(*address)
        send(mine, "/steps", "Connection: close\r\n")
        answer = await mine[0].read()
        before = server.begun[: server.begun.index("127.0.0.1")].count("127.0.0.2")
        assert int(answer.rpartition(b"\r\n")[2]) - before < 25, "with each of the 50 it would be 50"
        await close([mine, *strangers])


async def test_what_has_its_answer_or_waits_for_a_body_is_no_work(server: Server) -> None:
    async with serve_http(server.app, "0.0.0.0", 0, limits=ConnectionLimits(most=100, most_of_one=60)) as url:
        address = "127.0.0.1", int(url.rpartition(":")[2])
        held = await silent(address, 30)
        for streams in held[:10]:
            send(streams, "/socket", f"Connection: Upgrade\r\nUpgrade: websocket\r\n{WEBSOCKET}")
        for streams in held[10:20]:
            send(streams, "/endless")
        for streams in held[20:]:
            streams[1].write(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
        await asyncio.gather(*(streams[0].read(9) for streams in held[:20]))
        async with asyncio.timeout(60):
            assert (await ask(address)).endswith(b"hello")
        for streams in held[20:]:
            streams[1].write(b"a" * 8)
            async with asyncio.timeout(60):
                assert b"xaaaaaaaa" in await streams[0].readuntil(b"aaaaaaaa")
        await close(held)


async def test_work_that_hangs_does_not_close_the_door(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.http.listening_socket._LONGEST_WAIT_S", 0.05)
    async with serve_http(server.app, "0.0.0.0", 0, limits=ConnectionLimits(most=100, most_of_one=60)) as url:
        address = "127.0.0.1", int(url.rpartition(":")[2])
        held = await silent(address, 20)
        for streams in held:
            send(streams, "/slow")
        await until(lambda: server.waiting == 20)
        assert (await ask(address)).endswith(b"hello")
        server.go_on.set()
        await asyncio.gather(*(streams[0].readuntil(b"hello") for streams in held))
        await close(held)


async def test_what_is_being_answered_is_not_cut_short_for_a_newcomer(server: Server, address: Address) -> None:
    held = await silent(address, 5)
    for streams in held:
        send(streams, "/slow")
    await until(lambda: server.waiting == 5)
    assert is_refusal(await ask(address))
    assert (await ask(address, "127.0.0.2")).endswith(b"hello")
    server.go_on.set()
    for reader, _ in held:
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 ")
    await close(held)


async def test_bodies_that_do_not_come_and_websockets_make_room(server: Server, address: Address) -> None:
    held = await silent(address, 5)
    for _, writer in held[:3]:
        writer.write(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
    for streams in held[3:]:
        send(streams, "/slow", "Connection: Upgrade\r\nUpgrade: websocket\r\n")
    await until(lambda: server.waiting == 5)
    newcomers = await silent(address, 5)
    await until(lambda: ended(held) == [0, 1, 2, 3, 4])
    await close(held + newcomers)


def has_ended(held: list[Streams], count: int) -> bool:
    return len(ended(held)) == count


async def test_a_full_server_serves_newcomers_and_says_once_that_it_is_full_and_once_that_it_is_not(
    address: Address, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "sync.http.shortage")
    for _ in range(3):
        held = await silent(address, 5) + await silent(address, 3, "127.0.0.2")
        newcomers = [await silent(address, 1, f"127.0.1.{number}") for number in range(3)]
        for newcomer in newcomers:
            send(newcomer[0])
            await newcomer[0][0].readuntil(b"hello")
        await until(partial(has_ended, held, 3))
        assert set(ended(held)) <= {0, 1, 2, 5}  # the oldest of those who hold the most
        await close(held + [streams for newcomer in newcomers for streams in newcomer])
        assert (await ask(address, "127.0.0.3")).endswith(b"hello")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    monkeypatch.setattr("sync.http.shortage.QUIET_S", 0.0)
    await ask(address, "127.0.0.3")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_requests_that_never_end_cannot_hold_the_door_closed(server: Server, address: Address) -> None:
    held = await silent(address, 5) + await silent(address, 3, "127.0.0.2")
    for streams in held:
        send(streams, "/slow")
    await until(lambda: server.waiting == 8)
    assert (await ask(address, "127.0.0.3")).endswith(b"hello")
    server.go_on.set()
    await close(held)


async def test_a_known_token_does_not_count_for_its_address_and_gives_way_to_no_stranger(address: Address) -> None:
    known = [await show_token(address, token) for token in "abcdefg"]  # more than one address may hold
    strangers = [await ask(address, f"127.0.0.{number}") for number in range(2, 20)]
    assert all(answer.endswith(b"hello") for answer in strangers)
    held = await silent(address, 20, "127.0.0.2")
    assert ended(known) == []
    for streams in known:
        send(streams)
        await streams[0].readuntil(b"hello")
    await close(known + held)


async def test_devices_take_turns_where_nobody_else_has_a_connection(address: Address) -> None:
    kept = [await show_token(address, str(number)) for number in range(7)]
    for number in range(7, 30):
        streams = await asyncio.open_connection(*address)
        send(streams, headers=f"Authorization: {number}\r\n")
        async with asyncio.timeout(60):
            answer = await streams[0].read()  # to its end: this side does not close
        assert answer.endswith(b"hello") and b"Connection: close" in answer
        await close([streams])
    assert ended(kept) == []
    await close(kept)


async def test_hundreds_that_come_at_once_are_accepted_within_a_few_turns_of_the_loop(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted, admit = list[str](), Connections.admit

    def counted(self: Connections, connection: Connection, peer: str) -> bool:
        accepted.append(peer)
        return admit(self, connection, peer)

    monkeypatch.setattr(Connections, "admit", counted)
    async with serve_http(server.app, "127.0.0.1", 0, limits=ConnectionLimits(most=600, most_of_one=400)) as url:
        held = [socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) for _ in range(300)]
        for _ in range(40):  # the loop had no turn until now
            await asyncio.sleep(0)
        assert len(accepted) == 300
        for one in held:
            one.close()


async def test_websockets_leave_connections_to_those_who_ask(address: Address) -> None:
    upgrade = f"Connection: Upgrade\r\nUpgrade: websocket\r\n{WEBSOCKET}"

    async def open_socket(source: str) -> tuple[Streams, bytes]:
        streams = await asyncio.open_connection(*address, local_addr=(source, 0))
        send(streams, "/socket", upgrade)
        return streams, await streams[0].readuntil(b"\r\n\r\n")

    async with asyncio.timeout(60):
        opened = [await open_socket(f"127.0.0.{2 + number // 3}") for number in range(12)]
        assert all(head.startswith(b"HTTP/1.1 101") for _, head in opened)
        for _ in range(3):
            refused, head = await open_socket("127.0.0.9")
            assert is_refusal(head)
            assert (await ask(address, "127.0.0.8")).endswith(b"hello")
            await close([refused])
        await close([opened.pop()[0]])
        while not (newcomer := await open_socket("127.0.0.9"))[1].startswith(b"HTTP/1.1 101"):
            await close([newcomer[0]])
    await close([newcomer[0], *(streams for streams, _ in opened)])


async def test_a_device_that_connects_again_never_finds_its_dead_connections_in_the_way(
    server: Server, address: Address
) -> None:
    held = [await show_token(address, "a", "/slow") for _ in range(3)]
    await until(lambda: server.waiting == 3)
    held += [await show_token(address, "a"), await show_token(address, "b")]
    await until(lambda: ended(held) == [0])
    server.go_on.set()
    await close(held)


async def test_a_trusted_proxy_has_room_for_everybody_and_each_client_only_its_own(
    server: Server, address: Address
) -> None:
    held = await silent(address, 5, PROXY)
    for streams in held:
        send(streams, "/slow", "X-Forwarded-For: 198.51.100.1\r\n")
    await until(lambda: server.waiting == 5)
    assert is_refusal(await ask(address, PROXY, "X-Forwarded-For: 192.0.2.66, 198.51.100.1\r\n"))
    for client in ("198.51.100.2", "2001:db8::1", "unknown"):
        assert (await ask(address, PROXY, f"X-Forwarded-For: {client}\r\n")).endswith(b"hello")
    send(held[0], "/slow", "X-Forwarded-For: 198.51.100.1\r\n")
    server.go_on.set()
    for reader, _ in held:
        await reader.readuntil(b"hello")
    assert (await ask(address, PROXY, "X-Forwarded-For: 198.51.100.1\r\n")).endswith(b"hello")
    await close(held)


@pytest.mark.parametrize(("descriptors", "most"), [(1024, 384), (100, 16), (resource.RLIM_INFINITY, (1 << 19) - 128)])
def test_files_and_databases_keep_their_descriptors(
    descriptors: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (descriptors, descriptors))
    assert limits_for_descriptors(256) == ConnectionLimits(most, max(8, most // 2))


async def test_without_descriptors_it_waits_and_says_so_once(
    address: Address, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("sync.http.listener.PAUSE_S", 0.01)
    monkeypatch.setattr("sync.http.shortage.QUIET_S", 0.1)
    with socket.socket() as client:
        client.setblocking(False)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        next_free = os.dup(client.fileno())
        os.close(next_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (next_free, hard))
        try:
            await asyncio.get_running_loop().sock_connect(client, address)
            await until(lambda: bool(caplog.records))
            await asyncio.sleep(0.05)  # several tries
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        while len(caplog.records) < 2:
            assert (await ask(address)).endswith(b"hello")
    words = [f"{record.levelname} {record.getMessage()}" for record in caplog.records]
    assert words == [
        "WARNING requests and connections fail, and are tried again: too many files are open; "
        "raise the limit of open files",
        "INFO requests and connections work again",
    ]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n", 417),
        (b"GET /short HTTP/1.1\r\nHost: x\r\n\r\n", 503),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ],
)
async def test_what_no_operation_answers_is_a_problem(address: Address, request_bytes: bytes, status: int) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request_bytes)
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
    assert int(head.split(b" ")[1]) == status and b"application/problem+json" in head
    await close([(reader, writer)])


@pytest.mark.parametrize(
    "start", [b"GET / HTTP/1.1\r\nX: ", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]
)
async def test_who_sends_on_after_bytes_that_are_not_http_reads_why(address: Address, start: bytes) -> None:
    reader, writer = await asyncio.open_connection(*address)
    for piece in (start, *[b"a" * 50_000] * 10, b"\r\n\r\n"):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    async with asyncio.timeout(60):
        assert b" 400 " in await reader.readline()
        await reader.read()
    await close([(reader, writer)])


async def test_frames_before_a_websocket_is_open_end_the_connection(server: Server, address: Address) -> None:
    for size, ends in ((500, False), (5_000, True)):
        streams = await asyncio.open_connection(*address)
        send(streams, "/slow", "Connection: Upgrade\r\nUpgrade: websocket\r\n")
        await until(lambda: server.waiting > 0)
        streams[1].write(b"\x89\x80abcd" * (size // 6))
        with suppress(ConnectionError, *(() if ends else (TimeoutError,))):
            await asyncio.wait_for(streams[0].read(), 10 if ends else 0.1)
        server.waiting = 0
        await close([streams])


async def test_who_never_stops_sending_is_not_read_for_ever(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.http.listener._MOST_UNREAD_BYTES", 100_000)
    _, writer = await asyncio.open_connection(*address)
    with pytest.raises(ConnectionError):
        async with asyncio.timeout(60):
            while True:
                writer.write(b"a" * 50_000)
                await writer.drain()
                await asyncio.sleep(0)


async def test_who_vanishes_leaves_no_line_in_the_log(address: Address, caplog: pytest.LogCaptureFixture) -> None:
    held = await silent(address, 3)
    for _, writer in held:
        writer.write(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
    assert (await ask(address)).endswith(b"hello")
    await close(held)
    assert (await ask(address)).endswith(b"hello")
    assert not caplog.records


async def test_a_head_that_trickles_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.http.listener.IDLE_S", 0.1)
    async with serve_http(server.app, "127.0.0.1", 0, limits=LIMITS) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))

        async def trickle() -> None:
            writer.write(b"GET / HTTP/1.1\r\n")
            while True:
                writer.write(b"X: y\r\n")
                await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        async with asyncio.timeout(60):
            with suppress(ConnectionResetError):  # of what was sent while it was being closed
                assert await reader.read() == b""
        trickling.cancel()
        await close([(reader, writer)])


async def test_an_answer_that_nobody_takes_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.http.listener.STALLED_S", 0.3)
    async with serve_http(server.app, "127.0.0.1", 0, limits=LIMITS) as url:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as client:
            client.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            await until(lambda: server.given_up)


async def test_hundreds_at_once_leave_the_server_as_it_was(address: Address) -> None:
    for _ in range(3):
        answers = await asyncio.gather(*(ask(address) for _ in range(100)), return_exceptions=True)
        assert not [answer for answer in answers if isinstance(answer, bytes) and answer and b" 500 " in answer]
    assert (await ask(address)).endswith(b"hello")


@pytest.mark.parametrize(
    ("tls", "headers", "most"),
    [(False, {}, 8_192), (False, {"Upgrade": "websocket"}, 1_024), (True, {}, 16_384 + 8_192)],
)
async def test_who_sends_much_is_read_a_little_at_a_time(
    server: Server, tmp_path: Path, tls: bool, headers: dict[str, str], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    receive = RequestHandler.data_received

    def received(self: RequestHandler, data: bytes) -> None:
        read.append(len(data))
        receive(self, data)

    monkeypatch.setattr(RequestHandler, "data_received", received)
    company, body = make_company(tmp_path), bytes(400_000)
    trusting = ssl.create_default_context(cafile=company.file)
    context = company.server("127.0.0.1") if tls else None
    async with (
        serve_http(server.app, "127.0.0.1", 0, limits=LIMITS, tls=context) as url,
        ClientSession() as client,
        client.post(f"{url}/body", data=body, headers=headers, ssl=trusting) as answer,
    ):
        assert await answer.read() == body
    assert max(read) <= max(most, 8_192)
    assert len(read) >= len(body) / most


async def test_connections_count_before_they_speak_tls(server: Server, tmp_path: Path) -> None:
    company = make_company(tmp_path)
    trusting = ssl.create_default_context(cafile=company.file)
    async with serve_http(server.app, "127.0.0.1", 0, limits=LIMITS, tls=company.server("127.0.0.1")) as url:
        held = await silent(("127.0.0.1", int(url.rpartition(":")[2])), 5)
        async with ClientSession() as client, client.get(url, ssl=trusting) as answer:
            assert await answer.text() == "hello"
        await until(lambda: ended(held) == [0])
        await close(held)
