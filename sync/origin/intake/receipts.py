"""What the answers to deliveries of plays, history and checkpoints share: receipts of invalid documents, and gaps."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sync.origin.sent_plays.sent_play import LARGEST_NUMBER, Sent, SentPlay
from sync.runtime.clock import Clock
from sync.wire.device_reports import MOST_MISSING, LogEpoch, Receipt, SequenceRange

LONGEST_DETAIL = 500
"""A receipt describes a fault in at most this many characters, so that a hostile document cannot inflate the answer."""

SEARCH_EVERY_S = 3_600.0
"""How long after gaps of a log were found it is not searched again."""

_EPOCH = TypeAdapter(LogEpoch)


class GapSearch:
    """Says what devices are to send again; not often, for what they do not have any more stays missing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._again_s: dict[str, float] = {}  # by device: when its log is searched the next time

    async def missing(
        self, device: str, first_gaps: Callable[[int], Awaitable[list[tuple[int, int]]]]
    ) -> tuple[SequenceRange, ...]:
        """Return what the log of a device lacks below its newest document; empty soon after gaps were found.

        `first_gaps` returns the first gaps of the log, so many at most.
        """
        if self._clock.monotonic() < self._again_s.get(device, 0.0):
            return ()
        gaps = await first_gaps(MOST_MISSING)
        if 0 < len(gaps) < MOST_MISSING:
            self._again_s[device] = self._clock.monotonic() + SEARCH_EVERY_S
        return tuple(SequenceRange(first=first, last=last) for first, last in gaps)


def invalid(document: Mapping[str, Any], detail: str) -> Receipt:
    """Return the receipt of a document that is not stored."""
    sequence = document.get("sequence")
    known = isinstance(sequence, int) and not isinstance(sequence, bool) and abs(sequence) <= LARGEST_NUMBER
    return Receipt(sequence=sequence if known else None, status="invalid", detail=detail[:LONGEST_DETAIL])


def last_epoch(documents: Sequence[Sent]) -> str | None:
    """Return the log of the last document that names one."""
    return next((epoch for epoch in map(_epoch, reversed(documents)) if epoch is not None), None)


def _epoch(document: Sent) -> str | None:
    named = document.log_epoch if isinstance(document, SentPlay) else document.get("log_epoch")
    try:
        return _EPOCH.validate_python(named)
    except ValidationError:
        return None
