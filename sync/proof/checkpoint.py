"""The signed log of plays: the certificate of a device's key, the checkpoints that it signs, and what they hide.

A checkpoint covers the plays of a log since the one before it, by the root of a tree over their salted hashes. So a
play can be shown to somebody without the other plays, and none can be left out, for the counts of each line are there
as well, under a name that only those can compare who got the key of the line. Lines that did not play since the
checkpoint before may be left out of the counts (`Checkpoint.only_changed`).
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Self

from pydantic import FailFast, Field, model_validator

from sync.errors import Distrust, Untrusted
from sync.runtime.clock import ClockTrust
from sync.trust.signing import SigningKey, sign_envelope, verify_envelope
from sync.wire.device_reports import LogEpoch
from sync.wire.release import MOST_NUMBER, Envelope, Root, SigningRole
from sync.wire.value_types import Identifier, Instant, Model, Sha256, Wire, read_strictly

CERTIFICATE_DOMAIN = b"signage/device-key/1\0"
CHECKPOINT_DOMAIN = b"signage/checkpoint/1\0"
CHANGED_COUNTS_DOMAIN = b"signage/checkpoint/2\0"
"""Of a checkpoint with `only_changed`: who does not know it must not take its counts for those of all lines."""

READS_CHANGED_COUNTS = "changed counts"
"""In `CertifiedKey.reads`: this origin reads checkpoints with `only_changed`."""

MOST_LINES = 10_000
"""Lines that a checkpoint counts at most."""

CERTIFICATE_CAP_BYTES = 16 * 1024
CHECKPOINT_CAP_BYTES = 1536 * 1024
"""The largest envelope of each: of a checkpoint with `MOST_LINES` lines some 1.3 MB."""

NOTHING_BEFORE = "0" * 64
"""The `previous` of the first checkpoint of a chain."""

SECRET_BYTES = 32
"""The length of the secret of a log epoch, and of what is derived from it."""

_Number = Annotated[int, Field(ge=1, le=MOST_NUMBER)]


class Certificate(Wire):
    """The origin says that a key belongs to a device; signed by the timestamp keys of its root.

    A later one with the same serial takes its place: the one that says `revoked_at`.
    """

    device: Identifier
    key: Sha256  # the id of the key: SHA-256 of the raw public key
    public_key: str  # base64 of 32 bytes (Ed25519)
    serial: _Number  # counts the keys of this device from 1, without a gap
    issued_at: Instant
    revoked_at: Instant | None = None  # from then on its signatures count for nothing


class LineCount(Wire):
    """How often a line has played; `name` is its `blinded_name`."""

    name: Sha256
    count: _Number
    plays: _Number | None = None
    """Of these, the plays that this checkpoint covers. None: there are none, or the player did not say so yet."""


class Checkpoint(Wire):
    """What a device signs at least hourly about the plays of one log epoch since its last checkpoint.

    Checkpoints of a device are one chain over all its log epochs and keys: `number` goes up by one, and `previous` is
    the hash of the one before. Only a device that lost its key and the head of the chain begins again, at number 1 and
    with a new key. Within an epoch `first` is the `last` of the checkpoint before plus one; the plays before the first
    checkpoint of an epoch are unsigned.
    """

    device: Identifier
    number: _Number
    previous: Sha256  # `payload_hash` of the one before; `NOTHING_BEFORE`
    log_epoch: LogEpoch
    first: _Number
    last: Annotated[int, Field(ge=0, le=MOST_NUMBER)]  # one less than `first`: no plays
    hash: Sha256  # of the newest play of the epoch, covered now or before; `GENESIS` if there is none
    merkle_root: Sha256  # of the tree over the `leaf` of each play from `first` to `last`
    counts: Annotated[tuple[LineCount, ...], FailFast(), Field(max_length=MOST_LINES)] = ()
    """How often each line played in all plays of this epoch that checkpoints cover, this one included, whatever came of
    them; sorted by name. Plays without a line are not counted."""
    only_changed: bool = False  # `counts` has only the lines that played in the plays that this checkpoint covers
    at: Instant
    clock: ClockTrust = ClockTrust.UNSYNCED  # at that instant
    boot_id: Identifier | None = None

    @property
    def size(self) -> int:
        """Return how many plays it covers."""
        return self.last - self.first + 1

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.last < self.first - 1:
            raise ValueError("`last` is before `first`")
        names = [each.name for each in self.counts]
        if any(one >= other for one, other in pairwise(names)):
            raise ValueError("`counts` are not sorted by name, or name a line twice")
        if self.only_changed and any(each.plays is None for each in self.counts):
            raise ValueError("`counts` name a line that did not play")
        if sum(each.plays or 0 for each in self.counts) > self.size:
            raise ValueError("`counts` have more plays than the checkpoint covers")
        if any((each.plays or 0) > each.count for each in self.counts):
            raise ValueError("`counts` have more plays of a line than it has so far")
        return self


@dataclass(frozen=True, slots=True)
class SignedRange:
    """What a checkpoint covers, and when it was signed (Unix ms)."""

    number: int
    log_epoch: str
    first: int
    last: int
    at_ms: int


def play_salt(secret: bytes, sequence: int) -> bytes:
    """Return what keeps the hash of a play from being guessed; `secret` is that of its log epoch."""
    return hmac.digest(secret, f"play:{sequence}".encode(), "sha256")


def leaf(salt: bytes, play_hash: str) -> bytes:
    """Return the leaf of a play in the tree of its checkpoint."""
    return salt + bytes.fromhex(play_hash)


def line_key(secret: bytes, line: str) -> bytes:
    """Return what opens the count of a line; `secret` is that of the log epoch."""
    return hmac.digest(secret, f"line:{line}".encode(), "sha256")


def blinded_name(key: bytes, line: str) -> str:
    """Return the name under which a line is counted; `key` is its `line_key`."""
    return hashlib.sha256(key + line.encode()).hexdigest()


def line_counts(secret: bytes, counts: Mapping[str, int], plays: Mapping[str, int]) -> tuple[LineCount, ...]:
    """Return the counts of lines as a checkpoint has them; `plays`: how many it covers of those that played."""
    blinded = sorted((blinded_name(line_key(secret, line), line), line) for line in counts)
    return tuple(LineCount(name=name, count=counts[line], plays=plays.get(line)) for name, line in blinded)


def payload_hash(payload: bytes) -> str:
    """Return the hash by which the next checkpoint names this one: of its bytes as they were signed."""
    return hashlib.sha256(payload).hexdigest()


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """Return the envelope of a checkpoint, signed by the key of its device."""
    domain = CHANGED_COUNTS_DOMAIN if checkpoint.only_changed else CHECKPOINT_DOMAIN
    return sign_envelope(domain, checkpoint.model_dump_json(exclude_none=True).encode(), key)


def sign_certificate(certificate: Certificate, *online: SigningKey) -> bytes:
    """Return the envelope of a certificate, signed by the online keys of the origin."""
    return sign_envelope(CERTIFICATE_DOMAIN, certificate.model_dump_json().encode(), *online)


def open_certificate(root: Root, envelope: Envelope) -> Certificate:
    """Return the certificate if the timestamp keys of the root signed it.

    Raises:
        Untrusted: the signature is wrong, or it is no certificate.
    """
    payload = verify_envelope(CERTIFICATE_DOMAIN, envelope, root.keys, root.timestamp)
    return _read(Certificate, payload, "a certificate of a device's key")


def open_checkpoint(envelope: Envelope, keys: Mapping[str, Certificate]) -> tuple[Checkpoint, bytes, Certificate]:
    """Return the checkpoint, its signed bytes and the certificate of the key that signed it; `keys` is by their ids.

    Whether that certificate was valid at that time, and is of this device, is for the caller to see.

    Raises:
        Untrusted: none of the keys signed it, or it is no checkpoint.
    """
    signers = [each.key for each in envelope.signatures]
    if len(signers) != 1 or signers[0] not in keys:
        raise Untrusted("it is not signed by a key that is certified", Distrust.UNKNOWN_KEY)
    certificate = keys[signers[0]]
    role, public = SigningRole(keys=(certificate.key,)), {certificate.key: certificate.public_key}
    only_changed = False
    try:
        payload = verify_envelope(CHECKPOINT_DOMAIN, envelope, public, role)
    except Untrusted:
        payload, only_changed = verify_envelope(CHANGED_COUNTS_DOMAIN, envelope, public, role), True
    checkpoint = _read(Checkpoint, payload, "a checkpoint", most_values=8 * MOST_LINES)
    if checkpoint.only_changed != only_changed:
        raise Untrusted("what was signed is a checkpoint of another format")
    return checkpoint, payload, certificate


def _read(model: type[Model], payload: bytes, what: str, most_values: int = 2_000) -> Model:
    try:
        return read_strictly(model, payload, most_values=most_values)
    except ValueError as error:
        raise Untrusted(f"what was signed is not {what}") from error
