"""Uploads from creation to hand-over: refusals, the check of the whole file, expiry, crashes and full disks."""

import asyncio
import base64
import hashlib
import os
import resource
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest

from sync.errors import NotFound, StorageFull
from sync.origin.ingest.upload_intake import Intake
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.pages import PageRequest
from sync.origin.persistence.upload_file import lock_upload
from sync.origin.store.media.media_rows import MediaState
from sync.origin.store.media.uploads import Upload
from sync.runtime.clock import SystemClock
from tests.fakes import FakeClock
from tests.origin.media_origin import (
    CHUNK,
    TUS,
    MediaOrigin,
    checksum_header,
    metadata_header,
    open_media_origin,
    wait_until,
)

DATA = os.urandom(300_000)
MIB = 1024 * 1024


async def test_the_whole_file_is_checked_against_what_was_declared(idle_origin: MediaOrigin) -> None:
    sha256 = hashlib.sha256(DATA)
    for declared in (sha256.hexdigest(), sha256.digest(), base64.b64encode(sha256.digest())):
        headers = {"Upload-Metadata": metadata_header(filename="good.bin", sha256=declared)}
        url = await idle_origin.create_upload(len(DATA), **headers)
        answer = await idle_origin.send_chunk(url, 0, DATA)
        assert answer.status == 204 and answer.headers["Signage-Media"]
        async with idle_origin.http.head(url, headers=TUS) as head:
            assert head.headers["Signage-Media"] == answer.headers["Signage-Media"]
    url = await idle_origin.create_upload(
        len(DATA), **{"Upload-Metadata": metadata_header(sha256=hashlib.sha256(b"else").hexdigest())}
    )
    answer = await idle_origin.send_chunk(url, 0, DATA)
    assert answer.status == 422
    async with idle_origin.http.head(url, headers=TUS) as head:
        assert head.status == 404, "a damaged upload is deleted"
    assert not idle_origin.files.source_path(url.rsplit("/", 1)[1]).exists()


async def test_a_worker_is_called_when_the_upload_is_unlocked(idle_origin: MediaOrigin) -> None:
    called = list[str]()

    def queued() -> None:
        for path in idle_origin.files.uploads.iterdir():
            with lock_upload(path):
                called.append(path.name)

    parts = idle_origin.uploads, idle_origin.media, idle_origin.files, idle_origin.settings, SystemClock()
    intake = Intake(*parts, queued=queued, changed=lambda *_: None)
    upload = await intake.create("photo", len(DATA), None)
    await intake.append(upload.id, 0, pieces_of(DATA), None, None)
    assert called == [upload.id, upload.id]  # when it is created, too


