"""Logs people in by passkeys, and adds and removes those: asks a browser to sign, and checks what it answers."""

import logging
import secrets
from typing import Any

from sync.errors import Conflict, Unauthenticated
from sync.origin.login.attempts import Attempts
from sync.origin.login.log_in import LogIn
from sync.origin.people.passkeys import (
    VALID_S,
    Answer,
    NewPasskey,
    challenge_of,
    creation_options,
    new_passkey,
    request_options,
    used_passkey,
)
from sync.origin.people.relying_party import RelyingParty
from sync.origin.people.tries import limits_of_beginning
from sync.origin.store.people.login_challenges import Challenge, ChallengeStore, Purpose
from sync.origin.store.people.passkeys import MOST_PASSKEYS, Passkey, PasskeyStore
from sync.origin.store.people.people import PeopleStore, Person
from sync.runtime.clock import Clock, unix_ms
from sync.trust.signing import new_token, token_hash

log = logging.getLogger(__name__)


class PasskeyLogIn:
    """Asks and checks. A challenge is answered once, soon, and by the browser that was asked; `browser` is its hash."""

    def __init__(
        self,
        people: PeopleStore,
        passkeys: PasskeyStore,
        challenges: ChallengeStore,
        login: LogIn,
        attempts: Attempts,
        clock: Clock,
    ) -> None:
        self.passkeys = passkeys
        self._people = people
        self._challenges = challenges
        self._login = login
        self._attempts = attempts
        self._clock = clock

    async def begin(self, party: RelyingParty, *, network: str, known: str | None, browser: str) -> dict[str, Any]:
        """Return what a browser is to be asked so that somebody logs in; `known` is that of an earlier log-in.

        Raises:
            TooManyTries: from this network, or in the known browser, it was begun too often.
        """
        self._attempts.begin(limits_of_beginning(network, known))
        token = new_token()
        await self._challenges.add(self._challenge(token, Purpose.LOG_IN, browser), self._now_ms())
        return request_options(party, token)

    async def check(self, answer: Answer, party: RelyingParty, browser: str) -> tuple[Person, str]:
        """Return whom an answer lets in, and the id of the passkey.

        Raises:
            Rejected: it is no answer of a passkey.
            Unauthenticated: it is not right, too late, not the first one, or not of this browser.
        """
        token = challenge_of(answer)
        if not await self._challenges.take(token_hash(token), Purpose.LOG_IN, browser, self._now_ms()):
            raise Unauthenticated("this took too long, or was answered already: press the button once more")
        known = await self.passkeys.by_credential(str(answer.get("id", "")))
        if known is None:
            raise Unauthenticated(
                "this passkey is not known here, or was removed: log in in another way, and remove it from your device"
            )
        used = used_passkey(answer, party, token, _as_made(known), known.person_id)
        if not await self.passkeys.use(known.id, used.sign_count, used.is_synced, self._now_ms()):
            raise Unauthenticated("this passkey was used or removed at the same moment: try again")
        return await self._people.get(known.person_id), known.id

    async def begin_adding(self, person: str, password: str, party: RelyingParty, browser: str) -> dict[str, Any]:
        """Return what a browser is to be asked so that a person who repeats the password has another passkey.

        Raises:
            Forbidden: the password is wrong.
            TooManyTries: too many were wrong.
            Conflict: there are too many passkeys.
        """
        account = await self._login.check_own(person, password)
        own = await self.passkeys.of(person)
        if len(own) >= MOST_PASSKEYS:
            raise Conflict(f"you have {MOST_PASSKEYS} passkeys already: remove one that you do not use")
        token = new_token()
        challenge = self._challenge(token, Purpose.ADD_PASSKEY, browser, person)
        await self._challenges.add(challenge, self._now_ms(), password_hash=account.password_hash)
        known = [one.credential for one in own if one.host == party.host]
        return creation_options(party, token, person, account.person.name, known)

    async def add(self, person: str, name: str, answer: Answer, party: RelyingParty, browser: str) -> Passkey:
        """Add the passkey that an authenticator made.

        Raises:
            Rejected: it cannot be taken.
            Conflict: it was not asked for in this browser, or too long ago; it is known; or there are too many.
        """
        token = challenge_of(answer)
        made, now_ms = new_passkey(answer, party, token), self._now_ms()
        passkey = Passkey(
            secrets.token_hex(8),
            person,
            made.credential,
            made.public_key,
            made.sign_count,
            made.can_sync,
            made.is_synced,
            party.host,
            name,
            now_ms,
        )
        await self.passkeys.add(passkey, token_hash(token), browser)
        log.info("person=%s passkey=%s added", person, passkey.id)
        return passkey

    async def remove(self, person: str, id: str, password: str, *, session: str) -> None:
        """Remove a passkey of a person who repeats the password; the sessions it opened end, but this one.

        Raises:
            Forbidden: the password is wrong.
            TooManyTries: too many were wrong.
            NotFound: there is no such passkey.
        """
        await self._login.check_own(person, password)
        await self.passkeys.remove(id, person, session=session)
        log.info("person=%s passkey=%s removed", person, id)

    def _challenge(self, token: str, purpose: Purpose, browser: str, person: str | None = None) -> Challenge:
        return Challenge(token_hash(token), purpose, browser, self._now_ms() + VALID_S * 1000, person)

    def _now_ms(self) -> int:
        return unix_ms(self._clock.now())


def _as_made(known: Passkey) -> NewPasskey:
    return NewPasskey(known.credential, known.public_key, known.sign_count, known.can_sync, known.is_synced)
