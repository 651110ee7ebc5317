"""Whether a checkpoint fits to those of its device that are known already, and if not, what that means. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync.proof.checkpoint import Certificate, Checkpoint

_TWO = "two machines sign with the key of one screen"


class Misfit(StrEnum):
    """Why a checkpoint does not fit."""

    FORK = "fork"  # another one has its place in the chain
    SET_BACK = "set_back"  # it covers plays again that one before it covers
    KEY_REVOKED = "key_revoked"
    KEY_REPLACED = "key_replaced"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A known checkpoint of the same chain: its number, the hash of its signed bytes, and the hash that it follows."""

    number: int
    hash: str
    previous: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known around a checkpoint: those of its chain with its number and beside it.

    `covered`: the newest play of its log under the one that it follows; if that is not known, or is over another log,
    under all with a lower number; None if there is none. `serial`: of the newest key that signed one of the chain with
    a lower number, 0 if there is none.
    """

    around: Sequence[Neighbour]
    covered: int | None
    serial: int


def misfit(
    checkpoint: Checkpoint, own_hash: str, key: Certificate, known: Surroundings, received_at: datetime
) -> tuple[Misfit, str] | None:
    """Return what does not fit, with a sentence; the worst if there are several, None if all fits."""
    return next(_misfits(checkpoint, own_hash, key, known, received_at), None)


def _misfits(
    checkpoint: Checkpoint, own_hash: str, key: Certificate, known: Surroundings, received_at: datetime
) -> Iterator[tuple[Misfit, str]]:
    number = checkpoint.number
    before, same, after = ([one for one in known.around if one.number == number + by] for by in (-1, 0, 1))
    if same:
        yield Misfit.FORK, f"checkpoint {number} is there twice with different content: {_TWO}"
    if before and all(one.hash != checkpoint.previous for one in before):
        yield Misfit.FORK, f"checkpoint {number} follows another checkpoint {number - 1} than is here: {_TWO}"
    if after and all(one.previous != own_hash for one in after):
        yield Misfit.FORK, f"checkpoint {number + 1} follows another checkpoint {number} than this one: {_TWO}"
    if known.covered is not None and checkpoint.first <= known.covered:
        again = f"plays from {checkpoint.first} on again, though those up to {known.covered} were covered before"
        yield Misfit.SET_BACK, f"checkpoint {number} covers {again}: its log was set back, or its card was copied"
    if key.revoked_at is not None and received_at >= key.revoked_at:
        yield Misfit.KEY_REVOKED, f"checkpoint {number} came after its key {key.serial} was revoked"
    if key.serial < known.serial:
        yield Misfit.KEY_REPLACED, f"checkpoint {number} is signed by key {key.serial}, which had been replaced before"
