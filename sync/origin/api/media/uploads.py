"""Uploads over HTTP: tus 1.0 with creation (with upload), checksum, expiration and termination, at `/v1/uploads`.

In addition to tus: with the metadata `sha256` (hex or base64) the whole file is verified, and the header
`Signage-Media` on the last answer and on every later HEAD names the media that the upload became. `Signage-Same-As`
beside it names the first media of the same bytes, if somebody sent them before.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from email.utils import format_datetime

from aiohttp import hdrs, web

from sync.errors import Rejected, TooLarge, Unsupported
from sync.http.bodies import body_pieces, read_query
from sync.http.forwarded import location
from sync.http.operations import Access, InSpaces, Needed, Operation
from sync.http.problems import Handler, problem
from sync.origin.api.lists import SEEN, ListPage, SpaceQuery, list_operation
from sync.origin.ingest.upload_intake import ChecksumMismatch, Intake, display_name
from sync.origin.persistence.lists import UPLOADS
from sync.origin.persistence.upload_file import Checksum
from sync.origin.store.media.uploads import Upload
from sync.roles import Role
from sync.runtime.clock import instant
from sync.wire.value_types import Instant, Wire

TUS_VERSION = "1.0.0"
_PATH, _ONE = "/v1/uploads", "/v1/uploads/{id}"
CHUNK_TYPE = "application/offset+octet-stream"
MEDIA_HEADER = "Signage-Media"
SAME_AS_HEADER = "Signage-Same-As"

_ALGORITHMS = {"sha1": 20, "sha256": 32}
_EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
_READ_BYTES = 1024 * 1024
_NOT_OFFERED = {
    "Upload-Concat": "send the file as one upload",
    "Upload-Defer-Length": "send the size of the file as Upload-Length",
}
_ALWAYS = ("Tus-Resumable",)
_CHUNK = ("Upload-Offset", "Upload-Checksum")
_TOLD = (*_ALWAYS, "Upload-Offset", "Upload-Expires", MEDIA_HEADER, SAME_AS_HEADER)
_FEATURES = (hdrs.ALLOW, *_ALWAYS, "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm")
_BEGIN = ("Upload-Length", "Upload-Metadata", "Upload-Checksum")


class UploadView(Wire):
    """An unfinished upload."""

    id: str
    name: str
    size_bytes: int
    offset_bytes: int
    created_at: Instant
    expires_at: Instant


class UploadList(ListPage):
    """A page of the unfinished uploads."""

    uploads: tuple[UploadView, ...]


class UploadRoutes:
    """Serves uploads by the tus protocol."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations; only the list answers JSON."""
        access, told = InSpaces(Role.EDITOR), "Features of this tus server"
        features = [
            Operation("OPTIONS", path, self._options, told, Access.OPEN, status=204, answer_headers=_FEATURES)
            for path in (_PATH, _ONE)
        ]
        create = Operation(
            "POST",
            _PATH,
            self._tus(self._create),
            "Create an upload",
            access,
            CHUNK_TYPE,
            status=201,
            query=SpaceQuery,
            headers=_BEGIN,
            needed_headers=_ALWAYS,
            answer_headers=(hdrs.LOCATION, *_TOLD),
        )
        unfinished = list_operation(_PATH, "Unfinished uploads", UPLOADS, UploadList, self._intake.page, _view, SEEN)
        terminate, what = self._tus(self._terminate), "Delete an upload"
        remove = Operation("DELETE", _ONE, terminate, what, access, status=204, needed_headers=_ALWAYS)
        return (*features, unfinished, create, *self._chunks(access), remove)

    def _chunks(self, access: Needed) -> Iterator[Operation]:
        told, needed = ("Upload-Length", "Upload-Metadata", *_TOLD), _ALWAYS
        offset, what = self._tus(self._offset), "How far an upload is"
        yield Operation("HEAD", _ONE, offset, what, access, needed_headers=needed, answer_headers=told)
        for method, handler, what, named, also in (
            ("PATCH", self._append, "Send a chunk", "Upload-Offset", ()),
            ("POST", _unnamed, "Send a chunk, without PATCH", "X-HTTP-Method-Override", (200,)),
        ):
            yield Operation(
                method,
                _ONE,
                self._tus(handler),
                what,
                access,
                CHUNK_TYPE,
                status=204,
                also=also,
                headers=tuple(name for name in _CHUNK if name != named),
                needed_headers=(*needed, named),
                answer_headers=_TOLD,
            )

    def _tus(self, handler: Handler) -> Handler:
        """Refuse clients of another tus version, and call the handler of the method that the client means.

        Clients that cannot send every method name it in `X-HTTP-Method-Override`. The handlers that can be named so
        need the same access.
        """

        async def handle(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Tus-Resumable") != TUS_VERSION:
                detail = f"this server speaks tus {TUS_VERSION}: send it as Tus-Resumable"
                answer = problem(412, "tus-version", "Another tus version", detail, request.path)
                answer.headers["Tus-Version"] = TUS_VERSION
                return answer
            try:
                return await self._meant(request, handler)(request)
            except ChecksumMismatch as error:
                return problem(460, "checksum-mismatch", "Checksum mismatch", str(error), request.path)

        return handle

    def _meant(self, request: web.Request, handler: Handler) -> Handler:
        meant = request.headers.get("X-HTTP-Method-Override", request.method).upper()
        if meant == request.method:
            return handler
        known = {"HEAD": self._offset, "PATCH": self._append, "DELETE": self._terminate}
        if "id" not in request.match_info or meant not in known:
            raise web.HTTPMethodNotAllowed(meant, _methods(request))
        return known[meant]

    async def _options(self, request: web.Request) -> web.Response:
        headers = {
            hdrs.ALLOW: ", ".join(sorted(_methods(request))),
            "Tus-Version": TUS_VERSION,
            "Tus-Extension": _EXTENSIONS,
            "Tus-Max-Size": str(self._intake.largest_bytes),
            "Tus-Checksum-Algorithm": ",".join(_ALGORITHMS),
        }
        return web.Response(status=204, headers=headers)

    async def _create(self, request: web.Request) -> web.Response:
        _refuse_other_extensions(request)
        space = read_query(request, SpaceQuery).space
        sent_metadata = request.headers.get("Upload-Metadata", "")
        metadata = _metadata(sent_metadata)
        size_bytes = _number(request, "Upload-Length")
        checksum = _checksum(request)
        sent = metadata.get("filename", metadata.get("name", b"")).decode("utf-8", "replace")
        upload = await self._intake.create(
            display_name(sent), size_bytes, _declared_sha256(metadata), sent_metadata or None, space
        )
        if request.content_type == CHUNK_TYPE:
            pieces = body_pieces(request, _READ_BYTES)
            upload = await self._intake.append(upload.id, 0, pieces, request.content_length, checksum)
        return web.Response(
            status=201, headers={"Location": location(request, f"/v1/uploads/{upload.id}"), **_progress(upload)}
        )

    async def _offset(self, request: web.Request) -> web.Response:
        upload = await self._intake.get(request.match_info["id"])
        metadata = {} if upload.metadata is None else {"Upload-Metadata": upload.metadata}
        return web.Response(headers={"Upload-Length": str(upload.size_bytes), **metadata, **_progress(upload)})

    async def _append(self, request: web.Request) -> web.Response:
        if request.content_type != CHUNK_TYPE:
            raise Unsupported(f"a chunk is sent as {CHUNK_TYPE}, not as {request.content_type}")
        upload = await self._intake.append(
            request.match_info["id"],
            _number(request, "Upload-Offset"),
            body_pieces(request, _READ_BYTES),
            request.content_length,
            _checksum(request),
        )
        return web.Response(status=204, headers=_progress(upload))

    async def _terminate(self, request: web.Request) -> web.Response:
        await self._intake.terminate(request.match_info["id"])
        return web.Response(status=204)


async def add_tus_version(request: web.Request, response: web.StreamResponse) -> None:
    """Add the header that tus demands on every answer, errors included."""
    if request.path.startswith(_PATH):
        response.headers["Tus-Resumable"] = TUS_VERSION


def _view(upload: Upload) -> UploadView:
    return UploadView(
        id=upload.id,
        name=upload.name,
        size_bytes=upload.size_bytes,
        offset_bytes=upload.offset_bytes,
        created_at=instant(upload.created_ms),
        expires_at=instant(upload.expires_ms),
    )


def _methods(request: web.Request) -> set[str]:
    """Return the methods of the address that was asked."""
    return {route.method for route in request.match_info.route.resource or ()} - {hdrs.METH_ANY}


async def _unnamed(request: web.Request) -> web.StreamResponse:
    raise web.HTTPBadRequest(text="name the method that is meant (PATCH, HEAD, DELETE) in X-HTTP-Method-Override")


def _progress(upload: Upload) -> dict[str, str]:
    expires = format_datetime(instant(upload.expires_ms), usegmt=True)
    headers = {"Upload-Offset": str(upload.offset_bytes), "Upload-Expires": expires}
    told = {MEDIA_HEADER: upload.media_id, SAME_AS_HEADER: upload.same_as}
    return headers | {name: value for name, value in told.items() if value is not None}


def _number(request: web.Request, header: str) -> int:
    raw = request.headers.get(header, "")
    if not (raw.isascii() and raw.isdecimal()):
        raise _wrong_header(header, "a whole number of bytes")
    if len(raw) > 18:
        raise TooLarge(f"{header} of {raw[:24]}… bytes is too large")
    return int(raw)


def _checksum(request: web.Request) -> Checksum | None:
    if "upload-checksum" in request.headers.get(hdrs.TRAILER, "").lower():
        raise web.HTTPBadRequest(text="a checksum is sent before the chunk: checksum-trailer is not supported")
    raw = request.headers.get("Upload-Checksum")
    if raw is None:
        return None
    algorithm, _, encoded = raw.partition(" ")
    digest = _base64(encoded)
    if digest is None or len(digest) != _ALGORITHMS.get(algorithm):
        wanted = f"an algorithm ({', '.join(_ALGORITHMS)}), a space and the base64 digest"
        raise web.HTTPBadRequest(text=f"Upload-Checksum must be {wanted}")  # tus demands 400, not 422
    return Checksum(algorithm, digest)


def _refuse_other_extensions(request: web.Request) -> None:
    """Refuse what `Tus-Extension` does not offer: part of a film must not become a media of its own."""
    for header, why in _NOT_OFFERED.items():
        if header in request.headers:
            raise web.HTTPBadRequest(text=f"{header} is not supported: {why}")


def _metadata(raw: str) -> Mapping[str, bytes]:
    metadata: dict[str, bytes] = {}
    for pair in filter(None, (part.strip() for part in raw.split(","))):
        key, _, encoded = pair.partition(" ")
        value = _base64(encoded)
        if value is None or not key.isascii() or key in metadata:
            raise _wrong_header("Upload-Metadata", f"keys in ASCII, each once, and base64 after each, unlike {key!r}")
        metadata[key] = value
    return metadata


def _declared_sha256(metadata: Mapping[str, bytes]) -> str | None:
    """Return the SHA-256 of the whole file in hex if the client sent it as hex, raw bytes or base64, else None."""
    sent = metadata.get("sha256")
    if sent is None:
        return None
    for digest in (sent, _unhex(sent), _base64(sent.decode("ascii", "replace"))):
        if digest is not None and len(digest) == 32:
            return digest.hex()
    raise _wrong_header("Upload-Metadata", "sha256 as 64 hex digits or base64")


def _unhex(raw: bytes) -> bytes | None:
    try:
        return binascii.unhexlify(raw)
    except binascii.Error:
        return None


def _base64(raw: str) -> bytes | None:
    try:
        return base64.b64decode(raw.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None


def _wrong_header(header: str, wanted: str) -> Rejected:
    return Rejected(f"{header} must be {wanted}", fields={header: f"must be {wanted}"})
