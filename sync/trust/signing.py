"""Cryptography: Ed25519 keys, signed envelopes, the chain of roots, pairing codes, hashes of tokens.

The rules are those of TUF (The Update Framework 1.0, sections 5.3 and 5.4). Its library is not used: it is synchronous
and does not store durably. A signature covers a domain tag and the exact payload bytes, so a signature of one kind of
document is not valid for another.
"""

import base64
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync.errors import Distrust, Untrusted
from sync.wire.device_reports import IdentityChallenge
from sync.wire.release import (
    ENROLMENT_DOMAIN,
    IDENTITY_DOMAIN,
    ROOT_DOMAIN,
    TIMESTAMP_DOMAIN,
    Envelope,
    Root,
    Signature,
    SigningRole,
    Timestamp,
)
from sync.wire.value_types import RepeatedName, read_strictly

_CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0/O and 1/I, which look alike on a distant screen
_CODE_LENGTH = 8


class SigningKey:
    """A private Ed25519 key; `id` is the SHA-256 of the raw public key."""

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
        """Load the 32 raw private bytes that `to_bytes` returns."""
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    def to_bytes(self) -> bytes:
        """Return the 32 raw private bytes; the caller must protect them."""
        return self._key.private_bytes_raw()

    def sign(self, domain: bytes, payload: bytes) -> Signature:
        """Sign `payload` as a document of `domain`."""
        raw = self._key.sign(domain + payload)
        return Signature(key=self.id, signature=base64.b64encode(raw).decode())


def sign_envelope(domain: bytes, payload: bytes, *keys: SigningKey) -> bytes:
    """Return the bytes of an envelope: the payload and one signature of each key."""
    envelope = Envelope(
        payload=base64.b64encode(payload).decode(), signatures=tuple(key.sign(domain, payload) for key in keys)
    )
    return envelope.model_dump_json().encode()


def verify_envelope(domain: bytes, envelope: Envelope, keys: dict[str, str], role: SigningRole) -> bytes:
    """Return the payload if enough different keys of `role` signed it.

    Raises:
        Untrusted: there are too few valid signatures, or the envelope is not valid.
    """
    one_of_each = {signature.key: signature for signature in envelope.signatures if signature.key in role.keys}
    try:
        payload = base64.b64decode(envelope.payload, validate=True)
        signers = {key for key, one in one_of_each.items() if _valid(one, domain + payload, keys)}
    except ValueError as error:
        raise Untrusted("the envelope or one of its signatures is not valid") from error
    if len(signers) < role.threshold:
        signed = f"signed by {len(signers)} keys of the root; {role.threshold} must sign"
        if wrong := one_of_each.keys() - signers:
            was = f"{signed}. The signature of key {min(wrong)[:16]} is of another document, or this one was changed"
            raise Untrusted(was, Distrust.BAD_SIGNATURE)
        others = ", ".join(sorted({one.key[:16] for one in envelope.signatures})[:3]) or "none"
        raise Untrusted(f"{signed}. It has signatures of these keys: {others}", Distrust.UNKNOWN_KEY)
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


def open_envelope(raw: bytes, cap_bytes: int, what: str = "a document") -> Envelope:
    """Parse an envelope; its size is checked first. `what` names the document to people.

    Raises:
        Untrusted: it is too large, or not an envelope.
    """
    if len(raw) > cap_bytes:
        raise Untrusted(f"{what} has {len(raw)} bytes; at most {cap_bytes} are allowed")
    try:
        return read_strictly(Envelope, raw)
    except RepeatedName as error:
        raise Untrusted(f"{what} is refused: {error}") from error
    except ValueError as error:
        raise Untrusted(f"{what} is not a signed envelope: it was changed on the way, or is damaged") from error


def _refusal(what: str, error: ValueError) -> str:
    return f"{what} is refused: {error}" if isinstance(error, RepeatedName) else f"a document is not {what}"


