"""The version of a playlist, schedule or campaign that goes out with the next release: its last ready one.

What is saved by who may publish it is ready at once, unless it is to be kept as a draft. So one person alone never has
a draft. Whether drafts are kept belongs to the task, as the rights do, which the guard sets for each request.
"""

import asyncio
import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import NotFound, StaleVersion
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.store.audit.document_versions import TABLES, bodies
from sync.origin.store.audit.record import record
from sync.origin.store.spaces.caller_rights import caller_rights
from sync.origin.store.spaces.visible_rows import (
    changeable,
    check_everywhere,
    check_role,
    check_shown_in,
    named_users,
    seen,
)
from sync.origin.tables.audit import document_versions
from sync.origin.tables.plans import channels, dayparts
from sync.roles import Role

TakenDrafts = Mapping[tuple[ThingKind, str], int]
"""Drafts that a release takes along: which version of each document."""

_KEEPS_DRAFTS: ContextVar[bool] = ContextVar("keeps drafts", default=False)


def keep_drafts(wanted: bool) -> None:
    """Have what this task saves from now on be a draft, or be ready where who acts may publish it."""
    _KEEPS_DRAFTS.set(wanted)


@contextmanager
def left_as_they_are(version: int, ready_version: int | None) -> Iterator[None]:
    """Have a document with a draft keep it, though who acts may publish: nobody has looked at what else is in it."""
    token = _KEEPS_DRAFTS.set(_KEEPS_DRAFTS.get() or ready_version != version)
    try:
        yield
    finally:
        _KEEPS_DRAFTS.reset(token)


async def mark_saved(connection: AsyncConnection, kind: ThingKind, document: str) -> None:
    """Have the present version of a document be its ready one, unless it is a draft; in the caller's transaction."""
    table = TABLES[kind]
    if not _KEEPS_DRAFTS.get():
        these = (table.c.id == document, changeable(table, Role.PUBLISHER))
        await connection.execute(update(table).where(*these).values(ready_version=table.c.version))


async def mark_ready(connection: AsyncConnection, kind: ThingKind, document: str, version: int | None) -> int:
    """Have a version of a document be its ready one (None: the present one); return it.

    Raises:
        NotFound: there is no such document.
        Forbidden: one may not publish it, or it would show in channels which one may not change.
        StaleVersion: this is not its present version.
    """
    row = await _lock_to_publish(connection, kind, document)
    if version not in (None, row["version"]):
        raise StaleVersion(f"this {kind} was changed since: read it again", current=row["version"])
    if row["ready_version"] != row["version"]:
        await _check_where_it_shows(connection, kind, row, row["version"])
        await _mark(connection, kind, row, row["version"])
    return int(row["version"])


async def present_drafts(
    connection: AsyncConnection, documents: Iterable[tuple[ThingKind, str]], role: Role
) -> TakenDrafts:
    """Return the present version of each of these documents, so that a release takes them along.

    Raises:
        NotFound: there is no such document, or it lies where one does not have this role.
    """
    found = dict[tuple[ThingKind, str], int]()
    for kind, document in documents:
        table = TABLES[kind]
        query = select(table.c.version).where(table.c.id == document, changeable(table, role))
        version = (await connection.execute(query)).scalar()
        if version is None:
            allowed = "publish" if role is Role.PUBLISHER else "see"
            raise NotFound(f"there is no {kind} {document} that you may {allowed}")
        found[kind, document] = version
    return found


async def mark_version_ready(connection: AsyncConnection, kind: ThingKind, document: str, version: int) -> None:
    """Have a version be the ready one though there are newer ones; where a newer one is ready, that stays.

    Raises:
        NotFound: there is no such document.
        Forbidden: one may not publish it, or it would show in channels which one may not change.
    """
    row = await _lock_to_publish(connection, kind, document)
    if (row["ready_version"] or 0) < version:
        await _check_where_it_shows(connection, kind, row, version)
        await _mark(connection, kind, row, version)


async def _lock_to_publish(connection: AsyncConnection, kind: ThingKind, document: str) -> RowMapping:
    table = TABLES[kind]
    query = select(table, seen(table).label("is_seen")).where(table.c.id == document).with_for_update()
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound(f"there is no {kind} {document}")
    check_role(kind, document, row["space_id"], Role.PUBLISHER, is_seen=row["is_seen"])
    return row


