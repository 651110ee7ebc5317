"""Lets people in whom the provider of identities knows: by an account that is linked, or by a rule of the settings."""

import logging
import secrets
from collections.abc import Mapping

from sync.errors import Conflict, Forbidden, Rejected, Unauthenticated
from sync.origin.login.accounts import PeopleAccounts
from sync.origin.login.attempts import Attempts
from sync.origin.login.provider import Provider
from sync.origin.people.names import LONGEST_NAME, account_name, name_key
from sync.origin.people.provider_tokens import Entrant, entrant
from sync.origin.people.tries import limits_of_beginning
from sync.origin.store.people.identities import Identity, IdentityStore
from sync.origin.store.people.login_challenges import Challenge, ChallengeStore, Purpose
from sync.origin.store.people.people import Person, RightsChange
from sync.roles import Role
from sync.runtime.clock import Clock, unix_ms
from sync.trust.signing import new_token, token_hash

VALID_S = 900
"""How long somebody may take at the provider."""
_MOST_OF_ONE_NAME = 50

log = logging.getLogger(__name__)


class ProviderLogIn:
    """Sends browsers to the provider, and finds the account of who comes back."""

    def __init__(
        self,
        provider: Provider,
        rule: tuple[str, Mapping[str, Role]],
        accounts: PeopleAccounts,
        identities: IdentityStore,
        challenges: ChallengeStore,
        attempts: Attempts,
        clock: Clock,
    ) -> None:
        self._provider = provider
        self._rule = rule
        self._accounts = accounts
        self._identities = identities
        self._challenges = challenges
        self._attempts = attempts
        self._clock = clock

    async def begin(self, cookie: str, *, network: str, known: str | None) -> str:
        """Return where to send a browser that has this cookie; `known` is that of an earlier log-in, by its hash.

        Raises:
            TooManyTries: from this network, or in the known browser, it was begun too often.
            ProviderFailed: the provider does not answer.
        """
        self._attempts.begin(limits_of_beginning(network, known))
        state = new_token()
        address = await self._provider.begin(state, cookie)
        now_ms = self._now_ms()
        asked = Challenge(token_hash(state), Purpose.PROVIDER, token_hash(cookie), now_ms + VALID_S * 1000)
        await self._challenges.add(asked, now_ms)
        return address

    async def check(self, code: str, state: str, issuer: str | None, cookie: str) -> tuple[Person, str]:
        """Return the account of who came back with a code, and the subject that it is linked to.

        Raises:
            Unauthenticated: this browser was not sent there, too long ago, or came back already.
            ProviderFailed: what the provider says does not count.
            Forbidden: nobody here belongs to whom it names.
        """
        if not await self._challenges.take(token_hash(state), Purpose.PROVIDER, token_hash(cookie), self._now_ms()):
            raise Unauthenticated("this took too long, or was done already: press the button once more")
        claims = await self._provider.claims(code, state, cookie, issuer)
        who = entrant(claims, *self._rule)
        return await self._account_of(who), who.subject

    async def link(self, person: str, subject: str) -> None:
        """Link an account to whom the provider names by a subject; sessions by the one before end.

        Raises:
            NotFound: there is no such account.
            Conflict: another account is linked to it.
        """
        await self._identities.link(self._provider.client.issuer, subject, person)
        log.info("person=%s linked to the provider", person)

    async def unlink(self, person: str) -> None:
        """Have an account be nobody's at the provider; sessions by it end.

        Raises:
            NotFound: there is no such account.
        """
        await self._identities.unlink(person)
        log.info("person=%s linked to the provider no more", person)

    async def _account_of(self, who: Entrant) -> Person:
        issuer = self._provider.client.issuer
        known = await self._identities.find(issuer, who.subject)
        if known is None:
            return await self._made_by_rule(who)
        if known.by_rule and who.role is None:
            await self._identities.end_sessions(known.person_id)
            raise self._nobody(who)
        if known.by_rule:
            await self._follow_rule(known.person_id, who.role)
        return await self._accounts.people.get(known.person_id)

    async def _follow_rule(self, person: str, role: Role | None) -> None:
        if (await self._accounts.people.get(person)).role != role:
            await self._accounts.change(person, None, RightsChange(role=role))

    async def _made_by_rule(self, who: Entrant) -> Person:
        if who.role is None:
            raise self._nobody(who)
        issuer, now_ms = self._provider.client.issuer, self._now_ms()
        for name in _names(who):
            person = Person(secrets.token_hex(8), name, who.role, now_ms)
            identity = Identity(issuer, who.subject, person.id, by_rule=True)
            try:
                await self._accounts.people.add(person, name_key(name), None, None, identity)
            except Conflict:
                if (known := await self._identities.find(issuer, who.subject)) is not None:
                    return await self._accounts.people.get(known.person_id)  # made at the same moment
                continue
            log.info("person=%s role=%s made by the rule of oidc.roles", person.id, person.role)
            return person
        raise Conflict(f"no account can be made for {who.name!r}: too many have this name, or there are too many")

    def _nobody(self, who: Entrant) -> Forbidden:
        return Forbidden(
            f"the provider knows you, and no account here belongs to you: ask an administrator to link one to the "
            f"subject {who.subject!r}, or to give you a role at the provider"
        )

    def _now_ms(self) -> int:
        return unix_ms(self._clock.now())


def _names(who: Entrant) -> list[str]:
    """Return what an account may be called: as the provider says, with a number where others have that name."""
    try:
        name = account_name(who.name[: LONGEST_NAME - 5])
    except Rejected:
        name = account_name(f"account {secrets.token_hex(4)}")
    return [name, *(f"{name} ({number})" for number in range(2, _MOST_OF_ONE_NAME))]
