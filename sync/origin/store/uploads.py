"""The statements on uploads under way: how much of each is durable, and which media it became."""

from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, select, update

from sync.errors import NotFound
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.tables import uploads
from sync.runtime.clock import Clock, unix_ms


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload; `offset_bytes` of `size_bytes` are on disk for good, `media_id` is set when all of it is."""

    id: str
    name: str
    size_bytes: int
    sha256: str | None
    offset_bytes: int
    media_id: str | None
    created_ms: int
    expires_ms: int

    @property
    def whole(self) -> bool:
        """Tell whether all bytes are there; the file as a whole may still be unchecked."""
        return self.offset_bytes == self.size_bytes


class UploadStore:
    """Remembers uploads; an upload nobody continues for `expire_after_s` may be swept away."""

    def __init__(self, database: OriginDatabase, clock: Clock, *, expire_after_s: float) -> None:
        self._database = database
        self._clock = clock
        self._expire_after = timedelta(seconds=expire_after_s)

    async def create(self, upload_id: str, name: str, size_bytes: int, sha256: str | None) -> Upload:
        """Begin an upload of which nothing is there yet."""
        begun = Upload(
            id=upload_id,
            name=name,
            size_bytes=size_bytes,
            sha256=sha256,
            offset_bytes=0,
            media_id=None,
            created_ms=unix_ms(self._clock.now()),
            expires_ms=self._expiry_ms(),
        )
        async with self._database.writing() as connection:
            await connection.execute(insert(uploads).values(**asdict(begun)))
        return begun

    async def get(self, upload_id: str) -> Upload:
        """Return an upload.

        Raises:
            NotFound: never made, cancelled or expired.
        """
        found = await self._where(uploads.c.id == upload_id)
        if not found:
            raise NotFound(f"there is no upload {upload_id}: it was finished long ago, cancelled or never begun")
        return found[0]

    async def unfinished(self) -> tuple[Upload, ...]:
        """Return the uploads that are not media yet, oldest first."""
        return await self._where(uploads.c.media_id.is_(None))

    async def expired(self) -> tuple[Upload, ...]:
        """Return the uploads nobody continued in time, finished ones included."""
        return await self._where(uploads.c.expires_ms <= unix_ms(self._clock.now()))

    async def unsent_bytes(self) -> int:
        """Return how many bytes the uploads under way have yet to send."""
        missing = func.coalesce(func.sum(uploads.c.size_bytes - uploads.c.offset_bytes), 0)
        async with self._database.reading() as connection:
            return int((await connection.execute(select(missing).where(uploads.c.media_id.is_(None)))).scalar_one())

    async def set_offset(self, upload_id: str, offset_bytes: int) -> None:
        """Write down that `offset_bytes` are durable; the upload lives on for the whole expiry from now.

        Raises:
            NotFound: it was cancelled meanwhile.
        """
        change = update(uploads).where(uploads.c.id == upload_id)
        async with self._database.writing() as connection:
            done = await connection.execute(change.values(offset_bytes=offset_bytes, expires_ms=self._expiry_ms()))
        if done.rowcount == 0:
            raise NotFound(f"upload {upload_id} was cancelled")

    async def remove(self, upload_id: str) -> None:
        """Forget an upload; nothing happens if it is not there."""
        async with self._database.writing() as connection:
            await connection.execute(delete(uploads).where(uploads.c.id == upload_id))

    async def _where(self, condition: ColumnElement[bool]) -> tuple[Upload, ...]:
        query = select(uploads).where(condition).order_by(uploads.c.created_ms, uploads.c.id)
        async with self._database.reading() as connection:
            return tuple(_upload(row) for row in (await connection.execute(query)).mappings())

    def _expiry_ms(self) -> int:
        return unix_ms(self._clock.now() + self._expire_after)


def _upload(row: RowMapping) -> Upload:
    return Upload(**row)
