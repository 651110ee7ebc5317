"""Random deliveries of several screens, and what must come of them, computed from all that a screen ever sent."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert, select

from sync.origin.planning.channel_plan import ReleaseRecord
from sync.origin.planning.release_contents import KnownRelease, ReleaseContent
from sync.origin.proof.plausibility import OriginTime, ScreenFacts, since_boot_of, why_set_aside
from sync.origin.sent_plays.sent_play import Span
from sync.origin.store.days.play_days import day_of_play
from sync.origin.store.devices import add_device
from sync.origin.store.releases import ReleaseStore
from sync.origin.tables.plans import channels
from sync.origin.tables.plays import play_conflicts, plays
from sync.origin.tables.reports import play_days
from sync.origin.wiring.origin import Origin
from sync.runtime.clock import unix_ms
from sync.wire.device_reports import GENESIS, Play, play_hash
from tests.fakes import FakeClock

NAMES = ("a", "b", "c")
RELEASE, ASSET = "1" * 64, "2" * 64
_NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
_CONTENT = ReleaseContent(ASSET, "item", "", "", "", 20_000)
_PAIRED_MS = unix_ms(_NINE) - 30 * 86_400_000
_KNOWN = {RELEASE: KnownRelease("main", _PAIRED_MS, {ASSET: [_CONTENT]})}

Delivery = tuple[str, list[dict[str, Any]]]
Result = tuple[str, str]
"""The status of a play, and the detail."""


def random_rounds(random: Random, rounds: int) -> list[list[Delivery]]:
    """Return rounds of deliveries, at most one of each screen in a round.

    Most plays follow those before; some come again, late, with another content, at another time, or in another log.
    """
    sent: dict[str, list[dict[str, Any]]] = {name: [] for name in NAMES}
    made = []
    for _ in range(rounds):
        made.append([(name, _some(random, name, sent[name])) for name in NAMES if random.random() < 0.8])
    return made


def _some(random: Random, name: str, sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    documents = []
    for _ in range(random.randrange(1, 7)):
        chance = random.random()
        if sent and chance < 0.2:
            documents.append(random.choice(sent))
        elif sent and chance < 0.25:
            documents.append(_hashed({**random.choice(sent), "title": "another"}))
        else:
            documents.append(_hashed(_play(random, name, len(sent))))
            sent.append(documents[-1])
    if random.random() < 0.2:
        random.shuffle(documents)
    kept = [one for one in documents if random.random() < 0.9]  # the others never come
    return kept or documents[:1]


def _play(random: Random, name: str, number: int) -> dict[str, Any]:
    moved_s = random.choice((0, 0, 0, 0, -7, -20, 3, 400))
    began, lasted_s = _NINE + timedelta(seconds=10 * number + moved_s), random.choice((10, 10, 10, 0))
    on = random.choice((10_000, 10_000, 10_000, 7_000)) if lasted_s else 0
    boots = {"boot_id": "b" * 32, "mono_start_ms": 10_000 * number, "mono_end_ms": 10_000 * number + 1_000 * lasted_s}
    return {
        "device": name,
        "log_epoch": ("e" if random.random() < 0.9 else "f") * 32,
        "sequence": number + 1 if random.random() < 0.95 else number + 3,
        "take": f"take-{number}",
        "kind": "item",
        "release": RELEASE if random.random() < 0.9 else "3" * 64,
        "asset": ASSET,
        "title": random.choice(("Iced mint tea", "Thé à la menthe")),
        "item": random.choice(("item", "item", "item", "foreign")),
        "started_at": began.isoformat().replace("+00:00", "Z"),
        "ended_at": (began + timedelta(seconds=lasted_s)).isoformat().replace("+00:00", "Z"),
        "zone": "Pacific/Auckland",
        "rendered_ms": on,
        "outcome": "partial",
        "clock": "synced",
        **(boots if random.random() < 0.7 else {}),
        "previous_hash": GENESIS,
    }


def _hashed(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "hash": play_hash(document["previous_hash"], document)}


async def prepare(origin: Origin) -> None:
    """Pair the screens and publish what they show."""
    database = origin.keys._database
    async with database.writing() as connection:
        await connection.execute(insert(channels).values(id="main", zone="UTC", version=1))
        for name in NAMES:
            values = {"channel_id": "main", "channels": ["main"], "token_hash": name, "paired_ms": _PAIRED_MS}
            await add_device(connection, id=name, name=name, **values)
    record = ReleaseRecord("main", 1, RELEASE, 1_000, _PAIRED_MS, 1, 0, 1, None)
    await ReleaseStore(database).add(record, [_CONTENT])


async def submit(origin: Origin, rounds: Iterable[Sequence[Delivery]], *, together: bool) -> list[list[Any]]:
    """Deliver; return the answers, those of a round by screen."""
    answers = []
    for deliveries in rounds:
        waiting = [origin.plays.submit(name, documents) for name, documents in deliveries]
        answers.append(await asyncio.gather(*waiting) if together else [await one for one in waiting])
    return answers


class Expected:
    """What must come of deliveries: a play is held against all others that its screen ever sent and that count."""

    def __init__(self, now_ms: int) -> None:
        self._now = OriginTime(now_ms)
        self.hashes: dict[tuple[str, str, int], str] = {}
        self.set_aside: dict[tuple[str, str, int], str | None] = {}
        self.conflicts: list[str] = []
        self.days: set[tuple[str, int]] = set()
        self._counted = defaultdict[str, list[Play]](list)

    def deliver(self, name: str, documents: Sequence[Mapping[str, Any]]) -> tuple[list[Result], int]:
        """Return the result of each play, and the high water of the log of the last one."""
        firsts = dict[tuple[str, str, int], Play]()
        for document in documents:
            place = (name, document["log_epoch"], document["sequence"])
            if place not in self.hashes:
                firsts.setdefault(place, Play.model_validate(document))
        for (place, play), why in zip(firsts.items(), self._judged(name, [*firsts.values()]), strict=True):
            self.set_aside[place] = why
            self._counted[name] += [play] if why is None else []
            self.days.add((name, day_of_play(unix_ms(play.started_at), play.zone)))
        results = [self._result(name, document, firsts) for document in documents]
        epoch, mark = documents[-1]["log_epoch"], 0
        while (name, epoch, mark + 1) in self.hashes:
            mark += 1
        return results, mark

    def _result(self, name: str, document: Mapping[str, Any], firsts: dict[tuple[str, str, int], Play]) -> Result:
        place = (name, document["log_epoch"], document["sequence"])
        if place in firsts and place not in self.hashes:
            self.hashes[place] = document["hash"]
            why = self.set_aside[place]
            return "accepted", f"set aside: {why}" if why else ""
        if self.hashes[place] == document["hash"]:
            return "duplicate", ""
        self.conflicts.append(document["hash"])
        return "conflict", ""

    def _judged(self, name: str, new: Sequence[Play]) -> list[str | None]:
        counted, since_boot = self._counted[name], defaultdict[str, list[Span]](list)
        for play in counted:
            if found := since_boot_of(play):
                since_boot[found[0]].append(found[1])
        taken = [(unix_ms(play.started_at), unix_ms(play.ended_at)) for play in counted]
        unknown = {ASSET: [_CONTENT]}
        facts = ScreenFacts(_PAIRED_MS, ("main",), unknown, taken, defaultdict(lambda: 10**12), since_boot)
        return why_set_aside(new, facts, _KNOWN, self._now)


async def stored(origin: Origin) -> tuple[dict[tuple[str, str, int], tuple[Any, ...]], list[str], set[tuple[str, int]]]:
    """Return each play (its hash, document and why it is set aside), the hashes of conflicts, and the days marked."""
    row = plays.c
    async with origin.keys._database.reading() as connection:
        found = await connection.execute(
            select(row.device_id, row.log_epoch, row.sequence, row.hash, row.body, row.set_aside, row.ended_ms)
        )
        rows = {(one[0], one[1], one[2]): tuple(one[3:]) for one in found}
        bodies = await connection.scalars(select(play_conflicts.c.body).order_by(play_conflicts.c.id))
        conflicts = [body["hash"] for body in bodies]
        days = {(one[0], one[1]) for one in await connection.execute(select(play_days.c.device_id, play_days.c.day))}
    return rows, conflicts, days


async def check_random_deliveries(origin: Origin, seed: int, *, together: bool) -> None:
    """Deliver, and hold receipts and rows against what must come of it."""
    await prepare(origin)
    rounds = random_rounds(Random(seed), 12)
    expected = Expected(unix_ms(FakeClock().now()))
    answers = await submit(origin, rounds, together=together)
    for deliveries, round_answers in zip(rounds, answers, strict=True):
        for (name, documents), answer in zip(deliveries, round_answers, strict=True):
            results, mark = expected.deliver(name, documents)
            assert [(one.status, one.detail) for one in answer.receipts] == results, (seed, name)
            assert (answer.high_water, answer.log_epoch) == (mark, documents[-1]["log_epoch"])
    rows, conflicts, days = await stored(origin)
    assert {place: (row[0], row[2]) for place, row in rows.items()} == {
        place: (hash, expected.set_aside[place]) for place, hash in expected.hashes.items()
    }
    assert all(row[1]["hash"] == row[0] and play_hash(GENESIS, row[1]) == row[0] for row in rows.values())
    assert sorted(conflicts) == sorted(expected.conflicts)
    assert days == expected.days
