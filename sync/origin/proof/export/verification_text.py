"""Tells people and programs what a verifier found."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sync.origin.proof.export.findings import ExportFinding, Verification
from sync.origin.proof.export.records import ExportRecord
from sync.wire.value_types import printable

_LONGEST_NAME = 60

_VERDICTS = {
    "whole": "WHOLE: all of the period is proven, and nothing contradicts",
    "incomplete": "INCOMPLETE: nothing contradicts, but not all of the period is proven",
    "broken": "BROKEN: this is not what the screens signed",
}


def verification_document(found: Verification) -> dict[str, Any]:
    """Return the result for programs."""
    export, fault = found.export, found.first_fault
    return {
        "verdict": found.verdict,
        "complete_until": _utc(found.complete_until),
        "of": _subject(export) if export else None,
        "begins_at": _utc(export.begins_at if export else None),
        "ends_at": _utc(export.ends_at if export else None),
        "root": found.root_version,
        "screens": {device: _utc(until) for device, until in found.screens.items()},
        "checkpoints": found.checkpoints,
        "lines": [{"line": line or None, **asdict(sums)} for line, sums in sorted(found.totals.items())],
        "beside": found.beside,
        "unproven": found.unproven,
        "first_fault": fault and fault.kind,
        "findings": [
            {
                "kind": each.kind,
                "weight": each.weight,
                "line_of_file": each.line,
                "screen": each.screen,
                "detail": each.detail,
            }
            for each in found.findings
        ],
        "untold": found.untold,
        "cannot_show": found.cannot_show(),
    }


def verification_lines(found: Verification) -> Iterator[str]:
    """Yield the result for people, line by line."""
    yield _VERDICTS[found.verdict]
    if found.export is None:
        yield from map(_finding, found.findings)
        return
    export = found.export
    yield f"{_subject(export)}, {_utc(export.begins_at)} to {_utc(export.ends_at)}"
    if not found.broken:
        until = found.complete_until
        yield f"complete until {_utc(until)}" if until else "not complete for any part of the period"
    yield f"{len(found.screens)} screens, {found.checkpoints} checkpoints, root {found.root_version or 'unknown'}"
    yield ""
    yield f"{'plays':>9} {'complete':>9} {'shown':>11} {'screen off':>11} {'clock unset':>12}  line"
    for line, sums in sorted(found.totals.items()):
        name = f"{line}  {export.lines.get(line, '')}" if line else "(no line: items of playlists)"
        shown = f"{sums.rendered_ms / 1000:.1f} s"
        odd = f"{sums.screen_off:>11} {sums.clock_unset:>12}"
        yield f"{sums.plays:>9} {sums.complete:>9} {shown:>11} {odd}  {printable(name.strip(), _LONGEST_NAME)}"
    yield f"{found.beside:>9} more are proven, before or after the period"
    yield f"{found.unproven:>9} are not proven, and in no sum above"
    if found.findings:
        yield ""
    yield from map(_finding, found.findings)
    if found.untold:
        yield f"… and {found.untold} more"
    yield ""
    yield "No export can show:"
    yield from (f"  {text}" for text in found.cannot_show())


def _finding(each: ExportFinding) -> str:
    where = [f"line {each.line}"] if each.line else []
    where += [f"screen {each.screen}"] if each.screen else []
    return f"{each.weight} {', '.join((each.kind, *where))}: {printable(each.detail, 400)}"


def _subject(export: ExportRecord) -> str:
    kind = "campaign" if export.campaign else "line" if export.line else "screen"
    return f"{kind} {export.campaign or export.line or export.device}"


def _utc(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
