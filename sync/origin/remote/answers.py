"""What a command prints of an answer: rows of a list, or the fields of a document. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sync.command_output import one_line

_FIRST = ("id", "channel", "sequence", "name", "title", "state")
_LONGEST = 60


def lines_of(answer: Any) -> list[str]:
    """Return a document as lines for people."""
    if answer is None:
        return ["done"]
    if not isinstance(answer, Mapping):
        return [one_line(str(answer))]
    rows = next((one for one in answer.values() if isinstance(one, list) and _are_rows(one)), None)
    lines = [*_table(rows)] if rows and {"next", "total"} & answer.keys() else [*_fields(answer)]
    if answer.get("next"):
        lines.append(f"There are more: --cursor {one_line(str(answer['next']))}")
    return lines or ["none"]


def _are_rows(value: Sequence[Any]) -> bool:
    return bool(value) and all(isinstance(one, Mapping) for one in value)


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = [name for name in _FIRST if name in rows[0]] or list(rows[0])[:4]
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(names))]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _fields(document: Mapping[str, Any]) -> Iterator[str]:
    for name, value in document.items():
        if value not in (None, [], {}, ""):
            yield f"{one_line(name)}: {_cell(value, longest=1_000)}"


def _cell(value: Any, longest: int = _LONGEST) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = one_line(text)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"
