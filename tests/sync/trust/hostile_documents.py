"""What a hostile server may answer, and all that reads it on a device: each says in a sentence why it refuses.

Where a hash or a signature comes first, the damaged bytes are signed and named rightly: whoever has the online key, or
a faulty origin, may sign anything.
"""

import asyncio
import base64
import hashlib
import json
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import aiohttp
from pydantic import BaseModel

from sync.device import origin_client
from sync.device.exchange import live_connection
from sync.device.origin_client import ChannelAssignment
from sync.device.transfer import worker
from sync.device.transfer.asset_state import Fetch
from sync.device.transfer.connection import Network
from sync.device.transfer.deadlines_and_rates import DEADLINES
from sync.device.transfer.http_reader import HttpReader
from sync.device.transfer.sources import ContentSource
from sync.errors import OriginUnreachable, SignageError
from sync.proof.checkpoint import CERTIFICATE_DOMAIN, Certificate, open_certificate, sign_certificate
from sync.proof.delivery import CertifiedKey, CheckpointAnswer
from sync.trust.acceptance import Known, check_bookings, check_index, check_release, check_root, check_timestamp
from sync.trust.root_changes import RootProposal, read_proposal
from sync.trust.signing import (
    SigningKey,
    next_root,
    open_envelope,
    pairing_code,
    pin_root,
    read_timestamp,
    sign_envelope,
)
from sync.wire.chunk_index import dump_index
from sync.wire.content_paths import timestamp_path
from sync.wire.device_reports import BatchAnswer, HeartbeatAnswer, PairingAnswer, PairingState
from sync.wire.live_messages import Hint
from sync.wire.release import (
    INDEX_CAP_BYTES,
    RELEASE_CAP_BYTES,
    ROOT_CAP_BYTES,
    ROOT_DOMAIN,
    TIMESTAMP_CAP_BYTES,
    TIMESTAMP_DOMAIN,
    Asset,
    Bookings,
    BookingsFile,
    Campaign,
    Creative,
    Envelope,
    Line,
    Release,
    Root,
    Timestamp,
)
from tests.sync.file_tree_origin import CHANNEL, EPOCH, Publisher, cut_into, noise, release_of

LONGEST_SENTENCE = 1_000
_KNOWN = Known(EPOCH, synchronised=True)
_NAME = "a" * 64
_HTTP = (
    b"HTTP/1.1 206 Partial Content\r\nContent-Type: video/mp4\r\nContent-Length: 3\r\nContent-Range: bytes 0-2/3\r\n"
    b'Date: Mon, 30 Nov 2026 08:00:00 GMT\r\nConnection: keep-alive\r\nETag: "a"\r\n\r\nabc'
)
_HTTP_BYTES = 60_000  # so many that a socket takes them at once


@dataclass(frozen=True)
class Target:
    """A kind of document: a valid one, what reads it, and how large it may be."""

    sample: bytes
    read: Callable[[bytes], object]
    cap_bytes: int = origin_client.ANSWER_CAP_BYTES


def refused(target: Target, raw: bytes) -> str:
    """Return why a document is refused; empty: it is accepted. Any other error fails the test."""
    try:
        target.read(raw)
    except SignageError as error:
        sentence = str(error)
        assert 0 < len(sentence) <= LONGEST_SENTENCE, sentence[:200]
        assert sentence.isprintable(), repr(sentence)
        return sentence
    return ""


