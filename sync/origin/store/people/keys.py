"""The table of people's keys; only hashes of secrets are stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, insert, select

from sync.errors import Conflict, NotFound
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.audit.record import record
from sync.origin.store.people.administrators import TURN, check_one_stays
from sync.origin.store.people.given_rights import OF_KEYS, give_rights, read_rights, shown_rights
from sync.origin.tables.people import keys, people
from sync.roles import Right, Role


@dataclass(frozen=True, slots=True)
class Key:
    """A person's key without its secret: its role for everything, if it has one, and those in spaces."""

    id: str
    name: str
    role: Role | None
    created_ms: int
    in_spaces: frozenset[Right] = frozenset()


class KeyStore:
    """Stores keys."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def add(self, key: Key, secret_hash: str) -> None:
        """Add a key.

        Raises:
            Conflict: another key has this name.
            Rejected: there is no such space, or it would have no role at all.
        """
        async with self._database.writing() as connection:
            if await connection.scalar(select(keys.c.id).where(keys.c.name == key.name)):
                raise Conflict(f"there is a key named {key.name!r} already: revoke it or choose another name")
            await connection.execute(insert(keys).values(**_columns(key), hash=secret_hash))
            await give_rights(connection, OF_KEYS, key.id, key.role, key.in_spaces)
            record(connection, _made(key))

    async def add_first(self, key: Key, secret_hash: str) -> bool:
        """Add the key if there is neither another one nor an account; tell whether it was added."""
        try:
            async with self._database.writing() as connection:
                for table in (keys, people):
                    if await connection.scalar(select(func.count()).select_from(table)):
                        return False
                await connection.execute(insert(keys).values(**_columns(key), hash=secret_hash))
                record(connection, _made(key))
                return True
        except Conflict:  # another origin, which started at the same time, was first
            return False

    async def list_all(self) -> list[Key]:
        """Return all keys, oldest first."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(keys).order_by(keys.c.created_ms, keys.c.id))).all()
            given = await read_rights(connection, OF_KEYS, [row.id for row in rows])
            return [_key(row, given) for row in rows]

    async def remove(self, id_or_name: str) -> Key:
        """Delete a key and all its sessions; return the key.

        Raises:
            NotFound: no key has this id or name.
            Conflict: no administrator would be left.
        """
        async with self._database.turn(TURN), self._database.writing() as connection:
            found = select(keys).where((keys.c.id == id_or_name) | (keys.c.name == id_or_name))
            row = (await connection.execute(found)).first()
            if row is None:
                raise NotFound(f"there is no key {id_or_name!r}")
            await connection.execute(delete(keys).where(keys.c.id == row.id))
            await check_one_stays(connection)
            record(connection, AuditedChange(ThingKind.KEY, row.id, row.name, Action.REMOVED))
            return _key(row, {})


def _made(key: Key) -> AuditedChange:
    after = shown_rights(key.role, key.in_spaces)
    return AuditedChange(ThingKind.KEY, key.id, key.name, Action.CREATED, after=after)


def _columns(key: Key) -> dict[str, Any]:
    return {"id": key.id, "name": key.name, "role": key.role or "", "created_ms": key.created_ms}


def _key(row: Row[Any], given: Mapping[str, frozenset[Right]]) -> Key:
    role = Role(row.role) if row.role else None
    return Key(row.id, row.name, role, row.created_ms, given.get(row.id, frozenset()))
