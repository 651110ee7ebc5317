"""A player that fails at its start is tried less and less often, says why, and is tried at once after an update."""

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest

from player.app import failed_starts
from player.app.failed_starts import StartRecord, counted, read_failed_starts, record_path, wait_for_turn
from player.settings.configuration import load_configuration
from sync.device.store.membership import DeviceMembership
from sync.errors import ScreenFailed, SignageError
from sync.runtime.clock import Clock, SystemClock
from tests.fakes import FakeClock
from tests.origin.running_origin import running_origin, settings_in


def fail(path: Path, clock: Clock, error: BaseException | None = None) -> None:
    with pytest.raises(type(error or KeyError())), counted(path, clock):
        raise error or KeyError("no such part")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The record of a player whose endpoint listens on any port."""
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path))
    monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__PORT", "0")
    (tmp_path / "state").mkdir()
    return record_path(load_configuration(None))


def start_waiting(clock: FakeClock, stopping: asyncio.Event | None = None) -> asyncio.Task[None]:
    return asyncio.create_task(wait_for_turn(load_configuration(None), clock, stopping or asyncio.Event()))


async def waited_s(clock: FakeClock, stopping: asyncio.Event | None = None) -> float:
    """Return for how long the next start waits."""
    began_s, waiting = clock.monotonic(), start_waiting(clock, stopping)
    while not waiting.done():
        await clock.advance(10)
    waiting.result()
    return clock.monotonic() - began_s


async def test_tries_come_less_and_less_often_and_say_why(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    waits = []
    for _ in range(12):
        fail(path, clock)
        found = read_failed_starts(path)
        waits.append(found.wait_s() if found else -1)
    assert waits == [0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300, 300]
    assert 300 <= await waited_s(clock) < 312
    said = caplog.messages[-1]
    assert "failed 12 times in a row at its start" in said and "KeyError: 'no such part' (test_failed" in said


async def test_what_counts_as_a_failed_start(path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = asyncio.Event()
    for _ in range(4):
        fail(path, clock)
    StartRecord(path, clock).begin()  # and it is killed
    found = read_failed_starts(path)
    assert found and found.times == 4, "it may still run"
    fail(path, clock, ScreenFailed("no display"))
    found = read_failed_starts(path)
    assert found and found.times == 5 and "gave no reason" in found.reason and await waited_s(clock) >= 20
    for what in ("boot_id", "CODE"):
        with monkeypatch.context() as changed:
            changed.setattr(failed_starts, what, (lambda: "other") if what == "boot_id" else "other")
            assert await waited_s(clock) <= 10, what
    stopping.set()
    assert await waited_s(clock, stopping) <= 10
    with counted(path, clock):
        pass
    assert read_failed_starts(path) is None and await waited_s(clock) <= 10
    path.write_bytes(b"[" * 100_000)
    assert read_failed_starts(path) is None and await waited_s(clock) <= 10


async def test_a_new_program_is_started_at_once(path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(9):
        fail(path, clock)
    waiting = start_waiting(clock)
    await clock.advance(30)
    assert not waiting.done()
    monkeypatch.setattr(failed_starts, "code_version", lambda: "another")
    await clock.advance(10)
    with pytest.raises(SignageError, match="updated meanwhile"):
        await waiting


def test_where_nothing_can_be_written_nothing_waits(tmp_path: Path, clock: FakeClock) -> None:
    fail(tmp_path / "no folder" / "record", clock)
    assert read_failed_starts(tmp_path / "no folder" / "record") is None


def test_a_record_that_cannot_be_read_stops_no_start(path: Path, clock: FakeClock) -> None:
    path.mkdir()
    assert read_failed_starts(path) is None
    fail(path, clock)
    assert (found := read_failed_starts(path)) is not None and found.times == 1


async def test_meanwhile_its_page_and_its_origin_are_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, stopping = SystemClock(), asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__PORT", str(port))
    for _ in range(9):
        fail(path, clock)
    async with running_origin(settings_in(path.parents[1] / "origin"), clock) as origin:
        device, token = await origin.pair()
        monkeypatch.setenv("SIGNAGE_PLAYER__ORIGIN__URL", origin.url)
        member = DeviceMembership(device=device, token=token, channel="main", origin=origin.url)
        (path.parent / "membership.json").write_text(member.model_dump_json())
        waiting = asyncio.create_task(wait_for_turn(load_configuration(None), clock, stopping))
        while not (
            heartbeat := (await origin.ask("GET", f"/v1/devices/{device}", origin.reader)).document["heartbeat"]
        ):
            await clock.sleep(0.05)
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/v1/status") as answer:
            assert (answer.status, answer.content_type) == (503, "application/problem+json")
            said = (await answer.json())["detail"]
        stopping.set()
        await waiting
    assert said == heartbeat["problems"][0] and "The player failed 9 times in a row at its start" in said
