"""How the device feels: one sample of the machine and the player, and what of it a technician should act on.

The one door to psutil. `problems` is pure: the same facts give the same sentences on the page, in the heartbeat and
in a test.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from sync.runtime.clock import Clock, ClockTrust

MIB = 1024**2

_HOT_C = 80.0
_BUSY_PERCENT = 95.0
_MEMORY_PERCENT = 92.0
_QUIET_ORIGIN_S = 900.0
_DEEP_OUTBOX = 5_000
_RESTARTS = 3

_THROTTLED = Path("sys/devices/platform/soc/soc:firmware/get_throttled")  # Raspberry Pi's own kernel
_DRM = Path("sys/class/drm")
_SENSORS = ("cpu_thermal", "coretemp", "k10temp", "soc_thermal", "acpitz")


@dataclass(frozen=True, slots=True)
class Throttling:
    """What a Raspberry Pi's firmware holds back, now and since boot."""

    undervoltage: bool = False
    throttled: bool = False  # slowed down: heat or voltage
    undervoltage_since_boot: bool = False
    throttled_since_boot: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """One sample of the machine; None where this machine cannot tell."""

    cpu_percent: float  # since the sample before
    load_1m: float
    cpus: int
    memory_percent: float
    memory_available_bytes: int
    disk_free_bytes: int | None  # where the state folder is
    disk_total_bytes: int | None
    temperature_c: float | None
    uptime_s: float
    throttling: Throttling | None
    monitor: bool | None  # a display is plugged in
    process_bytes: int  # resident, of the daemon alone


@dataclass(frozen=True, slots=True)
class Condition:
    """All that health is judged by: the machine and what the player's parts say of themselves."""

    machine: Machine
    clock: ClockTrust = ClockTrust.SYNCED
    paired: bool = True
    pairing_code: bool = False  # a person can let the device in now
    sync_age_s: float | None = None  # since the origin last confirmed what we play; None: never
    sync_failure: str = ""  # why the last try failed, empty while all is well
    outbox_depth: int = 0
    deck_restarts: int = 0
    picture_faults: int = 0  # within the hour
    recovered: str = ""  # the restart or reboot of the last day, and why
    display_answers: bool = True
    covered_by: str = ""  # a window of another program, put below ours lately
    reserve_bytes: int = 0
    service_restarts: Mapping[str, int] = field(default_factory=dict)
    service_reasons: Mapping[str, str] = field(default_factory=dict)
    quarantined: tuple[str, ...] = ()  # titles set aside on this device
    left_out: str = ""  # what of the release is for newer players


class MachineProbe:
    """Samples this machine; `root` stands for `/` so that the files of other machines can be read in tests."""

    def __init__(self, state_dir: Path, clock: Clock, *, root: Path = Path("/")) -> None:
        self._state_dir = state_dir
        self._clock = clock
        self._root = root
        self._process = psutil.Process()
        psutil.cpu_percent()  # the first answer is meaningless: it starts the interval

    def sample(self) -> Machine:
        """Read everything once: a few files, under a millisecond."""
        memory = psutil.virtual_memory()
        disk = self._disk()
        return Machine(
            cpu_percent=psutil.cpu_percent(),
            load_1m=os.getloadavg()[0],
            cpus=psutil.cpu_count() or 1,
            memory_percent=memory.percent,
            memory_available_bytes=memory.available,
            disk_free_bytes=disk[0] if disk else None,
            disk_total_bytes=disk[1] if disk else None,
            temperature_c=self._temperature(),
            uptime_s=self._clock.monotonic(),  # CLOCK_BOOTTIME counts from boot
            throttling=self._throttling(),
            monitor=self._monitor(),
            process_bytes=self._process.memory_info().rss,
        )

    def _disk(self) -> tuple[int, int] | None:
        try:
            usage = psutil.disk_usage(str(self._state_dir))
        except OSError:  # not there or unreadable: the stores say so in their own words
            return None
        return usage.free, usage.total

    def _temperature(self) -> float | None:
        sensors = psutil.sensors_temperatures()
        for name in _SENSORS:
            if sensors.get(name):
                return float(max(sensor.current for sensor in sensors[name]))
        return _millidegrees(self._root / "sys/class/thermal/thermal_zone0/temp")

    def _throttling(self) -> Throttling | None:
        raw = _text(self._root / _THROTTLED)
        return None if raw is None else parse_throttled(raw)

    def _monitor(self) -> bool | None:
        states = [_text(path) for path in (self._root / _DRM).glob("card*-*/status")]
        known = [state for state in states if state in ("connected", "disconnected")]
        return "connected" in known if known else None


def parse_throttled(raw: str) -> Throttling | None:
    """Read the firmware's bits, as in `vcgencmd get_throttled` (`throttled=0x50005`) or the kernel's file (`50005`)."""
    try:
        bits = int(raw.strip().rpartition("=")[2], 16)
    except ValueError:
        return None
    return Throttling(
        undervoltage=bool(bits & 0x1),
        throttled=bool(bits & 0xE),  # frequency capped, throttled, soft temperature limit
        undervoltage_since_boot=bool(bits & 0x1_0000),
        throttled_since_boot=bool(bits & 0xE_0000),
    )


