"""The tables of sessions and of known browsers: whose token or cookie it is, by its hash."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import BindParameter, Column, Connection, Row, bindparam, delete, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import NotFound, Unauthenticated
from sync.origin.audit.actor import ActorKind, current_actor
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.audit.record import record
from sync.origin.tables.people import browsers, identities, keys, passkeys, people, rights, sessions
from sync.roles import Right, Rights, Role

MOST_SESSIONS = 50
"""Of one person or key; when there are more the oldest ends."""
_MOST_BROWSERS = 20
_SEEN_MS = 60_000


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Who has a token or cookie: a key, or (`is_person`) an account."""

    id: str
    name: str
    rights: Rights
    is_person: bool


class OpenedBy(StrEnum):
    """By what a session was opened."""

    KEY = "key"
    PASSWORD = "password"
    PASSWORD_AND_CODE = "password_code"
    PASSKEY = "passkey"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Means:
    """By what somebody logs in; `held` is what was checked: hash of the password, id of the passkey, or subject."""

    by: OpenedBy
    held: str | None = field(default=None, repr=False)

    @property
    def passkey(self) -> str | None:
        """The id of the passkey, if it is one."""
        return self.held if self.by is OpenedBy.PASSKEY else None


@dataclass(frozen=True, slots=True)
class Session:
    """A page that logged in, by the hash of its cookie; `client` is the address from which, `browser` its name.

    `opened_by` is an `OpenedBy`, None if an earlier version opened it; `opened_with` is the id of the passkey.
    """

    hash: str = field(repr=False)
    id: str
    created_ms: int
    seen_ms: int
    expires_ms: int
    client: str
    browser: str
    opened_by: str | None = None
    opened_with: str | None = None


_ASKED: BindParameter[Any] = bindparam("asked", expanding=True)
_NOW: BindParameter[Any] = bindparam("now")
_HELD_BY = {False: (keys, sessions.c.key_id), True: (people, sessions.c.person_id)}
_HAS = {False: rights.c.key_id == keys.c.id, True: rights.c.person_id == people.c.id}


def _columns(is_person: bool, proof: Column[str]) -> list[Any]:
    table, _ = _HELD_BY[is_person]
    own = [table.c.id, table.c.name, table.c.role, literal(is_person).label("is_person"), proof.label("proof")]
    return [*own, rights.c.space_id, rights.c.role.label("role_there")]


_BY_HASHES = select(*_columns(False, keys.c.hash)).outerjoin(rights, _HAS[False]).where(keys.c.hash.in_(_ASKED))
"""A row for each right in a space; one, if there is none."""
_BY_SESSIONS = [
    select(*_columns(is_person, sessions.c.hash))
    .join(sessions, reference == table.c.id)
    .outerjoin(rights, _HAS[is_person])
    .where(sessions.c.hash.in_(_ASKED), sessions.c.expires_ms > _NOW)
    for is_person, (table, reference) in _HELD_BY.items()
]


