"""Checks name, password and code of who logs in, and the password of who is about to change an account."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sync.errors import CodeNeeded, Forbidden, Overloaded, TooManyTries, Unauthenticated
from sync.origin.audit.changes import Action
from sync.origin.login.attempts import Attempts
from sync.origin.login.hashing import Hashing
from sync.origin.login.refused_log_ins import RefusedLogIns
from sync.origin.people.names import name_key, prepared_password
from sync.origin.people.password_hash import NOBODYS_HASH, fits, hash_password, is_outdated
from sync.origin.people.second_factor import bare_code, matching_step
from sync.origin.people.tries import OWN_PASSWORD, Limit, limits_of, limits_of_codes
from sync.origin.store.people.people import Credentials, PeopleStore
from sync.origin.store.people.sessions import SessionStore
from sync.runtime.clock import Clock, unix_ms
from sync.trust.sealing import open_seal
from sync.trust.signing import token_hash

_WRONG = "this name and password do not belong together"

log = logging.getLogger(__name__)


class LogIn:
    """Finds out whose name and password it is. What it says and how long it takes tells nobody who has an account.

    `key_file` has the key with which the secrets of authenticator apps are sealed.
    """

    def __init__(
        self,
        people: PeopleStore,
        sessions: SessionStore,
        hashing: Hashing,
        attempts: Attempts,
        refused: RefusedLogIns,
        key_file: Path,
        clock: Clock,
    ) -> None:
        self.seal = open_seal(key_file)
        self._people = people
        self._sessions = sessions
        self._hashing = hashing
        self._attempts = attempts
        self._refused = refused
        self._clock = clock

    async def check(self, name: str, password: str, code: str, *, network: str, browser: str | None) -> Credentials:
        """Return the account; `network` is that of the caller, `browser` the hash of the cookie of a known one.

        Raises:
            Unauthenticated: name, password or code is wrong.
            CodeNeeded: all is right, and there is a second factor but no code.
            TooManyTries: from here too many were wrong.
            Overloaded: too many log in at once.
        """
        key = name_key(name)
        found = await self._people.by_name(key)
        known = await self._known(browser, found)
        limits = limits_of(key, network, known)
        person = None if found is None else found.person
        try:
            account = await self._with_password(found, password, limits, is_known=known is not None)
            if account is None:
                log.info("log-in refused from=%s", network)
                raise Unauthenticated(_WRONG)
            await self._check_code(account, code, known)
        except (Unauthenticated, TooManyTries) as error:
            if not isinstance(error, CodeNeeded):
                await self._refused.note(person, network, _recorded(error))
            raise
        return account

    async def check_own(self, person: str, password: str) -> Credentials:
        """Return the account of who is logged in and repeats the password.

        Raises:
            Forbidden: it is wrong.
            TooManyTries: too many were wrong.
            Overloaded: too many log in at once.
        """
        limits: tuple[Limit, ...] = ((f"own {person}", OWN_PASSWORD),)
        found = await self._people.credentials_of(person)
        account = await self._with_password(found, password, limits, is_known=True)
        if account is None:
            await self._refused.note(None if found is None else found.person, "own", Action.LOG_IN_REFUSED)
            raise Forbidden("this is not your password")  # and no reason to log the page out
        return account

    async def hash(self, password: str) -> str:
        """Return the hash of a new password."""
        return await self._hashing.run(hash_password, password)

    async def _known(self, browser: str | None, found: Credentials | None) -> str | None:
        if browser is None:
            return None
        person = "" if found is None else found.person.id  # asking takes as long
        is_known = await self._sessions.knows_browser(browser, person, unix_ms(self._clock.now()))
        return browser if is_known else None

    async def _with_password(
        self, found: Credentials | None, password: str, limits: Sequence[Limit], *, is_known: bool
    ) -> Credentials | None:
        """Return the account if the password is right; without one it takes as long. A wrong one counts as a try."""
        stored = found.password_hash if found is not None else None
        prepared = prepared_password(password)
        self._attempts.begin(limits)
        run = self._hashing.run if is_known else self._hashing.run_for_stranger
        try:
            is_right = await run(fits, stored or NOBODYS_HASH, prepared or "")
        except Overloaded:
            self._attempts.give_back(limits)  # nobody looked whether it is right
            raise
        if found is None or stored is None or prepared is None or not is_right:
            return None
        self._attempts.give_back(limits)
        if is_outdated(stored):
            fresh = await self.hash(prepared)
            await self._people.rehash(found.person.id, stored, fresh)
            return replace(found, password_hash=fresh)  # nobody's, if another password was set meanwhile
        return found

    async def _check_code(self, account: Credentials, code: str, known: str | None) -> None:
        if account.app_secret is None:
            return
        if not code.strip():
            raise CodeNeeded("the code of your authenticator app is needed too, or one of your recovery codes")
        limits = limits_of_codes(account.person.id, known)  # only who has the password gets here
        self._attempts.begin(limits)
        if not await self._use(account, account.app_secret, code):
            raise Unauthenticated("this code is wrong, or was used already: wait for the next one")
        self._attempts.give_back(limits)

    async def _use(self, account: Credentials, stored: str, code: str) -> bool:
        """Use a code up; return whether it was right. Of two requests with one code one only gets True.

        Raises:
            StorageBroken: it may be one of the app, whose secret cannot be read.
        """
        person = account.person.id
        if code.replace(" ", "").isdecimal():  # else it is a recovery code, also where the secret cannot be read
            secret = self.seal.open(stored, person)
            step = matching_step(secret, code, unix_ms(self._clock.now()), account.app_step)
            if step is not None:
                return await self._people.use_app_step(person, step)
        if await self._people.use_recovery_code(person, token_hash(bare_code(code))):
            log.info("person=%s used a recovery code", person)
            return True
        return False


def _recorded(error: Unauthenticated | TooManyTries) -> Action:
    return Action.SLOWED_DOWN if isinstance(error, TooManyTries) else Action.LOG_IN_REFUSED
