"""Simulated devices send what a player sends, byte by byte: else `script/bench origin` would measure something else."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from origin_bodies import TEXT, Batches, Shown, exchange_body, exchange_message, frame, head, heartbeat, on_air, upgrade
from origin_wire import HttpConnection, Place, Request, SocketConnection

from sync.device.origin_client import OriginClient, open_client
from sync.errors import OriginRefused, OriginUnreachable
from sync.wire.device_reports import Play, play_hash
from sync.wire.live_messages import Exchange, ExchangeMessage, OnAirMessage

SHOWN = Shown("a" * 64, ("b" * 64, "c" * 64), ("one", "two"), "lunch", 10.0, 1_700_000_000.0)
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def recording_server() -> AsyncIterator[tuple[Place, list[bytes]]]:
    """Answer everything with 404, and keep what came."""
    came: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", raw)
                came.append(raw + (await reader.readexactly(int(length[1])) if length else b""))
                writer.write(NOT_FOUND)
        writer.close()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Place("127.0.0.1", server.sockets[0].getsockname()[1]), came
    finally:
        server.close()
        await asyncio.wait_for(ended.wait(), 5)


async def sent_by_player(ask: Callable[[OriginClient], Awaitable[Any]]) -> tuple[Place, bytes]:
    """Return what a client of a player sends, and to where."""
    async with recording_server() as (place, came):
        async with open_client(f"http://{place.host}:{place.port}", "token") as client:
            with suppress(OriginRefused, OriginUnreachable):
                await ask(client)
        return place, came[0]


def parts(raw: bytes) -> tuple[bytes, set[bytes], bytes]:
    """Return the first line, the headers without what differs each time, and the body of a request."""
    before, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = before.split(b"\r\n")
    different = (b"Sec-WebSocket-Key", b"Authorization", b"Host", b"Content-Length")
    return first, {line.partition(b":")[0] if line.startswith(different) else line for line in lines}, body


async def test_an_exchange_over_http_and_content_are_asked_as_a_player_asks() -> None:
    body = exchange_body(heartbeat(7, SHOWN, 60.0), Batches(7, SHOWN).take(0, 1))
    asked = Exchange.model_validate_json(body)
    place, raw = await sent_by_player(lambda client: client.exchange(asked))
    assert parts(head("POST", "/v1/exchange", "host", 7, body) + body) == parts(raw)
    _, raw = await sent_by_player(lambda client: client.document("roots/2.json", 1000))
    assert parts(head("GET", "/content/roots/2.json", "host", None)) == parts(raw)
    assert f"Host: {place.host}:{place.port}".encode() in head("GET", "/", f"{place.host}:{place.port}", None)


async def test_a_websocket_is_asked_for_as_a_player_asks() -> None:
    async def listen(client: OriginClient) -> None:
        async with client.live():
            pass

    _, raw = await sent_by_player(listen)
    assert parts(upgrade("host", 7)) == parts(raw)


def test_plays_of_a_device_are_a_chain_and_valid() -> None:
    batches = Batches(7, SHOWN)
    raw = exchange_message(3, exchange_body(heartbeat(7, SHOWN, 60.0), batches.take(0, 2)))
    message = ExchangeMessage.model_validate_json(raw)
    assert (message.number, len(message.exchange.plays)) == (3, 12)
    assert message.model_dump_json().encode() == raw, "byte by byte as a player writes it"
    assert message.exchange.heartbeat is not None and message.exchange.heartbeat.release == SHOWN.release
    previous = "0" * 64
    for sequence, document in enumerate(message.exchange.plays, 1):
        play = Play.model_validate(document)
        assert (play.sequence, play.previous_hash, play.hash) == (sequence, previous, play_hash(previous, document))
        previous = play.hash
    batches.forget(1)
    later = Exchange.model_validate_json(exchange_body(b"null", batches.take(1, 3)))
    assert [one["sequence"] for one in later.plays] == list(range(7, 19))
    assert later.plays[:6] == message.exchange.plays[6:], "what was made once is sent again as it was"


def test_what_is_on_air_is_said_as_a_player_says_it() -> None:
    raw = on_air(7, 1, SHOWN)
    assert OnAirMessage.model_validate_json(raw).model_dump_json().encode() == raw


def test_frames_are_masked_and_of_each_length() -> None:
    for size, lead in ((5, 2), (200, 4), (70_000, 10)):
        raw = frame(TEXT, b"x" * size)
        assert raw[0] == 0x81 and raw[1] & 0x80 and raw[lead : lead + 4] == bytes(4) and len(raw) == lead + 4 + size


async def test_what_is_asked_while_an_answer_comes_is_sent_once() -> None:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    statuses: list[tuple[str, int]] = []

    def then(request: Request, status: int, body: bytes) -> None:
        statuses.append((request.kind, status))
        if request.kind == "first":
            for kind in ("second", "third"):
                connection.ask(Request(kind, head("GET", f"/{kind}", "host", None), 0.0, then))
        elif request.kind == "third":
            done.set_result(None)

    async with recording_server() as (place, came):
        connection = HttpConnection(place, 1)
        connection.ask(Request("first", head("GET", "/first", "host", None), 0.0, then))
        await asyncio.wait_for(done, 5)
        connection.close()
    assert statuses == [("first", 404), ("second", 404), ("third", 404)] and len(came) == 3


async def test_a_socket_that_is_refused_says_with_which_status() -> None:
    class Refused:
        def __init__(self) -> None:
            self.ended: asyncio.Future[tuple[int, bool]] = asyncio.get_running_loop().create_future()

        def socket_opened(self) -> None: ...

        def socket_said(self, text: bytes) -> None: ...

        def socket_ended(self, status: int, *, was_open: bool) -> None:
            self.ended.set_result((status, was_open))

    async with recording_server() as (place, _):
        listener = Refused()
        await SocketConnection(listener, upgrade("host", 7)).open(place, 7)
        assert await asyncio.wait_for(listener.ended, 5) == (404, False)
