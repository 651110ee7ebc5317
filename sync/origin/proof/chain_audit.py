"""Pure: checks each device's chain of plays and says where it is broken, in words that a buyer of ads understands.

A play names the hash of the one before it in its log. So nobody can remove, add or change a play without being noticed.
What does not fit is reported and never refused: it is evidence too. A gap closes when a late batch arrives.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any, Literal

from sync.runtime.clock import instant

Kind = Literal["gap", "fork", "reset", "overlap", "conflict", "implausible", "accepted", "checkpoint"]


@dataclass(frozen=True, slots=True)
class PlayLog:
    """One log of a device: the plays we have of it, the first and last sequence, and when those began (Unix ms)."""

    device: str
    log_epoch: str
    plays: int
    first: int
    last: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """A play that does not follow the one before it.

    `below` is the sequence of the nearest older play we have, 0 for none. `named` is the hash it says it follows,
    `held` the hash of the play directly before it, None if we do not have that play.
    """

    device: str
    log_epoch: str
    sequence: int
    at_ms: int
    below: int
    named: str
    held: str | None


@dataclass(frozen=True, slots=True)
class SequenceConflict:
    """A play with the sequence of another play; it was set aside."""

    device: str
    log_epoch: str
    sequence: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class ImplausiblePlay:
    """A play that came at `at_ms` and cannot be what happened (`sync.origin.proof.plausibility`), and why."""

    device: str
    log_epoch: str
    sequence: int
    at_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class AcceptedPlay:
    """A play that was set aside when it came at `at_ms`, and that a person had count: `how` says who, why and when."""

    device: str
    log_epoch: str
    sequence: int
    at_ms: int
    how: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OddCheckpoint:
    """A checkpoint that a device signed at `at_ms` over its plays `first` to `last`, and that does not fit, and why."""

    device: str
    log_epoch: str
    first: int
    last: int
    at_ms: int
    detail: str


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """A finding about the plays `sequence` to `until` of a log, at `at_ms` (Unix ms), told in `detail`."""

    kind: Kind
    device: str
    log_epoch: str
    sequence: int
    until: int
    at_ms: int
    detail: str

    @property
    def missing(self) -> int:
        """Return how many plays are missing."""
        return self.until - self.sequence + 1 if self.kind == "gap" else 0


def audit_chains(
    logs: Iterable[PlayLog],
    links: Iterable[BrokenLink],
    conflicts: Iterable[SequenceConflict],
    implausible: Iterable[ImplausiblePlay] = (),
    accepted: Iterable[AcceptedPlay] = (),
    checkpoints: Iterable[OddCheckpoint] = (),
) -> tuple[AuditFinding, ...]:
    """Return all findings, ordered by device and time."""
    found = [*_resets(logs), *(_gap_or_fork(one) for one in links), *(_conflict(one) for one in conflicts)]
    found += [*(_implausible(one) for one in implausible), *(_accepted(one) for one in accepted)]
    found += [
        AuditFinding("checkpoint", one.device, one.log_epoch, one.first, one.last, one.at_ms, one.detail)
        for one in checkpoints
    ]
    return tuple(sorted(found, key=attrgetter("device", "at_ms", "log_epoch", "sequence", "kind")))


def _gap_or_fork(one: BrokenLink) -> AuditFinding:
    if one.sequence - one.below > 1:
        first, last = one.below + 1, one.sequence - 1
        which = f"play {first} is" if first == last else f"plays {first} to {last} are"
        return _finding("gap", one, first, last, f"{which} missing before play {one.sequence}")
    if one.sequence == 1:
        return _finding("fork", one, 1, 1, "the first play of the log names a play before it")
    detail = f"play {one.sequence} follows a different play {one.below} than the one we have"
    return _finding("fork", one, one.sequence, one.sequence, detail)


def _conflict(one: SequenceConflict) -> AuditFinding:
    detail = (
        f"a different play {one.sequence} was sent later and set aside: two logs share a name, or a play was changed"
    )
    return _finding("conflict", one, one.sequence, one.sequence, detail)


def _implausible(one: ImplausiblePlay) -> AuditFinding:
    detail = f"play {one.sequence} is set aside and in no sum: {one.reason}"
    return _finding("implausible", one, one.sequence, one.sequence, detail)


def _accepted(one: AcceptedPlay) -> AuditFinding:
    who, on = one.how["key"], instant(one.how["at_ms"]).date()
    detail = f"play {one.sequence} counts since {on}, by the key {who}: {one.how['note']} (it was {one.how['reason']})"
    return _finding("accepted", one, one.sequence, one.sequence, detail)


def _resets(logs: Iterable[PlayLog]) -> Iterator[AuditFinding]:
    for _, group in groupby(sorted(logs, key=attrgetter("device", "first_ms", "log_epoch")), key=attrgetter("device")):
        yield from _resets_of_device(list(group))


def _resets_of_device(logs: Sequence[PlayLog]) -> Iterator[AuditFinding]:
    latest = 0
    for before, log in pairwise(logs):
        latest = max(latest, before.last_ms)
        detail = f"a new log began after play {before.last} of log {before.log_epoch[:8]}"
        yield AuditFinding(
            "reset",
            log.device,
            log.log_epoch,
            1,
            1,
            log.first_ms,
            f"{detail}: the player was reinstalled, or its log was set aside",
        )
        if log.first_ms < latest:
            detail = "it began before the previous log ended: two devices share an identity, or a clock was wrong"
            yield AuditFinding("overlap", log.device, log.log_epoch, log.first, log.last, log.first_ms, detail)


def _finding(
    kind: Kind,
    one: BrokenLink | SequenceConflict | ImplausiblePlay | AcceptedPlay,
    sequence: int,
    until: int,
    detail: str,
) -> AuditFinding:
    return AuditFinding(kind, one.device, one.log_epoch, sequence, until, one.at_ms, detail)
