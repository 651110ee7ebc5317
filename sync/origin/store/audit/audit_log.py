"""Reads the audit log: pages of entries, each with how the versions differ that it speaks of."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.audit.actor import Actor, ActorKind
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.audit.differences import PARTS, Difference, differences
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.lists import AUDIT
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.store.audit.document_versions import bodies
from sync.origin.tables.audit import audit_entries
from sync.origin.tables.media import media

_NAMES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What changed, when (Unix ms) and who did it; `differs`: how the versions differ, if that was asked for.

    It is None where there are no two versions to compare, or where one of them is not kept any more.
    """

    id: int
    at_ms: int
    actor: Actor
    change: AuditedChange
    differs: tuple[Difference, ...] | None = None


class AuditLog:
    """Reads entries."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def page(self, asked: PageRequest) -> Page[AuditEntry]:
        """Return a page of all entries."""
        async with self._database.reading() as connection:
            return (await read_page(connection, AUDIT, select(audit_entries), asked)).of(_entry)

    async def history(self, kinds: Sequence[ThingKind], thing: str, asked: PageRequest) -> Page[AuditEntry]:
        """Return a page of the entries of one thing, with how its versions differ."""
        own = audit_entries.c
        these = and_(own.kind.in_([kind.value for kind in kinds]), own.thing_id == thing)
        async with self._database.reading() as connection:
            page = (await read_page(connection, AUDIT, select(audit_entries), asked, these)).of(_entry)
            found = await _with_differences(connection, page.items)
        return replace(page, items=found)


async def _with_differences(connection: AsyncConnection, entries: Sequence[AuditEntry]) -> tuple[AuditEntry, ...]:
    changes = [one.change for one in entries if one.change.kind in PARTS]
    kept: dict[tuple[ThingKind, str], Mapping[int, Mapping[str, Any]]] = {}
    for kind, thing in {(one.kind, one.id) for one in changes}:
        of_it = [one for one in changes if (one.kind, one.id) == (kind, thing)]
        versions = {version for one in of_it for version in (one.version_before, one.version_after) if version}
        kept[kind, thing] = await bodies(connection, kind, thing, sorted(versions))
    compared = await asyncio.to_thread(lambda: [_compared(one, kept) for one in entries])
    shown = {one.media for entry in compared for one in entry.differs or () if not one.name}
    names = await _media_names(connection, shown)
    return tuple(_named(entry, names) for entry in compared)


def _compared(entry: AuditEntry, kept: Mapping[tuple[ThingKind, str], Mapping[int, Mapping[str, Any]]]) -> AuditEntry:
    change = entry.change
    of_it = kept.get((change.kind, change.id), {})
    before, after = (of_it.get(version or 0) for version in (change.version_before, change.version_after))
    if before is None or after is None:
        return entry
    return replace(entry, differs=differences(change.kind, before, after))


def _named(entry: AuditEntry, names: Mapping[str, str]) -> AuditEntry:
    if not entry.differs:
        return entry
    named = (one if one.name else replace(one, name=names.get(one.media, "")) for one in entry.differs)
    return replace(entry, differs=tuple(named))


async def _media_names(connection: AsyncConnection, ids: Iterable[str]) -> Mapping[str, str]:
    """Return the names of media, also of those that were removed."""
    wanted, found = sorted(set(ids) - {""}), dict[str, str]()
    own = audit_entries.c
    for start in range(0, len(wanted), _NAMES_AT_ONCE):
        batch = wanted[start : start + _NAMES_AT_ONCE]
        gone = and_(own.kind == ThingKind.MEDIA.value, own.action == Action.REMOVED.value, own.thing_id.in_(batch))
        for query in (
            select(own.thing_id, own.name).where(gone),
            select(media.c.id, media.c.name).where(media.c.id.in_(batch)),
        ):
            found.update((id, name) for id, name in await connection.execute(query))
    return found


def _entry(row: Row[Any]) -> AuditEntry:
    change = AuditedChange(
        ThingKind(row.kind),
        row.thing_id,
        row.name,
        Action(row.action),
        row.version_before,
        row.version_after,
        row.before,
        row.after,
    )
    actor = Actor(ActorKind(row.actor_kind), row.actor_id, row.actor_name, row.address)
    return AuditEntry(row.id, row.at_ms, actor, change)
