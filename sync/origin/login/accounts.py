"""Makes accounts, and one-time codes by which people set their password; for the API and the command line."""

import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from sync.errors import Unauthenticated
from sync.origin.login.log_in import LogIn
from sync.origin.people.names import account_name, name_key, new_password
from sync.origin.store.people.people import PeopleStore, Person, Reset, RightsChange
from sync.roles import Right, Role
from sync.runtime.clock import Clock, unix_ms
from sync.trust.sealing import is_sealed
from sync.trust.signing import new_token, token_hash

RESET_S = 24 * 3600

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """A code that sets a password, once, until it expires. It is returned only now and stored nowhere."""

    code: str = field(repr=False)
    expires_ms: int

    @property
    def fragment(self) -> str:
        """What follows the address of the console in a link. A browser sends it to nobody, so it is in no log."""
        return f"#code={self.code}"


class PeopleAccounts:
    """Makes, changes, resets and removes accounts."""

    def __init__(self, people: PeopleStore, login: LogIn, clock: Clock) -> None:
        self.people = people
        self._login = login
        self._clock = clock

    async def add(
        self, name: str, role: Role | None, password: str | None = None, in_spaces: Iterable[Right] = ()
    ) -> tuple[Person, OneTimeCode | None]:
        """Make an account with a password, or with a one-time code that sets one.

        Raises:
            Rejected: the name or the password cannot be taken, there is no such space, or it would have no role.
            Conflict: somebody has this name.
            Overloaded: too many log in at once.
        """
        shown = account_name(name)
        hashed = None if password is None else await self._login.hash(new_password(password, shown))
        id, code = secrets.token_hex(8), self._code() if hashed is None else None
        made_ms, given = unix_ms(self._clock.now()), frozenset(in_spaces)
        person = Person(id, shown, role, made_ms, has_password=hashed is not None, in_spaces=given)
        reset = None if code is None else Reset(token_hash(code.code), code.expires_ms)
        await self.people.add(person, name_key(shown), hashed, reset)
        log.info("person=%s role=%s made", id, role)
        return person, code

    async def change(self, id: str, name: str | None = None, rights: RightsChange | None = None) -> Person:
        """Give an account another name or other rights.

        Raises:
            NotFound: there is no such account.
            Rejected: the name cannot be taken, there is no such space, or it would have no role.
            Conflict: somebody else has it, or no administrator would be left.
        """
        shown = None if name is None else account_name(name)
        named = None if shown is None else (shown, name_key(shown))
        await self.people.change(id, name=named, rights=rights)
        log.info("person=%s changed", id)
        return await self.people.get(id)

    async def reset(self, id: str, *, even_last: bool = False) -> OneTimeCode:
        """Take password, codes, passkeys and sessions from an account; return the code that sets a new password.

        Raises:
            NotFound: there is no such account.
            Conflict: no administrator would be left, unless it is to be done `even_last`.
        """
        code = self._code()
        await self.people.begin_anew(id, Reset(token_hash(code.code), code.expires_ms), even_last=even_last)
        log.info("person=%s reset", id)
        return code

    async def remove(self, id: str) -> None:
        """Remove an account; its sessions end.

        Raises:
            NotFound: there is no such account.
            Conflict: no administrator would be left.
        """
        await self.people.remove(id)
        log.info("person=%s removed", id)

    async def set_password(self, code: str, password: str) -> Person:
        """Set a password by a one-time code.

        Raises:
            Unauthenticated: the code is not valid, or not any more.
            Rejected: the password cannot be taken; the code stays valid.
            Overloaded: too many log in at once.
        """
        proof, now_ms = token_hash(code.strip()), unix_ms(self._clock.now())
        person = await self.people.of_reset(proof, now_ms)
        if person is None:
            raise _not_valid()
        hashed = await self._login.hash(new_password(password, person.name))
        if await self.people.use_reset(proof, hashed, now_ms) is None:
            raise _not_valid()
        log.info("person=%s set a password by a one-time code", person.id)
        return person

    async def seal_secrets(self) -> None:
        """Seal the secrets of authenticator apps that an earlier version stored as they are."""
        stored, seal = await self.people.app_secrets(), self._login.seal
        if seal.is_new and (lost := sum(map(is_sealed, stored.values()))):
            log.warning(
                "%s was lost and is made anew: accounts=%s have apps whose codes count no more", seal.where, lost
            )
        for person, secret in stored.items():
            if not is_sealed(secret):
                await self.people.replace_app_secret(person, secret, seal.close(secret, person))
                log.info("person=%s has the secret of the app sealed now", person)

    def _code(self) -> OneTimeCode:
        return OneTimeCode(new_token(), unix_ms(self._clock.now()) + RESET_S * 1000)


def _not_valid() -> Unauthenticated:
    return Unauthenticated("this one-time code was used, or has expired: ask an administrator for another one")
