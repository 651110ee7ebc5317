"""The table of accounts. Whatever makes a password or a role worth less ends the sessions in the same transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Select, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, NotFound, Unauthenticated
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.audit.record import record
from sync.origin.store.people.administrators import TURN, check_one_stays
from sync.origin.store.people.given_rights import OF_PEOPLE, give_rights, read_rights, shown_rights
from sync.origin.store.people.identities import Identity, add_identity
from sync.origin.store.people.login_challenges import withdraw_challenges
from sync.origin.store.people.own_changes import record_own
from sync.origin.tables.people import browsers, identities, passkeys, people, recovery_codes, resets, sessions
from sync.roles import Right, Rights, Role

MOST_PEOPLE = 1_000


@dataclass(frozen=True, slots=True)
class Person:
    """An account without its secrets; `recovery_codes` is how many are left, `passkeys` how many there are.

    `role` is what it may do with everything, None: nothing; `in_spaces` is what else it may do in some. `subject` is
    whom a provider of identities knows it as.
    """

    id: str
    name: str
    role: Role | None
    created_ms: int
    has_password: bool = False
    has_second_factor: bool = False
    recovery_codes: int = 0
    passkeys: int = 0
    in_spaces: frozenset[Right] = frozenset()
    subject: str | None = None

    @property
    def rights(self) -> Rights:
        """All that it may do."""
        return Rights.held(self.role, self.in_spaces)


@dataclass(frozen=True, slots=True)
class RightsChange:
    """Which rights are to be different: `role` is the one for everything; what is None stays as it is.

    With `no_role` there is no role for everything any more.
    """

    role: Role | None = None
    no_role: bool = False
    in_spaces: frozenset[Right] | None = None

    def of(self, before: Rights) -> Rights:
        """Return what rights become of those that there were."""
        role = None if self.no_role else self.role or before.for_everything
        return Rights.held(role, before.in_spaces if self.in_spaces is None else self.in_spaces)


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account with what its log-in is compared with."""

    person: Person
    password_hash: str | None = field(repr=False)
    app_secret: str | None = field(repr=False)
    app_step: int


@dataclass(frozen=True, slots=True)
class Reset:
    """A one-time code, by its hash, that sets a new password until it expires."""

    hash: str = field(repr=False)
    expires_ms: int


_CODES_LEFT = (
    select(func.count()).select_from(recovery_codes).where(recovery_codes.c.person_id == people.c.id).scalar_subquery()
)
_PASSKEYS = select(func.count()).select_from(passkeys).where(passkeys.c.person_id == people.c.id).scalar_subquery()
_SUBJECT = select(identities.c.subject).where(identities.c.person_id == people.c.id).scalar_subquery()
_PEOPLE = select(
    people, _CODES_LEFT.label("codes_left"), _PASSKEYS.label("passkeys"), _SUBJECT.label("identity_subject")
)