def targets() -> Mapping[str, Target]:
    """Return every kind of document that a device reads from a server, by name."""
    with TemporaryDirectory() as folder:
        publisher = Publisher(Path(folder))
        assets = publisher.publish(*(noise(seed, 50) for seed in range(3)))
        timestamp = (publisher.folder / timestamp_path(CHANNEL)).read_bytes()
        cut = publisher.asset(noise(9, 5000), 500)
        following = publisher.sign_root(2, publisher.root_key)
    root, keys = pin_root(_opened(publisher.root)), (publisher.root_key, publisher.key)
    long = release_of(assets * 150)
    return {
        "timestamp": Target(timestamp, partial(_read_timestamp, root), TIMESTAMP_CAP_BYTES),
        "signed timestamp": Target(_payload(timestamp), partial(_read_signed_timestamp, root, keys[1]), 12_000),
        "root": Target(following, partial(_read_root, root), ROOT_CAP_BYTES),
        "signed root": Target(_payload(following), partial(_read_signed_root, root, keys[0]), 390_000),
        "release": Target(release_of(assets).model_dump_json().encode(), _read_release, RELEASE_CAP_BYTES),
        "long release": Target(long.model_dump_json().encode(), _read_release, RELEASE_CAP_BYTES),
        "index": Target(dump_index(cut_into(noise(9, 5000), 500)), partial(_read_index, cut), INDEX_CAP_BYTES),
        "identity": _answer(Envelope, {"payload": "e30=", "signatures": [{"key": _NAME, "signature": "AAAA"}]}),
        "pairing": Target(_pairing(publisher.root), _read_pairing),
        "pairing state": _answer(PairingState, {"status": "paired", "device": "d", "token": "t", "channel": "main"}),
        "channel": _answer(ChannelAssignment, {"device": "d", "channel": "main"}),
        "bookings": Target(_bookings(assets[0]), _read_bookings, RELEASE_CAP_BYTES),
        "certificate": Target(_certificate(keys[1]), partial(_read_certificate, root)),
        "signed certificate": Target(_payload(_certificate(keys[1])), partial(_read_signed_certificate, root, keys[1])),
        "checkpoint receipts": _answer(CheckpointAnswer, {"receipts": [{"status": "stored"}], "missing": []}),
        "answer to a heartbeat": _answer(HeartbeatAnswer, {"doubts": ["two machines"]}),
        "receipts": _answer(BatchAnswer, {"receipts": [{"sequence": 1, "status": "accepted"}], "high_water": 1}),
        "hint": Target(
            b'{"topic": "release", "channel": "main", "sequence": 3}', _read_hint, origin_client.LIVE_CAP_BYTES
        ),
        "problem": Target(b'{"detail": "the origin is full", "status": 507}', origin_client._detail),
        "proposed root": Target(_proposal(publisher.root, following), read_proposal),
        "HTTP of media": Target(_HTTP, partial(_read_http_of_media, assets[0]), _HTTP_BYTES),
        "HTTP of documents": Target(_HTTP, _read_http_of_documents, _HTTP_BYTES),
    }


def _opened(raw: bytes) -> Envelope:
    return open_envelope(raw, ROOT_CAP_BYTES)


def _payload(envelope: bytes) -> bytes:
    return base64.b64decode(_opened(envelope).payload)


def _pairing(root: bytes) -> bytes:
    answer = PairingAnswer(pairing="p", root=_opened(root), expires_at=EPOCH + timedelta(hours=1))
    return answer.model_dump_json().encode()


def _proposal(before: bytes, after: bytes) -> bytes:
    return RootProposal(previous=_opened(before), proposed=_opened(after)).model_dump_json().encode()


def _answer(model: type[BaseModel], sample: object) -> Target:
    return Target(json.dumps(sample).encode(), lambda raw: origin_client._parsed(raw, model))


def _read_timestamp(root: Root, raw: bytes) -> None:
    timestamp = read_timestamp(root, open_envelope(raw, TIMESTAMP_CAP_BYTES))
    check_timestamp(timestamp, CHANNEL, _KNOWN)
    _KNOWN.floor_with(timestamp)
    _KNOWN.bound_with(timestamp)


def _read_signed_timestamp(root: Root, key: SigningKey, payload: bytes) -> None:
    _read_timestamp(root, sign_envelope(TIMESTAMP_DOMAIN, payload, key))


def _read_root(root: Root, raw: bytes) -> None:
    check_root(next_root(root, open_envelope(raw, ROOT_CAP_BYTES)), _KNOWN)


def _read_signed_root(root: Root, key: SigningKey, payload: bytes) -> None:
    _read_root(root, sign_envelope(ROOT_DOMAIN, payload, key))


def _read_release(raw: bytes) -> Release:
    size = min(max(1, len(raw)), RELEASE_CAP_BYTES)
    name = hashlib.sha256(raw).hexdigest()
    return check_release(
        raw, Timestamp(channel=CHANNEL, sequence=1, release=name, release_bytes=size, issued_at=EPOCH, expires_at=EPOCH)
    )


