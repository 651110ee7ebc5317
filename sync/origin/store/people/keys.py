"""The table of people's keys; only hashes of secrets are stored."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, insert, select

from sync.errors import Conflict, NotFound
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.people.administrators import TURN, check_one_stays
from sync.origin.tables.people import keys, people
from sync.roles import Role


@dataclass(frozen=True, slots=True)
class Key:
    """A person's key without its secret."""

    id: str
    name: str
    role: Role
    created_ms: int


class KeyStore:
    """Stores keys."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def add(self, key: Key, secret_hash: str) -> None:
        """Add a key; raise Conflict if another key has this name."""
        async with self._database.writing() as connection:
            if await connection.scalar(select(keys.c.id).where(keys.c.name == key.name)):
                raise Conflict(f"there is a key named {key.name!r} already: revoke it or choose another name")
            await connection.execute(insert(keys).values(**_columns(key), hash=secret_hash))

    async def add_first(self, key: Key, secret_hash: str) -> bool:
        """Add the key if there is neither another one nor an account; tell whether it was added."""
        try:
            async with self._database.writing() as connection:
                for table in (keys, people):
                    if await connection.scalar(select(func.count()).select_from(table)):
                        return False
                await connection.execute(insert(keys).values(**_columns(key), hash=secret_hash))
                return True
        except Conflict:  # another origin, which started at the same time, was first
            return False

    async def list_all(self) -> list[Key]:
        """Return all keys, oldest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(keys).order_by(keys.c.created_ms, keys.c.id))
            return [_key(row) for row in rows]

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
            return _key(row)

    async def by_hash(self, secret_hash: str) -> Key | None:
        """Return the key with this hash, or None."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(keys).where(keys.c.hash == secret_hash))).first()
            return None if row is None else _key(row)


def _columns(key: Key) -> dict[str, Any]:
    return {"id": key.id, "name": key.name, "role": key.role, "created_ms": key.created_ms}


def _key(row: Row[Any]) -> Key:
    return Key(id=row.id, name=row.name, role=Role(row.role), created_ms=row.created_ms)
