"""Gathers what `player.diagnostics.doctor` judges: files, one X connection, and two short-lived processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import player
from player.diagnostics.doctor import MachineFacts
from player.display import Wanted
from player.display.inspection import DisplayFacts, inspect
from player.platform.decoders import find_decoders
from player.settings.configuration import Configuration
from player.status.health import MachineProbe
from sync.errors import ScreenFailed
from sync.runtime.clock import SystemClock

_WITHIN_S = 4.0
_PLUGINS = {
    "libxcb_x11_plugin.so": "the X11 video output",
    "libavcodec_plugin.so": "the FFmpeg decoders",
    "libtransform_plugin.so": "the filter that turns pictures",
}
_VERSION = "from player.deck.vlc.vlc_player import libvlc_version; print(libvlc_version())"
_SPEAKERS = (
    "import json; from player.deck.vlc.audio_devices import audio_outputs; print(json.dumps(list(audio_outputs())))"
)


def probe_machine(configuration: Configuration, display: str, *, root: Path = Path("/")) -> MachineFacts:
    """Ask everything once, in a few seconds at most; `root` stands for `/`."""
    settings = configuration.settings
    state_dir = settings.storage.state_dir
    clock = SystemClock()
    machine = MachineProbe(state_dir, clock, root=root).sample()
    found, why = _display(display, Wanted(settings.display.output, settings.display.rotation))
    return MachineFacts(
        version=player.__version__,
        model=_model(root),
        cpus=machine.cpus,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        memory_free_bytes=machine.memory_available_bytes,
        disk_free_bytes=machine.disk_free_bytes,
        state_dir=str(state_dir),
        state_read_only=_read_only(state_dir),
        swap_on_card=swap_on_card(_text(root / "proc/swaps"), _text(root / "proc/mounts")),
        clock=clock.trust(),
        sound=_sound(_text(root / "proc/asound/pcm")),
        speakers=_speakers(_said(sys.executable, "-c", _SPEAKERS)),
        speaker=settings.audio.device,
        libvlc=_said(sys.executable, "-c", _VERSION),
        plugins_missing=_missing(root),
        decoders=find_decoders(root),
        profiles=_profiles(_said("vainfo", "--display", "drm")),
        setting=settings.playback.hardware_decoding,
        display=found,
        no_display=why,
        reserve_bytes=settings.storage.reserve_bytes,
    )


def _display(name: str, wanted: Wanted) -> tuple[DisplayFacts | None, str]:
    if not name:
        return None, "DISPLAY is not set; say which X server, such as DISPLAY=:0"
    try:
        return inspect(name, wanted), ""
    except ScreenFailed as error:
        return None, str(error)


def swap_on_card(swaps: str, mounts: str) -> bool:
    """Tell whether swap is a partition of a memory card, or a file on a system that runs from one."""
    card = any(line.startswith("/dev/mmcblk") and line.split()[1] == "/" for line in mounts.splitlines())
    rows = [line.split() for line in swaps.splitlines()[1:] if line.strip()]
    return any(row[0].startswith("/dev/mmcblk") or (row[1] == "file" and card) for row in rows)


def _read_only(state_dir: Path) -> bool:
    """Tell whether the state folder, or where it would be made, takes no writes."""
    there = next((path for path in (state_dir, *state_dir.parents) if path.exists()), Path("/"))
    return bool(os.statvfs(there).f_flag & os.ST_RDONLY) or not os.access(there, os.W_OK)


def _model(root: Path) -> str:
    board = _text(root / "proc/device-tree/model") or _text(root / "sys/class/dmi/id/product_name")
    return board.strip("\0 \n") or os.uname().machine


def _sound(pcm: str) -> tuple[str, ...]:
    return tuple(line.split(":")[1].strip() for line in pcm.splitlines() if "playback" in line)


def _speakers(said: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, description) for name, description in json.loads(said or "[]"))


def _missing(root: Path) -> tuple[str, ...]:
    there = {path.name for path in (root / "usr/lib").glob("**/vlc/plugins/*/*.so")}
    return tuple(what for name, what in _PLUGINS.items() if name not in there)


def _profiles(said: str) -> tuple[str, ...]:
    """Return the codecs VA-API decodes, by what `vainfo` says."""
    rows = [line.split(":") for line in said.splitlines() if "VAEntrypointVLD" in line]
    return tuple(dict.fromkeys(row[0].strip().removeprefix("VAProfile") for row in rows))


def _said(*command: str) -> str:
    """Return what a program prints; empty where it is not installed, fails, or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_WITHIN_S)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""  # this machine has no such file
