"""tus as clients meet it: a client we did not write, and chunks no client should send."""

import asyncio
import hashlib
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tusclient import client as tus
from tusclient.exceptions import TusUploadFailed

from sync.origin.ingest import upload_intake
from sync.origin.persistence.pages import PageRequest
from sync.origin.store.media.media_rows import MediaState
from tests.origin.media_origin import CHUNK, TUS, MediaOrigin, checksum_header, open_media_origin, wait_until
from tests.origin.samples import Samples

DATA = os.urandom(300_000)
MIB = 1024 * 1024
EXTENSIONS = {"creation", "creation-with-upload", "checksum", "expiration", "termination"}


async def client(media_origin: MediaOrigin, data: bytes, name: str, **options: Any) -> Any:
    """Return a tuspy uploader; it asks for the offset at once, and it blocks."""
    make = tus.TusClient(f"{media_origin.url}/v1/uploads").uploader
    return await asyncio.to_thread(make, file_stream=BytesIO(data), metadata={"filename": name}, **options)


async def test_tuspy_sends_a_picture_in_checked_chunks_and_it_becomes_ready(
    media_origin: MediaOrigin, samples: Samples
) -> None:
    path = samples.rotated_jpeg()
    uploader = await client(media_origin, path.read_bytes(), "turned.jpg", chunk_size=700, upload_checksum=True)
    await asyncio.to_thread(uploader.upload)
    media_id = uploader.request.response_headers["signage-media"]
    row = await media_origin.wait_until_processed(media_id)
    assert row.state is MediaState.READY and row.name == "turned.jpg"
    assert row.source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert ("uploads", media_id) in media_origin.changes and ("media", media_id) in media_origin.changes
    assert not list(media_origin.files.uploads.iterdir()), "the sent bytes are gone once the asset is there"


async def test_tuspy_resumes_where_it_stopped_even_at_another_origin_process(tmp_path: Path) -> None:
    async with open_media_origin(tmp_path, run_pipeline=False) as media_origin:
        first = await client(media_origin, DATA, "film", chunk_size=100_000)
        await asyncio.to_thread(first.upload, 200_000)
        name = first.url.rsplit("/", 1)[1]
    with (tmp_path / "uploads" / name).open("ab") as part:
        part.write(b"torn by a crash")  # beyond what we told is durable
    async with open_media_origin(tmp_path, run_pipeline=False) as media_origin:
        second = await client(
            media_origin, DATA, "film", chunk_size=60_000, url=f"{media_origin.url}/v1/uploads/{name}"
        )
        assert second.offset == 200_000
        await asyncio.to_thread(second.upload)
        assert media_origin.files.source_path(name).read_bytes() == DATA
        assert (await media_origin.media.get(name)).state is MediaState.QUEUED


async def test_tuspy_is_refused_when_its_upload_was_cancelled(idle_origin: MediaOrigin) -> None:
    uploader = await client(idle_origin, DATA, "film", chunk_size=100_000)
    await asyncio.to_thread(uploader.upload, 100_000)
    async with idle_origin.http.delete(uploader.url, headers=TUS) as answer:
        assert answer.status == 204
    with pytest.raises(TusUploadFailed):
        await asyncio.to_thread(uploader.upload)
    assert not list(idle_origin.files.uploads.iterdir())


async def test_options_tell_what_we_speak(idle_origin: MediaOrigin) -> None:
    async with idle_origin.http.options(f"{idle_origin.url}/v1/uploads") as answer:
        assert answer.status == 204
        assert answer.headers["Tus-Version"] == "1.0.0" and answer.headers["Tus-Resumable"] == "1.0.0"
        assert set(answer.headers["Tus-Extension"].split(",")) == EXTENSIONS
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
        assert int(answer.headers["Tus-Max-Size"]) == idle_origin.intake.largest_bytes


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Concat": "partial"}, 400),
        ({"Upload-Concat": "final;/v1/uploads/a /v1/uploads/b"}, 400),
        ({"Upload-Defer-Length": "1", "Upload-Length": ""}, 400),
        ({"Upload-Defer-Length": "1"}, 400),
        ({"Upload-Length": ""}, 422),
        ({"Upload-Length": "0"}, 422),
        ({"Upload-Length": "-5"}, 422),
        ({"Upload-Length": "1e3"}, 422),
        ({"Upload-Length": "٣"}, 422),
        ({"Upload-Length": str(2**62)}, 413),
        ({"Upload-Length": "9" * 5000}, 413),
        ({"Upload-Metadata": "filename a.mp4"}, 422),
        ({"Upload-Metadata": "filename YQ==,filename Yg=="}, 422),
        ({"Upload-Metadata": "name\u00e4 YQ=="}, 422),
        ({"Tus-Resumable": ""}, 412),
        ({"X-HTTP-Method-Override": "DELETE"}, 405),
    ],
)
async def test_an_upload_that_is_not_offered_is_refused_and_not_made(
    idle_origin: MediaOrigin, headers: dict[str, str], status: int
) -> None:
    sent = {**TUS, "Upload-Length": "100", **headers}
    async with idle_origin.http.post(f"{idle_origin.url}/v1/uploads", headers=sent) as answer:
        assert (answer.status, (await answer.json(content_type=None))["status"]) == (status, status)
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert answer.headers.get("Tus-Version") == ("1.0.0" if status == 412 else None)
        assert answer.headers.get("Allow") == ("GET, HEAD, OPTIONS, POST" if status == 405 else None)
    assert (await idle_origin.intake.page(PageRequest())).items == ()


