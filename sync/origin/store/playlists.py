"""The tables of playlists: each is replaced with its items in one transaction and read with them in one query."""

import asyncio
from collections.abc import Iterable
from typing import Any

from pydantic import Field
from sqlalchemy import ColumnElement, Select, and_, case, delete, func, insert, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, NotFound
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.deadlocks import again_if_deadlocked
from sync.origin.persistence.lists import PLAYLISTS, named
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.planning.file_names import same_name
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem, StoredPlaylist
from sync.origin.store.audit.document_versions import KeptDocument, keep_missing_versions, keep_version
from sync.origin.store.audit.record import record
from sync.origin.store.drafts.ready_versions import mark_saved, ready_users, shown_elsewhere, shows_playlist
from sync.origin.store.item_rows import write_items
from sync.origin.store.row_checks import (
    FACT_COLUMNS,
    check_ids_free,
    check_media,
    check_version,
    join_media_facts,
    media_fact,
    new_id,
    title_columns,
    update_versioned,
)
from sync.origin.store.spaces.visible_rows import check_shown_in, named_users, seen, shown_space, space_for_new
from sync.origin.tables.media import assets, media, streams
from sync.origin.tables.plans import channels, dayparts, playlist_items, playlists
from sync.roles import DEFAULT_SPACE
from sync.runtime.clock import Clock, instant, unix_ms
from sync.wire.value_types import Identifier, Instant, Wire, is_none

MOST_PICTURES = 4
"""Media whose pictures stand for a playlist in a list."""
_PICTURE_MS = 10_000  # how long a picture is shown if its item does not say (`release_compiler.PICTURE_MS`)


class PlaylistSummary(Wire):
    """A playlist with the number of its items.

    `length_ms`: how long one round takes, without ads and whatever the times of its items; null: a stream in it has no
    end, or a media is not ready. `channels` (those that one may see) show it at some time, by the newest version of
    their schedules. `media`: the first ones that have a picture.
    """

    id: str
    name: str
    version: int
    ready_version: int | None = None
    updated_at: Instant
    items: int
    length_ms: int | None = None
    channels: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    space: Identifier | None = Field(None, exclude_if=is_none)


