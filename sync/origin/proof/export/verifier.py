"""Verifies an export of plays from the fingerprint of a root alone: no database, no network, no clock, no other file.

The chain of trust: the fingerprint names the root keys; each root is signed by the one before it; the newest root names
the online key, which signs the certificates of screens and the end of the file; a screen signs its checkpoints; a
checkpoint covers plays by the root of a tree, and counts the plays of each line.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sync.errors import Untrusted
from sync.origin.proof.export.findings import Findings, Kind, LineTotals, Verification, Weight
from sync.origin.proof.export.records import (
    EXPORT_DOMAIN,
    LINE_CAP_BYTES,
    EndRecord,
    ExportEnd,
    ExportRecord,
    Record,
    RootRecord,
    ScreenPartRecord,
    ScreenRecord,
    read_record,
)
from sync.origin.proof.export.screen_log import ScreenLog
from sync.trust.signing import next_root, pin_root, read_root, root_fingerprint, verify_envelope
from sync.wire.release import Root
from sync.wire.value_types import read_strictly

MOST_FAULTS = 10_000
"""After so many faults the rest of a file is not read."""


def verify_export(lines: Iterable[bytes], fingerprint: str) -> Verification:
    """Return what is proven by the lines of an export, and all that is wrong with it, in the order of the file."""
    verifier = _Verifier(fingerprint)
    for raw in lines:
        if not verifier.read(raw):
            break
    return verifier.result()


class _Verifier:
    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._findings = Findings()
        self._export: ExportRecord | None = None
        self._root: Root | None = None
        self._roots_end = self._trust_told = False
        self._screen: ScreenLog | None = None
        self._done: dict[str, datetime | None] = {}  # by screen: until when it is complete
        self._totals: dict[str, LineTotals] = {}
        self._checkpoints = self._beside = self._unproven = self._silent = 0
        self._ended = False
        self._digest = hashlib.sha256()

    def read(self, raw: bytes) -> bool:
        """Check one line; False: the rest is not read."""
        self._findings.line += 1
        if len(raw) > LINE_CAP_BYTES:
            self._add(Kind.UNREADABLE, f"this line has more than {LINE_CAP_BYTES} bytes; the rest is not read")
            return False
        try:
            record = read_record(raw)
        except ValueError as error:
            self._add(Kind.UNREADABLE, f"this line cannot be used: {error}")
        else:
            self._take(record)
        self._digest.update(raw)
        if self._export is None or (self._trust_told and self._root is None):
            return False
        if self._findings.counts[Weight.FAULT] > MOST_FAULTS:
            self._add(Kind.UNREADABLE, "there are so many faults that the rest is not read")
            return False
        return True

    def _take(self, record: Record) -> None:
        if self._ended:
            self._add(Kind.MISPLACED, "something follows the end of the export")
        elif isinstance(record, ExportRecord):
            if self._findings.line > 1:
                self._add(Kind.MISPLACED, "an export begins in the middle of another one")
            else:
                self._export = record
        elif self._export is None:
            self._add(Kind.MISPLACED, "the file does not begin as an export does")
        elif isinstance(record, RootRecord):
            self._take_root(record)
        else:
            self._take_of_screens(record, self._export)

    def _take_of_screens(self, record: ScreenRecord | ScreenPartRecord | EndRecord, export: ExportRecord) -> None:
        root = self._trusted(export)
        if root is None:
            return
        if isinstance(record, ScreenRecord):
            self._close_screen()
            self._open_screen(record.device, export, root)
        elif isinstance(record, EndRecord):
            self._close_screen()
            self._take_end(record, root)
        elif self._screen is None:
            self._add(Kind.MISPLACED, f"{record.record} before the first screen")
        else:
            self._screen.take(record)

    def _take_root(self, record: RootRecord) -> None:
        if self._roots_end:
            self._add(Kind.MISPLACED, "a root stands after the other roots")
            return
        try:
            if self._root is not None:
                self._root = next_root(self._root, record.envelope)
            elif root_fingerprint(read_root(record.envelope)) == self._fingerprint:
                self._root = pin_root(record.envelope)
        except Untrusted as error:
            self._roots_end = True
            self._add(Kind.ROOT_CHAIN, f"a root does not count: {error}")

    def _trusted(self, export: ExportRecord) -> Root | None:
        """Return the newest root, once the roots are over; without one nothing that follows can be checked."""
        if not self._trust_told:
            self._roots_end = self._trust_told = True
            if self._root is None:
                detail = "no root in the file has this fingerprint: it is of another origin, so nothing can be checked"
                self._add(Kind.ROOT_UNKNOWN, detail)
            elif export.made_at >= self._root.expires_at:
                self._add(Kind.ROOT_EXPIRED, f"root {self._root.version} had expired when the export was made")
        return self._root

    def _open_screen(self, device: str, export: ExportRecord, root: Root) -> None:
        if device not in export.screens or export.device not in (None, device):
            self._add(Kind.SCREEN_UNLISTED, "the beginning of the export does not list this screen", device)
        totals = self._totals
        if device in self._done:
            self._add(Kind.SCREEN_TWICE, "this screen is there twice", device)
            totals = {}  # what is doubled counts once
        self._screen = ScreenLog(device, export, root, self._findings, totals)

    def _close_screen(self) -> None:
        screen, self._screen = self._screen, None
        if screen is None:
            return
        until = screen.close()
        before = self._done.get(screen.device, until)
        self._done[screen.device] = None if until is None or before is None else min(until, before)
        self._checkpoints += screen.checkpoints
        self._beside += screen.plays.beside
        self._unproven += screen.plays.unproven
        self._silent += len(screen.silent)

    def _take_end(self, record: EndRecord, root: Root) -> None:
        self._ended = True
        try:
            payload = verify_envelope(EXPORT_DOMAIN, record.envelope, root.keys, root.timestamp)
            end = read_strictly(ExportEnd, payload)
        except (Untrusted, ValueError) as error:
            self._add(Kind.EXPORT_CHANGED, f"the end of the export is not signed by the origin: {error}")
            return
        if (end.lines, end.sha256) != (self._findings.line - 1, self._digest.hexdigest()):
            self._add(Kind.EXPORT_CHANGED, "the file is not as the origin made it: something was changed since")

    def result(self) -> Verification:
        """Return the result, once all lines are read."""
        export, findings = self._export, self._findings
        if findings.line == 0:
            self._add(Kind.CUT_OFF, "the file is empty")
        self._close_screen()
        if export is not None and self._trusted(export) is not None:
            self._check_end(export)
        broken = export is None or findings.counts[Weight.FAULT] > 0
        return Verification(
            findings=tuple(sorted(findings.kept, key=lambda each: each.line or self._findings.line)),
            untold=sum(findings.counts.values()) - len(findings.kept),
            broken=broken,
            complete=not broken and not findings.counts[Weight.GAP],
            export=export,
            root_version=self._root.version if self._root else None,
            screens=dict(self._done),
            checkpoints=self._checkpoints,
            totals=self._totals,
            beside=self._beside,
            unproven=self._unproven,
            silent=self._silent,
        )

    def _check_end(self, export: ExportRecord) -> None:
        if not self._ended:
            self._add(Kind.CUT_OFF, "the end of the export is missing")
        if not export.screens:
            self._add(Kind.INCOMPLETE, "the export has no screen, so nothing of the period is proven")
        if not export.shown_lines and export.device is None:
            self._add(Kind.INCOMPLETE, "the export has no line, so no play of the campaign is proven")
        for device in sorted(export.shown_screens - self._done.keys()):
            self._done[device] = None
            self._add(Kind.SCREEN_MISSING, "the export lists this screen, and has nothing of it", device)

    def _add(self, kind: Kind, detail: str, screen: str = "") -> None:
        self._findings.add(kind, detail, screen)
