"""The statements on media people sent: the queue of work on them, and the assets they became.

The same bytes sent twice are two media (people look for the name they gave) that share one asset; `twin` finds the
earlier one, so that the work is done once.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, Select, delete, insert, select, union, update

from sync.errors import Conflict, NotFound
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.row_checks import check_version
from sync.origin.persistence.tables import (
    assets,
    campaigns,
    channels,
    creatives,
    lines,
    media,
    overlays,
    playlist_items,
    playlists,
    streams,
    uploads,
)
from sync.runtime.clock import Clock, unix_ms
from sync.wire.release import Asset
from sync.wire.stream_url import stream_name


class MediaState(StrEnum):
    """Where a media is on its way from upload to screen."""

    QUEUED = "queued"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MediaRow:
    """One media: `progress` in percent of the work, `attempts` begun so far, `asset` once it is ready.

    A stream has an `url` and never an asset; it is ready from the start.
    """

    id: str
    name: str
    state: MediaState
    progress: int
    attempts: int
    problem: str | None
    source_sha256: str
    source_bytes: int
    version: int
    created_ms: int
    updated_ms: int
    asset: Asset | None
    url: str | None


_ASSET_COLUMNS = [
    assets.c.sha256.label("asset"),
    assets.c.size_bytes,
    assets.c.index_sha256,
    assets.c.kind,
    assets.c.media_type,
    assets.c.width,
    assets.c.height,
    assets.c.duration_ms,
    assets.c.has_audio,
    assets.c.loudness_lufs,
]


class MediaStore:
    """Remembers media and hands out the work on them; each change of a person raises `version`."""

    def __init__(self, database: OriginDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def queue(self, media_id: str, name: str, sha256: str, size_bytes: int) -> None:
        """Take in a whole, verified file; the upload of the same id, if any, names it from now on."""
        now_ms = self._now_ms()
        row = insert(media).values(
            id=media_id,
            name=name,
            state=MediaState.QUEUED,
            source_sha256=sha256,
            source_bytes=size_bytes,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        async with self._database.writing() as connection:
            await connection.execute(row)
            await connection.execute(update(uploads).where(uploads.c.id == media_id).values(media_id=media_id))

    async def add_stream(self, name: str, url: str) -> str:
        """Take in a network stream; return the id of the media."""
        media_id, now_ms = secrets.token_hex(16), self._now_ms()
        row = insert(media).values(
            id=media_id,
            name=name,
            state=MediaState.READY,
            progress=100,
            source_sha256=stream_name(url),
            source_bytes=0,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        async with self._database.writing() as connection:
            await connection.execute(row)
            await connection.execute(insert(streams).values(media_id=media_id, url=url))
        return media_id

    async def get(self, media_id: str) -> MediaRow:
        """Return one media.

        Raises:
            NotFound: there is none of that id.
        """
        found = await self._rows(_query().where(media.c.id == media_id))
        if not found:
            raise NotFound(f"there is no media {media_id}")
        return found[0]

    async def in_states(self, *, states: Sequence[MediaState] = tuple(MediaState)) -> tuple[MediaRow, ...]:
        """Return the media in any of `states`, newest first."""
        wanted = _query().where(media.c.state.in_(states))
        return await self._rows(wanted.order_by(media.c.created_ms.desc(), media.c.id))

    async def find_duplicate(self, row: MediaRow) -> MediaRow | None:
        """Return a ready media made from the same bytes, or None."""
        same = (media.c.source_sha256 == row.source_sha256, media.c.state == MediaState.READY, media.c.id != row.id)
        found = await self._rows(_query().where(*same).limit(1))
        return found[0] if found else None

    async def rename(self, media_id: str, name: str, *, version: int | None) -> MediaRow:
        """Give a media another name; `version`, if not None, must be the present one.

        Raises:
            NotFound: there is none of that id.
            StaleVersion: somebody changed it first.
        """
        async with self._database.writing() as connection:
            await check_version(connection, media, "media", media_id, version)
            change = update(media).where(media.c.id == media_id)
            await connection.execute(change.values(name=name, version=media.c.version + 1, updated_ms=self._now_ms()))
        return await self.get(media_id)

    async def remove(self, media_id: str, *, version: int | None) -> None:
        """Forget a media; its asset stays while releases name it, see `sync.origin.retention.cleaner`.

        Raises:
            NotFound: there is none of that id.
            StaleVersion: somebody changed it first.
            Conflict: playlists, campaigns or channels show it; they are named.
        """
        async with self._database.writing() as connection:
            await check_version(connection, media, "media", media_id, version)
            users = (await connection.execute(_users(media_id))).scalars().all()
            if users:
                raise Conflict("this media is in use: take it out there first", users=users)
            await connection.execute(delete(media).where(media.c.id == media_id))

    async def claim(self) -> MediaRow | None:
        """Take the oldest media whose turn it is into work, counting an attempt; None if nothing waits."""
        due = (media.c.state == MediaState.QUEUED, media.c.next_try_ms <= self._now_ms())
        oldest = select(media.c.id).where(*due).order_by(media.c.created_ms, media.c.id).limit(1)
        async with self._database.writing() as connection:
            media_id = (await connection.execute(oldest.with_for_update(skip_locked=True))).scalar()
            if media_id is None:
                return None
            await connection.execute(
                update(media)
                .where(media.c.id == media_id)
                .values(state=MediaState.PROCESSING, progress=0, attempts=media.c.attempts + 1, problem=None)
            )
        return await self.get(media_id)

    async def next_attempt_ms(self) -> int | None:
        """Return when the next queued media is due (Unix ms), None if nothing is queued."""
        soonest = select(media.c.next_try_ms).where(media.c.state == MediaState.QUEUED)
        async with self._database.reading() as connection:
            found = await connection.execute(soonest.order_by(media.c.next_try_ms).limit(1))
            return found.scalar()

    async def set_progress(self, media_id: str, percent: int) -> None:
        """Write down how far the work is; nothing if it is over."""
        await self._at_work(media_id, progress=percent)

    async def requeue(self, media_id: str, *, problem: str | None, wait_s: float, count: bool) -> None:
        """Put a media back into the queue for `wait_s` from now; `count=False` takes the attempt back."""
        attempts = media.c.attempts if count else media.c.attempts - 1
        next_try_ms = self._now_ms() + int(wait_s * 1000)
        await self._at_work(
            media_id, state=MediaState.QUEUED, attempts=attempts, problem=problem, next_try_ms=next_try_ms, progress=0
        )

    async def mark_failed(self, media_id: str, problem: str) -> None:
        """End the work without an asset; `problem` is what the person who sent it reads."""
        await self._at_work(media_id, state=MediaState.FAILED, problem=problem, progress=0)

    async def mark_ready(self, media_id: str, asset: Asset) -> bool:
        """End the work: the asset and the media naming it, in one transaction; False if the media is gone.

        Whoever holds the lock on the bytes may end it, even if another origin that just started queued it again.
        """
        values = asset.model_dump(exclude={"index"}) | {"index_sha256": asset.index, "created_ms": self._now_ms()}
        known = select(assets.c.sha256).where(assets.c.sha256 == asset.sha256)
        done = {"state": MediaState.READY, "progress": 100, "problem": None, "asset_sha256": asset.sha256}
        async with self._database.writing() as connection:
            if (await connection.execute(known)).scalar() is None:
                await connection.execute(insert(assets).values(**values))
            changed = await connection.execute(
                update(media)
                .where(media.c.id == media_id, media.c.state.in_((MediaState.QUEUED, MediaState.PROCESSING)))
                .values(**done, updated_ms=self._now_ms())
            )
        return changed.rowcount > 0

    async def retry(self, media_id: str) -> None:
        """Queue a failed media from the start.

        Raises:
            NotFound: there is none of that id.
            Conflict: it has not failed.
        """
        fresh = {"state": MediaState.QUEUED, "attempts": 0, "next_try_ms": 0, "problem": None, "progress": 0}
        failed = (media.c.id == media_id, media.c.state == MediaState.FAILED)
        async with self._database.writing() as connection:
            await check_version(connection, media, "media", media_id, None)
            done = await connection.execute(update(media).where(*failed).values(**fresh, updated_ms=self._now_ms()))
        if done.rowcount == 0:
            raise Conflict("only a media that failed can be tried again")

    async def _at_work(self, media_id: str, **values: Any) -> None:
        async with self._database.writing() as connection:
            await connection.execute(self._working(media_id).values(**values, updated_ms=self._now_ms()))

    def _working(self, media_id: str) -> Any:
        return update(media).where(media.c.id == media_id, media.c.state == MediaState.PROCESSING)

    async def _rows(self, query: Select[Any]) -> tuple[MediaRow, ...]:
        async with self._database.reading() as connection:
            return tuple(_media(row) for row in (await connection.execute(query)).mappings())

    def _now_ms(self) -> int:
        return unix_ms(self._clock.now())


def _query() -> Select[Any]:
    names = ("id", "name", "state", "progress", "attempts", "problem", "source_sha256", "source_bytes", "version")
    own = [media.c[name] for name in (*names, "created_ms", "updated_ms")]
    whole = media.outerjoin(assets, assets.c.sha256 == media.c.asset_sha256)
    whole = whole.outerjoin(streams, streams.c.media_id == media.c.id)
    return select(*own, streams.c.url, *_ASSET_COLUMNS).select_from(whole)


def _media(row: RowMapping) -> MediaRow:
    own = {name: row[name] for name in MediaRow.__dataclass_fields__ if name not in ("asset", "state")}
    asset = None
    if row["asset"] is not None:
        facts = {name: row[name] for name in Asset.model_fields if name not in ("sha256", "index")}
        asset = Asset(sha256=row["asset"], index=row["index_sha256"], **facts)
    return MediaRow(state=MediaState(row["state"]), asset=asset, **own)


def _users(media_id: str) -> Any:
    """Return the names of what shows a media: playlists, campaigns, channels with it as fallback or logo."""
    in_playlists = select(playlists.c.name).join(playlist_items, playlist_items.c.playlist_id == playlists.c.id)
    in_campaigns = select(campaigns.c.name).join(lines, lines.c.campaign_id == campaigns.c.id)
    in_creatives = in_campaigns.join(creatives, creatives.c.line_id == lines.c.id)
    return union(
        in_playlists.where(playlist_items.c.media_id == media_id),
        in_creatives.where(creatives.c.media_id == media_id),
        select(channels.c.id).where(channels.c.fallback_media_id == media_id),
        select(overlays.c.channel_id).where(overlays.c.media_id == media_id),
    )
