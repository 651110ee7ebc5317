"""What the answers to deliveries of plays and of history share: receipts of invalid documents, and what is missing."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sync.origin.api.proof.play_reading import LARGEST_NUMBER
from sync.runtime.clock import Clock
from sync.wire.device_reports import MOST_MISSING, LogEpoch, Receipt, SequenceRange

LONGEST_DETAIL = 500
"""A receipt describes a fault in at most this many characters, so that a hostile document cannot inflate the answer."""

SEARCH_EVERY_S = 3_600.0
"""How long after a search a log with gaps is not searched again."""

_EPOCH = TypeAdapter(LogEpoch)


class GapSearch:
    """Says what devices are to send again; not often, for what they do not have any more stays missing.

    `gaps` returns the first gaps of the log of a device, so many at most.
    """

    def __init__(self, gaps: Callable[[str, str, int], Awaitable[list[tuple[int, int]]]], clock: Clock) -> None:
        self._gaps = gaps
        self._clock = clock
        self._again_s: dict[str, float] = {}  # by device: when its log is searched the next time

    async def missing(self, device: str, epoch: str) -> tuple[SequenceRange, ...]:
        """Return what is missing below the newest document of this log; empty soon after a search."""
        if self._clock.monotonic() < self._again_s.get(device, 0.0):
            return ()
        gaps = await self._gaps(device, epoch, MOST_MISSING)
        if len(gaps) < MOST_MISSING:
            self._again_s[device] = self._clock.monotonic() + SEARCH_EVERY_S
        return tuple(SequenceRange(first=first, last=last) for first, last in gaps)


def invalid(document: Mapping[str, Any], detail: str) -> Receipt:
    """Return the receipt of a document that is not stored."""
    sequence = document.get("sequence")
    known = isinstance(sequence, int) and not isinstance(sequence, bool) and abs(sequence) <= LARGEST_NUMBER
    return Receipt(sequence=sequence if known else None, status="invalid", detail=detail[:LONGEST_DETAIL])


def last_epoch(documents: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the log of the last document that names one."""
    return next((epoch for epoch in map(_epoch, reversed(list(documents))) if epoch is not None), None)


def _epoch(document: Mapping[str, Any]) -> str | None:
    try:
        return _EPOCH.validate_python(document.get("log_epoch"))
    except ValidationError:
        return None
