"""What there is to hear with on this machine, and how ALSA is kept quiet about what there is not."""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import vlc

_SOUND_CARDS = Path("/proc/asound/pcm")


def has_sound() -> bool:
    """Tell whether there is a sound card, or a sound server or an ALSA configuration somebody named."""
    if os.environ.get("PULSE_SERVER") or os.environ.get("ALSA_CONFIG_PATH"):
        return True
    try:
        return "playback" in _SOUND_CARDS.read_text()
    except OSError:
        return False


def hushed_alsa() -> Any:
    """Keep ALSA from writing a dozen lines to the journal at each opening when there is no device."""
    silence = ctypes.CFUNCTYPE(None)(lambda: None)
    try:
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(silence)
    except OSError:
        return None  # libVLC has no ALSA either
    return silence  # ALSA holds only the C side


def audio_outputs() -> Iterator[tuple[str, str]]:
    """Yield name and description of each output libVLC finds: of the sound server if there is one, else of ALSA."""
    library = vlc.Instance("--no-xlib", "--quiet", *([] if has_sound() else ["--aout=adummy"]))
    first = library.media_player_new().audio_output_device_enum() if library else None
    each = first
    while each:
        yield each.contents.device.decode(), each.contents.description.decode()
        each = each.contents.next
    vlc.libvlc_audio_output_device_list_release(first)
