"""The sound of one libVLC player: muted until its media is on air, faded in and out, on the configured device.

libVLC makes a new audio output for each media. Before that, it forgets a mute, a volume and a device.
Volumes are libVLC's percent: the cube root of the gain.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from sync.runtime.clock import SystemClock

_SOUND_DELAY_MS = 1500  # longer than libVLC takes until a mute works, shorter than what it discards
_FADE_STEPS, _FADE_STEP_S = 24, 0.0025  # 4 % of the gain each, as often as a sound server mixes
_FIRST_SOUND_AFTER_S = 0.02  # from `play` to the first sound; an earlier fade is not heard
_NEVER = float("inf")

SOUND_DELAY_OPTION = f":audio-desync={_SOUND_DELAY_MS}"
"""The option for a media that waits for its turn: its sound is late until there is an output that can be muted.

The end of the delay leaves a gap in the sound unless a rewind follows. A media that plays on from its first picture is
therefore opened without the option: its first sound comes about 20 ms after its output, which is muted by then.
"""


class AudioOutput:
    """`server_mixes` tells whether a sound server applies the volume to what it plays.

    ALSA alone receives the samples at their final volume, up to 0.4 s ahead, so the first of them must not be silent.
    """

    def __init__(self, player: Any, clock: SystemClock, server_mixes: Callable[[], bool]) -> None:
        self._player = player
        self._clock = clock
        self._server_mixes = server_mixes
        self._device = ""  # as configured
        self._output_ready = False  # libVLC has an output for this media
        self._volume = 0
        self._fade_steps: deque[int] = deque()
        self._next_step_s = _NEVER

    @property
    def device(self) -> str | None:
        """The name of the output libVLC plays on; None while it has none."""
        return self._player.audio_output_device_get() if self._output_ready else None

    def set_device(self, device: str) -> None:
        """Play on `device` now if there is an output. Empty: the system's, from the next media on.

        With a device that does not exist PulseAudio does not change the output, and ALSA is silent.
        """
        self._device = device
        self._player.audio_output_device_set("alsa", device or "default")  # for the next output
        if self._output_ready:
            self._apply_device()

    def _apply_device(self) -> None:
        if self._device and self._device != self.device:
            self._player.audio_output_device_set(None, self._device)

    def reset(self) -> None:
        """Begin a new media, which is silent until `fade_in`."""
        self._output_ready = False
        self._start_fade(0, 0)

    def try_mute(self) -> None:
        """Mute the new media as soon as libVLC has its output; call this every few milliseconds until it is loaded."""
        if self._output_ready:
            return
        if self._player.audio_get_mute() == 1:
            self._use_new_output()
        else:
            self._player.audio_set_mute(True)

    def _use_new_output(self) -> None:
        self._output_ready = True
        self._apply_device()
        self._player.audio_set_delay(0)

    def fade_in(self, volume: int) -> None:
        """Fade from silence to `volume` percent; the caller starts playback right after."""
        first = 0 if self._server_mixes() else volume
        self._player.audio_set_volume(first)
        self._player.audio_set_mute(False)
        self._start_fade(first, volume)
        self._next_step_s += _FIRST_SOUND_AFTER_S

    def retry_fade_in(self) -> None:
        """Fade in again if there was no output yet; call this until there must be one."""
        if not self._output_ready and self._player.audio_get_mute() >= 0:
            self._use_new_output()
            self.fade_in(self._fade_steps[-1] if self._fade_steps else self._volume)

    def set_volume(self, volume: int) -> None:
        """Fade to `volume` percent."""
        self._start_fade(self._volume, volume)

    def fade_out(self) -> None:
        """Fade to silence and wait for it: sound that stops in the middle of a wave clicks."""
        self.set_volume(0)
        while self._fade_steps and self._player.audio_get_volume() >= 0:  # below 0: there is no sound
            self._step()
            self._clock.wait(_FADE_STEP_S)
        self._start_fade(0, 0)

    def due_s(self) -> float:
        """Return when the next step of a fade is due."""
        return self._next_step_s

    def advance_fade(self, now: float) -> None:
        """Make the step that is due."""
        if now >= self._next_step_s:
            self._step()
            self._next_step_s = now + _FADE_STEP_S if self._fade_steps else _NEVER

    def _start_fade(self, before: int, volume: int) -> None:
        self._volume, self._fade_steps = before, deque(fade_volumes(before, volume))
        self._next_step_s = self._clock.monotonic() if self._fade_steps else _NEVER

    def _step(self) -> None:
        self._volume = self._fade_steps.popleft()
        self._player.audio_set_volume(self._volume)


def fade_volumes(before: int, volume: int) -> list[int]:
    """Return the volumes of a fade: the gain changes in equal steps."""
    gains = (before**3 + (volume**3 - before**3) * step / _FADE_STEPS for step in range(1, _FADE_STEPS + 1))
    return [round(gain ** (1 / 3)) for gain in gains] if before != volume else []
