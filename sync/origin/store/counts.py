"""Counts of rows for monitoring, read at each scrape."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, func, select

from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.lists import ONLINE
from sync.origin.persistence.tables import devices, media, pairings, releases, uploads
from sync.origin.store.heartbeats.heartbeats import write_held
from sync.origin.store.pairings import PairingStep
from sync.origin.store.uploads import UNFINISHED


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


class CountStore:
    """Counts rows."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def read(self, *, now_ms: int) -> Counts:
        """Return all counts."""
        await write_held(self._database)
        not_removed = devices.c.removed_ms.is_(None)
        waiting = (pairings.c.state == PairingStep.WAITING) & (pairings.c.expires_ms > now_ms)
        async with self._database.reading() as connection:

            async def number(query: Select[*tuple[Any, ...]]) -> int:
                return int(await connection.scalar(query) or 0)

            heard = select(devices.c.severity, func.count()).where(
                not_removed, devices.c.unheard_ms.is_(None), devices.c.severity.is_not(None)
            )
            severities = await connection.execute(heard.group_by(devices.c.severity))
            states = await connection.execute(select(media.c.state, func.count()).group_by(media.c.state))
            return Counts(
                media={state: count for state, count in states},
                uploads=await number(select(func.count()).select_from(uploads).where(UNFINISHED)),
                upload_bytes=await number(select(func.sum(uploads.c.offset_bytes)).where(UNFINISHED)),
                devices=await number(select(func.count()).select_from(devices).where(not_removed)),
                devices_online=await number(select(func.count()).select_from(devices).where(not_removed, ONLINE)),
                severities={severity: count for severity, count in severities},
                pairings=await number(select(func.count()).select_from(pairings).where(waiting)),
                releases=await number(select(func.count()).select_from(releases)),
            )

    async def devices(self) -> tuple[int, int]:
        """Return how many devices there are, and how many of them are heard; a second and one write old."""
        query = select(func.count(), func.count(case((ONLINE, 1)))).where(devices.c.removed_ms.is_(None))
        found, online = await self._database.read(lambda connection: connection.execute(query).one())
        return found, online

    async def ping(self) -> bool:
        """Return True if the database answers; raise StorageBroken if it does not."""
        async with self._database.reading() as connection:
            return await connection.scalar(select(1)) == 1
