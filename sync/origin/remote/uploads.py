"""Sends files by tus: in pieces, with progress, and on from where an earlier try ended."""

import base64
import hashlib
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

from aiohttp import hdrs

from sync.errors import Rejected
from sync.origin.remote.client import ApiClient
from sync.runtime.os_messages import os_reason

PIECE_BYTES = 8 * 1024 * 1024
_TUS = {"Tus-Resumable": "1.0.0"}


async def upload(client: ApiClient, path: Path, report: Callable[[str], None]) -> str:
    """Send a file; return the id of its media. An unfinished upload of the same name and bytes goes on.

    Raises:
        Rejected: the file cannot be read, or changes meanwhile.
        OriginRefused, OriginUnreachable: run it again, and it goes on.
    """
    try:
        with path.open("rb") as file:
            return await _send(client, path.name, file, path.stat().st_size, report)
    except OSError as error:
        raise Rejected(f"{path} cannot be read: {os_reason(error)}") from error


async def _send(client: ApiClient, name: str, file: BufferedReader, size: int, report: Callable[[str], None]) -> str:
    metadata = _metadata(name, hashlib.file_digest(file, "sha256").digest())
    where, offset = await _unfinished(client, metadata, size) or (await _begin(client, metadata, size), 0)
    while offset < size:
        file.seek(offset)
        piece = file.read(PIECE_BYTES)
        if not piece:
            raise Rejected(f"{name} has become shorter: send it again once it is complete")
        headers = {**_TUS, hdrs.CONTENT_TYPE: "application/offset+octet-stream", "Upload-Offset": str(offset)}
        async with client.send("PATCH", where, headers=headers, data=piece) as answer:
            offset = int(answer.headers["Upload-Offset"])
        report(f"{name}: {100 * offset // size} %")
    return where.rpartition("/")[2]


def _metadata(name: str, sha256: bytes) -> str:
    words = {"filename": name.encode(errors="replace"), "sha256": sha256}
    return ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in words.items())


async def _begin(client: ApiClient, metadata: str, size: int) -> str:
    headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": metadata}
    async with client.send("POST", "/v1/uploads", headers=headers) as answer:
        return f"/v1/uploads/{answer.headers[hdrs.LOCATION].rpartition('/')[2]}"


async def _unfinished(client: ApiClient, metadata: str, size: int) -> tuple[str, int] | None:
    """Return the upload that has the first bytes of the same file, and how many: one of another file is left alone."""
    found = await client.ask("GET", "/v1/uploads", query={"limit": "100"})
    for one in found["uploads"]:
        if one["size_bytes"] == size:
            where = f"/v1/uploads/{one['id']}"
            async with client.send("HEAD", where, headers=_TUS) as answer:
                if answer.headers.get("Upload-Metadata") == metadata:
                    return where, int(answer.headers["Upload-Offset"])
    return None
