"""proof: a day of a whole site with all disturbances, and what its record says of it, held against the display.

An origin, a player on Xvfb, two dayparts with ads; every few seconds something happens, at a random instant. A witness
looks at the display some 400 times a second. Then the origin exports the day, and each play is held against its
picture: `off` is by how much it begins or ends earlier or later, or claims more than was seen, beyond what lies between
two looks (median / 99 % / maximum in ms). Of a play that was cut off with the player only a later end counts: its
record has the last one that was on the disk. `stood on`: the longest time that the last picture of an item stayed until
something followed; its play lasts as long.

A day is `--rounds` of each disturbance, two pictures after the one before; with `--hours` it lasts so long, and they
come once a minute.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

from progress import tell
from seam import spread_ms

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "demonstration")]

from tests.e2e.day.agreement import Agreement, Match, compare, end_s, start_s  # noqa: E402 - found by the line above
from tests.e2e.day.day import Day, Evidence, running_day  # noqa: E402
from tests.e2e.day.disturbances import DISK_FULL, TABLE, disturb  # noqa: E402
from tests.e2e.day.witness import Sight  # noqa: E402
from tests.small_disk import small_disk  # noqa: E402

ROUNDS = 3
_EVERY_S = 60.0  # of a day by the hour, in the mean
_MIB_AN_HOUR = 8  # what the record of an hour takes
_NEAR_S = 0.3


async def measure(hours: float, rounds: int, seed: int) -> list[dict[str, Any]]:
    """Return a row for each disturbance, and one for the whole day."""
    return await asyncio.to_thread(_measure, hours, rounds, Random(seed))


def _measure(hours: float, rounds: int, chance: Random) -> list[dict[str, Any]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-proof-")))
        has_disk = stack.enter_context(small_disk(folder / "player", 64 + round(_MIB_AN_HOUR * hours)))
        day, sight = stack.enter_context(running_day(folder))
        began_s = day.clock.monotonic()
        table = [what for what in TABLE if has_disk or what != DISK_FULL]
        number = 0
        while day.clock.monotonic() - began_s < hours * 3600 if hours else number < rounds * len(table):
            if number % len(table) == 0:
                chance.shuffle(table)
            day.clock.wait(chance.expovariate(1 / _EVERY_S) if hours else 0.0)
            what = table[number % len(table)]
            disturb(day, sight, what, after_s=chance.uniform(0.05, 2.0))
            tell({"after": f"{day.clock.monotonic() - began_s:.0f} s", "what": what})
            number += 1
        evidence = day.end()
        lasted_s = day.clock.monotonic() - began_s
    found = compare(evidence.plays, sight.pictures())
    return [*_by_disturbance(day, found), _whole(evidence, found, sight, lasted_s)]


def _by_disturbance(day: Day, found: Agreement) -> Iterable[dict[str, Any]]:
    for what in TABLE:
        spans = [(each.from_s, each.until_s) for each in day.disturbed if each.what == what]
        if spans:
            yield {"disturbance": what, "times": len(spans), **_row([m for m in found.matches if _is_in(m, spans)])}
    spans = [(each.from_s, each.until_s) for each in day.disturbed]
    yield {"disturbance": "none", "times": 0, **_row([m for m in found.matches if not _is_in(m, spans)])}


def _is_in(match: Match, spans: Sequence[tuple[float, float]]) -> bool:
    since_s, until_s = start_s(match.play) - _NEAR_S, max(end_s(match.play), match.picture.went[1]) + _NEAR_S
    return any(from_s < until_s and since_s < to_s for from_s, to_s in spans)


def _row(matches: Sequence[Match]) -> dict[str, Any]:
    return {
        "plays": len(matches),
        "complete": sum(match.play["outcome"] == "complete" for match in matches),
        "off_ms": spread_ms([match.off_s for match in matches]),
        "stood_on_ms": round(max((1000 * match.stood_on_s for match in matches), default=0)),
    }


def _whole(evidence: Evidence, found: Agreement, sight: Sight, lasted_s: float) -> dict[str, Any]:
    rows, lines = evidence.report["rows"], evidence.verified["lines"]
    reported = {row["id"]: (row["plays"], row["rendered_ms"]) for row in rows}
    proven = {line["line"]: (line["plays"], line["rendered_ms"]) for line in lines if line["line"]}
    return {
        "minutes": lasted_s / 60,
        "all_plays": len(found.matches),
        "off_ms": spread_ms([match.off_s for match in found.matches]),
        "pictures_without_record": len(found.without_record),
        "records_without_picture": len(found.without_picture),
        "verifier": evidence.verified["verdict"],
        "faults_and_gaps": sum(each["weight"] != "note" for each in evidence.verified["findings"]),
        "set_aside": len(evidence.set_aside),
        "report_and_verifier": "equal" if reported == proven else "differ",
        "widest_look_ms": round(1000 * sight.widest_look_s),
    }
