"""The audio outputs of this machine, and how ALSA is silenced where there is none."""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import vlc

_SOUND_CARDS = Path("/proc/asound/pcm")


def has_sound() -> bool:
    """Tell whether there is a sound card, or the environment names a sound server or an ALSA configuration."""
    if os.environ.get("PULSE_SERVER") or os.environ.get("ALSA_CONFIG_PATH"):
        return True
    try:
        return "playback" in _SOUND_CARDS.read_text()
    except OSError:
        return False


def silence_alsa() -> Any:
    """Stop ALSA from printing a dozen lines each time it finds no device; the caller must not drop the result."""
    handler = ctypes.CFUNCTYPE(None)(lambda: None)
    try:
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(handler)
    except OSError:
        return None  # libVLC has no ALSA either
    return handler  # ALSA has only the C pointer, which does not prevent garbage collection


def audio_outputs() -> Iterator[tuple[str, str]]:
    """Yield the name and the description of each output libVLC finds, from the sound server or else from ALSA."""
    library = vlc.Instance("--no-xlib", "--quiet", *([] if has_sound() else ["--aout=adummy"]))
    first = library.media_player_new().audio_output_device_enum() if library else None
    device = first
    while device:
        yield device.contents.device.decode(), device.contents.description.decode()
        device = device.contents.next
    vlc.libvlc_audio_output_device_list_release(first)
