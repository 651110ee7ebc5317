"""The rooms of the house as data: what each owns, which rooms it may import, and which library enters where.

A failure says where the import belongs. `docs/architecture.md` explains the floors.
"""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests import TOP

FREE = {"sync", "sync/runtime", "sync/wire", "sync/wire/input", "sync/words"}
"""Rooms that every room may import."""

GROUND, ENGINES_AND_STORES, SERVICES, FACES, ROOTS = range(5)

# room: (floor, the rooms it may import besides FREE)
ROOMS: dict[str, tuple[int, str]] = {
    "sync": (GROUND, ""),
    "sync/runtime": (GROUND, ""),
    "sync/wire": (GROUND, ""),
    "sync/wire/input": (GROUND, ""),
    "sync/words": (GROUND, ""),
    "sync/trust": (GROUND, ""),
    "sync/proof": (GROUND, "sync/trust"),
    "sync/http": (GROUND, ""),
    "sync/sandbox": (GROUND, ""),
    "player": (GROUND, ""),
    "player/platform": (GROUND, "sync/sandbox"),
    "player/protocol": (GROUND, "player/platform"),
    "player/settings": (GROUND, "player/platform"),
    "sync/origin": (GROUND, ""),
    "sync/origin/settings": (GROUND, ""),
    "sync/origin/planning": (GROUND, ""),
    "sync/origin/planning/media": (
        GROUND,
        "sync/origin/planning",
    ),
    "sync/origin/limits": (GROUND, ""),
    "sync/origin/editing": (ENGINES_AND_STORES, "sync/origin/audit sync/origin/planning"),
    "sync/origin/people": (ENGINES_AND_STORES, ""),
    "sync/origin/audit": (ENGINES_AND_STORES, ""),
    "sync/origin/tables": (ENGINES_AND_STORES, ""),
    "sync/device/store": (ENGINES_AND_STORES, "sync/trust"),
    "player/evidence": (ENGINES_AND_STORES, "sync/device/store sync/proof sync/trust"),
    "sync/programme": (ENGINES_AND_STORES, ""),
    "sync/programme/bookings": (ENGINES_AND_STORES, "sync/programme"),
    "sync/programme/preview": (ENGINES_AND_STORES, "sync/programme sync/programme/bookings"),
    "player/programme": (ENGINES_AND_STORES, "player/protocol player/settings sync/programme"),
    "sync/origin/persistence": (
        ENGINES_AND_STORES,
        "sync/origin/audit sync/origin/planning sync/origin/sent_plays sync/origin/tables",
    ),
    "sync/origin/persistence/migrations": (ENGINES_AND_STORES, "sync/origin/tables"),
    "sync/origin/persistence/migrations/versions": (ENGINES_AND_STORES, ""),
    "sync/origin/store/heartbeats": (ENGINES_AND_STORES, "sync/origin/persistence sync/origin/tables"),
    "sync/origin/store/changes": (ENGINES_AND_STORES, "sync/origin/persistence sync/origin/tables"),
    "sync/origin/store/audit": (
        ENGINES_AND_STORES,
        "sync/origin/audit sync/origin/persistence sync/origin/tables sync/origin/planning",
    ),
    "sync/origin/store/drafts": (
        ENGINES_AND_STORES,
        "sync/origin/audit sync/origin/persistence sync/origin/store/audit sync/origin/store/spaces sync/origin/tables",
    ),
    "sync/origin/store": (
        ENGINES_AND_STORES,
        "sync/origin/audit sync/origin/persistence sync/origin/planning sync/origin/store/audit "
        "sync/origin/store/changes sync/origin/store/days sync/origin/store/drafts sync/origin/store/heartbeats "
        "sync/origin/store/reports sync/origin/store/spaces sync/origin/tables",
    ),
    "sync/origin/store/media": (
        ENGINES_AND_STORES,
        "sync/origin/audit sync/origin/persistence sync/origin/planning sync/origin/planning/media "
        "sync/origin/store sync/origin/store/audit sync/origin/store/drafts sync/origin/store/heartbeats "
        "sync/origin/store/spaces "
        "sync/origin/tables",
    ),
    "sync/origin/store/people": (
        ENGINES_AND_STORES,
        "sync/origin/audit sync/origin/persistence sync/origin/store/audit sync/origin/tables",
    ),
    "sync/origin/store/spaces": (
        ENGINES_AND_STORES,
        "sync/origin/audit sync/origin/persistence sync/origin/planning sync/origin/store/audit sync/origin/tables",
    ),
    "sync/origin/sent_plays": (ENGINES_AND_STORES, ""),
    "sync/origin/store/proof": (
        ENGINES_AND_STORES,
        "sync/origin/audit sync/origin/persistence sync/origin/sent_plays sync/origin/tables "
        "sync/origin/store/audit sync/origin/store/changes sync/origin/store/days sync/origin/store/spaces sync/proof",
    ),
    "sync/origin/store/days": (ENGINES_AND_STORES, "sync/origin/persistence sync/origin/tables sync/origin/planning"),
    "sync/origin/store/reports": (
        ENGINES_AND_STORES,
        "sync/origin/persistence sync/origin/planning sync/origin/sent_plays sync/origin/store/days "
        "sync/origin/store/spaces sync/origin/tables",
    ),
    "sync/origin/proof": (ENGINES_AND_STORES, "sync/origin/planning sync/origin/sent_plays"),
    "sync/origin/proof/export": (
        ENGINES_AND_STORES,
        "sync/origin/proof sync/origin/sent_plays sync/proof sync/trust",
    ),
    "sync/device/traffic": (ENGINES_AND_STORES, ""),
    "sync/device/transfer": (SERVICES, "sync/device/store sync/device/traffic"),
    "sync/device": (SERVICES, "sync/device/store sync/device/transfer sync/proof sync/trust"),
    "sync/device/proof": (SERVICES, "sync/device sync/device/store sync/proof sync/trust"),
    "sync/device/exchange": (SERVICES, "sync/device sync/device/store sync/device/transfer"),
    "player/deck/vlc": (SERVICES, "player/platform"),
    "player/deck": (SERVICES, "player/deck/vlc player/platform player/protocol"),
    "player/stage": (SERVICES, "player/platform player/protocol"),
    "player/streams": (SERVICES, "player/platform sync/device/transfer sync/http sync/sandbox"),
    "player/overlay": (SERVICES, "player/platform player/protocol"),
    "player/display": (
        SERVICES,
        "player/platform player/programme player/protocol player/settings sync/device/store",
    ),
    "player/director": (
        SERVICES,
        "player player/evidence player/programme player/protocol player/settings sync/device/store sync/programme",
    ),
    "player/proof": (SERVICES, "player/evidence sync/device/store"),
    "player/status": (
        SERVICES,
        "player player/display player/evidence player/programme player/protocol player/settings player/stage "
        "sync/device sync/device/proof sync/device/store sync/device/traffic sync/device/transfer sync/http "
        "sync/programme sync/programme/bookings",
    ),
    "player/history": (SERVICES, "player player/display player/evidence"),
    "sync/origin/transcode/film": (ENGINES_AND_STORES, ""),
    "sync/origin/transcode/picture": (SERVICES, "sync/origin/transcode/film"),
    "sync/origin/transcode": (
        SERVICES,
        "sync/origin/limits sync/origin/settings sync/origin/transcode/film sync/origin/transcode/picture sync/sandbox",
    ),
    "sync/origin/ingest": (
        SERVICES,
        "sync/origin/limits sync/origin/persistence sync/origin/planning sync/origin/settings "
        "sync/origin/store/media sync/origin/transcode sync/origin/transcode/film",
    ),
    "sync/origin/publishing": (
        SERVICES,
        "sync/origin/persistence sync/origin/planning sync/origin/store sync/origin/store/drafts sync/programme "
        "sync/programme/bookings sync/trust",
    ),
    "sync/origin/publishing/planned": (
        SERVICES,
        "sync/origin/audit sync/origin/publishing sync/origin/store",
    ),
    "sync/origin/publishing/preview": (
        SERVICES,
        "sync/origin/audit sync/origin/planning sync/origin/publishing sync/origin/store sync/programme",
    ),
    "sync/origin/publishing/folder": (
        SERVICES,
        "sync/origin/ingest sync/origin/persistence sync/origin/planning sync/origin/publishing sync/origin/store "
        "sync/origin/store/media",
    ),
    "sync/origin/reports": (
        SERVICES,
        "sync/origin/persistence sync/origin/planning sync/origin/proof sync/origin/store/proof "
        "sync/origin/store/reports sync/origin/tables sync/programme/preview",
    ),
    "sync/origin/retention": (
        SERVICES,
        "sync/origin/persistence sync/origin/planning sync/origin/store/audit sync/origin/store/days "
        "sync/origin/store/media",
    ),
    "sync/origin/intake": (
        SERVICES,
        "sync/origin/http sync/origin/live sync/origin/persistence sync/origin/proof sync/origin/publishing "
        "sync/origin/sent_plays sync/origin/store sync/origin/store/heartbeats sync/origin/store/proof sync/proof "
        "sync/trust",
    ),
    "sync/origin/live": (
        SERVICES,
        "sync/http sync/origin/http sync/origin/sent_plays sync/origin/store sync/origin/store/spaces",
    ),
    "sync/origin/http": (
        SERVICES,
        "sync/http sync/origin/audit sync/origin/limits sync/origin/store "
        "sync/origin/store/audit sync/origin/store/changes sync/origin/store/drafts sync/origin/store/people "
        "sync/origin/store/spaces sync/trust",
    ),
    "sync/origin/login": (SERVICES, "sync/origin/audit sync/origin/people sync/origin/store/people sync/trust"),
    "player/diagnostics": (
        FACES,
        "player player/director player/display player/evidence player/platform player/programme player/settings "
        "player/status sync/device sync/device/store sync/device/traffic sync/device/transfer sync/programme "
        "sync/programme/preview sync/trust",
    ),
    "player/endpoint": (
        FACES,
        "player player/diagnostics player/display player/protocol player/settings player/status sync/device/store "
        "sync/http sync/programme/preview sync/trust",
    ),
    "sync/origin/api": (
        FACES,
        "sync/http sync/origin/http sync/origin/intake sync/origin/live sync/origin/persistence "
        "sync/origin/retention sync/origin/sent_plays sync/origin/store sync/origin/store/media "
        "sync/origin/store/proof sync/trust",
    ),
    "sync/origin/api/releases": (
        FACES,
        "sync/http sync/origin/api sync/origin/api/audit sync/origin/api/plans sync/origin/audit sync/origin/http "
        "sync/origin/persistence sync/origin/planning sync/origin/publishing sync/origin/publishing/planned "
        "sync/origin/publishing/preview sync/origin/retention sync/origin/store sync/origin/store/drafts "
        "sync/programme sync/programme/bookings sync/programme/preview",
    ),
    "sync/origin/api/media": (
        FACES,
        "sync/http sync/origin/api sync/origin/http sync/origin/ingest sync/origin/persistence "
        "sync/origin/planning/media sync/origin/retention sync/origin/store/media",
    ),
    "sync/origin/api/plans": (
        FACES,
        "sync/http sync/origin/api sync/origin/audit sync/origin/editing sync/origin/persistence "
        "sync/origin/planning sync/origin/store sync/origin/store/audit sync/origin/store/drafts "
        "sync/origin/store/spaces",
    ),
    "sync/origin/api/proof": (
        FACES,
        "sync/http sync/origin/api sync/origin/http sync/origin/intake sync/origin/live sync/origin/persistence "
        "sync/origin/proof sync/origin/proof/export sync/origin/publishing sync/origin/reports "
        "sync/origin/sent_plays sync/origin/store/proof sync/proof sync/trust",
    ),
    "sync/origin/api/audit": (
        FACES,
        "sync/http sync/origin/api sync/origin/audit sync/origin/persistence sync/origin/proof "
        "sync/origin/store/audit sync/origin/store/spaces",
    ),
    "sync/origin/api/people": (
        FACES,
        "sync/http sync/origin/http sync/origin/login sync/origin/people sync/origin/store/people sync/trust",
    ),
    "sync/origin/api/spaces": (FACES, "sync/http sync/origin/store/spaces"),
    "sync/origin/api/identity": (
        FACES,
        "sync/http sync/origin/api/proof sync/origin/http sync/origin/live sync/origin/store sync/origin/store/proof "
        "sync/trust",
    ),
    "sync/origin/console": (FACES, "sync/http"),
    "player/app": (
        ROOTS,
        "player player/diagnostics player/director player/display player/endpoint player/evidence player/history "
        "player/platform player/programme player/proof player/protocol player/settings player/stage player/status "
        "player/streams sync/device sync/device/exchange sync/device/proof sync/device/store "
        "sync/device/traffic sync/device/transfer "
        "sync/programme sync/programme/preview sync/sandbox",
    ),
    "sync/origin/wiring": (
        ROOTS,
        "sync/http sync/origin sync/origin/api sync/origin/api/audit sync/origin/api/identity "
        "sync/origin/api/media sync/origin/api/people sync/origin/api/plans sync/origin/api/proof "
        "sync/origin/api/releases sync/origin/api/spaces sync/origin/audit sync/origin/console "
        "sync/origin/editing sync/origin/http sync/origin/ingest sync/origin/intake sync/origin/live "
        "sync/origin/login sync/origin/persistence sync/origin/proof sync/origin/publishing "
        "sync/origin/publishing/folder sync/origin/publishing/planned sync/origin/publishing/preview "
        "sync/origin/reports sync/origin/retention "
        "sync/origin/settings sync/origin/store sync/origin/store/audit sync/origin/store/changes "
        "sync/origin/store/drafts sync/origin/store/heartbeats "
        "sync/origin/store/media sync/origin/store/people sync/origin/store/proof sync/origin/store/reports "
        "sync/origin/store/spaces",
    ),
    "sync/origin/remote": (FACES, ""),
    "sync/origin/app": (
        ROOTS,
        "sync/http sync/origin sync/origin/api sync/origin/api/proof sync/origin/audit sync/origin/console "
        "sync/origin/http sync/origin/ingest sync/origin/login sync/origin/people sync/origin/persistence "
        "sync/origin/planning sync/origin/proof sync/origin/proof/export sync/origin/publishing "
        "sync/origin/publishing/folder sync/origin/remote sync/origin/reports sync/origin/settings "
        "sync/origin/store/audit sync/origin/store/media sync/origin/store/people sync/origin/wiring sync/trust",
    ),
}

