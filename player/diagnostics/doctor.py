"""What a technician should know before a screen hangs: facts of the machine, judged, in lines.

`judge` is pure. Nothing here changes the machine, so it may be asked beside a running player.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from player.display.inspection import DisplayFacts
from player.platform.decoders import Decoders, Decoding, uses_hardware
from sync.runtime.clock import ClockTrust

_MIB = 1024**2
_FULL_HD = 1920 * 1080
_FAST_HZ = 50.0
_LITTLE_MEMORY_BYTES = 400 * _MIB  # a daemon, two decks and one for the exchange
_DEPTH = 24


class Severity(StrEnum):
    """How bad it is: nothing will play, or it will hurt some day."""

    BROKEN = "broken"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to see to, in a sentence that says what to do."""

    weight: Severity
    sentence: str


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """All that is judged. `display` None: `no_display` says why; `libvlc` empty: it does not start."""

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
    sound: tuple[str, ...]  # cards
    speakers: tuple[tuple[str, str], ...]  # outputs for sound libVLC finds: name and description
    speaker: str  # the one that is set, empty for the system's
    libvlc: str
    plugins_missing: tuple[str, ...]
    decoders: Decoders
    profiles: tuple[str, ...]  # of VA-API, where `vainfo` is installed
    setting: Decoding
    display: DisplayFacts | None
    no_display: str
    reserve_bytes: int


def find_faults(facts: MachineFacts) -> tuple[Finding, ...]:
    """Return what to see to, the worst first; empty when all is well."""
    broken = (Finding(Severity.BROKEN, sentence) for sentence in _broken(facts))
    return (*broken, *(Finding(Severity.WARNING, sentence) for sentence in _warnings(facts)))


def _broken(facts: MachineFacts) -> Iterator[str]:
    if not facts.libvlc:
        yield "libVLC does not start: install libvlc5, vlc-plugin-base and vlc-plugin-video-output."
    if facts.libvlc and facts.plugins_missing:
        yield f"libVLC lacks {', '.join(facts.plugins_missing)}: install vlc-plugin-base and vlc-plugin-video-output."
    if facts.state_read_only:
        yield f"{facts.state_dir} cannot be written: no proof of play is kept. Mount it writable."
    display = facts.display
    if display is None:
        yield f"There is no display: {facts.no_display}."
        return
    if display.desktop:
        yield f"X server {display.name} is no display for a player, {display.desktop}."
    if display.lacks:
        yield f"X server {display.name} lacks {', '.join(display.lacks)}: start it with +extension for each."
    if display.depth != _DEPTH:
        yield f"X server {display.name} has {display.depth} bits a pixel: start it with -depth 24."


def _warnings(facts: MachineFacts) -> Iterator[str]:
    yield from _display_warnings(facts)
    yield from _sound_warnings(facts)
    if facts.setting == "on" and not facts.decoders.usable:
        yield "playback.hardware_decoding is on, but libVLC finds no hardware decoder: set it to auto."
    if facts.decoders.v4l2 and not facts.decoders.memory_to_memory:
        names = ", ".join(facts.decoders.v4l2)
        yield f"libVLC has no plug-in for this board's decoder ({names}): use the libVLC of the board's own system."
    if facts.decoders.gpus and not facts.decoders.drivers:
        yield "The GPU has no VA-API driver: install intel-media-va-driver, i965-va-driver or mesa-va-drivers."
    if facts.memory_free_bytes < _LITTLE_MEMORY_BYTES:
        yield f"Only {facts.memory_free_bytes // _MIB} MiB of memory are free; a player takes up to 400 at a time."
    if facts.disk_free_bytes is not None and facts.disk_free_bytes < 2 * facts.reserve_bytes:
        yield f"Only {facts.disk_free_bytes // _MIB} MiB are free for content in {facts.state_dir}."
    if facts.swap_on_card:
        yield "Swap lies on a memory card: it wears the card out and makes cuts late. Use zram, or none."
    if facts.clock is not ClockTrust.SYNCED:
        yield "No time service vouches for the clock: schedules may be off. Let NTP through."


