"""Encrypts small secrets that a database holds, with a key that lies outside it (AES-256-GCM).

It protects them from who has the database alone: a backup, a replica, a statement that reads too much. Who can read the
key as well reads the secrets.
"""

import base64
import fcntl
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sync.errors import StorageBroken
from sync.runtime.durable_files import read_file, storage_errors, write_durably

_KEY_BYTES, _NONCE_BYTES = 32, 12
_MARK = "sealed:1:"


class Seal:
    """A key, in the file `where`, and what is done with it; `is_new`: the file was not there."""

    def __init__(self, key: bytes, where: str, *, is_new: bool = False) -> None:
        self.where = where
        self.is_new = is_new
        self._aead = AESGCM(key)

    def close(self, secret: str, of: str) -> str:
        """Return a secret of somebody as it is stored; it can be opened as his only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _MARK + base64.b64encode(nonce + self._aead.encrypt(nonce, secret.encode(), of.encode())).decode()

    def open(self, stored: str, of: str) -> str:
        """Return a secret that was stored; one that an earlier version stored as it is comes back so.

        Raises:
            StorageBroken: it was sealed with another key, or for somebody else.
        """
        if not is_sealed(stored):
            return stored
        try:
            raw = base64.b64decode(stored.removeprefix(_MARK), validate=True)
            return self._aead.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], of.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise StorageBroken(
                f"the secret of this authenticator app was not sealed with {self.where}: copy the key back that was "
                "there, use a recovery code or a passkey, or have the account reset"
            ) from error


def is_sealed(stored: str) -> bool:
    """Return whether a stored secret is sealed."""
    return stored.startswith(_MARK)


def open_seal(path: Path) -> Seal:
    """Return the seal whose key is in a file; the first time it is made. Processes that start at once make one.

    Raises:
        StorageBroken: the file cannot be read or written, or holds no key.
        StorageFull: there is no room.
    """
    with storage_errors(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_new = (key := read_file(path, _KEY_BYTES)) is None
        if key is None:
            key = secrets.token_bytes(_KEY_BYTES)
            write_durably(path, key, mode=0o600)
    finally:
        os.close(lock)
    if len(key) != _KEY_BYTES:
        raise StorageBroken(
            f"{path} is not a key of {_KEY_BYTES} bytes: copy it back from a backup, or remove it, and what was sealed "
            "with it (of accounts the codes of apps) counts no more"
        )
    return Seal(key, str(path), is_new=is_new)
