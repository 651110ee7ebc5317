"""Counts of rows for monitoring, read at each scrape."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.lists import ONLINE, UNFINISHED
from sync.origin.store.heartbeats.heartbeats import write_held
from sync.origin.store.pairings import PairingStep
from sync.origin.tables.devices import devices, pairings
from sync.origin.tables.media import media, uploads
from sync.origin.tables.releases import releases


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows there are of each kind; uploads are the unfinished ones."""

    media: dict[str, int]  # by state
    uploads: int
    upload_bytes: int
    devices: int
    devices_online: int
    severities: dict[str, int]  # of devices that are heard, by how bad it is what they say
    pairings: int
    releases: int


@dataclass(frozen=True, slots=True)
class DeviceCounts:
    """How many devices there are, how many of them are heard, and how bad it is what those said last."""

    devices: int
    online: int
    severities: dict[str, int]


_DEVICES = (
    select(ONLINE, devices.c.severity, func.count())
    .where(devices.c.removed_ms.is_(None))
    .group_by(ONLINE, devices.c.severity)
)


class CountStore:
    """Counts rows."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def read(self, *, now_ms: int) -> Counts:
        """Return all counts."""
        await write_held(self._database)
        waiting = (pairings.c.state == PairingStep.WAITING) & (pairings.c.expires_ms > now_ms)
        async with self._database.reading() as connection:

            async def number(query: Select[*tuple[Any, ...]]) -> int:
                return int(await connection.scalar(query) or 0)

            screens = _device_counts((await connection.execute(_DEVICES)).all())
            states = await connection.execute(select(media.c.state, func.count()).group_by(media.c.state))
            return Counts(
                media={state: count for state, count in states},
                uploads=await number(select(func.count()).select_from(uploads).where(UNFINISHED)),
                upload_bytes=await number(select(func.sum(uploads.c.offset_bytes)).where(UNFINISHED)),
                devices=screens.devices,
                devices_online=screens.online,
                severities=screens.severities,
                pairings=await number(select(func.count()).select_from(pairings).where(waiting)),
                releases=await number(select(func.count()).select_from(releases)),
            )

    async def devices(self, spaces: Collection[str] | None) -> DeviceCounts:
        """Return how many devices there are in these spaces (None: in all); a second and one write old."""
        query = _DEVICES if spaces is None else _DEVICES.where(devices.c.space_id.in_(spaces))
        return await self._database.read(lambda connection: _device_counts(connection.execute(query).all()))

    async def ping(self) -> bool:
        """Return True if the database answers; raise StorageBroken if it does not."""
        async with self._database.reading() as connection:
            return await connection.scalar(select(1)) == 1


def _device_counts(rows: Sequence[Any]) -> DeviceCounts:
    """Return the sums of what `_DEVICES` counts."""
    online = [(severity, count) for is_online, severity, count in rows if is_online]
    severities = {severity: count for severity, count in online if severity is not None}
    return DeviceCounts(sum(row[2] for row in rows), sum(count for _, count in online), severities)
