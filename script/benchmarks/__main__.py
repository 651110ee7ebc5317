"""Runs the benchmarks: `script/bench [NAME ...] [--json]`; without a name, all of them."""

import argparse
import asyncio
import json
import platform
from collections.abc import Awaitable, Callable
from typing import Any

import start
from rich.console import Console
from rich.table import Table

Rows = list[dict[str, Any]]

BENCHMARKS: dict[str, Callable[[], Awaitable[Rows]]] = {"start": start.measure}


def show(name: str, rows: Rows) -> None:
    """Print one benchmark as a table; columns are the keys of its rows."""
    table = Table(title=f"{name} ({platform.machine()}, Python {platform.python_version()})")
    for column in rows[0]:
        table.add_column(column.replace("_", " "))
    for row in rows:
        table.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--json", action="store_true", help="one JSON object per row instead of tables")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}; there are: {', '.join(BENCHMARKS)}")
    for name in arguments.names or BENCHMARKS:
        rows = asyncio.run(BENCHMARKS[name]())
        if arguments.json:
            for row in rows:
                print(json.dumps({"benchmark": name, "machine": platform.machine(), **row}), flush=True)
        else:
            show(name, rows)


if __name__ == "__main__":
    main()