def _read_index(asset: Asset, raw: bytes) -> None:
    check_index(raw, asset.model_copy(update={"index": hashlib.sha256(raw).hexdigest()}))


def _bookings(asset: Asset) -> bytes:
    line = Line(id="l", name="l", creatives=(Creative(id="c", title="Film", asset=asset.sha256, duration_ms=1000),))
    times = {"starts_at": EPOCH, "ends_at": EPOCH + timedelta(days=7)}
    booked = Campaign(id="a", name="a", advertiser="north", lines=(line,), **times)
    return Bookings(campaigns=(booked,), assets=(asset,)).model_dump_json(exclude_none=True).encode()


def _read_bookings(raw: bytes) -> Release:
    size = min(max(1, len(raw)), RELEASE_CAP_BYTES)
    name = hashlib.sha256(raw).hexdigest()
    return check_bookings(raw, BookingsFile(sha256=name, size_bytes=size, starts_at=EPOCH, ends_at=EPOCH))


def _certificate(key: SigningKey) -> bytes:
    public = base64.b64encode(key.public).decode()
    return sign_certificate(Certificate(device="d", key=key.id, public_key=public, serial=1, issued_at=EPOCH), key)


def _read_certificate(root: Root, raw: bytes) -> None:
    open_certificate(root, origin_client._parsed(raw, CertifiedKey))


def _read_signed_certificate(root: Root, key: SigningKey, payload: bytes) -> None:
    open_certificate(root, _opened(sign_envelope(CERTIFICATE_DOMAIN, payload, key)))


def _read_http_of_media(asset: Asset, raw: bytes) -> None:
    """Read what a server sends on the connection of media, as `FetchWorker` does."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        theirs.send(raw[:_HTTP_BYTES])
        theirs.shutdown(socket.SHUT_WR)
        network, source = Network(), ContentSource("origin", "http://origin.example", Random(0))
        network.connect = lambda url, timeout_s: ours  # type: ignore[method-assign]
        reader, view = HttpReader(network, DEADLINES), memoryview(bytearray(4096))
        try:
            head = reader.get(f"{source.base}assets/{_NAME}", {"Range": "bytes=0-2/3"})
            worker._check(Fetch(asset, source), head, "bytes 0-2/3", 3)
            while reader.read_into(view):
                pass
            reader.end()
        except OSError as error:
            raise OriginUnreachable(network.reason(error, source.base)) from error
        finally:
            reader.close()


def _read_http_of_documents(raw: bytes) -> bytes:
    """Read what a server sends on a connection of the event loop."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async def read() -> bytes:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, origin_client.open_client(f"http://127.0.0.1:{port}") as client:
            return await client.document("releases/a", _HTTP_BYTES)

    return asyncio.run(read())


def _read_pairing(raw: bytes) -> None:
    answer = origin_client._parsed(raw, PairingAnswer)
    pin_root(answer.root)
    pairing_code(answer.root, "secret")


def _read_hint(raw: bytes) -> Hint | None:
    message = aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, raw.decode(errors="replace"), None)
    return live_connection._hint(message)


