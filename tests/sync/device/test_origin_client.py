"""The client of the origin: limits, waits, and answers of servers that are not an origin."""

import asyncio
import base64
import contextlib
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_websocket import WS_KEY

from sync.device.origin_client import (
    ANSWER_CAP_BYTES,
    OriginClient,
    open_client,
)
from sync.device.store.content_store import ContentStore
from sync.device.store.partial_file import open_partial_file
from sync.device.transfer.deadlines_and_rates import Deadlines
from sync.device.transfer.http_reader import LONGEST_RETRY_AFTER_S, PARSED_BYTES, PiecewiseConnector, retry_after_s
from sync.device.transfer.transfer import ContentTransfer
from sync.errors import OriginRefused, OriginUnreachable, Untrusted
from sync.runtime.clock import SystemClock
from sync.wire.device_reports import Heartbeat
from tests.sync.device.transfer.one_fetch import fetch
from tests.sync.file_tree_origin import CHUNK, EPOCH, Origin, cut_into, noise

Asked = tuple[str, dict[str, str], bytes]


@asynccontextmanager
async def answering(
    *answers: web.Response,
) -> AsyncIterator[tuple[OriginClient, list[tuple[str, dict[str, str], bytes]]]]:
    """A server that gives these answers in turn and records the requests."""
    left = list(answers)
    asked: list[Asked] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.path, dict(request.headers), await request.read()))
        return left.pop(0)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with open_client(f"http://127.0.0.1:{runner.addresses[0][1]}/", "t0ken") as client:
            yield client, asked
    finally:
        await runner.cleanup()


def receipts() -> web.Response:
    return web.json_response({"receipts": [{"sequence": 1, "status": "accepted"}], "high_water": 1, "new": "field"})


async def test_plays_are_sent_with_the_token_and_answered_with_receipts() -> None:
    async with answering(receipts()) as (client, asked):
        answer = await client.post_plays([{"sequence": 1}])
    assert answer.high_water == 1
    path, headers, body = asked[0]
    assert path == "/v1/plays"
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Accept-Encoding"] == "identity"
    assert json.loads(body) == {"plays": [{"sequence": 1}]}


async def test_the_answer_to_a_heartbeat_is_empty() -> None:
    async with answering(web.Response(status=204)) as (client, asked):
        await client.post_heartbeat(Heartbeat(at=EPOCH, version="1"))
    assert json.loads(asked[0][2])["at"] == "2026-03-02T12:00:00.000Z"


async def test_content_is_fetched_without_the_token() -> None:
    async with answering(web.Response(body=b"x")) as (client, asked):
        assert await client.document("roots/1.json", 10) == b"x"
    assert asked[0][0] == "/content/roots/1.json"
    assert "Authorization" not in asked[0][1]


@pytest.mark.parametrize("body", [b"", b"<html>log in</html>", b'{"receipts": 3}', b"[" * 100_000, b"\xff\xfe"])
async def test_an_answer_that_is_not_the_document_counts_as_unreachable(body: bytes) -> None:
    async with answering(web.Response(body=body)) as (client, _):
        with pytest.raises(OriginUnreachable):
            await client.post_plays([])


async def test_an_answer_over_its_limit_is_not_read_to_the_end() -> None:
    async with answering(web.Response(body=b" " * (ANSWER_CAP_BYTES + 1))) as (client, _):
        with pytest.raises(Untrusted, match="more than"):
            await client.post_plays([])


async def test_a_compressed_answer_is_not_decompressed() -> None:
    answer = web.Response(body=b"\x1f\x8b bomb", headers={"Content-Encoding": "gzip"})
    async with answering(answer) as (client, _):
        assert await client.document("x", 100) == b"\x1f\x8b bomb"


async def test_a_refusal_has_the_status_the_detail_and_the_wait() -> None:
    problem = web.json_response({"detail": "no such device"}, status=401, headers={"Retry-After": "30"})
    async with answering(problem) as (client, _):
        with pytest.raises(OriginRefused, match="no such device") as caught:
            await client.post_plays([])
    assert caught.value.status == 401
    assert caught.value.retry_after_s == 30


async def test_a_long_page_of_an_error_or_a_portal_is_told_as_such_whatever_the_document_may_have() -> None:
    page = b"<html>" + b"x" * 100_000
    for status, said in ((503, "answers with status 503"), (511, "wants a login first"), (200, "wants a login first")):
        async with answering(web.Response(status=status, body=page)) as (client, _):
            with pytest.raises((OriginRefused, OriginUnreachable), match=said):
                await client.document("x", 800)


@pytest.mark.parametrize(
    ("detail", "said"),
    [("\x1b[31m\0full\u202e", r"\?\[31m\?full\?$"), ({"a": [1]}, "no reason given$"), ("x" * 999, "x{200}$")],
)
async def test_the_reason_of_an_origin_is_shown_without_what_a_terminal_would_obey(detail: object, said: str) -> None:
    async with answering(web.json_response({"detail": detail}, status=503)) as (client, _):
        with pytest.raises(OriginRefused, match=said):
            await client.document("x", 10_000)


def _by_name(url: str) -> str:
    return url.replace("127.0.0.1", "localhost")  # cookies are of names only


async def test_no_cookies_are_kept() -> None:
    answers = [web.Response(body=b"x", headers={"Set-Cookie": "a=b; Path=/"}) for _ in range(2)]
    async with answering(*answers) as (by_address, asked), open_client(_by_name(by_address.url)) as client:
        await client.document("x", 10)
        await client.document("x", 10)
    assert ["Cookie" in headers for _, headers, _ in asked] == [False, False]


async def test_redirects_of_documents_are_not_followed() -> None:
    async with answering(web.Response(status=302, headers={"Location": "http://example.invalid/"})) as (client, asked):
        with pytest.raises(OriginRefused):
            await client.post_plays([])
    assert len(asked) == 1


