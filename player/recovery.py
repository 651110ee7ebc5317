"""Ends the daemon when nothing less helps, for systemd to start it anew or to reboot the device; notes it on the disk.

The note is written before the step is taken: a device that cannot write it takes no such step, so that none can be
taken again and again.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from pydantic import Field, ValidationError

from player.ladder import Step, upper_step
from sync import StorageBroken, StorageFull
from sync.clock import Clock
from sync.durable import write_durably
from sync.wire import Instant, Wire

FILE = "recovery.json"
"""Its name in the state folder."""

_LATELY = timedelta(days=1)
_MOST = 16
_CAP_BYTES = 64 * 1024

log = logging.getLogger(__name__)


class Taken(Wire):
    """One upper step: when, which, and why."""

    at: Instant
    step: Step
    reason: str


class Note(Wire):
    """What is kept: how often each step was taken, and the latest of them, the oldest first."""

    counts: dict[Step, int] = Field(default_factory=dict)
    taken: tuple[Taken, ...] = ()


class Recovery:
    """Implements `player.ladder.Recoverer`; `ending` is set once the daemon has to end, for `step`."""

    def __init__(self, path: Path, clock: Clock, reboot: Callable[[], bool]) -> None:
        self.ending = asyncio.Event()
        self.step: Step | None = None
        self._path = path
        self._clock = clock
        self._reboot = reboot
        self._note = _read(path)

    def allowed(self) -> Step | None:
        """Return the upper step that may be taken now, if any."""
        if self.step is not None:
            return None  # one is under way
        taken = [(each.at, each.step) for each in self._note.taken]
        return upper_step(taken, self._clock.now(), reboot=self._reboot())

    def take(self, step: Step, reason: str) -> bool:
        """Note the step and have the daemon end; False: it could not be noted, so it is not taken."""
        counts = Counter(self._note.counts)
        counts[step] += 1
        taken = (*self._note.taken, Taken(at=self._clock.now(), step=step, reason=reason))[-_MOST:]
        note = Note(counts=dict(counts), taken=taken)
        try:
            write_durably(self._path, note.model_dump_json().encode())
        except (StorageFull, StorageBroken) as error:
            log.error("step=%s not taken, for it cannot be noted: %s", step.value, error)
            return False
        log.error("step=%s the player ends itself: %s", step.value, reason)
        self._note, self.step = note, step
        self.ending.set()
        return True

    def counts(self) -> dict[Step, int]:
        """Return how often each upper step was taken on this device."""
        return dict(self._note.counts)

    def latest(self) -> str:
        """Return the upper step of the last day in words; empty for none."""
        if not self._note.taken or abs(self._clock.now() - self._note.taken[-1].at) > _LATELY:
            return ""
        latest = self._note.taken[-1]
        return f"{latest.step.value} at {latest.at:%Y-%m-%d %H:%M} UTC: {latest.reason}"


def _read(path: Path) -> Note:
    """Return what was noted; nothing of a file that is missing or cannot be read."""
    try:
        with path.open("rb") as file:
            return Note.model_validate_json(file.read(_CAP_BYTES))
    except FileNotFoundError:
        return Note()
    except (OSError, ValidationError) as error:
        log.error("recovery=%s cannot be read and is begun anew: %s", path, error)
        return Note()
