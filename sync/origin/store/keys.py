"""The tables of people's keys and of sessions; only hashes of secrets are stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, delete, func, insert, select

from sync.errors import Conflict, NotFound
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.tables import keys, sessions
from sync.roles import Role


@dataclass(frozen=True, slots=True)
class Key:
    """A person's key without its secret."""

    id: str
    name: str
    role: Role
    created_ms: int


_ASKED: BindParameter[str] = bindparam("asked", expanding=True)
_BY_HASHES = select(keys, keys.c.hash.label("proof")).where(keys.c.hash.in_(_ASKED))
_BY_SESSIONS = (
    select(keys, sessions.c.hash.label("proof"))
    .join(sessions, sessions.c.key_id == keys.c.id)
    .where(sessions.c.hash.in_(_ASKED), sessions.c.expires_ms > bindparam("now"))
)


class KeyStore:
    """Stores keys and the sessions of pages that logged in with one."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def add(self, key: Key, secret_hash: str) -> None:
        """Add a key; raise Conflict if another key has this name."""
        async with self._database.writing() as connection:
            if await connection.scalar(select(keys.c.id).where(keys.c.name == key.name)):
                raise Conflict(f"there is a key named {key.name!r} already: revoke it or choose another name")
            await connection.execute(insert(keys).values(**_columns(key), hash=secret_hash))

    async def add_first(self, key: Key, secret_hash: str) -> bool:
        """Add the key if there is no other; tell whether it was added."""
        try:
            async with self._database.writing() as connection:
                if await connection.scalar(select(func.count()).select_from(keys)):
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
        """
        async with self._database.writing() as connection:
            found = select(keys).where((keys.c.id == id_or_name) | (keys.c.name == id_or_name))
            row = (await connection.execute(found)).first()
            if row is None:
                raise NotFound(f"there is no key {id_or_name!r}")
            await connection.execute(delete(keys).where(keys.c.id == row.id))
            return _key(row)

    async def by_hash(self, secret_hash: str) -> Key | None:
        """Return the key with this hash, or None."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(keys).where(keys.c.hash == secret_hash))).first()
            return None if row is None else _key(row)

    async def open_session(self, session_hash: str, key: Key, *, now_ms: int, expires_ms: int) -> None:
        """Add a session, and delete those that have expired."""
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.expires_ms <= now_ms))
            await connection.execute(insert(sessions).values(hash=session_hash, key_id=key.id, expires_ms=expires_ms))

    async def by_proofs(self, hashes: Sequence[str], now_ms: int) -> dict[str, Key]:
        """Return the keys that have these hashes, or whose sessions do and have not expired, by them."""
        asked = {"asked": hashes, "now": now_ms}

        def read(connection: Connection) -> dict[str, Key]:
            rows = (*connection.execute(_BY_SESSIONS, asked), *connection.execute(_BY_HASHES, asked))
            return {row.proof: _key(row) for row in rows}

        return await self._database.read(read)

    async def close_session(self, session_hash: str) -> None:
        """Delete a session."""
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.hash == session_hash))


def _columns(key: Key) -> dict[str, Any]:
    return {"id": key.id, "name": key.name, "role": key.role, "created_ms": key.created_ms}


def _key(row: Row[Any]) -> Key:
    return Key(id=row.id, name=row.name, role=Role(row.role), created_ms=row.created_ms)