# JavaScript: folder of the console -> folders it may import
PAGES = {"": {"", "lib", "views"}, "views": {"views", "lib"}, "lib": {"lib"}}
CONSOLE = TOP / "sync/origin/console/page"

# The same of the new console. No view imports another one: what several show is in `parts`.
WEB_FOLDERS = {
    "": {"", "lib", "shell"},
    "lib": {"lib"},
    "ui": {"ui", "lib"},
    "parts": {"parts", "ui", "lib"},
    "views": {"parts", "ui", "lib"},
    "shell": {"shell", "parts", "ui", "lib", ""},
}
WEB = TOP / "sync/origin/console/web"
WEB_DOORS = {"lib/view.js", "lib/words.js"}
"""Who may import a library of browsers."""

PURE = {
    "player/programme",
    "sync/programme",
    "sync/proof",
    "sync/origin/editing",
    "sync/origin/audit",
    "sync/origin/people",
    "sync/origin/proof",
    "sync/origin/sent_plays",
    "sync/device/download_plan",
    "sync/device/traffic/budget",
    "sync/device/transfer/spans",
    "sync/trust/acceptance",
    "sync/origin/limits/transcoding_budget",
    "sync/origin/publishing/booking_warnings",
    "sync/origin/publishing/compiled_release",
    "sync/origin/publishing/earlier_release",
    "sync/origin/publishing/release_compiler",
    "sync/origin/publishing/planned/venue_instant",
    "sync/origin/publishing/preview/day_changes",
    "sync/origin/publishing/preview/release_changes",
    "sync/origin/publishing/release_preview",
    "sync/origin/retention/policy",
    "sync/origin/transcode/film",
}
"""Rooms and files that decide: no store, no service, no event loop."""