class PeopleStore:
    """Stores accounts."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def add(
        self,
        person: Person,
        name_key: str,
        password_hash: str | None,
        reset: Reset | None,
        identity: Identity | None = None,
    ) -> None:
        """Add an account with a password, with a one-time code that sets one, or linked to a provider.

        Raises:
            Conflict: somebody has this name or identity, or there are too many accounts.
            Rejected: there is no space that it is to have a role in, or it would have no role at all.
        """
        async with self._database.turn(TURN), self._database.writing() as connection:
            await _check_name(connection, name_key, person.name)
            if (await connection.scalar(select(func.count()).select_from(people)) or 0) >= MOST_PEOPLE:
                raise Conflict(f"there are {MOST_PEOPLE} accounts already: remove those of people who left")
            values = {"id": person.id, "name": person.name, "created_ms": person.created_ms, "role": person.role or ""}
            await connection.execute(
                insert(people).values(**values, name_key=name_key, password_hash=password_hash, app_step=0)
            )
            await give_rights(connection, OF_PEOPLE, person.id, person.role, person.in_spaces)
            if reset is not None:
                await _put_reset(connection, person.id, reset)
            if identity is not None:
                await add_identity(connection, identity)
            given = shown_rights(person.role, person.in_spaces)
            record(connection, AuditedChange(ThingKind.PERSON, person.id, person.name, Action.CREATED, after=given))

    async def list_all(self) -> list[Person]:
        """Return all accounts, by name."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_PEOPLE)).all()
            given = await read_rights(connection, OF_PEOPLE, [row.id for row in rows])
        found = (_person(row, given) for row in rows)
        return sorted(found, key=lambda person: (person.name.casefold(), person.id))

    async def get(self, id: str) -> Person:
        """Return an account; raise NotFound if there is none."""
        return (await self.credentials_of(id)).person

    async def find(self, id_or_key: str, name_key: str) -> Person:
        """Return the account with this id or name; raise NotFound if there is none."""
        found = await self._credentials(_PEOPLE.where((people.c.id == id_or_key) | (people.c.name_key == name_key)))
        if found is None:
            raise NotFound(f"there is no account {id_or_key!r}: `signage-origin people list` lists them")
        return found.person

    async def by_name(self, name_key: str) -> Credentials | None:
        """Return the account of a name with its credentials, or None."""
        return await self._credentials(_PEOPLE.where(people.c.name_key == name_key))

    async def credentials_of(self, id: str) -> Credentials:
        """Return an account with its credentials; raise NotFound if there is none."""
        found = await self._credentials(_PEOPLE.where(people.c.id == id))
        if found is None:
            raise NotFound(f"there is no account {id}")
        return found

    async def change(self, id: str, *, name: tuple[str, str] | None, rights: RightsChange | None) -> None:
        """Give an account another name (with its key) or other rights; other rights end its sessions.

        Raises:
            NotFound: there is no such account.
            Conflict: somebody else has the name, or no administrator would be left.
            Rejected: there is no space that it is to have a role in, or it would have no role at all.
        """
        async with self._database.turn(TURN), self._database.writing() as connection:
            row = await _locked(connection, id)
            before = Rights.held(_role(row), (await read_rights(connection, OF_PEOPLE, [id])).get(id, frozenset()))
            if name is not None:
                await _check_name(connection, name[1], name[0], beside=id)
                await _update(connection, id, name=name[0], name_key=name[1])
            after = before if rights is None else rights.of(before)
            if after != before:
                role = after.for_everything
                await _update(connection, id, role=role or "")
                await give_rights(connection, OF_PEOPLE, id, role, after.in_spaces)
                await _end_sessions(connection, id)
                await check_one_stays(connection)
            shown = row.name if name is None else name[0]
            old, new = _shown(row.name, before), _shown(shown, after)
            record(connection, AuditedChange(ThingKind.PERSON, id, shown, Action.CHANGED, before=old, after=new))

    async def remove(self, id: str) -> None:
        """Delete an account with its sessions.

        Raises:
            NotFound: there is no such account.
            Conflict: no administrator would be left.
        """
        async with self._database.turn(TURN), self._database.writing() as connection:
            name = (await _locked(connection, id)).name
            await connection.execute(delete(people).where(people.c.id == id))
            await check_one_stays(connection)
            record(connection, AuditedChange(ThingKind.PERSON, id, name, Action.REMOVED))

    async def begin_anew(self, id: str, reset: Reset, *, even_last: bool = False) -> None:
        """Take all that one logs in with, sessions and known browsers from an account; a code sets a new password.

        Raises:
            NotFound: there is no such account.
            Conflict: no administrator would be left, unless it is to be done `even_last`.
        """
        async with self._database.turn(TURN), self._database.writing() as connection:
            name = (await _locked(connection, id)).name
            await _update(connection, id, password_hash=None, app_secret=None)
            await connection.execute(delete(recovery_codes).where(recovery_codes.c.person_id == id))
            await connection.execute(delete(passkeys).where(passkeys.c.person_id == id))
            await _end_sessions(connection, id)
            await connection.execute(delete(browsers).where(browsers.c.person_id == id))
            await _put_reset(connection, id, reset)
            if not even_last:
                await check_one_stays(connection)
            record(connection, AuditedChange(ThingKind.PERSON, id, name, Action.RESET))

    async def of_reset(self, reset_hash: str, now_ms: int) -> Person | None:
        """Return whose one-time code this is, or None if it was used or has expired."""
        valid = (resets.c.hash == reset_hash) & (resets.c.expires_ms > now_ms)
        found = await self._credentials(_PEOPLE.where(exists().where(resets.c.person_id == people.c.id, valid)))
        return None if found is None else found.person

    async def use_reset(self, reset_hash: str, password_hash: str, now_ms: int) -> str | None:
        """Set the password by a one-time code; return the id of the account, None if the code is not valid."""
        async with self._database.writing() as connection:
            valid = (resets.c.hash == reset_hash) & (resets.c.expires_ms > now_ms)
            whose = select(people.c.id).join(resets, resets.c.person_id == people.c.id).where(valid)
            id: str | None = await connection.scalar(whose.with_for_update(of=people))  # first, as a reset does
            if id is None or not (await connection.execute(delete(resets).where(valid))).rowcount:
                return None
            await _update(connection, id, password_hash=password_hash)
            await _end_sessions(connection, id)
            await record_own(connection, id, Action.PASSWORD_SET)
            return id

    async def change_password(self, id: str, old_hash: str, new_hash: str, *, session: str, browser: str) -> None:
        """Set a password in place of the one that the caller knew; end all other sessions and forget other browsers.

        Raises:
            Unauthenticated: the password was changed meanwhile.
        """
        async with self._database.writing() as connection:
            await _check_unchanged(connection, id, old_hash)
            await _update(connection, id, password_hash=new_hash)
            await connection.execute(delete(resets).where(resets.c.person_id == id))
            await withdraw_challenges(connection, id)
            await connection.execute(delete(sessions).where(sessions.c.person_id == id, sessions.c.hash != session))
            await connection.execute(delete(browsers).where(browsers.c.person_id == id, browsers.c.hash != browser))
            await record_own(connection, id, Action.PASSWORD_SET)

    async def rehash(self, id: str, old_hash: str, new_hash: str) -> None:
        """Replace the hash of the same password, unless that was changed meanwhile."""
        async with self._database.writing() as connection:
            same = (people.c.id == id) & (people.c.password_hash == old_hash)
            await connection.execute(update(people).where(same).values(password_hash=new_hash))

    async def app_secrets(self) -> Mapping[str, str]:
        """Return the secrets of all apps as they are stored, by person."""
        held = select(people.c.id, people.c.app_secret).where(people.c.app_secret.is_not(None))
        async with self._database.reading() as connection:
            return {row.id: row.app_secret for row in await connection.execute(held)}

    async def replace_app_secret(self, id: str, old: str, new: str) -> None:
        """Store the same secret in another form, unless there is another one meanwhile."""
        same = (people.c.id == id) & (people.c.app_secret == old)
        async with self._database.writing() as connection:
            await connection.execute(update(people).where(same).values(app_secret=new))

    async def use_app_step(self, id: str, step: int) -> bool:
        """Note that the code of a step was used; return whether it, and each later one, was not used before."""
        unused = (people.c.id == id) & (people.c.app_step < step) & people.c.app_secret.is_not(None)
        async with self._database.writing() as connection:
            return (await connection.execute(update(people).where(unused).values(app_step=step))).rowcount == 1

    async def use_recovery_code(self, id: str, code_hash: str) -> bool:
        """Delete a recovery code; return whether it was there."""
        one = (recovery_codes.c.person_id == id) & (recovery_codes.c.hash == code_hash)
        async with self._database.writing() as connection:
            was_there = (await connection.execute(delete(recovery_codes).where(one))).rowcount == 1
            if was_there:
                await record_own(connection, id, Action.RECOVERY_CODE_USED)
            return was_there

    async def set_second_factor(
        self, id: str, password_hash: str, secret: str | None, step: int, codes: Sequence[str]
    ) -> None:
        """Set or (None) remove the secret of the app, and replace the recovery codes, given by their hashes.

        Raises:
            Unauthenticated: the password was changed meanwhile.
        """
        async with self._database.writing() as connection:
            await _check_unchanged(connection, id, password_hash)
            await _update(connection, id, app_secret=secret, app_step=step)
            await connection.execute(delete(recovery_codes).where(recovery_codes.c.person_id == id))
            if codes:
                await connection.execute(insert(recovery_codes), [{"person_id": id, "hash": code} for code in codes])
            after = {"second_factor": secret is not None, "recovery_codes": len(codes)}
            await record_own(connection, id, Action.SECOND_FACTOR_SET, after)

    async def _credentials(self, query: Select[Any]) -> Credentials | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
            if row is None:
                return None
            given = await read_rights(connection, OF_PEOPLE, [row.id])
        return Credentials(_person(row, given), row.password_hash, row.app_secret, row.app_step)


