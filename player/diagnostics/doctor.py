"""The report of `signage-player doctor`: what this machine can do, and what to repair before the screen is installed.

Pure, and it changes nothing, so it can run while the player runs.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from player.diagnostics.origin_walk import Step
from player.display.inspection import DisplayFacts
from player.platform.decoders import Decoders, Decoding, uses_hardware
from sync.runtime.clock import ClockTrust

_MIB = 1024**2
_FULL_HD = 1920 * 1080
_HIGH_RATE_HZ = 50.0
_MEMORY_NEEDED_BYTES = 400 * _MIB  # for a daemon, two decks, and a third while one is replaced
_DEPTH_BITS = 24


class Severity(StrEnum):
    """How serious a finding is: the player cannot play, or there may be a problem later."""

    BROKEN = "broken"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem, in a sentence that says what to do."""

    weight: Severity
    sentence: str


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """The facts of the machine. `display` None: `no_display` says why; `libvlc` empty: it does not start."""

    version: str
    model: str
    cpus: int
    memory_bytes: int
    memory_free_bytes: int
    disk_free_bytes: int | None
    state_dir: str
    state_read_only: bool
    swap_on_card: bool
    clock: ClockTrust
    zone: str  # in which dayparts and quiet hours are read
    zone_problem: str  # a sentence; empty: somebody named the zone
    sound: tuple[str, ...]  # sound cards
    speakers: tuple[tuple[str, str], ...]  # audio outputs that libVLC finds: name and description
    speaker: str  # the output in the settings; empty: that of the system
    libvlc: str
    plugins_missing: tuple[str, ...]
    decoders: Decoders
    profiles: tuple[str, ...]  # of VA-API, where `vainfo` is installed
    setting: Decoding
    display: DisplayFacts | None
    no_display: str
    reserve_bytes: int
    traffic: tuple[str, ...] = ()  # why bytes cannot be counted, in sentences
    files: tuple[str, ...] = ()  # what is wrong with the files in the state folder, in sentences
    origin: tuple[Step, ...] = ()  # the way to it, as far as it goes; empty: nobody walked it


def find_faults(facts: MachineFacts) -> tuple[Finding, ...]:
    """Return what is wrong, the most serious first; empty: nothing is wrong."""
    broken = (Finding(Severity.BROKEN, sentence) for sentence in _broken(facts))
    return (*broken, *(Finding(Severity.WARNING, sentence) for sentence in _warnings(facts)))


def _broken(facts: MachineFacts) -> Iterator[str]:
    if not facts.libvlc:
        yield "libVLC does not start: install libvlc5, vlc-plugin-base and vlc-plugin-video-output."
    if facts.libvlc and facts.plugins_missing:
        yield f"libVLC lacks {', '.join(facts.plugins_missing)}: install vlc-plugin-base and vlc-plugin-video-output."
    if facts.state_read_only:
        yield f"{facts.state_dir} cannot be written, so no proof of play can be stored: make it writable."
    display = facts.display
    if display is None:
        yield f"There is no display: {facts.no_display}."
        return
    if display.desktop:
        yield f"X server {display.name} cannot be used by a player, because {display.desktop}."
    if display.lacks:
        yield f"X server {display.name} lacks {', '.join(display.lacks)}: start it with +extension for each."
    if display.depth != _DEPTH_BITS:
        yield f"X server {display.name} has {display.depth} bits per pixel: start it with -depth 24."


def _warnings(facts: MachineFacts) -> Iterator[str]:
    yield from _display_warnings(facts)
    yield from _sound_warnings(facts)
    yield from facts.files
    yield from facts.traffic
    if facts.origin and not facts.origin[-1].ok:
        yield f"The way to the origin ends at its {facts.origin[-1].name}: {facts.origin[-1].text.rstrip('.')}."
    if facts.setting == "on" and not facts.decoders.usable:
        yield "playback.hardware_decoding is on, but libVLC finds no hardware decoder: set it to auto."
    if facts.decoders.v4l2 and not facts.decoders.memory_to_memory:
        names = ", ".join(facts.decoders.v4l2)
        yield f"libVLC has no plug-in for this board's decoder ({names}): use the libVLC of the board's own system."
    if facts.decoders.gpus and not facts.decoders.drivers:
        yield "The GPU has no VA-API driver: install intel-media-va-driver, i965-va-driver or mesa-va-drivers."
    if facts.memory_free_bytes < _MEMORY_NEEDED_BYTES:
        yield f"Only {facts.memory_free_bytes // _MIB} MiB of memory are free: a player needs up to 400 MiB."
    if facts.disk_free_bytes is not None and facts.disk_free_bytes < 2 * facts.reserve_bytes:
        yield f"Only {facts.disk_free_bytes // _MIB} MiB are free for content in {facts.state_dir}: use a larger disk."
    if facts.swap_on_card:
        yield "Swap is on a memory card, which wears the card out and makes cuts late: use zram, or no swap."
    yield from _time_warnings(facts)


