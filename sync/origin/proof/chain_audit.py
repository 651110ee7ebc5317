"""Pure: reads each device's chain of plays and says where it is not whole, in words a buyer of ads understands.

A play names the hash of the one before it in its log, so nobody can leave one out, add one or change one unseen. What
does not fit is told and never refused: it is evidence as well. A gap may close when a batch comes late.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Literal

Kind = Literal["gap", "fork", "reset", "overlap", "conflict"]


@dataclass(frozen=True, slots=True)
class Log:
    """One log of a device: `plays` of it are here, from `first` to `last`, begun at these instants (Unix ms)."""

    device: str
    log_epoch: str
    plays: int
    first: int
    last: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Break:
    """A play that does not follow the one before it; `below` is the nearest older one we hold, 0 for none.

    `named` is the hash it says it follows, `held` that of the play directly before it, None if that is not here.
    """

    device: str
    log_epoch: str
    sequence: int
    at_ms: int
    below: int
    named: str
    held: str | None


@dataclass(frozen=True, slots=True)
class Clash:
    """A play that claimed the place of another one, set aside."""

    device: str
    log_epoch: str
    sequence: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is not as it should be: plays `sequence` to `until` of a log, at `at_ms`, in a sentence."""

    kind: Kind
    device: str
    log_epoch: str
    sequence: int
    until: int
    at_ms: int
    detail: str

    @property
    def missing(self) -> int:
        """Return how many plays are not here."""
        return self.until - self.sequence + 1 if self.kind == "gap" else 0


def audit(logs: Iterable[Log], breaks: Iterable[Break], clashes: Iterable[Clash]) -> tuple[AuditFinding, ...]:
    """Return what was found, by device and time."""
    found = [*_resets(logs), *(_broken(one) for one in breaks), *(_claimed(one) for one in clashes)]
    return tuple(sorted(found, key=attrgetter("device", "at_ms", "log_epoch", "sequence", "kind")))


def _broken(one: Break) -> AuditFinding:
    if one.sequence - one.below > 1:
        first, last = one.below + 1, one.sequence - 1
        which = f"play {first} is" if first == last else f"plays {first} to {last} are"
        return _finding("gap", one, first, last, f"{which} missing before play {one.sequence}")
    if one.sequence == 1:
        return _finding("fork", one, 1, 1, "the first play of the log names one before it")
    detail = f"play {one.sequence} follows another play {one.below} than the one that is here"
    return _finding("fork", one, one.sequence, one.sequence, detail)


def _claimed(one: Clash) -> AuditFinding:
    detail = f"another play {one.sequence} was sent later and set aside: two logs of one name, or one was changed"
    return _finding("conflict", one, one.sequence, one.sequence, detail)


def _resets(logs: Iterable[Log]) -> Iterator[AuditFinding]:
    for _, group in groupby(sorted(logs, key=attrgetter("device", "first_ms", "log_epoch")), key=attrgetter("device")):
        yield from _of_device(list(group))


def _of_device(logs: Sequence[Log]) -> Iterator[AuditFinding]:
    latest = 0
    for before, log in pairwise(logs):
        latest = max(latest, before.last_ms)
        detail = f"a new log began after play {before.last} of log {before.log_epoch[:8]}"
        yield AuditFinding(
            "reset", log.device, log.log_epoch, 1, 1, log.first_ms, f"{detail}: reinstalled, or set aside"
        )
        if log.first_ms < latest:
            detail = "it began before the log before it ended: two devices of one identity, or a clock that was wrong"
            yield AuditFinding("overlap", log.device, log.log_epoch, log.first, log.last, log.first_ms, detail)


def _finding(kind: Kind, one: Break | Clash, sequence: int, until: int, detail: str) -> AuditFinding:
    return AuditFinding(kind, one.device, one.log_epoch, sequence, until, one.at_ms, detail)
