"""Writes an export of plays line by line: the records of a screen, and the end that signs them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sync.origin.proof.export.records import (
    EXPORT_DOMAIN,
    CheckpointRecord,
    EndRecord,
    ExportEnd,
    OpeningRecord,
    PlayRecord,
    Record,
    write_record,
)
from sync.proof.checkpoint import Checkpoint, leaf, line_key, play_salt
from sync.proof.merkle import MerkleTree
from sync.trust.signing import SigningKey, sign_envelope
from sync.wire.release import Envelope


class ExportLines:
    """Makes the lines of one export in their order."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._count = 0

    def line(self, record: Record) -> bytes:
        """Return the next line."""
        raw = write_record(record)
        self._digest.update(raw)
        self._count += 1
        return raw

    def end(self, *online: SigningKey) -> bytes:
        """Return the last line, signed by the online keys."""
        end = ExportEnd(lines=self._count, sha256=self._digest.hexdigest())
        raw = sign_envelope(EXPORT_DOMAIN, end.model_dump_json().encode(), *online)
        return self.line(EndRecord(envelope=Envelope.model_validate_json(raw)))


def opening_records(secrets: Mapping[str, bytes], lines: Iterable[str]) -> Iterator[OpeningRecord]:
    """Yield what opens the counts of lines in the checkpoints of log epochs; `secrets` is by epoch."""
    ordered = sorted(lines)
    for epoch, secret in secrets.items():
        for line in ordered:
            yield OpeningRecord(log_epoch=epoch, line=line, key=line_key(secret, line).hex())


def checkpoint_records(
    envelope: Envelope, checkpoint: Checkpoint, secret: bytes, hashes: Sequence[str], plays: Iterable[Mapping[str, Any]]
) -> Iterator[CheckpointRecord | PlayRecord]:
    """Yield a checkpoint and those of its plays that the export has, each with its path.

    `hashes` are those of all plays that it covers, in their order. If the origin does not have them all, there are no
    paths, and the verifier says so.
    """
    yield CheckpointRecord(envelope=envelope)
    first = checkpoint.first
    tree = MerkleTree(leaf(play_salt(secret, first + place), each) for place, each in enumerate(hashes))
    if tree.root.hex() != checkpoint.merkle_root:
        yield from (PlayRecord(play=dict(play)) for play in plays)
        return
    for play in plays:
        path = tuple(each.hex() for each in tree.path(play["sequence"] - first))
        yield PlayRecord(play=dict(play), salt=play_salt(secret, play["sequence"]).hex(), path=path)
