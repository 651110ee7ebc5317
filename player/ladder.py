"""What to do when the picture on air is seen to stand still or to be black: the next item, a new deck, both decks.

Every fault costs the item on air. The second one on the same deck costs the deck too, which may be what is wrong; if
new decks do not help, both go. A deck is replaced once it is off the air, so the screen keeps a picture meanwhile.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

WINDOW_S = 3600.0  # what is older says nothing of today
_A_DECKS_CHANCES = 2
_NEW_DECKS = 2  # within the window, before both are replaced; and that happens once in it
_MOST_RUNGS = 64


class Step(StrEnum):
    """What a fault leads to."""

    NEXT_ITEM = "next item"
    NEW_DECK = "new deck"
    BOTH_DECKS = "both decks"


@dataclass(frozen=True, slots=True)
class Rung:
    """One fault of the picture: when, on which deck, and what was done."""

    at_s: float
    deck: str
    step: Step


def next_step(history: Sequence[Rung], deck: str, at_s: float) -> Step:
    """Return what the fault of `deck` at `at_s` leads to, after `history`, the oldest first."""
    lately = [rung for rung in history if at_s - rung.at_s < WINDOW_S]
    if _faults(lately, deck) + 1 < _A_DECKS_CHANCES:
        return Step.NEXT_ITEM
    taken = Counter(rung.step for rung in lately)
    if taken[Step.NEW_DECK] < _NEW_DECKS:
        return Step.NEW_DECK
    return Step.NEXT_ITEM if taken[Step.BOTH_DECKS] else Step.BOTH_DECKS


def _faults(lately: Sequence[Rung], deck: str) -> int:
    """Count the faults of `deck` since it was last replaced."""
    count = 0
    for rung in lately:
        if rung.step is Step.BOTH_DECKS or (rung.step is Step.NEW_DECK and rung.deck == deck):
            count = 0
        elif rung.deck == deck:
            count += 1
    return count


class Ladder:
    """The faults of this stage, and the steps taken."""

    def __init__(self) -> None:
        self._history: deque[Rung] = deque(maxlen=_MOST_RUNGS)
        self._steps: Counter[Step] = Counter()

    def climb(self, deck: str, at_s: float) -> Step:
        """Note a fault and return the step it leads to."""
        step = next_step(self._history, deck, at_s)
        self._history.append(Rung(at_s, deck, step))
        self._steps[step] += 1
        return step

    def steps(self) -> dict[str, int]:
        """Return how often each step was taken since start."""
        return {step.value.replace(" ", "_"): self._steps[step] for step in Step}

    def lately(self, at_s: float) -> int:
        """Return how many faults there were within the last hour."""
        return sum(at_s - rung.at_s < WINDOW_S for rung in self._history)
