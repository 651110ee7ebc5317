"""The tables of the machines that run with the identity of a device, and of the identities that they get."""

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import partial

from sqlalchemy import BindParameter, Connection, bindparam, delete, func, insert, select, update

from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase, insertion
from sync.origin.store.audit.record import record
from sync.origin.store.changes.change_log import Subject, note, note_change
from sync.origin.tables.devices import devices
from sync.origin.tables.signing import checkpoints, device_boots, identity_doubts, new_identities

RETURNED_LATELY_MS = 3_600_000
"""Both of two starts must have come back within this time: one request that came late is no second machine."""

_MOST_BOOTS = 50  # of a device that are remembered


@dataclass(frozen=True, slots=True)
class MachineStart:
    """A start of a machine that reported as a device: when first, and since when it is the one that does (Unix ms)."""

    boot_id: str
    first_ms: int
    since_ms: int
    returned_ms: int | None


@dataclass(frozen=True, slots=True)
class GivenIdentity:
    """The device that a machine is to become, and its channel."""

    device: str
    channel: str


@dataclass(frozen=True, slots=True)
class MachineReport:
    """What a heartbeat says of its machine: a start of it, and a log; None: an older player."""

    device: str
    boot_id: str | None
    log_epoch: str | None


@dataclass(frozen=True, slots=True)
class MachineChange:
    """Another start of a machine reports as a device than before (`now_ms`: Unix ms)."""

    device: str
    boot_id: str
    now_ms: int


@dataclass(frozen=True, slots=True)
class KnownMachine:
    """What is known when a machine reports.

    `becomes` is the device that it is to become; None: it keeps its identity, or reported with the new one. `current`
    is the start of a machine that reported last. `covered` is the newest play of its log that was signed since a person
    last dealt with doubts, `doubts` those that nobody has dealt with.
    """

    becomes: GivenIdentity | None
    current: str | None
    covered: int
    doubts: tuple[str, ...]


