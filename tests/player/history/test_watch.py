"""The history of a device in a real log: each change once, over restarts, kills and a disk that fails for a while."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from player.display import DisplayState, Power
from player.evidence.ledger import Ledger, open_ledger
from player.history import watch
from player.history.watch import REPORT_EVERY_S, SETTLED_S, HistoryWatch
from player.platform.geometry import Area
from sync.runtime.clock import ClockTrust, SystemClock
from sync.wire.device_reports import Heartbeat, HistoryRecord, record_hash
from tests.fakes import FakeClock
from tests.player.director.venue import DEVICE
from tests.player.evidence.plays import log_plays


class Device:
    """What the watch looks at."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.power = Power.ON
        self.unplugged_s = -1.0
        self.release: str | None = "a" * 64
        self.problems: tuple[str, ...] = ()

    def state(self) -> DisplayState:
        return DisplayState(True, True, self.power, Area(width=1, height=1), 0)

    def was_dark_since(self, at_s: float) -> bool:
        return self.power is Power.OFF or self.unplugged_s >= at_s

    def was_unplugged_since(self, at_s: float) -> bool:
        return self.unplugged_s >= at_s

    async def report(self) -> Heartbeat:
        return Heartbeat(at=self.clock.now(), version="1", release=self.release, sequence=3, problems=self.problems)


@asynccontextmanager
async def watched(path: Path, device: Device, *, kill: bool = False) -> AsyncIterator[Ledger]:
    """Run the watch on the log in `path`; with `kill` it ends without another word."""
    async with open_ledger(path, DEVICE, device.clock) as ledger:
        last = await ledger.history.last_sign_of_life()
        service = HistoryWatch(ledger, device, device.report, device.clock, last)
        task = asyncio.create_task(service.run())
        await settle(device.clock)
        yield ledger
        await settle(device.clock)
        if kill:
            service._known = None
        task.cancel()
        await asyncio.wait({task})


async def settle(clock: FakeClock, looks: int = 3) -> None:
    """Let the watch look, and wait until its transaction is over."""
    for _ in range(looks):
        await clock.advance(1)
        while not clock._sleepers:
            await SystemClock().sleep(0.001)


def rows(path: Path) -> list[dict[str, Any]]:
    connection = sqlite3.connect(path)
    found = [json.loads(body) for (body,) in connection.execute("SELECT body FROM history ORDER BY sequence")]
    connection.close()
    assert [one["sequence"] for one in found] == list(range(1, len(found) + 1))
    for one in found:
        assert HistoryRecord.model_validate(one).hash == record_hash(one)
    return found


def told(path: Path, *kinds: str) -> list[str]:
    found = [one for one in rows(path) if not kinds or one["kind"] in kinds]
    return [" ".join(filter(None, (one["kind"], one["state"], one["code"], one["text"]))) for one in found]


async def test_changes_are_recorded_once_with_their_instants(tmp_path: Path, clock: FakeClock) -> None:
    path, device = tmp_path / "plays.db", Device(clock)
    async with watched(path, device) as ledger:
        await log_plays(ledger, 3)
        device.power = Power.OFF
        await settle(clock)
        device.power, device.release = Power.ON, "e" * 64
        await clock.advance(REPORT_EVERY_S)
        await settle(clock)
        device.problems = ("Too hot (81 °C).",)
        await clock.advance(SETTLED_S)
        await settle(clock)
        device.problems = ()
        await clock.advance(REPORT_EVERY_S)
        await settle(clock)
    assert told(path) == [
        "player started 0.1.0", "clock synchronised", "screen on", "release activated", "screen off", "screen on",
        "release activated", "problem began Too hot (81 °C).", "problem ended Too hot (81 °C).",
        "player stopped clean 0.1.0",
    ]  # fmt: skip
    found = rows(path)
    assert [one["plays"] for one in found] == [0] * 4 + [3] * 6
    assert {one["log_epoch"] for one in found} == {ledger.epoch}
    at_ms = [one["mono_ms"] for one in found]
    assert at_ms == sorted(at_ms)
    async with watched(path, device):
        pass
    assert told(path)[10:] == ["player started 0.1.0", "player stopped clean 0.1.0"]


async def test_a_run_of_a_few_seconds_has_the_release_that_was_read_meanwhile(tmp_path: Path, clock: FakeClock) -> None:
    path, device = tmp_path / "plays.db", Device(clock)
    device.release = None
    async with watched(path, device):
        device.release = "a" * 64
    assert told(path, "release", "player") == [
        "player started 0.1.0",
        "release activated",
        "player stopped clean 0.1.0",
    ]


