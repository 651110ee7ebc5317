"""The table of passkeys: public keys that log a person in."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from sync.errors import Conflict, NotFound
from sync.origin.audit.changes import Action
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.people.login_challenges import Purpose, taken
from sync.origin.store.people.own_changes import record_own
from sync.origin.tables.people import passkeys, people, sessions

MOST_PASSKEYS = 20
"""Of one person."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of a person; `credential` is its id for authenticators, `host` the name that it was made for."""

    id: str
    person_id: str
    credential: str = field(repr=False)
    public_key: str = field(repr=False)
    sign_count: int
    can_sync: bool
    is_synced: bool
    host: str
    name: str
    created_ms: int
    used_ms: int | None = None


class PasskeyStore:
    """Stores passkeys."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def of(self, person: str) -> list[Passkey]:
        """Return the passkeys of a person, the oldest first."""
        own = select(passkeys).where(passkeys.c.person_id == person).order_by(passkeys.c.created_ms, passkeys.c.id)
        async with self._database.reading() as connection:
            return [_passkey(row) for row in await connection.execute(own)]

    async def by_credential(self, credential: str) -> Passkey | None:
        """Return the passkey with this id for authenticators, or None."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(passkeys).where(passkeys.c.credential == credential))).first()
        return None if row is None else _passkey(row)

    async def add(self, passkey: Passkey, challenge: str, browser: str) -> None:
        """Add a passkey that answers a challenge (by its hash), and use that up.

        Raises:
            Conflict: this browser was not asked that, it was too long ago, or the password changed meanwhile; the
                passkey is known; or the person has too many.
        """
        async with self._database.writing() as connection:
            account = select(people.c.id).where(people.c.id == passkey.person_id).with_for_update()
            await connection.scalar(account)
            asked = (challenge, Purpose.ADD_PASSKEY, browser, passkey.created_ms, passkey.person_id)
            if not await taken(connection, *asked):
                raise Conflict("this took too long, or was done already: add the passkey once more")
            own = select(func.count()).select_from(passkeys).where(passkeys.c.person_id == passkey.person_id)
            if (await connection.scalar(own) or 0) >= MOST_PASSKEYS:
                raise Conflict(f"you have {MOST_PASSKEYS} passkeys already: remove one that you do not use")
            same = select(passkeys.c.id).where(passkeys.c.credential == passkey.credential)
            if await connection.scalar(same) is not None:
                raise Conflict("this passkey is known here already")
            await connection.execute(insert(passkeys).values(_values(passkey)))
            after = {"passkey": passkey.id, "name": passkey.name}
            await record_own(connection, passkey.person_id, Action.PASSKEY_ADDED, after)

    async def use(self, id: str, sign_count: int, is_synced: bool, now_ms: int) -> bool:
        """Note that a passkey was used; return False if it is gone, or its count was as high before."""
        rises = (passkeys.c.sign_count < sign_count) | ((passkeys.c.sign_count == 0) & (sign_count == 0))
        noted = update(passkeys).where(passkeys.c.id == id, rises)
        async with self._database.writing() as connection:
            values = {"sign_count": sign_count, "is_synced": is_synced, "used_ms": now_ms}
            return (await connection.execute(noted.values(**values))).rowcount == 1

    async def rename(self, id: str, person: str, name: str) -> None:
        """Give a passkey of a person another name; raise NotFound if it is not theirs."""
        own = (passkeys.c.id == id) & (passkeys.c.person_id == person)
        async with self._database.writing() as connection:
            if not (await connection.execute(update(passkeys).where(own).values(name=name))).rowcount:
                raise _none(id)
            await record_own(connection, person, Action.PASSKEY_RENAMED, {"passkey": id, "name": name})

    async def remove(self, id: str, person: str, *, session: str) -> None:
        """Delete a passkey of a person, and end all sessions that it opened but `session`.

        Raises:
            NotFound: it is not theirs.
        """
        own = (passkeys.c.id == id) & (passkeys.c.person_id == person)
        opened = (sessions.c.opened_with == id) & (sessions.c.person_id == person) & (sessions.c.hash != session)
        async with self._database.writing() as connection:
            await connection.scalar(select(people.c.id).where(people.c.id == person).with_for_update())
            if not (await connection.execute(delete(passkeys).where(own))).rowcount:
                raise _none(id)
            await connection.execute(delete(sessions).where(opened))
            await record_own(connection, person, Action.PASSKEY_REMOVED, {"passkey": id})


def _none(id: str) -> NotFound:
    return NotFound(f"you have no passkey {id}, or it was removed")


def _values(passkey: Passkey) -> dict[str, Any]:
    return {name: getattr(passkey, name) for name in Passkey.__slots__}


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(**{name: getattr(row, name) for name in Passkey.__slots__})
