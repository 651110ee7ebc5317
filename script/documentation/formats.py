"""The page of formats: the documents that device and origin exchange, and those that stay on disk."""

from typing import Any

from models import model_section
from pydantic.json_schema import models_json_schema

import sync.wire.chunk_index
from sync.device.store.membership import DeviceMembership
from sync.origin.proof.export.records import (
    CertificateRecord,
    CheckpointRecord,
    EndRecord,
    ExportEnd,
    ExportRecord,
    OpeningRecord,
    PlayRecord,
    RootRecord,
    ScreenRecord,
)
from sync.proof.checkpoint import Certificate, Checkpoint
from sync.wire.device_reports import (
    BatchAnswer,
    Heartbeat,
    HistoryBatch,
    HistoryRecord,
    PairingAnswer,
    PairingRequest,
    Play,
    PlayBatch,
)
from sync.wire.release import Envelope, Release, Root, Timestamp

FAMILIES: dict[str, tuple[Any, ...]] = {
    "Content": (Envelope, Root, Timestamp, Release),
    "Reports": (PlayBatch, HistoryBatch, HistoryRecord, BatchAnswer, Heartbeat),
    "Signed plays": (Play, Certificate, Checkpoint),
    "Export of plays": (
        ExportRecord,
        RootRecord,
        ScreenRecord,
        CertificateRecord,
        OpeningRecord,
        CheckpointRecord,
        PlayRecord,
        EndRecord,
        ExportEnd,
    ),
    "Pairing": (PairingRequest, PairingAnswer, DeviceMembership),
}
"""The documents by what they are for; what they contain follows by itself."""


def page() -> str:
    """Return the page."""
    parts = [
        "# Formats\n\nJSON in UTF-8. Instants are RFC 3339 in UTC, local times `HH:MM`, weekdays 1 (Monday) to 7. "
        "Names end in their unit.\n"
    ]
    done: set[str] = set()
    for family, models in FAMILIES.items():
        _, shared = models_json_schema([(model, "serialization") for model in models])
        parts.append(f"## {family}\n")
        for name, schema in shared["$defs"].items():
            if name not in done:
                parts.append(model_section(name, schema))
        done |= set(shared["$defs"])
    parts.append(f"## Chunk lists\n\n{_chunk_lists()}\n")
    return "\n".join(parts)


def _chunk_lists() -> str:
    return (sync.wire.chunk_index.__doc__ or "").strip()
