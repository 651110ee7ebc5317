"""The tables of media, assets and streams: what people sent, the queue of work on it, and the assets it became.

The same bytes sent twice are two media, since people search for the name they gave. Both share one asset, and
`find_duplicate` finds the earlier media, so that the work is done once.
"""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Update,
    func,
    insert,
    select,
    update,
)

from sync.errors import Conflict, NotFound
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.lists import MEDIA, named
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.store.audit.record import record
from sync.origin.store.media.media_rows import MEDIA_STATES, MediaRow, MediaState, media_query, media_row
from sync.origin.store.row_checks import check_version
from sync.origin.store.spaces.visible_rows import seen, space_for_new, usable
from sync.origin.tables.media import assets, media, streams
from sync.roles import DEFAULT_SPACE
from sync.runtime.clock import Clock, unix_ms
from sync.wire.release import Asset, MediaKind
from sync.wire.stream_url import stream_name

_MOST_HASHES = 500  # of one statement


class FilmAsset(NamedTuple):
    """The asset of a film: its file, its pixels, and how long it plays, if that is known."""

    sha256: str
    size_bytes: int
    width: int
    height: int
    duration_ms: int | None


class MediaStore:
    """Stores media and hands out the work on them; each change by a person raises `version`."""

    def __init__(self, database: OriginDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def queue(self, media_id: str, name: str, sha256: str, size_bytes: int, space: str = DEFAULT_SPACE) -> None:
        """Add a media for a whole file that did not come as an upload."""
        now_ms = self._now_ms()
        await self._database.write(
            lambda connection: insert_queued(connection, media_id, name, sha256, size_bytes, now_ms, space)
        )

    async def add_stream(self, name: str, url: str, space: str | None = None) -> str:
        """Add a network stream in this space, None: in the one where one may; return the id of its media.

        Raises:
            Rejected: there is no such space, or several could be meant.
            Forbidden: one may not add any there.
        """
        media_id, now_ms = secrets.token_hex(16), self._now_ms()
        row = insert(media).values(
            id=media_id,
            **named(name),
            state=MediaState.READY,
            progress=100,
            source_sha256=stream_name(url),
            source_bytes=0,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        async with self._database.writing() as connection:
            await connection.execute(row.values(space_id=await space_for_new(connection, space)))
            await connection.execute(insert(streams).values(media_id=media_id, url=url))
            record(connection, AuditedChange(ThingKind.MEDIA, media_id, name, Action.CREATED))
        return media_id

    async def get(self, media_id: str) -> MediaRow:
        """Return one media; raise NotFound if no media that one may see has this id."""
        found = await self._select((media.c.id == media_id) & seen(media))
        if not found:
            raise NotFound(f"there is no media {media_id}")
        return found[0]

    async def of_bytes(self, hashes: Iterable[str], used_in: str = DEFAULT_SPACE) -> tuple[MediaRow, ...]:
        """Return the media of these bytes, or streams of these addresses (`stream_name`); those alike newest first.

        Of those that may be used in this space.
        """
        wanted, found = sorted(hashes), list[MediaRow]()
        for at in range(0, len(wanted), _MOST_HASHES):
            these = media.c.source_sha256.in_(wanted[at : at + _MOST_HASHES])
            found += await self._select(these & usable(media, used_in))
        return tuple(found)

    async def page(self, asked: PageRequest) -> Page[MediaRow]:
        """Return a page of media."""
        async with self._database.reading() as connection:
            found = await read_page(connection, MEDIA, media_query(), asked, seen(media))
        return found.of(lambda row: media_row(row._mapping))

    async def in_states(self, *states: MediaState) -> tuple[MediaRow, ...]:
        """Return the media in any of `states`, newest first."""
        return await self._select(media.c.state.in_(states))

    async def films(self) -> tuple[FilmAsset, ...]:
        """Return the films that ready media became, those of the newest media first."""
        own, newest = assets.c, func.max(media.c.created_ms)
        query = select(own.sha256, own.size_bytes, own.width, own.height, own.duration_ms)
        query = query.join(media, media.c.asset_sha256 == own.sha256).group_by(own.sha256)
        query = query.where(media.c.state == MediaState.READY, own.kind == MediaKind.VIDEO)
        rows = await self._database.read(lambda connection: connection.execute(query.order_by(newest.desc())).all())
        return tuple(FilmAsset(*row) for row in rows)

    async def find_duplicate(self, row: MediaRow) -> MediaRow | None:
        """Return a ready media made from the same bytes, or None."""
        found = await self._select((media.c.source_sha256 == row.source_sha256) & (media.c.id != row.id))
        # not asked in SQL, where SQLite would rather look through all that are ready
        return next((other for other in found if other.state is MediaState.READY), None)

    async def claim(self, *, large: bool = False) -> MediaRow | None:
        """Move the oldest media that is due to PROCESSING and count an attempt; return None if none is due.

        Only large ones, or only others. A large one that failed before waits behind those that did not.
        """
        waiting = (media.c.state.in_(MEDIA_STATES.before(MediaState.PROCESSING)), media.c.large == large)
        order = (media.c.attempts, media.c.created_ms, media.c.id) if large else (media.c.created_ms, media.c.id)
        oldest = select(media.c.id).where(*waiting, media.c.next_try_ms <= self._now_ms()).order_by(*order).limit(1)
        begun = {"state": MediaState.PROCESSING, "progress": 0, "attempts": media.c.attempts + 1, "problem": None}

        def claim(connection: Connection) -> MediaRow | None:
            media_id = connection.scalar(oldest.with_for_update(skip_locked=True))
            if media_id is None:
                return None
            connection.execute(update(media).where(media.c.id == media_id).values(**begun))
            return media_row(connection.execute(media_query().where(media.c.id == media_id)).mappings().one())

        return await self._database.write(claim)

    async def next_attempt_ms(self, *, large: bool = False) -> int | None:
        """Return when the next queued media is due (Unix ms), None if none is; only large ones, or only others."""
        queued = (media.c.state == MediaState.QUEUED, media.c.large == large)
        soonest = select(func.min(media.c.next_try_ms)).where(*queued)
        due_ms: int | None = await self._database.read(lambda connection: connection.scalar(soonest))
        return due_ms

    async def set_progress(self, media_id: str, percent: int) -> None:
        """Record how far the work is; nothing happens if it has ended."""
        await self._execute(_in_state(media_id, MediaState.PROCESSING).values(progress=percent))

    async def requeue(self, media_id: str, *, problem: str | None, wait_s: float, count_attempt: bool) -> None:
        """Move a media from PROCESSING back to QUEUED, due in `wait_s`; nothing happens if it is not at work."""
        await self._execute(
            _move(media_id, MediaState.QUEUED)
            .where(media.c.state == MediaState.PROCESSING)
            .values(
                attempts=media.c.attempts if count_attempt else media.c.attempts - 1,
                problem=problem,
                next_try_ms=self._now_ms() + int(wait_s * 1000),
                progress=0,
            )
        )

    async def requeue_large(self, media_id: str) -> None:
        """Queue a media among the large ones, without counting the attempt; nothing happens if it is not at work."""
        change = _move(media_id, MediaState.QUEUED).where(media.c.state == MediaState.PROCESSING)
        await self._execute(change.values(large=True, attempts=media.c.attempts - 1, next_try_ms=0, progress=0))

    async def mark_failed(self, media_id: str, problem: str) -> None:
        """End the work without an asset; nothing happens if it is not at work. The sender reads `problem`."""
        change = _move(media_id, MediaState.FAILED).values(problem=problem, progress=0, updated_ms=self._now_ms())
        told = {"problem": problem}
        await self._database.write(lambda connection: _recorded(connection, change, media_id, Action.FAILED, told))

    async def mark_ready(self, media_id: str, asset: Asset, note: str | None = None) -> bool:
        """End the work: add the asset and the media's reference to it, in one transaction; False if there is no work.

        The sender reads `note` as the problem: what of the file could not be shown as it was made.

        The holder of the lock on the bytes may end the work even if another origin that has just started queued the
        media again.
        """
        values = asset.model_dump(exclude={"index"}) | {"index_sha256": asset.index, "created_ms": self._now_ms()}
        change = _move(media_id, MediaState.READY).values(
            progress=100, problem=note, asset_sha256=asset.sha256, updated_ms=self._now_ms()
        )

        def end(connection: Connection) -> bool:
            listed = connection.scalar(_list_of(asset.sha256))
            if listed is None:
                connection.execute(insert(assets).values(**values))
            elif listed != asset.index:  # the file of the old list is lost, and no rule gives it any more
                same = update(assets).where(assets.c.sha256 == asset.sha256)
                connection.execute(same.values(index_sha256=asset.index))
            return _recorded(connection, change, media_id, Action.READY, {"problem": note} if note else None)

        return await self._database.write(end)

    async def list_of(self, asset: str) -> str | None:
        """Return the name of the chunk list of an asset, None if no media had this asset yet."""
        listed: str | None = await self._database.read(lambda connection: connection.scalar(_list_of(asset)))
        return listed

    async def retry(self, media_id: str) -> None:
        """Queue a failed media again, with all its attempts.

        Raises:
            NotFound: no media has this id.
            Conflict: it has not failed.
        """
        change = _move(media_id, MediaState.QUEUED).where(media.c.state == MediaState.FAILED)
        fresh = {"attempts": 0, "next_try_ms": 0, "problem": None, "progress": 0, "updated_ms": self._now_ms()}
        async with self._database.writing() as connection:
            await check_version(connection, media, "media", media_id, None)
            if not await connection.run_sync(_recorded, change.values(**fresh), media_id, Action.RETRIED, None):
                raise Conflict("only a media that failed can be tried again")

    async def _execute(self, change: Update) -> None:
        change = change.values(updated_ms=self._now_ms())
        await self._database.write(lambda connection: connection.execute(change))

    async def _select(self, condition: ColumnElement[bool]) -> tuple[MediaRow, ...]:
        query = media_query().where(condition).order_by(media.c.created_ms.desc(), media.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return tuple(media_row(row) for row in rows)

    def _now_ms(self) -> int:
        return unix_ms(self._clock.now())


def insert_queued(
    connection: Connection,
    media_id: str,
    name: str,
    sha256: str,
    size_bytes: int,
    now_ms: int,
    space: str = DEFAULT_SPACE,
) -> None:
    """Add a queued media inside the caller's transaction."""
    row = insert(media).values(
        id=media_id,
        space_id=space,
        **named(name),
        state=MEDIA_STATES.start,
        source_sha256=sha256,
        source_bytes=size_bytes,
        created_ms=now_ms,
        updated_ms=now_ms,
    )
    connection.execute(row)
    record(connection, AuditedChange(ThingKind.MEDIA, media_id, name, Action.CREATED))


def _recorded(
    connection: Connection, change: Update, media_id: str, action: Action, after: Mapping[str, Any] | None
) -> bool:
    """Change a media and record that; return whether there was something to change."""
    name = connection.scalar(change.returning(media.c.name))
    if name is not None:
        record(connection, AuditedChange(ThingKind.MEDIA, media_id, name, action, after=after))
    return name is not None


def _list_of(asset: str) -> Select[Any]:
    return select(assets.c.index_sha256).where(assets.c.sha256 == asset)


def _move(media_id: str, after: MediaState) -> Update:
    return _in_state(media_id, *MEDIA_STATES.before(after)).values(state=after)


def _in_state(media_id: str, *states: MediaState) -> Update:
    return update(media).where(media.c.id == media_id, media.c.state.in_(states))
