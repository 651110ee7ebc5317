"""The table of devices: those that belong to this origin, and those that did."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import NotFound
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.lists import DEVICES, named
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.store.audit.fields_since import Changed, changed_since, own_changes
from sync.origin.store.audit.record import record
from sync.origin.store.changes.change_log import Subject, note
from sync.origin.store.heartbeats.device_events import write_event
from sync.origin.store.heartbeats.heartbeats import write_held
from sync.origin.store.row_checks import check_channel, check_version
from sync.origin.store.spaces.visible_rows import check_role, seen, shown_space
from sync.origin.tables.devices import devices
from sync.origin.tables.plans import channels
from sync.origin.tables.releases import releases
from sync.roles import Role
from sync.wire.device_reports import HistoryKind


@dataclass(frozen=True, slots=True)
class Device:
    """A device; `channel_sequence` is the newest sequence of its channel, 0 if nothing was published yet.

    `channel_released_ms`: when that was published, None if nothing was.
    """

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
    channel_released_ms: int | None
    space_id: str
    space: str | None  # as answers have it


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """What is held in memory of a device; `let_through` is the last `ReleaseLetThrough` that a person wanted."""

    id: str
    name: str
    channel: str
    token_hash: str
    let_through: dict[str, Any] | None


_ASKED: BindParameter[str] = bindparam("asked", expanding=True)
_KNOWN = select(devices.c.id, devices.c.name, devices.c.channel_id, devices.c.token_hash, devices.c.let_through).where(
    devices.c.removed_ms.is_(None)
)
_BY_TOKENS = _KNOWN.where(devices.c.token_hash.in_(_ASKED))
_BY_IDS = _KNOWN.where(devices.c.id.in_(_ASKED))
_IDS_AT_ONCE = 500


class DeviceStore:
    """Devices that were let in and not removed. The rows of removed devices stay, since their plays are evidence.

    To who may not see one it is not there.
    """

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def list_all(self, channel: str | None = None) -> list[Device]:
        """Return the devices of a channel, or all, in the natural order of their names."""
        these = () if channel is None else (devices.c.channel_id == channel,)
        query = _not_removed().where(*these).order_by(devices.c.name_order, devices.c.id)
        await write_held(self._database)
        async with self._database.reading() as connection:
            return [_device(row) for row in await connection.execute(query)]

    async def page(self, asked: PageRequest) -> Page[Device]:
        """Return a page of devices."""
        await write_held(self._database)
        async with self._database.reading() as connection:
            return (await read_page(connection, DEVICES, _not_removed(), asked, seen(devices))).of(_device)

    async def get(self, device: str, needed: Role = Role.VIEWER) -> Device:
        """Return one device, for what needs this role.

        Raises:
            NotFound: there was never such a device, or it was removed.
            Forbidden: one sees it, and does not have this role in its space.
        """
        await write_held(self._database)
        async with self._database.reading() as connection:
            found = await _get_device(connection, device)
        check_role("device", device, found.space_id, needed, is_seen=True)
        return found

    async def by_tokens(self, token_hashes: Sequence[str]) -> list[KnownDevice]:
        """Return the devices that have one of these tokens."""
        return await self._known(_BY_TOKENS, token_hashes)

    async def by_ids(self, ids: Sequence[str]) -> list[KnownDevice]:
        """Return the devices with these ids."""
        return await self._known(_BY_IDS, ids)

    async def _known(self, query: Select[Any], asked: Sequence[str]) -> list[KnownDevice]:
        def read(connection: Connection) -> list[KnownDevice]:
            parts = (asked[first : first + _IDS_AT_ONCE] for first in range(0, len(asked), _IDS_AT_ONCE))
            return [KnownDevice(*row) for part in parts for row in connection.execute(query, {"asked": part})]

        return await self._database.read(read)

    async def update(
        self, device: str, *, name: str | None, channel: str | None, expected: int | None, now_ms: int
    ) -> Device:
        """Rename a device or move it to another channel; None leaves a value as it is.

        `expected` is the version that was seen, None: any. What others changed since stays, if it is something else.
        One that lay in the space of its channel lies in that of the new one.

        Raises:
            NotFound: there is no such device.
            Forbidden: one is no technician where it lies, or where the channel does.
            StaleVersion: `expected` is not its version, and it is not known what was changed since.
            Clash: others changed the same.
            Rejected: there is no such channel.
        """
        async with self._database.writing() as connection:
            await _get_device(connection, device)  # `check_version` also accepts the row of a removed device
            await check_version(connection, devices, "device", device, None, Role.TECHNICIAN)
            before = await _get_device(connection, device)  # locked now
            if expected is not None and expected != before.version:
                since = await changed_since(connection, ThingKind.DEVICE, device, expected, before.version)
                name, channel = _own(name, channel, since)
            values: dict[str, Any] = {"version": devices.c.version + 1}
            if name is not None:
                values |= named(name, device)
            if channel is not None:
                values |= await _moved(connection, before, channel)
            await connection.execute(update(devices).where(devices.c.id == device).values(**values))
            after = await _get_device(connection, device)
            for state, old, new in (("renamed", before.name, after.name), ("moved", before.channel, after.channel)):
                if old != new:
                    change = {"text": f"{old} → {new}", "before": old, "after": new}
                    await write_event(connection, device, HistoryKind.DEVICE, state, now_ms, **change)
            changed = (before.version, after.version, _named(before), _named(after))
            record(connection, AuditedChange(ThingKind.DEVICE, device, after.name, Action.CHANGED, *changed))
            await note(connection, Subject.DEVICE, device)
            return after

    async def remove(self, device: str, *, token_hash: str, now_ms: int) -> None:
        """Lock a device out for good; `token_hash` is the hash of a token that nobody knows.

        Raises:
            NotFound: there is no such device.
            Forbidden: one is no technician where it lies.
        """
        async with self._database.writing() as connection:
            name = (await _get_device(connection, device)).name
            await check_version(connection, devices, "device", device, None, Role.TECHNICIAN)
            change = update(devices).where(devices.c.id == device)
            await connection.execute(change.values(removed_ms=now_ms, token_hash=token_hash))
            await write_event(connection, device, HistoryKind.DEVICE, "removed", now_ms)
            record(connection, AuditedChange(ThingKind.DEVICE, device, name, Action.REMOVED))
            await note(connection, Subject.DEVICE, device)

    async def add(self, **values: Any) -> None:
        """Add a device; `values` are its columns."""
        async with self._database.writing() as connection:
            await add_device(connection, **values)

    async def let_through(self, device: str, wanted: dict[str, Any], now_ms: int, by: str) -> None:
        """Note the `ReleaseLetThrough` that a person wants, and who that is in the history."""
        async with self._database.writing() as connection:
            change = update(devices).where(devices.c.id == device).values(let_through=wanted)
            name = await connection.scalar(change.returning(devices.c.name))
            done = {"text": f"Release {wanted['release'][:8]} let through", **wanted, "by": by}
            await write_event(connection, device, HistoryKind.DEVICE, "let_through", now_ms, **done)
            record(connection, AuditedChange(ThingKind.DEVICE, device, name or "", Action.LET_THROUGH, after=wanted))
            await note(connection, Subject.DEVICE, device)

    async def channel_sequences(self, these: Sequence[str] | None = None) -> dict[str, int]:
        """Return the newest sequence of these channels, or of all."""
        query = select(channels.c.id, channels.c.sequence)
        query = query if these is None else query.where(channels.c.id.in_(these))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.id: row.sequence for row in rows}


async def _moved(connection: AsyncConnection, device: Device, channel: str) -> dict[str, Any]:
    """Return the columns of a device that moves to a channel; check that one may have it play that."""
    space = await check_channel(connection, "channel", channel)
    been_in = await connection.scalar(select(devices.c.channels).where(devices.c.id == device.id))
    values = {"channel_id": channel, "channels": None if been_in is None else sorted({*been_in, channel})}
    if channel == device.channel:
        return values
    check_role("channel", channel, space, Role.TECHNICIAN, is_seen=True)
    left = await connection.scalar(select(channels.c.space_id).where(channels.c.id == device.channel))
    return values | {"space_id": space} if left in (None, device.space_id) else values


def _own(name: str | None, channel: str | None, since: Changed) -> tuple[str | None, str | None]:
    """Return the name and the channel that are to be stored though others changed the device since."""
    sent = {"name": name, "channel": channel}
    mine = own_changes({field: value for field, value in sent.items() if value is not None}, since)
    return mine.get("name"), mine.get("channel")


def _named(device: Device) -> dict[str, str]:
    return {"name": device.name, "channel": device.channel}


async def add_device(connection: AsyncConnection, **values: Any) -> None:
    """Insert a device inside the caller's transaction, with the first row of its history."""
    values |= named(values["name"], values["id"])
    await connection.execute(insert(devices).values(version=1, **values))
    paired = {"text": values["channel_id"]}
    await write_event(connection, values["id"], HistoryKind.DEVICE, "paired", values["paired_ms"], **paired)
    after = {"channel": values["channel_id"]}
    record(connection, AuditedChange(ThingKind.DEVICE, values["id"], values["name"], Action.PAIRED, after=after))


def _not_removed() -> Select[Any]:
    newest = (releases.c.channel_id == channels.c.id) & (releases.c.sequence == channels.c.sequence)
    joined = devices.outerjoin(channels, channels.c.id == devices.c.channel_id).outerjoin(releases, newest)
    released_ms = releases.c.created_ms.label("channel_released_ms")
    return (
        select(devices, channels.c.sequence.label("channel_sequence"), released_ms)
        .select_from(joined)
        .where(devices.c.removed_ms.is_(None), seen(devices))
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
        channel_released_ms=row.channel_released_ms,
        space_id=row.space_id,
        space=shown_space(row.space_id),
    )
