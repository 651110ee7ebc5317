"""Shows how the demo goes: a live table on a terminal, plain lines elsewhere."""

import re
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

_MOVING = re.compile(r"\d+")  # figures that run: a plain line is printed only when the words change


class Board:
    """Named lines, each with its newest state; safe to call from a worker thread."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._lines: dict[str, str] = {}
        self._live = Live(console=self._console, get_renderable=self._table, refresh_per_second=8)

    def __enter__(self) -> "Board":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def report(self, what: str, state: str) -> None:
        """Set the state of one line."""
        before = self._lines.get(what)
        self._lines[what] = state
        if not self._console.is_terminal and (before is None or _MOVING.sub("", before) != _MOVING.sub("", state)):
            self._console.print(f"{what}: {state}", highlight=False, soft_wrap=True)

    def drop(self, *names: str) -> None:
        """Take lines off the table that nobody needs any more."""
        for name in names:
            self._lines.pop(name, None)

    def _table(self) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2))
        for what, state in self._lines.items():
            table.add_row(f"[bold]{what}[/]", state)
        return table
