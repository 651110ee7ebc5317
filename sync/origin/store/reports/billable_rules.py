"""The table of billable rules: each rule that a line ever had, with its version. A line without a row has the default.

The newest version judges all plays of its line, the older ones too; it stays when the line is deleted.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.planning.billable_rule import DEFAULT_RULE, BillableRule, VersionedRule
from sync.origin.store.days.play_days import mark_lines
from sync.origin.tables.plans import billable_rules

_LOCK = int.from_bytes(b"rules")  # of PostgreSQL

DEFAULT_VERSION: VersionedRule = (0, DEFAULT_RULE)

_LINES_AT_ONCE = 500  # a statement takes a limited number of values


async def note_rules(connection: AsyncConnection, rules: Mapping[str, Mapping[str, Any]], now_ms: int) -> None:
    """Store the rules of lines that differ from their newest version; plays of these lines are to be counted anew."""
    known = await connection.run_sync(rules_of, rules)
    wanted = {line: BillableRule.model_validate(rule) for line, rule in rules.items()}
    rows = [
        {"line_id": line, "version": version + 1, "rule": rule.model_dump(), "since_ms": now_ms}
        for line, rule in wanted.items()
        for version, newest in [known.get(line, DEFAULT_VERSION)]
        if rule != newest
    ]
    if rows:
        if connection.dialect.name == "postgresql":
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        await connection.execute(insert(billable_rules), rows)
        await mark_lines(connection, [str(row["line_id"]) for row in rows])


def hold_rules(connection: Connection) -> None:
    """Let no rule change while plays are counted: who changes one marks what was counted by the old one."""
    if connection.dialect.name == "postgresql":
        connection.execute(_HELD)


_HELD = select(func.pg_advisory_xact_lock_shared(_LOCK))


def rules_of(connection: Connection, lines: Iterable[str]) -> dict[str, VersionedRule]:
    """Return the newest rule of each of these lines that has one."""
    own, wanted, found = billable_rules.c, sorted(lines), dict[str, VersionedRule]()
    for first in range(0, len(wanted), _LINES_AT_ONCE):
        newest = select(own.line_id, func.max(own.version).label("version")).group_by(own.line_id)
        newest_ones = newest.where(own.line_id.in_(wanted[first : first + _LINES_AT_ONCE])).subquery()
        same = and_(newest_ones.c.line_id == own.line_id, newest_ones.c.version == own.version)
        rows = connection.execute(select(own.line_id, own.version, own.rule).join(newest_ones, same))
        found.update({row[0]: (row[1], BillableRule.model_validate(row[2])) for row in rows})
    return found
