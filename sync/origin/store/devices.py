"""The tables of devices and pairings: those that belong to this origin, and those that ask to be let in."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, Update, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, NotFound
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.row_checks import check_version
from sync.origin.persistence.tables import channels, devices, pairings
from sync.origin.planning.file_names import natural_key
from sync.origin.store.device_events import write_event
from sync.runtime.state_table import StateTable
from sync.wire.device_reports import HistoryKind


@dataclass(frozen=True, slots=True)
class Device:
    """A device; `channel_sequence` is the newest sequence of its channel, 0 if nothing was published yet."""

    id: str
    name: str
    channel: str
    paired_ms: int
    seen_ms: int | None
    silent: bool  # it was found to be silent since, see `contact_watch`
    heartbeat: dict[str, Any] | None
    let_through: dict[str, Any] | None  # the last `ReleaseLetThrough` that a person wanted
    version: int
    channel_sequence: int


class DeviceStore:
    """Devices that were let in and not removed. The rows of removed devices stay, since their plays are evidence."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def list_all(self) -> list[Device]:
        """Return all devices in the natural order of their names."""
        async with self._database.reading() as connection:
            found = [_device(row) for row in await connection.execute(_not_removed())]
        return sorted(found, key=lambda device: (natural_key(device.name), device.id))

    async def get(self, device: str) -> Device:
        """Return one device.

        Raises:
            NotFound: there was never such a device, or it was removed.
        """
        async with self._database.reading() as connection:
            return await _get_device(connection, device)

    async def by_token(self, token_hash: str) -> Device | None:
        """Return the device with this token, or None."""
        async with self._database.reading() as connection:
            row = (await connection.execute(_not_removed().where(devices.c.token_hash == token_hash))).first()
            return None if row is None else _device(row)

    async def update(
        self, device: str, *, name: str | None, channel: str | None, expected: int | None, now_ms: int
    ) -> Device:
        """Rename a device or move it to another channel; None leaves a value as it is.

        Raises:
            NotFound: there is no such device.
            StaleVersion: `expected` is not its version any more.
        """
        async with self._database.writing() as connection:
            before = await _get_device(connection, device)  # `check_version` also accepts the row of a removed device
            await check_version(connection, devices, "device", device, expected)
            values: dict[str, Any] = {"version": devices.c.version + 1}
            if name is not None:
                values["name"] = name
            if channel is not None:
                values["channel_id"] = channel
                been_in = await connection.scalar(select(devices.c.channels).where(devices.c.id == device))
                values["channels"] = None if been_in is None else sorted({*been_in, channel})
            await connection.execute(update(devices).where(devices.c.id == device).values(**values))
            after = await _get_device(connection, device)
            for state, old, new in (("renamed", before.name, after.name), ("moved", before.channel, after.channel)):
                if old != new:
                    change = {"text": f"{old} → {new}", "before": old, "after": new}
                    await write_event(connection, device, HistoryKind.DEVICE, state, now_ms, **change)
            return after

    async def remove(self, device: str, *, token_hash: str, now_ms: int) -> None:
        """Lock a device out for good; `token_hash` is the hash of a token that nobody knows.

        Raises:
            NotFound: there is no such device.
        """
        async with self._database.writing() as connection:
            await _get_device(connection, device)
            change = update(devices).where(devices.c.id == device)
            await connection.execute(change.values(removed_ms=now_ms, token_hash=token_hash))
            await write_event(connection, device, HistoryKind.DEVICE, "removed", now_ms)

    async def add(self, **values: Any) -> None:
        """Add a device; `values` are its columns."""
        async with self._database.writing() as connection:
            await add_device(connection, **values)

    async def let_through(self, device: str, wanted: dict[str, Any], now_ms: int, by: str) -> None:
        """Note the `ReleaseLetThrough` that a person wants, and who that is in the history."""
        async with self._database.writing() as connection:
            await connection.execute(update(devices).where(devices.c.id == device).values(let_through=wanted))
            done = {"text": f"Release {wanted['release'][:8]} let through", **wanted, "by": by}
            await write_event(connection, device, HistoryKind.DEVICE, "let_through", now_ms, **done)

    async def save_heartbeat(self, device: str, heartbeat: dict[str, Any], now_ms: int) -> dict[str, Any] | None:
        """Store a device's last heartbeat; one that was silent is back. Return what a person wants let through."""
        this = devices.c.id == device
        async with self._database.writing() as connection:
            change = update(devices).where(this).values(heartbeat=heartbeat, seen_ms=now_ms)
            wanted: dict[str, Any] | None = await connection.scalar(change.returning(devices.c.let_through))
            silent = update(devices).where(this, devices.c.unheard_ms.is_not(None), devices.c.removed_ms.is_(None))
            if (await connection.execute(silent.values(unheard_ms=None))).rowcount:
                await write_event(connection, device, HistoryKind.CONTACT, "back", now_ms)
            return wanted

    async def not_heard(self, since_ms: int, until_ms: int) -> list[tuple[str, int, float]]:
        """Return devices that are not silent yet, and whose last heartbeat was not in this time.

        Each with the time of that heartbeat (Unix ms) and the period that it names, 0 if it names none.
        """
        query = select(devices.c.id, devices.c.seen_ms, devices.c.heartbeat).where(
            devices.c.removed_ms.is_(None),
            devices.c.unheard_ms.is_(None),
            or_(devices.c.seen_ms < since_ms, devices.c.seen_ms > until_ms),
        )
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
            return [(row.id, row.seen_ms, (row.heartbeat or {}).get("period_s") or 0.0) for row in rows]

    async def lose(self, device: str, seen_ms: int, now_ms: int) -> bool:
        """Write that nothing was heard of a device since `seen_ms`; False: another origin did, or it is back."""
        these = (devices.c.id == device, devices.c.seen_ms == seen_ms, devices.c.unheard_ms.is_(None))
        async with self._database.writing() as connection:
            if not (await connection.execute(update(devices).where(*these).values(unheard_ms=seen_ms))).rowcount:
                return False
            at_ms = min(seen_ms, now_ms)
            await write_event(connection, device, HistoryKind.CONTACT, "lost", now_ms, at_ms=at_ms)
            return True

    async def channel_sequences(self) -> dict[str, int]:
        """Return the newest sequence of each channel."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(channels.c.id, channels.c.sequence))
            return {row.id: row.sequence for row in rows}


async def add_device(connection: AsyncConnection, **values: Any) -> None:
    """Insert a device inside the caller's transaction, with the first row of its history."""
    await connection.execute(insert(devices).values(version=1, **values))
    paired = {"text": values["channel_id"]}
    await write_event(connection, values["id"], HistoryKind.DEVICE, "paired", values["paired_ms"], **paired)


