"""Documents of a device are stored once by (device, log epoch, sequence), others with a taken key beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sqlalchemy import (
    BindParameter,
    Connection,
    Insert,
    Select,
    Table,
    bindparam,
    func,
    insert,
    literal,
    select,
    union_all,
)

from sync.origin.persistence.database import insertion

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


def store_once(
    connection: Connection, table: Table, conflicts: Table, device: str, arrivals: Sequence[Arrival]
) -> list[ReceiptStatus]:
    """Add the rows that are new; return a status for each, in order."""
    hashes = stored_hashes(connection, table, device, [arrival.key for arrival in arrivals])
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
        connection.execute(_insertion(table, connection.dialect.name), new)
    if clashing:
        connection.execute(insert(conflicts), clashing)
    return statuses


def stored_hashes(connection: Connection, table: Table, device: str, keys: Sequence[Key]) -> dict[Key, str]:
    """Return the hashes of those keys that are taken."""
    hashes: dict[Key, str] = {}
    for epoch in {epoch for epoch, _ in keys}:
        sequences = [sequence for log_epoch, sequence in keys if log_epoch == epoch]
        asked = {"device": device, "epoch": epoch, "sequences": sequences}
        hashes.update({(epoch, sequence): hash for sequence, hash in connection.execute(_hashes(table), asked)})
    return hashes


@cache
def _hashes(table: Table) -> Select[Any]:
    """Return a query with parameters, made once: to make it costs several times what it costs to execute it."""
    own = table.c
    sequences: BindParameter[int] = bindparam("sequences", expanding=True)
    this_log = (own.device_id == bindparam("device"), own.log_epoch == bindparam("epoch"))
    return select(own.sequence, own.hash).where(*this_log, own.sequence.in_(sequences))


@cache
def _insertion(table: Table, dialect: str) -> Insert:
    """On PostgreSQL a batch sent twice at once may run in parallel; the second then adds nothing."""
    return insertion(table, dialect).on_conflict_do_nothing()


def gaps_of(table: Table, device: str, log_epoch: str) -> Select[Any]:
    """Select the first and last missing sequence of each gap below the newest row of a log, the lowest first."""
    held = select(table.c.sequence).where(table.c.device_id == device, table.c.log_epoch == log_epoch)
    steps = union_all(select(literal(0).label("sequence")), held).subquery()
    following = func.lead(steps.c.sequence).over(order_by=steps.c.sequence)
    gaps = select((steps.c.sequence + 1).label("first"), (following - 1).label("last")).subquery()
    return select(gaps.c.first, gaps.c.last).where(gaps.c.first <= gaps.c.last).order_by(gaps.c.first)
