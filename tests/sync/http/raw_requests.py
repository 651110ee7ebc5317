"""Requests that only a raw socket can send, and what a server answers them."""

import asyncio
import logging

import pytest

_HOST = b"Host: localhost\r\n"
_BODY = b"Content-Length: 2\r\n\r\n{}"
_CHUNKED = b"POST /v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


def _get(target: bytes, headers: bytes = _HOST, version: bytes = b"HTTP/1.1", method: bytes = b"GET") -> bytes:
    return method + b" " + target + b" " + version + b"\r\n" + headers + b"\r\n"


def _post(headers: bytes) -> bytes:
    return b"POST /v1/session HTTP/1.1\r\n" + _HOST + headers


RAW: dict[str, tuple[bytes, int]] = {
    "length and chunks": (_post(b"Transfer-Encoding: chunked\r\n" + _BODY), 400),
    "two lengths": (_post(b"Content-Length: 5\r\n" + _BODY), 400),
    "a length of its own": (_post(b"Content-Length: +2\r\n\r\n{}"), 400),
    "a length nobody can count": (_post(b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}"), 400),
    "a space before the colon": (_post(b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), 400),
    "chunks that are not last": (_post(b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"), 400),
    "two codings": (_post(b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), 501),
    "an unknown coding": (_post(b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), 400),
    "a negative chunk": (_CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n", 400),
    "a chunk in another base": (_CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n", 400),
    "a chunk larger than memory": (_CHUNKED + b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n", 400),
    "a chunk that ends by itself": (_CHUNKED + b"2\n{}\n0\n\n", 400),
    "an extension of a chunk": (_CHUNKED + b'2;a=b;c="d"\r\n{}\r\n0\r\n\r\n', 422),
    "a folded line": (_get(b"/healthz", _HOST + b"X-A: b\r\n c\r\n"), 400),
    "lines that end by themselves": (b"GET /healthz HTTP/1.1\nHost: localhost\n\n", 400),
    "a bare CR": (_get(b"/healthz", _HOST + b"X: a\rb\r\n"), 400),
    "a NUL": (_get(b"/healthz", _HOST + b"X: a\x00b\r\n"), 400),
    "no colon": (_get(b"/healthz", _HOST + b"nonsense\r\n"), 400),
    "a long line": (_get(b"/healthz", _HOST + b"X: " + b"a" * 100_000 + b"\r\n"), 400),
    "many lines": (_get(b"/healthz", _HOST + b"X: a\r\n" * 20_000), 400),
    "a long address": (_get(b"/" + b"a" * 20_000), 400),
    "no host": (_get(b"/healthz", b""), 400),
    "two hosts": (_get(b"/healthz", _HOST + b"Host: evil.example\r\n"), 400),
    "a foreign host": (_get(b"/healthz", b"Host: evil.example\r\n"), 403),
    "an empty host": (_get(b"/healthz", b"Host: \r\n"), 403),
    "a host and a path": (_get(b"/healthz", b"Host: localhost/evil.example\r\n"), 400),
    "a host and a user": (_get(b"/healthz", b"Host: localhost@evil.example\r\n"), 400),
    "a host and no port": (_get(b"/healthz", b"Host: localhost:x\r\n"), 400),
    "half an address as host": (_get(b"/healthz", b"Host: [::1\r\n"), 400),
    "two hosts in a line": (_get(b"/healthz", b"Host: localhost, evil.example\r\n"), 400),
    "a whole address": (_get(b"http://localhost/healthz"), 200),
    "a foreign whole address": (_get(b"http://evil.example/healthz"), 403),
    "a whole address with a wrong port": (_get(b"http://x:99999/healthz"), 400),
    "a host as address": (_get(b"localhost:80"), 400),
    "a tunnel": (_get(b"localhost:80", method=b"CONNECT"), 501),
    "a tunnel of a path": (_get(b"/healthz", method=b"CONNECT"), 501),
    "a trace": (_get(b"/healthz", method=b"TRACE"), 405),
    "the server as a whole": (_get(b"*", method=b"OPTIONS"), 204),
    "a method nobody knows": (_get(b"/healthz", method=b"PURGE"), 405),
    "a method that is none": (_get(b"/healthz", method=b"G@T"), 400),
    "no method": (b" /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "HTTP 0.9": (b"GET /healthz\r\n\r\n", 505),
    "HTTP 1.0": (_get(b"/healthz", version=b"HTTP/1.0"), 200),
    "HTTP 1.0 expects": (b"POST /v1/session HTTP/1.0\r\n" + _HOST + b"Expect: 100-continue\r\n" + _BODY, 422),
    "HTTP 2.0": (_get(b"/healthz", version=b"HTTP/2.0"), 505),
    "HTTP 9.9": (_get(b"/healthz", version=b"HTTP/9.9"), 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "an upgrade to HTTP/2": (_get(b"/healthz", _HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"), 200),
    "a WebSocket elsewhere": (_get(b"/healthz", _HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"), 200),
    "an expectation": (_post(b"Expect: 100-continue\r\n" + _BODY), 100),
    "another expectation": (_post(b"Expect: miracles\r\n" + _BODY), 417),
    "NUL in an address": (_get(b"/v1/\x00"), 400),
    "a coded NUL": (_get(b"/v1/%00"), 404),
    "a coded slash": (_get(b"/v1%2fstatus"), 404),
    "dots and a semicolon": (_get(b"/v1/..;/healthz"), 404),
    "dots": (_get(b"/../../../etc/passwd"), 404),
    "coded dots": (_get(b"/%2e%2e/%2e%2e/etc/passwd"), 404),
    "two slashes": (_get(b"//evil.example/healthz"), 404),
    "bytes that are no text": (_get(b"/v1/%ff%fe%ed%a0%80"), 404),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), 400),
    "every byte": (bytes(range(256)) * 40, 400),
    "a line of a proxy": (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + _get(b"/healthz"), 400),
}


async def hold_to_raw_requests(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Send each request over a connection of its own; errors are problems, and nothing is logged."""
    answers = await asyncio.gather(*(_answer(url, raw) for raw, _ in RAW.values()))
    told = {name: int(answer.split()[1]) for name, answer in zip(RAW, answers, strict=True)}
    assert told == {name: status for name, (_, status) in RAW.items()}
    for name, answer in zip(RAW, answers, strict=True):
        assert told[name] < 400 or b"application/problem+json" in answer, name
        assert told[name] < 500 or b"connection: close" in answer.lower() or b"HTTP/1.1" not in answer, name
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def _answer(url: str, raw: bytes) -> bytes:
    """Return the head of the answer."""
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    writer.transport.abort()
    return answer