DOORS: dict[str, set[str]] = {
    "vlc": {"player/deck/vlc"},
    "Xlib": {"player/platform/x11", "player/deck/__main__", "player/deck/window", "player/display", "player/overlay"},
    "psutil": {"player/status/health"},
    "watchdog": {"sync/runtime/file_watcher"},
    "aiosqlite": {"sync/runtime/sqlite"},
    "alembic": {"sync/origin/persistence"},
    "argon2": {"sync/origin/people/password_hash"},
    "pyotp": {"sync/origin/people/second_factor"},
    "authlib": {"sync/origin/people/provider_tokens"},
    "joserfc": {"sync/origin/people/provider_tokens"},
    "webauthn": {"sync/origin/people/passkeys"},
    "segno": {"sync/origin/api/people/account_routes"},
    "duckdb": {"sync/origin/persistence/play_files"},
    "sqlalchemy": {"sync/origin/persistence", "sync/origin/store", "sync/origin/tables"},
    "cryptography": {"sync/trust/signing", "sync/trust/sealing"},
    "aiohappyeyeballs": {"sync/device/transfer/addresses"},
    "mss": {"player/display/capture"},
    "pyfastcdc": {"sync/origin/ingest/chunker"},
    "tzlocal": {"player/settings/system_zone"},
    "async_lru": {"sync/origin/http/answer_cache"},
    "msgspec": {"sync/origin/sent_plays"},
    "PIL": {
        "sync/origin/transcode",
        "sync/origin/limits/picture_size",
        "player/display/backdrop_pictures",
        "player/overlay",
        "player/deck/vlc/downscale",
    },
    "pillow_heif": {"sync/origin/transcode/picture_tool", "sync/origin/limits/picture_size"},
}
"""Where each library enters; everybody else asks that room or file."""

