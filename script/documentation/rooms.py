"""The page of rooms: what each owns, its files, and what it may import."""

import ast

from markdown import table

from tests import TOP
from tests.test_layers import FREE, MODULES, ROOMS, room_of

FLOORS = ("ground", "engines and stores", "services", "faces", "roots")


def page() -> str:
    """Return the page."""
    parts = [
        "# Rooms\n\nA room is a folder. It imports from its own floor or below, and only the rooms named here. "
        f"Every room may import {', '.join(f'`{room}`' for room in sorted(FREE))}. `tests/test_layers.py` checks it.\n"
    ]
    for number, floor in enumerate(FLOORS):
        parts.append(f"## {floor.capitalize()}\n")
        parts += [_room(room, rule) for room, (at, rule) in ROOMS.items() if at == number]
    return "\n".join(parts)


def _room(room: str, rule: str) -> str:
    may = ", ".join(f"`{name}`" for name in rule.split()) or "nothing"
    files = [module for module in sorted(MODULES) if room_of(module) == room and not (TOP / module).is_dir()]
    rows = [(f"`{file.rpartition('/')[2]}.py`", _first_sentence(file)) for file in files]
    return f"### {room}/\n\n{_sentence(room)}\n\nMay also import: {may}.\n\n" + (
        table(("file", "owns"), rows) if rows else ""
    )


def _sentence(room: str) -> str:
    return (ast.get_docstring(MODULES[room]) or "").split("\n\n")[0].replace("\n", " ")


def _first_sentence(module: str) -> str:
    return (ast.get_docstring(MODULES[module]) or "").split("\n\n")[0]