NOT_WAITING = "this pairing does not wait: ask to be paired again"


class PairingStep(StrEnum):
    """How far a device that asks to be let in has come."""

    WAITING = "waiting"  # a person must enter the code that its screen shows
    APPROVED = "approved"  # it is a device now; nobody has its token yet
    REFUSED = "refused"  # its proof of the enrolment key was wrong; no poll and no code lets it in
    DELIVERED = "delivered"  # it has its token; no other poll gets one
    EXPIRED = "expired"  # no query returns it any more; never stored, the row is deleted later


PAIRING_STATES = StateTable(
    "pairing",
    PairingStep.WAITING,
    {
        PairingStep.WAITING: {
            PairingStep.APPROVED: "a person enters its code, or it knows the enrolment key",
            PairingStep.REFUSED: "its proof of the enrolment key is wrong",
            PairingStep.EXPIRED: "nobody approves it in time",
        },
        PairingStep.APPROVED: {
            PairingStep.DELIVERED: "the device polls and gets its token",
            PairingStep.EXPIRED: "the device does not poll in time",
        },
        PairingStep.REFUSED: {PairingStep.EXPIRED: "its time is over"},
        PairingStep.DELIVERED: {PairingStep.EXPIRED: "its time is over"},
        PairingStep.EXPIRED: {},
    },
)
_OPEN = (PairingStep.WAITING, PairingStep.APPROVED)
_COUNTED = (PairingStep.WAITING, PairingStep.REFUSED)
"""The steps of pairings that anybody can cause."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """One attempt of a device to belong to this origin; `channel` and `device` are set once it is approved."""

    id: str
    name: str
    step: PairingStep
    channel: str | None
    device: str | None
    expires_ms: int


@dataclass(frozen=True, slots=True)
class PairingLimits:
    """The most pairings that wait or were refused: in all, and of one client."""

    most: int
    most_of_one: int


@dataclass(frozen=True, slots=True)
class Admission:
    """What a device gets when it is let in; `token_hash` belongs to a token nobody knows until delivery."""

    device: str
    channel: str
    name: str | None
    token_hash: str
    now_ms: int


class PairingStore:
    """Pairings that have not expired."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def create(
        self, pairing: Pairing, *, code: str, secret_hash: str, now_ms: int, client: str, limits: PairingLimits
    ) -> Pairing | None:
        """Store a new pairing, or return the open one with this secret; None if this client has too many.

        If there are too many in all, the oldest one of the client that has the most goes.
        """
        async with self._database.writing() as connection:
            await connection.execute(delete(pairings).where(pairings.c.expires_ms <= now_ms))
            open_one = select(pairings).where(pairings.c.secret == secret_hash, pairings.c.state.in_(_OPEN))
            row = (await connection.execute(open_one)).first()
            if row is not None:
                return _pairing(row)
            if not await _has_room(connection, client, limits):
                return None
            values = {"id": pairing.id, "name": pairing.name, "state": pairing.step, "expires_ms": pairing.expires_ms}
            await connection.execute(insert(pairings).values(**values, code=code, secret=secret_hash, client=client))
            return pairing

    async def list_waiting(self, now_ms: int) -> list[Pairing]:
        """Return the pairings that wait for a person, the longest waiting first."""
        async with self._database.reading() as connection:
            found = select(pairings).where(pairings.c.state == PairingStep.WAITING, pairings.c.expires_ms > now_ms)
            rows = await connection.execute(found.order_by(pairings.c.expires_ms))
            return await asyncio.to_thread(lambda: [_pairing(row) for row in rows])

    async def get(self, pairing: str, secret_hash: str, now_ms: int) -> Pairing | None:
        """Return the pairing that has this secret; None if it expired or the secret is wrong."""
        found = select(pairings).where(pairings.c.id == pairing, pairings.c.secret == secret_hash)
        async with self._database.reading() as connection:
            row = (await connection.execute(found.where(pairings.c.expires_ms > now_ms))).first()
            return None if row is None else _pairing(row)

    async def approve_by_code(self, code: str, admission: Admission) -> None:
        """Let in the device that shows `code`.

        Raises:
            NotFound: no device waits with this code.
            Conflict: two do. A code has 40 bits, so one of them was made to match, and neither can be trusted.
        """
        async with self._database.writing() as connection:
            found = select(pairings).where(
                pairings.c.code == code,
                pairings.c.state == PairingStep.WAITING,
                pairings.c.expires_ms > admission.now_ms,
            )
            rows = list(await connection.execute(found))
            if not rows:
                raise NotFound(
                    "no device waits with this code: read the code on the screen again, it changes after some minutes"
                )
            if len(rows) > 1:
                raise Conflict("two devices claim this code, so one is an impostor: restart yours to get another code")
            await _approve(connection, rows[0], admission)

    async def approve(self, pairing: str, admission: Admission) -> None:
        """Let in the device of a waiting pairing, which proved to know the enrolment key.

        Raises:
            NotFound: it is not waiting.
        """
        async with self._database.writing() as connection:
            found = select(pairings).where(pairings.c.id == pairing, pairings.c.state == PairingStep.WAITING)
            row = (await connection.execute(found)).first()
            if row is None:
                raise NotFound(NOT_WAITING)
            await _approve(connection, row, admission)

    async def refuse(self, pairing: str) -> bool:
        """Close a waiting pairing, whose device does not know the enrolment key; tell whether it was waiting."""
        async with self._database.writing() as connection:
            return (await connection.execute(_move(pairing, PairingStep.REFUSED))).rowcount == 1

    async def deliver(self, pairing: Pairing, token_hash: str) -> bool:
        """Make the device's token valid; True for exactly one caller, who hands out the token."""
        async with self._database.writing() as connection:
            done = await connection.execute(_move(pairing.id, PairingStep.DELIVERED))
            if done.rowcount != 1 or pairing.device is None:
                return False
            token = update(devices).where(devices.c.id == pairing.device).values(token_hash=token_hash)
            await connection.execute(token)
            return True