async def test_a_player_that_was_killed_says_so_at_its_next_start(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, device = tmp_path / "plays.db", Device(clock)
    for boot in ("b" * 32, "b" * 32, "c" * 32):
        monkeypatch.setattr(watch, "boot_id", lambda boot=boot: boot)
        async with watched(path, device, kill=True):
            pass
        await clock.advance(600)
    assert told(path, "player") == [
        "player started 0.1.0", "player stopped killed 0.1.0", "player started 0.1.0", "player stopped power 0.1.0",
        "player started 0.1.0",
    ]  # fmt: skip
    ends = [one for one in rows(path) if one["state"] == "stopped"]
    assert [(one["boot_id"][0], one["mono_ms"]) for one in ends] == [("b", None), ("b", None)]
    assert [one["kind"] for one in rows(path) if one["boot_id"] == "c" * 32] == ["player", "clock"]


async def test_a_clock_that_is_set_is_recorded_with_both_times(tmp_path: Path, clock: FakeClock) -> None:
    path, device = tmp_path / "plays.db", Device(clock)
    clock.trusted = ClockTrust.UNSYNCED
    async with watched(path, device):
        clock.step_wall(3_600)
        await settle(clock)
        clock.step_wall(-1_800)
        clock.trusted = ClockTrust.SYNCED
        await settle(clock)
    by_hand, synced = (one for one in rows(path) if one["kind"] == "clock")
    assert (by_hand["state"], by_hand["clock"], synced["state"], synced["clock"]) == (
        "stepped", "unsynced", "synchronised", "synced",
    )  # fmt: skip
    records = [HistoryRecord.model_validate(one) for one in (by_hand, synced)]
    assert [(one.at - one.utc_before).total_seconds() for one in records if one.utc_before] == [3_600, -1_800]


async def test_while_the_disk_fails_changes_wait_with_their_instants(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    path, device = tmp_path / "plays.db", Device(clock)
    caplog.set_level("INFO", "player.history")
    async with watched(path, device):
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")  # nobody else can write
        device.power = Power.OFF
        off_ms = round((clock.monotonic() + 1) * 1000)
        await settle(clock, looks=1)
        device.power = Power.ON
        await settle(clock, looks=1)
        other.rollback()
        other.close()
        await settle(clock)
    assert told(path, "screen") == ["screen on", "screen off", "screen on"]
    assert [one["mono_ms"] for one in rows(path) if one["state"] == "off"] == [off_ms]
    assert [one.levelname for one in caplog.records if "history" in one.message] == ["ERROR", "INFO"]


async def test_what_is_held_back_is_counted_at_each_report_only(tmp_path: Path, clock: FakeClock) -> None:
    path, device = tmp_path / "plays.db", Device(clock)
    async with watched(path, device):
        await clock.advance(SETTLED_S)
        await settle(clock)
        for number in range(13):
            device.problems = ("Too hot.",) if number % 2 == 0 else ()
            await clock.advance(REPORT_EVERY_S - 3)
            await settle(clock)
        assert len(told(path, "problem")) == 12  # the last one, which is there, is held back
        for _ in range(5):
            await clock.advance(REPORT_EVERY_S - 3)
            await settle(clock)
        await clock.advance(3_600)
        await settle(clock)
    last = [one for one in rows(path) if one["kind"] == "problem"][-1]
    assert (last["state"], last["unrecorded"]) == ("began", 1)


async def test_a_fault_of_the_watch_is_no_end_of_the_player(tmp_path: Path, clock: FakeClock) -> None:
    path, device = tmp_path / "plays.db", Device(clock)
    async with open_ledger(path, DEVICE, clock) as ledger:
        service = HistoryWatch(ledger, device, device.report, clock, None)
        device.power = None  # type: ignore[assignment]
        for _ in range(2):  # it is restarted
            with pytest.raises(AttributeError):
                await service.run()
    assert told(path, "player") == ["player started 0.1.0"]


async def test_unplugged_for_less_than_a_look_is_recorded(tmp_path: Path, clock: FakeClock) -> None:
    path, device = tmp_path / "plays.db", Device(clock)
    async with watched(path, device):
        device.unplugged_s = clock.monotonic() + 0.5
        await settle(clock)
    assert told(path, "screen") == ["screen on", "screen disconnected", "screen on"]
