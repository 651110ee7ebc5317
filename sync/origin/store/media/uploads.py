"""The table of uploads: how much of each is durable, when it expires, and which media it became."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from sync.errors import NotFound
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.lists import UNFINISHED, UPLOADS
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.store.audit.record import record
from sync.origin.store.media.media import insert_queued
from sync.origin.store.media.media_rows import same_bytes
from sync.origin.store.spaces.visible_rows import changeable, seen, space_for_new
from sync.origin.tables.media import media, uploads
from sync.roles import DEFAULT_SPACE
from sync.runtime.clock import Clock, unix_ms
from sync.runtime.state_table import StateTable


class UploadState(StrEnum):
    """What an upload waits for. The state follows from the columns; there is no column of its own."""

    RECEIVING = "receiving"  # for bytes; new uploads start here with offset 0
    RECEIVED = "received"  # for the check of the whole file; all bytes are durable
    HANDED_OVER = "handed over"  # for its expiry; it is a media of the same id, whose work the pipeline does
    DELETED = "deleted"  # for nothing; the row is gone, and so are the bytes unless a media was made of them


_COLUMNS = tuple(column.name for column in uploads.c)

UPLOAD_STATES = StateTable(
    "upload",
    UploadState.RECEIVING,
    {
        UploadState.RECEIVING: {
            UploadState.RECEIVED: "the last byte is durable",
            UploadState.DELETED: "terminated or expired",
        },
        UploadState.RECEIVED: {
            UploadState.HANDED_OVER: "the whole file is what was declared",
            UploadState.DELETED: "damaged, terminated or expired",
        },
        UploadState.HANDED_OVER: {UploadState.DELETED: "terminated or expired; the media stays"},
        UploadState.DELETED: {},
    },
)

_CONDITIONS: dict[UploadState, ColumnElement[bool]] = {
    UploadState.RECEIVING: uploads.c.media_id.is_(None) & (uploads.c.offset_bytes < uploads.c.size_bytes),
    UploadState.RECEIVED: uploads.c.media_id.is_(None) & (uploads.c.offset_bytes == uploads.c.size_bytes),
    UploadState.HANDED_OVER: uploads.c.media_id.is_not(None),
}


def upload_in(states: Iterable[UploadState]) -> ColumnElement[bool]:
    """Return the SQL condition for rows in one of `states`; a deleted upload has no row."""
    return or_(*(_CONDITIONS[state] for state in states))


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload: `offset_bytes` of `size_bytes` are durable; `media_id` is set once it is handed over.

    `metadata` is tus's, as the client sent it. `same_as`: the first media of the same bytes, once it is handed over.
    Its media will lie in the space `space_id`.
    """

    id: str
    name: str
    size_bytes: int
    sha256: str | None
    offset_bytes: int
    media_id: str | None
    created_ms: int
    expires_ms: int
    metadata: str | None = None
    same_as: str | None = None
    space_id: str = DEFAULT_SPACE

    @property
    def state(self) -> UploadState:
        """Return what the upload waits for."""
        if self.media_id is not None:
            return UploadState.HANDED_OVER
        return UploadState.RECEIVED if self.offset_bytes == self.size_bytes else UploadState.RECEIVING


