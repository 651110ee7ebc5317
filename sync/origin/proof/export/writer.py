"""Writes an export of plays line by line: the records of a screen, and the end that signs them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sync.origin.proof.export.records import (
    EXPORT_DOMAIN,
    EndRecord,
    ExportEnd,
    OpeningRecord,
    PlayRecord,
    Record,
    write_record,
)
from sync.proof.checkpoint import Checkpoint, SignedRange, leaf, line_key, play_salt
from sync.proof.merkle import MerkleTree
from sync.trust.signing import SigningKey, sign_envelope
from sync.wire.release import Envelope

_MOST_LOOKED_AT = 48
"""So many checkpoints, two days, are looked at for one by a clock that was set."""


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


class CoveredRange:
    """The plays that a checkpoint covers, as the origin has them; `hashes` are in the order of the log.

    If the origin does not have them all, no play has a path, and the verifier says so.
    """

    def __init__(self, checkpoint: Checkpoint, secret: bytes, hashes: Iterable[str]) -> None:
        self._first, self._secret = checkpoint.first, secret
        leaves = (leaf(play_salt(secret, checkpoint.first + place), each) for place, each in enumerate(hashes))
        self._tree = MerkleTree(leaves)
        self.whole = self._tree.root.hex() == checkpoint.merkle_root

    def record(self, play: Mapping[str, Any], corrected_ms: int | None = None) -> PlayRecord:
        """Return the record of one of these plays; `corrected_ms` is what is added to its start and end."""
        if not self.whole:
            return PlayRecord(play=dict(play), corrected_ms=corrected_ms)
        path = tuple(each.hex() for each in self._tree.path(play["sequence"] - self._first))
        salt = play_salt(self._secret, play["sequence"]).hex()
        return PlayRecord(play=dict(play), salt=salt, path=path, corrected_ms=corrected_ms)


def needed_checkpoints(
    chain: Sequence[SignedRange], shown: Iterable[tuple[str, int, int]], from_ms: int, until_ms: int
) -> range:
    """Return the places in the chain of a screen of the checkpoints that an export of this period has.

    They reach from the last one before the period to the first one after it. `shown` are the plays of the period: the
    epoch, first and last sequence of each log. Those are covered too, if the clock was set back: then these two are the
    last one before them, and the first one after them.
    """
    if not chain:
        return range(0)
    before = [place for place, one in enumerate(chain) if one.at_ms <= from_ms]
    after = [place for place, one in enumerate(chain) if one.at_ms >= until_ms]
    begin = max(before, default=0)
    end = next((place for place in after if place > begin), len(chain) - 1)
    for epoch, first, last in shown:
        covering = [
            place
            for place, one in enumerate(chain)
            if one.log_epoch == epoch and one.first <= last and one.last >= first
        ]
        if covering and covering[0] <= begin:
            begin = max((place for place in before if place < covering[0]), default=0)
        if covering and covering[-1] > end:
            end = next((place for place in after if place >= covering[-1]), len(chain) - 1)
    return range(begin, end + 1)


def better_ends(
    chain: Sequence[SignedRange], places: range, from_ms: int, until_ms: int
) -> tuple[Sequence[int], Sequence[int]]:
    """Return at which places an export may begin instead of these, and at which it may end, the nearest first.

    Their times are as good; but where some checkpoints of a screen are by a clock that was set, only these show where a
    period begins and ends.
    """
    if not places:
        return (), ()
    begin, end = places[0], places[-1]
    earlier = (place for place in range(begin, max(-1, begin - _MOST_LOOKED_AT), -1))
    later = (place for place in range(end, min(len(chain), end + _MOST_LOOKED_AT)))
    return (
        [place for place in earlier if chain[place].at_ms <= from_ms],
        [place for place in later if chain[place].at_ms >= until_ms],
    )