async def _locked(connection: AsyncConnection, id: str) -> Row[Any]:
    row = (await connection.execute(select(people).where(people.c.id == id).with_for_update())).first()
    if row is None:
        raise NotFound(f"there is no account {id}")
    return row


def _shown(name: str, rights: Rights) -> dict[str, Any]:
    return {"name": name, **shown_rights(rights.for_everything, rights.in_spaces)}


async def _check_unchanged(connection: AsyncConnection, id: str, password_hash: str) -> None:
    if (await _locked(connection, id)).password_hash != password_hash:
        raise Unauthenticated("the password was changed meanwhile: log in with the new one")


async def _check_name(connection: AsyncConnection, name_key: str, name: str, beside: str = "") -> None:
    if await connection.scalar(select(people.c.id).where(people.c.name_key == name_key, people.c.id != beside)):
        raise Conflict(f"there is an account named {name!r} already: choose another name")


async def _update(connection: AsyncConnection, id: str, **values: Any) -> None:
    await connection.execute(update(people).where(people.c.id == id).values(**values))


async def _end_sessions(connection: AsyncConnection, id: str) -> None:
    await withdraw_challenges(connection, id)
    await connection.execute(delete(sessions).where(sessions.c.person_id == id))


async def _put_reset(connection: AsyncConnection, id: str, reset: Reset) -> None:
    await connection.execute(delete(resets).where(resets.c.person_id == id))
    await connection.execute(insert(resets).values(person_id=id, hash=reset.hash, expires_ms=reset.expires_ms))


def _role(row: Row[Any]) -> Role | None:
    return Role(row.role) if row.role else None


def _person(row: Row[Any], given: Mapping[str, frozenset[Right]]) -> Person:
    return Person(
        row.id,
        row.name,
        _role(row),
        row.created_ms,
        has_password=row.password_hash is not None,
        has_second_factor=row.app_secret is not None,
        recovery_codes=row.codes_left,
        passkeys=row.passkeys,
        in_spaces=given.get(row.id, frozenset()),
        subject=row.identity_subject,
    )
