"""Writes entries of the audit log, in the transaction of each change."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.audit.actor import Actor, current_actor
from sync.origin.audit.changes import AuditedChange
from sync.origin.persistence.database import do_last, done_last
from sync.origin.planning.file_names import searched_text
from sync.origin.tables.audit import audit_entries

_LOCK = int.from_bytes(b"audit")


@dataclass(frozen=True, slots=True)
class _Entries:
    """The entries of a transaction, which writes them together."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, plain: Connection, now_ms: int) -> None:
        if plain.dialect.name == "postgresql":
            plain.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        plain.execute(insert(audit_entries), [{**row, "at_ms": now_ms} for row in self.rows])


def record(connection: Connection | AsyncConnection, change: AuditedChange, *, by: Actor | None = None) -> None:
    """Have the caller's transaction write who does what at the moment; `by`: somebody else than who acts.

    It is written right before the commit. On PostgreSQL only one transaction at a time may write, so that the order of
    entries is that of the commits.
    """
    actor = by or current_actor()
    row = {**_actor_columns(actor), "address": actor.address, **_change_columns(change)}
    row["searched"] = searched_text("\n".join((change.name, change.id, actor.name)))
    entries = next((one for one in done_last(connection) if isinstance(one, _Entries)), None)
    if entries is None:
        entries = _Entries()
        do_last(connection, entries)
    entries.rows.append(row)


def _actor_columns(actor: Actor) -> dict[str, str]:
    return {"actor_kind": actor.kind.value, "actor_id": actor.id, "actor_name": actor.name}


def _change_columns(change: AuditedChange) -> dict[str, Any]:
    same = ("name", "version_before", "version_after", "before", "after")
    values = {name: getattr(change, name) for name in same}
    return {**values, "kind": change.kind.value, "thing_id": change.id, "action": change.action.value}