async def _check_where_it_shows(connection: AsyncConnection, kind: ThingKind, row: RowMapping, version: int) -> None:
    """Refuse what would show in channels for which one is no editor, of a playlist or campaign."""
    if caller_rights().spaces(Role.EDITOR) is None or kind is ThingKind.SCHEDULE:
        return
    if kind is ThingKind.PLAYLIST:
        ready = await shown_elsewhere(connection, row["id"])
        await check_shown_in(connection, "this playlist", shows_playlist(row["id"]) | channels.c.id.in_(ready))
        return
    body = (await bodies(connection, kind, row["id"], [version])).get(version, {"channel": row["channel_id"]})
    check_everywhere(body["channel"])
    await check_shown_in(connection, "this campaign", channels.c.id == body["channel"])


async def _mark(connection: AsyncConnection, kind: ThingKind, row: RowMapping, version: int) -> None:
    table = TABLES[kind]
    await connection.execute(update(table).where(table.c.id == row["id"]).values(ready_version=version))
    before, after = {"ready_version": row["ready_version"]}, {"ready_version": version}
    name = row["id"] if kind is ThingKind.SCHEDULE else row["name"]
    record(connection, AuditedChange(kind, row["id"], name, Action.CHANGED, before=before, after=after))


def with_draft(table: Table) -> Any:
    """Return the condition of the documents with a draft beside their ready version, or without a ready one."""
    return table.c.ready_version.is_distinct_from(table.c.version)


async def ready_users(connection: AsyncConnection, used: Collection[str], space: str | None = None) -> list[str]:
    """Return the names of documents whose ready version uses one of these media or playlists; their draft may not.

    Of all, or of those in this space. What one may not see is told without its name.
    """
    found: list[tuple[str, bool]] = []
    for kind, table in TABLES.items():
        name = table.c.id if kind is ThingKind.SCHEDULE else table.c.name
        query = _ready_bodies(kind, table, name)
        rows = (await connection.execute(query if space is None else query.where(table.c.space_id == space))).all()
        found += await asyncio.to_thread(lambda rows: list(_using(used, rows)), rows)
    return named_users(found, "plan")


async def ready_uses(connection: AsyncConnection) -> list[tuple[str, str, frozenset[str]]]:
    """Return what ready versions use beside which there is a draft: the user (`kind/id`), its space, and ids."""
    found: list[tuple[str, str, frozenset[str]]] = []
    for kind, table in TABLES.items():
        query = _ready_bodies(kind, table, table.c.id).add_columns(table.c.space_id)
        for id, _, packed, space in (await connection.execute(query)).all():
            used = await asyncio.to_thread(_used_in, packed)
            found.append((f"{table.name}/{id}", space, used))
    return found


def _used_in(packed: bytes) -> frozenset[str]:
    """Return the ids of the media and playlists that a version names."""
    found: set[str] = set()
    todo: list[Any] = [json.loads(zlib.decompress(packed))]
    while todo:
        match todo.pop():
            case dict() as part:
                found |= {part[name] for name in _USING_FIELDS if isinstance(part.get(name), str)}
                todo += part.values()
            case list() as parts:
                todo += parts
    return frozenset(found)


_USING_FIELDS = ("media", "playlist", "default_playlist", "fallback")


def shows_playlist(playlist: str) -> ColumnElement[bool]:
    """Return the condition of the channels whose newest schedule plays a playlist at some time."""
    at_times = select(dayparts.c.channel_id).where(dayparts.c.playlist_id == playlist)
    return or_(channels.c.default_playlist_id == playlist, channels.c.id.in_(at_times))


async def shown_elsewhere(connection: AsyncConnection, playlist: str) -> list[str]:
    """Return the channels whose ready schedule uses a playlist, of those for which one is no editor."""
    if caller_rights().spaces(Role.EDITOR) is None:
        return []
    query = _ready_bodies(ThingKind.SCHEDULE, channels, channels.c.id).where(~changeable(channels))
    rows = (await connection.execute(query)).all()
    return [name for name, _ in await asyncio.to_thread(lambda: list(_using([playlist], rows)))]


def _ready_bodies(kind: ThingKind, table: Table, name: Any) -> Select[Any]:
    own = document_versions.c
    ready = (own.kind == kind.value, own.document_id == table.c.id, own.version == table.c.ready_version)
    return select(name, seen(table), own.body).where(*ready, with_draft(table))


def _using(used: Collection[str], rows: Iterable[Sequence[Any]]) -> Iterator[tuple[str, bool]]:
    sought = [f'"{one}"'.encode() for one in used]
    for name, is_seen, packed in rows:
        body = zlib.decompress(packed)
        if any(one in body for one in sought):
            yield name, bool(is_seen)
