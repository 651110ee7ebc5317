"""Checks what one screen signed: its keys, the chain of its checkpoints, and that no play of a line is left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sync.errors import Untrusted
from sync.origin.proof.export.findings import Findings, Kind, LineTotals
from sync.origin.proof.export.records import (
    CertificateRecord,
    CheckpointRecord,
    ExportRecord,
    OpeningRecord,
    PlayRecord,
    ScreenPartRecord,
)
from sync.origin.proof.export.screen_plays import CoveredPlays, ScreenPlays
from sync.proof.checkpoint import (
    NOTHING_BEFORE,
    Certificate,
    Checkpoint,
    LineCount,
    blinded_name,
    open_certificate,
    open_checkpoint,
    payload_hash,
)
from sync.runtime.clock import ClockTrust
from sync.wire.release import Root

CLOCKS_APART = timedelta(days=1)
"""How far the clocks of origin and device may be apart."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that a certified key of the screen signed."""

    checkpoint: Checkpoint
    payload: bytes
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class CoveredLog:
    """What checkpoints say of one log epoch so far: which plays they cover, and the count of each line by its name.

    `all_lines`: a line that is not in `counts` has not played yet. Else it may have, before the file begins.
    """

    first: int
    last: int
    counts: Mapping[str, int]
    all_lines: bool


_NO_LOG = CoveredLog(0, 0, {}, all_lines=True)


