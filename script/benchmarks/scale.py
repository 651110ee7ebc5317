"""What a day of many devices costs, what breaks first, and what helps: `script/bench scale`, and docs/scale.md.

All follows from `scale_costs`, from the bytes that simulated devices really send, and from the assumptions here.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import scale_costs as costs
from origin_bodies import TEXT, Batches, Shown, exchange_body, exchange_message, frame, head, heartbeat, on_air

SIZES = (1_000, 10_000, 100_000, 1_000_000)
DAY_S, GB, MIB = 86_400, 1e9, 2.0**20
ITEM_S = 10.0


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What nobody measured: how screens are used, what a machine is, and what it costs (euros, a month)."""

    releases_a_day: float = 4.0
    media_mb_a_day: float = 100.0  # of new films, for each device
    keep_days: float = 90.0  # plays in the database
    keep_days_archived: float = 3.0  # the same where older ones are archived
    archive_days: float = 730.0
    core_share: float = 0.7  # of a processor that may be used, so that it answers in time at busy moments
    machine_gib: float = 4.0
    machine_tb_a_month: float = 20.0  # that it may send for its price
    disk_gb: float = 500.0
    database_cores: float = 16.0
    database_disk_gb: float = 16_000.0
    origin_eur: float = 15.0  # 2 processors, 4 GiB
    database_core_eur: float = 15.0  # with 4 GiB
    disk_gb_eur: float = 0.05
    archive_gb_eur: float = 0.02
    cdn_gb_eur: float = 0.01


@dataclass(frozen=True, slots=True)
class Setup:
    """How the origin is run."""

    database: str = "SQLite"
    origins: int = 1
    fleets: int = 1  # parts of the devices, each with so many origins and a database of its own
    archives: bool = False
    has_cdn: bool = False  # content comes from one, not from an nginx before each origin
    period_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Need:
    """What is needed of a resource, of what there is, and which lever helps."""

    of: str
    used: float
    there_is: float
    unit: str
    lever: str

    @property
    def share(self) -> float:
        """How much of it is used; above 1 it breaks."""
        return self.used / self.there_is


