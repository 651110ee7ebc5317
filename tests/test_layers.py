"""The floors and doors of the house, as data: imports point down only, and each library has one door.

A file's floor is given by its module name; a module not listed is on the services floor of its package.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent

GROUND = {
    "sync",
    "sync.runtime.clock",
    "sync.wire.base",
    "sync.wire.release",
    "sync.wire.stream_url",
    "sync.wire.lenient_lists",
    "sync.wire.release_reader",
    "sync.wire.overlay",
    "sync.wire.report",
    "sync.trust.signing",
    "sync.wire.content_paths",
    "sync.runtime.supervisor",
    "sync.runtime.threads",
    "sync.wire.chunk_index",
    "player",
    "player.platform.geometry",
    "player.platform.x11",
    "player.stage.deck_options",
    "player.platform.decoders",
    "player.settings.model",
    "player.protocol.screen",
    "player.protocol.deck_messages",
    "player.platform.child_process",
    "player.stage.deck_exit",
    "sync.origin",
    "sync.origin.settings.model",
    "sync.origin.planning.plans",
    "sync.origin.planning.overlay_plans",
}
STORES = {
    "sync.runtime.durable_files",
    "sync.device.store.media_files",
    "sync.device.store.partial_file",
    "sync.runtime.sqlite",
    "sync.device.store.chunk_catalog",
    "sync.device.store.content_store",
    "sync.device.store.outbox",
    "player.evidence.ledger",
    "player.evidence.ledger_entries",
    "player.evidence.quarantine",
    "sync.origin.persistence.column_types",
    "sync.origin.persistence.tables",
    "sync.origin.persistence.database",
    "sync.origin.persistence.data_folder",
}
STORE_PACKAGES = ("sync.origin.store",)
ENGINES = {
    "sync.trust.acceptance",
    "sync.device.download_plan",
    "sync.origin.publishing.release_compiler",
    "sync.origin.retention.policy",
    "sync.origin.proof.chain_audit",
}
ENGINE_PACKAGES = ("player.programme",)
ROOTS = {
    "player.app.daemon",
    "player.app.wiring",
    "player.app.cli",
    "sync.origin.app.cli",
    "sync.origin.app.wiring",
    "sync.origin.app.server",
}

DOORS: dict[str, set[str]] = {
    "vlc": {"player.deck"},
    "Xlib": {"player.platform.x11", "player.deck", "player.display", "player.overlay"},
    "psutil": {"player.status.health"},
    "watchdog": {"sync.runtime.file_watcher"},
    "aiosqlite": {"sync.runtime.sqlite"},
    "sqlalchemy": {
        "sync.origin.persistence.column_types",
        "sync.origin.persistence.tables",
        "sync.origin.persistence.database",
        "sync.origin.store",
    },
    "cryptography": {"sync.trust.signing"},
    "http.client": {"sync.device.range_fetcher"},
    "PIL": {
        "sync.origin.transcode.card_tool",
        "sync.origin.transcode.picture_tool",
        "sync.origin.transcode.animation",
        "player.display.pictures",
        "player.overlay",
        "player.deck.vlc.downscale",
    },
    "pillow_heif": {"sync.origin.transcode.picture_tool"},
    "async_lru": {"sync.origin.http.answer_cache"},
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in ("player", "sync"):
        for path in sorted((TOP / package).rglob("*.py")):
            name = ".".join(path.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text())


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inside(name: str, places: set[str] | tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def floor(name: str) -> int:
    if name in GROUND:
        return 0
    if name in STORES or name in ENGINES or inside(name, STORE_PACKAGES) or inside(name, ENGINE_PACKAGES):
        return 1
    return 3 if name in ROOTS else 2


ALL = dict(modules())


@pytest.mark.parametrize("name", sorted(ALL))
def test_imports_point_down(name: str) -> None:
    for target in imports(ALL[name]):
        if target in ALL and target != name:
            assert floor(target) <= floor(name), (
                f"{name} (floor {floor(name)}) imports {target} (floor {floor(target)})"
            )


@pytest.mark.parametrize("name", sorted(ALL))
def test_sync_never_imports_player_and_only_the_origin_knows_the_origin(name: str) -> None:
    if name.startswith("sync"):
        assert not [target for target in imports(ALL[name]) if target.split(".")[0] == "player"]
    if not name.startswith("sync.origin"):
        assert not [target for target in imports(ALL[name]) if target.startswith("sync.origin")]


@pytest.mark.parametrize("name", sorted(ALL))
def test_stores_and_engines_are_neighbours(name: str) -> None:
    engine = name in ENGINES or inside(name, ENGINE_PACKAGES)
    store = name in STORES or inside(name, STORE_PACKAGES)
    for target in imports(ALL[name]):
        if engine:
            assert not (target in STORES or inside(target, STORE_PACKAGES)), f"engine {name} imports store {target}"
        if store:
            assert not (target in ENGINES or inside(target, ENGINE_PACKAGES)), f"store {name} imports engine {target}"


@pytest.mark.parametrize("name", sorted(ALL))
def test_each_library_has_one_door(name: str) -> None:
    for target in imports(ALL[name]):
        for library, doors in DOORS.items():
            if target == library or target.startswith(f"{library}."):
                assert inside(name, doors), f"{name} imports {library}; its door is {', '.join(sorted(doors))}"


@pytest.mark.parametrize("name", sorted(ALL))
def test_time_enters_through_the_clock(name: str) -> None:
    if name == "sync.runtime.clock":
        return
    assert "time" not in set(imports(ALL[name])), f"{name} imports time; use sync.clock"
    for node in ast.walk(ALL[name]):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("datetime.now", "asyncio.sleep", "datetime.utcnow"), f"{name} calls {called}"


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_file_says_what_it_owns_and_stays_readable(name: str) -> None:
    assert ast.get_docstring(ALL[name]), f"{name} has no opening sentence"
    lines = (
        len((TOP / Path(*name.split("."))).with_suffix(".py").read_text().splitlines())
        if (TOP / Path(*name.split("."))).with_suffix(".py").exists()
        else 0
    )
    assert lines <= 300, f"{name} has {lines} lines"
    for node in ast.walk(ALL[name]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            assert node.end_lineno - node.lineno < 40, f"{name}.{node.name} has over 40 lines"
