"""Pure: holds the plays of an export against the pictures that the witness saw, one by one.

A picture came and went between two looks each, so an instant of the record is off by what lies outside of those.
Instants are those of the clock that nobody sets (`mono_start_ms`, `mono_end_ms`); what the record makes of them by the
wall clock is compared apart.
"""

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from tests.e2e.day.witness import COLOURS, Picture

Play = dict[str, Any]

LONG_S = 1.0
"""A picture that stood for so long has a play."""

_NEAR_S = 1.0  # a play that is off by less still belongs to the picture


@dataclass(frozen=True, slots=True)
class Match:
    """A play and its picture, and by how many seconds the record is off; negative: it is earlier than the picture.

    `stood_on_s`: for so long its last picture stayed until something followed, by the record.
    """

    play: Play
    picture: Picture
    start_off_s: float
    end_off_s: float
    claimed_s: float  # beyond what was seen
    stood_on_s: float

    @property
    def off_s(self) -> float:
        """By how much the record is off at its worse end."""
        return max(abs(self.start_off_s), abs(self.end_off_s), self.claimed_s)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What record and witness say of each other."""

    matches: Sequence[Match]
    without_record: Sequence[Picture]
    without_picture: Sequence[Play]


def compare(plays: Iterable[Play], pictures: Sequence[Picture]) -> Agreement:
    """Compare all plays with all pictures, which are in order."""
    matches: list[Match] = []
    alone: list[Play] = []
    left = dict.fromkeys(pictures)
    for play in sorted(plays, key=start_s):
        near = [each for each in _near(play, pictures) if each in left and each.colour == colour_of(play)]
        if near:
            own = max(near, key=partial(_overlap_s, play))
            del left[own]
            matches.append(_match(play, own))
        else:
            alone.append(play)
    return Agreement(matches, [each for each in left if each.seen_s >= LONG_S], alone)


def _near(play: Play, pictures: Sequence[Picture]) -> Iterator[Picture]:
    """Yield the pictures that were there while a play was on, or shortly before or after."""
    place = bisect(pictures, end_s(play) + _NEAR_S, key=lambda picture: picture.came[0])
    while place and pictures[place - 1].went[1] >= start_s(play) - _NEAR_S:
        place -= 1
        yield pictures[place]


def colour_of(play: Play) -> str:
    """Return the colour of what was played: its title is the name of its file."""
    name = Path(play["title"]).stem
    assert name in COLOURS, play
    return name


def start_s(play: Play) -> float:
    return float(play["mono_start_ms"] / 1000)


def end_s(play: Play) -> float:
    return float(play["mono_end_ms"] / 1000)


def shown_s(play: Play) -> float:
    return float(play["rendered_ms"] / 1000)


def wall_offset_s(play: Play) -> float:
    """Return by how much the record puts a play after the instant of the clock that nobody sets."""
    return datetime.fromisoformat(play["started_at"]).timestamp() - start_s(play)


def _overlap_s(play: Play, picture: Picture) -> float:
    """Return how long a play and a picture had in common; negative: how far they are apart."""
    return min(end_s(play), picture.went[1]) - max(start_s(play), picture.came[0])


def _match(play: Play, picture: Picture) -> Match:
    off_s = _outside(end_s(play), picture.went)
    cut_off = play["outcome"] == "interrupted"  # its end is the last one that was on the disk
    return Match(
        play,
        picture,
        start_off_s=_outside(start_s(play), picture.came),
        end_off_s=max(0.0, off_s) if cut_off else off_s,
        claimed_s=max(0.0, shown_s(play) - picture.seen_s),
        stood_on_s=max(0.0, end_s(play) - start_s(play) - play["expected_ms"] / 1000),
    )


def _outside(at_s: float, between: tuple[float, float]) -> float:
    return min(0.0, at_s - between[0]) + max(0.0, at_s - between[1])
