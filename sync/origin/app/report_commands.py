"""The command `signage-origin report`: what was booked, promised and delivered."""

import argparse
from collections.abc import Iterator
from datetime import UTC, date
from typing import Any, get_args

from pydantic import ValidationError

from sync.command_output import one_line, print_answer
from sync.origin.api.proof.reports import ReportQuery
from sync.origin.proof.csv_export import REPORT_COLUMNS, csv_of
from sync.origin.proof.delivery import DeliveryRow, ReportBy
from sync.origin.reports.delivery_report import DeliveryReport, flat_rows
from sync.origin.wiring.origin import Origin
from sync.runtime.clock import SystemClock
from sync.wire.input.input_messages import argument, rejected
from sync.wire.value_types import Identifier

_day, _id = argument(date), argument(Identifier)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("by", choices=get_args(ReportBy), help="what each row is of")
    parser.add_argument("--first-day", type=_day, metavar="DATE", help="default: six days before the last one")
    parser.add_argument("--last-day", type=_day, metavar="DATE", help="this day, too (default: today)")
    for name in ("campaign", "line", "device"):
        parser.add_argument(f"--{name}", type=_id, metavar="ID", help=f"of this {name} only")
    parser.add_argument("--csv", action="store_true", help="print CSV")


async def report(origin: Origin, options: argparse.Namespace) -> None:
    """Print a report: the same numbers as the API and the console.

    Raises:
        Rejected: the days are the wrong way round, or too many.
    """
    chosen = {name: getattr(options, name) for name in ("first_day", "last_day", "campaign", "line", "device")}
    today = SystemClock().now().astimezone(UTC).date()
    try:
        query = ReportQuery(**chosen)
    except ValidationError as error:
        raise rejected(error) from error
    found = await origin.reports.make(query.question(options.by, today))
    if options.csv:
        print_answer(csv_of(flat_rows(found), REPORT_COLUMNS).rstrip("\r\n"))
    elif options.json:
        print_answer(found.model_dump_json())
    else:
        print_answer("\n".join(map(one_line, _lines(found))))


def _lines(found: DeliveryReport) -> Iterator[str]:
    yield f"{found.first_day} to {found.last_day}, by {found.by}; rule where no other is named: {found.default_rule}"
    for row in (*found.rows, found.total):
        yield f"{row.name or row.id}: {_row(row)}"
    for rule in found.rules:
        yield f"line {rule.line}: {rule.rule} (version {rule.version})"
    for screen in found.unsigned:
        until = "all its plays are" if screen.until is None else f"its plays before {screen.until.isoformat()} are"
        yield f"screen {screen.name or screen.device}: {until} unsigned: it had no certified key"
    if (more := found.unsigned_screens - len(found.unsigned)) > 0:
        yield f"and {more} more screens with unsigned plays"


def _row(row: DeliveryRow) -> str:
    parts = [f"{row.delivered} billed of {row.plays} plays"]
    if row.expected is not None:
        pace = "" if row.pace is None else f", pace {row.pace:.1%}"
        parts.append(f"{row.expected:g} promised, {row.contracted:g} bought{pace}")
    if row.shortfall:
        causes: dict[str, Any] = {cause: plays for cause, plays in row.causes.model_dump().items() if plays}
        parts.append(
            f"short by {row.shortfall:g}: " + ", ".join(f"{n:g} {c.replace('_', ' ')}" for c, n in causes.items())
        )
    if row.aside:
        parts.append("not billed: " + ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in row.aside.items()))
    if row.screen_unknown:
        parts.append(f"{row.screen_unknown} billed on a screen whose state is unknown")
    return "; ".join(parts)
