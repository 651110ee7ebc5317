"""The health of the device: one sample of the machine, and what a technician has to do about machine and player.

Only this file uses psutil. `health_problems` is pure: the same facts always give the same sentences.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from player.protocol.problems import ProblemCode, ToldProblem
from sync.runtime.clock import Clock, ClockTrust

MIB = 1024**2

_HOT_C = 80.0
_BUSY_PERCENT = 95.0
_MEMORY_PERCENT = 92.0
_UNCONFIRMED_S = 900.0
_DEEP_OUTBOX = 5_000
_RESTARTS = 3

_THROTTLED = Path("sys/devices/platform/soc/soc:firmware/get_throttled")  # Raspberry Pi's own kernel
_DRM = Path("sys/class/drm")
_SENSORS = ("cpu_thermal", "coretemp", "k10temp", "soc_thermal", "acpitz")


@dataclass(frozen=True, slots=True)
class Throttling:
    """What the firmware of a Raspberry Pi limits, now and since boot."""

    undervoltage: bool = False
    throttled: bool = False  # slowed down by heat or low voltage
    undervoltage_since_boot: bool = False
    throttled_since_boot: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """One sample of the machine; None where this machine does not report the value."""

    cpu_percent: float  # since the previous sample
    load_1m: float
    cpus: int
    memory_percent: float
    memory_available_bytes: int
    disk_free_bytes: int | None  # of the disk with the state folder
    disk_total_bytes: int | None
    temperature_c: float | None
    uptime_s: float
    throttling: Throttling | None
    monitor: bool | None  # a display is connected
    process_bytes: int  # resident memory of the daemon, without its child processes


@dataclass(frozen=True, slots=True)
class Condition:
    """All facts that health is decided by: the machine, and the state of the player's parts."""

    machine: Machine
    clock: ClockTrust = ClockTrust.SYNCED
    paired: bool = True
    pairing_code: bool = False  # on the screen: a person can pair the device now
    membership_unreadable: bool = False  # paired, but nobody can say as what
    starting: bool = False  # nobody knows yet whether it is paired
    origin_told: bool = False  # another sentence says why no origin is reached
    sync_age_s: float | None = None  # since the origin last confirmed the active release; None: never
    sync_fetches: bool = False  # a release that the origin named is being fetched, or waits for its bandwidth
    sync_failure: str = ""  # why the last try failed; empty: it did not
    outbox_depth: int = 0
    deck_restarts: int = 0  # since the start
    deck_restarts_lately: int = 0  # in the last hour
    deck_failed_starts: int = 0  # in a row, of one deck
    update_fault: str = ""  # why the updated program does not start
    picture_faults: int = 0  # in the last hour
    recovered: str = ""  # the restart or reboot in the last day that repaired the picture, with its reason
    display_answers: bool = True
    covered_by: str = ""  # title of another program's window that was over ours a short time ago
    reserve_bytes: int = 0
    service_restarts: Mapping[str, int] = field(default_factory=dict)  # since the start
    service_restarts_lately: Mapping[str, int] = field(default_factory=dict)  # in the last hour
    service_reasons: Mapping[str, str] = field(default_factory=dict)
    quarantined: tuple[str, ...] = ()  # titles of media in quarantine on this device
    failing: tuple[str, ...] = ()  # media that failed last, with the reason, whose files are not checked yet
    unplayable: tuple[str, ...] = ()  # the same, and their files are right
    damaged: tuple[str, ...] = ()  # titles of media whose files were damaged and are not here again
    left_out: str = ""  # the parts of the release that this version cannot show


class MachineProbe:
    """Samples this machine. `root` replaces `/`, so that tests can use the files of other machines."""

    def __init__(self, state_dir: Path, clock: Clock, *, root: Path = Path("/")) -> None:
        self._state_dir = state_dir
        self._clock = clock
        self._root = root
        self._process = psutil.Process()
        psutil.cpu_percent()  # the first value means nothing: it starts the interval

    def sample(self) -> Machine:
        """Read everything once: a few files, less than a millisecond."""
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
        except OSError:  # missing or unreadable: the stores report that themselves
            return None
        return usage.free, usage.total

    def _temperature(self) -> float | None:
        sensors = psutil.sensors_temperatures()
        for name in _SENSORS:
            if sensors.get(name):
                return float(max(sensor.current for sensor in sensors[name]))
        return _read_millidegrees(self._root / "sys/class/thermal/thermal_zone0/temp")

    def _throttling(self) -> Throttling | None:
        bits = _read_text(self._root / _THROTTLED)
        return None if bits is None else parse_throttled(bits)

    def _monitor(self) -> bool | None:
        states = [_read_text(path) for path in (self._root / _DRM).glob("card*-*/status")]
        known = [state for state in states if state in ("connected", "disconnected")]
        return "connected" in known if known else None


