"""Collects the facts for `player.diagnostics.doctor`: from files, one X connection, and three short processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import player
from player.diagnostics.doctor import MachineFacts
from player.display import WantedOutput
from player.display.inspection import DisplayFacts, inspect_display
from player.platform.decoders import find_decoders
from player.settings.configuration import Configuration
from player.settings.model import Settings
from player.settings.system_zone import system_zone
from player.status.health import MachineProbe
from sync.device.store.content_store import ContentStore
from sync.device.store.file_report import file_problems, owner_problems
from sync.device.traffic.socket_meter import kernel_problems
from sync.errors import ScreenFailed
from sync.programme.schedule import unnamed_zone, zone_of_venue
from sync.runtime.clock import SystemClock

_TIME_LIMIT_S = 4.0
_PLUGINS = {
    "libxcb_x11_plugin.so": "the X11 video output",
    "libavcodec_plugin.so": "the FFmpeg decoders",
    "libtransform_plugin.so": "the filter that turns pictures",
}
_LIBVLC_VERSION = "from player.deck.vlc.vlc_player import libvlc_version; print(libvlc_version())"
_AUDIO_OUTPUTS = (
    "import json; from player.deck.vlc.audio_devices import audio_outputs; print(json.dumps(list(audio_outputs())))"
)


def probe_machine(configuration: Configuration, display: str, *, root: Path = Path("/")) -> MachineFacts:
    """Collect all facts once; takes a few seconds at most. `root` replaces `/`."""
    settings = configuration.settings
    state_dir = settings.storage.state_dir
    clock = SystemClock()
    machine = MachineProbe(state_dir, clock, root=root).sample()
    wanted = WantedOutput(settings.display.output, settings.display.rotation)
    zone, zone_problem = _zone(settings)
    display_facts, no_display = _inspect_display(display, wanted)
    return MachineFacts(
        version=player.__version__,
        model=_model(root),
        cpus=machine.cpus,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        memory_free_bytes=machine.memory_available_bytes,
        disk_free_bytes=machine.disk_free_bytes,
        state_dir=str(state_dir),
        state_read_only=_read_only(state_dir),
        swap_on_card=swap_on_card(_read_text(root / "proc/swaps"), _read_text(root / "proc/mounts")),
        clock=clock.trust(),
        zone=zone,
        zone_problem=zone_problem,
        sound=_sound_cards(_read_text(root / "proc/asound/pcm")),
        speakers=_audio_outputs(_output_of(sys.executable, "-c", _AUDIO_OUTPUTS)),
        speaker=settings.audio.device,
        libvlc=_output_of(sys.executable, "-c", _LIBVLC_VERSION),
        plugins_missing=_missing_plugins(root),
        decoders=find_decoders(root),
        profiles=_va_api_profiles(_output_of("vainfo", "--display", "drm")),
        setting=settings.playback.hardware_decoding,
        display=display_facts,
        no_display=no_display,
        reserve_bytes=settings.storage.reserve_bytes,
        traffic=kernel_problems(),
        files=_file_problems(state_dir),
    )


def _file_problems(state_dir: Path) -> tuple[str, ...]:
    content = ContentStore(state_dir)
    return (*file_problems(content), *owner_problems(content))


def _inspect_display(name: str, wanted: WantedOutput) -> tuple[DisplayFacts | None, str]:
    if not name:
        return None, "DISPLAY is not set. Name the X server, such as DISPLAY=:0"
    try:
        return inspect_display(name, wanted), ""
    except ScreenFailed as error:
        return None, str(error)


def _zone(settings: Settings) -> tuple[str, str]:
    """Return the zone of the venue, and a problem if nobody named it or it is unknown."""
    active, setting = ContentStore(settings.storage.state_dir).active(), settings.venue.zone
    zone, unknown = zone_of_venue(setting, active.release.zone if active else None, system_zone())
    return zone.key, unknown or (unnamed_zone(active.release, setting, zone) if active else "")


def swap_on_card(swaps: str, mounts: str) -> bool:
    """Return whether swap is a partition of a memory card, or a file on a system that runs from one."""
    card = any(line.startswith("/dev/mmcblk") and line.split()[1] == "/" for line in mounts.splitlines())
    rows = [line.split() for line in swaps.splitlines()[1:] if line.strip()]
    return any(row[0].startswith("/dev/mmcblk") or (row[1] == "file" and card) for row in rows)


def _read_only(state_dir: Path) -> bool:
    """Return whether the state folder, or the folder in which it would be made, cannot be written."""
    existing = next((path for path in (state_dir, *state_dir.parents) if path.exists()), Path("/"))
    return bool(os.statvfs(existing).f_flag & os.ST_RDONLY) or not os.access(existing, os.W_OK)


def _model(root: Path) -> str:
    board = _read_text(root / "proc/device-tree/model") or _read_text(root / "sys/class/dmi/id/product_name")
    return board.strip("\0 \n") or os.uname().machine


def _sound_cards(pcm: str) -> tuple[str, ...]:
    return tuple(line.split(":")[1].strip() for line in pcm.splitlines() if "playback" in line)


def _audio_outputs(printed: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, description) for name, description in json.loads(printed or "[]"))


def _missing_plugins(root: Path) -> tuple[str, ...]:
    installed = {path.name for path in (root / "usr/lib").glob("**/vlc/plugins/*/*.so")}
    return tuple(purpose for name, purpose in _PLUGINS.items() if name not in installed)


def _va_api_profiles(printed: str) -> tuple[str, ...]:
    """Return the codecs that VA-API decodes, from the output of `vainfo`."""
    rows = [line.split(":") for line in printed.splitlines() if "VAEntrypointVLD" in line]
    return tuple(dict.fromkeys(row[0].strip().removeprefix("VAProfile") for row in rows))


def _output_of(*command: str) -> str:
    """Return what a program prints; empty if it is not installed, fails, or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIME_LIMIT_S)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _read_text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""  # not a fault: this machine has no such file
