"""The one room of cryptography: Ed25519 keys, signed envelopes, the root chain, pairing codes, token hashes.

Trust follows TUF's rules (The Update Framework 1.0, sections 5.3 and 5.4) without its library, which is synchronous
and does not make what it stores durable. Signatures cover a domain tag and the exact payload bytes, so a signature
for one kind of document is worth nothing on another.
"""

import base64
import binascii
import hashlib
import secrets

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from sync.errors import Untrusted
from sync.wire.release import ROOT_DOMAIN, TIMESTAMP_DOMAIN, Envelope, Role, Root, Signature, Timestamp

_CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0/O, 1/I: read off a screen from a ladder
_CODE_LENGTH = 8


class SigningKey:
    """A private Ed25519 key; `id` is the SHA-256 of its raw public half."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw()
        self.id = hashlib.sha256(self.public).hexdigest()

    @classmethod
    def generate(cls) -> "SigningKey":
        """Make a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> "SigningKey":
        """Load the 32 raw private bytes that `to_bytes` gave."""
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    def to_bytes(self) -> bytes:
        """Return the 32 raw private bytes; the caller keeps them secret."""
        return self._key.private_bytes_raw()

    def sign(self, domain: bytes, payload: bytes) -> Signature:
        """Sign `payload` as a document of `domain`."""
        raw = self._key.sign(domain + payload)
        return Signature(key=self.id, signature=base64.b64encode(raw).decode())


def sign_envelope(domain: bytes, payload: bytes, *keys: SigningKey) -> bytes:
    """Return the envelope file: the payload and a signature of each key."""
    envelope = Envelope(
        payload=base64.b64encode(payload).decode(), signatures=tuple(key.sign(domain, payload) for key in keys)
    )
    return envelope.model_dump_json().encode()


def verify_envelope(domain: bytes, envelope: Envelope, keys: dict[str, str], role: Role) -> bytes:
    """Return the payload if enough distinct keys of `role` signed it.

    Raises:
        Untrusted: too few valid signatures, or the envelope is malformed.
    """
    try:
        payload = base64.b64decode(envelope.payload, validate=True)
        good = {s.key for s in envelope.signatures if s.key in role.keys and _valid(s, domain + payload, keys)}
    except (binascii.Error, ValueError) as error:
        raise Untrusted("the envelope or a signature in it is malformed") from error
    if len(good) < role.threshold:
        raise Untrusted(f"signed by {len(good)} of the {role.threshold} keys it takes")
    return payload


def _valid(signature: Signature, message: bytes, keys: dict[str, str]) -> bool:
    public = base64.b64decode(keys.get(signature.key, ""), validate=True)
    if hashlib.sha256(public).hexdigest() != signature.key:
        return False
    try:
        raw = base64.b64decode(signature.signature, validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(raw, message)
    except InvalidSignature:
        return False
    return True


def open_envelope(raw: bytes, cap_bytes: int) -> Envelope:
    """Parse an envelope file; its size is checked before anything is parsed.

    Raises:
        Untrusted: too large, or not an envelope.
    """
    if len(raw) > cap_bytes:
        raise Untrusted(f"document of {len(raw)} bytes is over its cap of {cap_bytes}")
    try:
        return Envelope.model_validate_json(raw)
    except ValidationError as error:
        raise Untrusted("not a signed envelope") from error


def pin_root(envelope: Envelope) -> Root:
    """Accept a first root as its own witness: the caller pins it because a person or a key vouched for it.

    Raises:
        Untrusted: it is not signed by its own keys.
    """
    try:
        root = Root.model_validate_json(base64.b64decode(envelope.payload, validate=True))
    except (binascii.Error, ValidationError) as error:
        raise Untrusted("not a root document") from error
    verify_envelope(ROOT_DOMAIN, envelope, root.keys, root.root)
    return root


def next_root(trusted: Root, envelope: Envelope) -> Root:
    """Follow the chain by one step: version n+1, signed by the keys of n and by its own.

    Raises:
        Untrusted: a step is missing or a signature is.
    """
    root = pin_root(envelope)
    if root.version != trusted.version + 1:
        raise Untrusted(f"root {root.version} does not follow root {trusted.version}")
    verify_envelope(ROOT_DOMAIN, envelope, trusted.keys, trusted.root)
    return root


def read_timestamp(root: Root, envelope: Envelope) -> Timestamp:
    """Return the timestamp if the root's timestamp keys signed it; sequence and expiry are the caller's to judge.

    Raises:
        Untrusted: wrong signature, or not a timestamp.
    """
    payload = verify_envelope(TIMESTAMP_DOMAIN, envelope, root.keys, root.timestamp)
    try:
        return Timestamp.model_validate_json(payload)
    except ValidationError as error:
        raise Untrusted("not a timestamp document") from error


def pairing_code(root: Envelope, secret: str) -> str:
    """Return the code a screen shows: it covers the root's bytes and the device's secret.

    Device and origin compute it each from the root it knows, so a root swapped on the way gives a code the origin
    has never heard of.
    """
    digest = hashlib.sha256(f"{root.payload}\0{secret}".encode()).digest()
    return "".join(_CODE_ALPHABET[byte % 32] for byte in digest[:_CODE_LENGTH])


def new_token() -> str:
    """Make a bearer token of 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what is stored of a token; it has enough entropy to need no salt or stretching."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()  # a header may hold any byte