def parse_throttled(text: str) -> Throttling | None:
    """Parse the firmware's bits, as written by `vcgencmd get_throttled` (`throttled=0x5`) or by the kernel (`5`)."""
    try:
        bits = int(text.strip().rpartition("=")[2], 16)
    except ValueError:
        return None
    return Throttling(
        undervoltage=bool(bits & 0x1),
        throttled=bool(bits & 0xE),  # frequency capped, throttled, soft temperature limit
        undervoltage_since_boot=bool(bits & 0x1_0000),
        throttled_since_boot=bool(bits & 0xE_0000),
    )


def health_problems(condition: Condition) -> tuple[ToldProblem, ...]:
    """Return what is wrong: one sentence for each problem, which says what to do. Empty: the device is healthy."""
    return (*_machine_problems(condition), *_screen_problems(condition), *_delivery_problems(condition))


def _machine_problems(condition: Condition) -> Iterator[ToldProblem]:
    machine = condition.machine
    if machine.throttling is not None:
        yield from _power_problems(machine.throttling)
    if machine.temperature_c is not None and machine.temperature_c >= _HOT_C:
        yield ToldProblem(
            ProblemCode.TOO_HOT,
            f"The device is too hot ({machine.temperature_c:.0f} °C): cool it better, or protect it from the sun.",
        )
    if machine.disk_free_bytes is not None and machine.disk_free_bytes < condition.reserve_bytes:
        free = machine.disk_free_bytes // MIB
        yield ToldProblem(
            ProblemCode.DISK_FULL,
            f"The disk is nearly full ({free} MiB free): delete other files, or use a larger disk.",
        )
    if machine.memory_percent >= _MEMORY_PERCENT:
        yield ToldProblem(
            ProblemCode.MEMORY_FULL,
            f"Memory is nearly full ({machine.memory_percent:.0f} %): stop other programs on this device.",
        )
    if machine.load_1m / machine.cpus >= 2 and machine.cpu_percent >= _BUSY_PERCENT:
        yield ToldProblem(
            ProblemCode.OVERLOADED,
            f"The processor is overloaded (load {machine.load_1m:.1f}): videos may stutter. Use smaller videos.",
        )
    if condition.clock is not ClockTrust.SYNCED:
        yield ToldProblem(
            ProblemCode.CLOCK, "The clock is not synchronised: check that the network allows NTP (UDP port 123)."
        )


def _power_problems(throttling: Throttling) -> Iterator[ToldProblem]:
    if throttling.undervoltage:
        yield ToldProblem(
            ProblemCode.POWER_WEAK,
            "The power supply is too weak: use the original power supply of this device and a short cable.",
        )
    elif throttling.throttled:
        yield ToldProblem(
            ProblemCode.THROTTLED,
            "The processor is slowed down by heat or low voltage: check the cooling and the power supply.",
        )
    elif throttling.undervoltage_since_boot:
        yield ToldProblem(
            ProblemCode.POWER_WEAK,
            "The power supply was too weak at a time since start: use the original power supply of this device.",
        )


def _screen_problems(condition: Condition) -> Iterator[ToldProblem]:
    if not condition.display_answers:
        yield ToldProblem(
            ProblemCode.DISPLAY_SERVER, "The X server does not answer: read the log of signage-display.service."
        )
    if condition.covered_by:
        yield ToldProblem(
            ProblemCode.COVERED,
            f"A window of another program ({condition.covered_by}) covered the screen: stop that program.",
        )
    if condition.machine.monitor is False:
        yield ToldProblem(
            ProblemCode.NO_DISPLAY,
            "No display is connected: check the cable, and the power and the input of the display.",
        )
    yield from _playing_problems(condition)


