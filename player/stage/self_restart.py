"""Ends the daemon when nothing less helps, so that systemd starts it again or reboots the device.

Each step is recorded on the disk before it is performed. A device that cannot write the record performs no such step,
so no step can repeat without a limit. Neither does one that cannot read the record.
"""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from player.platform.code_version import CODE, code_version
from player.stage.escalation import EscalationStep, upper_step
from sync.errors import StorageBroken, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.file_with_copy import FileWithCopy
from sync.wire.value_types import Instant, Wire

FILE = "recovery.json"
"""The name of the record in the state folder."""

_RECENT = timedelta(days=1)
_CAP_BYTES = 64 * 1024
_UPDATE_STANDS_S = 3.0  # so long nothing more of an update was written: it is whole
_TRY_AGAIN_S = 300.0  # after a trial that failed: the machine may have been the cause
_ITEM_LASTS_S = 300.0  # so long the item on air is waited for
TRIAL = (  # of the program on the disk: all can be imported, and its own trial passes, if its version has one
    "nice", sys.executable, "-c",
    "import player.app.start, player.app.cli, player.app.daemon, player.app.wiring\n"
    "import player.deck.__main__, player.overlay.__main__\n"
    "from importlib import import_module, util\n"
    "util.find_spec('player.app.trial') and import_module('player.app.trial').main()",
)  # fmt: skip
"""The command that tries the program on the disk."""

log = logging.getLogger(__name__)


class StepRecord(Wire):
    """An upper step: how often it was performed on this device, when last, and why then."""

    times: Annotated[int, Field(ge=1)]
    at: Instant
    reason: str


class RestartRecord(Wire):
    """The content of the file."""

    taken: dict[EscalationStep, StepRecord] = Field(default_factory=dict)


class SelfRestart:
    """Implements `player.stage.escalation.Recoverer`; `ending` is set once the daemon must end, for `step`."""

    def __init__(self, path: Path, clock: Clock, reboot: Callable[[], bool]) -> None:
        self.ending = asyncio.Event()
        self.step: EscalationStep | None = None
        self._file = FileWithCopy(path, RestartRecord.model_validate_json, _CAP_BYTES)
        self._clock = clock
        self._reboot = reboot
        self._found_code, self._found_s = CODE, 0.0  # on the disk, and since when
        self._trial: subprocess.Popen[str] | None = None
        self._update_starts: bool | None = None  # None: not known
        self._update_fault = ""  # of the last trial
        self._failed_s = 0.0  # when that was
        self._fault = ""
        self._record, self._known = self._read()

    def _read(self) -> tuple[RestartRecord, bool]:
        """Return the record, and whether it is known; one that is missing or damaged begins anew."""
        found = self._file.find()
        if found.fault != self._fault:
            self._fault = found.fault
            log.error("recovery: %s; %s", found.fault, "its copy is used" if found.value else "a new record begins")
        unreadable = found.value is None and bool(found.fault) and found.raw is None
        return found.value or RestartRecord(), not unreadable

    def allowed_step(self) -> EscalationStep | None:
        """Return the upper step that is allowed now, if any."""
        if not self._known:
            self._record, self._known = self._read()
        if self.step is not None or not self._known:
            return None  # one has begun, or one may have been performed a moment ago
        performed = [(each.at, step) for step, each in self._record.taken.items()]
        return upper_step(performed, self._clock.now(), reboot=self._reboot())

    def perform(self, step: EscalationStep, reason: str) -> bool:
        """Record the step and have the daemon end; return False if it cannot be recorded: then it is not performed."""
        times = self.counts().get(step, 0) + 1
        latest = StepRecord(times=times, at=self._clock.now(), reason=reason)
        record = RestartRecord(taken={**self._record.taken, step: latest})
        try:
            self._file.save(record.model_dump_json().encode())
        except (StorageFull, StorageBroken) as error:
            log.error("step=%s is not performed, because it cannot be recorded: %s", step.value, error)
            return False
        log.error("step=%s the player ends itself: %s", step.value, reason)
        self._record, self.step = record, step
        self.ending.set()
        return True

    def restart_for_new_code(self, *, on_air: bool) -> None:
        """Have the daemon end once the code on the disk is another one, has not changed for some seconds, and starts.

        While something is `on_air` that is waited for, but no more than `_ITEM_LASTS_S`. Nothing is recorded and no
        rate limits this: the next player is of the new code.
        """
        found, now_s = code_version(), self._clock.monotonic()
        if found != self._found_code:
            self._found_code, self._found_s, self._update_starts, self._update_fault = found, now_s, None, ""
            self._end_trial()
        stood_s = now_s - self._found_s
        if found == CODE or self.step is not None or stood_s < _UPDATE_STANDS_S or not self._starts():
            return
        if not on_air or stood_s >= _ITEM_LASTS_S:
            log.warning("step=restart the player ends itself: the program was updated, and decks are of the new code")
            self.step = EscalationStep.RESTART
            self.ending.set()

    def _starts(self) -> bool:
        """Return whether the program on the disk is known to start; this does not wait for that."""
        now_s = self._clock.monotonic()
        if self._update_starts is False and now_s - self._failed_s > _TRY_AGAIN_S:
            self._update_starts = None
        if self._trial is None and self._update_starts is None:
            self._trial = subprocess.Popen(
                TRIAL, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
        elif self._trial is not None and self._trial.poll() is not None:
            self._update_starts = self._trial.returncode == 0
            lines = self._end_trial().strip().splitlines()
            before, self._update_fault = self._update_fault, ""
            self._failed_s = now_s
            if not self._update_starts:
                self._update_fault = lines[-1][:200] if lines else "it ends at once"
            if self._update_fault not in ("", before):
                log.error("the program was updated and does not start, so the old one plays on: %s", self._update_fault)
        return bool(self._update_starts)

    def _end_trial(self) -> str:
        """End the trial, if one runs, and return what it said."""
        trial, self._trial = self._trial, None
        if trial is None:
            return ""
        trial.kill()
        return trial.communicate()[1]

    def update_fault(self) -> str:
        """Return why the program that is on the disk by now does not start; empty if nothing is known against it."""
        return self._update_fault if self._update_fault and code_version() == self._found_code else ""

    def counts(self) -> dict[EscalationStep, int]:
        """Return how often each upper step was performed on this device."""
        return {step: each.times for step, each in self._record.taken.items()}

    def latest(self) -> str:
        """Return the upper step of the last day as text; empty if there was none."""
        now = self._clock.now()
        recent = [
            (each.at, step, each.reason) for step, each in self._record.taken.items() if abs(now - each.at) < _RECENT
        ]
        return "{1} at {0:%Y-%m-%d %H:%M} UTC: {2}".format(*max(recent)) if recent else ""