@pytest.mark.parametrize("sent", ["", "filename YS5tcDQ=", "flag,filename YS5tcDQ=, empty "])
async def test_a_client_reads_its_metadata_as_it_sent_them(idle_origin: MediaOrigin, sent: str) -> None:
    url = await idle_origin.create_upload(100, **({"Upload-Metadata": sent} if sent else {}))
    async with idle_origin.http.head(url, headers=TUS) as answer:
        assert answer.headers.get("Upload-Metadata", "") == sent.strip()
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_client_without_patch_and_delete_names_them(idle_origin: MediaOrigin) -> None:
    url = await idle_origin.create_upload(100)
    for method, status, offset in (("PATCH", 204, "50"), ("head", 200, "50"), ("DELETE", 204, None)):
        headers = {**CHUNK, "Upload-Offset": "0", "X-HTTP-Method-Override": method}
        body = b"x" * 50 if method == "PATCH" else b""
        async with idle_origin.http.post(url, headers=headers, data=body) as answer:
            assert (answer.status, answer.headers.get("Upload-Offset")) == (status, offset)
    async with idle_origin.http.post(url, headers={**CHUNK, "X-HTTP-Method-Override": "PATCH"}) as answer:
        assert answer.status == 422, "its offset is looked at first"
    async with idle_origin.http.post(url, headers=TUS) as answer:
        assert (answer.status, answer.headers["Tus-Resumable"]) == (400, "1.0.0")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_a_chunk_that_does_not_match_its_checksum_changes_nothing(
    idle_origin: MediaOrigin, algorithm: str
) -> None:
    url = await idle_origin.create_upload(len(DATA))
    good = {"Upload-Checksum": checksum_header(algorithm, DATA[:1000])}
    assert (await idle_origin.send_chunk(url, 0, DATA[:1000], **good)).status == 204
    answer = await idle_origin.send_chunk(url, 1000, DATA[1000:2000], **good)
    assert answer.status == 460 and answer.content_type == "application/problem+json"
    assert await idle_origin.upload_offset(url) == 1000
    assert idle_origin.files.source_path(url.rsplit("/", 1)[1]).read_bytes() == DATA[:1000]
    headers = {"Upload-Checksum": checksum_header(algorithm, DATA[1000:])}
    again = await idle_origin.send_chunk(url, 1000, DATA[1000:], **headers)
    assert again.status == 204 and again.headers["Upload-Offset"] == str(len(DATA))


async def test_a_chunk_sent_again_is_never_there_twice(idle_origin: MediaOrigin) -> None:
    url = await idle_origin.create_upload(len(DATA))
    assert (await idle_origin.send_chunk(url, 0, DATA[:5000])).status == 204
    assert (await idle_origin.send_chunk(url, 0, DATA[:5000])).status == 409, "its answer was lost, it comes again"
    assert await idle_origin.upload_offset(url) == 5000
    assert (await idle_origin.send_chunk(url, 5000, DATA[5000:])).status == 204
    assert idle_origin.files.source_path(url.rsplit("/", 1)[1]).read_bytes() == DATA


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Offset": "7"}, 409),
        ({"Upload-Offset": "-1"}, 422),
        ({"Upload-Offset": "9" * 30}, 413),
        ({"Upload-Offset": "many"}, 422),
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Content-Type": "application/json"}, 415),
        ({"Upload-Checksum": "md5 AAAA"}, 400),
        ({"Upload-Checksum": "sha256 not-base64"}, 400),
        ({"Upload-Checksum": "sha256 AAAA"}, 400),
        ({"Upload-Checksum": ""}, 400),
        ({"Trailer": "Upload-Checksum"}, 400),
        ({"X-HTTP-Method-Override": "GET"}, 405),
        ({"X-HTTP-Method-Override": "PURGE"}, 405),
    ],
)
async def test_a_bad_chunk_is_refused_with_a_problem_and_changes_nothing(
    idle_origin: MediaOrigin, headers: dict[str, str], status: int
) -> None:
    url = await idle_origin.create_upload(100)
    async with idle_origin.http.patch(
        url, data=b"x" * 50, headers={**CHUNK, "Upload-Offset": "0", **headers}
    ) as answer:
        assert answer.status == status and answer.headers["Tus-Resumable"] == "1.0.0"
        assert (await answer.json(content_type=None))["status"] == status
    assert await idle_origin.upload_offset(url) == 0


