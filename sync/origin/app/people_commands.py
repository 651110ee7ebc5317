"""The commands `signage-origin people` and `keys`: who may log in, and as what."""

import argparse
from typing import Any

from sync.origin.http.auth import make_key
from sync.origin.login.accounts import OneTimeCode
from sync.origin.people.names import name_key
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.people.keys import Key
from sync.origin.store.people.people import Person, RightsChange
from sync.origin.wiring.origin import Origin
from sync.roles import Right, Rights, Role, in_words
from sync.runtime.clock import SystemClock, instant

ROLES_BY_ACCESS = {"read": Role.VIEWER, "write": Role.ADMINISTRATOR}
"""What `--access` of keys meant before there were roles."""

Answer = tuple[Any, list[str]]


async def list_keys(origin: Origin, options: argparse.Namespace) -> Answer:
    """List keys without their secrets."""
    keys = [
        {"id": key.id, "name": key.name, **_rights(key), "created_at": _utc(key.created_ms)}
        for key in await origin.keys.list_all()
    ]
    return keys, [f"{key['name']}  {_roles(key)}  since {key['created_at']}" for key in keys]


async def add_key(origin: Origin, options: argparse.Namespace) -> Answer:
    """Make a key and print it, once."""
    role = Role(options.role or ROLES_BY_ACCESS[options.access or "read"])
    key, token = await make_key(origin.keys, SystemClock(), options.name, *_given(role, options.space))
    shown = {"id": key.id, "name": key.name, **_rights(key), "token": token}
    words = in_words(Rights.held(key.role, key.in_spaces))
    return shown, [token, f"This is the key of {key.name}, {words}. It is shown only now."]


async def revoke_key(origin: Origin, options: argparse.Namespace) -> Answer:
    """Make a key invalid."""
    key = await origin.keys.remove(options.key)
    return {"revoked": key.id}, [f"The key of {key.name} is no longer valid."]


async def list_people(origin: Origin, options: argparse.Namespace) -> Answer:
    """List accounts."""
    found = await origin.accounts.people.list_all()
    return [_shown(one) for one in found], [f"{one.name}  {_roles(_rights(one))}  {_state(one)}" for one in found]


async def add_person(origin: Origin, options: argparse.Namespace) -> Answer:
    """Make an account, and print the code that sets its password, once."""
    role, in_spaces = _given(Role(options.role), options.space)
    person, code = await origin.accounts.add(options.name, role, in_spaces=in_spaces)
    assert code is not None, "an account without a password gets a code"
    return _with_code(person, code, origin.settings)


async def change_role(origin: Origin, options: argparse.Namespace) -> Answer:
    """Give an account another role for everything, or one more in a space; its sessions end."""
    person = await _find(origin, options.person)
    role, in_spaces = _given(Role(options.role), options.space)
    change = RightsChange(role=role, in_spaces=person.in_spaces | in_spaces)
    person = await origin.accounts.change(person.id, rights=change)
    return _shown(person), [f"{person.name} is {in_words(person.rights)} now."]


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
        **_rights(person),
        "created_at": _utc(person.created_ms),
        "has_password": person.has_password,
        "has_second_factor": person.has_second_factor,
        "passkeys": person.passkeys,
    }


def _given(role: Role, space: str | None) -> tuple[Role | None, frozenset[Right]]:
    """Return the role for everything and the rights in spaces of who has a role in a space, None: for everything."""
    return (role, frozenset()) if space is None else (None, frozenset({Right(role, space)}))


def _rights(one: Key | Person) -> dict[str, Any]:
    in_spaces = Rights.held(None, one.in_spaces).in_spaces
    shown = [{"role": right.role, "space": right.space} for right in in_spaces]
    return {"role": one.role, **({"rights": shown} if shown else {})}


def _roles(shown: dict[str, Any]) -> str:
    in_spaces = (f"{one['role']} in {one['space']}" for one in shown.get("rights", ()))
    return ", ".join(filter(None, (shown["role"], *in_spaces)))


def _state(person: Person) -> str:
    if not person.has_password:
        return "has not set a password yet"
    ways = "password and code" if person.has_second_factor else "password"
    return f"{ways}, {person.passkeys} passkeys" if person.passkeys else ways


def _utc(ms: int) -> str:
    return instant(ms).isoformat(timespec="seconds").replace("+00:00", "Z")