MOST_FILES = 12
MOST_LINES = 400
MOST_FUNCTION_LINES = 40


class _Modules(Mapping[str, ast.Module]):
    """The Python files by their paths; each is parsed when it is looked at, for every worker imports this file."""

    def __init__(self) -> None:
        files = [path for package in ("player", "sync") for path in sorted((TOP / package).rglob("*.py"))]
        self._files = {str(path.relative_to(TOP).with_suffix("")).removesuffix("/__init__"): path for path in files}

    def __getitem__(self, module: str) -> ast.Module:
        return _parsed(self._files[module])

    def __contains__(self, module: object) -> bool:
        return module in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


MODULES = _Modules()
"""Each Python file by its path without suffix (`player/stage/stage`); a room's `__init__` by the path of the room."""


@cache
def room_of(module: str) -> str:
    return module if (TOP / module).is_dir() else module.rpartition("/")[0]


@cache
def nodes(module: str) -> tuple[ast.AST, ...]:
    """All nodes of the tree of a file."""
    return tuple(ast.walk(MODULES[module]))


@cache
def imports(module: str) -> frozenset[str]:
    """All that a file imports, as paths (`sync/wire/base`, `os/path`); of a name in a module only the module counts."""
    found: set[str] = set()
    for node in nodes(module):
        if isinstance(node, ast.Import):
            found |= {alias.name.replace(".", "/") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            path = node.module.replace(".", "/")
            inner = {f"{path}/{alias.name}" for alias in node.names}
            found |= {name for name in inner if name in MODULES} or {path}
    return frozenset(found)


def inside(name: str, places: set[str]) -> bool:
    return any(name == place or name.startswith(f"{place}/") for place in places)


@cache
def wiring() -> dict[str, dict[str, str]]:
    """For each room the rooms it imports, each with one file that does."""
    found: dict[str, dict[str, str]] = {room_of(module): {} for module in MODULES}
    for module in MODULES:
        for target in imports(module):
            if target in MODULES and room_of(target) != room_of(module):
                found[room_of(module)][room_of(target)] = module
    return found


def test_every_room_is_listed_and_every_listed_room_is_there() -> None:
    rooms = {room_of(module) for module in MODULES}
    assert rooms == set(ROOMS), "list a new room in ROOMS, with its floor and the rooms it may import"


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_only_what_its_rule_allows(room: str) -> None:
    allowed = FREE | set(ROOMS[room][1].split())
    wrong = [
        f"{module}.py imports {target}: {_advice(room, target)}"
        for target, module in wiring()[room].items()
        if target not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def _advice(room: str, target: str) -> str:
    able = sorted(name for name, (floor, rule) in ROOMS.items() if {room, target} <= FREE | {name, *rule.split()})
    if able:
        return f"{room} may not; code that needs both belongs in {' or '.join(able)}"
    return f"{room} may not, and no room may import both; hand the value in from {' or '.join(_roots(target))}"


def _roots(target: str) -> list[str]:
    return [name for name, (floor, _) in ROOMS.items() if floor is ROOTS and name.split("/")[0] == target.split("/")[0]]


def test_rules_point_down_or_sideways_and_never_in_a_circle() -> None:
    rules = {room: set(rule.split()) for room, (_, rule) in ROOMS.items()}
    upward = [f"{room} -> {to}" for room in rules for to in rules[room] if ROOMS[to][0] > ROOMS[room][0]]
    assert not upward, "a room may not import a higher floor"
    assert not [room for room in rules if ROOMS[room][0] == 1 and any(ROOMS[to][0] > 1 for to in rules[room])]
    known: set[str] = set()
    while ready := {room for room in rules if room not in known and rules[room] <= known}:
        known |= ready
    assert known == set(rules), f"these rules form a circle: {sorted(set(rules) - known)}"


def test_rules_name_only_what_is_used() -> None:
    unused = {room: set(rule.split()) - set(wiring()[room]) for room, (_, rule) in ROOMS.items()}
    assert not {room: rules for room, rules in unused.items() if rules}, "take these out of ROOMS"


def test_device_and_origin_meet_only_in_what_they_share() -> None:
    for room, targets in wiring().items():
        for target, module in targets.items():
            assert room.startswith("player") or not target.startswith("player"), f"{module} imports {target}"
            if target.startswith("sync/origin"):
                assert room.startswith("sync/origin"), f"{module} imports {target}: only the origin knows the origin"
            if target.startswith("sync/device"):
                assert not room.startswith("sync/origin"), f"{module} imports {target}: the origin knows no device code"


def faults_in(room: str, faults: Callable[[str], Iterator[str]]) -> str:
    """Return a line for each fault of the files of a room."""
    return "\n".join(fault for module in MODULES if room_of(module) == room for fault in faults(module))


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_what_decides_is_pure(room: str) -> None:
    assert not faults_in(room, _impurities)


def _impurities(module: str) -> Iterator[str]:
    stores = {room for room in ROOMS if any(word in room for word in ("store", "persistence", "tables", "evidence"))}
    for target in imports(module) if inside(module, PURE) else ():
        if inside(target, stores):
            yield f"{module} decides and may not import the store {target}; take values"
        if target.split("/")[0] in {"asyncio", "aiohttp", "aiosqlite"}:
            yield f"{module} decides and may not wait"


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_each_library_has_one_door(room: str) -> None:
    assert not faults_in(room, _other_doors)


def _other_doors(module: str) -> Iterator[str]:
    for target in imports(module):
        for library, doors in DOORS.items():
            if inside(target, {library}) and not inside(module, doors):
                yield f"{module} imports {library}; it enters at {', '.join(sorted(doors))}"


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_time_enters_through_the_clock(room: str) -> None:
    assert not faults_in(room, _other_clocks)


def _other_clocks(module: str) -> Iterator[str]:
    if module == "sync/runtime/clock":
        return
    if "time" in imports(module):
        yield f"{module} imports time; use sync.runtime.clock"
    for node in nodes(module):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)):
                if (called := f"{owner}.{name}") in ("datetime.now", "asyncio.sleep", "datetime.utcnow"):
                    yield f"{module} calls {called}"


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_every_file_says_what_it_owns_and_stays_readable(room: str) -> None:
    assert not faults_in(room, _unreadable)


