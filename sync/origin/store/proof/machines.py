"""The tables of the machines that run with the identity of a device, and of the identities that they get."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.signing_tables import device_boots, new_identities
from sync.origin.persistence.tables import devices

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

    async def reports(self, device: str, boot_id: str, now_ms: int) -> bool:
        """Note that a start of a machine reports after another one did; return whether they do so in turn."""
        own = device_boots.c
        of_device = own.device_id == device
        async with self._database.turn(f"machines of {device}"), self._database.writing() as connection:
            query = select(own.boot_id, own.since_ms, own.returned_ms).where(of_device)
            known = {row.boot_id: row for row in await connection.execute(query)}
            if boot_id not in known:
                row = {"device_id": device, "boot_id": boot_id, "first_ms": now_ms, "since_ms": now_ms}
                await connection.execute(insert(device_boots).values(**row))
                oldest = sorted(known, key=lambda name: known[name].since_ms)[: max(0, len(known) + 1 - _MOST_BOOTS)]
                await connection.execute(delete(device_boots).where(of_device, own.boot_id.in_(oldest)))
                return False
            change = update(device_boots).where(of_device, own.boot_id == boot_id)
            await connection.execute(change.values(since_ms=now_ms, returned_ms=now_ms))
            others = (row.returned_ms for name, row in known.items() if name != boot_id)
            return any(at_ms is not None and now_ms - at_ms <= RETURNED_LATELY_MS for at_ms in others)

    async def give_identity(self, device: str, boot_id: str, new_device: str, by: str, now_ms: int) -> None:
        """Note which device a machine is to become; raise Conflict if it gets another identity already."""
        row = {"device_id": device, "boot_id": boot_id, "new_device_id": new_device, "made_ms": now_ms, "made_by": by}
        async with self._database.writing() as connection:
            await connection.execute(insert(new_identities).values(**row))

    async def identity_of(self, device: str, boot_id: str) -> GivenIdentity | None:
        """Return the device that a machine is to become; None: it keeps its identity, or reported with the new one."""
        own = new_identities.c
        query = select(devices.c.id, devices.c.channel_id).join(new_identities, devices.c.id == own.new_device_id)
        query = query.where(own.device_id == device, own.boot_id == boot_id, devices.c.removed_ms.is_(None))
        query = query.where(devices.c.seen_ms.is_(None))
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
            return None if row is None else GivenIdentity(*row)

    async def told(self, device: str, boot_id: str, new_device: str, token_hash: str, now_ms: int) -> None:
        """Make the token valid that a machine is told now; one that it was told before, and did not get, is none."""
        own = new_identities.c
        noted = update(new_identities).where(own.device_id == device, own.boot_id == boot_id)
        async with self._database.writing() as connection:
            await connection.execute(noted.values(told_ms=now_ms))
            token = update(devices).where(devices.c.id == new_device).values(token_hash=token_hash)
            await connection.execute(token)

    async def forget_boot(self, device: str, boot_id: str) -> None:
        """Forget a start of a machine that is another device now, and that others have come back."""
        own = device_boots.c
        async with self._database.writing() as connection:
            await connection.execute(delete(device_boots).where(own.device_id == device, own.boot_id == boot_id))
            change = update(device_boots).where(own.device_id == device)
            await connection.execute(change.values(returned_ms=None))
