"""What a fault of the picture leads to, up to a reboot, and what stays recorded over restarts."""

import asyncio
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.stage.escalation import (
    NO_DECK_S,
    REBOOT_EVERY,
    RESTART_EVERY,
    UPPER,
    WINDOW_S,
    Escalation,
    EscalationStep,
    FaultRecord,
    next_escalation,
    upper_step,
)
from player.stage.self_restart import FILE, SelfRestart
from tests import TOP
from tests.fakes import FakeClock
from tests.sync.faulty_disk import FaultyDisk

ITEM, NEW, BOTH = EscalationStep.NEXT_ITEM, EscalationStep.NEW_DECK, EscalationStep.BOTH_DECKS
DAY = timedelta(days=1)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Device:
    """An escalation, and the record that outlives its daemon."""

    def __init__(self, folder: Path, *, reboot: bool = False) -> None:
        self.clock = FakeClock(NOON)
        self._folder = folder
        self._reboot = reboot
        self.start()

    def start(self) -> None:
        self.self_restart = SelfRestart(self._folder / FILE, self.clock, lambda: self._reboot)
        self.escalation = Escalation(self.self_restart)

    async def faults(self, count: int, *, every_s: float = 5.0) -> list[EscalationStep]:
        """Have the picture fail `count` times, and the daemon start again when it ends itself."""
        steps = []
        for _ in range(count):
            await self.clock.advance(every_s)
            steps.append(self.escalation.escalate("a", self.clock.monotonic(), "the picture became black"))
            assert self.self_restart.ending.is_set() == (steps[-1] in UPPER)
            if steps[-1] in UPPER:
                self.start()
        return steps


def test_without_upper_steps_faults_lead_up_to_both_decks_once_an_hour() -> None:
    escalation = Escalation()
    steps = [escalation.escalate("a", 1000.0 + 5 * fault, "it stands still") for fault in range(8)]
    assert steps == [ITEM, NEW, ITEM, NEW, ITEM, BOTH, ITEM, ITEM]
    assert escalation.step_counts() == {"next_item": 5, "new_deck": 2, "both_decks": 1, "restart": 0, "reboot": 0}
    assert (escalation.recent_faults(1010.0), escalation.recent_faults(1040.0 + WINDOW_S)) == (8, 0)


async def test_the_daemon_is_restarted_once_an_hour_and_the_device_only_where_that_is_allowed(tmp_path: Path) -> None:
    device = Device(tmp_path)
    first = [ITEM, NEW, ITEM, NEW, ITEM, BOTH, ITEM, EscalationStep.RESTART]
    assert await device.faults(8) == first
    assert set(await device.faults(40)) == {ITEM, NEW, BOTH}
    assert device.escalation.latest_recovery() == "restart at 2026-03-02 12:00 UTC: the picture became black"
    assert set(await device.faults(65, every_s=60.0)) >= {EscalationStep.RESTART}
    assert device.escalation.step_counts()["restart"] == 2 and device.escalation.step_counts()["reboot"] == 0


async def test_a_reboot_follows_a_restart_that_did_not_help_and_comes_once_a_day(tmp_path: Path) -> None:
    device = Device(tmp_path, reboot=True)
    first = await device.faults(16)
    assert [step for step in first if step in UPPER] == [EscalationStep.RESTART, EscalationStep.REBOOT]
    rest = await device.faults(60 * 23, every_s=60.0)
    assert EscalationStep.REBOOT not in rest and 20 <= rest.count(EscalationStep.RESTART) <= 23
    assert EscalationStep.REBOOT in await device.faults(60 * 3, every_s=60.0)


async def test_an_upper_step_that_cannot_be_recorded_is_not_performed(tmp_path: Path) -> None:
    device = Device(tmp_path / "missing", reboot=True)
    assert set(await device.faults(40)) == {ITEM, NEW, BOTH}
    assert not device.self_restart.ending.is_set()


