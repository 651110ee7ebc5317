"""Builds what people log in with: accounts, keys and sessions."""

from dataclasses import dataclass

from sync.origin.api.people.account_routes import AccountRoutes
from sync.origin.api.people.key_routes import KeyRoutes
from sync.origin.api.people.page_sessions import PageSessions
from sync.origin.api.people.passkey_routes import PasskeyRoutes
from sync.origin.api.people.people_routes import PeopleRoutes
from sync.origin.api.people.provider_routes import ProviderRoutes
from sync.origin.api.people.session_routes import SessionRoutes
from sync.origin.api.spaces.lending_routes import LendingRoutes
from sync.origin.api.spaces.space_routes import SpaceRoutes
from sync.origin.http.host_header_check import allowed_names
from sync.origin.login.accounts import PeopleAccounts
from sync.origin.login.attempts import Attempts
from sync.origin.login.hashing import Hashing
from sync.origin.login.log_in import LogIn
from sync.origin.login.passkey_log_in import PasskeyLogIn
from sync.origin.login.provider import Provider
from sync.origin.login.provider_log_in import ProviderLogIn
from sync.origin.login.refused_log_ins import RefusedLogIns
from sync.origin.persistence.database import OriginDatabase
from sync.origin.settings.model import OidcSettings, OriginConfiguration
from sync.origin.store.drafts.ready_versions import ready_users, ready_uses
from sync.origin.store.people.identities import IdentityStore
from sync.origin.store.people.keys import KeyStore
from sync.origin.store.people.login_challenges import ChallengeStore
from sync.origin.store.people.passkeys import PasskeyStore
from sync.origin.store.people.people import PeopleStore
from sync.origin.store.people.refused_log_ins import RefusedLogInStore
from sync.origin.store.people.sessions import SessionStore
from sync.origin.store.spaces.moving import LendingStore
from sync.origin.store.spaces.space_table import SpaceStore
from sync.origin.wiring.parts import Routes
from sync.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class PeopleParts:
    """Keys and accounts, and what serves them."""

    keys: KeyStore
    accounts: PeopleAccounts
    routes: tuple[Routes, ...]


def people_parts(settings: OriginConfiguration, database: OriginDatabase, clock: Clock) -> PeopleParts:
    """Build them."""
    keys, people, sessions = KeyStore(database), PeopleStore(database), SessionStore(database)
    key_file = settings.storage.data_dir / "keys/accounts.key"
    attempts, pages = Attempts(clock), PageSessions(sessions, clock)
    refused = RefusedLogIns(RefusedLogInStore(database), clock)
    login = LogIn(people, sessions, Hashing(), attempts, refused, key_file, clock)
    accounts = PeopleAccounts(people, login, clock)
    passkeys = PasskeyLogIn(people, PasskeyStore(database), ChallengeStore(database), login, attempts, clock)
    names = allowed_names(settings.server.host, settings.server.allowed_hosts)
    identities, oidc = IdentityStore(database), settings.oidc
    provider = _provider(oidc, accounts, identities, ChallengeStore(database), attempts, clock)
    routes = (
        SessionRoutes(login, sessions, pages, clock),
        AccountRoutes(people, accounts, login, clock),
        PasskeyRoutes(passkeys, pages, names, (oidc.label, oidc.console) if oidc.issuer else None),
        ProviderRoutes(provider, pages, oidc.session_s),
        PeopleRoutes(accounts),
        KeyRoutes(keys, clock),
        SpaceRoutes(SpaceStore(database)),
        LendingRoutes(LendingStore(database, ready_users, ready_uses)),
    )
    return PeopleParts(keys, accounts, routes)


def _provider(
    oidc: OidcSettings,
    accounts: PeopleAccounts,
    identities: IdentityStore,
    challenges: ChallengeStore,
    attempts: Attempts,
    clock: Clock,
) -> ProviderLogIn | None:
    if not oidc.issuer:
        return None
    provider = Provider(oidc.issuer, oidc.client_id, oidc.secret, oidc.console, oidc.scopes, clock)
    rule = (oidc.role_claim, oidc.roles)
    return ProviderLogIn(provider, rule, accounts, identities, challenges, attempts, clock)
