"""Runs the benchmarks: `script/bench [NAME ...] [--json]`; without a name, all of them."""

import argparse
import asyncio
import json
import platform
from collections.abc import Callable, Coroutine
from itertools import groupby
from typing import Any

import ads
import chunks
import colour
import encode
import faults
import footprint
import fuzz
import kills
import lists
import orders
import origin
import pipeline
import proof
import reports
import rhythm
import scale
import seam
import shapes
import soak
import start
import streams
import syncing
import tables
from rich.console import Console
from rich.table import Table

Rows = list[dict[str, Any]]


async def _seam(options: argparse.Namespace) -> Rows:
    """Return what the shop sees between two items, and what joining a stream costs before that."""
    between = await seam.measure(options.cuts, options.peer_cuts, whole=options.whole)
    return [*between, *await streams.measure()]


async def _kills(options: argparse.Namespace) -> Rows:
    """Return what killing the syncer came to, or killing the whole player."""
    if options.part == "daemon":
        return await kills.measure(options.kills, options.seed)
    return await tables.measure_kills(options.kills)


BENCHMARKS: dict[str, Callable[[argparse.Namespace], Coroutine[None, None, Rows]]] = {
    "ads": lambda options: ads.measure(options.seed, options.seeds),
    "start": lambda _: start.measure(),
    "footprint": lambda _: footprint.measure(),
    "editors": lambda options: tables.measure_editors(options.editors),
    "encode": lambda options: encode.measure(options.only),
    "chunks": lambda _: chunks.measure(),
    "colour": lambda _: colour.measure(),
    "lists": lambda _: lists.measure(),
    "orders": lambda _: orders.measure(),
    "origin": lambda options: origin.measure(
        options.part, options.database, options.devices, options.batch, options.seconds
    ),
    "pipeline": lambda options: pipeline.measure(options.only, options.files, options.workers),
    "proof": lambda options: proof.measure(options.hours, options.rounds or proof.ROUNDS, options.seed),
    "reports": lambda options: reports.measure(options.plays),
    "streams": lambda _: streams.measure(),
    "scale": lambda _: scale.measure(),
    "seam": _seam,
    "soak": lambda options: soak.measure(options.cuts),
    "faults": lambda options: faults.measure(options.rounds or faults.ROUNDS, options.only),
    "rhythm": lambda _: rhythm.measure(),
    "fuzz": lambda options: fuzz.measure(options.cuts, options.part or "both", options.seed),
    "shapes": lambda options: shapes.measure(options.only, options.seed),
    "sync": lambda options: syncing.measure(options.part, options.rounds or syncing.ROUNDS, short=options.short),
    "tables": lambda _: tables.measure(),
    "kills": _kills,
}
_PART_OF_ANOTHER = "streams"  # of `seam`
_MANY = 10  # keys: a table of these stands upright, a column for each row


def show(name: str, rows: Rows, *, markdown: bool) -> None:
    """Print one benchmark as a table; columns are the keys of its rows, or lines where there are many."""
    title = f"{name} ({platform.machine()}, Python {platform.python_version()})"
    lines = [
        [_heading(key, value) for key, value in rows[0].items()],
        *([_told(row.get(key, "-")) for key in rows[0]] for row in rows),
    ]
    if len(rows[0]) > _MANY:
        lines = [list(line) for line in zip(*lines, strict=True)]
    if markdown:
        head, *body = (f"| {' | '.join(line)} |" for line in lines)
        print(f"{title}\n", head, f"|{'---|' * len(lines[0])}", *body, "", sep="\n", flush=True)
        return
    table = Table(title=title)
    for column in lines[0]:
        table.add_column(column)
    for line in lines[1:]:
        table.add_row(*line)
    Console().print(table)


def _heading(key: str, value: Any) -> str:
    return key.replace("_", " ") + (f" ({' / '.join(value)})" if isinstance(value, dict) else "")


def _told(value: Any) -> str:
    """Write one value for people; a spread as median / 99 % / maximum."""
    if isinstance(value, dict):
        return " / ".join(f"{part:.1f}" for part in value.values())
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--json", action="store_true", help="one JSON object per row instead of tables")
    parser.add_argument("--markdown", action="store_true", help="tables as they stand in README and docs")
    parser.add_argument(
        "--cuts", type=int, default=seam.CUTS, help="cuts of `seam` and `soak`, files of `fuzz` (%(default)s)"
    )
    parser.add_argument("--peer-cuts", type=int, help="how many cuts `seam` has its peers make (as ours, at most 100)")
    rounds = f"of each fault of `faults` ({faults.ROUNDS}) and `proof` ({proof.ROUNDS})"
    rounds += f", of each row of `sync` ({syncing.ROUNDS})"
    parser.add_argument("--hours", type=float, default=0.0, help="how long a day of `proof` lasts (some minutes)")
    parser.add_argument("--rounds", type=int, help=rounds)
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="those named so: of `encode`, `faults`, `pipeline`, `shapes`"
    )
    parser.add_argument("--seed", type=int, default=7, help="of `ads`, `fuzz`, `kills`, `proof`, `shapes`: %(default)s")
    parser.add_argument("--seeds", type=int, default=ads.SEEDS, help="weeks of `ads` (%(default)s)")
    parts = f"of `fuzz`: decks, ingest or documents; of `kills`: daemon; of `sync`: {', '.join(syncing.PARTS)} (all); "
    parts += f"of `origin`: {', '.join(origin.PARTS)} (all)"
    parser.add_argument("--part", default="", help=parts)
    parser.add_argument("--editors", type=int, default=200, help="who change one playlist at once, of `editors`")
    parser.add_argument("--kills", type=int, default=1000, help="of a syncer or player by `kills` (%(default)s)")
    parser.add_argument("--plays", type=int, default=reports.PLAYS, help="of a month, for `reports` (%(default)s)")
    simulated = f"simulated ones of `origin` ({origin.DEVICES:,}; for its plays {origin.DEVICES_OF_PLAYS:,})"
    parser.add_argument("--devices", type=int, help=simulated)
    parser.add_argument("--database", default="", help=f"of `origin`: {' or '.join(origin.DATABASES)} (both)")
    parser.add_argument("--batch", type=int, default=origin.BATCH, help="plays of a request of `origin` (%(default)s)")
    parser.add_argument("--seconds", type=float, default=origin.SECONDS, help="of the load of `origin` (%(default)s)")
    parser.add_argument("--files", type=int, default=pipeline.FILES, help="that `pipeline` sends (%(default)s)")
    parser.add_argument("--workers", type=int, default=0, help="of the origin of `pipeline` (as it chooses)")
    parser.add_argument("--short", action="store_true", help="less of each part of `sync`: under three minutes")
    parser.add_argument(
        "--whole", action="store_true", help="have `seam` compare whole frames as well: loads the machine"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}; there are: {', '.join(BENCHMARKS)}")
    for name in arguments.names or [name for name in BENCHMARKS if name != _PART_OF_ANOTHER]:
        rows = asyncio.run(BENCHMARKS[name](arguments))
        if arguments.json:
            for row in rows:
                print(json.dumps({"benchmark": name, "machine": platform.machine(), **row}), flush=True)
        else:
            for _, alike in groupby(rows, key=tuple):
                show(name, list(alike), markdown=arguments.markdown)


if __name__ == "__main__":
    main()