async def test_a_closed_port_counts_as_unreachable(origin: Origin) -> None:
    await origin.stop()
    async with open_client(origin.url) as client:
        with pytest.raises(OriginUnreachable):
            await client.document("roots/1.json", 100)
        with pytest.raises(OriginUnreachable):
            await client.live().__aenter__()


@pytest.mark.parametrize(
    ("value", "date", "wait_s"),
    [
        ("17", "", 17),
        ("999999999", "", LONGEST_RETRY_AFTER_S),
        ("Mon, 02 Mar 2026 12:01:00 GMT", "Mon, 02 Mar 2026 12:00:00 GMT", 60),
        ("Mon, 02 Mar 2026 11:00:00 GMT", "Mon, 02 Mar 2026 12:00:00 GMT", 0),
        ("Mon, 02 Mar 2026 12:01:00 GMT", "", None),
        ("soon", "Mon, 02 Mar 2026 12:00:00 GMT", None),
        ("-5", "", None),
        ("", "", None),
    ],
)
def test_retry_after_is_seconds_or_compared_with_the_header_date(value: str, date: str, wait_s: float | None) -> None:
    assert retry_after_s(value, date) == wait_s


async def test_a_refused_live_connection_is_reported() -> None:
    async with answering(web.Response(status=401)) as (client, _):
        with pytest.raises(OriginRefused):
            await client.live().__aenter__()


async def test_a_transfer_below_the_least_speed_is_aborted(origin: Origin, store: ContentStore) -> None:
    content = noise(1, 4 * CHUNK)
    index = cut_into(content)
    origin.publisher.asset(content)
    part = open_partial_file(store.media.part_path(index.asset), index, b"", "0" * 64)
    origin.faults.drip_s = 0.02
    transfer = ContentTransfer(origin.url, SystemClock(), deadlines=Deadlines(window_s=0.3))
    with pytest.raises(OriginUnreachable, match="slower than"):
        await fetch(transfer, part)
    assert part.verified() == frozenset()


def in_chunks(piece: bytes, count: int) -> bytes:
    chunk = b"%x\r\n%s\r\n" % (len(piece), piece)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * count + b"0\r\n\r\n"


SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BOMB = gzip.compress(b"0" * 1_000_000) * 50  # members, each 1 MB
FRAMINGS: dict[str, tuple[bytes, bytes | type[Exception]]] = {
    "a document": (b"HTTP/1.1 200 OK\r\nContent-Length: 700000\r\n\r\n" + b"1" * 700_000, b"1" * 700_000),
    "until the end": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"1" * 700_000, b"1" * 700_000),
    "tiny chunks": (in_chunks(b"x", 60_000), b"x" * 60_000),
    "tiny chunks over the limit": (in_chunks(b"x" * 50, 24_000), Untrusted),
    "tiny chunks and garbage": (in_chunks(b"x", 60_000)[:-5] + b"z" * 90_000, OriginUnreachable),
    "cut off in tiny chunks": (in_chunks(b"x", 60_000)[:-5], OriginUnreachable),
    "many headers": (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 10_000 + SHORT[17:], OriginUnreachable),
    "a long header": (b"HTTP/1.1 200 OK\r\na: " + b"b" * 60_000 + b"\r\n" + SHORT[17:], OriginUnreachable),
    "100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000 + SHORT, b"{}"),
    "answers that nobody asked for": (SHORT * 20_000, b"{}"),
    "empty lines": (SHORT + b"\r\n" * 200_000, b"{}"),
    "a bomb": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB, BOMB),
}


def abort(writers: list[asyncio.StreamWriter]) -> None:
    """Close connections whose client is gone, sent or not."""
    for writer in writers:
        writer.transport.abort()


async def test_what_comes_with_an_upgrade_is_read_in_its_order() -> None:
    sent, writers = [f"{number}".ljust(100) for number in range(300)], list[asyncio.StreamWriter]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key.split(b": ")[1] + WS_KEY).digest())
        head = b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: " + accept
        writers.append(writer)
        writer.write(head + b"\r\n\r\n" + b"".join(b"\x81" + bytes([len(text)]) + text.encode() for text in sent))
        await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with (
        server,
        aiohttp.ClientSession(connector=PiecewiseConnector()) as session,
        session.ws_connect(url) as hints,
    ):
        assert [await hints.receive_str() for _ in sent] == sent
        abort(writers)  # else the client waits ten seconds for the answer to its good-bye


@pytest.mark.parametrize("name", FRAMINGS)
async def test_whatever_a_server_sends_the_event_loop_turns_between_small_pieces(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    raw, expected = FRAMINGS[name]
    turns, parsed, parse = Counter[str](), Counter[int](), ResponseHandler.data_received
    longest, writers = 0, list[asyncio.StreamWriter]()

    def noting(handler: ResponseHandler, data: bytes) -> None:
        nonlocal longest
        longest = max(longest, len(data))
        parsed[turns["loop"]] += bool(data)
        parse(handler, data)

    async def count() -> None:
        while True:
            turns["loop"] += 1
            await asyncio.sleep(0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(OSError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(raw)
            await writer.drain()
            writer.close()

    monkeypatch.setattr(ResponseHandler, "data_received", noting)
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    counting = asyncio.create_task(count())
    async with server, open_client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "t0ken") as client:
        if isinstance(expected, bytes):
            assert await client.document("x", ANSWER_CAP_BYTES) == expected
        else:
            with pytest.raises(expected):
                await client.document("x", ANSWER_CAP_BYTES)
    counting.cancel()
    abort(writers)
    assert 0 < longest <= PARSED_BYTES
    assert max(parsed.values()) <= 2, "at most what was read and what was left in one turn"
