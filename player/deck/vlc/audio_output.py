"""The sound of one libVLC player: unheard until it is on air, in and out without a click, on the output that is wanted.

Before libVLC has an output for sound, which it makes anew for each media, it forgets a mute, a volume and a device.
Volumes are libVLC's percent, the cube root of the gain.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from sync.runtime.clock import SystemClock

_UNHEARD_MS = 1500  # more than libVLC takes from its first sound to a mute that counts, and less than it throws away
_STEPS, _STEP_S = 24, 0.0025  # of a fade: 4 % of the gain each, at the pace a sound server works in
_SOUNDS_AFTER_S = 0.02  # told to go on, libVLC takes so long to the first sound: a fade before is one nobody hears
_NEVER = float("inf")

UNHEARD = f":audio-desync={_UNHEARD_MS}"
"""The option a media that waits is opened with: until there is an output that can be muted, its sound is too late.

Taken back, the delay leaves a gap, unless a rewind follows; so what runs on from its first picture does without. Its
first sound comes some 20 ms after its output, which is muted by then.
"""


class AudioOutput:
    """Fades are taken a step further by `look`; `device` is what is heard on now, None while nothing can be.

    `mixed`: whether a sound server sets the volume of what it plays. ALSA alone is handed sound as loud as it will be,
    up to 0.4 s ahead: what it is handed first must not be silence.
    """

    def __init__(self, player: Any, clock: SystemClock, mixed: Callable[[], bool]) -> None:
        self._player = player
        self._clock = clock
        self._mixed = mixed
        self._wanted = ""
        self._hushed = False
        self._volume = 0
        self._steps: deque[int] = deque()
        self._step_s = _NEVER  # when the next is due

    @property
    def device(self) -> str | None:
        """The output libVLC plays on, by its name."""
        return self._player.audio_output_device_get() if self._hushed else None

    def route(self, device: str) -> None:
        """Be heard on `device`, at once where the library can. Empty: on the system's, from the next media on.

        A device that is not there leaves PulseAudio where it is, and ALSA silent.
        """
        self._wanted = device
        self._player.audio_output_device_set("alsa", device or "default")  # as it opens the next one
        if self._hushed:
            self._move()

    def _move(self) -> None:
        if self._wanted and self._wanted != self.device:
            self._player.audio_output_device_set(None, self._wanted)

    def begin(self) -> None:
        """Note that a media is opened, to be heard once `rise` is called."""
        self._hushed = False
        self._fade(0, 0)

    def hush(self) -> None:
        """Mute what was opened, as soon as libVLC lets us; to be called every few milliseconds until it is loaded."""
        if self._hushed:
            return
        self._hushed = self._player.audio_get_mute() == 1
        if self._hushed:
            self._move()
            self._player.audio_set_delay(0)
        else:
            self._player.audio_set_mute(True)

    def rise(self, volume: int) -> None:
        """Come up from silence to `volume` percent; libVLC is told to go on right after."""
        first = 0 if self._mixed() else volume
        self._player.audio_set_volume(first)
        self._player.audio_set_mute(False)
        self._fade(first, volume)
        self._step_s += _SOUNDS_AFTER_S

    def retry_rise(self) -> None:
        """Rise again, if there was no output for sound yet when it did; to be called until there must be one."""
        if not self._hushed and self._player.audio_get_mute() >= 0:
            self._hushed = True
            self._move()
            self._player.audio_set_delay(0)
            self.rise(self._steps[-1] if self._steps else self._volume)

    def tune(self, volume: int) -> None:
        """Go to `volume` percent."""
        self._fade(self._volume, volume)

    def fall(self) -> None:
        """Go silent and wait for it: broken off in the middle of a wave, sound clicks."""
        self.tune(0)
        while self._steps and self._player.audio_get_volume() >= 0:  # else nothing sounds
            self._step()
            self._clock.wait(_STEP_S)
        self._fade(0, 0)

    def due_s(self) -> float:
        """Return when to look next."""
        return self._step_s

    def advance_fade(self, now: float) -> None:
        """Take the step that is due."""
        if now >= self._step_s:
            self._step()
            self._step_s = now + _STEP_S if self._steps else _NEVER

    def _fade(self, before: int, volume: int) -> None:
        self._volume, self._steps = before, deque(fade(before, volume))
        self._step_s = self._clock.monotonic() if self._steps else _NEVER

    def _step(self) -> None:
        self._volume = self._steps.popleft()
        self._player.audio_set_volume(self._volume)


def fade(before: int, volume: int) -> list[int]:
    """Return the volumes on the way from one to another, the gain in even steps."""
    gains = (before**3 + (volume**3 - before**3) * step / _STEPS for step in range(1, _STEPS + 1))
    return [round(gain ** (1 / 3)) for gain in gains] if before != volume else []
