"""The records of an export of plays: one JSON object a line, in the order of this file (see `docs/export-format.md`).

A file is read line by line, each within a limit, so that one of any size needs little memory, whoever wrote it.
"""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from sync.wire.device_reports import LogEpoch
from sync.wire.input.input_messages import rejected
from sync.wire.release import MOST_NUMBER, Envelope
from sync.wire.value_types import Identifier, Instant, RepeatedName, Sha256, Wire, unique_names

EXPORT_DOMAIN = b"signage/export/1\0"
LINE_CAP_BYTES = 4 * 1024 * 1024
"""The longest line: the first one of an export of 50,000 screens, or of as many lines."""

MOST_CORRECTION_MS = 100_000_000_000_000
"""More than 3,000 years: no clock is off by more."""

MOST_PATH = 53
"""Hashes in a path at most: a tree of `MOST_NUMBER` leaves has as many levels."""


class ExportRecord(Wire):
    """The first line: what the export is of. Exactly one of `campaign`, `line` and `device` is given.

    It has all plays of these `lines` (of a device: all of its plays) on these `screens` in the period, those that
    failed included, and those that the same checkpoints cover.
    """

    record: Literal["export"] = "export"
    format: Literal[1, 2] = 1  # 2: it has checkpoints with `only_changed`, which verifiers of format 1 do not know
    made_at: Instant
    begins_at: Instant
    ends_at: Instant  # not part of the period
    campaign: Identifier | None = None
    line: Identifier | None = None
    device: Identifier | None = None
    lines: dict[Identifier, str]  # their names by their ids
    screens: dict[Identifier, str]  # theirs

    @property
    def shown_lines(self) -> frozenset[str]:
        """Return the lines of which it has all plays."""
        return frozenset(self.lines) | ({self.line} if self.line is not None else frozenset())

    @property
    def shown_screens(self) -> frozenset[str]:
        """Return the screens that it is of."""
        return frozenset(self.screens) | ({self.device} if self.device is not None else frozenset())

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(one is not None for one in (self.campaign, self.line, self.device)) != 1:
            raise ValueError("exactly one of `campaign`, `line` and `device` says what the export is of")
        if self.ends_at <= self.begins_at:
            raise ValueError("`ends_at` is not after `begins_at`")
        return self


class RootRecord(Wire):
    """One root of the origin; they come in their order, from the first one on."""

    record: Literal["root"] = "root"
    envelope: Envelope


class ScreenRecord(Wire):
    """What follows, up to the next one, is of this screen."""

    record: Literal["screen"] = "screen"
    device: Identifier


class CertificateRecord(Wire):
    """A key of the screen (`sync.proof.checkpoint.Certificate`), signed by the online key of the newest root."""

    record: Literal["certificate"] = "certificate"
    envelope: Envelope


class OpeningRecord(Wire):
    """What opens the count of a line in the checkpoints of a log epoch (`sync.proof.checkpoint.line_key`), in hex."""

    record: Literal["opening"] = "opening"
    log_epoch: LogEpoch
    line: Identifier
    key: Sha256


class CheckpointRecord(Wire):
    """A checkpoint (`sync.proof.checkpoint.Checkpoint`); the plays that it covers follow it.

    The first one of a screen is where counting begins: unless it is number 1, its plays are not in the export.
    """

    record: Literal["checkpoint"] = "checkpoint"
    envelope: Envelope


class PlayRecord(Wire):
    """A play as the device sent it, with what shows that the checkpoint above covers it, in hex.

    A play without `salt` and `path` has no proof: it is older than the key of its screen, or no checkpoint covers it
    yet. `corrected_ms`, of a play under a clock that nobody had set, is what the origin adds to its start and end: by
    a record of the screen's history, which no checkpoint covers.
    """

    record: Literal["play"] = "play"
    play: dict[str, Any]
    salt: Sha256 | None = None
    path: Annotated[tuple[Sha256, ...], Field(max_length=MOST_PATH)] | None = None
    corrected_ms: Annotated[int, Field(ge=-MOST_CORRECTION_MS, le=MOST_CORRECTION_MS)] | None = None


class ExportEnd(Wire):
    """What the origin signs at the end: how many lines are above, and the SHA-256 of their bytes."""

    lines: Annotated[int, Field(ge=1, le=MOST_NUMBER)]
    sha256: Sha256


class EndRecord(Wire):
    """The last line: an `ExportEnd`, signed by the online key of the newest root with the domain of exports."""

    record: Literal["end"] = "end"
    envelope: Envelope


ScreenPartRecord = CertificateRecord | OpeningRecord | CheckpointRecord | PlayRecord
Record = ExportRecord | RootRecord | ScreenRecord | ScreenPartRecord | EndRecord
_RECORD: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="record")])


def write_record(record: Record) -> bytes:
    """Return the line of a record."""
    document = record.model_dump(mode="json", exclude_none=True)
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def read_record(raw: bytes) -> Record:
    """Return the record of a line.

    Raises:
        ValueError: it is none; the message says why, for people.
    """
    try:
        document = json.loads(raw.decode(), object_pairs_hook=unique_names, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except RepeatedName as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:  # of JSON, or a number with thousands of digits
        raise ValueError("it is not JSON") from error
    try:
        return _RECORD.validate_python(document)
    except ValidationError as error:
        fields = ", ".join(sorted(rejected(error).fields)) or "record"
        raise ValueError(f"it is no record of an export; what does not fit: {fields}") from error


def _refuse_constant(text: str) -> float:
    raise ValueError(text)