async def test_a_record_that_cannot_be_read_is_replaced(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"taken": [')
    device = Device(tmp_path)
    assert EscalationStep.RESTART in await device.faults(8)
    assert Device(tmp_path).escalation.step_counts()["restart"] == 1


async def test_a_record_that_the_disk_does_not_give_back_allows_no_step(
    tmp_path: Path, faulty_disk: FaultyDisk
) -> None:
    assert EscalationStep.RESTART in await Device(tmp_path).faults(8)
    path = tmp_path / FILE
    faulty_disk.fail(path)
    assert Device(tmp_path).escalation.step_counts()["restart"] == 1, "from its copy"
    faulty_disk.fail(path, tmp_path / "copies" / FILE)
    device = Device(tmp_path, reboot=True)
    assert not set(await device.faults(40)) & {EscalationStep.RESTART, EscalationStep.REBOOT}
    faulty_disk.faults.clear()
    assert EscalationStep.REBOOT in await device.faults(8), "the restart was a moment ago"


@pytest.mark.parametrize(("for_s", "step"), [(NO_DECK_S, None), (NO_DECK_S + 1, EscalationStep.RESTART)])
def test_a_daemon_whose_decks_do_not_come_up_is_restarted(
    tmp_path: Path, for_s: float, step: EscalationStep | None
) -> None:
    device = Device(tmp_path)
    assert device.escalation.escalate_without_decks(for_s) is step
    assert device.escalation.escalate_without_decks(for_s) is None, "once"


def test_faults_of_the_other_deck_and_old_faults_do_not_count() -> None:
    assert next_escalation([FaultRecord(1000.0, "b", ITEM)], "a", 1001.0) is ITEM
    assert next_escalation([FaultRecord(1000.0, "a", ITEM)], "a", 1001.0) is NEW
    assert next_escalation([FaultRecord(1000.0, "a", ITEM)], "a", 1000.0 + WINDOW_S) is ITEM


faults = st.lists(st.tuples(st.floats(0.1, 2000.0), st.sampled_from("ab")), max_size=60)


@given(faults, st.sampled_from([None, *UPPER]))
def test_no_step_is_left_out_or_performed_too_often(
    waits: Sequence[tuple[float, str]], upper: EscalationStep | None
) -> None:
    history: list[FaultRecord] = []
    at_s = 0.0
    for wait_s, deck in waits:
        at_s += wait_s
        step = next_escalation(history, deck, at_s, upper)
        recent = [fault.step for fault in history if at_s - fault.at_s < WINDOW_S]
        if step is NEW:
            assert recent.count(NEW) < 2 and recent.count(BOTH) == 0
        if step is BOTH:
            assert recent.count(NEW) == 2 and recent.count(BOTH) == 0
        if step in UPPER:
            assert step is upper and BOTH in recent
        history.append(FaultRecord(at_s, deck, step))


moments = st.lists(st.floats(0, 400 * 3600), max_size=120).map(sorted)


@given(moments, st.booleans())
def test_upper_steps_keep_their_distance(hours: Sequence[float], reboot: bool) -> None:
    performed: list[tuple[datetime, EscalationStep]] = []
    for at in (NOON + timedelta(seconds=second) for second in hours):
        step = upper_step(performed, at, reboot=reboot)
        if step is None:
            continue
        assert step is EscalationStep.RESTART or (reboot and at - performed[-1][0] < RESTART_EVERY)
        if step is EscalationStep.REBOOT:
            assert all(at - before >= REBOOT_EVERY for before, was in performed if was is step)
        else:
            assert all(at - before >= RESTART_EVERY for before, _ in performed)
        performed.append((at, step))
        assert upper_step(performed, at - timedelta(minutes=10), reboot=False) is None, "a clock set back"


async def test_the_daemon_ends_itself_for_an_update_that_starts_and_only_between_two_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("player", "sync"):
        shutil.copytree(TOP / name, tmp_path / name, ignore=shutil.ignore_patterns("origin", "page"))
    monkeypatch.setattr("player.platform.code_version._TOP", tmp_path)
    trial = sys.executable, "-c", "import player.deck.window"  # the real one is tried in test_update
    monkeypatch.setattr("player.stage.self_restart.TRIAL", trial)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    device = Device(tmp_path)

    async def ends(after_s: float, *, on_air: bool) -> bool:
        """Tell whether the daemon ends itself, once the trial of the new program is over."""
        await device.clock.advance(after_s)
        device.self_restart.restart_for_new_code(on_air=on_air)
        if (trial := device.self_restart._trial) is not None:
            await asyncio.to_thread(trial.wait)
            device.self_restart.restart_for_new_code(on_air=on_air)
        return device.self_restart.ending.is_set()

    window = tmp_path / "player/deck/window.py"
    window.unlink()
    assert not await ends(1, on_air=False) and not await ends(3, on_air=False)
    assert "player.deck.window" in device.escalation.update_fault()
    device.self_restart._update_fault = "another reason"
    assert not await ends(1000, on_air=False)
    assert "player.deck.window" in device.escalation.update_fault(), "it is tried again"
    shutil.copy(TOP / "player/deck/window.py", window)
    assert not device.escalation.update_fault()
    assert not await ends(1, on_air=True) and not await ends(3, on_air=True)
    assert not await ends(290, on_air=True)
    assert await ends(0, on_air=False)
    device.self_restart.step = None
    device.self_restart.ending.clear()
    assert not await ends(0, on_air=True)
    assert await ends(10, on_air=True), "an item that lasts longer is not waited for"
