"""Builds what people log in with: accounts, keys and sessions."""

from dataclasses import dataclass

from sync.origin.api.people.account_routes import AccountRoutes
from sync.origin.api.people.key_routes import KeyRoutes
from sync.origin.api.people.people_routes import PeopleRoutes
from sync.origin.api.people.session_routes import SessionRoutes
from sync.origin.login.accounts import PeopleAccounts
from sync.origin.login.attempts import Attempts
from sync.origin.login.hashing import Hashing
from sync.origin.login.log_in import LogIn
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.people.keys import KeyStore
from sync.origin.store.people.people import PeopleStore
from sync.origin.store.people.sessions import SessionStore
from sync.origin.wiring.parts import Routes
from sync.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class PeopleParts:
    """Keys and accounts, and what serves them."""

    keys: KeyStore
    accounts: PeopleAccounts
    routes: tuple[Routes, ...]


def people_parts(database: OriginDatabase, clock: Clock) -> PeopleParts:
    """Build them."""
    keys, people, sessions = KeyStore(database), PeopleStore(database), SessionStore(database)
    login = LogIn(people, sessions, Hashing(), Attempts(clock), clock)
    accounts = PeopleAccounts(people, login, clock)
    own = AccountRoutes(people, accounts, login, clock)
    routes = (SessionRoutes(login, sessions, clock), own, PeopleRoutes(accounts), KeyRoutes(keys, clock))
    return PeopleParts(keys, accounts, routes)
