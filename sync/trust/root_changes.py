"""Changes of the root: what the next one says, who still has to sign it, and what devices will do. Pure.

A root is changed by its successor, signed by a threshold of the root keys before and after it (TUF, 5.3). So a change
that is still to be signed can be carried to the machine that has the root key, and back.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from sync.errors import Rejected, Untrusted
from sync.trust.signing import SigningKey, next_root, pin_root, read_root, root_fingerprint, verify_envelope
from sync.wire.release import ROOT_CAP_BYTES, ROOT_DOMAIN, Envelope, Root, SigningRole
from sync.wire.value_types import Wire, read_strictly

PROPOSAL_CAP_BYTES = 3 * ROOT_CAP_BYTES
MOST_KEYS = 32


class RootProposal(Wire):
    """A next root on its way to be signed: a file for the machine with a root key. Nothing in it is secret."""

    previous: Envelope  # the newest root, complete
    proposed: Envelope  # its successor, with the signatures so far


def public_key(text: str) -> dict[str, str]:
    """Return a public key as people pass it on (base64 of 32 bytes), by its id.

    Raises:
        ValueError: it is no public key.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("is not the base64 of a public key, as `trust make` prints it") from error
    if len(raw) != 32:
        raise ValueError("is not a public key: it has other than 32 bytes")
    return {hashlib.sha256(raw).hexdigest(): base64.b64encode(raw).decode()}


def public_of(key: SigningKey) -> dict[str, str]:
    """Return the public part of a key, by its id."""
    return {key.id: base64.b64encode(key.public).decode()}


def make_root(
    version: int, expires_at: datetime, root_keys: Mapping[str, str], threshold: int, online: Mapping[str, str]
) -> Root:
    """Return a root that is not signed yet.

    Raises:
        Rejected: it would shut somebody out: no key, a threshold that cannot be met, one key for both.
    """
    if not root_keys:
        raise Rejected("the last root key cannot be revoked: add another one first, or rotate it")
    if not online:
        raise Rejected("the last online key cannot be revoked: rotate it")
    if not 1 <= threshold <= len(root_keys):
        raise Rejected(f"{threshold} of {len(root_keys)} root keys cannot sign: the threshold is 1 to {len(root_keys)}")
    if len(root_keys) > MOST_KEYS:
        raise Rejected(f"a root has at most {MOST_KEYS} root keys")
    if root_keys.keys() & online.keys():
        raise Rejected("a root key cannot be the online key as well: make another one")
    return Root(
        version=version,
        expires_at=expires_at,
        keys={**root_keys, **online},
        root=SigningRole(keys=tuple(root_keys), threshold=threshold),
        timestamp=SigningRole(keys=tuple(online)),
    )


def keys_of(root: Root, role: SigningRole) -> dict[str, str]:
    """Return the public keys of a role by their ids."""
    return {key: root.keys[key] for key in role.keys if key in root.keys}


def find_key(root: Root, name: str) -> str:
    """Return the id of the key of a root whose id begins with `name`.

    Raises:
        Rejected: none does, or several do.
    """
    found = [key for key in dict.fromkeys((*root.root.keys, *root.timestamp.keys)) if name and key.startswith(name)]
    if len(found) != 1:
        wrong = f"{len(found)} keys begin with {name}" if found else f"root {root.version} has no key {name}"
        raise Rejected(f"{wrong}: `signage-origin trust show` lists them")
    return found[0]


def propose(previous: Envelope, root: Root, keys: Sequence[SigningKey]) -> RootProposal:
    """Return the proposal of a next root, signed by those of `keys` that have a say."""
    payload = base64.b64encode(root.model_dump_json().encode()).decode()
    proposal = RootProposal(previous=previous, proposed=Envelope(payload=payload, signatures=()))
    for key in keys:
        if key.id in _signers(proposal):
            proposal = add_signature(proposal, key)
    return proposal


