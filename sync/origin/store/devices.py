"""The devices that belong to this origin: name, channel, token hash, last heartbeat."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import NotFound
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.row_checks import check_version
from sync.origin.persistence.tables import channels, devices


@dataclass(frozen=True, slots=True)
class Device:
    """A device as stored; `channel_sequence` is what its channel is at, 0 if nothing was published yet."""

    id: str
    name: str
    channel: str
    paired_ms: int
    seen_ms: int | None
    heartbeat: dict[str, Any] | None
    version: int
    channel_sequence: int


class DeviceStore:
    """Devices that were let in and not removed; the rows of removed ones stay for their plays."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def list_all(self) -> list[Device]:
        """Return all devices by name."""
        async with self._database.reading() as connection:
            rows = await connection.execute(_present().order_by(devices.c.name, devices.c.id))
            return [_device(row) for row in rows]

    async def get(self, device: str) -> Device:
        """Return one device.

        Raises:
            NotFound: it was never there, or was removed.
        """
        async with self._database.reading() as connection:
            return await _one(connection, device)

    async def by_token(self, token_hash: str) -> Device | None:
        """Return the device with this token, or None."""
        async with self._database.reading() as connection:
            row = (await connection.execute(_present().where(devices.c.token_hash == token_hash))).first()
            return None if row is None else _device(row)

    async def update(self, device: str, *, name: str | None, channel: str | None, expected: int | None) -> Device:
        """Rename a device or move it to another channel; None leaves as it is.

        Raises:
            NotFound: there is no such device.
            StaleVersion: `expected` is not its version any more.
        """
        async with self._database.writing() as connection:
            await _one(connection, device)  # one that was removed still has its row
            await check_version(connection, devices, "device", device, expected)
            values: dict[str, Any] = {"version": devices.c.version + 1}
            if name is not None:
                values["name"] = name
            if channel is not None:
                values["channel_id"] = channel
            await connection.execute(update(devices).where(devices.c.id == device).values(**values))
            return await _one(connection, device)

    async def remove(self, device: str, *, token_hash: str, now_ms: int) -> None:
        """Lock a device out for good; `token_hash` is one nobody knows the token of.

        Raises:
            NotFound: there is no such device.
        """
        async with self._database.writing() as connection:
            await _one(connection, device)
            gone = update(devices).where(devices.c.id == device)
            await connection.execute(gone.values(removed_ms=now_ms, token_hash=token_hash))

    async def save_heartbeat(self, device: str, heartbeat: dict[str, Any], now_ms: int) -> None:
        """Keep a device's last heartbeat."""
        async with self._database.writing() as connection:
            kept = update(devices).where(devices.c.id == device)
            await connection.execute(kept.values(heartbeat=heartbeat, seen_ms=now_ms))

    async def channel_sequences(self) -> dict[str, int]:
        """Return the sequence each channel is at."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(channels.c.id, channels.c.sequence))
            return {row.id: row.sequence for row in rows}


async def add_device(connection: AsyncConnection, **values: Any) -> None:
    """Insert a device inside the caller's transaction (a pairing that is being approved)."""
    await connection.execute(insert(devices).values(version=1, **values))


async def set_token(connection: AsyncConnection, device: str, token_hash: str) -> None:
    """Give a device another token inside the caller's transaction."""
    await connection.execute(update(devices).where(devices.c.id == device).values(token_hash=token_hash))


def _present() -> Select[Any]:
    both = devices.outerjoin(channels, channels.c.id == devices.c.channel_id)
    return select(devices, channels.c.sequence.label("at")).select_from(both).where(devices.c.removed_ms.is_(None))


async def _one(connection: AsyncConnection, device: str) -> Device:
    row = (await connection.execute(_present().where(devices.c.id == device))).first()
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
        heartbeat=row.heartbeat,
        version=row.version,
        channel_sequence=row.at or 0,
    )
