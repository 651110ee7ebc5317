"""Builds what people log in with: the part of the wiring that is about accounts and sessions."""

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
from sync.runtime.clock import Clock

PeopleParts = tuple[PeopleAccounts, tuple[SessionRoutes, AccountRoutes, PeopleRoutes, KeyRoutes]]


def people_parts(database: OriginDatabase, clock: Clock) -> PeopleParts:
    """Return the accounts, and the routes about people."""
    people, sessions = PeopleStore(database), SessionStore(database)
    login = LogIn(people, sessions, Hashing(), Attempts(clock), clock)
    accounts = PeopleAccounts(people, login, clock)
    own = AccountRoutes(people, accounts, login, clock)
    keys = KeyRoutes(KeyStore(database), clock)
    return accounts, (SessionRoutes(login, sessions, clock), own, PeopleRoutes(accounts), keys)
