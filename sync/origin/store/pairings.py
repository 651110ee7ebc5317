"""Devices waiting to be let in: waiting, then approved, then delivered; each ends by expiring."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, delete, func, insert, select, update

from sync.errors import Conflict, NotFound
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.tables import pairings
from sync.origin.store.devices import add_device, set_token

PairingStep = Literal["waiting", "approved", "delivered"]


@dataclass(frozen=True, slots=True)
class Pairing:
    """One attempt of a device to belong; `channel` and `device` are set once it is approved."""

    id: str
    name: str
    step: PairingStep
    channel: str | None
    device: str | None
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Admission:
    """What a device gets when it is let in; `token_hash` belongs to a token nobody knows until delivery."""

    device: str
    channel: str
    name: str | None
    token_hash: str
    now_ms: int


class PairingStore:
    """Pairings that have not run out."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def create(self, pairing: Pairing, *, code: str, secret_hash: str, now_ms: int, most: int) -> Pairing | None:
        """Keep a new pairing, or return the one this secret is waiting with already; None if `most` are waiting."""
        async with self._database.writing() as connection:
            await connection.execute(delete(pairings).where(pairings.c.expires_ms <= now_ms))
            mine = select(pairings).where(pairings.c.secret == secret_hash, pairings.c.state != "delivered")
            row = (await connection.execute(mine)).first()
            if row is not None:
                return _pairing(row)
            if (await connection.scalar(select(func.count()).select_from(pairings)) or 0) >= most:
                return None
            values = {"id": pairing.id, "name": pairing.name, "state": pairing.step, "expires_ms": pairing.expires_ms}
            await connection.execute(insert(pairings).values(**values, code=code, secret=secret_hash))
            return pairing

    async def list_waiting(self, now_ms: int) -> list[Pairing]:
        """Return who waits for a person, the longest waiting first."""
        async with self._database.reading() as connection:
            found = select(pairings).where(pairings.c.state == "waiting", pairings.c.expires_ms > now_ms)
            return [_pairing(row) for row in await connection.execute(found.order_by(pairings.c.expires_ms))]

    async def get(self, pairing: str, secret_hash: str, now_ms: int) -> Pairing | None:
        """Return a pairing to the device that holds its secret; None if it ran out or the secret is another."""
        found = select(pairings).where(pairings.c.id == pairing, pairings.c.secret == secret_hash)
        async with self._database.reading() as connection:
            row = (await connection.execute(found.where(pairings.c.expires_ms > now_ms))).first()
            return None if row is None else _pairing(row)

    async def approve_by_code(self, code: str, admission: Admission) -> None:
        """Let in the device that shows `code`.

        Raises:
            NotFound: nobody waits with this code.
            Conflict: two do. A code is 40 bits, so one of them was made to match: neither can be trusted.
        """
        async with self._database.writing() as connection:
            found = select(pairings).where(
                pairings.c.code == code, pairings.c.state == "waiting", pairings.c.expires_ms > admission.now_ms
            )
            rows = list(await connection.execute(found))
            if not rows:
                raise NotFound("no device waits with this code; codes end after some minutes, look at the screen again")
            if len(rows) > 1:
                raise Conflict("two devices claim this code: somebody imitates yours; restart it to get another code")
            await _approve(connection, rows[0], admission)

    async def approve(self, pairing: str, admission: Admission) -> None:
        """Let in the device of a waiting pairing (it knew the enrolment key).

        Raises:
            NotFound: it is not waiting.
        """
        async with self._database.writing() as connection:
            found = select(pairings).where(pairings.c.id == pairing, pairings.c.state == "waiting")
            row = (await connection.execute(found)).first()
            if row is None:
                raise NotFound(f"pairing {pairing} is not waiting")
            await _approve(connection, row, admission)

    async def deliver(self, pairing: Pairing, token_hash: str) -> bool:
        """Make the device's token valid; True for exactly one caller, who hands the token out."""
        async with self._database.writing() as connection:
            step = update(pairings).where(pairings.c.id == pairing.id, pairings.c.state == "approved")
            changed = await connection.execute(step.values(state="delivered"))
            if changed.rowcount != 1 or pairing.device is None:
                return False
            await set_token(connection, pairing.device, token_hash)
            return True


async def _approve(connection: Any, row: Row[Any], admission: Admission) -> None:
    await add_device(
        connection,
        id=admission.device,
        name=admission.name or row.name,
        channel_id=admission.channel,
        token_hash=admission.token_hash,
        paired_ms=admission.now_ms,
    )
    step = update(pairings).where(pairings.c.id == row.id)
    await connection.execute(step.values(state="approved", channel_id=admission.channel, device_id=admission.device))


def _pairing(row: Row[Any]) -> Pairing:
    return Pairing(
        id=row.id,
        name=row.name,
        step=row.state,
        channel=row.channel_id,
        device=row.device_id,
        expires_ms=row.expires_ms,
    )