def _time_warnings(facts: MachineFacts) -> Iterator[str]:
    if facts.clock is not ClockTrust.SYNCED:
        yield "The clock is not synchronised, so schedules may be wrong: allow NTP (UDP port 123)."
    if facts.zone_problem:
        yield facts.zone_problem


def _sound_warnings(facts: MachineFacts) -> Iterator[str]:
    names = tuple(name for name, _ in facts.speakers)
    if facts.speaker and facts.speaker not in names:
        others = _list(names)
        yield f"audio.device is {facts.speaker!r}, which libVLC does not find: connect it, or set another ({others})."


def _display_warnings(facts: MachineFacts) -> Iterator[str]:
    display = facts.display
    if display is None:
        return
    if display.problem:
        yield f"The setting {display.problem}."
    if display.connected is False:
        yield f"No monitor is connected to {display.output or 'any output'}: check the cable, power and input."
    if display.area.turn:
        yield "This X server cannot rotate the picture, so libVLC does: that uses processor time for every frame."
    pixels = display.area.width * display.area.height
    if uses_hardware(facts.setting, facts.decoders) or pixels < _FULL_HD:
        return
    if pixels > _FULL_HD:
        yield "Videos are decoded in software: on this large display use media of at most 1920x1080 at 30 fps."
    elif display.refresh_hz >= _HIGH_RATE_HZ:
        yield "Videos are decoded in software: 1920x1080 at 60 fps may lose frames. Use 30 fps, or 1280x720."


def doctor_document(facts: MachineFacts) -> dict[str, Any]:
    """Return facts and findings as a JSON document."""
    findings = [{"weight": each.weight.value, "sentence": each.sentence} for each in find_faults(facts)]
    display = facts.display and {**asdict(facts.display), "area": facts.display.area.model_dump()}
    hardware = uses_hardware(facts.setting, facts.decoders)
    return {**asdict(facts), "display": display, "decodes_in_hardware": hardware, "findings": findings}


def doctor_text(facts: MachineFacts) -> list[str]:
    """Return facts and findings as lines of text."""
    findings = [f"{each.weight.value.upper()}: {each.sentence}" for each in find_faults(facts)]
    hardware = "in hardware" if uses_hardware(facts.setting, facts.decoders) else "in software"
    free = "does not exist yet:" if facts.disk_free_bytes is None else f"{facts.disk_free_bytes // _MIB} MiB free in"
    return [
        f"machine   {facts.model}, {facts.cpus} processors, {facts.memory_bytes // _MIB} MiB of memory",
        f"storage   {free} {facts.state_dir}",
        f"clock     {facts.clock.value}, zone {facts.zone}",
        *_display_lines(facts),
        f"libVLC    {facts.libvlc or 'does not start'}",
        f"decoding  {hardware} (playback.hardware_decoding = {facts.setting})",
        f"VA-API    GPUs: {_list(facts.decoders.gpus)}; drivers: {_list(facts.decoders.drivers)}; "
        f"decodes: {_list(facts.profiles)}",
        f"V4L2      {_list(facts.decoders.v4l2)}",
        f"sound     {_list(facts.sound)}; output: {facts.speaker or 'that of the system'}",
        *(f"speaker   {name}: {description}" for name, description in facts.speakers),
        *(f"origin    {step.name}: {'' if step.ok else 'ends here, '}{step.text}" for step in facts.origin),
        *(findings or ["no problem found"]),
    ]


def _display_lines(facts: MachineFacts) -> Iterator[str]:
    display = facts.display
    if display is None:
        yield "display   none"
        return
    width, height = display.area.upright
    yield f"display   {display.name}: {display.kind} ({display.vendor}), {display.depth} bits"
    rate = f"{display.refresh_hz:g} Hz" if display.refresh_hz else "an unknown rate"
    yield f"stage     {width}x{height} at {rate} on {display.output or 'the whole display'}"
    for output in display.outputs:
        if output.connected or output.mode:
            plug = "connected" if output.connected else "not connected"
            rotates = "can rotate" if output.turns else "cannot rotate"
            yield f"output    {output.name}: {plug}, {output.mode or 'off'}, {rotates}"


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
