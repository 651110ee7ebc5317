"""The last heartbeat of each device, in the table of devices.

A heartbeat is state, not evidence: it is held in memory until the next write, which takes all that are held, and is
lost harmlessly with the process. Who reads heartbeats from the database has those written before that this origin
holds.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, insert, or_, select, update

from sync.errors import StorageBroken, StorageFull
from sync.origin.persistence.database import HeldHeartbeat, OriginDatabase
from sync.origin.store.heartbeats.device_events import event_row, write_event
from sync.origin.tables.devices import devices
from sync.origin.tables.history import history
from sync.wire.device_reports import HistoryKind

_IDS_AT_ONCE = 500


class HeartbeatStore:
    """Heartbeats as they come, and the silence of devices."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    def hold(self, device: str, heartbeat: dict[str, Any], now_ms: int, severity: str | None = None) -> None:
        """Have the last heartbeat of a device written with the next ones; one that was silent is back."""
        self._database.held_heartbeats[device] = HeldHeartbeat(heartbeat, now_ms, severity)

    async def write(self) -> None:
        """Write what is held.

        Raises:
            StorageFull, StorageBroken: it is held on.
        """
        async with self._database.turn_here("heartbeats"):
            held = dict(self._database.held_heartbeats)
            if not held:
                return
            await self._database.write(lambda connection: _write(connection, held))
            for device, one in held.items():
                if self._database.held_heartbeats.get(device) is one:
                    del self._database.held_heartbeats[device]

    async def not_heard(self, since_ms: int, until_ms: int) -> list[tuple[str, int, float]]:
        """Return devices that are not silent yet, and whose last heartbeat was not in this time.

        Each with the time of that heartbeat (Unix ms) and the period that it names, 0 if it names none.
        """
        query = select(devices.c.id, devices.c.seen_ms, devices.c.heartbeat).where(
            devices.c.removed_ms.is_(None),
            devices.c.unheard_ms.is_(None),
            or_(devices.c.seen_ms < since_ms, devices.c.seen_ms > until_ms),
        )
        await self.write()
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


async def write_held(database: OriginDatabase) -> None:
    """Have what this origin holds written, before heartbeats are read; what cannot be written is held on."""
    with suppress(StorageFull, StorageBroken):
        await HeartbeatStore(database).write()


_CHANGE = (
    update(devices)
    .where(devices.c.id == bindparam("device"))
    .values(heartbeat=bindparam("sent"), seen_ms=bindparam("at"))
)
_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_BEFORE = select(devices.c.id, devices.c.severity, devices.c.unheard_ms).where(
    devices.c.id.in_(_IDS), devices.c.removed_ms.is_(None)
)
_SEVERITY = update(devices).where(devices.c.id == bindparam("device")).values(severity=bindparam("now"))


def _write(connection: Connection, held: Mapping[str, HeldHeartbeat]) -> None:
    rows = [{"device": device, "sent": held[device].document, "at": held[device].at_ms} for device in sorted(held)]
    connection.execute(_CHANGE, rows)
    for first in range(0, len(rows), _IDS_AT_ONCE):
        ids = [row["device"] for row in rows[first : first + _IDS_AT_ONCE]]
        before = connection.execute(_BEFORE, {"ids": ids}).all()
        _note_severity(connection, {row.id: row.severity for row in before}, held)
        back = [row.id for row in before if row.unheard_ms is not None]
        if back:
            connection.execute(update(devices).where(devices.c.id.in_(back)).values(unheard_ms=None))
            events = [event_row(device, HistoryKind.CONTACT, "back", held[device].at_ms) for device in back]
            connection.execute(insert(history), events)


def _note_severity(connection: Connection, before: Mapping[str, str | None], held: Mapping[str, HeldHeartbeat]) -> None:
    """Write the severities that changed: they are in an index."""
    now = {device: held[device].severity for device in before}
    changed = [{"device": device, "now": now[device]} for device in before if now[device] not in (None, before[device])]
    if changed:
        connection.execute(_SEVERITY, changed)