def _unreadable(module: str) -> Iterator[str]:
    if not ast.get_docstring(MODULES[module]):
        yield f"{module} has no opening sentence"
    file = TOP / module / "__init__.py" if (TOP / module).is_dir() else (TOP / module).with_suffix(".py")
    lines = len(file.read_text().splitlines())
    if lines > MOST_LINES:
        yield f"{module} has {lines} lines; it tells more than one thought"
    for node in nodes(module):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno >= MOST_FUNCTION_LINES
        ):
            yield f"{module}.{node.name} is too long"


def test_a_room_has_a_dozen_files_at_most() -> None:
    files = Counter(room_of(module) for module in MODULES if not (TOP / module).is_dir())
    del files["sync/origin/persistence/migrations/versions"]  # each change of the schema adds one, for ever
    assert not {room: count for room, count in files.items() if count > MOST_FILES}, "cut the room in two"


TWINS = {"Login"}
"""Names that stand in the OpenAPI documents of both device and origin; the two never meet in one program."""


def test_no_two_classes_have_one_name() -> None:
    names: dict[str, list[str]] = {}
    for module, tree in MODULES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                names.setdefault(node.name, []).append(module)
    assert not {name: where for name, where in names.items() if len(where) > 1 and name not in TWINS}


@pytest.mark.parametrize("file", sorted(CONSOLE.rglob("*.js")), ids=lambda file: str(file.relative_to(CONSOLE)))
def test_the_console_imports_downwards(file: Path) -> None:
    folder = str(file.parent.relative_to(CONSOLE)).removeprefix(".")
    for target in re.findall(r'from "([^"]+)"', file.read_text()):
        found = (file.parent / target).resolve()
        assert found.is_file(), f"{file} imports {target}, which is not there"
        where = str(found.parent.relative_to(CONSOLE)).removeprefix(".")
        assert where in PAGES[folder], f"{file.name} in {folder or 'page'} may not import {target}"


