"""What is asked of an origin, beside what `script/bench origin` measured: the table of the README."""

from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]

GENERATOR_LIMIT = 90.0
"""Percent of a processor: a generator that uses more is late by its own fault."""


def goals(rows: Sequence[Row]) -> list[Row]:
    """Return a row for each goal of which something was measured."""
    found = list[Row]()
    requests, sums = [row for row in rows if "late_ms" in row], [row for row in rows if "plays_lost" in row]
    for row in sums:
        found += _of_devices(row, [one for one in requests if one["database"] == row["database"]])
    for row in rows:
        if "idle_mib" in row:
            found.append(_goal("memory, idle", "<= 100 MiB", f"{row['idle_mib']:.0f} MiB"))
        if "intake_us" in row and row["database"] == "PostgreSQL":
            found.append(_goal("plays on PostgreSQL, one process", ">= 10,000/s", f"{row['plays_s']:,}/s"))
            used = row["intake_us"] + row["sums_us"] + row["checkpoint_us"]
            what = "processor of the origin a play, with roll-up and signature"
            found.append(_goal(what, "<= 60 µs", f"{used:.0f} µs"))
        if row.get("file") == "timestamp.json":
            found.append(_goal("timestamp.json, origin : nginx", ">= 1 : 8", row["origin_to_nginx"]))
            found.append(_goal("timestamp.json, nginx in front : nginx", ">= 0.95 : 1", row["both_to_nginx"]))
    return found


def _of_devices(row: Row, requests: Sequence[Row]) -> Iterable[Row]:
    of = f"{row['devices']:,} devices, {row['database']}"
    playing = [one for one in requests if one["phase"] in ("playing", "a release")]
    p99_ms = max((one["late_ms"]["p99"] for one in playing), default=0.0)
    failed = sum(one["failed"] for one in playing)
    told = f"{p99_ms:.0f} ms" + (f", {failed} failed" if failed else "")
    if row["generator_percent"] > GENERATOR_LIMIT:
        told += f" (the generator used {row['generator_percent']:.0f} % of its processor)"
    yield _goal(f"{of}, {row['plays_s']:.0f} plays/s: p99 of every request", "< 500 ms", told)
    yield _goal(f"{of}: a hint to all", "< 3 s", _all(row["hint_last_s"], row["not_hinted"]))
    wrong = {name: row[name] for name in ("plays_lost", "plays_refused", "plays_set_aside") if row[name]}
    said = ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in wrong.items()) or "no play lost or refused"
    for how in ("kill", "SIGTERM"):
        back = (
            f"{_seconds(row[f'{how}_all_back_s'])}, all have reported {_seconds(row[f'{how}_all_reported_s'])}; {said}"
        )
        yield _goal(f"{of}: all back after {how}", "< 60 s, no play refused", back)
    yield _goal(f"{of}: memory", "< 400 MiB", f"{row['mib']:.0f} MiB, {row['kib_a_device']:.0f} KiB a device")


def _all(last_s: float, missing: int) -> str:
    return f"{last_s:.1f} s" + (f", {missing} did not get it" if missing else "")


def _seconds(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.0f} s"


def _goal(what: str, goal: str, measured: str) -> Row:
    return {"what": what, "goal": goal, "measured": measured}
