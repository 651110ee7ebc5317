"""The page of states: each table of allowed moves, drawn."""

import ast
import importlib
from collections.abc import Iterator

from player.evidence.take_states import TAKE_ENDS, TAKE_STATES
from sync.runtime.state_table import StateTable
from tests.test_layers import MODULES, imports

SKIPPED = {"player/deck/__main__", "player/overlay/__main__"}


def page() -> str:
    """Return the page."""
    parts = [
        "# States\n\nEach thing with states has an enum and one table of allowed moves. Every other move is refused.\n"
    ]
    for module, name, found in sorted(_tables(), key=lambda one: one[2].title):
        parts.append(f"## {found.title}\n\n`{name}` in `{module}.py`\n\n```mermaid\n{found.mermaid()}\n```\n")
        if found is TAKE_STATES:
            parts.append(_ends_of_takes())
    return "\n".join(parts)


def _ends_of_takes() -> str:
    rows = [
        f"| {state.name} | {'yes' if end.play else 'no'} | {'yes' if end.refund else 'no'} | {end.why} |"
        for state, end in TAKE_ENDS.items()
    ]
    head = ["What each end means (`TAKE_ENDS`):\n", "| end | play | refund | why |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _tables() -> Iterator[tuple[str, str, StateTable]]:  # type: ignore[type-arg]
    for module in MODULES:
        if module in SKIPPED or "sync/runtime/state_table" not in imports(module):
            continue
        loaded = importlib.import_module(module.replace("/", "."))
        for name, value in vars(loaded).items():
            if isinstance(value, StateTable) and name in _defined(module):
                yield module, name, value


def _defined(module: str) -> set[str]:
    found: set[str] = set()
    for node in MODULES[module].body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found
