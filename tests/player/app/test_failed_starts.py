"""A player that fails at its start is tried less and less often, says why, and is tried at once after an update."""

import asyncio
from pathlib import Path

import pytest

from player.app import failed_starts
from player.app.failed_starts import StartRecord, counted, read_failed_starts, wait_for_turn
from sync.errors import ScreenFailed, SignageError
from tests.fakes import FakeClock


def fail(path: Path, clock: FakeClock, error: BaseException | None = None) -> None:
    with pytest.raises(type(error or KeyError())), counted(path, clock):
        raise error or KeyError("no such part")


async def waited_s(path: Path, clock: FakeClock, stopping: asyncio.Event | None = None) -> float:
    """Return for how long the next start waits."""
    began_s, waiting = clock.monotonic(), asyncio.create_task(wait_for_turn(path, clock, stopping or asyncio.Event()))
    while not waiting.done():
        await clock.advance(10)
    waiting.result()
    return clock.monotonic() - began_s


async def test_tries_come_less_and_less_often_and_say_why(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    path, waits = tmp_path / "record", []
    for _ in range(12):
        fail(path, clock)
        found = read_failed_starts(path)
        waits.append(found.wait_s() if found else -1)
    assert waits == [0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300, 300]
    assert 300 <= await waited_s(path, clock) < 312
    said = caplog.messages[-1]
    assert "it failed 12 times in a row at its start" in said and "KeyError: 'no such part' (test_failed" in said


async def test_what_counts_as_a_failed_start(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    path, stopping = tmp_path / "record", asyncio.Event()
    for _ in range(4):
        fail(path, clock)
    StartRecord(path, clock).begin()  # and it is killed
    found = read_failed_starts(path)
    assert found and found.times == 4, "it may still run"
    fail(path, clock, ScreenFailed("no display"))
    found = read_failed_starts(path)
    assert found and found.times == 5 and "without a word" in found.reason and await waited_s(path, clock) >= 20
    for what in ("_boot", "CODE"):
        with monkeypatch.context() as changed:
            changed.setattr(failed_starts, what, (lambda: "other") if what == "_boot" else "other")
            assert await waited_s(path, clock) <= 10, what
    stopping.set()
    assert await waited_s(path, clock, stopping) <= 10
    with counted(path, clock):
        pass
    assert read_failed_starts(path) is None and await waited_s(path, clock) <= 10
    path.write_bytes(b"[" * 100_000)
    assert read_failed_starts(path) is None and await waited_s(path, clock) <= 10


async def test_a_new_program_is_started_at_once(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "record"
    for _ in range(9):
        fail(path, clock)
    waiting = asyncio.create_task(wait_for_turn(path, clock, asyncio.Event()))
    await clock.advance(30)
    assert not waiting.done()
    monkeypatch.setattr(failed_starts, "code_version", lambda: "another")
    await clock.advance(10)
    with pytest.raises(SignageError, match="updated meanwhile"):
        await waiting


def test_where_nothing_can_be_written_nothing_waits(tmp_path: Path, clock: FakeClock) -> None:
    fail(tmp_path / "no folder" / "record", clock)
    assert read_failed_starts(tmp_path / "no folder" / "record") is None