@dataclass(frozen=True, slots=True)
class Step:
    """A lever that is pulled, and what broke before."""

    broke: Need
    lever: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How so many devices are carried: the setup, the steps to it, and what is fullest then."""

    devices: int
    setup: Setup
    steps: tuple[Step, ...]
    fullest: Need
    day: dict[str, float] = field(default_factory=dict)


@cache
def bytes_of(what: str) -> int:
    """Return the bytes of what a device sends or gets, as `script/bench origin` sends it."""
    shown = Shown("a" * 64, tuple("b" * 64 for _ in range(20)), tuple(f"item-{n}" for n in range(20)), "p", ITEM_S, 0.0)
    body = exchange_body(heartbeat(1, shown, 60.0), Batches(1, shown).take(0, 1))
    without = exchange_body(heartbeat(1, shown, 60.0), b"[]")
    receipts = [{"sequence": number, "status": "accepted"} for number in range(6)]
    taken = {"receipts": receipts, "log_epoch": "e" * 32, "high_water": 6}
    said = {"device": "screen-00001", "channel": "main", "timestamp": "d" * 64, "fetch_within_s": 50.0, "plays": taken}
    answer = {"topic": "exchange", "number": 1, "answer": said}
    return {
        "exchange": len(frame(TEXT, exchange_message(1, body))),
        "heartbeat": len(frame(TEXT, exchange_message(1, without))),
        "on air": len(frame(TEXT, on_air(1, 1, shown))),
        "answer": len(json.dumps(answer, separators=(",", ":"))) + 4,
        "timestamp": len(head("GET", "/content/channels/main/timestamp.json", "signage.example", None)) + 900,
    }[what]


def day_of(devices: int, setup: Setup, given: Assumptions) -> dict[str, float]:
    """Return what a day of all devices comes to."""
    exchanges, plays = DAY_S / setup.period_s, DAY_S / ITEM_S
    play_bytes = (bytes_of("exchange") - bytes_of("heartbeat")) / 6
    files = 24 + 3 * given.releases_a_day  # timestamps each hour; of each release timestamp, next root and document
    sent = exchanges * bytes_of("heartbeat") + plays * (play_bytes + bytes_of("on air")) + files * 300
    got = exchanges * bytes_of("answer") + files * bytes_of("timestamp") + given.releases_a_day * 20_000
    file_us = 0.0 if setup.has_cdn else costs.FILE_BY_NGINX.value
    minute = costs.MINUTE_ON_SQLITE if setup.database == "SQLite" else costs.MINUTE_ON_POSTGRESQL
    of_plays = 6 * costs.PLAY.value / 1000
    a_day_ms = (minute.value - of_plays) * exchanges + of_plays * DAY_S / 60
    return {
        "requests": devices * (exchanges + files),
        "messages": devices * plays,
        "plays": devices * plays,
        "gb_from_devices": devices * sent / GB,
        "gb_to_devices": devices * got / GB,
        "gb_media": devices * given.media_mb_a_day / 1000,
        "gb_rows": devices * plays * costs.PLAY_ROW.value / GB,
        "origin_hours": devices * (a_day_ms + files * file_us / 1000) / 3.6e6,
        "database_hours": devices * costs.DATABASE_MINUTE.value * DAY_S / 60 / 3.6e6 * (setup.database != "SQLite"),
    }


def needs(devices: int, setup: Setup, given: Assumptions) -> Iterator[Need]:
    """Yield what is needed of each resource of one origin, or of one database."""
    day = day_of(devices, setup, given)
    here = devices / setup.origins / setup.fleets
    more = "several origins" if setup.database == "PostgreSQL" else "PostgreSQL"
    cores = day["origin_hours"] / 24 / setup.origins / setup.fleets
    yield Need("processor of an origin", cores, given.core_share, "cores", more)
    mib = costs.MEMORY_IDLE.value + here * costs.MEMORY.value / 1024
    yield Need("memory of an origin", mib, given.machine_gib * 1024 * 0.75, "MiB", more)
    yield Need("WebSockets of an origin", here, 48_960, "", more)
    if not setup.has_cdn:
        sent = 30 * (day["gb_media"] + day["gb_to_devices"]) / 1000 / setup.origins / setup.fleets
        yield Need("traffic of an origin", sent, given.machine_tb_a_month, "TB a month", "a CDN")
    kept = day["gb_rows"] / setup.fleets * (given.keep_days_archived if setup.archives else given.keep_days)
    disk_gb = given.disk_gb if setup.database == "SQLite" else given.database_disk_gb
    larger = "PostgreSQL" if setup.database == "SQLite" else "fleets apart"
    yield Need("disk of the database", kept, disk_gb, "GB", larger if setup.archives else "archived plays")
    if setup.database == "PostgreSQL":
        used = day["database_hours"] / 24 / setup.fleets
        yield Need("processor of PostgreSQL", used, given.database_cores * given.core_share, "cores", "fleets apart")


def pulled(lever: str, setup: Setup) -> Setup:
    """Return the setup after a lever is pulled."""
    if lever == "several origins":
        return replace(setup, origins=setup.origins + 1)
    if lever == "fleets apart":
        return replace(setup, fleets=setup.fleets + 1, origins=1)
    changed: dict[str, dict[str, Any]] = {
        "PostgreSQL": {"database": "PostgreSQL"},
        "a CDN": {"has_cdn": True},
        "archived plays": {"archives": True},
    }
    return replace(setup, **changed[lever])


def plan(devices: int, given: Assumptions | None = None) -> Plan:
    """Return how so many devices are carried: whatever breaks first is helped, until nothing breaks."""
    given = given or Assumptions()
    setup, steps = Setup(), list[Step]()
    while (worst := max(needs(devices, setup, given), key=lambda need: need.share)).share > 1:
        if all(step.lever != worst.lever for step in steps):
            steps.append(Step(worst, worst.lever))
        setup = pulled(worst.lever, setup)
    return Plan(devices, setup, tuple(steps), worst, day_of(devices, setup, given))


def month_eur(found: Plan, given: Assumptions) -> dict[str, float]:
    """Return what a month costs, by what it is for."""
    setup, day = found.setup, found.day
    kept = day["gb_rows"] * (given.keep_days_archived if setup.archives else given.keep_days)
    archived = day["plays"] * given.archive_days * costs.ARCHIVED_PLAY.value / GB if setup.archives else 0.0
    cores = max(1.0, day["database_hours"] / 24 / given.core_share) if setup.database == "PostgreSQL" else 0.0
    delivered_gb = 30 * (day["gb_media"] + day["gb_to_devices"])
    return {
        "origins": setup.origins * setup.fleets * given.origin_eur,
        "database": cores * given.database_core_eur,
        "disk": kept * given.disk_gb_eur + archived * given.archive_gb_eur,
        "delivery": delivered_gb * given.cdn_gb_eur if setup.has_cdn else 0.0,
    }


async def measure() -> list[dict[str, Any]]:
    """Return a row for each number of devices."""
    return [row(plan(devices), Assumptions()) for devices in SIZES]


def row(found: Plan, given: Assumptions) -> dict[str, Any]:
    """Return a plan in numbers."""
    money = month_eur(found, given)
    return {
        "devices": found.devices,
        **{name: round(value, 1) for name, value in found.day.items()},
        "setup": described(found.setup),
        "breaks_first": "; ".join(f"{step.broke.of}: {step.lever}" for step in found.steps) or "nothing",
        "fullest": f"{found.fullest.of}, {100 * found.fullest.share:.0f} %",
        "eur_a_month": round(sum(money.values())),
        "cent_a_device_and_month": round(100 * sum(money.values()) / found.devices, 2),
    }


def described(setup: Setup) -> str:
    """Return a setup in words."""
    each = f"{setup.origins} origin{'s' if setup.origins > 1 else ''}, {setup.database}"
    each += ", old plays archived" if setup.archives else ""
    whole = each if setup.fleets == 1 else f"{setup.fleets} fleets, each {each}"
    return f"{whole}; content from {'a CDN' if setup.has_cdn else 'nginx in front'}"