def _deck_problems(condition: Condition) -> Iterator[ToldProblem]:
    if condition.update_fault:
        yield ToldProblem(
            ProblemCode.UPDATE,
            f"The program was updated and does not start ({condition.update_fault}), so the old one plays on, with "
            "gaps between items: install it again.",
        )
    elif condition.deck_failed_starts >= _RESTARTS and condition.display_answers:
        times = _times(condition.deck_failed_starts)
        yield ToldProblem(
            ProblemCode.DECKS,
            f"A video deck failed to start {times} in a row, so there are gaps between items: find why in the log.",
        )
    elif condition.deck_restarts_lately >= _RESTARTS:
        times = _times(condition.deck_restarts_lately)
        yield ToldProblem(
            ProblemCode.DECKS,
            f"Video decks failed and were replaced {times} in the last hour: find the faulty media in the log.",
        )


def _playing_problems(condition: Condition) -> Iterator[ToldProblem]:
    yield from _deck_problems(condition)
    if condition.picture_faults:
        times = _times(condition.picture_faults)
        yield ToldProblem(
            ProblemCode.PICTURE,
            f"The picture froze or became black {times} in the last hour: find the media in the log.",
        )
    if condition.recovered:
        yield ToldProblem(
            ProblemCode.RECOVERED, f"The player could repair the picture only by a {condition.recovered}."
        )
    yield from _media_problems(condition)
    for name, count in sorted(condition.service_restarts_lately.items()):
        reason = condition.service_reasons.get(name, "read the log")
        yield ToldProblem(
            ProblemCode.SERVICE,
            f"The service {name} failed and was restarted {_times(count)} in the last hour: {reason}.",
        )


def _media_problems(condition: Condition) -> Iterator[ToldProblem]:
    if condition.quarantined:
        media = ", ".join(condition.quarantined)
        yield ToldProblem(
            ProblemCode.QUARANTINED, f"Not shown, because they failed three times: {media}. Replace these media."
        )
    if condition.damaged:
        media = ", ".join(condition.damaged)
        yield ToldProblem(
            ProblemCode.DAMAGED,
            f"Damaged on the disk and downloaded again: {media}. If it happens again, replace the memory card.",
        )
    if condition.unplayable:
        media = ", ".join(condition.unplayable)
        yield ToldProblem(
            ProblemCode.UNPLAYABLE,
            f"Could not be shown, though the files are as the origin sent them: {media}. Replace these media.",
        )
    if condition.failing:
        yield ToldProblem(
            ProblemCode.MEDIA_FAILED, f"Could not be shown: {', '.join(condition.failing)}. The files will be checked."
        )
    if condition.left_out:
        yield ToldProblem(
            ProblemCode.OLD_PLAYER,
            f"Not shown, because they need a newer player: {condition.left_out}. Update this player.",
        )


def _delivery_problems(condition: Condition) -> Iterator[ToldProblem]:
    if not condition.paired and condition.pairing_code:
        yield ToldProblem(
            ProblemCode.UNPAIRED,
            "This screen is not paired yet: enter the code on the screen in the console of the origin.",
        )
    elif not condition.paired:
        named = condition.membership_unreadable or condition.origin_told  # the file or the reason
        if not (condition.starting or named):
            yield ToldProblem(
                ProblemCode.UNPAIRED,
                "This screen is not paired yet and does not reach an origin: check the network and origin.url.",
            )
    elif condition.sync_failure:
        yield ToldProblem(ProblemCode.SYNC, f"Syncing fails: {condition.sync_failure}.")
    elif not condition.sync_fetches and (condition.sync_age_s is None or condition.sync_age_s > _UNCONFIRMED_S):
        yield ToldProblem(
            ProblemCode.UNCONFIRMED,
            "The origin has not confirmed the release recently: check the network and the origin.",
        )
    if condition.paired and condition.outbox_depth >= _DEEP_OUTBOX:
        yield ToldProblem(
            ProblemCode.PLAYS_WAIT,
            f"{condition.outbox_depth} plays wait for delivery: check the network and the origin.",
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def figures(condition: Condition) -> dict[str, float | int | str | bool | None]:
    """Return the facts by name, without nesting, for heartbeat, status and metrics."""
    machine = asdict(condition.machine)
    throttling = machine.pop("throttling")
    return {
        **machine,
        **(throttling or {}),
        "clock": condition.clock.value,
        "deck_restarts": condition.deck_restarts,
        "picture_faults": condition.picture_faults,
        "quarantined": len(condition.quarantined),
        "service_restarts": sum(condition.service_restarts.values()),
        "display_answers": condition.display_answers,
    }


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):  # not a fault: this machine has no such file
        return None


def _read_millidegrees(path: Path) -> float | None:
    text = _read_text(path)
    return int(text) / 1000 if text and text.lstrip("-").isdecimal() else None
