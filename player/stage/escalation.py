"""What to do when the picture on air stands still or is black, step by step, up to a reboot.

Each fault costs the item on air. The second fault on the same deck costs the deck too, which may be the cause. If new
decks do not help, both are replaced; if that does not help, the daemon ends itself and systemd starts it again; and
where the owner allows it, the device is rebooted. A deck is replaced once it is off the screen, so that there is always
a picture. The upper steps are rate-limited across restarts, by a record on the disk (`player.stage.self_restart`).
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

WINDOW_S = 3600.0  # older faults do not count
RESTART_EVERY = timedelta(hours=1)
REBOOT_EVERY = timedelta(days=1)
NO_DECK_S = 120.0  # without any deck, though the X server accepts connections: the daemon may be the cause
_FAULTS_PER_DECK = 2
_NEW_DECKS = 2  # within the window, before both are replaced; both are replaced once in it
_MOST_RECORDS = 64


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
    """One fault of the picture: when, on which deck, and the step that followed."""

    at_s: float
    deck: str
    step: EscalationStep


class Recoverer(Protocol):
    """Performs the upper steps; implemented by `player.stage.self_restart.SelfRestart`."""

    def allowed_step(self) -> EscalationStep | None:
        """Return the upper step that is allowed now, if any."""

    def perform(self, step: EscalationStep, reason: str) -> bool:
        """End the daemon for an upper step; return False if that is not possible."""

    def restart_for_new_code(self, *, on_air: bool) -> None:
        """End the daemon if the code on the disk is no longer its own; soon, if something is `on_air`."""

    def update_fault(self) -> str:
        """Return why the program on the disk does not start; empty if that is not so."""

    def counts(self) -> dict[EscalationStep, int]:
        """Return how often each upper step was performed on this device."""

    def latest(self) -> str:
        """Return the upper step of the last day as text; empty if there was none."""


def upper_step(
    performed: Sequence[tuple[datetime, EscalationStep]], now: datetime, *, reboot: bool
) -> EscalationStep | None:
    """Return the upper step that is allowed at `now`, after those `performed`; `reboot`: the owner allows it.

    At most one restart an hour and one reboot a day; a reboot only if a restart within the last hour did not help. The
    distance between two times counts, so a clock that was set back allows nothing more.
    """
    if not any(abs(now - at) < RESTART_EVERY for at, _ in performed):
        return EscalationStep.RESTART
    if reboot and not any(step is EscalationStep.REBOOT and abs(now - at) < REBOOT_EVERY for at, step in performed):
        return EscalationStep.REBOOT
    return None


def next_escalation(
    history: Sequence[FaultRecord], deck: str, at_s: float, upper: EscalationStep | None = None
) -> EscalationStep:
    """Return what the fault of `deck` at `at_s` leads to, after `history`, the oldest first.

    `upper` is the upper step that is allowed once both decks were replaced without success.
    """
    recent = [fault for fault in history if at_s - fault.at_s < WINDOW_S]
    if _count_faults(recent, deck) + 1 < _FAULTS_PER_DECK:
        return EscalationStep.NEXT_ITEM
    steps = Counter(fault.step for fault in recent)
    if steps[EscalationStep.BOTH_DECKS]:
        return upper or EscalationStep.NEXT_ITEM
    return EscalationStep.NEW_DECK if steps[EscalationStep.NEW_DECK] < _NEW_DECKS else EscalationStep.BOTH_DECKS


def _count_faults(recent: Sequence[FaultRecord], deck: str) -> int:
    """Count the faults of `deck` since it was last replaced."""
    count = 0
    for fault in recent:
        if fault.step is EscalationStep.BOTH_DECKS or (fault.step is EscalationStep.NEW_DECK and fault.deck == deck):
            count = 0
        elif fault.deck == deck:
            count += 1
    return count


class Escalation:
    """The faults of this stage and the steps that followed; without a `recoverer` the last step is both decks."""

    def __init__(self, recoverer: Recoverer | None = None) -> None:
        self._recoverer = recoverer
        self._history: deque[FaultRecord] = deque(maxlen=_MOST_RECORDS)
        self._steps: Counter[EscalationStep] = Counter()

    def escalate(self, deck: str, at_s: float, reason: str) -> EscalationStep:
        """Record a fault of the picture and return the step it leads to; an upper step is performed here."""
        step = next_escalation(self._history, deck, at_s, self._recoverer.allowed_step() if self._recoverer else None)
        if step in UPPER and not self._perform(step, reason):
            step = EscalationStep.NEXT_ITEM
        self._history.append(FaultRecord(at_s, deck, step))
        self._steps[step] += step not in UPPER
        return step

    def count_suspicion(self) -> None:
        """Count an item that was cut away from on a suspicion; that leads to no further step."""
        self._steps[EscalationStep.NEXT_ITEM] += 1

    def escalate_without_decks(self, for_s: float) -> EscalationStep | None:
        """Perform the upper step if there was no deck for too long; None if that is not so, or no step is allowed."""
        step = self._recoverer.allowed_step() if self._recoverer and for_s > NO_DECK_S else None
        return step if step and self._perform(step, f"no deck came up for {for_s:.0f} s") else None

    def restart_for_new_code(self, *, on_air: bool) -> None:
        """End the daemon if the code on the disk is no longer its own: no deck can be started any more."""
        if self._recoverer:
            self._recoverer.restart_for_new_code(on_air=on_air)

    def update_fault(self) -> str:
        """Return why the program on the disk does not start; empty if that is not so."""
        return self._recoverer.update_fault() if self._recoverer else ""

    def step_counts(self) -> dict[str, int]:
        """Return how often each step was performed: the lower ones since start, the upper ones on this device."""
        counts = {**self._steps, **(self._recoverer.counts() if self._recoverer else {})}
        return {step.value.replace(" ", "_"): counts.get(step, 0) for step in EscalationStep}

    def recent_faults(self, at_s: float) -> int:
        """Return how many faults there were within the last hour."""
        return sum(at_s - fault.at_s < WINDOW_S for fault in self._history)

    def latest_recovery(self) -> str:
        """Return the upper step of the last day as text; empty if there was none."""
        return self._recoverer.latest() if self._recoverer else ""

    def _perform(self, step: EscalationStep, reason: str) -> bool:
        return self._recoverer is not None and self._recoverer.perform(step, reason)
