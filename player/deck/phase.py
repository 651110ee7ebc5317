"""Where a deck stands with its shot, from the command to load it to its end on air."""

from enum import Enum, auto


class Phase(Enum):
    """Where the deck stands with its shot."""

    IDLE = auto()
    OPENING = auto()  # playing, unseen, until there is an output
    ROLLING = auto()  # there is an output; until a picture is painted: paused before that, it may never be
    PAUSING = auto()
    SETTLING = auto()  # paused on an early frame, until it is painted; a rewind before that paints nothing at times
    PAINTING = auto()  # rewound to the first frame, not yet painted often enough
    LOADED = auto()
    ON_AIR = auto()
    ENDING = auto()  # libVLC stopped at the end, ahead of the last frame's time
    DONE = auto()  # ended on air; the last frame stays


LOADING = (Phase.OPENING, Phase.ROLLING, Phase.PAUSING, Phase.SETTLING, Phase.PAINTING)
# Full paints to wait for. Of a resized output the first is black; a paused one is repainted every 60 ms.
REPAINTS = {Phase.ROLLING: 2, Phase.SETTLING: 2, Phase.PAINTING: 3}
