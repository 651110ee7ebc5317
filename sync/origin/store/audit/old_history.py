"""Removes entries of the audit log and versions of documents that are old, a slice at a time."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, func, or_, select, tuple_

from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.audit.document_versions import TABLES
from sync.origin.store.audit.record import record
from sync.origin.tables.audit import audit_entries, document_versions
from sync.origin.tables.plans import reviews
from sync.runtime.clock import instant

SLICE = 500
"""Rows of one transaction, so that others change something in between."""


class OldHistoryStore:
    """Removes what is old."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def note_cut(self, before_ms: int) -> int:
        """Return how many entries are older than an instant (Unix ms); if there are any, record that they go."""
        old = select(func.count()).select_from(audit_entries).where(audit_entries.c.at_ms < before_ms)

        def work(connection: Connection) -> int:
            count = int(connection.scalar(old) or 0)
            if count:
                cut = {"until": instant(before_ms).isoformat(), "entries": count}
                record(connection, AuditedChange(ThingKind.LOG, "audit", "audit", Action.REMOVED, before=cut))
            return count

        return await self._database.write(work)

    async def remove_entries(self, before_ms: int) -> int:
        """Remove a slice of the entries before an instant, the oldest first; return how many."""
        old = select(audit_entries.c.id).where(audit_entries.c.at_ms < before_ms).order_by(audit_entries.c.at_ms)
        gone = delete(audit_entries).where(audit_entries.c.id.in_(old.limit(SLICE)))
        return await self._database.write(lambda connection: connection.execute(gone).rowcount)

    async def remove_versions(self, before_ms: int) -> int:
        """Remove a slice of the versions that were followed by another one before an instant; return how many.

        The newest one of each document stays, its ready one, and each that a review is about. Of a playlist or campaign
        that is gone none stays; a channel may get its name again, and counts on.
        """
        key = tuple_(*document_versions.primary_key.columns)
        gone = delete(document_versions).where(key.in_(_old(before_ms).limit(SLICE)))
        return await self._database.write(lambda connection: connection.execute(gone).rowcount)


def _old(before_ms: int) -> Select[Any]:
    own, later, about = document_versions.alias("own").c, document_versions.alias("later").c, reviews.c
    same = (later.kind == own.kind, later.document_id == own.document_id, later.version > own.version)
    is_followed = exists().where(*same, later.at_ms < before_ms)
    seen = (about.kind == own.kind, about.document_id == own.document_id, about.version == own.version)
    is_needed = or_(exists().where(*seen), *_ready(own))
    is_gone = and_(own.at_ms < before_ms, ~exists().where(*same), or_(*_removed(own)))
    return select(own.kind, own.document_id, own.version).where(or_(and_(is_followed, ~is_needed), is_gone))


def _ready(own: Any) -> Iterator[ColumnElement[bool]]:
    for kind, table in TABLES.items():
        is_ready = exists().where(table.c.id == own.document_id, table.c.ready_version == own.version)
        yield and_(own.kind == kind.value, is_ready)


def _removed(own: Any) -> Iterator[ColumnElement[bool]]:
    for kind, table in TABLES.items():
        if kind is not ThingKind.SCHEDULE:
            yield and_(own.kind == kind.value, ~exists().where(table.c.id == own.document_id))
