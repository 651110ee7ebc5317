"""Takes bytes in: uploads that grow in `uploads/{id}`, durable up to the offset we told, and local files as a whole.

The file may be longer than its offset (a crash, a chunk that did not verify): what stands over is cut off before more
is written, so a chunk sent again is never there twice. A lock on the file itself keeps two writers apart, in this
process and in another origin's. A whole, verified file becomes a queued media of the same id, without a copy.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from sync.errors import Conflict, NotFound, Rejected, StorageBroken, StorageFull, TooLarge
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.upload_file import Checksum, UploadFile, hash_file, lock_upload
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.media import MediaState, MediaStore
from sync.origin.store.uploads import Upload, UploadStore
from sync.runtime.clock import Clock
from sync.runtime.durable_files import copy_durably, storage_errors

_PIECE_BYTES = 1024 * 1024
_COMMIT_BYTES = 64 * 1024 * 1024  # of one long chunk without checksum, at most this much is sent again after a crash
_SWEEP_EVERY_S = 300.0

log = logging.getLogger(__name__)


class ChecksumMismatch(Rejected):
    """A chunk is not what its sender says; nothing of it was kept."""


class Intake:
    """Grows uploads and hands them to the pipeline; `run` sweeps what was abandoned.

    `queued()` is called when the pipeline has something new to do; `changed("uploads" | "media", id)` after each
    durable change.
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

    @property
    def largest_bytes(self) -> int:
        """The limit of one file."""
        return self._settings.uploads.largest_bytes

    async def create(self, name: str, size_bytes: int, sha256: str | None) -> Upload:
        """Open an upload of a stated size.

        Raises:
            Rejected: the file is empty.
            TooLarge: over the limit of one file.
            StorageFull: it would not fit beside the reserve and what other uploads have yet to send.
        """
        await self._check_room(size_bytes)
        upload_id = secrets.token_hex(16)
        await asyncio.to_thread(self._make, upload_id)
        upload = await self._uploads.create(upload_id, name, size_bytes, sha256)
        self._changed("uploads", upload_id)
        return upload

    async def get(self, upload_id: str) -> Upload:
        """Return an upload as durable as it is; one that was whole when we crashed is finished first.

        Raises:
            NotFound: never made, cancelled or expired.
            Rejected: the whole file is not what its sender declared; it was thrown away.
        """
        upload = await self._uploads.get(upload_id)
        if not upload.whole or upload.media_id is not None:
            return upload
        try:
            with lock_upload(self._files.source_path(upload_id)):
                return await self._finish(await self._uploads.get(upload_id))
        except Conflict:
            return upload  # it is being finished this moment

    async def unfinished(self) -> tuple[Upload, ...]:
        """Return the uploads that are not media yet, oldest first."""
        return await self._uploads.unfinished()

    async def append(
        self, upload_id: str, offset: int, pieces: AsyncIterator[bytes], length: int | None, checksum: Checksum | None
    ) -> Upload:
        """Write one chunk at `offset`; with a `checksum` all of it counts or nothing.

        Without one, what arrived before a broken line counts. `length` is the chunk's length if it is known before.

        Raises:
            NotFound: there is no such upload.
            Conflict: `offset` is not where the upload stands, or another chunk is being written.
            TooLarge: the chunk goes beyond the declared size.
            ChecksumMismatch: the chunk does not verify.
            StorageFull: no room.
            Rejected: it was the last chunk, and the whole file is not what its sender declared; it was thrown away.
        """
        await self._uploads.get(upload_id)
        with lock_upload(self._files.source_path(upload_id)) as part:
            upload = await self._uploads.get(upload_id)  # as it is now that nobody else writes
            self._check_chunk(upload, offset, length)
            if upload.media_id is None:
                await asyncio.to_thread(part.start_chunk, offset, checksum)
                await self._write(upload, part, pieces)
            return await self._finish(await self._uploads.get(upload_id))

    async def terminate(self, upload_id: str) -> None:
        """Throw an upload away; a media made from it stays.

        Raises:
            NotFound: there is no such upload.
            Conflict: a chunk is being written.
        """
        upload = await self._uploads.get(upload_id)
        if upload.media_id is None:
            with lock_upload(self._files.source_path(upload_id)):
                await self._drop(upload_id)
        else:
            await self._uploads.remove(upload_id)
        self._changed("uploads", upload_id)

    async def ingest_file(self, path: Path, name: str) -> str:
        """Copy a local file into the queue of the pipeline; return the id of the media it becomes.

        Raises:
            Rejected: the file is empty.
            TooLarge: over the limit of one file.
            StorageFull: it does not fit beside the reserve.
            StorageBroken: it cannot be read or written.
        """
        media_id = secrets.token_hex(16)
        target = self._files.source_path(media_id)
        name = display_name(name)
        await self._check_room(_size(path))
        await asyncio.to_thread(copy_durably, path, target)
        await self._media.queue(media_id, name, await asyncio.to_thread(hash_file, target), _size(target))
        self._queued()
        self._changed("media", media_id)
        return media_id

    async def run(self) -> None:
        """Finish what a crash left whole, then throw away again and again what nobody continues."""
        while True:
            await self._finish_whole()
            await self.remove_expired()
            await self._clock.sleep(_SWEEP_EVERY_S)

    async def remove_expired(self) -> None:
        """Throw away uploads whose time is up, and files nobody knows that are as old."""
        for upload in await self._uploads.expired():
            try:
                await self.terminate(upload.id)
            except (Conflict, NotFound):
                continue  # somebody continues or cancels it this moment
            if upload.media_id is None:
                log.info("upload=%s expired at %s of %s bytes", upload.id, upload.offset_bytes, upload.size_bytes)
        await self._sweep_strays()

    async def _finish_whole(self) -> None:
        for upload in await self._uploads.unfinished():
            if upload.whole:
                try:
                    await self.get(upload.id)
                except Rejected as error:
                    log.warning("upload=%s was whole after a restart, refused: %s", upload.id, error)

    async def _sweep_strays(self) -> None:
        unfinished = (MediaState.QUEUED, MediaState.PROCESSING, MediaState.FAILED)
        known = {upload.id for upload in await self._uploads.unfinished()}
        known |= {row.id for row in await self._media.in_states(states=unfinished)}
        oldest_s = self._clock.now().timestamp() - self._settings.uploads.expire_after_s
        for path in self._files.uploads.iterdir():
            if path.name not in known and path.stat().st_mtime < oldest_s:
                path.unlink(missing_ok=True)  # a scrap of a copy that was killed is among them
                log.info("upload=%s removed: nobody knows this file", path.name)
        await asyncio.to_thread(self._files.remove_temporary_files, oldest_s)

    async def _write(self, upload: Upload, part: UploadFile, pieces: AsyncIterator[bytes]) -> None:
        try:
            await self._fill(upload, part, pieces)
        except (TooLarge, StorageFull, StorageBroken):
            await asyncio.to_thread(part.discard_unflushed)
            raise
        finally:  # without checksum what came before a broken line counts, too
            if part.checksum is None or part.matches_checksum():
                await self._commit(upload, part)
        if part.checksum is not None and not part.matches_checksum():
            await asyncio.to_thread(part.discard_unflushed)
            raise ChecksumMismatch("the chunk does not match its checksum: send it again")

    async def _fill(self, upload: Upload, part: UploadFile, pieces: AsyncIterator[bytes]) -> None:
        held = bytearray()
        try:
            async for piece in pieces:
                held += piece
                if len(held) >= _PIECE_BYTES:
                    full, held = held, bytearray()
                    await self._add(upload, part, full)
        finally:
            await self._add(upload, part, held)

    async def _add(self, upload: Upload, part: UploadFile, piece: bytearray) -> None:
        if part.end + len(piece) > upload.size_bytes:
            raise TooLarge(f"the chunk goes beyond the {upload.size_bytes} bytes that were declared")
        await asyncio.to_thread(part.write, piece)
        if part.checksum is None and part.end - part.durable >= _COMMIT_BYTES:
            await self._commit(upload, part)

    async def _commit(self, upload: Upload, part: UploadFile) -> None:
        if await asyncio.to_thread(part.flush):
            await self._uploads.set_offset(upload.id, part.durable)
            self._changed("uploads", upload.id)

    async def _finish(self, upload: Upload) -> Upload:
        if not upload.whole or upload.media_id is not None:
            return upload
        sha256 = await asyncio.to_thread(hash_file, self._files.source_path(upload.id))
        if upload.sha256 not in (None, sha256):
            await self._drop(upload.id)
            self._changed("uploads", upload.id)
            raise Rejected("the file arrived damaged: it is not what was sent; send it again")
        await self._media.queue(upload.id, upload.name, sha256, upload.size_bytes)
        self._queued()
        self._changed("uploads", upload.id)
        self._changed("media", upload.id)
        return await self._uploads.get(upload.id)

    async def _drop(self, upload_id: str) -> None:
        await self._uploads.remove(upload_id)
        self._files.source_path(upload_id).unlink(missing_ok=True)

    def _check_chunk(self, upload: Upload, offset: int, length: int | None) -> None:
        if offset != upload.offset_bytes:
            raise Conflict(f"the upload stands at {upload.offset_bytes}, not at {offset}: ask for its offset first")
        if length is not None and offset + length > upload.size_bytes:
            raise TooLarge(f"the chunk goes beyond the {upload.size_bytes} bytes that were declared")
        if length is not None and self._files.free_bytes() - self._settings.storage.reserve_bytes < length:
            raise StorageFull("no room for this chunk: free some space and continue the upload")

    async def _check_room(self, size_bytes: int) -> None:
        if size_bytes == 0:
            raise Rejected("this file is empty", fields={"size": "at least 1 byte"})
        if size_bytes > self.largest_bytes:
            raise TooLarge(f"a file of {size_bytes} bytes is over the limit of {self.largest_bytes}")
        promised = self._settings.storage.reserve_bytes + await self._uploads.unsent_bytes()
        if self._files.free_bytes() - promised < size_bytes:
            raise StorageFull(f"no room for {size_bytes} bytes: free some space and try again")

    def _make(self, upload_id: str) -> None:
        path = self._files.source_path(upload_id)
        with storage_errors(path):
            path.touch(exist_ok=False)


def display_name(said: str) -> str:
    """Return what people call a file: the last part of its path, without what cannot be printed."""
    last = said.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable()).strip()[:200].strip() or "unnamed"


def _size(path: Path) -> int:
    with storage_errors(path):
        return path.stat().st_size
