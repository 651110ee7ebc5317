"""The table of versions: what each playlist, schedule and campaign was, so that changes can be seen and taken back.

A version is the draft of the document with the ids that its parts got, as it could be sent again.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json
from sqlalchemy import ColumnElement, Connection, Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.audit.actor import ORIGIN, current_actor
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase, do_last, insertion
from sync.origin.store.audit.record import record
from sync.origin.tables.audit import document_versions
from sync.origin.tables.plans import campaigns, channels, playlists
from sync.wire.canonical_json import canonical_json

TABLES: Mapping[ThingKind, Table] = {
    ThingKind.PLAYLIST: playlists,
    ThingKind.SCHEDULE: channels,
    ThingKind.CAMPAIGN: campaigns,
}
"""The tables of the documents of which versions are kept."""

_NOT_KEPT = {"warnings", "warnings_told"}  # of the answer to one change
_AT_ONCE = 50  # documents of an earlier version that are read together


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """A document of which a version is kept; `draft` is the part of `stored` that a person sends."""

    kind: ThingKind
    id: str
    name: str
    version: int
    stored: BaseModel
    draft: type[BaseModel]

    def body(self) -> Mapping[str, Any]:
        """Return the version as JSON."""
        return body_of(self.stored, self.draft)


def body_of(stored: BaseModel, draft: type[BaseModel]) -> Mapping[str, Any]:
    """Return of a stored document, as JSON, what a person sends: what a version of it has."""
    return stored.model_dump(mode="json", include=set(draft.model_fields) - _NOT_KEPT)


async def keep_version(connection: AsyncConnection, document: KeptDocument, action: Action) -> None:
    """Keep a new version of a document and record who made it, in the caller's transaction."""
    packed, actor = await asyncio.to_thread(_pack, document), current_actor()
    values = {"kind": document.kind.value, "document_id": document.id, "version": document.version, "body": packed}
    values |= {"actor_kind": actor.kind.value, "actor_id": actor.id, "actor_name": actor.name}

    def write(plain: Connection, now_ms: int) -> None:
        plain.execute(insert(document_versions).values(**values, at_ms=now_ms))

    do_last(connection, write)
    before = None if action is Action.CREATED else document.version - 1
    record(connection, AuditedChange(document.kind, document.id, document.name, action, before, document.version))


async def first_version(connection: AsyncConnection, kind: ThingKind, document_id: str) -> int:
    """Return the version with which a document begins: 1, or a later one where an earlier document had this id.

    One number between both is left out: by that it is known where the earlier one ends.
    """
    of_it = (document_versions.c.kind == kind.value, document_versions.c.document_id == document_id)
    last = await connection.scalar(select(func.max(document_versions.c.version)).where(*of_it))
    return 1 if last is None else int(last) + 2


class DocumentVersions:
    """Reads versions of documents."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def body(self, kind: ThingKind, document_id: str, version: int, *, now: int) -> Mapping[str, Any] | None:
        """Return a version as JSON that the draft of its kind takes; `now` is the present one.

        None if it is not kept (any more), or one after it is not: it may be of an earlier document of this id.
        """
        columns = document_versions.c
        later = (columns.kind == kind.value, columns.document_id == document_id, columns.version.between(version, now))
        async with self._database.reading() as connection:
            if await connection.scalar(select(func.count()).where(*later)) != now - version + 1:
                return None
            return (await bodies(connection, kind, document_id, [version])).get(version)

    async def bodies(
        self, kind: ThingKind, document_id: str, versions: Sequence[int]
    ) -> Mapping[int, Mapping[str, Any]]:
        """Return those of these versions that are kept, by number."""
        async with self._database.reading() as connection:
            return await bodies(connection, kind, document_id, versions)


async def bodies(
    connection: AsyncConnection, kind: ThingKind, document_id: str, versions: Sequence[int]
) -> Mapping[int, Mapping[str, Any]]:
    """Do the same inside the caller's transaction."""
    columns = document_versions.c
    here = (columns.kind == kind.value, columns.document_id == document_id, columns.version.in_(versions))
    rows = (await connection.execute(select(columns.version, columns.body).where(*here))).all()
    return await asyncio.to_thread(lambda: {row.version: _unpack(row.body) for row in rows})


async def keep_missing_versions(
    database: OriginDatabase,
    kind: ThingKind,
    table: Table,
    load: Callable[[AsyncConnection, ColumnElement[bool]], Awaitable[Sequence[KeptDocument]]],
) -> None:
    """Keep the present version of each document of `table` that an earlier version of this program stored."""
    columns = document_versions.c
    kept = select(columns.version).where(
        columns.kind == kind.value, columns.document_id == table.c.id, columns.version == table.c.version
    )
    async with database.reading() as connection:
        ids = (await connection.scalars(select(table.c.id).where(~kept.exists()))).all()
    for start in range(0, len(ids), _AT_ONCE):
        async with database.writing() as connection:
            documents = await load(connection, table.c.id.in_(ids[start : start + _AT_ONCE]))
            rows = await asyncio.to_thread(lambda found: [_row(one) for one in found], documents)
            if rows:
                added = insertion(document_versions, connection.dialect.name).on_conflict_do_nothing()
                await connection.execute(added, rows)


def _row(document: KeptDocument) -> dict[str, Any]:
    """Return the row of a version that nobody is known to have made, nor when."""
    values = {"kind": document.kind.value, "document_id": document.id, "version": document.version, "at_ms": 0}
    by = {"actor_kind": ORIGIN.kind.value, "actor_id": ORIGIN.id, "actor_name": ORIGIN.name}
    return {**values, **by, "body": _pack(document)}


def _pack(document: KeptDocument) -> bytes:
    return zlib.compress(canonical_json(document.body()))


def _unpack(body: bytes) -> Mapping[str, Any]:
    found: Mapping[str, Any] = from_json(zlib.decompress(body))
    return found
