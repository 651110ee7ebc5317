"""Plays that an origin holds in memory are counted as if they were read, and never where they are not all."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from sync.origin.persistence import held_plays
from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.persistence.held_plays import HeldDay, HeldPlays
from sync.origin.sent_plays.counted_play import CountedPlay, counted_document, counted_play
from sync.origin.sent_plays.sent_play import read_plays
from sync.origin.store.proof.play_times import MovedPlay, PlayTimeStore
from sync.origin.store.proof.plays import Delivery, PlayStore
from sync.origin.store.reports import new_plays
from sync.runtime.clock import unix_ms
from sync.wire.device_reports import Play
from tests.origin.reports.test_day_counter import NOON, by_hour, counted_anew, counter, fill, sent
from tests.origin.running_origin import EPOCH
from tests.origin.sent_plays.test_sent_play import USUAL, right

LATER = "f" * 32


@pytest.fixture
async def databases(tmp_path: Path) -> AsyncIterator[tuple[OriginDatabase, OriginDatabase]]:
    """Open one database as two origins do, so that each knows nothing of what the other one stored."""
    url = f"sqlite+aiosqlite:///{tmp_path}/origin.db"
    async with open_origin_database(url) as one, open_origin_database(url) as other:
        await fill(one, "d", "e")
        yield one, other


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the devices whose new plays are read."""
    devices, read_plays_of = list[str](), new_plays._read_plays

    def noted(connection: Connection, rows: Mapping[tuple[str, int], new_plays._Row]) -> object:
        devices.extend(device for device, _ in rows)
        return read_plays_of(connection, rows)

    monkeypatch.setattr(new_plays, "_read_plays", noted)
    return devices


async def store(database: OriginDatabase, device: str, *numbers: int, log: str = "") -> None:
    changes = {"log_epoch": log} if log else {}
    arrivals = [sent(device, number, NOON + timedelta(minutes=number), **changes) for number in numbers]
    await PlayStore(database).store([Delivery(device, arrivals)], 0)


async def test_what_is_held_is_not_read(databases: tuple[OriginDatabase, OriginDatabase], read: list[str]) -> None:
    one, _ = databases
    counts, sums = counter(one)
    for first in (1, 4, 8):
        await store(one, "d", first, first + 1)
        await store(one, "d", first + 2)
        await counts.count()
    assert read == []
    assert await by_hour(sums, "d") == await counted_anew(one, "d")