async def _has_room(connection: AsyncConnection, client: str, limits: PairingLimits) -> bool:
    counted = pairings.c.state.in_(_COUNTED)
    of_client = func.count().filter(pairings.c.client == client)
    of_one, in_all = (await connection.execute(select(of_client, func.count()).where(counted))).one()
    if of_one >= limits.most_of_one:
        return False
    if in_all >= limits.most:
        by_number = select(pairings.c.client).where(counted).group_by(pairings.c.client).order_by(func.count().desc())
        of_most = select(pairings.c.id).where(counted, pairings.c.client == by_number.limit(1).scalar_subquery())
        oldest = await connection.scalar(of_most.order_by(pairings.c.expires_ms).limit(1))
        await connection.execute(delete(pairings).where(pairings.c.id == oldest))
    return True


async def _approve(connection: AsyncConnection, row: Row[Any], admission: Admission) -> None:
    change = _move(row.id, PairingStep.APPROVED)
    done = await connection.execute(change.values(channel_id=admission.channel, device_id=admission.device))
    if done.rowcount == 0:  # two people approved it at once, on PostgreSQL
        raise NotFound("this device does not wait any more: somebody else has just let it in")
    await add_device(
        connection,
        id=admission.device,
        name=admission.name or row.name,
        channel_id=admission.channel,
        channels=[admission.channel],
        token_hash=admission.token_hash,
        paired_ms=admission.now_ms,
    )


