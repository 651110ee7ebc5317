"""Writes plays and audit findings as CSV for spreadsheets, where a title never becomes a formula."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

PLAY_COLUMNS = (
    "started_at", "ended_at", "zone", "device", "kind", "title", "advertiser", "campaign", "line", "creative",
    "playlist", "item", "asset", "release", "rendered_ms", "expected_ms", "outcome", "reason", "frames_lost",
    "screen", "clock", "log_epoch", "sequence", "take", "previous_hash", "hash", "set_aside",
    "clock_back_ms", "relaxed", "device_name", "campaign_name", "line_name", "creative_name",
    "corrected_start", "clock_offset_ms",
    "screen_detail", "clock_state", "clock_age_s", "end_reason", "frames_shown", "offset_min", "boot_id",
    "mono_start_ms", "mono_end_ms", "output", "resolution", "decision", "break_slot", "player",
)  # fmt: skip
HISTORY_COLUMNS = (
    "at", "device", "device_name", "by", "kind", "state", "code", "text", "release", "number", "clock",
    "clock_offset_ms", "boot_id", "mono_ms", "utc_before", "unrecorded", "received_at", "log_epoch", "sequence", "hash",
)  # fmt: skip
SUM_COLUMNS = ("id", "name", "plays", "complete", "rendered_ms", "first_at", "last_at")
REPORT_COLUMNS = (
    "by", "id", "name", "first_day", "last_day", "contracted", "expected", "delivered", "pace", "shortfall",
    "not_enough_slots", "screen_off", "failed", "set_aside", "offline", "other", "screen_unknown", "unknown", "relaxed",
    "plays", "rendered_ms", "aside", "rule_versions", "rule", "not_heard",
)  # fmt: skip
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - some spreadsheets take the wide ones, too


def csv_of(records: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return these columns as CSV (RFC 4180) with a heading line. A value that a record does not have stays empty."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for record in records:
        writer.writerow([_cell(record.get(column)) for column in columns])
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = " ".join(value)
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value
