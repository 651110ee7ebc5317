"""What others changed of a thing since somebody saw it, by the audit log; and what that leaves of one's own change."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Clash, StaleVersion
from sync.origin.audit.changes import ThingKind
from sync.origin.tables.audit import audit_entries

Changed = Mapping[str, tuple[Any, Any]]
"""Fields with their values when they were seen, and now."""


async def changed_since(connection: AsyncConnection, kind: ThingKind, thing: str, seen: int, now: int) -> Changed:
    """Return the fields of a thing that its log says were changed from the version `seen` to the one `now`.

    Raises:
        StaleVersion: the log does not have all changes in between (any more).
    """
    own = audit_entries.c
    later = (own.kind == kind.value, own.thing_id == thing, own.version_after.between(seen + 1, now))
    rows = (await connection.execute(select(own.before, own.after).where(*later).order_by(own.id))).all()
    if len(rows) != now - seen:
        raise StaleVersion(f"somebody else changed this {kind} first: read it again", current=now)
    found: dict[str, tuple[Any, Any]] = {}
    for row in rows:
        for name, value in row.after.items():
            found[name] = (found.get(name, (row.before.get(name),))[0], value)
    return {name: (before, after) for name, (before, after) in found.items() if before != after}


def own_changes(sent: Mapping[str, Any], changed: Changed) -> dict[str, Any]:
    """Return of the fields that were sent those that are to be stored, others having changed these meanwhile.

    Who sends a field as it was seen did not change it.

    Raises:
        Clash: others changed one of them to something else.
    """
    mine = {name: value for name, value in sent.items() if name not in changed or value != changed[name][0]}
    if clashing := [name for name, value in mine.items() if name in changed and value != changed[name][1]]:
        told = [_told(name, seen=changed[name][0], theirs=changed[name][1], yours=mine[name]) for name in clashing]
        agreed = [_told(name, seen=seen, value=now, by="theirs") for name, (seen, now) in _others(changed, clashing)]
        agreed += [_told(name, seen=None, value=mine[name], by="yours") for name in mine if name not in changed]
        named = ", ".join(clashing)
        raise Clash(
            f"somebody else changed the same, since the version that you saw: {named}", clashes=told, agreed=agreed
        )
    return mine


def _others(changed: Changed, clashing: list[str]) -> list[tuple[str, tuple[Any, Any]]]:
    return [(name, values) for name, values in changed.items() if name not in clashing]


def _told(field: str, **values: Any) -> dict[str, Any]:
    return {"list": "", "id": "", "name": "", "field": field, **values}
