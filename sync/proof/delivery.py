"""How devices deliver checkpoints: the batch and the origin's answer."""

from typing import Annotated, Literal

from pydantic import FailFast, Field

from sync.wire.device_reports import MOST_MISSING, SequenceRange
from sync.wire.release import Envelope
from sync.wire.value_types import Sha256, Wire

MOST_CHECKPOINTS = 50
"""Checkpoints in one batch at most."""


class CertifiedKey(Envelope):
    """The origin's answer to a key: its certificate, and which checkpoints it reads beside those of the first format.

    `reads` may have `READS_CHANGED_COUNTS`; that of an older origin is empty.
    """

    reads: tuple[str, ...] = ()


class SentCheckpoint(Wire):
    """A checkpoint, and the secret of its log epoch: 32 bytes in hex. The origin shows that to nobody."""

    envelope: Envelope
    secret: Annotated[Sha256, Field(repr=False)]


class CheckpointBatch(Wire):
    """Checkpoints in the order in which they were signed, after the plays that they cover."""

    checkpoints: Annotated[tuple[SentCheckpoint, ...], FailFast(), Field(max_length=MOST_CHECKPOINTS)]


class CheckpointReceipt(Wire):
    """The result for one checkpoint; `refused`: no key of this device signed it. `detail` says what does not fit.

    One that is stored is evidence, whether it fits or not, and need not be sent again.
    """

    status: Literal["stored", "duplicate", "refused"]
    detail: str = ""


class CheckpointAnswer(Wire):
    """One receipt for each checkpoint, in the order sent; `missing` are numbers below the newest that are not here."""

    receipts: Annotated[tuple[CheckpointReceipt, ...], FailFast(), Field(max_length=MOST_CHECKPOINTS)]
    missing: Annotated[tuple[SequenceRange, ...], FailFast(), Field(max_length=MOST_MISSING)] = ()