class SessionStore:
    """Stores who is logged in, and in which browsers somebody was."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def by_proofs(self, hashes: Sequence[str], now_ms: int) -> Mapping[str, TokenHolder]:
        """Return who has the keys of these hashes, or the sessions that have not expired, by them."""
        asked = {"asked": hashes, "now": now_ms}

        def read(connection: Connection) -> dict[str, TokenHolder]:
            rows = [row for query in (_BY_HASHES, *_BY_SESSIONS) for row in connection.execute(query, asked)]
            return _holders(rows)

        return await self._database.read(read)

    async def of_key(self, key_hash: str) -> TokenHolder | None:
        """Return whose key has this hash; None if there is none, also if it is that of a session."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_BY_HASHES, {"asked": [key_hash]})).all()
        return _holders(rows).get(key_hash)

    async def open(self, session: Session, holder: TokenHolder, means: Means) -> None:
        """Add a session, and delete those that have expired and those that are too many.

        Raises:
            Unauthenticated: what a person logs in by does not count any more, or the account is gone.
        """
        column = _HELD_BY[holder.is_person][1]
        async with self._database.writing() as connection:
            if holder.is_person:
                await _check_means(connection, holder.id, means)
            await connection.execute(delete(sessions).where(sessions.c.expires_ms <= session.created_ms))
            kept = select(sessions.c.hash).where(column == holder.id).order_by(sessions.c.created_ms.desc())
            older = (await connection.scalars(kept.offset(MOST_SESSIONS - 1))).all()
            await connection.execute(delete(sessions).where(sessions.c.hash.in_(older)))
            await connection.execute(insert(sessions).values({**_values(session), column.name: holder.id}))
            _record(connection, holder, Action.LOGGED_IN)

    async def of(self, id: str, is_person: bool, now_ms: int) -> list[Session]:
        """Return the sessions of a person or key, the newest first."""
        here = (_HELD_BY[is_person][1] == id) & (sessions.c.expires_ms > now_ms)
        async with self._database.reading() as connection:
            rows = await connection.execute(select(sessions).where(here).order_by(sessions.c.created_ms.desc()))
            return [_session(row) for row in rows]

    async def end(self, session_id: str, id: str, is_person: bool) -> None:
        """Delete a session of a person or key; raise NotFound if it is not theirs."""
        own = (sessions.c.id == session_id) & (_HELD_BY[is_person][1] == id)
        async with self._database.writing() as connection:
            if not (await connection.execute(delete(sessions).where(own))).rowcount:
                raise NotFound(f"there is no session {session_id}, or it has ended")
            kind, name = ThingKind.PERSON if is_person else ThingKind.KEY, current_actor().name
            record(connection, AuditedChange(kind, id, name, Action.SESSION_ENDED, after={"session": session_id}))

    async def close(self, session_hash: str) -> None:
        """Delete a session."""
        async with self._database.writing() as connection:
            for query in _BY_SESSIONS:
                rows = (await connection.execute(query, {"asked": [session_hash], "now": 0})).all()
                for holder in _holders(rows).values():
                    _record(connection, holder, Action.LOGGED_OUT)
            await connection.execute(delete(sessions).where(sessions.c.hash == session_hash))

    async def seen(self, session_hash: str, now_ms: int) -> None:
        """Note when the page of a session was opened last, to the minute; nothing, if it is no session."""
        old = (sessions.c.hash == session_hash) & (sessions.c.seen_ms <= now_ms - _SEEN_MS)
        async with self._database.reading() as connection:
            if await connection.scalar(select(sessions.c.hash).where(old)) is None:
                return
        async with self._database.writing() as connection:
            await connection.execute(update(sessions).where(old).values(seen_ms=now_ms))

    async def knows_browser(self, browser_hash: str, person: str | None, now_ms: int) -> bool:
        """Return whether a person (None: whoever) logged in in this browser before."""
        one = (browsers.c.hash == browser_hash) & (browsers.c.expires_ms > now_ms)
        if person is not None:
            one &= browsers.c.person_id == person
        async with self._database.reading() as connection:
            return await connection.scalar(select(browsers.c.hash).where(one)) is not None

    async def add_browser(self, browser_hash: str, person: str, now_ms: int, expires_ms: int) -> None:
        """Know a browser from now on; those that have expired and those that are too many are forgotten."""
        async with self._database.writing() as connection:
            await connection.execute(delete(browsers).where(browsers.c.expires_ms <= now_ms))
            kept = select(browsers.c.hash).where(browsers.c.person_id == person).order_by(browsers.c.expires_ms.desc())
            older = (await connection.scalars(kept.offset(_MOST_BROWSERS - 1))).all()
            await connection.execute(delete(browsers).where(browsers.c.hash.in_([*older, browser_hash])))
            values = {"hash": browser_hash, "person_id": person, "expires_ms": expires_ms}
            await connection.execute(insert(browsers).values(values))


async def _check_means(connection: AsyncConnection, person: str, means: Means) -> None:
    """Lock the account until the session is there, so that what ends the means ends this session too."""
    found = select(people.c.password_hash).where(people.c.id == person).with_for_update()
    row = (await connection.execute(found)).first()
    if means.by is OpenedBy.PASSKEY:
        known = select(passkeys.c.id).where(passkeys.c.id == means.held, passkeys.c.person_id == person)
        if row is None or await connection.scalar(known) is None:
            raise Unauthenticated("this passkey was removed meanwhile: log in with your password")
    elif means.by is OpenedBy.PROVIDER:
        linked = select(identities.c.subject).where(identities.c.person_id == person)
        if row is None or await connection.scalar(linked) != means.held:
            raise Unauthenticated("this account was unlinked from the provider meanwhile")
    elif row is None or means.held is None or row.password_hash != means.held:
        raise Unauthenticated("the password was changed meanwhile: log in with the new one")


def _record(connection: AsyncConnection, holder: TokenHolder, action: Action) -> None:
    kind = ThingKind.PERSON if holder.is_person else ThingKind.KEY
    by = replace(current_actor(), kind=ActorKind(kind.value), id=holder.id, name=holder.name)
    record(connection, AuditedChange(kind, holder.id, holder.name, action), by=by)


def _holders(rows: Sequence[Row[Any]]) -> dict[str, TokenHolder]:
    """Return who has a token or cookie by its hash, of rows one of which has a right in a space, or none."""
    found = dict[str, list[Row[Any]]]()
    for row in rows:
        found.setdefault(row.proof, []).append(row)
    return {proof: _holder(of_one) for proof, of_one in found.items()}


def _holder(rows: Sequence[Row[Any]]) -> TokenHolder:
    first = rows[0]
    in_spaces = (Right(Role(row.role_there), row.space_id) for row in rows if row.space_id is not None)
    held = Rights.held(Role(first.role) if first.role else None, in_spaces)
    return TokenHolder(first.id, first.name, held, bool(first.is_person))


def _values(session: Session) -> dict[str, Any]:
    return {name: getattr(session, name) for name in Session.__slots__}


def _session(row: Row[Any]) -> Session:
    return Session(**{name: getattr(row, name) for name in Session.__slots__})
