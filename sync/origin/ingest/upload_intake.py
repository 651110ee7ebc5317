"""Receives files: uploads that grow chunk by chunk in `uploads/{id}`, and local files as a whole.

The offset in the database is what is durable. The file may be longer after a crash or a chunk that did not verify; the
next chunk truncates it first, so bytes that are sent again are never stored twice. A lock on the file keeps two writers
apart, also in two processes. A whole, verified file becomes a queued media of the same id, without a copy.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from sync.errors import Conflict, NotFound, Rejected, StorageBroken, StorageFull, TooLarge
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.pages import Page, PageRequest
from sync.origin.persistence.upload_file import Checksum, UploadFile, hash_file, lock_upload
from sync.origin.planning.file_names import shown_name
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.media_rows import MediaRow, MediaState
from sync.origin.store.media.uploads import Upload, UploadState, UploadStore
from sync.roles import DEFAULT_SPACE
from sync.runtime.clock import Clock
from sync.runtime.durable_files import copy_durably, storage_errors

_WRITE_BYTES = 1024 * 1024
_FLUSH_BYTES = 64 * 1024 * 1024  # a chunk without checksum: at most this much is sent again after a crash
_CLEANUP_EVERY_S = 300.0
CHANGED_MEANWHILE = "it changes while it is read: publish again once it is complete"

log = logging.getLogger(__name__)


class ChecksumMismatch(Rejected):
    """A chunk does not match its checksum; nothing of it was stored."""


class Intake:
    """Receives uploads and local files and queues them for the pipeline; `run` deletes uploads that expired.

    `queued()` is called when the pipeline has new work, and when that begins to be received; `changed("uploads" |
    "media", id)` after each durable change.
    The states of an upload: `sync.origin.store.media.uploads.UPLOAD_STATES`.
    """

    def __init__(
        self,
        uploads: UploadStore,
        media: MediaStore,
        files: DataFolder,
        settings: OriginConfiguration,
        clock: Clock,
        *,
        queued: Callable[[], None],
        changed: Callable[[str, str], None],
    ) -> None:
        self._uploads = uploads
        self._media = media
        self._files = files
        self._settings = settings
        self._clock = clock
        self._queued = queued
        self._changed = changed
        self._refused: set[str] = set()  # uploads that the log has named already

    @property
    def largest_bytes(self) -> int:
        """The limit of one file."""
        return self._settings.uploads.largest_bytes

    async def create(
        self, name: str, size_bytes: int, sha256: str | None, metadata: str | None = None, space: str | None = None
    ) -> Upload:
        """Create an upload of a declared size; `metadata` is only kept for its client.

        Its media will lie in this space; None: in the one where the caller may send files.

        Raises:
            Rejected: the file is empty, or the space is not known.
            Forbidden: the caller may not send files there.
            TooLarge: it is over the limit of one file.
            StorageFull: it does not fit beside the reserve and what other uploads have yet to send.
        """
        lies_in = await self._uploads.space_for_new(space)
        await self._check_space(size_bytes)
        upload_id = secrets.token_hex(16)
        await asyncio.to_thread(self._create_file, upload_id)
        upload = await self._uploads.create(upload_id, name, size_bytes, sha256, metadata, lies_in)
        self._queued()
        self._changed("uploads", upload_id)
        return upload

    async def get(self, upload_id: str) -> Upload:
        """Return an upload; if a crash left it received, it is checked and handed over first.

        Raises:
            NotFound: it was never created, or it is deleted.
            Rejected: the whole file is not what its sender declared; the upload is deleted.
        """
        upload = await self._uploads.get(upload_id)
        if upload.state is not UploadState.RECEIVED:
            return upload
        try:
            with lock_upload(self._files.source_path(upload_id)):
                upload = await self._hand_over_if_received(upload_id)
        except Conflict:
            return upload  # another request hands it over at this moment
        self._queued()  # not before it is unlocked, for a worker locks it
        return upload

    async def page(self, asked: PageRequest) -> Page[Upload]:
        """Return a page of the uploads that are not media yet."""
        return await self._uploads.page(asked)

    async def append(
        self, upload_id: str, offset: int, pieces: AsyncIterator[bytes], length: int | None, checksum: Checksum | None
    ) -> Upload:
        """Append one chunk at `offset`; `length` is its length if the client declared one.

        With a `checksum` the chunk is stored as a whole or not at all. Without one, what arrived before the connection
        broke is stored.

        Raises:
            NotFound: there is no such upload.
            Conflict: the upload is not at `offset`, or another chunk is being written.
            TooLarge: the chunk exceeds the declared size of the file.
            ChecksumMismatch: the chunk does not match `checksum`.
            StorageFull: no room.
            Rejected: it was the last chunk, and the whole file is not what its sender declared; the upload is deleted.
        """
        await self._uploads.get(upload_id)
        with lock_upload(self._files.source_path(upload_id)) as file:
            upload = await self._uploads.get(upload_id)  # again: another writer may have changed it before the lock
            self._check_chunk(upload, offset, length)
            if upload.state is not UploadState.HANDED_OVER:
                await asyncio.to_thread(file.start_chunk, offset, checksum)
                await self._write_chunk(upload, file, pieces)
            upload = await self._hand_over_if_received(upload_id)
        if upload.state is UploadState.HANDED_OVER:
            self._queued()  # not before it is unlocked, for a worker locks it
        return upload

    async def terminate(self, upload_id: str) -> None:
        """Delete an upload and its bytes; the media of an upload that was handed over stays.

        Raises:
            NotFound: there is no such upload.
            Conflict: a chunk is being written.
        """
        upload = await self._uploads.get(upload_id)
        path = self._files.source_path(upload_id)
        if upload.state is UploadState.HANDED_OVER:  # the pipeline has locked its file, or deleted it
            await self._uploads.delete(upload_id)
        elif path.exists():
            with lock_upload(path):
                await self._delete(upload_id)
        else:  # somebody deleted its file, and no chunk can be written
            await self._delete(upload_id)
        self._changed("uploads", upload_id)

    async def ingest_file(self, path: Path, name: str, *, sha256: str | None = None, space: str = DEFAULT_SPACE) -> str:
        """Copy a local file into the queue of the pipeline; return the id of its media, which lies in this space.

        Raises:
            Rejected: the file is empty, or its copy is not what `sha256` declares.
            TooLarge: it is over the limit of one file.
            StorageFull: it does not fit beside the reserve.
            StorageBroken: it cannot be read or written.
        """
        media_id = secrets.token_hex(16)
        target = self._files.source_path(media_id)
        await self._check_space(_size_bytes(path))
        found = await asyncio.to_thread(_copy, path, target, sha256)
        await self._media.queue(media_id, shown_name(name), found, _size_bytes(target), space)
        self._queued()
        self._changed("media", media_id)
        return media_id

    async def retry_file(self, media_id: str, path: Path, *, sha256: str) -> None:
        """Queue a failed media again; if its bytes are gone, they come from a local file.

        Raises:
            NotFound, Conflict: there is no such media, or it has not failed.
            Rejected: the bytes are not what `sha256` declares.
            StorageFull, StorageBroken: the file cannot be read or written.
        """
        target = self._files.source_path(media_id)
        if not target.exists():
            await self._check_space(_size_bytes(path))
            await asyncio.to_thread(_copy, path, target, sha256)
        await self._media.retry(media_id)
        self._queued()
        self._changed("media", media_id)

    def has_asset(self, row: MediaRow) -> bool:
        """Tell whether the files of a ready media are there."""
        return row.asset is not None and self._files.has_asset(row.asset)

    async def check_room(self, size_bytes: int) -> None:
        """Check that so much fits beside the reserve and what uploads have yet to send.

        Raises:
            StorageFull: it does not.
        """
        taken_bytes = self._settings.storage.reserve_bytes + await self._uploads.unsent_bytes()
        if self._files.free_bytes() - taken_bytes < size_bytes:
            raise StorageFull(f"no room for {size_bytes} bytes: free some space and try again")

    def check_sizes(self, sizes: Mapping[str, int]) -> None:
        """Check the sizes of local files, by name.

        Raises:
            Rejected: some are empty or over the limit of one file; each is named.
        """
        wrong = {}
        for name, size_bytes in sizes.items():
            try:
                self._check_size(size_bytes)
            except Rejected as error:
                wrong[name] = str(error)
        if wrong:
            reasons = "; ".join(f"{shown_name(name)}: {why}" for name, why in wrong.items())
            raise Rejected(f"these files cannot be taken in: {reasons}", fields=wrong)

    async def run(self) -> None:
        """Hand over what a crash left received, then delete expired uploads every few minutes."""
        while True:
            await self._hand_over_received()
            await self.remove_expired()
            await self._clock.sleep(_CLEANUP_EVERY_S)

    async def remove_expired(self) -> None:
        """Delete expired uploads, and files as old as those that no upload and no media knows."""
        for upload in await self._uploads.expired():
            try:
                await self.terminate(upload.id)
            except (Conflict, NotFound):
                continue  # its sender continues or terminates it at this moment
            if upload.state is not UploadState.HANDED_OVER:
                log.info("upload=%s expired at %s of %s bytes", upload.id, upload.offset_bytes, upload.size_bytes)
        await self._remove_unknown_files()

    async def _hand_over_received(self) -> None:
        for upload in await self._uploads.unfinished():
            try:
                await self.get(upload.id)
            except (NotFound, Rejected) as error:
                if upload.id not in self._refused:
                    log.warning("upload=%s is refused: %s", upload.id, error)
                self._refused.add(upload.id)

    async def _remove_unknown_files(self) -> None:
        in_use = (MediaState.QUEUED, MediaState.PROCESSING, MediaState.FAILED)
        known = {upload.id for upload in await self._uploads.unfinished()}
        known |= {row.id for row in await self._media.in_states(*in_use)}
        expired_s = self._clock.now().timestamp() - self._settings.uploads.expire_after_s
        for path in self._files.uploads.iterdir():  # the temporary files of copies that were killed are among them
            if path.name not in known and path.stat().st_mtime < expired_s:
                path.unlink(missing_ok=True)
                log.info("upload=%s removed: no upload and no media knows this file", path.name)
        await asyncio.to_thread(self._files.remove_temporary_files, expired_s)

    async def _write_chunk(self, upload: Upload, file: UploadFile, pieces: AsyncIterator[bytes]) -> None:
        try:
            await self._write_pieces(upload, file, pieces)
        except (TooLarge, StorageFull, StorageBroken):
            await asyncio.to_thread(file.discard_unflushed)
            raise
        finally:
            if file.checksum is None or file.matches_checksum():
                await self._flush(upload, file)
        if file.checksum is not None and not file.matches_checksum():
            await asyncio.to_thread(file.discard_unflushed)
            raise ChecksumMismatch("the chunk does not match its checksum: send it again")

    async def _write_pieces(self, upload: Upload, file: UploadFile, pieces: AsyncIterator[bytes]) -> None:
        buffer = bytearray()
        try:
            async for piece in pieces:
                buffer += piece
                if len(buffer) >= _WRITE_BYTES:
                    full, buffer = buffer, bytearray()
                    await self._write(upload, file, full)
        finally:
            await self._write(upload, file, buffer)

    async def _write(self, upload: Upload, file: UploadFile, data: bytearray) -> None:
        if file.end + len(data) > upload.size_bytes:
            raise _exceeds(upload)
        await asyncio.to_thread(file.write, data)
        if file.checksum is None and file.end - file.durable >= _FLUSH_BYTES:
            await self._flush(upload, file)

    async def _flush(self, upload: Upload, file: UploadFile) -> None:
        if await asyncio.to_thread(file.flush):
            await self._uploads.set_offset(upload.id, file.durable)
            self._changed("uploads", upload.id)

    async def _hand_over_if_received(self, upload_id: str) -> Upload:
        """Check the whole file of a received upload and hand it over; call this with its file locked."""
        upload = await self._uploads.get(upload_id)
        if upload.state is not UploadState.RECEIVED:
            return upload
        sha256 = await asyncio.to_thread(hash_file, self._files.source_path(upload_id))
        if upload.sha256 not in (None, sha256):
            await self._delete(upload_id)
            self._changed("uploads", upload_id)
            raise Rejected("the file arrived damaged: it is not what was declared; send it again")
        await self._uploads.hand_over(upload_id, sha256)
        self._changed("uploads", upload_id)
        self._changed("media", upload_id)
        return await self._uploads.get(upload_id)

    async def _delete(self, upload_id: str) -> None:
        """Delete an upload, and its bytes unless a media was just made of them; call this with its file locked."""
        upload = await self._uploads.get(upload_id)
        await self._uploads.delete(upload_id)
        if upload.state is not UploadState.HANDED_OVER:
            self._files.source_path(upload_id).unlink(missing_ok=True)

    def _check_chunk(self, upload: Upload, offset: int, length: int | None) -> None:
        if offset != upload.offset_bytes:
            raise Conflict(f"the upload is at {upload.offset_bytes}, not at {offset}: ask for its offset first")
        if length is None:
            return
        if offset + length > upload.size_bytes:
            raise _exceeds(upload)
        if self._files.free_bytes() - self._settings.storage.reserve_bytes < length:
            raise StorageFull("no room for this chunk: free some space and continue the upload")

    async def _check_space(self, size_bytes: int) -> None:
        self._check_size(size_bytes)
        await self.check_room(size_bytes)

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes == 0:
            raise Rejected("this file is empty", fields={"size": "The file has 0 bytes. Choose a file with content."})
        if size_bytes > self.largest_bytes:
            raise TooLarge(f"a file of {size_bytes} bytes is over the limit of {self.largest_bytes}")

    def _create_file(self, upload_id: str) -> None:
        path = self._files.source_path(upload_id)
        with storage_errors(path):
            path.touch(exist_ok=False)


def display_name(sent: str) -> str:
    """Return the name people see: the last part of the path that was sent."""
    return shown_name(sent.replace("\\", "/").rsplit("/", 1)[-1])


def _copy(path: Path, target: Path, sha256: str | None) -> str:
    """Copy a local file durably; return the hash of the copy, which must be `sha256` if that is given."""
    copy_durably(path, target)
    found = hash_file(target)
    if sha256 not in (None, found):
        target.unlink(missing_ok=True)
        raise Rejected(CHANGED_MEANWHILE)
    return found


def _exceeds(upload: Upload) -> TooLarge:
    return TooLarge(f"the chunk exceeds the {upload.size_bytes} bytes that were declared")


def _size_bytes(path: Path) -> int:
    with storage_errors(path):
        return path.stat().st_size
