"""Counted plays are what a count of all plays gives, whatever happened to them and in which order."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.planning.billable_rule import DEFAULT_RULE, BillableRule
from sync.origin.planning.venue_days import hour_lengths
from sync.origin.proof.billing import JUDGEMENT, PlayFacts, ShownPlay, judge
from sync.origin.reports.day_counter import DayCounter
from sync.origin.store.proof.play_times import MovedPlay, PlayTimeStore
from sync.origin.store.proof.plays import Acceptance, Delivery, PlayStore, ReceivedPlay
from sync.origin.store.reports.billable_rules import note_rules, rules_of
from sync.origin.store.reports.day_plays import DayPlays
from sync.origin.store.reports.play_sums import PlaySumStore, SumFilter
from sync.origin.tables.devices import devices
from sync.origin.tables.plans import channels
from sync.origin.tables.plays import plays
from sync.origin.tables.releases import release_contents, releases
from sync.origin.tables.reports import HOURS, play_days
from sync.runtime.clock import instant, unix_ms
from sync.wire.device_reports import Play
from tests.fakes import FakeClock
from tests.origin.running_origin import EPOCH, play

OLD, NEW, STRANGE = "1" * 64, "2" * 64, "3" * 64
LATER = "f" * 32  # another log
FILM, OTHER = "a" * 64, "b" * 64
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham", "UTC", "Nowhere/Else", "Europe", "")
FIRST = ("", 0)
ALL = SumFilter(-(10**6), 10**6)
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
CHANGES = (NOON, datetime(2026, 10, 25, 12, tzinfo=UTC), datetime(2026, 11, 1, 12, tzinfo=UTC))
NAMED = {(OLD, FILM), (NEW, OTHER)}


async def fill(database: OriginDatabase, *names: str) -> None:
    """Add devices, and two releases: the old one has the film, the new one the other."""
    async with database.writing() as connection:
        rows = [
            {"id": one, "name": one, "channel_id": "main", "token_hash": one, "paired_ms": 0, "version": 1}
            for one in names
        ]
        await connection.execute(insert(devices), rows)
        await connection.execute(insert(channels).values(id="main", zone="", version=1))
        for sequence, sha256 in ((1, OLD), (2, NEW)):
            facts = {"size_bytes": 1, "created_ms": 0, "items": 1, "ads": 1, "asset_bytes": 1, "named": True}
            await connection.execute(
                insert(releases).values(channel_id="main", sequence=sequence, sha256=sha256, **facts)
            )
        for asset, runs in ((FILM, [[1, 1]]), (OTHER, [[2, None]])):
            what = {"item": "", "campaign": "spring", "line": "mornings", "creative": "spot", "longest_ms": 0}
            await connection.execute(
                insert(release_contents).values(channel_id="main", asset=asset, sequences=runs, **what)
            )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[OriginDatabase]:
    async with open_origin_database(f"sqlite+aiosqlite:///{tmp_path}/origin.db") as opened:
        await opened.bring_up_to_date()
        yield opened


def counter(database: OriginDatabase) -> tuple[DayCounter, PlaySumStore]:
    store = PlaySumStore(database, JUDGEMENT)
    return DayCounter(store, FakeClock()), store


def sent(device: str, number: int, at: datetime, **changes: Any) -> ReceivedPlay:
    set_aside = changes.pop("set_aside", None)
    ended = (at + timedelta(seconds=10)).isoformat()
    document = play(device, number, **{
        "started_at": at.isoformat(), "ended_at": ended, "asset": FILM, "release": OLD, "screen": "on",
        "clock": "synced", "creative": "spot", "expected_ms": 10_000, **changes,
    })  # fmt: skip
    return ReceivedPlay(Play.model_validate(document), document, set_aside)


async def by_hour(store: PlaySumStore, device: str) -> Counter[tuple[Any, ...]]:
    """Return how many plays there are of each day, hour, line, verdict, reason and version of the rule."""
    names = ("day", "line_id", "verdict", "reason", "rule_version")
    found: Counter[tuple[Any, ...]] = Counter()
    for row in await store.sums(SumFilter(ALL.first_day, ALL.last_day, device), names, hours=True):
        assert row["plays"] == sum(row[hour] for hour in HOURS)
        for number, hour in enumerate(HOURS):
            found[row["day"], number, *(row[name] for name in names[1:])] += row[hour]
    return +found


async def as_reported(store: PlaySumStore, *by: str) -> Counter[tuple[Any, ...]]:
    """Return all numbers of reports, from the sums of all devices together, or of each by `device_id`."""
    names = ("day", "line_id", "verdict", "reason", "outcome", "screen", "relaxed", "rule_version")
    found = Counter[tuple[Any, ...]]()
    for row in await store.sums(ALL, (*by, *names), hours=True):
        for field in ("plays", "rendered_ms", *HOURS):
            found[field, *(row[name] for name in names)] += row[field]
    return +found


async def counted_anew(database: OriginDatabase, device: str) -> Counter[tuple[Any, ...]]:
    """Count all rows of a device, one by one."""
    async with database.reading() as connection:
        rows = (await connection.execute(select(plays).where(plays.c.device_id == device))).mappings().all()
        rules = await connection.run_sync(rules_of, ["mornings", "evenings"])
    found: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        body = row["body"]
        zone = ZoneInfo(body["zone"]) if body["zone"].count("/") == 1 and "Nowhere" not in body["zone"] else UTC
        local = instant(row["started_ms"]).astimezone(zone)
        version, rule = rules.get(body["line"], (0, DEFAULT_RULE))
        named = None if body["release"] == STRANGE else (
            (body["release"], body["asset"]) in NAMED and body["line"] == "mornings")  # fmt: skip
        facts = PlayFacts(row["set_aside"], row["accepted"] is not None, row["clock_offset_ms"] is not None, named)
        shown = ShownPlay(
            body["kind"],
            body["rendered_ms"],
            body["expected_ms"],
            body["outcome"],
            body.get("screen_detail") or body["screen"],
            body.get("clock_state") or {"synced": "synchronised", "unsynced": "never_set"}[body["clock"]],
        )
        judged = judge(shown, rule, facts)
        day = (local.date() - date(1970, 1, 1)).days
        found[day, local.hour, body["line"], judged.verdict.value, judged.reason.value, version] += 1
    return found


PLAYS = st.fixed_dictionaries({
    "day": st.sampled_from(CHANGES), "minutes": st.integers(-40 * 60, 40 * 60), "zone": st.sampled_from(ZONES),
    "line": st.sampled_from(["mornings", "evenings"]), "asset": st.sampled_from([FILM, OTHER]),
    "release": st.sampled_from([OLD, NEW, STRANGE]), "rendered_ms": st.sampled_from([0, 1_999, 7_500, 9_499, 10_000]),
    "outcome": st.sampled_from(["complete", "partial", "failed", "interrupted"]),
    "screen": st.sampled_from(["on", "off", "unknown"]), "clock": st.sampled_from(["synced", "unsynced"]),
    "screen_detail": st.sampled_from([None, None, "covered", "disconnected"]),
    "set_aside": st.sampled_from([None, None, "unconfirmed: it is older"]),
    "log_epoch": st.sampled_from([EPOCH, EPOCH, EPOCH, LATER]),
    "place": st.sampled_from(["next", "next", "gap", "late"]),
})  # fmt: skip
DOUBTED = {
    "day": NOON, "minutes": 0, "zone": "UTC", "line": "mornings", "asset": FILM, "release": OLD, "rendered_ms": 10_000,
    "outcome": "complete", "screen": "on", "clock": "synced", "set_aside": "unconfirmed: it is older",
}  # fmt: skip
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.lists(PLAYS, min_size=1, max_size=6)),
        st.tuples(st.just("count"), st.none()),
        st.tuples(st.just("rule"), st.sampled_from(["complete", "min_fraction", "on_render"])),
        st.tuples(st.just("accept"), st.integers(1, 12)),
        st.tuples(st.just("correct"), st.tuples(st.integers(1, 12), st.integers(-2_000, 2_000))),
    ),
    min_size=1,
    max_size=9,
)


async def run(database: OriginDatabase, device: str, steps: list[tuple[str, Any]]) -> None:
    store, number, gaps, (counts, _) = PlayStore(database), 0, list[int](), counter(database)
    for step, what in steps:
        if step == "deliver":
            arrivals = []
            for one in what:
                place = one.get("place", "next")
                if place == "gap":
                    gaps.append(number := number + 1)
                is_late = place == "late" and gaps
                number += not is_late
                fields = {name: one[name] for name in one if name not in ("day", "minutes", "place")}
                at = one["day"] + timedelta(minutes=one["minutes"])
                arrivals.append(sent(device, gaps.pop(0) if is_late else number, at, **fields))
            await store.store([Delivery(device, arrivals)], 0)
            await store.store([Delivery(device, arrivals[:1])], 0)  # once more: it changes nothing
        elif step == "count":
            await counts.count()
        elif step == "rule":
            async with database.writing() as connection:
                await note_rules(connection, {"mornings": BillableRule(kind=what).model_dump()}, 0)
        elif step == "accept":
            await store.accept(device, EPOCH, [what], Acceptance("key", "seen", 0))
        else:
            await correct(database, device, *what)


async def correct(database: OriginDatabase, device: str, sequence: int, minutes: int) -> None:
    """Give a play another time, as when its clock was set late, and judge it anew."""
    own = (plays.c.device_id == device, plays.c.sequence == sequence)
    async with database.reading() as connection:
        was_ms = await connection.scalar(select(plays.c.started_ms).where(*own))
    if was_ms is not None:
        times, later_ms = PlayTimeStore(database), was_ms + minutes * 60_000
        move = MovedPlay((EPOCH, sequence), later_ms, later_ms + 10_000, minutes)
        await times.move(device, [move], overlaps="another play")
        await times.judge(device, {(EPOCH, sequence): None})


async def test_sums_are_those_of_a_count_of_all_plays(database: OriginDatabase) -> None:
    """DST days in four zones, zones that nobody knows, plays late and over midnight, corrections and new rules."""
    await fill(database, *(f"d{number}" for number in range(14)))
    numbers = iter(range(14))
    loop = asyncio.get_running_loop()

    @settings(max_examples=12, deadline=None, database=None)
    @given(STEPS)
    @example([("deliver", [DOUBTED]), ("count", None), ("accept", 1)])
    @example([("deliver", [DOUBTED]), ("count", None), ("correct", (1, 2_000))])
    def check(steps: list[tuple[str, Any]]) -> None:
        device = f"d{next(numbers, 0)}"
        asyncio.run_coroutine_threadsafe(compare(device, steps), loop).result()

    async def compare(device: str, steps: list[tuple[str, Any]]) -> None:
        counts, store = counter(database)
        await run(database, device, steps)
        await counts.count(SumFilter(ALL.first_day, ALL.last_day, device))
        assert await by_hour(store, device) == await counted_anew(database, device)

    await asyncio.to_thread(check)
    counts, store = counter(database)
    await counts.count()
    for number in range(14):  # rules changed while others were counted
        assert await by_hour(store, f"d{number}") == await counted_anew(database, f"d{number}")
    assert await store.stale_days(None, FIRST, 9) == []
    together, each = await as_reported(store), await as_reported(store, "device_id")
    assert together == each and together.total() > 0
    added = each, await store.shown_ms(ALL)
    anew = PlaySumStore(database, JUDGEMENT + 1)  # to sums of another arithmetic nothing is added
    await DayCounter(anew, FakeClock()).count()
    assert added == (await as_reported(anew, "device_id"), await anew.shown_ms(ALL))


async def test_what_comes_while_a_day_is_counted_makes_it_stale_again(database: OriginDatabase) -> None:
    await fill(database, "d")
    counts, store = counter(database)
    await PlayStore(database).store([Delivery("d", [sent("d", 1, NOON)])], 0)
    [(device, day)] = await store.stale_days(None, FIRST, 9)
    read = await store.plays_of(device, [day])
    await PlayStore(database).store([Delivery("d", [sent("d", 2, NOON + timedelta(minutes=1))])], 0)
    await counts._count(read)
    assert sum((await by_hour(store, "d")).values()) == 1
    assert await store.stale_days(None, FIRST, 9) == [("d", day)]
    await counts.count()
    await counts._count(read)  # an older count does not overwrite a newer one
    assert sum((await by_hour(store, "d")).values()) == 2
    assert await PlaySumStore(database, JUDGEMENT + 1).stale_days(None, FIRST, 9) == [
        ("d", day)
    ]  # of another arithmetic


async def test_a_play_belongs_to_the_day_in_which_it_began(database: OriginDatabase) -> None:
    await fill(database, "d")
    counts, store = counter(database)
    midnight = datetime(2026, 3, 29, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    before, after = midnight - timedelta(seconds=1), midnight
    await PlayStore(database).store([Delivery("d", [sent("d", 1, before), sent("d", 2, after)])], 0)
    await counts.count()
    first = unix_ms(NOON) // 86_400_000
    assert sorted((day, hour) for day, hour, *_ in await by_hour(store, "d")) == [(first - 1, 23), (first, 0)]


async def test_a_number_counts_as_it_was_understood_however_it_was_written(database: OriginDatabase) -> None:
    await fill(database, "d")
    counts, store = counter(database)
    written = (10_000, "10000", 10_000.0, "10_000", " 10000.0 ")
    times = {"release": OLD, "line": "mornings", "campaign": "spring"}
    odd = [
        sent("d", number, NOON + timedelta(minutes=number), rendered_ms=each, expected_ms=each, **times)
        for number, each in enumerate(written, 1)
    ]
    await PlayStore(database).store([Delivery("d", odd)], 0)
    await counts.count()
    (row,) = await store.sums(SumFilter(ALL.first_day, ALL.last_day, "d"), ["verdict"])
    assert (row["verdict"], row["plays"], row["rendered_ms"]) == ("billable", 5, 50_000)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York", ""])
@pytest.mark.parametrize("at", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
async def test_a_play_at_either_end_of_the_calendar_is_counted(
    database: OriginDatabase, at: datetime, zone: str
) -> None:
    await fill(database, "d")
    counts, store = counter(database)
    far = sent("d", 1, at, zone=zone, set_aside="its time had not come yet")
    await PlayStore(database).store([Delivery("d", [far, sent("d", 2, NOON)])], 0)
    await counts.count()
    found = await store.sums(SumFilter(-(10**7), 10**7), ["reason"])
    assert sum(row["plays"] for row in found) == 2


@pytest.mark.parametrize(
    ("day", "zone", "hours", "missing"),
    [
        ("2026-03-28", "Europe/Berlin", 24, None),
        ("2026-03-29", "Europe/Berlin", 23, 2),
        ("2026-10-25", "Europe/Berlin", 25, None),
        ("2026-04-05", "Australia/Lord_Howe", 24.5, None),
        ("2011-12-30", "Pacific/Apia", 0, None),  # a day that was left out
    ],
)
def test_hours_of_a_day_are_as_long_as_they_are(day: str, zone: str, hours: float, missing: int | None) -> None:
    number = (date.fromisoformat(day) - date(1970, 1, 1)).days
    found = hour_lengths(number, ZoneInfo(zone))
    assert sum(found.values()) == hours * 3_600_000
    assert missing is None or missing not in found


async def test_an_origin_counts_by_itself(database: OriginDatabase) -> None:
    await fill(database, "d")
    clock, store = FakeClock(), PlaySumStore(database, JUDGEMENT)
    service = asyncio.create_task(DayCounter(store, clock).run())
    await PlayStore(database).store([Delivery("d", [sent("d", 1, NOON)])], 0)
    counted: list[tuple[str, int]] = []
    async with asyncio.timeout(60):
        while counted != [("", 1), ("d", 1)]:  # all devices together, and this one
            await clock.advance(60)
            async with database.reading() as connection:
                rows = await connection.execute(select(play_days.c.device_id, play_days.c.counted))
                counted = sorted((device, count) for device, count in rows)
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)


async def test_plays_that_follow_are_added_without_reading_those_before(
    database: OriginDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(database, "d", "e")
    counts, store = counter(database)

    async def deliver(device: str, *numbers: int, **changes: Any) -> None:
        arrivals = [sent(device, number, NOON + timedelta(minutes=number), **changes) for number in numbers]
        await PlayStore(database).store([Delivery(device, arrivals)], 0)
        await counts.count()

    whole = list[str]()
    plays_of = PlaySumStore.plays_of

    async def noted(self: PlaySumStore, device: str, days: Collection[int]) -> DayPlays:
        whole.append(device)
        return await plays_of(self, device, days)

    monkeypatch.setattr(PlaySumStore, "plays_of", noted)
    for first in (1, 3, 5):
        await deliver("d", first, first + 1)
        await deliver("e", first, first + 1)
    await deliver("d", 9)
    assert whole == []
    await deliver("d", 8)  # it comes late
    assert whole == ["d"]
    await deliver("d", 10)
    await deliver("d", 11, log_epoch="f" * 32)  # another log
    await deliver("d", 12, log_epoch="f" * 32)
    assert whole == ["d", "d"]
    for device in ("d", "e"):
        assert await by_hour(store, device) == await counted_anew(database, device)
    together = await store.sums(ALL, ["verdict"], hours=True)
    assert sum(row["plays"] for row in together) == 6 + 6 + 5
    async with database.reading() as connection:
        shown = await connection.scalars(select(play_days.c.shown_ms).where(play_days.c.device_id == "d"))
        assert sum(map(sum, shown)) == 11 * 10_000
