"""Records what people do with their own accounts, which may be before they are logged in."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.audit.actor import ActorKind, current_actor
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.store.audit.record import record
from sync.origin.tables.people import people


async def record_own(
    connection: AsyncConnection, person: str, action: Action, after: Mapping[str, Any] | None = None
) -> None:
    """Record in the caller's transaction what somebody did with the account that is theirs."""
    name = await connection.scalar(select(people.c.name).where(people.c.id == person)) or ""
    by = replace(current_actor(), kind=ActorKind.PERSON, id=person, name=name)
    record(connection, AuditedChange(ThingKind.PERSON, person, name, action, after=after), by=by)