WEB_SCRIPTS = sorted(file for file in WEB.rglob("*.js") if WEB / "libraries" not in file.parents)


@pytest.mark.parametrize("file", WEB_SCRIPTS, ids=lambda file: str(file.relative_to(WEB)))
def test_the_new_console_imports_downwards(file: Path) -> None:
    folder = file.parent.relative_to(WEB)
    text = file.read_text()
    assert len(text.splitlines()) <= MOST_LINES, "cut the file in two"
    for target in re.findall(r'(?:from|import) "([^"]+)"', text):
        if not target.startswith("."):
            assert str(file.relative_to(WEB)) in WEB_DOORS, f"{target} is imported by {sorted(WEB_DOORS)} only"
            continue
        found = (file.parent / target).resolve()
        assert found.is_file(), f"{file} imports {target}, which is not there"
        where = found.parent.relative_to(WEB)
        allowed = WEB_FOLDERS[folder.parts[0] if folder.parts else ""]
        is_own = where.parts[:2] == folder.parts[:2]  # a view may have folders
        assert is_own or (where.parts[0] if where.parts else "") in allowed, (
            f"{file.name} in {folder} may not import {target}"
        )


def test_a_folder_of_the_new_console_has_a_dozen_scripts_at_most() -> None:
    files = Counter(file.parent for file in WEB_SCRIPTS)
    assert not {folder: count for folder, count in files.items() if count > MOST_FILES}, "cut the folder in two"
