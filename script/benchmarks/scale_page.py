"""The text of docs/scale.md, all of whose numbers are computed; `script/reference` writes it."""

from collections.abc import Iterable
from dataclasses import fields, replace

import scale_costs as costs
from scale import SIZES, Assumptions, Plan, Step, bytes_of, day_of, described, month_eur, plan

_ASSUMED = {
    "releases_a_day": "releases of each channel a day",
    "media_mb_a_day": "MB of new films a day that each device fetches",
    "keep_days": "days that plays stay in the database",
    "keep_days_archived": "days, where older ones are archived",
    "archive_days": "days that the archive keeps them",
    "core_share": "of a processor may be used, so that busy moments are no faults",
    "machine_gib": "GiB of memory of an origin's machine, three quarters of which it may use",
    "machine_tb_a_month": "TB a month that it may send for its price",
    "disk_gb": "GB of its disk",
    "database_cores": "processors of a server of PostgreSQL",
    "database_disk_gb": "GB of its disk",
    "origin_eur": "EUR a month for an origin's machine, with two processors and an nginx",
    "database_core_eur": "EUR a month for a processor of PostgreSQL, with 4 GiB",
    "disk_gb_eur": "EUR a month for a GB of disk",
    "archive_gb_eur": "EUR a month for a GB of object storage",
    "cdn_gb_eur": "EUR for a GB from a CDN",
}
_BYTES = {
    "exchange": "an exchange with six plays",
    "heartbeat": "one without",
    "answer": "the answer",
    "on air": "a message of what is on air",
}
_DAY = {
    "requests": "exchanges and small files",
    "messages": "messages of what is on air",
    "plays": "plays, a row each",
    "gb_from_devices": "GB from devices",
    "gb_to_devices": "GB to devices, without media",
    "gb_media": "GB of media",
    "gb_rows": "GB of new rows",
    "origin_hours": "hours of an origin's processor",
    "database_hours": "hours of PostgreSQL's processor",
}


_HEAD = """# What a day of many screens costs

Computed by `script/bench scale` from what one thing costs, as measured, and from assumptions that are named. What is
measured anew goes into `script/benchmarks/scale_costs.py`, an assumption into `script/benchmarks/scale.py`;
`script/reference` then writes this page. Each screen shows items of 10 seconds all day, exchanges once a minute, holds
a WebSocket, and says what it shows whenever that changes.
"""
_FIRST = """All begin with one origin on SQLite, behind an nginx that has TLS and content. Whatever is fullest is
helped, until nothing is over its limit.
"""


def page() -> str:
    """Return the page."""
    given = Assumptions()
    plans = [plan(devices, given) for devices in SIZES]
    parts = [_HEAD]
    parts.append(_part("A day", ["", *(f"{one.devices:,} screens" for one in plans)], _days(plans)))
    broke = ["screens", "breaks", "what helps", "then it is run as", "fullest then"]
    parts.append(_part("What breaks first, and what helps", broke, _steps(plans), _FIRST))
    parts.append(_levers(given))
    spent = ["screens", "origins", "database", "disk", "delivery", "in all", "a screen"]
    parts.append(_part("A month in euros", spent, _money(plans, given)))
    parts.append(_part("What one thing costs", ["what", "cost", "measured by"], _costs()))
    parts.append(_bytes())
    assumed = ([_number(getattr(given, one.name)), _ASSUMED[one.name]] for one in fields(given))
    parts.append(_part("What is assumed", ["number", "of what"], assumed))
    return "\n".join(parts)


def _part(title: str, head: list[str], rows: Iterable[list[str]], before: str = "") -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    table = "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines])
    return "\n".join([f"## {title}", "", *([before] if before else []), table, ""])


def _bytes() -> str:
    sizes = ", ".join(f"{what} {bytes_of(name):,}" for name, what in _BYTES.items())
    return f"Bytes on the wire are those of simulated screens, which a test compares with a player: {sizes}.\n"


def _days(plans: list[Plan]) -> Iterable[list[str]]:
    for name, what in _DAY.items():
        yield [what, *(_number(one.day[name]) for one in plans)]


def _steps(plans: list[Plan]) -> Iterable[list[str]]:
    for one in plans:
        fullest = f"{one.fullest.of}: {100 * one.fullest.share:.0f} %"
        broke = "; ".join(_broke(step) for step in one.steps) or "nothing"
        levers = "; ".join(step.lever for step in one.steps) or "-"
        yield [f"{one.devices:,}", broke, levers, described(one.setup), fullest]


def _broke(step: Step) -> str:
    need = step.broke
    return f"{need.of} ({_number(need.used)} of {_number(need.there_is)} {need.unit}".rstrip() + ")"


def _levers(given: Assumptions) -> str:
    """Say what the levers are, and what a longer period saves: one that costs no machine."""
    largest = plan(SIZES[-1], given)
    later = day_of(largest.devices, replace(largest.setup, period_s=300.0), given)
    saved = 1 - later["origin_hours"] / largest.day["origin_hours"]
    days = f"{given.keep_days_archived:.0f}"
    return f"""- **Archived plays**: `retention.archive_plays_after_days = {days}`; reports read both.
- **Several origins** share one PostgreSQL, behind a load balancer.
- **Fleets apart**: channels that have nothing to do with each other, on origins and a database of their own.
- **A CDN** for `/content/`: `publish.mirrors`.
- **A longer period** needs no machine. With an exchange every five minutes (`origin.heartbeat_s` and `origin.poll_s`)
  the origins of {largest.devices:,} screens have {100 * saved:.0f} % less to compute. Plays and the state of a screen
  come so much later, hints as soon.
"""


def _money(plans: list[Plan], given: Assumptions) -> Iterable[list[str]]:
    for one in plans:
        parts = month_eur(one, given)
        whole = sum(parts.values())
        each = [_number(parts[name]) for name in ("origins", "database", "disk", "delivery")]
        yield [f"{one.devices:,}", *each, _number(whole), f"{100 * whole / one.devices:.1f} ct"]


def _costs() -> Iterable[list[str]]:
    for one in vars(costs).values():
        if isinstance(one, costs.Cost):
            yield [one.what, f"{_number(one.value)} {one.unit}", one.source]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2g}"