def _move(pairing: str, after: PairingStep) -> Update:
    allowed = pairings.c.state.in_(PAIRING_STATES.before(after))
    return update(pairings).where(pairings.c.id == pairing, allowed).values(state=after)


def _pairing(row: Row[Any]) -> Pairing:
    return Pairing(
        id=row.id,
        name=row.name,
        step=PairingStep(row.state),
        channel=row.channel_id,
        device=row.device_id,
        expires_ms=row.expires_ms,
    )


def _not_removed() -> Select[Any]:
    joined = devices.outerjoin(channels, channels.c.id == devices.c.channel_id)
    return (
        select(devices, channels.c.sequence.label("channel_sequence"))
        .select_from(joined)
        .where(devices.c.removed_ms.is_(None))
    )


async def _get_device(connection: AsyncConnection, device: str) -> Device:
    row = (await connection.execute(_not_removed().where(devices.c.id == device))).first()
    if row is None:
        raise NotFound(f"there is no device {device}")
    return _device(row)


def _device(row: Row[Any]) -> Device:
    return Device(
        id=row.id,
        name=row.name,
        channel=row.channel_id,
        paired_ms=row.paired_ms,
        seen_ms=row.seen_ms,
        silent=row.unheard_ms is not None,
        heartbeat=row.heartbeat,
        let_through=row.let_through,
        version=row.version,
        channel_sequence=row.channel_sequence or 0,
    )
