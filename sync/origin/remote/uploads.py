"""Sends files by tus: in pieces, with progress, and on from where an earlier try ended."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from aiohttp import hdrs

from sync.errors import Rejected
from sync.origin.remote.client import ApiClient
from sync.runtime.os_messages import os_reason

PIECE_BYTES = 8 * 1024 * 1024
_TUS = {"Tus-Resumable": "1.0.0"}


async def upload(client: ApiClient, path: Path, report: Callable[[str], None]) -> str:
    """Send a file; return the id of its media. An unfinished upload of this name and size goes on.

    Raises:
        Rejected: the file cannot be read.
        OriginRefused, OriginUnreachable: run it again, and it goes on.
    """
    try:
        with path.open("rb") as file:
            return await _send(client, path.name, file, path.stat().st_size, report)
    except OSError as error:
        raise Rejected(f"{path} cannot be read: {os_reason(error)}") from error


async def _send(client: ApiClient, name: str, file: BinaryIO, size: int, report: Callable[[str], None]) -> str:
    where, offset = await _unfinished(client, name, size) or (await _begin(client, name, size), 0)
    while offset < size:
        file.seek(offset)
        piece = file.read(PIECE_BYTES)
        headers = {**_TUS, hdrs.CONTENT_TYPE: "application/offset+octet-stream", "Upload-Offset": str(offset)}
        async with client.send("PATCH", where, headers=headers, data=piece) as answer:
            offset = int(answer.headers["Upload-Offset"])
        report(f"{name}: {100 * offset // size} %")
    return where.rpartition("/")[2]


async def _begin(client: ApiClient, name: str, size: int) -> str:
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": metadata}
    async with client.send("POST", "/v1/uploads", headers=headers) as answer:
        return f"/v1/uploads/{answer.headers[hdrs.LOCATION].rpartition('/')[2]}"


async def _unfinished(client: ApiClient, name: str, size: int) -> tuple[str, int] | None:
    found = await client.ask("GET", "/v1/uploads", query={"limit": "100"})
    same = (one for one in found["uploads"] if (one["name"], one["size_bytes"]) == (name, size))
    one = next(same, None)
    return None if one is None else (f"/v1/uploads/{one['id']}", int(one["offset_bytes"]))