class MachineStore:
    """Starts of machines, and new identities."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def machines(self, device: str) -> list[MachineStart]:
        """Return the starts of machines that reported as a device, the one that does now first."""
        own = device_boots.c
        query = select(own.boot_id, own.first_ms, own.since_ms, own.returned_ms).where(own.device_id == device)
        async with self._database.reading() as connection:
            rows = await connection.execute(query.order_by(own.since_ms.desc(), own.first_ms.desc()))
            return [MachineStart(*row) for row in rows]

    async def change(self, changes: Sequence[MachineChange]) -> list[bool]:
        """Note that a start of a machine reports after another one did; return for each whether they do so in turn."""
        return await self._database.write(partial(_change_all, changes))

    async def give_identity(self, device: str, boot_id: str, new_device: str, by: str, now_ms: int) -> None:
        """Note which device a machine is to become; raise Conflict if it gets another identity already."""
        row = {"device_id": device, "boot_id": boot_id, "new_device_id": new_device, "made_ms": now_ms, "made_by": by}
        async with self._database.writing() as connection:
            await connection.execute(insert(new_identities).values(**row))
            after = {"boot": boot_id, "new_device": new_device}
            record(connection, AuditedChange(ThingKind.DEVICE, device, device, Action.SPLIT, after=after))
            await note(connection, Subject.MACHINE, device)

    async def known(self, reports: Sequence[MachineReport]) -> list[KnownMachine]:
        """Return what is known of the machines that report, for each."""
        return await self._database.read(partial(_known, reports, self._database.held_heartbeats.keys()))

    async def told(self, device: str, boot_id: str, new_device: str, token_hash: str, now_ms: int) -> None:
        """Make the token valid that a machine is told now; one that it was told before, and did not get, is none."""
        own = new_identities.c
        noted = update(new_identities).where(own.device_id == device, own.boot_id == boot_id)
        async with self._database.writing() as connection:
            await connection.execute(noted.values(told_ms=now_ms))
            token = update(devices).where(devices.c.id == new_device).values(token_hash=token_hash)
            await connection.execute(token)
            await note(connection, Subject.DEVICE, new_device)

    async def forget_boot(self, device: str, boot_id: str) -> None:
        """Forget a start of a machine that is another device now, and that others have come back."""
        own = device_boots.c
        async with self._database.writing() as connection:
            await connection.execute(delete(device_boots).where(own.device_id == device, own.boot_id == boot_id))
            change = update(device_boots).where(own.device_id == device)
            await connection.execute(change.values(returned_ms=None))
            await connection.execute(update(devices).where(devices.c.id == device).values(boot_id=_LAST))
            await note(connection, Subject.MACHINE, device)


_NAMES: BindParameter[str] = bindparam("names", expanding=True)
_boots, _given, _doubt, _signed = device_boots.c, new_identities.c, identity_doubts.c, checkpoints.c
_CURRENT = select(devices.c.id, devices.c.boot_id).where(devices.c.id.in_(_NAMES))
_LAST = (
    select(_boots.boot_id)
    .where(_boots.device_id == devices.c.id)
    .order_by(_boots.since_ms.desc(), _boots.first_ms.desc())
    .limit(1)
    .scalar_subquery()
)
_TO_BECOME = (
    select(_given.device_id, _given.boot_id, devices.c.id, devices.c.channel_id)
    .join(devices, devices.c.id == _given.new_device_id)
    .where(_given.device_id.in_(_NAMES), devices.c.removed_ms.is_(None), devices.c.seen_ms.is_(None))
)
_DOUBTS = (
    select(_doubt.device_id, _doubt.detail, _doubt.ended_ms).where(_doubt.device_id.in_(_NAMES)).order_by(_doubt.id)
)
_COVERED = select(func.max(_signed.last)).where(
    _signed.device_id == bindparam("device"),
    _signed.log_epoch == bindparam("epoch"),
    _signed.received_ms > bindparam("after"),
)


def _known(reports: Sequence[MachineReport], seen: Set[str], connection: Connection) -> list[KnownMachine]:
    """Read for all of them at once; `seen` are devices whose first heartbeat may not be written yet."""
    asked = {"names": list({one.device for one in reports})}
    current = {device: boot for device, boot in connection.execute(_CURRENT, asked)}
    becomes = {row[:2]: GivenIdentity(*row[2:]) for row in connection.execute(_TO_BECOME, asked) if row[2] not in seen}
    doubts, dealt_with = defaultdict[str, list[str]](list), dict[str, int]()
    for device, detail, ended_ms in connection.execute(_DOUBTS, asked):
        if ended_ms is None:
            doubts[device].append(detail)
        else:
            dealt_with[device] = max(ended_ms, dealt_with.get(device, 0))
    return [
        KnownMachine(
            becomes=None if one.boot_id is None else becomes.get((one.device, one.boot_id)),
            current=current.get(one.device),
            covered=_covered(connection, one, dealt_with.get(one.device, 0)),
            doubts=tuple(doubts[one.device]),
        )
        for one in reports
    ]


def _covered(connection: Connection, report: MachineReport, after_ms: int) -> int:
    asked = {"device": report.device, "epoch": report.log_epoch, "after": after_ms}
    return 0 if report.log_epoch is None else connection.scalar(_COVERED, asked) or 0


def _change_all(changes: Sequence[MachineChange], connection: Connection) -> list[bool]:
    """Note them in the order of devices, in which heartbeats are written, too: so no two wait for each other."""
    in_turn = [False] * len(changes)
    for at, one in sorted(enumerate(changes), key=lambda numbered: numbered[1].device):
        in_turn[at] = _change(connection, one)
        connection.execute(update(devices).where(devices.c.id == one.device).values(boot_id=one.boot_id))
    for device in sorted({one.device for one in changes}):
        note_change(connection, Subject.MACHINE, device)
    return in_turn


def _change(connection: Connection, change: MachineChange) -> bool:
    own, device, now_ms = device_boots.c, change.device, change.now_ms
    query = select(own.boot_id, own.since_ms, own.returned_ms).where(own.device_id == device)
    known = {row.boot_id: row for row in connection.execute(query)}
    if change.boot_id not in known:
        row = {"device_id": device, "boot_id": change.boot_id, "first_ms": now_ms, "since_ms": now_ms}
        added = insertion(device_boots, connection.dialect.name).on_conflict_do_nothing()  # another origin may do so
        connection.execute(added, [row])
        oldest = sorted(known, key=lambda name: known[name].since_ms)[: max(0, len(known) + 1 - _MOST_BOOTS)]
        if oldest:
            connection.execute(delete(device_boots).where(own.device_id == device, own.boot_id.in_(oldest)))
        return False
    returned = update(device_boots).where(own.device_id == device, own.boot_id == change.boot_id)
    connection.execute(returned.values(since_ms=now_ms, returned_ms=now_ms))
    others = (row.returned_ms for name, row in known.items() if name != change.boot_id)
    return any(at_ms is not None and now_ms - at_ms <= RETURNED_LATELY_MS for at_ms in others)
