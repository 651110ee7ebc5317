"""The screen's volume at an instant and until when it holds, and the volume of one take.

All volumes are libVLC's percent; the gain is its cube (measured: 63 % is -12 dB, with PulseAudio and ALSA alike). So
percent of percent adds decibels, and `d` decibels are a factor of 10 to the `d`/60.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from player.settings.model import Settings
from sync.programme.weekly_windows import HORIZON, window_state

_DB_PER_DECADE = 60.0


@dataclass(frozen=True, slots=True)
class Loudness:
    """The screen's volume in percent before `until` (exclusive, UTC); then, or after `HORIZON`, ask again."""

    volume: int
    until: datetime


def screen_volume(settings: Settings, zone: ZoneInfo, at: datetime, *, timed: bool = True) -> Loudness:
    """Return the screen's volume at an instant.

    Quiet hours never make it louder. Without a trusted clock (`timed=False`) there are no quiet hours.
    """
    audio, volume = settings.audio, settings.playback.volume
    quiet, until = False, at + HORIZON
    if audio.quiet_hours and timed:
        quiet, until = window_state(audio.quiet_hours, zone, at)
    if audio.muted:
        return Loudness(0, until)
    return Loudness(min(volume, audio.quiet_volume) if quiet else volume, until)


def corrected_volume(own: int, screen: int, lufs: float | None, target_lufs: float | None) -> int:
    """Return the volume of a take: its own, the screen's, and the correction of its loudness to the target.

    A take that is too loud is turned down. One that is too quiet is turned up as far as the volumes leave room, never
    above the level of its file.
    """
    correction_db = 0.0 if lufs is None or target_lufs is None else target_lufs - lufs
    return min(100, round(own * screen / 100 * 10 ** (correction_db / _DB_PER_DECADE)))
