"""The table of identities: which account belongs to whom a provider names."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, NotFound
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.audit.record import record
from sync.origin.tables.people import identities, people, sessions


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody a provider names, and the account; `by_rule`: a rule of the settings made it, and gives its role."""

    issuer: str
    subject: str
    person_id: str
    by_rule: bool


class IdentityStore:
    """Stores which accounts are linked."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def find(self, issuer: str, subject: str) -> Identity | None:
        """Return who a subject of a provider is here, or None."""
        known = select(identities).where(identities.c.issuer == issuer, identities.c.subject == subject)
        async with self._database.reading() as connection:
            row = (await connection.execute(known)).first()
        return None if row is None else Identity(row.issuer, row.subject, row.person_id, bool(row.by_rule))

    async def link(self, issuer: str, subject: str, person: str) -> None:
        """Link an account to a subject, in place of the one that it had; sessions by that one end.

        Raises:
            NotFound: there is no such account.
            Conflict: another account is linked to this subject.
        """
        async with self._database.writing() as connection:
            name = await _lock(connection, person)
            await _unlink(connection, person)
            await add_identity(connection, Identity(issuer, subject, person, by_rule=False))
            after = {"issuer": issuer, "subject": subject}
            record(connection, AuditedChange(ThingKind.PERSON, person, name, Action.LINKED, after=after))

    async def unlink(self, person: str) -> None:
        """Have an account be nobody's at the provider; sessions by it end. Raise NotFound if there is no account."""
        async with self._database.writing() as connection:
            name = await _lock(connection, person)
            await _unlink(connection, person)
            record(connection, AuditedChange(ThingKind.PERSON, person, name, Action.UNLINKED))

    async def end_sessions(self, person: str) -> None:
        """End all sessions of an account: the provider gives it no role any more."""
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.person_id == person))


async def add_identity(connection: AsyncConnection, identity: Identity) -> None:
    """Add an identity, in the caller's transaction.

    Raises:
        Conflict: another account is linked to this subject.
    """
    same = (identities.c.issuer == identity.issuer) & (identities.c.subject == identity.subject)
    if await connection.scalar(select(identities.c.person_id).where(same)) is not None:
        raise Conflict(f"another account is linked to the subject {identity.subject!r}: take it from that one first")
    values = {name: getattr(identity, name) for name in Identity.__slots__}
    await connection.execute(insert(identities).values(values))


async def _lock(connection: AsyncConnection, person: str) -> str:
    """Lock an account for this transaction; return its name."""
    name: str | None = await connection.scalar(select(people.c.name).where(people.c.id == person).with_for_update())
    if name is None:
        raise NotFound(f"there is no account {person}")
    return name


async def _unlink(connection: AsyncConnection, person: str) -> None:
    await connection.execute(delete(identities).where(identities.c.person_id == person))
    by_it = (sessions.c.person_id == person) & (sessions.c.opened_by == "provider")
    await connection.execute(delete(sessions).where(by_it))
