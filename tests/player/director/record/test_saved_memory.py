"""What the programme remembers is written in few rows, and is the same after every restart."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

from player.director.take_recorder import TakeRecorder, memory_from
from player.evidence.ledger import MIGRATIONS, Ledger, open_ledger
from player.evidence.ledger_entries import MemoryChange, SavedMemory
from sync.programme.ad_eligibility import EligibleAds
from sync.programme.ad_selection import AdHead, AdState, prepare_ads, refund, select_ad
from sync.programme.items_and_breaks import Rotation
from sync.programme.next_take import Memory
from tests.fakes import FakeClock
from tests.player.director.venue import DEVICE
from tests.sync.programme.examples import busy_day, campaign, eligible_of, fresh, run

PAGE = 4096 + 24
"""What a page takes in the journal of SQLite, in bytes."""


def booked(lines: int) -> EligibleAds:
    return eligible_of([campaign(f"l{number:03}", weight=1 + number % 7) for number in range(lines)])


async def written(ledger: Ledger, recorder: TakeRecorder, ads: AdState) -> AdState:
    """Write the state as the recorder does; return what a restart would read."""
    recorder.memory = replace(recorder.memory, ads=ads)
    await recorder.save()
    return memory_from(await ledger.saved_memory(), 1).ads


async def test_after_each_write_a_restart_goes_on_with_the_same_ads(tmp_path: Path) -> None:
    rng = Random(3)
    bookings = [booked(40), booked(39), booked(12), eligible_of([*busy_day(), campaign("guest")]), booked(300)]
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        recorder, ads = TakeRecorder(ledger, 1), bookings[0]
        await recorder.recover()
        state, reserved = fresh(), list[int]()
        for step in range(320):
            if rng.random() < 0.05:
                ads = rng.choice(bookings)
                state = prepare_ads(state, ads)
            choice, state = select_ad(state, ads)
            if choice is not None:
                reserved.append(choice.id)
            if rng.random() < 0.15:
                state = refund(state, rng.choice(reserved[-120:]), failed=rng.random() < 0.5)
            if step % 4 and rng.random() < 0.8:  # else several changes are one write
                assert await written(ledger, recorder, state) == state
        rows = await ledger.saved_memory()
        assert len(state.head.recent) <= len(rows.recent_ads) <= 100 + 64 + 20, "old ads are forgotten"


async def test_a_decision_among_many_lines_writes_four_pages(tmp_path: Path) -> None:
    path, ads = tmp_path / "plays.db", booked(2_000)
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        recorder = TakeRecorder(ledger, 1)
        await recorder.recover()
        _, state = run(fresh(), ads, 150)
        await written(ledger, recorder, state)
        grown = list[int]()
        for _ in range(50):
            _, state = run(state, ads, 1)
            before = path.with_name("plays.db-wal").stat().st_size
            await written(ledger, recorder, state)
            grown.append((path.with_name("plays.db-wal").stat().st_size - before) // PAGE)
    assert sorted(grown)[25] <= 3, "the head, a recent ad, an account"  # the fourth is of the take
    assert max(grown) <= 8, "a page that is full is split"


async def test_recent_ads_of_an_earlier_schema_are_kept(tmp_path: Path) -> None:
    _, state = run(fresh(), booked(40), 130)
    with closing(sqlite3.connect(tmp_path / "plays.db")) as file:
        for number, script in enumerate(MIGRATIONS[:3], start=1):
            file.executescript(f"{script};PRAGMA user_version={number}")
        head = state.head.model_dump_json(exclude={"recent_from"})
        file.execute("INSERT INTO memory VALUES ('ads', ?)", (head,))
        rows = [(account.line, account.model_dump_json()) for account in state.accounts.values()]
        file.executemany("INSERT INTO accounts VALUES (?, ?)", rows)
        file.execute("INSERT INTO log VALUES (1, ?, 'epoch', 0, ?)", (DEVICE, "0" * 64))
        file.commit()
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        found = memory_from(await ledger.saved_memory(), 1).ads
        assert (found.head.recent, found.accounts) == (state.head.recent, state.accounts)
        expected, _ = run(state, booked(40), 60)
        assert run(found, booked(40), 60)[0] == expected


async def test_a_damaged_row_is_lost_and_neither_the_log_nor_the_ads_with_it(tmp_path: Path) -> None:
    path, ads = tmp_path / "plays.db", booked(40)
    with closing(sqlite3.connect(path)) as file:
        for number, script in enumerate(MIGRATIONS[:3], start=1):
            file.executescript(f"{script};PRAGMA user_version={number}")
        file.execute("INSERT INTO memory VALUES ('ads', '{\"seed\":7,'), ('rotation', '{\"items\":\"x\"}')")
        file.execute("INSERT INTO accounts VALUES ('l001', '{}')")
        file.execute("INSERT INTO log VALUES (1, ?, 'epoch', 0, ?)", (DEVICE, "0" * 64))
        file.commit()
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        assert (ledger.problem, ledger.epoch) == ("", "epoch")
        assert memory_from(await ledger.saved_memory(), 1) == Memory(Rotation(), AdState(AdHead(seed=1), {}))
        recorder = TakeRecorder(ledger, 1)
        await recorder.recover()
        _, state = run(fresh(), ads, 150)
        await written(ledger, recorder, state)
        for statement in (
            "UPDATE recent_ads SET body = '?' WHERE choice = 100",
            "INSERT INTO accounts VALUES ('l002', '?')",
        ):
            await ledger._database.execute(statement)
        found = memory_from(await ledger.saved_memory(), 1).ads
    assert len(found.head.recent) == 99 and state.accounts.keys() - found.accounts.keys() == {"l002"}
    run(found, ads, 60)


async def test_a_line_that_left_is_gone_after_a_restart(tmp_path: Path) -> None:
    """Also if few lines changed with it, so that only rows were written beside those of all lines."""
    state = prepare_ads(fresh(), booked(300))
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        recorder = TakeRecorder(ledger, 1)
        await recorder.recover()
        await written(ledger, recorder, state)
        assert (await ledger.saved_memory()).all_accounts is not None
        await ledger.write([], MemoryChange(removed_lines=("l007", "l008")))
        found = memory_from(await ledger.saved_memory(), 1).ads
        assert found.accounts.keys() == state.accounts.keys() - {"l007", "l008"}


async def test_damaged_accounts_are_lost_and_ads_go_on(tmp_path: Path) -> None:
    path, ads = tmp_path / "plays.db", booked(300)
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        recorder = TakeRecorder(ledger, 1)
        await recorder.recover()
        await written(ledger, recorder, run(fresh(), ads, 150)[1])
    with closing(sqlite3.connect(path)) as file:  # a block of the card has other bytes: SQLite does not see that
        file.execute("UPDATE all_accounts SET body = CAST(substr(body, 1, 500) || zeroblob(40) AS BLOB)")
        file.commit()
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        recorder = TakeRecorder(ledger, 1)
        await recorder.recover()
        assert recorder.memory.ads.head.choices == 150, "what else is known stays"
        _, state = run(recorder.memory.ads, ads, 30)
        assert await written(ledger, recorder, state) == state


def test_a_device_that_showed_nothing_yet_begins_with_its_seed() -> None:
    assert memory_from(SavedMemory(None, None, {}, None, ()), 5) == Memory(Rotation(), AdState(AdHead(seed=5), {}))
