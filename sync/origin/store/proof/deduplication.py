"""Documents of a device are stored once by (device, log epoch, sequence), others with a taken key beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select, Table, func, insert, literal, select, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

ReceiptStatus = Literal["accepted", "duplicate", "conflict"]
Key = tuple[str, int]
"""Log epoch and sequence: unique on one device."""

_IN_CONFLICT = ("device_id", "log_epoch", "sequence", "body", "received_ms")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A valid document: its key, its hash, and its row in the table."""

    key: Key
    hash: str
    row: Mapping[str, Any]


async def store_once(
    connection: AsyncConnection, table: Table, conflicts: Table, device: str, arrivals: Sequence[Arrival]
) -> list[ReceiptStatus]:
    """Add the rows that are new; return a status for each, in order."""
    hashes = await stored_hashes(connection, table, device, [arrival.key for arrival in arrivals])
    statuses: list[ReceiptStatus] = []
    new: list[dict[str, Any]] = []
    clashing: list[dict[str, Any]] = []
    for arrival in arrivals:
        stored = hashes.get(arrival.key)
        if stored is None:
            hashes[arrival.key] = arrival.hash
            new.append(dict(arrival.row))
            statuses.append("accepted")
        elif stored == arrival.hash:
            statuses.append("duplicate")
        else:
            clashing.append({name: arrival.row[name] for name in _IN_CONFLICT})
            statuses.append("conflict")
    if new:
        # On PostgreSQL a batch sent twice at once may run in parallel; the second then adds nothing.
        on = sqlite if connection.dialect.name == "sqlite" else postgresql
        await connection.execute(on.insert(table).on_conflict_do_nothing(), new)
    if clashing:
        await connection.execute(insert(conflicts), clashing)
    return statuses


async def stored_hashes(connection: AsyncConnection, table: Table, device: str, keys: Sequence[Key]) -> dict[Key, str]:
    """Return the hashes of those keys that are taken."""
    hashes: dict[Key, str] = {}
    for epoch in {epoch for epoch, _ in keys}:
        sequences = [sequence for log_epoch, sequence in keys if log_epoch == epoch]
        query = select(table.c.sequence, table.c.hash).where(
            table.c.device_id == device, table.c.log_epoch == epoch, table.c.sequence.in_(sequences)
        )
        hashes.update({(epoch, row.sequence): row.hash for row in await connection.execute(query)})
    return hashes


def gaps_of(table: Table, device: str, log_epoch: str) -> Select[Any]:
    """Select the first and last missing sequence of each gap below the newest row of a log, the lowest first."""
    held = select(table.c.sequence).where(table.c.device_id == device, table.c.log_epoch == log_epoch)
    steps = union_all(select(literal(0).label("sequence")), held).subquery()
    following = func.lead(steps.c.sequence).over(order_by=steps.c.sequence)
    gaps = select((steps.c.sequence + 1).label("first"), (following - 1).label("last")).subquery()
    return select(gaps.c.first, gaps.c.last).where(gaps.c.first <= gaps.c.last).order_by(gaps.c.first)
