"""How a device asks its origin to certify the key that it made, and how the origin checks that."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sync.errors import Untrusted
from sync.proof.checkpoint import CERTIFICATE_CAP_BYTES
from sync.trust.signing import SigningKey, open_envelope, sign_envelope, verify_envelope
from sync.wire.release import Envelope, SigningRole
from sync.wire.value_types import Identifier, Instant, Sha256, Wire, read_strictly

KEY_REQUEST_DOMAIN = b"signage/device-key-request/1\0"


class KeyRequest(Wire):
    """A device asks the origin to certify its key.

    This key signs it, which proves that the device has it; so does the key `replaces`, if the device has that.
    """

    device: Identifier
    public_key: str  # base64 of 32 bytes (Ed25519)
    at: Instant  # by the clock of the device
    replaces: Sha256 | None = None  # the id of the key that it had before


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request that its own key signed. `key` is the id of this key; `proven`: the key that it replaces signed too."""

    request: KeyRequest
    key: str
    proven: bool


def public_key(key: SigningKey) -> str:
    """Return the base64 of the public part of a key."""
    return base64.b64encode(key.public).decode()


def request_key(device: str, key: SigningKey, at: datetime, replaces: SigningKey | None = None) -> Envelope:
    """Return the request of a device to certify `key`, signed by it and by the key that it replaces."""
    old = None if replaces is None else replaces.id
    request = KeyRequest(device=device, public_key=public_key(key), at=at, replaces=old)
    signers = (key,) if replaces is None else (key, replaces)
    raw = sign_envelope(KEY_REQUEST_DOMAIN, request.model_dump_json().encode(), *signers)
    return open_envelope(raw, CERTIFICATE_CAP_BYTES)


def check_key_request(envelope: Envelope, device: str, known: Mapping[str, str]) -> CheckedRequest:
    """Return what `device` asks for. `known` are the public parts of those of its keys that count, by id.

    Raises:
        Untrusted: it is no request, names another device, or the key that is to be certified did not sign it.
    """
    try:
        request = read_strictly(KeyRequest, base64.b64decode(envelope.payload, validate=True))
        raw = base64.b64decode(request.public_key, validate=True)
    except ValueError as error:
        raise Untrusted("this is no request for the key of a device") from error
    if request.device != device:
        raise Untrusted(f"the request names device {request.device}, but device {device} sent it")
    key, old = hashlib.sha256(raw).hexdigest(), request.replaces
    _verify(envelope, key, request.public_key)
    return CheckedRequest(request, key, old in known and old is not None and _is_signed(envelope, old, known[old]))


def _is_signed(envelope: Envelope, key: str, public: str) -> bool:
    try:
        _verify(envelope, key, public)
    except Untrusted:
        return False
    return True


def _verify(envelope: Envelope, key: str, public: str) -> None:
    verify_envelope(KEY_REQUEST_DOMAIN, envelope, {key: public}, SigningRole(keys=(key,)))
