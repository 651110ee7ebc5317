"""What to do when the picture on air is seen to stand still or to be black, step by step, up to a reboot.

Every fault costs the item on air. The second one on the same deck costs the deck too, which may be what is wrong; if
new decks do not help, both go; if that does not help, the daemon ends itself and systemd starts it anew; and where the
owner allows it, the device is rebooted. A deck is replaced once it is off the air, so the screen keeps a picture
meanwhile. The upper steps are rate-limited across restarts, by notes on the disk (`player.stage.self_restart`).
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

WINDOW_S = 3600.0  # what is older says nothing of today
RESTART_EVERY = timedelta(hours=1)
REBOOT_EVERY = timedelta(days=1)
NO_DECK_S = 120.0  # without any deck, though the X server takes connections: the daemon itself may be what is wrong
_A_DECKS_CHANCES = 2
_NEW_DECKS = 2  # within the window, before both are replaced; and that happens once in it
_MOST_RUNGS = 64


class EscalationStep(StrEnum):
    """What a fault leads to."""

    NEXT_ITEM = "next item"
    NEW_DECK = "new deck"
    BOTH_DECKS = "both decks"
    RESTART = "restart"  # of the daemon
    REBOOT = "reboot"  # of the device


UPPER = (EscalationStep.RESTART, EscalationStep.REBOOT)
"""The steps that end the daemon."""


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """One fault of the picture: when, on which deck, and what was done."""

    at_s: float
    deck: str
    step: EscalationStep


class Recoverer(Protocol):
    """Takes the upper steps, as `player.stage.self_restart.SelfRestart` does."""

    def allowed(self) -> EscalationStep | None:
        """Return the upper step that may be taken now, if any."""

    def take(self, step: EscalationStep, reason: str) -> bool:
        """End the daemon for an upper step; False: it cannot be."""

    def counts(self) -> dict[EscalationStep, int]:
        """Return how often each upper step was taken on this device."""

    def latest(self) -> str:
        """Return the upper step of the last day in words; empty for none."""


def upper_step(
    taken: Sequence[tuple[datetime, EscalationStep]], now: datetime, *, reboot: bool
) -> EscalationStep | None:
    """Return which of the upper steps may be taken at `now`, after those `taken`; `reboot`: the owner allows it.

    A restart an hour at most, a reboot a day at most, and a reboot only where a restart within the hour did not help. A
    clock that was set back counts like one that ran on: by the distance of the two times.
    """
    if not any(abs(now - at) < RESTART_EVERY for at, _ in taken):
        return EscalationStep.RESTART
    if reboot and not any(step is EscalationStep.REBOOT and abs(now - at) < REBOOT_EVERY for at, step in taken):
        return EscalationStep.REBOOT
    return None


def next_escalation(
    history: Sequence[FaultRecord], deck: str, at_s: float, upper: EscalationStep | None = None
) -> EscalationStep:
    """Return what the fault of `deck` at `at_s` leads to, after `history`, the oldest first.

    `upper` is the upper step that may be taken once both decks were replaced in vain.
    """
    lately = [rung for rung in history if at_s - rung.at_s < WINDOW_S]
    if _faults(lately, deck) + 1 < _A_DECKS_CHANCES:
        return EscalationStep.NEXT_ITEM
    taken = Counter(rung.step for rung in lately)
    if taken[EscalationStep.BOTH_DECKS]:
        return upper or EscalationStep.NEXT_ITEM
    return EscalationStep.NEW_DECK if taken[EscalationStep.NEW_DECK] < _NEW_DECKS else EscalationStep.BOTH_DECKS


def _faults(lately: Sequence[FaultRecord], deck: str) -> int:
    """Count the faults of `deck` since it was last replaced."""
    count = 0
    for rung in lately:
        if rung.step is EscalationStep.BOTH_DECKS or (rung.step is EscalationStep.NEW_DECK and rung.deck == deck):
            count = 0
        elif rung.deck == deck:
            count += 1
    return count


class Escalation:
    """The faults of this stage, and the steps taken; without a `recoverer` it ends at both decks."""

    def __init__(self, recoverer: Recoverer | None = None) -> None:
        self._recoverer = recoverer
        self._history: deque[FaultRecord] = deque(maxlen=_MOST_RUNGS)
        self._steps: Counter[EscalationStep] = Counter()

    def escalate(self, deck: str, at_s: float, reason: str) -> EscalationStep:
        """Note a fault of the picture, take the upper step it may lead to, and return the step."""
        step = next_escalation(self._history, deck, at_s, self._recoverer.allowed() if self._recoverer else None)
        if step in UPPER and not self._take(step, reason):
            step = EscalationStep.NEXT_ITEM
        self._history.append(FaultRecord(at_s, deck, step))
        self._steps[step] += step not in UPPER
        return step

    def pass_over(self) -> None:
        """Count an item cut away from on a suspicion, which leads no further up."""
        self._steps[EscalationStep.NEXT_ITEM] += 1

    def without_decks(self, for_s: float) -> EscalationStep | None:
        """Take the upper step if no deck has come up for so long; None while that is no reason, or none is allowed."""
        step = self._recoverer.allowed() if self._recoverer and for_s > NO_DECK_S else None
        return step if step and self._take(step, f"no deck came up for {for_s:.0f} s") else None

    def steps(self) -> dict[str, int]:
        """Return how often each step was taken: the lower ones since start, the upper ones on this device."""
        counts = {**self._steps, **(self._recoverer.counts() if self._recoverer else {})}
        return {step.value.replace(" ", "_"): counts.get(step, 0) for step in EscalationStep}

    def lately(self, at_s: float) -> int:
        """Return how many faults there were within the last hour."""
        return sum(at_s - rung.at_s < WINDOW_S for rung in self._history)

    def recovered(self) -> str:
        """Return the upper step of the last day in words; empty for none."""
        return self._recoverer.latest() if self._recoverer else ""

    def _take(self, step: EscalationStep, reason: str) -> bool:
        return self._recoverer is not None and self._recoverer.take(step, reason)
