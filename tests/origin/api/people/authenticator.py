"""An authenticator of the tests: makes passkeys and signs with them, rightly or with a fault that a test asks for."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, CAN_SYNC, IS_SYNCED, HAS_KEY = 1, 4, 8, 16, 64


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Authenticator:
    """One passkey, for a browser that shows a page of `origin`; `count` rises with each use unless it is None."""

    origin: str
    host: str = "localhost"
    id: bytes = b"authenticator-1"
    flags: int = PRESENT | VERIFIED
    count: int | None = 0
    person: str = ""
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def make(self, options: dict[str, Any], **client: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.create`."""
        self.person = base64.urlsafe_b64decode(options["user"]["id"] + "==").decode()
        numbers = self.key.public_key().public_numbers()
        point = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(point)
        data = self._data(self.flags | HAS_KEY) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._said("webauthn.create", options["challenge"], client)
        return self._answer({"clientDataJSON": encoded(said), "attestationObject": encoded(attestation)})

    def sign(self, options: dict[str, Any], *, handle: str | None = None, **client: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.get`."""
        if self.count is not None:
            self.count += 1
        data, said = self._data(self.flags), self._said("webauthn.get", options["challenge"], client)
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ECDSA(SHA256()))
        response = {
            "clientDataJSON": encoded(said),
            "authenticatorData": encoded(data),
            "signature": encoded(signature),
            "userHandle": encoded((handle or self.person).encode()),
        }
        return self._answer(response)

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + (self.count or 0).to_bytes(4, "big")

    def _said(self, kind: str, challenge: str, client: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False, **client}
        return json.dumps(said).encode()

    def _answer(self, response: dict[str, str]) -> dict[str, Any]:
        extra = {"clientExtensionResults": {}, "authenticatorAttachment": "platform"}
        return {"id": encoded(self.id), "rawId": encoded(self.id), "type": "public-key", "response": response, **extra}
