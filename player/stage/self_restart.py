"""Ends the daemon when nothing less helps, for systemd to start it anew or to reboot the device; notes it on the disk.

The note is written before the step is taken: a device that cannot write it takes no such step, so that none can be
taken again and again.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from player.stage.escalation import EscalationStep, upper_step
from sync.errors import StorageBroken, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.durable_files import write_durably
from sync.wire.base import Instant, Wire

FILE = "recovery.json"
"""Its name in the state folder."""

_LATELY = timedelta(days=1)
_CAP_BYTES = 64 * 1024

log = logging.getLogger(__name__)


class Taken(Wire):
    """An upper step: how often it was taken on this device, when last, and why."""

    times: Annotated[int, Field(ge=1)]
    at: Instant
    reason: str


class RestartRecord(Wire):
    """What is kept."""

    taken: dict[EscalationStep, Taken] = Field(default_factory=dict)


class SelfRestart:
    """Implements `player.stage.escalation.Recoverer`; `ending` is set once the daemon has to end, for `step`."""

    def __init__(self, path: Path, clock: Clock, reboot: Callable[[], bool]) -> None:
        self.ending = asyncio.Event()
        self.step: EscalationStep | None = None
        self._path = path
        self._clock = clock
        self._reboot = reboot
        self._note = _read(path)

    def allowed(self) -> EscalationStep | None:
        """Return the upper step that may be taken now, if any."""
        if self.step is not None:
            return None  # one is under way
        taken = [(each.at, step) for step, each in self._note.taken.items()]
        return upper_step(taken, self._clock.now(), reboot=self._reboot())

    def take(self, step: EscalationStep, reason: str) -> bool:
        """Note the step and have the daemon end; False: it could not be noted, so it is not taken."""
        times = self.counts().get(step, 0) + 1
        note = RestartRecord(taken={**self._note.taken, step: Taken(times=times, at=self._clock.now(), reason=reason)})
        try:
            write_durably(self._path, note.model_dump_json().encode())
        except (StorageFull, StorageBroken) as error:
            log.error("step=%s not taken, for it cannot be noted: %s", step.value, error)
            return False
        log.error("step=%s the player ends itself: %s", step.value, reason)
        self._note, self.step = note, step
        self.ending.set()
        return True

    def counts(self) -> dict[EscalationStep, int]:
        """Return how often each upper step was taken on this device."""
        return {step: each.times for step, each in self._note.taken.items()}

    def latest(self) -> str:
        """Return the upper step of the last day in words; empty for none."""
        now = self._clock.now()
        lately = [
            (each.at, step, each.reason) for step, each in self._note.taken.items() if abs(now - each.at) < _LATELY
        ]
        return "{1} at {0:%Y-%m-%d %H:%M} UTC: {2}".format(*max(lately)) if lately else ""


def _read(path: Path) -> RestartRecord:
    """Return what was noted; nothing of a file that is missing or cannot be read."""
    try:
        with path.open("rb") as file:
            return RestartRecord.model_validate_json(file.read(_CAP_BYTES))
    except FileNotFoundError:
        return RestartRecord()
    except (OSError, ValidationError):
        log.error("recovery=%s cannot be read and is begun anew", path)
        return RestartRecord()
