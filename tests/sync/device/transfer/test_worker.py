"""The threads that fetch, alone: TLS, cancellation, kept connections."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sync.device.store.content_store import ContentStore
from sync.device.store.partial_file import PartialFile, open_partial_file
from sync.device.transfer import worker
from sync.device.transfer.asset_state import Fetch
from sync.device.transfer.deadlines_and_rates import Deadlines, RateLimiter
from sync.device.transfer.sources import Sources
from sync.device.transfer.spans import SPAN_S, spans
from sync.device.transfer.transfer import ContentTransfer
from sync.device.transfer.transfer_queue import TransferQueue
from sync.errors import OriginUnreachable
from sync.runtime.clock import SystemClock
from tests.sync.device.transfer.one_fetch import asset_of, fetch
from tests.sync.file_tree_origin import CHUNK, Origin, cut_into, noise

CONTENT = noise(1, 12 * CHUNK)


@pytest.fixture
def part(store: ContentStore) -> PartialFile:
    index = cut_into(CONTENT)
    return open_partial_file(store.media.part_path(index.asset), index, b"", "0" * 64)


async def fetch_from(url: str, part: PartialFile, *, silence_s: float = 5.0) -> None:
    await fetch(ContentTransfer(url, SystemClock(), deadlines=Deadlines(silence_s=silence_s)), part, longest=3 * CHUNK)


def certificate(folder: Path) -> Path:
    """Make a self-signed certificate for 127.0.0.1; return the file with it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "origin")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "origin.pem"
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
async def secure(tmp_path: Path, origin: Origin) -> AsyncIterator[tuple[str, Path]]:
    """Serve the content tree of an origin over TLS; yield its URL and its certificate."""
    origin.publisher.asset(CONTENT)
    pem = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    app = web.Application()
    app.router.add_static("/content", origin.publisher.folder)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}", pem
    finally:
        await runner.cleanup()


async def test_media_are_fetched_over_tls_from_a_trusted_server(
    secure: tuple[str, Path], part: PartialFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, pem = secure
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    await fetch_from(url, part)
    assert part.missing() == ()


async def test_media_are_not_fetched_from_an_untrusted_server(secure: tuple[str, Path], part: PartialFile) -> None:
    with pytest.raises(OriginUnreachable, match="certificate is not trusted"):
        await fetch_from(secure[0], part)
    assert part.verified() == frozenset()


async def test_cancelling_wakes_threads_that_wait_for_a_silent_server(origin: Origin, part: PartialFile) -> None:
    origin.publisher.asset(CONTENT)
    origin.faults.trickle_bytes = CHUNK + 1
    clock = SystemClock()
    task = asyncio.create_task(fetch_from(origin.url, part, silence_s=60))
    while not part.verified():
        await clock.sleep(0.005)
    began = clock.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.monotonic() - began < 60 / 2, "the server would be silent for longer"
    assert 0 < len(part.verified()) <= 4  # one of each request


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_bug_in_a_thread_takes_the_turn_from_no_other(
    origin: Origin, part: PartialFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.publisher.asset(CONTENT)
    transfer = ContentTransfer(origin.url, SystemClock())
    with monkeypatch.context() as broken, pytest.raises(RuntimeError, match="has a bug"):
        broken.setattr(PartialFile, "write", lambda *_: 1 / 0)
        await fetch(transfer, part, longest=3 * CHUNK)
    await asyncio.wait_for(fetch(transfer, part, longest=3 * CHUNK), 60)
    assert part.missing() == ()


async def test_spans_that_another_source_completed_are_not_fetched(origin: Origin, part: PartialFile) -> None:
    origin.publisher.asset(CONTENT)
    for chunk in part.index.chunks[3:9]:
        part.write(chunk, memoryview(CONTENT)[chunk.offset : chunk.offset + chunk.length])
    await fetch_from(origin.url, part)
    assert part.missing() == ()
    assert origin.media_bytes == 6 * CHUNK


async def test_the_event_loop_is_told_what_other_threads_could_fetch_and_not_of_each_success(part: PartialFile) -> None:
    clock, asset = SystemClock(), asset_of(part.index)
    told: list[None] = []
    sources = Sources("http://origin", (), Random(1))
    sources.origin.measured(CHUNK / SPAN_S, clock.monotonic())
    queue = TransferQueue(sources, clock, Random(1), lambda: told.append(None), RateLimiter(clock))
    queue.plan([[asset]])
    queue.add_spans(asset.sha256, part, spans(asset.sha256, part.missing()))
    fetch = queue.take()
    assert isinstance(fetch, Fetch) and fetch.span is not None
    assert (fetch.span.length, queue.ready(), len(told)) == (CHUNK, 1, 1), "the rest of the span is for another thread"
    part.write(part.index.chunks[0], memoryview(CONTENT)[:CHUNK])
    queue.end(fetch, CHUNK, SPAN_S, failed=False)
    assert (queue.ready(), len(told)) == (1, 1), "this thread takes the next one by itself"


async def test_each_worker_uses_one_connection(origin: Origin, part: PartialFile) -> None:
    origin.publisher.asset(CONTENT)
    await fetch(ContentTransfer(origin.url, SystemClock(), workers=1), part, longest=CHUNK)
    assert len(origin.requests) == 12
    assert len(origin.peers) == 1


async def test_a_chunk_that_came_whole_counts_however_slow_it_was(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept as the beginning of itself, it would be asked for from its end on, and servers answer 416 for ever."""
    monkeypatch.setattr(worker, "why_given_up", lambda *facts, **more: "slower than a snail")
    content = noise(3, 100)
    origin.publisher.asset(content)
    index = cut_into(content)
    part = open_partial_file(store.media.part_path(index.asset), index, b"", "0" * 64)
    await fetch(ContentTransfer(origin.url, SystemClock(), deadlines=Deadlines(window_s=0.0)), part)
    assert part.is_whole()
