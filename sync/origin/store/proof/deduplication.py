"""Documents of devices are stored once by (device, log epoch, sequence), others with a taken key beside them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from pydantic_core import from_json
from sqlalchemy import BigInteger, Connection, Select, String, Table, and_, func, insert, literal, select, union_all

from sync.origin.store.days.given_rows import Addition, GivenRows

ReceiptStatus = Literal["accepted", "duplicate", "conflict"]
Key = tuple[str, int]
"""Log epoch and sequence: unique on one device."""

Place = tuple[str, str, int]
"""Device, log epoch and sequence."""

_IN_CONFLICT = ("device_id", "log_epoch", "sequence", "body", "received_ms")


class Arrival(NamedTuple):
    """A valid document: its place, its hash, and its row in the table, of which it is the `body`."""

    place: Place
    hash: str
    row: Sequence[Any]


def store_once(
    connection: Connection,
    table: Table,
    conflicts: Table,
    names: tuple[str, ...],
    arrivals: Sequence[Arrival],
    taken: Mapping[Place, str] | None = None,
) -> list[ReceiptStatus]:
    """Add the rows that are new; return a status for each, in order.

    `names`: the columns of the rows, in the order of the table. `taken`: what is known to be stored already.
    """
    places = [arrival.place for arrival in arrivals]
    hashes = stored_hashes(connection, table, places) if taken is None else dict(taken)
    statuses: list[ReceiptStatus] = []
    new: list[Sequence[Any]] = []
    clashing: list[dict[str, Any]] = []
    for arrival in arrivals:
        stored = hashes.setdefault(arrival.place, "")
        if not stored:
            hashes[arrival.place] = arrival.hash
            new.append(arrival.row)
            statuses.append("accepted")
        elif stored == arrival.hash:
            statuses.append("duplicate")
        else:
            row = dict(zip(names, arrival.row, strict=True))
            clashing.append({name: row[name] for name in _IN_CONFLICT} | {"body": _document(row["body"])})
            statuses.append("conflict")
    if new:
        _addition(table, names).add(connection, new)
    if clashing:
        connection.execute(insert(conflicts), clashing)
    return statuses


def _document(body: Any) -> Any:
    return from_json(body) if isinstance(body, bytes) else body


def stored_hashes(connection: Connection, table: Table, places: Iterable[Place]) -> dict[Place, str]:
    """Return the hashes of those places that are taken."""
    dialect = connection.dialect.name
    if not (runs := _runs(places)):
        return {}
    found = connection.execute(_hashes(table, dialect), _RUNS.values(dialect, runs))
    return {(device, epoch, sequence): hash for device, epoch, sequence, hash in found}


_RUNS = GivenRows(device=String(), epoch=String(), first=BigInteger(), last=BigInteger())


def _runs(places: Iterable[Place]) -> list[list[Any]]:
    """Return places as few runs without gaps: device, epoch, first and last."""
    runs: list[list[Any]] = []
    for device, epoch, sequence in sorted(set(places)):
        if runs and runs[-1] == [device, epoch, runs[-1][2], sequence - 1]:
            runs[-1][3] = sequence
        else:
            runs.append([device, epoch, sequence, sequence])
    return runs


@cache
def _hashes(table: Table, dialect: str) -> Select[Any]:
    """Return a query with parameters, made once: to make it costs several times what it costs to execute it."""
    own, given = table.c, _RUNS.table(dialect)
    within = own.sequence.between(given.c.first, given.c.last)
    same = and_(own.device_id == given.c.device, own.log_epoch == given.c.epoch, within)
    return select(own.device_id, own.log_epoch, own.sequence, own.hash).select_from(given.join(table, same))


@cache
def _addition(table: Table, names: tuple[str, ...]) -> Addition:
    """On PostgreSQL a batch sent twice at once may run in parallel; the second then adds nothing."""
    return Addition(table, names, lambda statement: statement.on_conflict_do_nothing())


def gaps_of(table: Table, device: str, log_epoch: str) -> Select[Any]:
    """Select the first and last missing sequence of each gap below the newest row of a log, the lowest first."""
    held = select(table.c.sequence).where(table.c.device_id == device, table.c.log_epoch == log_epoch)
    steps = union_all(select(literal(0).label("sequence")), held).subquery()
    following = func.lead(steps.c.sequence).over(order_by=steps.c.sequence)
    gaps = select((steps.c.sequence + 1).label("first"), (following - 1).label("last")).subquery()
    return select(gaps.c.first, gaps.c.last).where(gaps.c.first <= gaps.c.last).order_by(gaps.c.first)