def _sound_warnings(facts: MachineFacts) -> Iterator[str]:
    names = tuple(name for name, _ in facts.speakers)
    if facts.speaker and facts.speaker not in names:
        others = _list(names)
        yield f"audio.device is {facts.speaker!r}, which libVLC does not list: plug it in, or set another ({others})."


def _display_warnings(facts: MachineFacts) -> Iterator[str]:
    display = facts.display
    if display is None:
        return
    if display.problem:
        yield f"The setting {display.problem}."
    if display.connected is False:
        yield f"No monitor is connected to {display.output or 'any output'}: check cable, power and input."
    if display.area.turn:
        yield "This X server cannot turn the picture: libVLC does, which takes processor time for every frame."
    pixels = display.area.width * display.area.height
    if uses_hardware(facts.setting, facts.decoders) or pixels < _FULL_HD:
        return
    if pixels > _FULL_HD:
        yield "Videos are decoded in software: on this large display give it media of 1920x1080 at 30 fps at most."
    elif display.refresh_hz >= _FAST_HZ:
        yield "Videos are decoded in software: 1920x1080 at 60 fps may lose frames; keep to 30 fps, or to 1280x720."


def doctor_document(facts: MachineFacts) -> dict[str, Any]:
    """Return facts and findings for a program."""
    findings = [{"weight": each.weight.value, "sentence": each.sentence} for each in find_faults(facts)]
    display = facts.display and {**asdict(facts.display), "area": facts.display.area.model_dump()}
    hardware = uses_hardware(facts.setting, facts.decoders)
    return {**asdict(facts), "display": display, "decodes_in_hardware": hardware, "findings": findings}


def doctor_text(facts: MachineFacts) -> list[str]:
    """Return it in lines for a person."""
    findings = [f"{each.weight.value.upper()}: {each.sentence}" for each in find_faults(facts)]
    hardware = "in hardware" if uses_hardware(facts.setting, facts.decoders) else "in software"
    free = "not there yet:" if facts.disk_free_bytes is None else f"{facts.disk_free_bytes // _MIB} MiB free in"
    return [
        f"machine   {facts.model}, {facts.cpus} processors, {facts.memory_bytes // _MIB} MiB of memory",
        f"storage   {free} {facts.state_dir}",
        f"clock     {facts.clock.value}",
        *_display_lines(facts),
        f"libVLC    {facts.libvlc or 'does not start'}",
        f"decoding  {hardware} (playback.hardware_decoding = {facts.setting})",
        f"VA-API    GPUs: {_list(facts.decoders.gpus)}; drivers: {_list(facts.decoders.drivers)}; "
        f"decodes: {_list(facts.profiles)}",
        f"V4L2      {_list(facts.decoders.v4l2)}",
        f"sound     {_list(facts.sound)}; heard on {facts.speaker or 'the output of the system'}",
        *(f"speaker   {name}: {description}" for name, description in facts.speakers),
        *(findings or ["all is well"]),
    ]


def _display_lines(facts: MachineFacts) -> Iterator[str]:
    display = facts.display
    if display is None:
        yield "display   none"
        return
    width, height = display.area.upright
    yield f"display   {display.name}: {display.kind} ({display.vendor}), {display.depth} bits"
    rate = f"{display.refresh_hz:g} Hz" if display.refresh_hz else "a rate it does not tell,"
    yield f"stage     {width}x{height} at {rate} on {display.output or 'the whole display'}"
    for output in display.outputs:
        if output.connected or output.mode:
            plug = "connected" if output.connected else "unplugged"
            turns = "can turn" if output.turns else "cannot turn"
            yield f"output    {output.name}: {plug}, {output.mode or 'off'}, {turns}"


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
