"""The evidence when its file is damaged or lost, while it is open and while it is not: what was written is not lost."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from player.evidence.ledger import open_ledger, read_owner
from player.programme.proof_of_play import verify_chain
from tests.fakes import FakeClock
from tests.player.director.venue import DEVICE
from tests.player.evidence.plays import closed, log_plays
from tests.player.evidence.test_ledger import logged
from tests.sync.device.disk.damage import ALL, Damage, deleted, empty, folder, garbage, link, newer, pipe, truncated


@pytest.mark.parametrize("damage", [deleted, folder, link, pipe], ids=lambda it: it.__name__)
async def test_a_file_that_vanishes_while_it_is_open_is_written_again_with_all_its_plays(
    tmp_path: Path, damage: Damage
) -> None:
    path = tmp_path / "plays.db"
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        await log_plays(ledger, 3)
        damage(path)
        await ledger.write([closed("after")])
        assert path.is_file()
        assert await ledger.outbox.depth() == 4
        for name in ("plays.db", "plays.db-wal", "plays.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        await ledger.write([closed("later")])
        epoch = ledger.epoch
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        plays = await logged(ledger)
        assert (ledger.problem, ledger.epoch, len(plays)) == ("", epoch, 5)
        verify_chain(plays, after="0" * 64)
    assert not list(tmp_path.glob(".*")), "nothing half-done is left"


async def test_a_file_that_is_replaced_while_it_is_open_is_set_aside(tmp_path: Path) -> None:
    path, other = tmp_path / "plays.db", tmp_path / "other.db"
    async with open_ledger(other, DEVICE, FakeClock()) as ledger:
        await log_plays(ledger, 1)
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        await log_plays(ledger, 2)
        other.replace(path)
        await ledger.write([closed("after")])
        assert len(await logged(ledger)) == 3
    with closing(sqlite3.connect(tmp_path / "plays.db.aside")) as aside:
        assert aside.execute("SELECT count(*) FROM plays").fetchone() == (1,)


async def test_a_file_that_cannot_be_written_again_stops_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    async with open_ledger(home / "plays.db", DEVICE, FakeClock()) as ledger:
        await log_plays(ledger, 2)
        home.rename(tmp_path / "away")
        await ledger.write([closed("t")])
        assert len(await logged(ledger)) == 3
        home.mkdir()
        await ledger.write([closed("u")])
    async with open_ledger(home / "plays.db", DEVICE, FakeClock()) as ledger:
        assert len(await logged(ledger)) == 4


def without_a_table(path: Path) -> None:
    """Damage the file where only what is read last finds it."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("DROP TABLE quarantine")


# damage: how many plays are left, and whether the file is kept beside the new one
STOPPED: dict[Damage, tuple[int, bool]] = {
    empty: (0, False),
    truncated: (0, True),
    garbage: (0, True),
    deleted: (0, False),
    folder: (0, True),
    link: (0, True),
    pipe: (0, True),
    newer: (0, True),
    without_a_table: (0, True),
}


@pytest.mark.parametrize("damage", STOPPED, ids=lambda it: it.__name__)
async def test_a_damaged_file_is_set_aside_and_the_next_log_is_on_the_disk(tmp_path: Path, damage: Damage) -> None:
    path = tmp_path / "plays.db"
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        await log_plays(ledger, 30)
    damage(path)
    left, kept = STOPPED[damage]
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        assert len(await logged(ledger)) == left
        assert ("set aside" in ledger.problem) is kept
        await log_plays(ledger, 1)
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        assert (ledger.problem, len(await logged(ledger))) == ("", 1)
    assert bool(list(tmp_path.glob("plays.db.2*"))) is kept


@pytest.mark.parametrize("damage", ALL, ids=lambda it: it.__name__)
async def test_a_damaged_file_does_not_say_whose_it_is(tmp_path: Path, damage: Damage) -> None:
    path = tmp_path / "plays.db"
    async with open_ledger(path, DEVICE, FakeClock()):
        pass
    assert await read_owner(path) == DEVICE
    damage(path)
    assert await read_owner(path) is None


async def test_a_file_that_can_only_be_read_is_copied_and_the_log_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plays.db"
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        await log_plays(ledger, 3)
        epoch = ledger.epoch
    access, number = os.access, path.stat().st_ino
    monkeypatch.setattr(
        os, "access", lambda at, mode: access(at, mode) and not (mode & os.W_OK and Path(at).stat().st_ino == number)
    )
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        await ledger.write([closed("later")])
        plays = await logged(ledger)
        assert (ledger.problem, ledger.epoch, len(plays)) == ("", epoch, 4)
        verify_chain(plays, after="0" * 64)
    assert (tmp_path / "plays.db.aside").stat().st_ino == number


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
@pytest.mark.parametrize("damage", [empty, garbage, deleted, folder, link], ids=lambda it: it.__name__)
async def test_a_damaged_journal_costs_at_most_what_it_held(tmp_path: Path, damage: Damage, suffix: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "left").mkdir()
    async with open_ledger(tmp_path / "run" / "plays.db", DEVICE, FakeClock()) as ledger:
        await log_plays(ledger, 3)
        for file in (tmp_path / "run").iterdir():  # as a kill leaves them
            shutil.copy(file, tmp_path / "left")
    path = tmp_path / "left" / "plays.db"
    damage(path.with_name(path.name + suffix))
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        assert "memory" not in ledger.problem
        verify_chain(await logged(ledger), after="0" * 64)
        await ledger.write([closed("later")])
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        assert (await logged(ledger))[-1].take == "later"


@pytest.mark.parametrize("damage", [folder, link, pipe], ids=lambda it: it.__name__)
async def test_what_is_in_the_place_of_an_old_kind_of_journal_costs_nothing(tmp_path: Path, damage: Damage) -> None:
    path = tmp_path / "plays.db"
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        await log_plays(ledger, 3)
    (tmp_path / "plays.db-journal").touch()
    damage(tmp_path / "plays.db-journal")
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        assert (ledger.problem, len(await logged(ledger))) == ("", 3)
        await log_plays(ledger, 1)
    assert os.path.lexists(tmp_path / "plays.db-journal.aside")
