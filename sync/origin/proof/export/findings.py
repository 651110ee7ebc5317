"""What a verifier can find in an export, by name: which findings are faults, which only leave something unproven."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sync.origin.proof.export.records import ExportRecord
from sync.runtime.clock import ClockTrust
from sync.wire.device_reports import Outcome, Play, ScreenState

MOST_FINDINGS = 1_000
"""So many are told; the others are counted."""


class Weight(StrEnum):
    """What a finding means for the export."""

    FAULT = "fault"  # something contradicts: the export is broken
    GAP = "gap"  # nothing contradicts, but something is not proven
    NOTE = "note"  # to know when reading the numbers


class Kind(StrEnum):
    """The name of a finding."""

    UNREADABLE = "unreadable"
    MISPLACED = "misplaced"
    CUT_OFF = "cut_off"
    EXPORT_CHANGED = "export_changed"
    ROOT_UNKNOWN = "root_unknown"
    ROOT_CHAIN = "root_chain"
    ROOT_EXPIRED = "root_expired"
    SCREEN_UNLISTED = "screen_unlisted"
    SCREEN_MISSING = "screen_missing"
    SCREEN_TWICE = "screen_twice"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    CERTIFICATE_FOREIGN = "certificate_foreign"
    CERTIFICATE_MISSING = "certificate_missing"
    KEY_REVOKED = "key_revoked"
    KEY_NOT_YET = "key_not_yet"
    KEY_REPLACED = "key_replaced"
    CHECKPOINT_UNTRUSTED = "checkpoint_untrusted"
    CHECKPOINT_FOREIGN = "checkpoint_foreign"
    CHECKPOINT_MISSING = "checkpoint_missing"
    CHECKPOINT_ORDER = "checkpoint_order"
    CHECKPOINT_CHAIN = "checkpoint_chain"
    LOG_SKIPPED = "log_skipped"
    LOG_RETURNED = "log_returned"
    OPENING_MISSING = "opening_missing"
    OPENING_WRONG = "opening_wrong"
    PLAY_CHANGED = "play_changed"
    PLAY_FOREIGN = "play_foreign"
    PLAY_NOT_COVERED = "play_not_covered"
    PLAY_TWICE = "play_twice"
    PLAY_ORDER = "play_order"
    PLAY_OVERLAP = "play_overlap"
    PLAY_IMPOSSIBLE = "play_impossible"
    CORRECTION_WRONG = "correction_wrong"
    PATH_MISSING = "path_missing"
    LOG_CHAIN = "log_chain"
    PLAYS_MISSING = "plays_missing"
    PLAYS_TOO_MANY = "plays_too_many"
    COUNT_WRONG = "count_wrong"
    INCOMPLETE = "incomplete"
    UNSIGNED = "unsigned"
    CHAIN_RESTARTED = "chain_restarted"
    LOG_BEGAN = "log_began"
    CLOCK_SET_BACK = "clock_set_back"
    CLOCK_UNSET = "clock_unset"
    CLOCK_CORRECTED = "clock_corrected"


WEIGHTS = {
    Kind.INCOMPLETE: Weight.GAP,
    Kind.UNSIGNED: Weight.GAP,
    Kind.LOG_SKIPPED: Weight.GAP,
    Kind.KEY_NOT_YET: Weight.GAP,  # of an origin that was restored, and certified the key again
    Kind.CHAIN_RESTARTED: Weight.GAP,
    Kind.LOG_BEGAN: Weight.NOTE,
    Kind.CLOCK_SET_BACK: Weight.NOTE,
    Kind.CLOCK_UNSET: Weight.NOTE,
    Kind.CLOCK_CORRECTED: Weight.NOTE,
}
"""The weight of those that are no faults."""


@dataclass(frozen=True, slots=True)
class ExportFinding:
    """What was found, in which line of the file (from 1; 0: in none), of which screen (empty: of none)."""

    kind: Kind
    detail: str
    line: int = 0
    screen: str = ""

    @property
    def weight(self) -> Weight:
        """Return what it means."""
        return WEIGHTS.get(self.kind, Weight.FAULT)


@dataclass(slots=True)
class Findings:
    """Collects findings in the order of the file; all are counted, the first ones of each weight are kept."""

    kept: list[ExportFinding] = field(default_factory=list)
    counts: dict[Weight, int] = field(default_factory=lambda: dict.fromkeys(Weight, 0))
    line: int = 0  # of the file, now

    def add(self, kind: Kind, detail: str, screen: str = "") -> None:
        """Add a finding about the present line."""
        finding = ExportFinding(kind, detail, self.line, screen)
        self.counts[finding.weight] += 1
        if self.counts[finding.weight] <= MOST_FINDINGS:
            self.kept.append(finding)


@dataclass(slots=True)
class LineTotals:
    """What is proven of one line in the period."""

    plays: int = 0
    complete: int = 0
    rendered_ms: int = 0
    screen_off: int = 0  # of `plays`: the display was off or unplugged
    clock_unset: int = 0  # of `plays`: no time service had set the clock
    clock_corrected: int = 0  # of `clock_unset`: the origin says when they were

    def add(self, play: Play, *, corrected: bool = False) -> None:
        """Count a play; `corrected`: the origin says when it was."""
        self.plays += 1
        self.complete += play.outcome is Outcome.COMPLETE
        self.rendered_ms += play.rendered_ms
        self.screen_off += play.screen is ScreenState.OFF
        self.clock_unset += play.clock is not ClockTrust.SYNCED
        self.clock_corrected += corrected


CANNOT_SHOW = (
    "that a screen is real, one machine, and where the operator says: the operator certifies its key",
    "that a screen told the truth before it signed, of what its display showed and of the time",
    "that the campaign has no other lines, that they played on no other screens, and the names of both",
    "when a play was whose clock nobody had set: the origin says it, by what the screen recorded later",
    "a play that had begun in the period, and had not ended when its screen signed last",
    "that a line did not play in a log of a screen of which the export has no play of it (here: {silent})",
    "that root {root} is the newest one of the operator: ask for its number",
)
"""What an export cannot show, for people."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What an export proves to who knows the fingerprint of the origin's root."""

    findings: tuple[ExportFinding, ...]
    untold: int  # more findings, which are only counted
    broken: bool
    complete: bool  # all of the period is proven
    export: ExportRecord | None  # what it says it is of; None: it is no export
    root_version: int | None  # up to which the chain of roots led; None: the root is not in the file
    screens: dict[str, datetime | None]  # until when each is complete, None: nothing of the period is
    checkpoints: int
    totals: dict[str, LineTotals]  # by line; the plays of no line by an empty name
    beside: int  # plays that are proven, and not in the period
    unproven: int
    silent: int  # logs of screens, times lines, of which no play is there

    @property
    def verdict(self) -> Literal["whole", "incomplete", "broken"]:
        """Return the result in a word."""
        return "broken" if self.broken else "whole" if self.complete else "incomplete"

    @property
    def complete_until(self) -> datetime | None:
        """Return until when all screens are complete; None: not at all."""
        known = [until for until in self.screens.values() if until is not None]
        if self.broken or len(known) < len(self.screens):
            return None
        return min(known, default=None)

    @property
    def first_fault(self) -> ExportFinding | None:
        """Return the first contradiction."""
        return next((each for each in self.findings if each.weight is Weight.FAULT), None)

    def cannot_show(self) -> tuple[str, ...]:
        """Return what the export cannot show, a part of a sentence each."""
        return tuple(text.format(silent=self.silent, root=self.root_version) for text in CANNOT_SHOW)