async def test_a_chunk_beyond_the_declared_size_is_refused_even_without_a_length(idle_origin: MediaOrigin) -> None:
    url = await idle_origin.create_upload(100)
    assert (await idle_origin.send_chunk(url, 0, b"x" * 101)).status == 413

    async def streamed() -> Any:
        yield b"x" * 101

    assert (await idle_origin.send_chunk(url, 0, streamed())).status == 413
    assert await idle_origin.upload_offset(url) == 0


@pytest.mark.usefixtures("pieces_are_written")
async def test_without_checksum_what_came_before_the_line_broke_counts(idle_origin: MediaOrigin) -> None:
    url = await idle_origin.create_upload(1000)
    await cut(idle_origin, url, b"a" * 400, "")

    async def arrived() -> bool:
        return await idle_origin.upload_offset(url) == 400

    async def free() -> bool:  # the broken request lets the file go after it has counted
        return (await idle_origin.send_chunk(url, 400, b"b" * 600)).status == 204

    await wait_until(arrived)
    await wait_until(free)
    assert idle_origin.files.source_path(url.rsplit("/", 1)[1]).read_bytes() == b"a" * 400 + b"b" * 600


@pytest.mark.usefixtures("pieces_are_written")
async def test_with_a_checksum_half_a_chunk_does_not_count(idle_origin: MediaOrigin) -> None:
    url = await idle_origin.create_upload(1000)
    await cut(idle_origin, url, b"a" * 400, f"Upload-Checksum: {checksum_header('sha256', b'a' * 1000)}\r\n")

    async def free() -> bool:
        return (await idle_origin.send_chunk(url, 0, b"b" * 1000)).status == 204

    await wait_until(free)
    assert idle_origin.files.source_path(url.rsplit("/", 1)[1]).read_bytes() == b"b" * 1000


async def cut(media_origin: MediaOrigin, url: str, data: bytes, headers: str) -> None:
    """Announce a chunk of 1000 bytes, send `data`, and hang up."""
    host, _, path = url.removeprefix("http://").partition("/")
    address, _, port = host.partition(":")
    _, writer = await asyncio.open_connection(address, int(port))
    lines = f"PATCH /{path} HTTP/1.1\r\nHost: {host}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n{headers}"
    rest = "Content-Type: application/offset+octet-stream\r\nContent-Length: 1000\r\n\r\n"
    writer.write((lines + rest).encode() + data)
    await writer.drain()
    await written(media_origin, url, len(data))
    writer.close()
    await writer.wait_closed()


async def written(media_origin: MediaOrigin, url: str, size: int) -> None:
    """Wait until the origin has written so many bytes; `pieces_are_written` lets it write each piece at once."""
    source = media_origin.files.source_path(url.rsplit("/", 1)[1])

    async def is_here() -> bool:
        return source.exists() and source.stat().st_size >= size

    await wait_until(is_here)


@pytest.fixture
def pieces_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_intake, "_WRITE_BYTES", 1)


@pytest.mark.usefixtures("pieces_are_written")
async def test_two_chunks_at_once_do_not_mix(idle_origin: MediaOrigin) -> None:
    url = await idle_origin.create_upload(2000)
    done = asyncio.Event()

    async def slow() -> Any:
        yield b"a" * 500
        await done.wait()
        yield b"a" * 500

    first = asyncio.ensure_future(idle_origin.send_chunk(url, 0, slow()))
    await written(idle_origin, url, 500)
    assert (await idle_origin.send_chunk(url, 0, b"b" * 500)).status == 409
    done.set()
    assert (await first).status == 204
    assert idle_origin.files.source_path(url.rsplit("/", 1)[1]).read_bytes() == b"a" * 1000