def health_problems(condition: Condition) -> tuple[str, ...]:
    """Return what is wrong, one sentence each that says what to do; empty when all is well."""
    return (*_machine_problems(condition), *_screen_problems(condition), *_delivery_problems(condition))


def _machine_problems(condition: Condition) -> list[str]:
    machine, found = condition.machine, []
    if machine.throttling is not None:
        found += _power_problems(machine.throttling)
    if machine.temperature_c is not None and machine.temperature_c >= _HOT_C:
        found.append(f"The device is hot ({machine.temperature_c:.0f} °C): give it air or shade.")
    if machine.disk_free_bytes is not None and machine.disk_free_bytes < condition.reserve_bytes:
        free = machine.disk_free_bytes // MIB
        found.append(f"The disk is nearly full ({free} MiB free): remove what does not belong, or fit a larger one.")
    if machine.memory_percent >= _MEMORY_PERCENT:
        found.append(f"Memory is nearly full ({machine.memory_percent:.0f} %): see what else runs on this device.")
    if machine.load_1m / machine.cpus >= 2 and machine.cpu_percent >= _BUSY_PERCENT:
        found.append(f"The processor is overloaded (load {machine.load_1m:.1f}): videos may stutter; use smaller ones.")
    if condition.clock is not ClockTrust.SYNCED:
        found.append("No time service vouches for the clock: check that the network lets NTP through.")
    return found


def _power_problems(throttling: Throttling) -> list[str]:
    if throttling.undervoltage:
        return ["The power supply is too weak: use the one made for this device and a short cable."]
    if throttling.throttled:
        return ["The processor is slowed down by heat or weak power: check cooling and power supply."]
    if throttling.undervoltage_since_boot:
        return ["The power supply was too weak at some time since start: use the one made for this device."]
    return []


def _screen_problems(condition: Condition) -> list[str]:
    found = []
    if not condition.display_answers:
        found.append("The X server does not answer: see the log of signage-display.service.")
    if condition.covered_by:
        found.append(f"A window of another program ({condition.covered_by}) covered the screen: end that program.")
    if condition.machine.monitor is False:
        found.append("No display is connected: check the cable and the display's power and input.")
    return [*found, *_playing_problems(condition)]


def _playing_problems(condition: Condition) -> list[str]:
    found = []
    if condition.deck_restarts >= _RESTARTS:
        found.append(f"Decks had to be replaced {condition.deck_restarts} times: see the log for the media at fault.")
    if condition.picture_faults:
        times = "once" if condition.picture_faults == 1 else f"{condition.picture_faults} times"
        found.append(f"The picture stood still or went black {times} within the hour: see the log for the takes.")
    if condition.recovered:
        found.append(f"The player could mend the picture only by a {condition.recovered}.")
    if condition.quarantined:
        found.append(f"Set aside after failing three times: {', '.join(condition.quarantined)}; replace these media.")
    if condition.left_out:
        found.append(f"Made for a newer player and not shown here: {condition.left_out}; update this player.")
    for name, count in sorted(condition.service_restarts.items()):
        found.append(
            f"The {name} had to be restarted {count} times: {condition.service_reasons.get(name, 'see the log')}."
        )
    return found


def _delivery_problems(condition: Condition) -> list[str]:
    if not condition.paired and condition.pairing_code:
        return ["This screen belongs to no origin yet: enter the code it shows in the origin's console."]
    if not condition.paired:
        return ["This screen belongs to no origin yet and does not reach one: check the network and origin.url."]
    found = []
    if condition.sync_failure:
        found.append(f"Syncing fails: {condition.sync_failure}.")
    elif condition.sync_age_s is None or condition.sync_age_s > _QUIET_ORIGIN_S:
        found.append("The origin has not confirmed the release lately: check the network and the origin.")
    if condition.outbox_depth >= _DEEP_OUTBOX:
        found.append(f"{condition.outbox_depth} plays wait for delivery: check the network and the origin.")
    return found


def figures(condition: Condition) -> dict[str, float | int | str | bool | None]:
    """Return the facts flat, by name, as heartbeat, status and metrics carry them."""
    machine = asdict(condition.machine)
    throttling = machine.pop("throttling")
    return {
        **machine,
        **{name: value for name, value in (throttling or {}).items()},
        "clock": condition.clock.value,
        "deck_restarts": condition.deck_restarts,
        "picture_faults": condition.picture_faults,
        "quarantined": len(condition.quarantined),
        "service_restarts": sum(condition.service_restarts.values()),
        "display_answers": condition.display_answers,
    }


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):  # this machine has no such file: not a fault
        return None


def _millidegrees(path: Path) -> float | None:
    raw = _text(path)
    return int(raw) / 1000 if raw and raw.lstrip("-").isdecimal() else None
