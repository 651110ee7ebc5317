"""The audit log: pages of entries, each with how the versions differ that it speaks of."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.audit.actor import Actor, ActorKind
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.audit.differences import PARTS, Difference, differences
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.lists import AUDIT
from sync.origin.persistence.pages import MOST_ROWS, Page, PageRequest, read_page
from sync.origin.store.audit.document_versions import bodies
from sync.origin.store.audit.record import record
from sync.origin.tables.audit import audit_entries
from sync.origin.tables.media import media

MOST_DIFFERENCES = 200
"""The most differences of one entry that are answered."""

_NAMES_AT_ONCE = 500

Bodies = Mapping[int, Mapping[str, Any]]
"""Versions of a document, by number."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What changed, when (Unix ms) and who did it; `differs`: how the versions differ, if that was asked for.

    These are the first differences, and `more` is how many others there are. It is None where there are no two versions
    to compare, or where one of them is not kept any more.
    """

    id: int
    at_ms: int
    actor: Actor
    change: AuditedChange
    differs: tuple[Difference, ...] | None = None
    more: int = 0


class AuditLog:
    """Reads entries, and adds those of what no store changes."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def add(self, change: AuditedChange) -> None:
        """Record what who acts has changed in files, such as keys."""
        async with self._database.writing() as connection:
            record(connection, change)

    async def all(self) -> Sequence[AuditedChange]:
        """Return all changes, the oldest first."""
        found, asked = list[AuditedChange](), PageRequest(MOST_ROWS)
        while True:
            page = await self.page(asked)
            found += (one.change for one in page.items)
            if page.next is None:
                return found[::-1]
            asked = replace(asked, cursor=page.next)

    async def version(self, kind: ThingKind, document: str, version: int) -> Mapping[str, Any] | None:
        """Return a version of a document as JSON, None if it is not kept."""
        async with self._database.reading() as connection:
            return (await bodies(connection, kind, document, [version])).get(version)

    async def page(self, asked: PageRequest) -> Page[AuditEntry]:
        """Return a page of all entries."""
        async with self._database.reading() as connection:
            return (await read_page(connection, AUDIT, select(audit_entries), asked)).of(_entry)

    async def history(self, kinds: Sequence[ThingKind], thing: str, asked: PageRequest) -> Page[AuditEntry]:
        """Return a page of the entries of one thing, with how its versions differ.

        Not of what had its id before it was made, as a channel can: somebody else may have made that.
        """
        own = audit_entries.c
        these = and_(own.kind.in_([kind.value for kind in kinds]), own.thing_id == thing)
        made = select(func.max(own.id)).where(these, own.action == Action.CREATED.value).correlate(None)
        these = and_(these, own.id >= func.coalesce(made.scalar_subquery(), 0))
        async with self._database.reading() as connection:
            page = (await read_page(connection, AUDIT, select(audit_entries), asked, these)).of(_entry)
            found = await _with_differences(connection, page.items)
        return replace(page, items=found)


async def _with_differences(connection: AsyncConnection, entries: Sequence[AuditEntry]) -> tuple[AuditEntry, ...]:
    compared: list[AuditEntry] = []
    kept: Bodies = {}
    for entry in entries:  # those of one thing, whose versions may be long: never more than two in memory
        kept = await _versions_of(connection, entry.change, kept)
        compared.append(await asyncio.to_thread(_compared, entry, kept) if kept else entry)
    shown = {one.media for entry in compared for one in entry.differs or () if not one.name}
    names = await _media_names(connection, shown)
    return tuple(_named(entry, names) for entry in compared)


async def _versions_of(connection: AsyncConnection, change: AuditedChange, known: Bodies) -> Bodies:
    """Return the versions before and after a change, as far as they are kept; `known` are those of the last one."""
    if change.kind not in PARTS or change.version_before is None or change.version_after is None:
        return known
    wanted = (change.version_before, change.version_after)
    found = {version: known[version] for version in wanted if version in known}
    missing = [version for version in wanted if version not in found]
    return {**found, **await bodies(connection, change.kind, change.id, missing)}


def _compared(entry: AuditEntry, kept: Bodies) -> AuditEntry:
    change = entry.change
    before, after = (kept.get(version or 0) for version in (change.version_before, change.version_after))
    if before is None or after is None:
        return entry
    found = differences(change.kind, before, after)
    return replace(entry, differs=found[:MOST_DIFFERENCES], more=max(0, len(found) - MOST_DIFFERENCES))


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