async def pieces_of(data: bytes) -> AsyncIterator[bytes]:
    yield data


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "0"}, 422),
        ({"Upload-Length": "1001"}, 413),
        ({}, 422),
        ({"Upload-Length": "10", "Upload-Metadata": "filename ***"}, 422),
        ({"Upload-Length": "10", "Upload-Metadata": metadata_header(sha256="short")}, 422),
    ],
)
async def test_a_wrong_creation_is_refused_and_leaves_nothing(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async with open_media_origin(tmp_path, run_pipeline=False, uploads={"largest_bytes": 1000}) as media_origin:
        async with media_origin.http.post(f"{media_origin.url}/v1/uploads", headers={**TUS, **headers}) as answer:
            assert answer.status == status
        assert (
            not list(media_origin.files.uploads.iterdir()) and not (await media_origin.intake.page(PageRequest())).items
        )


async def test_an_upload_that_does_not_fit_is_refused_before_a_byte_is_sent(tmp_path: Path) -> None:
    free = DataFolder(tmp_path).free_bytes()
    async with open_media_origin(tmp_path, run_pipeline=False, uploads={"largest_bytes": 2 * free}) as media_origin:
        await media_origin.create_upload(free // 2)
        async with media_origin.http.post(
            f"{media_origin.url}/v1/uploads", headers={**TUS, "Upload-Length": str(free * 2 // 3)}
        ) as answer:
            assert answer.status == 507, "it would fit alone, but not beside what the first has yet to send"


async def test_creation_may_carry_the_whole_upload(idle_origin: MediaOrigin) -> None:
    headers = {**CHUNK, "Upload-Length": "5", "Upload-Checksum": checksum_header("sha1", b"hello")}
    async with idle_origin.http.post(f"{idle_origin.url}/v1/uploads", data=b"hello", headers=headers) as answer:
        assert answer.status == 201 and answer.headers["Upload-Offset"] == "5"
        media_id = answer.headers["Signage-Media"]
    assert (await idle_origin.media.get(media_id)).name == "unnamed"


@pytest.mark.parametrize("sent", ["../../etc/passwd", "C:\\temp\\passwd", "/passwd", "\0passwd\n"])
async def test_the_path_in_a_file_name_is_ignored(idle_origin: MediaOrigin, sent: str) -> None:
    url = await idle_origin.create_upload(5, **{"Upload-Metadata": metadata_header(filename=sent)})
    answer = await idle_origin.send_chunk(url, 0, b"hello")
    assert (await idle_origin.media.get(answer.headers["Signage-Media"])).name == "passwd"
    async with idle_origin.http.head(f"{idle_origin.url}/v1/uploads/..%2F..%2Forigin.db", headers=TUS) as head:
        assert head.status == 404


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"x" * 300 + b".png", "x" * 200),
        (b"two\nlines.png", "two lines.png"),
        (b"odd\xff.png", "odd\ufffd.png"),
        (b"-rf", "-rf"),
        ("evil\u202egpj.exe".encode(), "evilgpj.exe"),
        ("cafe\u0301 👨\u200d👩.png".encode(), "caf\xe9 👨\u200d👩.png"),
        (b"\x00\n", "unnamed"),
    ],
)
async def test_any_name_is_taken_and_shown_in_one_line(idle_origin: MediaOrigin, sent: bytes, shown: str) -> None:
    url = await idle_origin.create_upload(5, **{"Upload-Metadata": metadata_header(filename=sent)})
    answer = await idle_origin.send_chunk(url, 0, b"hello")
    assert (await idle_origin.media.get(answer.headers["Signage-Media"])).name == shown


async def test_an_upload_whose_file_is_gone_can_be_terminated_and_expires(tmp_path: Path, clock: FakeClock) -> None:
    async with open_media_origin(
        tmp_path, run_pipeline=False, clock=clock, uploads={"expire_after_s": 3600}
    ) as media_origin:
        urls = [await media_origin.create_upload(10) for _ in range(2)]
        for url in urls:
            media_origin.files.source_path(url.rsplit("/", 1)[1]).unlink()
        assert (await media_origin.send_chunk(urls[0], 0, b"hello")).status == 404
        async with media_origin.http.delete(urls[0], headers=TUS) as answer:
            assert answer.status == 204
        assert len((await media_origin.intake.page(PageRequest())).items) == 1
        await clock.advance(3601)
        await media_origin.intake.remove_expired()
        assert (await media_origin.intake.page(PageRequest())).items == ()


async def test_unfinished_uploads_are_listed_until_they_are_media(idle_origin: MediaOrigin) -> None:
    url = await idle_origin.create_upload(10, **{"Upload-Metadata": metadata_header(filename="a.mp4")})
    await idle_origin.send_chunk(url, 0, b"hello")
    async with idle_origin.http.get(f"{idle_origin.url}/v1/uploads") as answer:
        (upload,) = (await answer.json())["uploads"]
        assert (upload["name"], upload["offset_bytes"], upload["size_bytes"]) == ("a.mp4", 5, 10)
    await idle_origin.send_chunk(url, 5, b"world")
    async with idle_origin.http.get(f"{idle_origin.url}/v1/uploads") as answer:
        assert (await answer.json())["uploads"] == []


async def test_an_expired_upload_is_deleted_and_a_continued_one_is_not(tmp_path: Path, clock: FakeClock) -> None:
    async with open_media_origin(
        tmp_path, run_pipeline=False, clock=clock, uploads={"expire_after_s": 3600}
    ) as media_origin:
        abandoned, continued = await media_origin.create_upload(10), await media_origin.create_upload(10)
        unknown = media_origin.files.uploads / "unknown"
        unknown.write_bytes(b"left by a crash")
        os.utime(unknown, (0, 0))
        await clock.advance(1800)
        answer = await media_origin.send_chunk(continued, 0, b"hello")
        assert answer.headers["Upload-Expires"] == "Mon, 02 Mar 2026 13:30:00 GMT"
        await clock.advance(1801)
        await media_origin.intake.remove_expired()
        async with media_origin.http.head(abandoned, headers=TUS) as head:
            assert head.status == 404
        assert await media_origin.upload_offset(continued) == 5
        assert [path.name for path in media_origin.files.uploads.iterdir()] == [continued.rsplit("/", 1)[1]]


async def test_an_upload_that_a_crash_left_received_becomes_a_media_at_the_next_start(tmp_path: Path) -> None:
    async with open_media_origin(tmp_path, run_pipeline=False) as media_origin:
        url = await media_origin.create_upload(5)
        name = url.rsplit("/", 1)[1]
        media_origin.files.source_path(name).write_bytes(b"hello")
        await media_origin.uploads.set_offset(name, 5)  # the last write before the crash
    async with open_media_origin(tmp_path, run_pipeline=False) as media_origin:
        service = asyncio.ensure_future(media_origin.intake.run())

        async def handed_over() -> bool:
            return bool(await media_origin.media.in_states(*MediaState))

        await wait_until(handed_over)
        service.cancel()
        await asyncio.wait([service])
        assert (await media_origin.media.get(name)).source_sha256 == hashlib.sha256(b"hello").hexdigest()
        assert (await media_origin.uploads.get(name)).media_id == name


async def test_an_upload_that_becomes_a_media_while_it_is_terminated_keeps_its_bytes(
    idle_origin: MediaOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = (await idle_origin.create_upload(5)).rsplit("/", 1)[1]
    source = idle_origin.files.source_path(name)
    source.write_bytes(b"hello")
    await idle_origin.uploads.set_offset(name, 5)
    received = await idle_origin.uploads.get(name)
    await idle_origin.uploads.hand_over(name, hashlib.sha256(b"hello").hexdigest())
    answers = [received]  # the first query of `terminate` comes before the other request hands the upload over
    get = idle_origin.uploads.get

    async def late(upload_id: str) -> Upload:
        return answers.pop() if answers else await get(upload_id)

    monkeypatch.setattr(idle_origin.uploads, "get", late)
    await idle_origin.intake.terminate(name)
    with pytest.raises(NotFound):
        await get(name)
    assert (await idle_origin.media.get(name)).state is MediaState.QUEUED
    assert source.read_bytes() == b"hello"


async def test_a_disk_that_fills_up_during_a_chunk_keeps_the_offset(idle_origin: MediaOrigin) -> None:
    size = 9 * MIB
    url = await idle_origin.create_upload(size)
    await idle_origin.send_chunk(url, 0, b"a" * 100)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 * MIB, hard))  # the origin sees a full disk
    try:
        answer = await idle_origin.send_chunk(url, 100, BytesIO(b"b" * (size - 100)))
        assert answer.status == 507 and answer.content_type == "application/problem+json"
        assert await idle_origin.upload_offset(url) == 100
        assert idle_origin.files.source_path(url.rsplit("/", 1)[1]).stat().st_size == 100
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (await idle_origin.send_chunk(url, 100, BytesIO(b"b" * (size - 100)))).status == 204


async def test_a_disk_without_room_for_a_new_file_is_full(
    idle_origin: MediaOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, **_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "touch", full)
    with pytest.raises(StorageFull):
        await idle_origin.intake.create("a.jpg", 10, None)
    assert (await idle_origin.intake.page(PageRequest())).items == ()
