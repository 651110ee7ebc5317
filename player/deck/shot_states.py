"""The life of one shot in a deck, from the command to load it until its last frame."""

from enum import StrEnum

from sync.runtime.state_table import StateTable


class ShotState(StrEnum):
    """Where a shot is in its life; the state of a deck is that of its shot, or empty.

    A deck may drop its shot in every state: for `hide`, `blank` or the next `load`. A shot that has to be loaded again
    begins a new life. An order to show it may come in every state up to `LOADED`, and is carried out there.
    """

    OPENING = "opening"  # libVLC plays the hidden media, but has no video output yet
    PLAYING = "playing"  # there is an output; the first picture is not painted yet
    PLAYED_OUT = "played out"  # the media ended before its first picture was seen painted
    PAUSING = "pausing"  # painted; libVLC was asked to pause
    PAUSED = "paused"  # on an early frame that is not painted yet; after a rewind it may never be
    REWINDING = "rewinding"  # back to the first frame, which is not painted yet
    LOADED = "loaded"  # the first picture stands, or the media plays on, in the hidden window
    EXPIRED = "expired"  # it was loaded, but played on without being shown: its beginning has passed
    ON_AIR = "on air"  # the window is on the display
    ENDING = "ending"  # libVLC stopped at the end; the last frames are shown one by one
    FINISHED = "finished"  # over; the last frame stays until the next cut
    FAILED = "failed"  # it cannot be shown, or stopped being shown; the stage was told why


SHOT_STATES = StateTable(
    "shot",
    ShotState.OPENING,
    {
        ShotState.OPENING: {
            ShotState.PLAYING: "libVLC has a video output",
            ShotState.FAILED: "it cannot be opened",
        },
        ShotState.PLAYING: {
            ShotState.PLAYING: "libVLC tries another output",
            ShotState.PAUSING: "painted, and it has to wait",
            ShotState.PAUSED: "it ended and libVLC paused it",
            ShotState.PLAYED_OUT: "it ended, and it does not wait",
            ShotState.LOADED: "painted, and it does not wait",
            ShotState.OPENING: "not painted in time: tried once more",
            ShotState.FAILED: "nothing is painted",
        },
        ShotState.PLAYED_OUT: {
            ShotState.EXPIRED: "painted",
            ShotState.OPENING: "not painted in time: tried once more",
            ShotState.FAILED: "nothing is painted",
        },
        ShotState.PAUSING: {
            ShotState.PAUSED: "libVLC paused it",
            ShotState.FAILED: "it ended, or takes too long",
        },
        ShotState.PAUSED: {
            ShotState.REWINDING: "painted",
            ShotState.LOADED: "painted, and it cannot be rewound",
            ShotState.OPENING: "not painted in time: tried once more",
            ShotState.FAILED: "nothing is painted",
        },
        ShotState.REWINDING: {
            ShotState.LOADED: "the first frame is painted",
            ShotState.OPENING: "not painted in time: tried once more",
            ShotState.FAILED: "it ended, or nothing is painted",
        },
        ShotState.LOADED: {
            ShotState.ON_AIR: "shown",
            ShotState.EXPIRED: "not shown in time",
            ShotState.FAILED: "the stream ended or stopped",
        },
        ShotState.EXPIRED: {ShotState.ON_AIR: "shown late"},
        ShotState.ON_AIR: {
            ShotState.ENDING: "libVLC stopped a few frames early",
            ShotState.FINISHED: "its end or its duration is reached",
            ShotState.FAILED: "the media or its picture failed",
        },
        ShotState.ENDING: {ShotState.FINISHED: "the last frame had its time"},
        ShotState.FINISHED: {},
        ShotState.FAILED: {},
    },
)
"""All moves; `ShotLoader` makes those before `ON_AIR`, `Playback` the others."""
