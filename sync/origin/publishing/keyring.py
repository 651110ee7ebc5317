"""The origin's signing keys: a root key and an online timestamp key in `data_dir/keys`, and the chain of roots.

If the newest root does not name the timestamp key in the folder, or expires soon, the root key signs the next root.
So a timestamp key is renewed like this: stop the origin, remove the file of the key, start again. The root key may be
kept in a safe place elsewhere, as long as no new root is needed.
"""

import base64
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sync.errors import StorageBroken
from sync.origin.persistence.data_folder import DataFolder
from sync.runtime.clock import Clock
from sync.runtime.durable_files import storage_errors, write_durably
from sync.trust.signing import SigningKey, open_envelope, pin_root, sign_envelope
from sync.wire.content_paths import root_path
from sync.wire.device_reports import IdentityChallenge
from sync.wire.release import IDENTITY_DOMAIN, ROOT_CAP_BYTES, ROOT_DOMAIN, Envelope, Role, Root

ROOT_VALID = timedelta(days=3650)  # with an expired root no screen updates: it is renewed a year before
RENEW_BEFORE = timedelta(days=365)

log = logging.getLogger(__name__)


class Keyring:
    """Makes and reads the keys. Call `prepare` once at start, from a thread or before the event loop runs."""

    def __init__(self, data_dir: Path, files: DataFolder, clock: Clock) -> None:
        self._folder = data_dir / "keys"
        self._files = files
        self._clock = clock
        self._timestamp_key: SigningKey | None = None
        self._envelope: Envelope | None = None

    def prepare(self) -> None:
        """Make the keys that are missing, and a root that names them.

        Raises:
            StorageFull: no room.
            StorageBroken: keys cannot be read or written, or the root key is needed and missing.
        """
        with storage_errors(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            first = self._newest_root() is None
            root_key = self._load("root", make=first)
            timestamp_key = self._load("timestamp", make=True)
            assert timestamp_key is not None  # it was made
            self._timestamp_key = timestamp_key
            self._envelope = self._root_for_keys(root_key, timestamp_key)

    def root_envelope(self) -> Envelope:
        """Return the newest root as a signed envelope. A device pins it when it is paired."""
        assert self._envelope is not None, "prepare comes first"
        return self._envelope

    def root(self) -> Root:
        """Return the newest root."""
        return pin_root(self.root_envelope())

    def prove_identity(self, challenge: IdentityChallenge) -> Envelope:
        """Sign the challenge of a device; the domain tag keeps it from being any other document."""
        payload = challenge.model_dump_json().encode()
        return open_envelope(sign_envelope(IDENTITY_DOMAIN, payload, self.timestamp_key), ROOT_CAP_BYTES)

    @property
    def timestamp_key(self) -> SigningKey:
        """The key that signs timestamps."""
        assert self._timestamp_key is not None, "prepare comes first"
        return self._timestamp_key

    def _root_for_keys(self, root_key: SigningKey | None, timestamp_key: SigningKey) -> Envelope:
        envelope = self._newest_root()
        if envelope is None:
            return self._sign_root(1, root_key, timestamp_key)
        root = pin_root(envelope)
        named = timestamp_key.id in root.timestamp.keys
        if named and (root.expires_at - self._clock.now() > RENEW_BEFORE or root_key is None):
            return envelope
        return self._sign_root(root.version + 1, root_key, timestamp_key)

    def _sign_root(self, version: int, root_key: SigningKey | None, timestamp_key: SigningKey) -> Envelope:
        if root_key is None:
            raise StorageBroken(
                f"{self._folder / 'root.key'} is needed to sign root {version} and is missing: copy it back"
            )
        keys = {key.id: base64.b64encode(key.public).decode() for key in (root_key, timestamp_key)}
        root = Root(
            version=version,
            expires_at=self._clock.now() + ROOT_VALID,
            keys=keys,
            root=Role(keys=(root_key.id,)),
            timestamp=Role(keys=(timestamp_key.id,)),
        )
        envelope = sign_envelope(ROOT_DOMAIN, root.model_dump_json().encode(), root_key)
        path = self._files.put(root_path(version), envelope)
        log.info("root=%s issued, timestamp_key=%s", version, timestamp_key.id[:16])
        return open_envelope(path.read_bytes(), ROOT_CAP_BYTES)

    def _newest_root(self) -> Envelope | None:
        version = 0
        while (self._files.content / root_path(version + 1)).is_file():
            version += 1
        if version == 0:
            return None
        path = self._files.content / root_path(version)
        with storage_errors(path):
            return open_envelope(path.read_bytes(), ROOT_CAP_BYTES)

    def _load(self, name: str, *, make: bool) -> SigningKey | None:
        path = self._folder / f"{name}.key"
        if not path.exists():
            if not make:
                return None
            write_durably(path, SigningKey.generate().to_bytes(), mode=0o600)
            log.info("key=%s made", name)
        with storage_errors(path):
            raw = path.read_bytes()
        if len(raw) != 32:
            raise StorageBroken(f"{path} is not a signing key: restore it from a backup")
        return SigningKey.from_bytes(raw)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock the folder: two origins that start at the same moment must not make two sets of keys."""
        with storage_errors(self._folder):
            descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
