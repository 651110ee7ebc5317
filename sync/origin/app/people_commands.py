"""The commands `signage-origin people` and `keys`: who may log in, and as what."""

import argparse
from typing import Any

from sync.origin.http.auth import make_key
from sync.origin.login.accounts import OneTimeCode
from sync.origin.people.names import name_key
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.people.people import Person
from sync.origin.wiring.origin import Origin
from sync.roles import Role, with_article
from sync.runtime.clock import SystemClock, instant

ROLES_BY_ACCESS = {"read": Role.VIEWER, "write": Role.ADMINISTRATOR}
"""What `--access` of keys meant before there were roles."""

Answer = tuple[Any, list[str]]


async def list_keys(origin: Origin, options: argparse.Namespace) -> Answer:
    """List keys without their secrets."""
    keys = [
        {"id": key.id, "name": key.name, "role": key.role, "created_at": _utc(key.created_ms)}
        for key in await origin.keys.list_all()
    ]
    return keys, [f"{key['name']}  {key['role']}  since {key['created_at']}" for key in keys]


async def add_key(origin: Origin, options: argparse.Namespace) -> Answer:
    """Make a key and print it, once."""
    role = Role(options.role or ROLES_BY_ACCESS[options.access or "read"])
    key, token = await make_key(origin.keys, SystemClock(), options.name, role)
    shown = {"id": key.id, "name": key.name, "role": key.role, "token": token}
    return shown, [token, f"This is the key of {key.name}, {with_article(role)}. It is shown only now."]


async def revoke_key(origin: Origin, options: argparse.Namespace) -> Answer:
    """Make a key invalid."""
    key = await origin.keys.remove(options.key)
    return {"revoked": key.id}, [f"The key of {key.name} is no longer valid."]


async def list_people(origin: Origin, options: argparse.Namespace) -> Answer:
    """List accounts."""
    found = await origin.accounts.people.list_all()
    return [_shown(one) for one in found], [f"{one.name}  {one.role}  {_state(one)}" for one in found]


async def add_person(origin: Origin, options: argparse.Namespace) -> Answer:
    """Make an account, and print the code that sets its password, once."""
    person, code = await origin.accounts.add(options.name, Role(options.role))
    assert code is not None, "an account without a password gets a code"
    return _with_code(person, code, origin.settings)


async def change_role(origin: Origin, options: argparse.Namespace) -> Answer:
    """Give an account another role; its sessions end."""
    person = await _find(origin, options.person)
    person = await origin.accounts.change(person.id, None, Role(options.role))
    return _shown(person), [f"{person.name} is {with_article(person.role)} now."]


async def reset_person(origin: Origin, options: argparse.Namespace) -> Answer:
    """Take password, codes, passkeys and sessions from an account, and print the code that sets a new password."""
    person = await _find(origin, options.person)
    code = await origin.accounts.reset(person.id, even_last=True)  # who is at the machine can make another one
    return _with_code(person, code, origin.settings)


async def remove_person(origin: Origin, options: argparse.Namespace) -> Answer:
    """Remove an account; its sessions end."""
    person = await _find(origin, options.person)
    await origin.accounts.remove(person.id)
    return {"removed": person.id}, [f"The account of {person.name} is removed."]


async def _find(origin: Origin, named: str) -> Person:
    return await origin.accounts.people.find(named, name_key(named))


def _with_code(person: Person, code: OneTimeCode, settings: OriginConfiguration) -> Answer:
    server = settings.server
    host = "localhost" if server.host in ("127.0.0.1", "::1", "0.0.0.0", "::") else server.host
    host = f"[{host}]" if ":" in host else host
    link, expires = f"http://{host}:{server.port}/{code.fragment}", _utc(code.expires_ms)
    shown = {**_shown(person), "code": code.code, "link": link, "expires_at": expires}
    return shown, [
        link,
        f"{person.name} sets a password there, once, until {expires}. It is shown only now; where the console has "
        f"another address, that one followed by /{code.fragment[:6]}… does the same.",
    ]


def _shown(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "role": person.role,
        "created_at": _utc(person.created_ms),
        "has_password": person.has_password,
        "has_second_factor": person.has_second_factor,
        "passkeys": person.passkeys,
    }


def _state(person: Person) -> str:
    if not person.has_password:
        return "has not set a password yet"
    ways = "password and code" if person.has_second_factor else "password"
    return f"{ways}, {person.passkeys} passkeys" if person.passkeys else ways


def _utc(ms: int) -> str:
    return instant(ms).isoformat(timespec="seconds").replace("+00:00", "Z")