class PlaylistStore:
    """Stores playlists."""

    def __init__(self, database: OriginDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def page(self, asked: PageRequest) -> Page[PlaylistSummary]:
        """Return a page of playlists."""
        count = select(func.count()).where(playlist_items.c.playlist_id == playlists.c.id).scalar_subquery()
        async with self._database.reading() as connection:
            found = await read_page(
                connection, PLAYLISTS, select(playlists, count.label("count")), asked, seen(playlists)
            )
            more = await _overviews(connection, [row.id for row in found.items])
        return found.of(lambda row: _summary(row._mapping).model_copy(update=more[row.id]))

    async def get(self, playlist_id: str) -> StoredPlaylist:
        """Return a playlist with its items; raise NotFound if no playlist that one may see has this id."""
        async with self._database.reading() as connection:
            return await _get_playlist(connection, playlist_id, seen(playlists))

    async def find_by_name(self, name: str, space: str = DEFAULT_SPACE) -> StoredPlaylist | None:
        """Return the playlist with this name that lies in a space, in whichever form of Unicode; None: there is none.

        Raises:
            Conflict: several playlists have this name.
        """
        query = select(playlists.c.id, playlists.c.name).where(playlists.c.space_id == space)
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
            ids = [row.id for row in rows if same_name(row.name) == same_name(name)]
            found = await load_playlists(connection, playlists.c.id.in_(ids))
        if len(found) > 1:
            raise Conflict(
                f"several playlists have the name {name}: give each its own name", users=[p.id for p in found]
            )
        return found[0] if found else None

    @again_if_deadlocked
    async def create(self, draft: PlaylistDraft, space: str | None = None) -> StoredPlaylist:
        """Add a playlist, in this space; None: in the one where one may.

        Raises:
            Rejected: the media of an item is unknown or has failed, or the id of an item is taken, or the space is not
                known.
            Forbidden: one may not add any there.
        """
        playlist_id = new_id()
        async with self._database.writing() as connection:
            lies_in = await space_for_new(connection, space)
            values = {**named(draft.name), "updated_ms": self._now_ms(), "space_id": lies_in}
            await connection.execute(insert(playlists).values(id=playlist_id, version=1, **values))
            await _write_items(connection, playlist_id, draft.items, lies_in)
            return await _kept(connection, playlist_id, Action.CREATED)

    @again_if_deadlocked
    async def replace(self, playlist_id: str, draft: PlaylistDraft, *, version: int) -> StoredPlaylist:
        """Replace name and items together; items that are sent with an id keep it.

        Raises:
            NotFound: no playlist has this id.
            Forbidden: one may not change it, or it shows in channels which one may not change.
            StaleVersion: somebody else changed it first.
            Rejected: the media of an item is unknown or has failed, or the id of an item is taken.
        """
        async with self._database.writing() as connection:
            return await self.replace_in(connection, playlist_id, draft, version=version)

    async def replace_in(
        self, connection: AsyncConnection, playlist_id: str, draft: PlaylistDraft, *, version: int
    ) -> StoredPlaylist:
        """Do the same inside the caller's transaction."""
        values = {**named(draft.name), "updated_ms": self._now_ms()}
        space = await update_versioned(connection, playlists, "playlist", playlist_id, version, values)
        used_by, ready = shows_playlist(playlist_id), await shown_elsewhere(connection, playlist_id)
        await check_shown_in(connection, "this playlist", used_by | channels.c.id.in_(ready))
        await _write_items(connection, playlist_id, draft.items, space)
        return await _kept(connection, playlist_id, Action.CHANGED)

    @again_if_deadlocked
    async def remove(self, playlist_id: str, *, version: int | None) -> None:
        """Delete a playlist and its items; `version`, if not None, must be the present one.

        Raises:
            NotFound: no playlist has this id.
            StaleVersion: somebody else changed it first.
            Conflict: channels use it; they are named.
        """
        async with self._database.writing() as connection:
            await check_version(connection, playlists, "playlist", playlist_id, version)
            using = await connection.execute(select(channels.c.id, seen(channels)).where(shows_playlist(playlist_id)))
            users = sorted({*named_users(map(tuple, using)), *await ready_users(connection, [playlist_id])})
            if users:
                raise Conflict("this playlist is in use: remove it from these channels first", users=users)
            gone = (
                delete(playlists).where(playlists.c.id == playlist_id).returning(playlists.c.name, playlists.c.version)
            )
            name, last = (await connection.execute(gone)).one()
            change = AuditedChange(ThingKind.PLAYLIST, playlist_id, name, Action.REMOVED, version_before=last)
            record(connection, change)

    async def keep_missing_versions(self) -> None:
        """Keep the present version of each playlist that an earlier version of this program stored."""

        async def load(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[KeptDocument]:
            return [_document(one) for one in await load_playlists(connection, condition)]

        await keep_missing_versions(self._database, ThingKind.PLAYLIST, playlists, load)

    def _now_ms(self) -> int:
        return unix_ms(self._clock.now())


def _document(stored: StoredPlaylist) -> KeptDocument:
    return KeptDocument(ThingKind.PLAYLIST, stored.id, stored.name, stored.version, stored, PlaylistDraft)


async def _kept(connection: AsyncConnection, playlist_id: str, action: Action) -> StoredPlaylist:
    await mark_saved(connection, ThingKind.PLAYLIST, playlist_id)
    stored = await _get_playlist(connection, playlist_id)
    await keep_version(connection, _document(stored), action)
    return stored


async def load_playlists(connection: AsyncConnection, condition: ColumnElement[bool]) -> tuple[StoredPlaylist, ...]:
    """Return the playlists that match, with their items and the facts about their media, by id."""
    rows = await connection.execute(_query().where(condition))
    return await asyncio.to_thread(_playlists, rows.mappings())  # 10,000 items take a fifth of a second


def _playlists(rows: Iterable[RowMapping]) -> tuple[StoredPlaylist, ...]:
    rows_by_id: dict[str, list[RowMapping]] = {}
    for row in rows:
        rows_by_id.setdefault(row["id"], []).append(row)
    return tuple(_playlist(one) for one in rows_by_id.values())


def _query() -> Select[Any]:
    item_columns = [column.label(f"item_{name}") for name, column in playlist_items.c.items()]
    with_items = playlists.outerjoin(playlist_items, playlist_items.c.playlist_id == playlists.c.id)
    with_media = with_items.outerjoin(media, media.c.id == playlist_items.c.media_id)
    query = select(playlists, *item_columns, *FACT_COLUMNS).select_from(join_media_facts(with_media))
    return query.order_by(playlists.c.id, playlist_items.c.position)


def _playlist(rows: list[RowMapping]) -> StoredPlaylist:
    item_rows = [row for row in rows if row["item_id"] is not None]  # a playlist without items has one row without
    facts = {row["media_id"]: row for row in item_rows}
    return StoredPlaylist(
        id=rows[0]["id"],
        name=rows[0]["name"],
        version=rows[0]["version"],
        ready_version=rows[0]["ready_version"],
        updated_at=instant(rows[0]["updated_ms"]),
        items=tuple(_item(row) for row in item_rows),
        media={media_id: media_fact(row) for media_id, row in facts.items()},
        space=shown_space(rows[0]["space_id"]),
    )


_ITEM_FIELDS = tuple(PlaylistItem.model_fields.keys() - {"media", "title", "starts_at", "ends_at"})


def _item(row: RowMapping) -> PlaylistItem:
    return PlaylistItem(
        media=row["media_id"],
        title=row["item_title"] if row["item_own_title"] else None,
        starts_at=None if row["item_starts_ms"] is None else instant(row["item_starts_ms"]),
        ends_at=None if row["item_ends_ms"] is None else instant(row["item_ends_ms"]),
        **{name: row[f"item_{name}"] for name in _ITEM_FIELDS},
    )


def _summary(row: RowMapping) -> PlaylistSummary:
    values = {name: row[name] for name in ("id", "name", "version", "ready_version")}
    space = shown_space(row["space_id"])
    return PlaylistSummary(updated_at=instant(row["updated_ms"]), items=row["count"], space=space, **values)


async def _overviews(connection: AsyncConnection, ids: list[str]) -> dict[str, dict[str, Any]]:
    """Return of each of these playlists how long it is, where it shows, and its first media."""
    lengths = await connection.execute(_LENGTHS.where(playlist_items.c.playlist_id.in_(ids)))
    found: dict[str, dict[str, Any]] = {id: {"length_ms": 0} for id in ids}
    found |= {row.id: {"length_ms": None if row.unknown else int(row.length_ms)} for row in lengths}
    default = select(channels.c.default_playlist_id, channels.c.id).where(
        channels.c.default_playlist_id.in_(ids), seen(channels)
    )
    at_times = select(dayparts.c.playlist_id, channels.c.id).join(channels, dayparts.c.channel_id == channels.c.id)
    at_times = at_times.where(dayparts.c.playlist_id.in_(ids), seen(channels))
    for id, channel in sorted(map(tuple, await connection.execute(default.union(at_times)))):
        found[id]["channels"] = (*found[id].get("channels", ()), channel)
    for id, medium in await connection.execute(_first_media(ids)):
        found[id]["media"] = (*found[id].get("media", ()), medium)
    return found


def _length() -> ColumnElement[Any]:
    own, whole = playlist_items.c.duration_ms, assets.c.duration_ms
    film = case((playlist_items.c.loop & own.is_not(None), own), (own < whole, own), else_=whole)
    picture = func.coalesce(own, _PICTURE_MS)
    by_kind = case((assets.c.kind == "video", film), (assets.c.kind == "picture", picture), else_=None)
    return case((streams.c.media_id.is_not(None), own), else_=by_kind)


_LENGTHS = (
    select(
        playlist_items.c.playlist_id.label("id"),
        func.sum(_length()).label("length_ms"),
        func.max(case((_length().is_(None), 1), else_=0)).label("unknown"),
    )
    .select_from(join_media_facts(playlist_items.join(media, media.c.id == playlist_items.c.media_id)))
    .group_by(playlist_items.c.playlist_id)
)


def _first_media(ids: list[str]) -> Select[Any]:
    place = func.row_number().over(partition_by=playlist_items.c.playlist_id, order_by=playlist_items.c.position)
    own = select(playlist_items.c.playlist_id, playlist_items.c.media_id, place.label("place"))
    streamed = select(streams.c.media_id).where(streams.c.media_id == playlist_items.c.media_id).exists()
    first = own.where(playlist_items.c.playlist_id.in_(ids), ~streamed).subquery()
    query = select(first.c.playlist_id, first.c.media_id).where(first.c.place <= MOST_PICTURES)
    return query.order_by(first.c.playlist_id, first.c.place)


async def _get_playlist(connection: AsyncConnection, playlist_id: str, *these: ColumnElement[bool]) -> StoredPlaylist:
    found = await load_playlists(connection, and_(playlists.c.id == playlist_id, *these))
    if not found:
        raise NotFound(f"there is no playlist {playlist_id}")
    return found[0]


async def _write_items(
    connection: AsyncConnection, playlist_id: str, items: Iterable[PlaylistItem], space: str
) -> None:
    numbered = list(enumerate(items))
    names = await check_media(connection, [(f"items.{number}.media", item.media) for number, item in numbered], space)
    sent_ids = [(f"items.{number}.id", item.id) for number, item in numbered if item.id is not None]
    await check_ids_free(connection, playlist_items, playlist_items.c.playlist_id != playlist_id, sent_ids)
    rows = await asyncio.to_thread(
        lambda: [_row(playlist_id, number, item, names[item.media]) for number, item in numbered]
    )
    await write_items(connection, playlist_id, rows)


def _row(playlist_id: str, position: int, item: PlaylistItem, media_name: str) -> dict[str, Any]:
    return item.model_dump(mode="json", include=set(_ITEM_FIELDS)) | {
        "id": item.id or new_id(),
        "playlist_id": playlist_id,
        "position": position,
        "media_id": item.media,
        **title_columns(item.title, media_name),
        "starts_ms": None if item.starts_at is None else unix_ms(item.starts_at),
        "ends_ms": None if item.ends_at is None else unix_ms(item.ends_at),
    }
