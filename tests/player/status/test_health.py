from dataclasses import replace
from pathlib import Path

import pytest

from player.status.health import Condition, Machine, MachineProbe, Throttling, figures, health_problems, parse_throttled
from sync.runtime.clock import ClockTrust, SystemClock

MACHINE = Machine(
    cpu_percent=20.0,
    load_1m=0.4,
    cpus=4,
    memory_percent=40.0,
    memory_available_bytes=1 << 30,
    disk_free_bytes=8 << 30,
    disk_total_bytes=16 << 30,
    temperature_c=52.0,
    uptime_s=4000.0,
    throttling=Throttling(),
    monitor=True,
    process_bytes=90 << 20,
)
HEALTHY = Condition(machine=MACHINE, sync_age_s=3.0, reserve_bytes=256 << 20)


def test_a_healthy_screen_has_no_problems() -> None:
    assert health_problems(HEALTHY) == ()
    told = replace(HEALTHY, paired=False, sync_age_s=None, origin_told=True)  # another sentence says why
    assert health_problems(told) == ()
    assert health_problems(replace(HEALTHY, sync_age_s=None, sync_fetches=True)) == ()  # a new screen, on a slow line
    unknown = replace(MACHINE, temperature_c=None, throttling=None, monitor=None, disk_free_bytes=None)
    assert health_problems(replace(HEALTHY, machine=unknown)) == ()


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (replace(HEALTHY, machine=replace(MACHINE, throttling=Throttling(undervoltage=True))), "power supply"),
        (replace(HEALTHY, machine=replace(MACHINE, throttling=Throttling(throttled=True))), "slowed down"),
        (
            replace(HEALTHY, machine=replace(MACHINE, throttling=Throttling(undervoltage_since_boot=True))),
            "since start",
        ),
        (replace(HEALTHY, machine=replace(MACHINE, temperature_c=83.4)), "83 °C"),
        (replace(HEALTHY, machine=replace(MACHINE, disk_free_bytes=10 << 20)), "10 MiB"),
        (replace(HEALTHY, machine=replace(MACHINE, memory_percent=97.0)), "Memory"),
        (replace(HEALTHY, machine=replace(MACHINE, load_1m=9.0, cpu_percent=99.0)), "overloaded"),
        (replace(HEALTHY, machine=replace(MACHINE, monitor=False)), "cable"),
        (replace(HEALTHY, clock=ClockTrust.UNSYNCED), "NTP"),
        (replace(HEALTHY, display_answers=False), "signage-display"),
        (replace(HEALTHY, covered_by="Update available"), "Update available"),
        (replace(HEALTHY, deck_restarts=9, deck_restarts_lately=4), "4 times in the last hour"),
        (replace(HEALTHY, update_fault="ImportError: no such thing"), "no such thing"),
        (replace(HEALTHY, recovered="restart at 2026-11-22 14:05 UTC: the picture became black"), "14:05"),
        (replace(HEALTHY, quarantined=("Summer sale",)), "Summer sale"),
        (replace(HEALTHY, service_restarts_lately={"sync": 2}, service_reasons={"sync": "bug 7"}), "bug 7"),
        (replace(HEALTHY, sync_failure="the origin does not answer"), "does not answer"),
        (replace(HEALTHY, sync_age_s=1e6), "not confirmed"),
        (replace(HEALTHY, sync_age_s=None), "not confirmed"),
        (replace(HEALTHY, outbox_depth=9000), "9000 plays"),
        (replace(HEALTHY, paired=False, pairing_code=True, sync_age_s=None), "code"),
        (replace(HEALTHY, paired=False, sync_age_s=None), "does not reach"),
    ],
)
def test_each_problem_is_one_sentence_that_says_what_to_do(condition: Condition, words: str) -> None:
    [(_, text)] = health_problems(condition)
    assert words in text and text.endswith(".")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("throttled=0x0", Throttling()),
        ("0\n", Throttling()),
        ("50005\n", Throttling(True, True, True, True)),
        ("throttled=0x50000", Throttling(False, False, True, True)),
        ("throttled=0x8", Throttling(throttled=True)),
        ("VCHI initialization failed", None),
        ("", None),
    ],
)
def test_the_bits_of_the_firmware_are_read_in_both_notations(text: str, expected: Throttling | None) -> None:
    assert parse_throttled(text) == expected


def raspberry_pi(root: Path, *, hdmi: str) -> Path:
    files = {
        "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
        "sys/class/thermal/thermal_zone0/temp": "61234\n",
        "sys/class/drm/card1-HDMI-A-1/status": f"{hdmi}\n",
        "sys/class/drm/card1-HDMI-A-2/status": "disconnected\n",
        "sys/class/drm/card1-Writeback-1/status": "unknown\n",
    }
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


@pytest.mark.parametrize(("hdmi", "plugged"), [("connected", True), ("disconnected", False)])
def test_the_files_of_a_raspberry_pi_are_read(tmp_path: Path, hdmi: str, plugged: bool) -> None:
    machine = MachineProbe(tmp_path, SystemClock(), root=raspberry_pi(tmp_path, hdmi=hdmi)).sample()
    assert machine.monitor is plugged
    assert machine.throttling == Throttling(True, True, True, True)
    assert machine.temperature_c is not None


def test_values_that_this_machine_does_not_report_are_none(tmp_path: Path) -> None:
    machine = MachineProbe(tmp_path, SystemClock(), root=tmp_path).sample()
    assert machine.throttling is None and machine.monitor is None
    assert machine.disk_free_bytes is not None and machine.disk_free_bytes > 0
    assert machine.memory_available_bytes > 0 and machine.uptime_s > 0 and machine.process_bytes > 0
    missing = MachineProbe(tmp_path / "missing", SystemClock(), root=tmp_path).sample()
    assert missing.disk_free_bytes is None


def test_the_figures_are_not_nested() -> None:
    flat = figures(replace(HEALTHY, service_restarts={"a": 1, "b": 2}))
    assert flat["undervoltage"] is False
    assert flat["service_restarts"] == 3
    assert all(value is None or isinstance(value, float | int | str | bool) for value in flat.values())