# What breaks parsers, for each kind of document: made from a valid one and the most bytes it may have.
NASTY: dict[str, Callable[[bytes, int], bytes]] = {
    "nothing": lambda raw, cap: b"",
    "spaces": lambda raw, cap: b" " * 10_000,
    "nested deep": lambda raw, cap: b'{"payload":' + b"[" * 100_000,
    "nested deep and closed": lambda raw, cap: b'{"x":' * 5_000 + b"1" + b"}" * 5_000,
    "nested where it is ignored": lambda raw, cap: raw.replace(b"{", b'{"odd":' + b"[" * 190 + b"]" * 190 + b",", 1),
    "nested too deep where it is ignored": lambda raw, cap: raw.replace(
        b"{", b'{"odd":' + b"[" * 5000 + b"]" * 5000 + b",", 1
    ),
    "every field twice": lambda raw, cap: raw.replace(b"{", raw.strip()[:-1] + b",", 1),
    "a field a thousand times": lambda raw, cap: raw.replace(b"{", b"{" + b'"sequence":1,' * 1000, 1),
    "huge numbers": lambda raw, cap: _numbers(raw, b"9" * 4000),
    "numbers that are none": lambda raw, cap: _numbers(raw, b"NaN"),
    "endless numbers": lambda raw, cap: _numbers(raw, b"1e999999"),
    "negative zero": lambda raw, cap: _numbers(raw, b"-0"),
    "no UTF-8": lambda raw, cap: raw.replace(b'"', b'"\xff\xfe', 3),
    "half a surrogate": lambda raw, cap: raw.replace(b'":"', b'":"\\ud800', 3),
    "zero bytes": lambda raw, cap: raw.replace(b'"', b'"\\u0000', 3),
    "UTF-16": lambda raw, cap: raw.decode("latin-1").encode("utf-16"),
    "a byte order mark": lambda raw, cap: b"\xef\xbb\xbf" + raw,
    "a list": lambda raw, cap: b"[" + raw + b"]",
    "two documents": lambda raw, cap: raw + raw,
    "a text": lambda raw, cap: json.dumps(raw.decode("latin-1")).encode(),
    "a web page": lambda raw, cap: b"<!doctype html><title>Log in</title>",
    "half": lambda raw, cap: raw[: len(raw) // 2],
    "one byte short": lambda raw, cap: raw[:-1],
    "years beyond the calendar": lambda raw, cap: raw.replace(b"2026-", b"99999999-").replace(b"2036-", b"0000-"),
    "times at the ends of the calendar": lambda raw, cap: raw.replace(b"2026-03", b"0001-01").replace(b"2036", b"9999"),
    "as long a text as fits": lambda raw, cap: raw.replace(b'":"', b'":"' + b"x" * (cap - len(raw)), 1),
    "as many entries as fit": lambda raw, cap: raw.replace(b"[", b"[" + b"{}," * ((cap - len(raw)) // 3), 1),
    "as many numbers as fit": lambda raw, cap: raw.replace(b"[", b"[" + b"1," * ((cap - len(raw)) // 2), 1),
    "as many fields as fit": lambda raw, cap: raw.replace(b"{", b"{" + _fields((cap - len(raw)) // 12), 1),
    "as many keys as fit": lambda raw, cap: raw.replace(b'"keys":{', b'"keys":{' + _fields((cap - len(raw)) // 12)),
    "as many spaces as fit": lambda raw, cap: raw + b" " * (cap - len(raw)),
    "one byte too many": lambda raw, cap: raw + b" " * (cap + 1 - len(raw)),
    "as many signatures as fit": lambda raw, cap: raw.replace(
        b'"signatures":[', b'"signatures":[' + _signature() * ((cap - len(raw)) // len(_signature()))
    ),
}


def _fields(count: int) -> bytes:
    return b"".join(b'"%06d":1,' % number for number in range(count))


def _signature() -> bytes:
    return b'{"key":"%s","signature":"%s"},' % (_NAME.encode(), base64.b64encode(bytes(64)))


def _numbers(raw: bytes, number: bytes) -> bytes:
    for name in (b"sequence", b"release_bytes", b"version", b"threshold", b"size_bytes", b"width", b"high_water"):
        head, found, tail = raw.partition(b'"' + name + b'":')
        if found:
            raw = head + found + number + tail.lstrip(b" 0123456789")
    return raw


_PIECES = (
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b'"',
    b"null",
    b"true",
    b"1e309",
    b"-1",
    b"\\u0000",
    b"\xff",
    b"\xc3\x28",
)


def damaged(raw: bytes, rng: Random) -> bytes:
    """Return a document with a few of the changes that find the edges of a parser."""
    changed = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(changed) + 1), rng.choice((1, 2, 8, 64))
        piece = bytes(changed[at : at + length])
        do = rng.randrange(6)
        if do == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif do == 1:
            changed[at:at] = rng.choice(_PIECES)
        elif do == 2:
            changed[at : at + length] = b""
        elif do == 3:
            changed[at:at] = piece * rng.choice((1, 2, 50))
        elif do == 4:
            there = rng.randrange(len(changed) + 1)
            changed[there:there] = piece
        else:
            changed[at : at + length] = rng.choice(_PIECES)
    return bytes(changed)