class UploadStore:
    """Stores uploads. An upload that gets no bytes for `expire_after_s` is expired and may be deleted."""

    def __init__(self, database: OriginDatabase, clock: Clock, *, expire_after_s: float) -> None:
        self._database = database
        self._clock = clock
        self._expire_after = timedelta(seconds=expire_after_s)

    async def create(
        self,
        upload_id: str,
        name: str,
        size_bytes: int,
        sha256: str | None,
        metadata: str | None = None,
        space: str = DEFAULT_SPACE,
    ) -> Upload:
        """Add an upload that has no bytes yet; its media will lie in this space."""
        upload = Upload(
            id=upload_id,
            name=name,
            size_bytes=size_bytes,
            sha256=sha256,
            offset_bytes=0,
            media_id=None,
            created_ms=unix_ms(self._clock.now()),
            expires_ms=self._expiry_ms(),
            metadata=metadata,
            space_id=space,
        )
        values = asdict(upload)
        del values["same_as"]
        row = insert(uploads).values(**values)

        def create(connection: Connection) -> None:
            connection.execute(row)
            record(connection, AuditedChange(ThingKind.UPLOAD, upload_id, name, Action.CREATED))

        await self._database.write(create)
        return upload

    async def space_for_new(self, asked: str | None) -> str:
        """Return the space of a new upload: the one that is asked for, else the only one in which one may send files.

        Raises:
            Rejected: there is no such space, or several could be meant.
            Forbidden: one may not send files there.
        """
        async with self._database.reading() as connection:
            return await space_for_new(connection, asked)

    async def get(self, upload_id: str) -> Upload:
        """Return an upload.

        Raises:
            NotFound: it was never created, or it is deleted, or one may not see it.
        """
        found = await self._select((uploads.c.id == upload_id) & changeable(uploads))
        if not found:
            raise NotFound(f"there is no upload {upload_id}: it was never created, or was terminated, or has expired")
        return found[0]

    async def unfinished(self) -> tuple[Upload, ...]:
        """Return the uploads that are not media yet, oldest first."""
        return await self._select(UNFINISHED)

    async def page(self, asked: PageRequest) -> Page[Upload]:
        """Return a page of the uploads that are not media yet."""
        async with self._database.reading() as connection:
            found = await read_page(connection, UPLOADS, select(uploads), asked, seen(uploads))
        return found.of(lambda row: Upload(**{name: row._mapping[name] for name in _COLUMNS}))

    async def expired(self) -> tuple[Upload, ...]:
        """Return the uploads whose expiry has passed, in any state."""
        return await self._select(uploads.c.expires_ms <= unix_ms(self._clock.now()))

    async def unsent_bytes(self) -> int:
        """Return how many bytes the unfinished uploads have yet to send."""
        unsent = select(func.coalesce(func.sum(uploads.c.size_bytes - uploads.c.offset_bytes), 0)).where(UNFINISHED)
        return int(await self._database.read(lambda connection: connection.scalar(unsent)) or 0)

    async def set_offset(self, upload_id: str, offset_bytes: int) -> None:
        """Record that `offset_bytes` are durable; the expiry starts anew.

        Raises:
            NotFound: it was deleted meanwhile.
            ForbiddenMove: all its bytes were there already.
        """
        values = {"offset_bytes": offset_bytes, "expires_ms": self._expiry_ms()}
        condition = upload_in(UPLOAD_STATES.before(UploadState.RECEIVED))
        change = update(uploads).where(uploads.c.id == upload_id, condition).values(**values)
        if not await self._database.write(lambda connection: connection.execute(change).rowcount):
            UPLOAD_STATES.move((await self.get(upload_id)).state, UploadState.RECEIVED)

    async def hand_over(self, upload_id: str, sha256: str) -> None:
        """Make a received upload a queued media of the same id, in one transaction; `sha256` is that of its bytes.

        Raises:
            NotFound: it was deleted meanwhile.
            ForbiddenMove: bytes are missing, or it is a media already.
        """
        upload = await self.get(upload_id)
        UPLOAD_STATES.move(upload.state, UploadState.HANDED_OVER)
        condition = upload_in(UPLOAD_STATES.before(UploadState.HANDED_OVER))
        change = update(uploads).where(uploads.c.id == upload_id, condition).values(media_id=upload_id)
        now_ms = unix_ms(self._clock.now())

        def hand_over(connection: Connection) -> None:
            if connection.execute(change).rowcount == 0:
                raise NotFound(f"upload {upload_id} was terminated")
            insert_queued(connection, upload_id, upload.name, sha256, upload.size_bytes, now_ms, upload.space_id)

        await self._database.write(hand_over)

    async def delete(self, upload_id: str) -> None:
        """Delete an upload in any state; one that is not there is no error."""
        gone = delete(uploads).where(uploads.c.id == upload_id).returning(uploads.c.name, uploads.c.media_id)

        def remove(connection: Connection) -> None:
            for name, media_id in connection.execute(gone):
                if media_id is None:  # else what was sent lives on as a media
                    record(connection, AuditedChange(ThingKind.UPLOAD, upload_id, name, Action.REMOVED))

        await self._database.write(remove)

    async def _select(self, condition: ColumnElement[bool]) -> tuple[Upload, ...]:
        same = select(same_bytes(media)).where(media.c.id == uploads.c.media_id).correlate(uploads).scalar_subquery()
        query = select(uploads, same.label("same_as")).where(condition).order_by(uploads.c.created_ms, uploads.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return tuple(Upload(**row) for row in rows)

    def _expiry_ms(self) -> int:
        return unix_ms(self._clock.now() + self._expire_after)
