"""Checks the plays of one screen in an export: hash, place in the log, path to the checkpoint, time on the screen."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from sync.origin.proof.export.findings import Findings, Kind, LineTotals
from sync.origin.proof.export.records import ExportRecord, PlayRecord
from sync.origin.proof.plausibility import contradictions, overlaps
from sync.origin.sent_plays.sent_play import Span
from sync.proof.checkpoint import Checkpoint, leaf
from sync.proof.merkle import leads_to_root
from sync.runtime.clock import ClockTrust, unix_ms
from sync.wire.device_reports import GENESIS, Play, play_hash


@dataclass(slots=True)
class CoveredPlays:
    """The plays in the export that one checkpoint covers; `counts`: its key was valid, so that they are proven."""

    checkpoint: Checkpoint
    counts: bool = True
    newest: int = 0
    sequences: set[int] = field(default_factory=set)
    by_line: Counter[str] = field(default_factory=Counter)

    def has_place_for(self, play: Play) -> bool:
        """Tell whether the checkpoint covers a play of this epoch and sequence."""
        checkpoint = self.checkpoint
        return play.log_epoch == checkpoint.log_epoch and checkpoint.first <= play.sequence <= checkpoint.last

    def leads_to(self, record: PlayRecord, play: Play) -> bool:
        """Tell whether the path of a play leads to the root that the device signed."""
        if record.salt is None or record.path is None:
            return False
        path, root = [bytes.fromhex(each) for each in record.path], bytes.fromhex(self.checkpoint.merkle_root)
        place = play.sequence - self.checkpoint.first
        return leads_to_root(leaf(bytes.fromhex(record.salt), play.hash), place, self.checkpoint.size, path, root)


@dataclass(slots=True)
class UsedTime:
    """The time of plays on one screen that was found so far, sorted: 16 bytes a play."""

    starts: "array[int]" = field(default_factory=lambda: array("q"))
    ends: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, span: Span) -> bool:
        """Add a time; tell whether a play had it already."""
        place = bisect_left(self.starts, span[0])
        near = range(max(0, place - 2), min(place + 2, len(self.starts)))
        taken = any(overlaps(span, (self.starts[each], self.ends[each])) for each in near)
        self.starts.insert(place, span[0])
        self.ends.insert(place, span[1])
        return taken


@dataclass(slots=True)
class ScreenPlays:
    """The plays of one screen. `totals` is of the whole export, by line."""

    device: str
    export: ExportRecord
    findings: Findings
    totals: dict[str, LineTotals]
    beside: int = 0
    unproven: int = 0
    corrected: int = 0  # of those that are proven: the origin says when they were
    without_proof: list[tuple[str, int, int, int]] = field(default_factory=list)  # epoch, first, last, line of the file
    _newest: Play | None = None
    _time: UsedTime = field(default_factory=UsedTime)

    def add(self, record: PlayRecord, covered: CoveredPlays | None) -> None:
        """Check a play; `covered`: those under the checkpoint above it, None if there is none that counts."""
        try:
            play = Play.model_validate(record.play)
        except ValidationError:
            self._add(Kind.UNREADABLE, "a play has fields that no play has, or lacks some")
            self.unproven += 1
            return
        wrong = list(self._faults(record, play, covered))
        for kind, detail in wrong:
            self._add(kind, f"{_name(play)} {detail}")
        twice = any(kind is Kind.PLAY_TWICE for kind, _ in wrong)
        if covered is not None and covered.has_place_for(play) and not twice:
            covered.sequences.add(play.sequence)
            covered.newest = max(covered.newest, play.sequence)
            covered.by_line[play.line or ""] += 1
        if record.path is None or record.salt is None:
            self._note_without_proof(play)
        elif covered is None or wrong or not covered.counts:
            self.unproven += 1
        else:
            self._count(play, record.corrected_ms)
        self._newest = play

    def _faults(self, record: PlayRecord, play: Play, covered: CoveredPlays | None) -> Iterator[tuple[Kind, str]]:
        """Yield what is wrong with a play itself."""
        if play.device != self.device:
            yield Kind.PLAY_FOREIGN, f"is of screen {play.device}"
        if reason := _why_foreign(play, self.export):
            yield Kind.PLAY_FOREIGN, reason
        if _hash(record, play) != play.hash:
            yield Kind.PLAY_CHANGED, "was changed: what it says does not give its hash"
        if record.corrected_ms is not None and play.clock is ClockTrust.SYNCED:
            yield Kind.CORRECTION_WRONG, "is moved to another time, though a time service had set its clock"
        if covered is not None and record.path is not None:
            yield from self._faults_of_place(record, play, covered)

    def _faults_of_place(self, record: PlayRecord, play: Play, covered: CoveredPlays) -> Iterator[tuple[Kind, str]]:
        number = covered.checkpoint.number
        if not covered.has_place_for(play):
            yield Kind.PLAY_NOT_COVERED, f"stands below checkpoint {number}, which does not cover it"
            return
        if play.sequence in covered.sequences:
            yield Kind.PLAY_TWICE, "is there twice"
        elif play.sequence < covered.newest:
            yield Kind.PLAY_ORDER, "is not in the order of the log"
        if not covered.leads_to(record, play):
            yield Kind.PLAY_NOT_COVERED, f"is not what the screen signed in checkpoint {number}"
        before = self._newest
        follows = before is not None and (before.log_epoch, before.sequence + 1) == (play.log_epoch, play.sequence)
        expected = GENESIS if play.sequence == 1 else before.hash if before and follows else play.previous_hash
        at_end = play.sequence == covered.checkpoint.last
        if play.previous_hash != expected or (at_end and play.hash != covered.checkpoint.hash):
            yield Kind.LOG_CHAIN, "does not follow the play before it in the log"

    def _count(self, play: Play, corrected_ms: int | None) -> None:
        """Count a play that is proven, at its own time or at that of the origin."""
        if impossible := next(contradictions(play), None):
            self._add(Kind.PLAY_IMPOSSIBLE, f"{_name(play)} cannot be what happened: {impossible}")
            self.unproven += 1
            return
        started_ms = unix_ms(play.started_at) + (corrected_ms or 0)
        if self._time.add((started_ms, unix_ms(play.ended_at) + (corrected_ms or 0))):
            self._add(Kind.PLAY_OVERLAP, f"{_name(play)} has the same time as another play of this screen")
            self.unproven += 1
            return
        self.corrected += corrected_ms is not None
        if not unix_ms(self.export.begins_at) <= started_ms < unix_ms(self.export.ends_at):
            self.beside += 1
            return
        totals = self.totals.setdefault(play.line or "", LineTotals())
        totals.add(play, corrected=corrected_ms is not None)

    def _note_without_proof(self, play: Play) -> None:
        self.unproven += 1
        if self.without_proof:
            epoch, first, last, line = self.without_proof[-1]
            if (epoch, last + 1) == (play.log_epoch, play.sequence):
                self.without_proof[-1] = epoch, first, play.sequence, line
                return
        self.without_proof.append((play.log_epoch, play.sequence, play.sequence, self.findings.line))

    def _add(self, kind: Kind, detail: str) -> None:
        self.findings.add(kind, detail, self.device)


def _why_foreign(play: Play, export: ExportRecord) -> str:
    if export.device is not None:
        listed = play.line is None or play.line in export.lines
        return "" if listed else f"is of line {play.line}, which the export does not list"
    if play.line is None or play.line not in export.lines or export.line not in (None, play.line):
        return f"is of {'no line' if play.line is None else f'line {play.line}'}: the export is not of it"
    if export.campaign is not None and play.campaign != export.campaign:
        return f"is of campaign {play.campaign or 'none'}: the export is of campaign {export.campaign}"
    return ""


def _hash(record: PlayRecord, play: Play) -> str:
    try:
        return play_hash(play.previous_hash, record.play)
    except RecursionError:  # nested almost as deeply as can be read
        return ""


def _name(play: Play) -> str:
    return f"play {play.sequence} of log {play.log_epoch[:8]}"