async def test_what_is_left_for_the_next_transaction_is_still_held(
    databases: tuple[OriginDatabase, OriginDatabase], read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = databases
    monkeypatch.setattr(new_plays, "MOST_PLAYS", 3)
    counts, sums = counter(one)
    for device in ("d", "e"):
        await store(one, device, 1, 2)
    await counts.count()
    assert read == []
    for device in ("d", "e"):
        assert await by_hour(sums, device) == await counted_anew(one, device)
    held, [play] = HeldPlays(), [counted_play(Play.model_validate(right(USUAL)), 0, None, corrected=False)]
    held.add({("d", 1): HeldDay("log", 1, 1, [play])})
    taken = held.take([("d", 1)])
    held.add({("d", 1): HeldDay("log", 2, 2, [play])})
    held.put_back(taken)
    assert held.take([("d", 1)]) == {("d", 1): HeldDay("log", 1, 2, [play, play], marks=2)}


async def test_what_another_origin_stored_is_read(
    databases: tuple[OriginDatabase, OriginDatabase], read: list[str]
) -> None:
    one, other = databases
    counts, sums = counter(one)
    await store(one, "d", 1)
    await store(other, "d", 2)
    await counts.count()
    assert read == ["d"]
    await store(one, "d", 3)
    await store(other, "d", 4)
    await counter(other)[0].count()  # with what it read the other one counts those of this one, too
    await store(other, "d", 5)
    await counts.count()
    await counter(other)[0].count()
    assert read == ["d"] * 3
    assert await by_hour(sums, "d") == await counted_anew(one, "d")


async def test_what_another_origin_moved_to_another_day_is_not_counted(
    databases: tuple[OriginDatabase, OriginDatabase],
) -> None:
    one, other = databases
    counts, sums = counter(one)
    await store(one, "d", 1)
    await counts.count()
    await store(one, "d", 2, 3)
    week_before = [unix_ms(NOON - timedelta(days=7, minutes=-number)) for number in (2, 3)]
    moves = [MovedPlay((EPOCH, number), at, at + 10_000, 5) for number, at in enumerate(week_before, 2)]
    await PlayTimeStore(other).move("d", moves, overlaps="")
    await PlayTimeStore(other).judge("d", {(EPOCH, 2): None, (EPOCH, 3): None})
    await counter(other)[0].count()
    await store(other, "d", 4, 5, 6)
    await counts.count()
    assert await by_hour(sums, "d") == await counted_anew(one, "d")


async def test_an_origin_that_starts_anew_reads_what_was_not_counted(
    databases: tuple[OriginDatabase, OriginDatabase], read: list[str]
) -> None:
    one, other = databases
    await store(one, "d", 1)
    await store(other, "d", 2)  # it knows nothing of the first
    counts, sums = counter(other)
    await counts.count()
    await store(other, "d", 3)
    await counts.count()
    assert read == ["d"]
    assert await by_hour(sums, "d") == await counted_anew(one, "d")


async def test_a_late_play_or_another_log_is_counted_with_its_day(
    databases: tuple[OriginDatabase, OriginDatabase],
) -> None:
    one, _ = databases
    counts, sums = counter(one)
    await store(one, "d", 1, 4)
    await store(one, "d", 2)
    await store(one, "e", 1)
    await store(one, "e", 2, log=LATER)
    await counts.count()
    for device in ("d", "e"):
        assert await by_hour(sums, device) == await counted_anew(one, device)


async def test_more_than_can_be_held_is_read(
    databases: tuple[OriginDatabase, OriginDatabase], read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = databases
    monkeypatch.setattr(held_plays, "MOST_HELD", 4)
    counts, sums = counter(one)
    await store(one, "d", 1, 2)
    assert one.held_plays.half_full.is_set()
    await store(one, "d", 3, 4, 5)
    await store(one, "e", 1, 2, 3)
    await counts.count()
    assert read == ["d"] and not one.held_plays.half_full.is_set()
    for device in ("d", "e"):
        assert await by_hour(sums, device) == await counted_anew(one, device)


def test_what_two_counts_had_no_use_for_is_forgotten() -> None:
    held, play = HeldPlays(), counted_play(Play.model_validate(right(USUAL)), 0, None, corrected=False)
    for first in (1, 2):
        held.add({("d", 1): HeldDay("log", first, first, [play])})
        held.forget()
    assert held.take([("d", 1)]) == {}


def test_what_plays_say_is_held_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_plays, "_MOST_FACTS", 3)
    monkeypatch.setattr(held_plays, "MOST_HELD", 1)
    held = HeldPlays()
    for number in range(20):  # and nobody can count
        play = Play.model_validate(right(USUAL | {"line": f"line-{number}"}))
        held.add({(f"d{number}", 1): HeldDay("log", 1, 1, [counted_play(play, 0, None, corrected=False)])})
    assert len(held._facts) <= 4
    document = right(USUAL | {"zone": "z" * 1_000_000})
    assert counted_play(Play.model_validate(document), 0, None, corrected=False).facts.zone == ""


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"screen_detail": "covered"}, {"screen_detail": "later"}, {"clock_state": "held_over"},
        {"clock_state": "later", "clock": "unsynced"}, {"clock_state": None}, {"relaxed": []}, {"expected_ms": None},
        {"item": "i-1", "campaign": None, "line": None, "creative": None, "kind": "item", "screen": "off"},
    ],
)  # fmt: skip
def test_a_play_counts_as_its_document(changes: dict[str, object]) -> None:
    document = right(USUAL | changes)
    expected = counted_document(document, 5, "why", accepted=False, corrected=True)
    assert isinstance(expected, CountedPlay)
    for play in (Play.model_validate(document), *read_plays([document])):
        assert counted_play(play, 5, "why", corrected=True) == expected  # type: ignore[arg-type]
