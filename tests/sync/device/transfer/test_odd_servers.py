"""Answers as no specification has them: what is right is taken whatever stands around it, all else is fetched again."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sync.device.store.content_store import ContentStore
from tests.sync.conftest import running
from tests.sync.device.transfer import faulty_server
from tests.sync.device.transfer.faulty_server import Asked, Fault, faulty, headed, status
from tests.sync.device.transfer.test_one_bad_asset import origin_at
from tests.sync.file_tree_origin import CHUNK, Publisher, noise

SIZE = 4 * CHUNK
HEAD_BYTES = 400  # a head that is counted as a body


def edited(*changes: tuple[bytes, bytes]) -> Fault:
    """Send the right body with a changed head."""

    async def send(asked: Asked) -> None:
        head = asked.head()
        for old, new in changes:
            assert old in head
            head = head.replace(old, new, 1)
        asked.writer.write(head)
        await asked.send(asked.body)

    return send


def preceded(raw: bytes) -> Fault:
    async def send(asked: Asked) -> None:
        asked.writer.write(raw)
        await faulty_server.well(asked)

    return send


def followed(raw: bytes, *, pause_s: float = 0.0) -> Fault:
    """Send the right answer and, at once or later, something behind it."""

    async def send(asked: Asked) -> None:
        asked.writer.write(asked.head())
        await asked.send(asked.body if pause_s else asked.body + raw)
        await asyncio.sleep(pause_s)
        asked.writer.write(raw if pause_s else b"")

    return send


async def closed_behind_it(asked: Asked) -> None:
    await faulty_server.well(asked)
    asked.writer.close()


def bodied(change: Callable[[bytes], bytes]) -> Fault:
    """Send the right head with another body."""

    async def send(asked: Asked) -> None:
        asked.writer.write(asked.head())
        await asked.send(change(asked.body))

    return send


async def closed_without_length(asked: Asked) -> None:
    asked.writer.write(asked.head().replace(b"Content-Length", b"X-Length"))
    await asked.send(asked.body)
    asked.writer.close()


async def http_1_0(asked: Asked) -> None:
    asked.writer.write(asked.head().replace(b"HTTP/1.1", b"HTTP/1.0"))
    await asked.send(asked.body)
    asked.writer.close()


async def one_byte_at_a_time(asked: Asked) -> None:
    head = asked.head()
    for at in range(len(head)):
        asked.writer.write(head[at : at + 1])
        await asyncio.sleep(0)
    await asked.send(asked.body, piece=1000)


async def one_part_of_several(asked: Asked) -> None:
    part = b"--x\r\n%s%s\r\n--x--\r\n" % (asked.head().partition(b"\r\n")[2], asked.body)
    head = f"Content-Type: multipart/byteranges; boundary=x\r\nContent-Length: {len(part)}\r\n"
    await asked.send(f"HTTP/1.1 206 Partial Content\r\n{head}\r\n".encode() + part)


async def shifted(asked: Asked) -> None:
    asked.writer.write(asked.head())
    await asked.send(asked.body[1:] + b"x")


async def chunked_with_trailers(asked: Asked) -> None:
    head = asked.head().replace(b"Content-Length", b"Trailer: X\r\nTransfer-Encoding: chunked\r\nX-Length")
    asked.writer.write(head)
    await asked.send(b"%x;ext=1\r\n%s\r\n0\r\nX: y\r\n\r\n" % (len(asked.body), asked.body))


async def chunked_and_length(asked: Asked) -> None:
    asked.writer.write(asked.head(more="Transfer-Encoding: chunked\r\n"))
    await asked.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(asked.body), asked.body))


async def reset_at_the_end(asked: Asked) -> None:
    await faulty_server.well(asked)
    asked.writer.transport.abort()


async def half_then_stop(asked: Asked) -> None:
    asked.writer.write(asked.head())
    await asked.send(asked.body[: len(asked.body) // 2])
    await asyncio.Event().wait()


RIGHT: dict[str, Fault] = {
    "another ETag each time": headed('ETag: "1"\r\nLast-Modified: never\r\n'),
    "cookies": headed("".join(f"Set-Cookie: a{n}={'x' * 50}\r\n" for n in range(100))),
    "900 headers": headed("".join(f"X-{n}: {n}\r\n" for n in range(900))),
    "a long header": headed(f"X-Long: {'x' * 60_000}\r\n"),
    "100 answers of 103": preceded(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100),
    "one byte at a time": one_byte_at_a_time,
    "no reason": edited((b" Partial Content", b"")),
    "another reason": edited((b"Partial Content", b"\xff\xfe")),
    "HTTP/1.0": http_1_0,
    "close": headed("Connection: close\r\n"),
    "close in capitals": headed("CONNECTION: Keep-Alive, CLOSE\r\n"),
    "closed behind it": closed_behind_it,
    "lower case": edited((b"Content-Length", b"content-length"), (b"Content-Range", b"content-range")),
    "spaces": edited((b"Content-Length: ", b"Content-Length:\t  ")),
    "identity": headed("Content-Encoding: identity\r\n"),
    "a web page by its type": headed("Content-Type: text/html\r\n"),
    "something behind it at once": followed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"),
}
WRONG: dict[str, Fault] = {
    "something behind it later": followed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong", pause_s=0.05),
    "304 unasked": status("304 Not Modified"),
    "101": status("101 Switching Protocols", "Upgrade: h2c\r\nConnection: Upgrade\r\n"),
    "199": status("199 Odd"),
    "206 of nothing": status("206 Partial Content"),
    "299": status("299 Odd"),
    "300": status("300 Multiple Choices"),
    "302 to nowhere": status("302 Found"),
    "999": status("999 Odd"),
    "no number": status("abc"),
    "HTTP/2.0": edited((b"HTTP/1.1", b"HTTP/2.0")),
    "ICY": edited((b"HTTP/1.1", b"ICY")),
    "a line before it": preceded(b"\r\n"),
    "one part of several": one_part_of_several,
    "a range shifted by one": shifted,
    "size unknown": headed("Content-Range: bytes 0-1/*\r\n"),
    "chunked with trailers": chunked_with_trailers,
    "chunked and a length": chunked_and_length,
    "without a length": closed_without_length,
    "a length below zero": edited((b"Content-Length: ", b"Content-Length: -")),
    "a length with a sign": edited((b"Content-Length: ", b"Content-Length: +")),
    "a length in hex": edited((b"Content-Length: ", b"Content-Length: 0x")),
    "a length of 30 digits": edited((b"Content-Length: ", b"Content-Length: " + b"9" * 30)),
    "two lengths": edited((b"Content-Length: ", b"Content-Length: 7\r\nContent-Length: ")),
    "one byte short": headed("", extra=-1),
    "brotli": headed("Content-Encoding: br\r\n"),
    "a zero byte in the head": edited((b"Content-Length", b"\0Content-Length")),
    "the bytes of another file": bodied(lambda body: noise(7777, len(body))),
    "zeros": bodied(lambda body: bytes(len(body))),
    "backwards": bodied(lambda body: body[::-1]),
    "in capitals": bodied(lambda body: body.upper()),
    "half, then nothing": half_then_stop,
    "reset at the end": reset_at_the_end,
    "429 before now": status("429 Too Many Requests", "Retry-After: Mon, 02 Mar 1970 12:00:00 GMT\r\n"),
    "429 with less than nothing": status("429 Too Many Requests", "Retry-After: -5\r\n"),
    "503 soon": status("503 Service Unavailable", "Retry-After: soon\r\n"),
    "401": status("401 Unauthorized", "WWW-Authenticate: Basic\r\n"),
    "407": status("407 Proxy Authentication Required"),
    "451": status("451 Unavailable For Legal Reasons"),
    "511": status("511 Network Authentication Required"),
    "421": status("421 Misdirected Request"),
}


async def fetched(answers: Mapping[str, Fault], store: ContentStore, tmp_path: Path) -> list[int]:
    """Have each of these answers happen once, for an asset of its own; return how many bytes were sent of each."""
    publisher = Publisher(tmp_path / "tree")
    async with faulty(tmp_path / "tree") as server:
        contents = [noise(seed, SIZE) for seed in range(len(answers))]
        assets = publisher.publish(*contents)
        server.faults = {f"assets/{one.sha256}": [fault] for one, fault in zip(assets, answers.values(), strict=True)}
        async with running(origin_at(server, publisher), store, head_s=0.5, read_s=0.5) as device:
            await device.until(lambda: device.syncer.facts().release == publisher.release, pass_s=0.5)
        assert not any(server.faults.values()), "each has happened"
        for asset, content in zip(assets, contents, strict=True):
            assert store.asset_path(asset.sha256).read_bytes() == content
        return [server.sent_of(asset.sha256) for asset in assets]


async def test_bytes_that_are_right_are_taken_whatever_stands_around_them(store: ContentStore, tmp_path: Path) -> None:
    sent = await fetched(RIGHT, store, tmp_path)
    assert {name: most for name, most in zip(RIGHT, sent, strict=True) if most > SIZE + HEAD_BYTES} == {}


async def test_an_answer_that_is_wrong_costs_its_asset_one_more_request(
    store: ContentStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent = await fetched(WRONG, store, tmp_path)
    # What comes later may be taken for the answer about another asset, which has a fault of its own.
    assert {name: most for name, most in zip(WRONG, sent, strict=True) if most > 3 * SIZE + HEAD_BYTES} == {}
    assert "None" not in caplog.text and "Traceback" not in caplog.text
