"""The page of roles: who may call which operation of the origin, from its OpenAPI document."""

import asyncio
from collections.abc import Iterable, Mapping

from endpoints import origin_document
from markdown import table

from sync.roles import Role, includes

_YES = "yes"
_PURPOSES = {
    Role.VIEWER: "sees everything but secrets",
    Role.EDITOR: "changes what is to be shown: media, playlists, schedules, campaigns",
    Role.PUBLISHER: "also sends it out to the screens, and decides which plays count",
    Role.TECHNICIAN: "looks after screens: pairings, devices, their channels and keys; changes nothing in a channel",
    Role.ADMINISTRATOR: "may do everything, keys and people too",
}


def page() -> str:
    """Return the page."""
    document = asyncio.run(origin_document())
    rows = [
        (f"`{method.upper()} {path}`", *_cells(one["security"]), _YES if one.get("x-in-spaces") else "")
        for path, methods in sorted(document["paths"].items())
        for method, one in methods.items()
    ]
    return (
        "# Roles\n\nEach operation of the origin names the least role that it needs (`sync/roles.py`); its OpenAPI "
        "document says so too.\nA test calls every operation as everybody and compares.\nA role can be given "
        "for everything, or in a space. Who has it in a space only may call what *in a space* marks, and sees and "
        "changes there what lies in that space.\n\n"
        f"{table(('role', 'what it is for'), _PURPOSES.items())}\n"
        f"{table(('call', *Role, 'device', 'nobody', 'in a space'), rows)}\n"
        "*nobody*: no token, or one that is not known. *pairing*: the secret that a device made for its pairing. "
        "*here*: on this machine.\n"
    )


def _cells(security: Iterable[Mapping[str, list[str]]]) -> list[str]:
    """Return for each role, a device and nobody whether they are let in."""
    ways = list(security)
    if not ways:
        return [_YES] * (len(Role) + 2)
    if ways == [{"pairing": []}]:
        return [""] * (len(Role) + 1) + ["pairing"]
    needed = [Role(name) for way in ways for name in way.get("token", ())]
    is_for_people = any("token" in way for way in ways)
    people = [_YES if is_for_people and all(includes(role, one) for one in needed) else "" for role in Role]
    device = _YES if any("device" in way for way in ways) else ""
    return [*people, device, "here" if {} in ways else ""]