@dataclass(slots=True)
class ScreenLog:
    """The part of an export that is of one screen; `root` is the newest one."""

    device: str
    export: ExportRecord
    root: Root
    findings: Findings
    totals: dict[str, LineTotals]
    checkpoints: int = 0
    silent: set[tuple[str, str]] = field(default_factory=set)  # (epoch, line) of which nothing is in the file
    _keys: dict[str, Certificate] = field(default_factory=dict)
    _openings: dict[str, dict[str, str]] = field(default_factory=dict)  # by epoch: lines by their blinded names
    _compared: set[str] = field(default_factory=set)  # epochs whose counts were
    _logs: dict[str, CoveredLog] = field(default_factory=dict)
    _newest: Signed | None = None
    _first: Signed | None = None
    _by_set_clock: list[Checkpoint] = field(default_factory=list)  # the first and the newest one of these
    _covered: CoveredPlays | None = None
    _set_back: int = 0
    _unset: int = 0
    plays: ScreenPlays = field(init=False)

    def __post_init__(self) -> None:
        self.plays = ScreenPlays(self.device, self.export, self.findings, self.totals)

    def take(self, record: ScreenPartRecord) -> None:
        """Check what comes next."""
        match record:
            case CertificateRecord():
                self._take_certificate(record)
            case OpeningRecord():
                self._take_opening(record)
            case CheckpointRecord():
                self._take_checkpoint(record)
            case PlayRecord():
                self._take_play(record)

    def close(self) -> datetime | None:
        """Check what can be checked at the end; return until when the period is complete, None if nothing of it is."""
        self._close_checkpoint()
        if self._first is None:
            self._check_serials()
        self._tell_without_proof()
        self._tell_clock()
        if self._newest is None or self._first is None:
            self._add(Kind.UNSIGNED, "there is no signed checkpoint of this screen, so nothing of it is proven")
            return None
        self._tell_begin(self._first)
        newest = self._by_set_clock[-1] if self._by_set_clock else self._newest.checkpoint
        until = newest.at
        if until < self.export.ends_at:
            by = "" if newest is self._newest.checkpoint else " by a clock that a time service had set"
            detail = f"complete until {_utc(until)}: checkpoint {newest.number} is the last one{by}"
            self._add(Kind.INCOMPLETE, f"{detail}, and the period ends at {_utc(self.export.ends_at)}")
        return min(until, self.export.ends_at) if until > self.export.begins_at else None

    def _take_certificate(self, record: CertificateRecord) -> None:
        """Take a key of this screen."""
        if self._first is not None:
            self._add(Kind.MISPLACED, "a certificate comes after the first checkpoint of its screen")
        try:
            certificate = open_certificate(self.root, record.envelope)
        except Untrusted as error:
            self._add(Kind.CERTIFICATE_UNTRUSTED, f"a certificate does not count: {error}")
            return
        if certificate.device != self.device:
            self._add(Kind.CERTIFICATE_FOREIGN, f"a certificate is of screen {certificate.device}")
            return
        held = self._keys.get(certificate.key)
        if held is None or held.revoked_at is None:
            self._keys[certificate.key] = certificate

    def _take_opening(self, record: OpeningRecord) -> None:
        """Take what opens the count of a line."""
        if self._first is not None:
            self._add(Kind.MISPLACED, "an opening comes after the first checkpoint of its screen")
        name = blinded_name(bytes.fromhex(record.key), record.line)
        self._openings.setdefault(record.log_epoch, {})[name] = record.line

    def _take_play(self, record: PlayRecord) -> None:
        """Check a play below the checkpoint that came last."""
        if record.path is not None and self._covered is None and self._newest is self._first:
            self._add(Kind.PLAY_NOT_COVERED, "a play stands above the first checkpoint whose plays are in the export")
        self.plays.add(record, self._covered)

    def _take_checkpoint(self, record: CheckpointRecord) -> None:
        """Check a checkpoint, and what stands below the one before it."""
        if self._first is None:
            self._check_serials()
        self._close_checkpoint()
        try:
            signed = Signed(*open_checkpoint(record.envelope, self._keys))
        except Untrusted as error:
            self._add(Kind.CHECKPOINT_UNTRUSTED, f"a checkpoint does not count: {error}")
            return
        checkpoint = signed.checkpoint
        if checkpoint.device != self.device:
            self._add(Kind.CHECKPOINT_FOREIGN, f"checkpoint {checkpoint.number} is of screen {checkpoint.device}")
            return
        if not self._follows(signed):
            return
        self._add_checkpoint(signed, counts=self._is_key_valid(signed))

    def _check_serials(self) -> None:
        serials = {each.serial for each in self._keys.values()}
        missing = sorted(set(range(1, len(self._keys) + 1)) - serials)  # two keys of one serial: another one is missing
        if missing:
            self._add(Kind.CERTIFICATE_MISSING, f"the certificate of key {missing[0]} of this screen is missing")

    def _is_key_valid(self, signed: Signed) -> bool:
        checkpoint, key = signed.checkpoint, signed.certificate
        name = f"checkpoint {checkpoint.number} of {_utc(checkpoint.at)}"
        revoked = key.revoked_at is not None and checkpoint.at >= key.revoked_at
        replaced = self._newest is not None and key.serial < self._newest.certificate.serial
        if key.revoked_at is not None and revoked:
            self._add(Kind.KEY_REVOKED, f"{name} is signed by key {key.serial}, revoked at {_utc(key.revoked_at)}")
        if checkpoint.clock is ClockTrust.SYNCED and checkpoint.at < key.issued_at - CLOCKS_APART:
            self._add(Kind.KEY_NOT_YET, f"{name} is signed by key {key.serial}, certified at {_utc(key.issued_at)}")
        if replaced:
            self._add(Kind.KEY_REPLACED, f"{name} is signed by key {key.serial}, which had been replaced before")
        return not (revoked or replaced)

    def _follows(self, signed: Signed) -> bool:
        """Tell whether a checkpoint comes after the one before it, and find what is missing between them."""
        now, before = signed.checkpoint, self._newest
        if before is None:
            return True
        last = before.checkpoint
        restarted = now.number == 1 and now.previous == NOTHING_BEFORE
        if restarted and signed.certificate.serial > before.certificate.serial:
            detail = f"the screen lost its key after checkpoint {last.number} of {_utc(last.at)}, and its chain begins"
            self._add(Kind.CHAIN_RESTARTED, f"{detail} anew: that nothing is missing there cannot be shown")
        elif now.number <= last.number:
            self._add(Kind.CHECKPOINT_ORDER, f"checkpoint {now.number} comes after checkpoint {last.number}")
            return False
        elif now.number > last.number + 1:
            which = _numbers("checkpoint", last.number + 1, now.number - 1)
            self._add(Kind.CHECKPOINT_MISSING, f"{which} missing")
        elif now.previous != payload_hash(before.payload):
            self._add(Kind.CHECKPOINT_CHAIN, f"checkpoint {now.number} follows another checkpoint {last.number}")
        return True

    def _add_checkpoint(self, signed: Signed, *, counts: bool) -> None:
        now, before = signed.checkpoint, self._newest
        self._check_log(now, before.checkpoint if before else None)
        self._set_back += before is not None and now.at < before.checkpoint.at
        if now.clock is ClockTrust.SYNCED:
            self._by_set_clock[1:] = [now]
        else:
            self._unset += 1
        self.checkpoints += 1
        starts = self._first is None
        self._first, self._newest = self._first or signed, signed
        if starts and now.number > 1:
            self._remember(now, whole_log=False)
        else:
            self._covered = CoveredPlays(now, counts)

    def _check_log(self, now: Checkpoint, before: Checkpoint | None) -> None:
        """Check that the plays of this checkpoint follow those of the one before."""
        log = self._logs.get(now.log_epoch)
        name = now.log_epoch[:8]
        if log is not None and before is not None and before.log_epoch != now.log_epoch:
            self._add(Kind.LOG_RETURNED, f"checkpoint {now.number} goes back to log {name}, which had ended")
        if log is not None and now.first <= log.last:
            detail = f"checkpoint {now.number} covers play {now.first} of log {name} again: {log.last} were covered"
            self._add(Kind.LOG_RETURNED, detail)
        if log is not None and now.first > log.last + 1:
            detail = f"plays {log.last + 1} to {now.first - 1} of log {name} are covered by no checkpoint"
            self._add(Kind.LOG_SKIPPED, detail)
        if log is None and before is not None:
            detail = f"log {name} begins after checkpoint {before.number} of {_utc(before.at)}: a play between its last"
            self._add(Kind.LOG_BEGAN, f"{detail} checkpoint and the end of log {before.log_epoch[:8]} may be missing")
            if now.first > 1:
                self._add(Kind.UNSIGNED, f"plays 1 to {now.first - 1} of log {name} are unsigned")

    def _remember(self, now: Checkpoint, *, whole_log: bool = True) -> None:
        """Note what a checkpoint covers and counts; `whole_log`: all those of its log before it were seen, if any."""
        log = self._logs.get(now.log_epoch)
        before = (log or _NO_LOG).counts if now.only_changed else {}
        self._logs[now.log_epoch] = CoveredLog(
            log.first if log else now.first,
            now.last,
            {**before, **{each.name: each.count for each in now.counts}},
            all_lines=not now.only_changed or (log.all_lines if log else whole_log),
        )

    def _close_checkpoint(self) -> None:
        """Compare the plays below a checkpoint with what it counts."""
        covered, self._covered = self._covered, None
        if covered is None:
            return
        now = covered.checkpoint
        log = self._logs.get(now.log_epoch, _NO_LOG)
        for kind, detail in (*_contradictions(now, log), *self._wrong_counts(covered, log)):
            self._add(kind, f"checkpoint {now.number} {detail}")
        if self.export.device is not None and len(covered.sequences) < now.size:
            self._add(
                Kind.PLAYS_MISSING,
                f"checkpoint {now.number} covers {now.size} plays, {len(covered.sequences)} are here",
            )
        self._remember(now)

    def _wrong_counts(self, covered: CoveredPlays, log: CoveredLog) -> Iterator[tuple[Kind, str]]:
        """Yield how the plays of lines in the export differ from those that the checkpoint counts."""
        now = covered.checkpoint
        epoch, counts = now.log_epoch, {each.name: each for each in now.counts}
        opened = self._openings.get(epoch, {})
        if epoch not in self._compared:
            self._compared.add(epoch)
            for line in sorted(self.export.shown_lines - set(opened.values())):
                yield Kind.OPENING_MISSING, f"counts line {line} under a name that nothing opens"
        for name, line in opened.items():
            shown, count = covered.by_line[line], counts.get(name)
            if count is None and not (now.only_changed and name in log.counts):
                self.silent.add((epoch, line))
                if shown:
                    yield Kind.OPENING_WRONG, f"has no count under the name that is opened for line {line}"
                continue
            self.silent.discard((epoch, line))
            counted = 0 if count is None else _plays(count, log)
            if counted is not None and counted != shown:
                kind = Kind.PLAYS_MISSING if counted > shown else Kind.PLAYS_TOO_MANY
                yield kind, f"counts {counted} plays of line {line}, {shown} are here"

    def _tell_without_proof(self) -> None:
        for epoch, first, last, line in self.plays.without_proof:
            log = self._logs.get(epoch)
            which = f"of log {epoch[:8]}, {_numbers('play', first, last)} without proof"
            self.findings.line, now = line, self.findings.line
            if log is not None and first <= log.last and last >= log.first:
                self._add(Kind.PATH_MISSING, f"{which}: a checkpoint covers them, and the path to it is not here")
            else:
                where = (
                    "they came after its last checkpoint" if log and first > log.last else "no checkpoint covers them"
                )
                self._add(Kind.UNSIGNED, f"{which}: {where}")
            self.findings.line = now

    def _tell_begin(self, first: Signed) -> None:
        start, follows = first.checkpoint, first.checkpoint.number > 1 or first.certificate.serial > 1
        by = ""
        if follows and self._by_set_clock and start is not self._by_set_clock[0]:
            start, by = self._by_set_clock[0], " by a clock that a time service had set"
        if start.at < self.export.begins_at or (start.number > 1 and start.at == self.export.begins_at):
            return
        if follows:
            detail = f"complete only from {_utc(start.at)}: checkpoint {start.number} is the first one{by}"
            self._add(Kind.INCOMPLETE, detail)
        elif start.first > 1:
            detail = f"plays 1 to {start.first - 1} of log {start.log_epoch[:8]} are older than its key, so nothing"
            self._add(Kind.UNSIGNED, f"{detail} of them is proven")
        else:
            detail = f"its first key was certified at {_utc(first.certificate.issued_at)}"
            self._add(Kind.LOG_BEGAN, f"{detail}: what it showed before that it could not sign")

    def _tell_clock(self) -> None:
        if self._set_back:
            self._add(
                Kind.CLOCK_SET_BACK, f"its clock was set back {self._set_back} times: instants before that may be late"
            )
        if self._unset:
            detail = f"{self._unset} of {self.checkpoints} checkpoints are by a clock that no time service had set"
            self._add(Kind.CLOCK_UNSET, detail)
        if count := self.plays.corrected:
            detail = f"{count} plays under a clock that nobody had set count at the time that the origin says"
            self._add(Kind.CLOCK_CORRECTED, detail)

    def _add(self, kind: Kind, detail: str) -> None:
        self.findings.add(kind, detail, self.device)


def _plays(count: LineCount, log: CoveredLog) -> int | None:
    """Return how many plays of a line a checkpoint counts that follows what is known of its log; None: not known."""
    if count.plays is not None:
        return count.plays
    if count.name in log.counts or log.all_lines:
        return count.count - log.counts.get(count.name, 0)
    return None


def _contradictions(now: Checkpoint, log: CoveredLog) -> Iterator[tuple[Kind, str]]:
    """Yield where the counts of a checkpoint do not go on from those before it."""
    for each in now.counts:
        known = log.counts.get(each.name, 0 if log.all_lines else None)
        if known is not None and (each.count < known or known + (each.plays or each.count - known) != each.count):
            new = "" if each.plays is None else f", {each.plays} of them new"
            yield Kind.COUNT_WRONG, f"counts {each.count} plays of a line so far{new}: {known} were counted before"
    gone = () if now.only_changed else log.counts.keys() - {each.name for each in now.counts}
    if gone:
        yield Kind.COUNT_WRONG, f"does not count {len(gone)} lines that were counted before"


def _numbers(what: str, first: int, last: int) -> str:
    return f"{what} {first} is" if first == last else f"{what}s {first} to {last} are"


def _utc(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
