"""Media: uploads in chunks, streams, what becomes of them."""

import asyncio
import contextlib
import io
from pathlib import Path
from typing import Any

from PIL import Image

from tests.fakes import FakeClock
from tests.origin.examples.recorder import Recorder
from tests.origin.media_origin import CHUNK, TUS, checksum_header, metadata_header


async def tell(recorder: Recorder, clock: FakeClock, known: dict[str, Any]) -> None:
    """Upload a picture in two chunks, begin another upload and give it up, add a stream."""
    show, one = recorder.show, "/v1/uploads/{id}"
    await show("OPTIONS", "/v1/uploads", token=None)
    picture = _picture()
    begin = {**TUS, "Upload-Length": str(len(picture)), "Upload-Metadata": metadata_header(filename="Lunch menu.png")}
    created = await show("POST", "/v1/uploads", headers=begin)
    upload = created["Location"].rpartition("/")[2]
    await show("OPTIONS", one, token=None, id=upload)
    first = {**CHUNK, "Upload-Offset": "0", "Upload-Checksum": checksum_header("sha1", picture[:1000])}
    await show("PATCH", one, picture[:1000], headers=first, id=upload)
    await show("HEAD", one, headers=TUS, id=upload)
    await show("GET", "/v1/uploads")
    rest = {**CHUNK, "Upload-Offset": "1000", "X-HTTP-Method-Override": "PATCH"}
    await show("POST", one, picture[1000:], headers=rest, id=upload)
    given_up = await show("POST", "/v1/uploads", headers=begin)
    await show("DELETE", one, headers=TUS, id=given_up["Location"].rpartition("/")[2])

    stream = {"url": "https://radio.example/live.m3u8", "name": "Shop radio"}
    known["stream"] = (await show("POST", "/v1/media/streams", stream))["id"]
    data_dir, target = recorder.server.origin.settings.storage.data_dir, recorder.server.origin.folder_target
    broken = await target.intake.ingest_file(_broken(data_dir / "Broken.png"), "Broken.png")
    await _work(recorder)
    known["picture"], known["broken"] = upload, broken
    found = await show("GET", "/v1/media", query={"state": "ready", "sort": "name"})
    assert {media["id"] for media in found["media"]} == {known["picture"], known["stream"]}, found
    await show("GET", "/v1/media/{id}", id=known["picture"])
    await show("GET", "/v1/media/{id}/thumbnail", id=known["picture"])
    film = await target.media.get(known["picture"])
    assert film.asset is not None
    target.files.preview_path(film.asset.sha256).write_bytes(b"a small film")  # as one is made of each film
    await show("GET", "/v1/media/{id}/preview", id=known["picture"])
    await _file(recorder, known)
    await show("GET", "/v1/media/{id}/history", id=known["picture"])


async def end(recorder: Recorder, clock: FakeClock, known: dict[str, Any]) -> None:
    """Try a file again that could not be read, then remove it; look what is on the disk."""
    _broken(recorder.server.origin.folder_target.files.source_path(known["broken"]))  # as after an interrupted try
    await recorder.show("POST", "/v1/media/{id}/retry", id=known["broken"])
    await recorder.show("DELETE", "/v1/media/{id}", id=known["broken"])
    other = await recorder.show("POST", "/v1/media/streams", {"url": "https://radio.example/other.m3u8"})
    await recorder.show("POST", "/v1/media/{id}/replacement", {"by": other["id"]}, id=known["stream"])
    await recorder.show("POST", "/v1/media/removal", {"media": [known["stream"], other["id"]], "with_uses": True})
    await recorder.show("GET", "/v1/storage")
    await recorder.show("GET", "/healthz", token=None)
    await recorder.show("GET", "/metrics", token=None)
    await recorder.show("GET", "/v1/openapi.json", token=None)


async def _file(recorder: Recorder, known: dict[str, Any]) -> None:
    """Give media names, folders and tags."""
    show, one = recorder.show, "/v1/media/folders/{id}"
    menus = await show("POST", "/v1/media/folders", {"name": "Menus"})
    unused = await show("POST", "/v1/media/folders", {"name": "Old", "parent": menus["id"]})
    await show("GET", one, id=menus["id"])
    await show("PATCH", one, {"name": "Older"}, id=unused["id"])
    await show("GET", "/v1/media/folders")
    await show("DELETE", one, id=unused["id"])
    change = {"name": "Lunch menu", "folder": menus["id"], "tags": ["menu", "spring"]}
    await show("PATCH", "/v1/media/{id}", change, id=known["picture"])
    await show("PATCH", "/v1/media", {"media": [known["picture"], known["stream"]], "add_tags": ["lobby"]})


def _picture() -> bytes:
    made = io.BytesIO()
    Image.linear_gradient("L").resize((640, 360)).convert("RGB").save(made, "PNG")
    return made.getvalue()


def _broken(path: Path) -> Path:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 100)
    return path


async def _work(recorder: Recorder) -> None:
    """Run the pipeline until nothing waits."""
    server = recorder.server
    working = asyncio.create_task(server.origin.pipeline.run())
    async with asyncio.timeout(60):
        while True:
            states = {row["state"] for row in (await server.ask("GET", "/v1/media", server.reader)).document["media"]}
            if states <= {"ready", "failed"}:
                break
            await asyncio.sleep(0.05)
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