def pin_root(envelope: Envelope) -> Root:
    """Return a first root, which must be signed by its own keys. A person or an enrolment key confirms it.

    Raises:
        Untrusted: it is not a root, or not signed by its own keys.
    """
    root = read_root(envelope)
    verify_envelope(ROOT_DOMAIN, envelope, root.keys, root.root)
    return root


def read_root(envelope: Envelope) -> Root:
    """Return the root that an envelope says it is. Its signatures are not checked.

    Raises:
        Untrusted: it is not a root.
    """
    try:
        return read_strictly(Root, base64.b64decode(envelope.payload, validate=True))
    except ValueError as error:  # of base64, or of the document
        raise Untrusted(_refusal("a root", error)) from error


def next_root(trusted: Root, envelope: Envelope) -> Root:
    """Return the next root: version n+1, signed by the keys of version n and by its own.

    Raises:
        Untrusted: a version or a signature is missing.
    """
    root = read_root(envelope)
    if root.version != trusted.version + 1:
        raise Untrusted(f"root {root.version} does not follow root {trusted.version}", Distrust.ROOT_CHAIN)
    for keys_of in (trusted, root):  # the trusted keys first: what strangers send costs one look
        try:
            verify_envelope(ROOT_DOMAIN, envelope, keys_of.keys, keys_of.root)
        except Untrusted as error:
            by = f"root {root.version} does not follow root {trusted.version} by the keys of root {keys_of.version}"
            raise Untrusted(f"{by}: {error}", Distrust.ROOT_CHAIN) from error
    return root


def read_timestamp(root: Root, envelope: Envelope) -> Timestamp:
    """Return the timestamp if the timestamp keys of the root signed it. The caller checks sequence and expiry.

    Raises:
        Untrusted: the signature is wrong, or it is not a timestamp.
    """
    payload = verify_envelope(TIMESTAMP_DOMAIN, envelope, root.keys, root.timestamp)
    try:
        return read_strictly(Timestamp, payload)
    except ValueError as error:
        raise Untrusted(_refusal("a timestamp", error)) from error


def check_identity(root: Root, envelope: Envelope, challenge: IdentityChallenge) -> None:
    """Accept the proof of an origin: the timestamp keys of `root` signed this very challenge.

    Raises:
        Untrusted: they did not.
    """
    payload = verify_envelope(IDENTITY_DOMAIN, envelope, root.keys, root.timestamp)
    try:
        signed = read_strictly(IdentityChallenge, payload)
    except ValueError as error:
        raise Untrusted(_refusal("the answer to a challenge", error)) from error
    if signed != challenge:
        raise Untrusted("the answer is to another challenge")


def pairing_code(root: Envelope, secret: str) -> str:
    """Return the code on the screen; it covers the bytes of the root and the secret of the device.

    Device and origin each compute it from the root they know. If somebody replaces the root on the way, the origin does
    not know the code.
    """
    digest = hashlib.sha256(f"{root.payload}\0{secret}".encode()).digest()
    return "".join(_CODE_ALPHABET[byte % 32] for byte in digest[:_CODE_LENGTH])


def root_fingerprint(root: Root) -> str:
    """Return the SHA-256 that an origin is known by: of its root keys, so that it stays when a root is renewed."""
    return hashlib.sha256("\n".join((str(root.root.threshold), *sorted(set(root.root.keys)))).encode()).hexdigest()


def enrolment_proof(key: str, root: Root, secret: str, url: str) -> str:
    """Return the proof that a device knows the enrolment key: an HMAC-SHA256.

    It covers the secret of this pairing, the origin's root and the address that the device asks. So it is of no use to
    another origin, which has another root and another address, and for no other pairing.
    """
    message = "\0".join((root_fingerprint(root), secret, url))
    return hmac.new(key.encode(errors="surrogatepass"), ENROLMENT_DOMAIN + message.encode(), "sha256").hexdigest()


def new_token() -> str:
    """Make a bearer token of 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return the hash that is stored of a token. A token is random enough to need no salt and no slow hash."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()  # a header may hold any byte
