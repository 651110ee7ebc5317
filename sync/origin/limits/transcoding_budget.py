"""What work on a file costs, whether it is refused, and what its child processes may take. Pure.

All of it follows from the headers, before anything is decoded. The expected time is that of a small computer. A budget
is many times that, because children have a low priority and headers may be wrong; a file that lies ends at its budget.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from sync.origin.limits.priority import Priority

MIB = 1024**2
LARGEST_ANIMATION_PIXELS = 10_000_000_000
"""Of all frames of an animated picture together: 48 s of 3840 x 2160 at 25 frames a second."""
LONGEST_PLAY_S = 24 * 3600.0 + 300  # what was recorded for a day is never a day to the second
MOST_TRACKS = 256
MOST_PACKETS = 9_500_000
"""Frames and pieces of sound, of which the origin holds the times in memory, with at most 55 bytes each (500 MiB).

These are 24 hours of film at 60 frames a second with a track of sound.
"""
QUICK_S = 6.0
"""Work that is expected to take longer goes to the lane for large media."""
QUICK_ENDS_AFTER_S = 10.0
"""Work in the lane for small media that takes longer begins again in the other lane."""

_SLACK = 20.0  # of a budget to the expected time: a busy screen leaves little to children at idle priority
_START_S = 30.0
_READ_BYTES_S = 4 * MIB  # the file is read several times from a slow card
_FASTEST = 10.0  # no machine is so many times faster than the expected one: what takes longer even there is refused
_SMALLEST_FRAME_BYTES = 16
_USUAL_BYTES_A_PIXEL = 0.0125  # of a film whose length is not declared
_STANDING_FPS = 5.0
_SMOOTH_FPS = 25.0  # a slow film may be encoded at an even rate


class WorkKind(StrEnum):
    """What is done to a file; each kind has its speed and its need of memory."""

    STILL = "picture"
    ANIMATION = "animation"
    COPIED_FILM = "copied film"  # decoded once, to see that it is whole
    ENCODED_FILM = "encoded film"
    SOUND = "sound"


_PIXELS_A_SECOND = {
    WorkKind.STILL: 10e6,
    WorkKind.ANIMATION: 10e6,
    WorkKind.COPIED_FILM: 300e6,
    WorkKind.ENCODED_FILM: 60e6,
    WorkKind.SOUND: 400e6,
}
_REPEATED_PIXELS_A_SECOND = 100e6  # of frames that are all alike
_LARGEST_VIDEO = 3840 * 2160
_SOUND_SPEED = 100.0  # seconds of sound that are decoded and encoded in one second
_MEMORY: dict[WorkKind, tuple[int, int]] = {  # address space: of the program, and for each pixel of a frame
    WorkKind.STILL: (384 * MIB, 26),
    WorkKind.ANIMATION: (768 * MIB, 140),
    WorkKind.ENCODED_FILM: (896 * MIB, 140),
    WorkKind.SOUND: (768 * MIB, 100),
}


_BARE_PROGRAM = 64 * MIB  # of memory, not of address space

_LARGE_JOB_PROCESSORS = 4  # that a codec keeps busy


@dataclass(frozen=True, slots=True)
class Lane:
    """How many media of a lane are worked on at once, and what memory they share."""

    workers: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What one tool may use: `seconds` of wall time, `memory_bytes`, files of `file_bytes`; and its priority.

    Besides programs and libraries it sees the files and folders `reads` and `writes`.
    """

    seconds: float
    memory_bytes: int
    file_bytes: int
    priority: Priority = Priority.NORMAL
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done to one file: frames of width x height pixels, `seconds` as it plays, bytes to read."""

    kind: WorkKind
    width: int
    height: int
    frames: int
    seconds: float
    source_bytes: int

    @property
    def pixels(self) -> int:
        """The pixels of one frame."""
        return self.width * self.height

    @property
    def expected_s(self) -> float:
        """How long a small computer with nothing else to do takes, in seconds."""
        expected_s = self.pixels * self.frames / _PIXELS_A_SECOND[self.kind]
        if self.kind is WorkKind.SOUND:
            expected_s += self.seconds / _SOUND_SPEED
        if self.kind is WorkKind.ANIMATION:  # frames that stay long are encoded many times
            expected_s += self.seconds * _STANDING_FPS * min(self.pixels, _LARGEST_VIDEO) / _REPEATED_PIXELS_A_SECOND
        return expected_s


def film_frames(pixels: int, seconds: float, frame_rate: float, source_bytes: int) -> int:
    """Return how many frames of a film are processed, from its declared length and rate and from its bytes.

    A slow film counts as an even one, because it may become one. A length that is not declared follows from the bytes.
    """
    if seconds <= 0:
        return max(1, round(source_bytes / (_USUAL_BYTES_A_PIXEL * max(1, pixels))))
    decoded = min(seconds * frame_rate, source_bytes / _SMALLEST_FRAME_BYTES)
    return max(1, round(max(decoded, seconds * _SMOOTH_FPS)))


def refusal(work: Work, largest_pixels: int, longest_s: float) -> str | None:
    """Return why this work is not begun, in words for the person who sent the file; None if it may begin."""
    size = f"{work.width} x {work.height} pixels"
    what = {WorkKind.STILL: "picture", WorkKind.ANIMATION: "picture", WorkKind.SOUND: "sound"}.get(work.kind, "video")
    if work.pixels > largest_pixels:
        return f"This {what} is too large: {size}. The limit is {_millions(largest_pixels)} million pixels."
    if work.kind is WorkKind.ANIMATION and work.pixels * work.frames > LARGEST_ANIMATION_PIXELS:
        limit = _millions(LARGEST_ANIMATION_PIXELS)
        return (
            f"This animation is too large: {work.frames} frames of {size}. All frames together may have {limit} "
            "million pixels. Send it smaller, or as a video."
        )
    if work.seconds > LONGEST_PLAY_S:
        return (
            f"This {what} is too long: it says that it plays for {_time(work.seconds)}. "
            f"The limit is {_time(LONGEST_PLAY_S)}."
        )
    if work.expected_s / _FASTEST > longest_s:
        return (
            f"This {what} is too long for its size: {work.frames} frames of {size} cannot be processed within "
            f"{_time(longest_s)}. Send it smaller or shorter."
        )
    return None


def limits_for(work: Work, most: Limits) -> Limits:
    """Return what each child process for this work may use: in proportion to the work, and never more than `most`.

    A film that is to be copied gets the budget of one that is encoded, which it is if it cannot be copied after all.
    """
    if work.kind is WorkKind.COPIED_FILM:
        work = replace(work, kind=WorkKind.ENCODED_FILM)
    base_bytes, pixel_bytes = _MEMORY[work.kind]
    memory_bytes = base_bytes + pixel_bytes * work.pixels
    if work.kind in (WorkKind.STILL, WorkKind.ANIMATION):  # these are read as a whole
        memory_bytes += 2 * work.source_bytes
    seconds = _START_S + _SLACK * work.expected_s + work.source_bytes / _READ_BYTES_S
    return replace(most, seconds=min(seconds, most.seconds), memory_bytes=min(memory_bytes, most.memory_bytes))


def memory_needed(work: Work) -> int:
    """Return how much memory this work takes, in bytes: less than the address space that it may have."""
    _, pixel_bytes = _MEMORY[WorkKind.ENCODED_FILM if work.kind is WorkKind.COPIED_FILM else work.kind]
    read_whole = 2 * work.source_bytes if work.kind in (WorkKind.STILL, WorkKind.ANIMATION) else 0
    return _BARE_PROGRAM + pixel_bytes * work.pixels + read_whole


def lanes(workers: int, processors: int, free_bytes: int, priority: Priority) -> tuple[Lane, Lane]:
    """Return the lanes for small and for large media, with `workers` each; 0: by the machine.

    Then a small one begins while others wait for the disk, and a large one keeps four processors busy. Beside a player
    there is one of each. Together they take three quarters of the free memory, so that neither waits for the other.
    """
    small = workers or (1 if priority is Priority.IDLE else processors + 1)
    large = workers or (1 if priority is Priority.IDLE else max(1, processors // _LARGE_JOB_PROCESSORS))
    return Lane(small, free_bytes // 4), Lane(large, free_bytes // 2)


def header_limits(source_bytes: int, most: Limits) -> Limits:
    """Return what a child process may use that only reads the headers of a file."""
    return replace(
        most,
        seconds=min(_START_S + source_bytes / _READ_BYTES_S, most.seconds),
        memory_bytes=min(512 * MIB + 2 * source_bytes, most.memory_bytes),
        file_bytes=min(MIB, most.file_bytes),
    )


def _millions(number: float) -> str:
    return f"{number / 1e6:,.4g}" if number < 1e9 else f"{round(number / 1e6):,}"


def _time(seconds: float) -> str:
    if seconds < 7200:
        return f"{seconds / 60:,.0f} minutes"
    return f"{seconds / 3600:,.1f}".removesuffix(".0") + " hours"