def read_proposal(raw: bytes) -> RootProposal:
    """Return a proposal from its file.

    Raises:
        Rejected: it is none, or its parts do not follow each other.
    """
    if len(raw) > PROPOSAL_CAP_BYTES:
        raise Rejected("the file is larger than a proposed root can be")
    try:
        proposal = read_strictly(RootProposal, raw)
        before, after = pin_root(proposal.previous), read_root(proposal.proposed)
    except (ValueError, Untrusted) as error:
        raise Rejected("the file is not a proposed root, as `--export` writes it") from error
    if after.version != before.version + 1:
        raise Rejected(f"root {after.version} does not follow root {before.version}: export it again")
    make_root(
        after.version,
        after.expires_at,
        keys_of(after, after.root),
        after.root.threshold,
        keys_of(after, after.timestamp),
    )
    return proposal


def add_signature(proposal: RootProposal, key: SigningKey) -> RootProposal:
    """Return the proposal with the signature of one more key.

    Raises:
        Rejected: the key is neither a root key of the root before nor of the one after.
    """
    if key.id not in _signers(proposal):
        raise Rejected(f"key {key.id[:16]} is no root key, neither before the change nor after it")
    envelope = proposal.proposed
    signed = key.sign(ROOT_DOMAIN, base64.b64decode(envelope.payload))
    others = tuple(signature for signature in envelope.signatures if signature.key != key.id)
    return proposal.model_copy(update={"proposed": envelope.model_copy(update={"signatures": (*others, signed)})})


def unsigned_reason(proposal: RootProposal) -> str:
    """Return who has still to sign, in a sentence; empty: nobody.

    A new root key signs as well, whatever the threshold: else a typing error names a key that nobody has.
    """
    before, after = pin_root(proposal.previous), read_root(proposal.proposed)
    new = tuple(key for key in after.root.keys if key not in before.root.keys)
    signed = {signature.key for signature in proposal.proposed.signatures}
    parts = []
    for root, keys, needed in (
        (before, before.root.keys, before.root.threshold),
        (after, after.root.keys, after.root.threshold),
        (after, new, len(new)),
    ):
        missing = [key[:16] for key in keys if key not in signed]
        if (count := needed - (len(keys) - len(missing))) > 0:
            parts.append(f"{count} of the root keys of root {root.version} ({', '.join(missing)})")
    if parts:
        return f"still to sign: {' and '.join(dict.fromkeys(parts))}"
    try:
        next_root(before, proposal.proposed)
        if new:
            verify_envelope(ROOT_DOMAIN, proposal.proposed, after.keys, SigningRole(keys=new, threshold=len(new)))
    except Untrusted as error:
        return f"it cannot be published: {error}"
    return ""


def _signers(proposal: RootProposal) -> set[str]:
    return {key for one in (proposal.previous, proposal.proposed) for key in read_root(one).root.keys}


def consequences(before: Root, after: Root, devices: int | None) -> list[str]:
    """Return what a change means for devices, a sentence each."""
    lines = []
    all_of_them = "Devices" if devices is None else f"Devices ({devices})"
    if set(before.timestamp.keys) != set(after.timestamp.keys):
        lines.append(
            f"{all_of_them} follow to the new online key by themselves, those that are off once they are back. "
            "Until then they play on. What the old key signs is refused from then on; a device asks for the root "
            "at every start, on any doubt, and at least every hour."
        )
    if (before.root.keys, before.root.threshold) != (after.root.keys, after.root.threshold):
        needed = f"{after.root.threshold} of {len(after.root.keys)} root keys must sign each later change."
        lines.append(f"{all_of_them} follow to the new root keys by themselves and play on. {needed}")
        if root_fingerprint(before) != root_fingerprint(after):
            lines.append(
                "Players that name this origin by origin.fingerprint need the new one before they pair the next "
                f"time: {root_fingerprint(after)}"
            )
    if not lines:
        lines.append(f"{all_of_them} see a new date: root {after.version} has the same keys.")
    lines.append("No device needs a visit. There is no way back but another change.")
    return lines
