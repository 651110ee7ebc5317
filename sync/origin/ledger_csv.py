"""Writes plays as CSV for people's spreadsheets; a title never becomes a formula there."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

COLUMNS = (
    "started_at", "ended_at", "zone", "device", "kind", "title", "advertiser", "campaign", "line", "creative",
    "playlist", "item", "asset", "release", "rendered_ms", "expected_ms", "outcome", "reason", "frames_lost",
    "screen", "clock", "log_epoch", "sequence", "take", "hash",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_of(plays: Iterable[Mapping[str, Any]]) -> str:
    """Return the plays as CSV (RFC 4180) with a heading; what a play does not have stays empty."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for play in plays:
        writer.writerow([_cell(play.get(column)) for column in COLUMNS])
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value
