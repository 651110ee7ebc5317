"""When a shot on air is over, counted from the instant it was ordered for: waits must not add up to a drift."""

from dataclasses import dataclass

from player.deck.vlc.frame_times import FrameTimes

STALLED_AFTER_S = 5.0  # beyond a length that only libVLC gave
_CUT_SHORT_BY_S = 1.0
_CUT_SHORT_SHARE = 0.8
_HELD_PICTURES = 4  # libVLC may have read so many of a slow film when it comes to the end of the file
_EARLY_STOP_S = 0.015
_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class PlannedEnd:
    """When a shot is over, and why: `eof` or `duration`."""

    at_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class PlaybackPlan:
    """The times of one shot; `length_s` is 0 while unknown and for pictures, `frame_s` is how long one frame stays.

    `measured`: the length was measured, so the media ends by it. Otherwise the length is libVLC's, which may be a
    guess; then libVLC's own event marks the end. `ahead_s` is how much of the media had played before `started_s`.
    `times` is when the pictures of the media are due; None: unknown, then they count as even.
    """

    started_s: float
    duration_s: float | None = None
    length_s: float = 0.0
    frame_s: float = 0.04
    measured: bool = False
    ahead_s: float = 0.0
    times: FrameTimes | None = None

    def end(self) -> PlannedEnd | None:
        """Return the planned end; None if only libVLC's event will mark it."""
        media_ends_s = self.media_ends_s() if self.measured else _NEVER
        if self.duration_ends_s() <= media_ends_s:
            return None if self.duration_s is None else PlannedEnd(self.duration_ends_s(), "duration")
        return PlannedEnd(media_ends_s, "eof")

    def duration_ends_s(self) -> float:
        """Return when the item's own duration is over; never if it has none."""
        return _NEVER if self.duration_s is None else self.started_s + self.duration_s

    def media_ends_s(self) -> float:
        """Return when the media's last frame has had its time; never if the length is unknown."""
        return self.started_s + max(0.0, self.length_s - self.ahead_s) if self.length_s else _NEVER

    def stalled_at_s(self) -> float:
        """Return when media without a planned end counts as stalled."""
        return self.media_ends_s() + STALLED_AFTER_S if self.end() is None else _NEVER

    def is_cut_short(self, now: float) -> bool:
        """Tell a damaged file, which ends long before its length, from libVLC's stop a frame or two early."""
        tolerated_s, played_s = self.length_s - _CUT_SHORT_BY_S - 2 * self.frame_s, self.played_s(now)
        left = self.times.due(played_s, self.length_s) if self.times else (self.length_s - played_s) / self.frame_s
        early = played_s < min(tolerated_s, self.length_s * _CUT_SHORT_SHARE)
        return bool(self.length_s) and early and left > _HELD_PICTURES

    def played_s(self, now: float) -> float:
        """Return how much of the media has played."""
        return now - self.started_s + self.ahead_s

    def has_frames_left(self, now: float) -> bool:
        """Tell whether time is left for frames that libVLC, paused at the end, shows only one by one on request."""
        left_s = self.media_ends_s() - now if self.length_s else 0.0
        return left_s > (0.0 if self.measured else _EARLY_STOP_S)

    def next_frame_s(self, now: float) -> float:
        """Return when the next of those frames is due; never if none is left."""
        if not self.length_s:
            return _NEVER
        if self.times is not None and self.times.times_s is not None:
            next_s = self.times.next_s(self.played_s(now))
            return _NEVER if next_s is None else self.started_s - self.ahead_s + next_s
        left = int((self.media_ends_s() - now) / self.frame_s)
        return self.media_ends_s() - left * self.frame_s if left > 0 else _NEVER
