"""The table of the keys with which devices sign: each certificate is a row that stays, the newest of a key counts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, String, bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import NotFound
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.audit.record import record
from sync.origin.store.days.given_rows import GivenRows
from sync.origin.store.spaces.visible_rows import check_role, seen
from sync.origin.tables.devices import devices
from sync.origin.tables.signing import device_keys
from sync.roles import Role


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate of the key `key`, the `serial`th of its device; `certificate` is the signed envelope.

    `request` is the envelope by which the device asked, None if nobody asked. `proven`: the key that it replaces signed
    the request. `revoked_by` is the id of a person's key, with a note.
    """

    device: str
    number: int
    serial: int
    key: str
    public_key: str
    issued_ms: int
    certificate: Mapping[str, Any]
    revoked_ms: int | None = None
    request: Mapping[str, Any] | None = None
    replaces: str | None = None
    proven: bool = False
    revoked_by: str | None = None
    note: str | None = None


Issue = Callable[[list[IssuedCertificate]], IssuedCertificate | None]
"""Makes the next certificate of a device from all that it has; None: none is needed."""


class DeviceKeyStore:
    """Certificates of devices."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def certificates(self, device: str) -> list[IssuedCertificate]:
        """Return all certificates of a device, the oldest first."""
        async with self._database.reading() as connection:
            return await _certificates(connection, device)

    async def seen_certificates(self, device: str) -> list[IssuedCertificate]:
        """Return all certificates of a device that one may see, removed or not; else none."""
        async with self._database.reading() as connection:
            is_seen = await connection.scalar(select(devices.c.id).where(devices.c.id == device, seen(devices)))
            return [] if is_seen is None else await _certificates(connection, device)

    async def check_revocable(self, device: str, key: str) -> None:
        """Check that one may revoke a key of a device.

        Raises:
            NotFound: one may not see the device.
            Forbidden: one is no technician where it lies.
        """
        lies = select(devices.c.space_id, seen(devices).label("is_seen")).where(devices.c.id == device)
        async with self._database.reading() as connection:
            row = (await connection.execute(lies)).first()
        if row is not None and not row.is_seen:
            raise NotFound(f"device {device} has no key {key}")
        if row is not None:
            check_role("device", device, row.space_id, Role.TECHNICIAN, is_seen=True)

    async def certificates_of(self, asked: Iterable[str]) -> dict[str, list[IssuedCertificate]]:
        """Return all certificates of each of these devices that has some, the oldest first."""
        found = dict[str, list[IssuedCertificate]]()
        for row in await self._database.read(lambda connection: _rows_of(connection, asked)):
            found.setdefault(row.device_id, []).append(_certificate(dict(row._mapping)))
        return found

    async def issue(self, device: str, make: Issue) -> list[IssuedCertificate]:
        """Add the certificate that `make` returns; return all of the device. No other is issued meanwhile."""
        async with self._database.turn(f"keys of {device}"), self._database.writing() as connection:
            found = await _certificates(connection, device)
            made = make(found)
            if made is None:
                return found
            await connection.execute(insert(device_keys).values(**_row(made)))
            action = Action.CERTIFIED if made.revoked_by is None else Action.REVOKED
            record(connection, AuditedChange(ThingKind.DEVICE, device, device, action, after={"key": made.key}))
            return [*found, made]


def newest(certificates: Iterable[IssuedCertificate]) -> dict[str, IssuedCertificate]:
    """Return the certificate that counts of each key, by its id, in the order of the keys."""
    return {one.key: one for one in certificates}


async def _certificates(connection: AsyncConnection, device: str) -> list[IssuedCertificate]:
    rows = await connection.execute(_CERTIFICATES, {"device": device})
    return [_certificate(dict(row._mapping)) for row in rows]


_CERTIFICATES = select(device_keys).where(device_keys.c.device_id == bindparam("device")).order_by(device_keys.c.number)

_DEVICES = GivenRows(device=String())


@cache
def _certificates_of(dialect: str) -> Select[Any]:
    given = _DEVICES.table(dialect)
    joined = given.join(device_keys, device_keys.c.device_id == given.c.device)
    return select(device_keys).select_from(joined).order_by(device_keys.c.number)


def _rows_of(connection: Connection, asked: Iterable[str]) -> Sequence[Row[Any]]:
    dialect = connection.dialect.name
    return connection.execute(_certificates_of(dialect), _DEVICES.values(dialect, [(one,) for one in asked])).all()


def _certificate(row: dict[str, Any]) -> IssuedCertificate:
    return IssuedCertificate(device=row.pop("device_id"), revoked_by=row.pop("key_id"), **row)


def _row(made: IssuedCertificate) -> dict[str, Any]:
    names = {"device": "device_id", "revoked_by": "key_id"}
    return {names.get(field, field): getattr(made, field) for field in made.__slots__}
