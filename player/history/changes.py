"""Pure: which changes there are between how things were when they were last recorded, and how they are now.

How a thing was is kept as text, by its name: `screen`, `release`, `player`, `clock`, and `problem` with its kind.
"""

import json
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from player.display import DisplayState
from player.evidence.history_log import Change
from sync.recurring_problem import problem_kind
from sync.runtime.clock import ClockTrust
from sync.wire.device_reports import LONGEST_TEXT, HistoryKind
from sync.wire.value_types import printable

STEP = timedelta(milliseconds=500)
"""A smaller difference between wall clock and monotonic clock is no step: the two are not read at one instant."""

DARK = ("off", "disconnected")
PROBLEM = "problem "
_MOST_COUNTED = 1_000
_MOST_OF_ONE, _MOST_OF_PROBLEMS, _WITHIN_S = 12, 120, 3_600.0


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Both clocks at one instant, the start of the machine that the monotonic one counts from, and the trust."""

    at: datetime
    mono_s: float
    boot_id: str
    trust: ClockTrust

    @property
    def start(self) -> datetime:
        """Return when the machine was started, by the wall clock of now: it changes only when that clock is stepped."""
        return self.at - timedelta(seconds=self.mono_s)

    def fields(self) -> dict[str, Any]:
        """Return the instants as fields of a record."""
        mono_ms = round(self.mono_s * 1000)
        return {"at": self.at, "boot_id": self.boot_id or None, "mono_ms": mono_ms, "clock": self.trust}


def changed(moment: ClockReading, kind: HistoryKind, state: str, **more: Any) -> dict[str, Any]:
    """Return the fields of a record of now."""
    return {"kind": kind.value, "state": state, **moment.fields(), **more}


def screen_word(display: DisplayState) -> str:
    """Return the state of the screen, as a record says it."""
    if display.connected is False:
        return "disconnected"
    return display.power.value if display.answers else "unknown"


def screen_changes(before: str | None, now: str, moment: ClockReading, *, was: str = "") -> Iterator[Change]:
    """Yield how the screen changed; `was`: off or disconnected at some time since the last look, else empty."""
    seen = [now] if now in DARK or not was or before in (None, *DARK) else [was, now]
    for word in seen:
        if word != before:
            yield Change(changed(moment, HistoryKind.SCREEN, word), {"screen": word})
        before = word


def release_change(before: str | None, release: str, number: int | None, moment: ClockReading) -> Iterator[Change]:
    """Yield that another release is active."""
    if release != before:
        fields = changed(moment, HistoryKind.RELEASE, "activated", release=release, number=number)
        yield Change(fields, {"release": release})


def problem_changes(known: Mapping[str, str], sentences: Collection[str], moment: ClockReading) -> Iterator[Change]:
    """Yield the problems that ended and those that began; `known` has the sentences of those that began before."""
    told = [printable(sentence, LONGEST_TEXT) for sentence in sentences]
    now = {PROBLEM + problem_kind(sentence): sentence for sentence in told}
    for thing, sentence in known.items():
        if thing.startswith(PROBLEM) and thing not in now:
            yield Change(changed(moment, HistoryKind.PROBLEM, "ended", text=sentence), {thing: None})
    for thing, sentence in now.items():
        if thing not in known:
            yield Change(changed(moment, HistoryKind.PROBLEM, "began", text=sentence), {thing: sentence})


def clock_changes(before: str | None, moment: ClockReading) -> Iterator[Change]:
    """Yield that the clock was stepped, or that a time service has set it for the first time since the machine started.

    A step before this run is seen by the earlier run of the same boot.
    """
    said = json.loads(before) if before else {}
    known = said if said.get("boot") == moment.boot_id else {}
    start = datetime.fromisoformat(known["start"]) if known else moment.start
    stepped, synced = abs(moment.start - start) > STEP, moment.trust is ClockTrust.SYNCED
    first = synced and not known.get("synced")
    state = {"boot": moment.boot_id, "start": moment.start.isoformat(), "synced": synced or bool(known.get("synced"))}
    kept = {"clock": json.dumps(state)}
    if first or stepped:
        word = "synchronised" if first else "stepped"
        utc_before = start + timedelta(seconds=moment.mono_s)
        yield Change(changed(moment, HistoryKind.CLOCK, word, utc_before=utc_before), kept)
    elif not known:
        yield Change(things=kept)


def start_changes(before: str | None, last: datetime | None, version: str, moment: ClockReading) -> Iterator[Change]:
    """Yield that the player started, and first how the run before it ended, if that could not say it.

    `before` is what the last run kept, `last` the last sign of life of it.
    """
    if before is not None:
        said = json.loads(before)
        code = "killed" if said["boot"] == moment.boot_id else "power"
        end = {
            "at": last or moment.at,
            "boot_id": said["boot"] or None,
            "clock": said["clock"],
            "text": said["version"],
        }
        yield Change({"kind": HistoryKind.PLAYER.value, "state": "stopped", "code": code, **end})
    kept = json.dumps({"boot": moment.boot_id, "version": version, "clock": moment.trust.value})
    yield Change(changed(moment, HistoryKind.PLAYER, "started", text=version), {"player": kept})


def stop_change(version: str, moment: ClockReading) -> Change:
    """Return that the player ends in good order."""
    return Change(changed(moment, HistoryKind.PLAYER, "stopped", code="clean", text=version), {"player": None})


class ChangeLimit:
    """Lets a thing that comes and goes be recorded twelve times an hour, and all problems 120 times.

    Each call has all that differs at one look.

    What is held back is compared again at the next look: once there is room, how it is then is recorded, with the
    number of changes that were not.
    """

    def __init__(self) -> None:
        self._recorded: deque[tuple[float, str]] = deque()  # of the last hour: when, and which thing
        self._held_back: frozenset[str] = frozenset()  # at the last look
        self._unrecorded = Counter[str]()

    def limited(self, changes: Iterable[Change], now_s: float) -> list[Change]:
        """Return the changes of one look that are recorded now."""
        while self._recorded and now_s - self._recorded[0][0] >= _WITHIN_S:
            self._recorded.popleft()
        told: list[Change] = []
        held_back: set[str] = set()
        for change in changes:
            thing = next(iter(change.things))
            if change.fields and not self._has_room(thing):
                held_back.add(thing)
                continue
            self._recorded.append((now_s, thing))
            count = self._unrecorded.pop(thing, 0)
            told.append(Change({**change.fields, "unrecorded": count}, change.things) if count else change)
        self._unrecorded.update(held_back ^ self._held_back - {next(iter(change.things)) for change in told})
        self._held_back = frozenset(held_back)
        if len(self._unrecorded) > _MOST_COUNTED:
            self._unrecorded.clear()
        return told

    def _has_room(self, thing: str) -> bool:
        of_one = sum(other == thing for _, other in self._recorded)
        problems = sum(other.startswith(PROBLEM) for _, other in self._recorded)
        return of_one < _MOST_OF_ONE and (problems < _MOST_OF_PROBLEMS or not thing.startswith(PROBLEM))
