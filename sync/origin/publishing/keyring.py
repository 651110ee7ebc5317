"""The origin's keys: the online key that signs timestamps, the root key that may be kept elsewhere, the chain of roots.

`data_dir/keys` has `timestamp.key`, and `root.key` unless it is kept in a safe place. A change writes its new key as
`NAME-next.key` first, then publishes the root that names it, then gives the file its name. So a crash at any step
leaves the old keys in force, or the new ones. Which keys count is what the newest root says.

If the newest root does not name the online key in the folder, or expires soon, the root key in the folder signs the
next root by itself. A key that a root named once and names no more is never taken again: it may be stolen.
"""

import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sync.errors import Conflict, Rejected, StorageBroken, Untrusted
from sync.origin.persistence.data_folder import DataFolder
from sync.runtime.clock import Clock
from sync.runtime.durable_files import read_file, storage_errors, write_durably
from sync.trust.root_changes import RootProposal, keys_of, make_root, propose, public_of, unsigned_reason
from sync.trust.signing import SigningKey, next_root, open_envelope, pin_root, sign_envelope
from sync.wire.content_paths import root_path
from sync.wire.device_reports import IdentityChallenge
from sync.wire.release import IDENTITY_DOMAIN, ROOT_CAP_BYTES, ROOT_DOMAIN, Envelope, Root

ROOT_VALID = timedelta(days=3650)  # with an expired root no screen updates: it is renewed a year before
RENEW_BEFORE = timedelta(days=365)
ROOT, ONLINE = "root", "timestamp"
_BUILT = datetime(2026, 11, 1, tzinfo=UTC)  # a clock that has lost the time must not make a root that has expired

log = logging.getLogger(__name__)


class Keyring:
    """Makes and reads the keys. Call `prepare` once at start, from a thread or before the event loop runs.

    It follows a change that another process makes (`signage-origin trust`).
    """

    def __init__(self, data_dir: Path, files: DataFolder, clock: Clock) -> None:
        self._folder = data_dir / "keys"
        self._files = files
        self._clock = clock
        self._timestamp_key: SigningKey | None = None
        self._envelope: Envelope | None = None
        self._root: Root | None = None

    def prepare(self) -> None:
        """Make the keys that are missing, and a root that names them.

        Raises:
            StorageFull: no room.
            StorageBroken: keys cannot be read or written.
        """
        with storage_errors(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            if self._newest_root() is None:
                self._make_first_root()
            self._read()
            self._renew(self._load(ROOT))

    def root_envelope(self) -> Envelope:
        """Return the newest root as a signed envelope. A device pins it when it is paired."""
        self._follow()
        assert self._envelope is not None, "prepare comes first"
        return self._envelope

    def root(self) -> Root:
        """Return the newest root."""
        self._follow()
        assert self._root is not None, "prepare comes first"
        return self._root

    def roots(self) -> list[Envelope]:
        """Return all roots, from the first to the newest one.

        Raises:
            StorageBroken: one cannot be read.
        """
        paths = [self._files.content / root_path(version) for version in range(1, self.root().version + 1)]
        return [_read_root(path) for path in paths]

    @property
    def timestamp_key(self) -> SigningKey:
        """The online key, which signs timestamps.

        Raises:
            StorageBroken: the one that the newest root names is lost.
        """
        self._follow()
        if self._timestamp_key is None:
            raise StorageBroken(
                f"{self._path(ONLINE)} is not the online key that root {self.root().version} names, so nothing can be "
                "signed: copy it back, or make a new one with `signage-origin trust rotate online`"
            )
        return self._timestamp_key

    def has_online_key(self) -> bool:
        """Tell whether timestamps can be signed."""
        self._follow()
        return self._timestamp_key is not None

    def root_key(self) -> SigningKey | None:
        """Return the root key in the folder, None if it is kept elsewhere."""
        return self._load(ROOT)

    def prove_identity(self, challenge: IdentityChallenge) -> Envelope:
        """Sign the challenge of a device; the domain tag keeps it from being any other document.

        Raises:
            StorageBroken: the online key is lost.
        """
        payload = challenge.model_dump_json().encode()
        return open_envelope(sign_envelope(IDENTITY_DOMAIN, payload, self.timestamp_key), ROOT_CAP_BYTES)

    def expiry(self) -> datetime:
        """Return until when a root that is made now counts."""
        return max(self._clock.now(), _BUILT) + ROOT_VALID

    def store_next(self, name: str, key: SigningKey) -> None:
        """Store a new key that waits for a root to name it; it replaces one that waited.

        Raises:
            StorageFull, StorageBroken: it is not stored.
        """
        with self._locked():
            self._store_next(name, key)

    def publish(self, proposal: RootProposal, made: Mapping[str, SigningKey]) -> Root:
        """Make a proposed root the newest one, and its keys the ones in force. `made` are new keys that it names.

        Raises:
            Rejected: it is not completely signed, has expired, or its online key is not here.
            Conflict: it does not follow the newest root: the keys were changed after it was made.
            StorageFull, StorageBroken: the disk refuses; the old root is in force.
        """
        with self._locked():
            self._read()
            assert self._root is not None
            if self._envelope is not None and self._envelope.payload == proposal.proposed.payload:
                return self._root  # this was interrupted before
            if missing := unsigned_reason(proposal):
                raise Rejected(missing)
            try:
                root = next_root(self._root, proposal.proposed)
            except Untrusted as error:
                raise Conflict(f"{error}. The keys were changed after this was made: make it again") from error
            if root.expires_at <= self._clock.now():
                raise Rejected(f"root {root.version} has expired already, at {root.expires_at}: make it again")
            if ONLINE not in made and self._find(ONLINE, root) is None:
                raise Rejected(f"the online key that root {root.version} names is not in {self._folder}: rotate it")
            for name, key in made.items():
                self._store_next(name, key)
            self._publish(root, proposal.proposed)
        return root

    def _store_next(self, name: str, key: SigningKey) -> None:
        write_durably(self._path(f"{name}-next"), key.to_bytes(), mode=0o600)

    def _publish(self, root: Root, envelope: Envelope) -> None:
        self._files.put(root_path(root.version), envelope.model_dump_json().encode())
        log.info("root=%s issued, online keys=%s", root.version, ",".join(key[:16] for key in root.timestamp.keys))
        self._read()

    def _make_first_root(self) -> None:
        keys = {name: self._load(name) or SigningKey.generate() for name in (ROOT, ONLINE)}
        for name, key in keys.items():
            if not self._path(name).exists():
                write_durably(self._path(name), key.to_bytes(), mode=0o600)
                log.info("key=%s made", name)
        root = make_root(1, self.expiry(), public_of(keys[ROOT]), 1, public_of(keys[ONLINE]))
        raw = sign_envelope(ROOT_DOMAIN, root.model_dump_json().encode(), keys[ROOT])
        self._publish(root, open_envelope(raw, ROOT_CAP_BYTES))

    def _renew(self, root_key: SigningKey | None) -> None:
        """Sign the next root if the online key is lost or the root expires soon, and the root key here suffices."""
        root, envelope = self._root, self._envelope
        assert root is not None
        assert envelope is not None
        ends_soon = root.expires_at - self._clock.now() <= RENEW_BEFORE
        if self._timestamp_key is not None and not ends_soon:
            return
        if root_key is None or root_key.id not in root.root.keys or root.root.threshold > 1:
            self._tell_what_is_needed(root)
            return
        online = self._timestamp_key or SigningKey.generate()
        if self._timestamp_key is None:
            self._store_next(ONLINE, online)
            log.warning("the online key is lost: a new one was made")
        following = make_root(
            root.version + 1, self.expiry(), keys_of(root, root.root), root.root.threshold, public_of(online)
        )
        self._publish(following, propose(envelope, following, [root_key]).proposed)

    def _tell_what_is_needed(self, root: Root) -> None:
        if self._timestamp_key is None:
            log.error(
                "the online key that root %s names is lost, and the root key is not here: nothing can be signed. "
                "Copy it back, or make a new one with `signage-origin trust rotate online`",
                root.version,
            )
        else:
            log.warning(
                "root=%s expires at %s, and then no screen accepts new content: `signage-origin trust renew`",
                root.version,
                root.expires_at,
            )

    def _follow(self) -> None:
        """Read the keys again if another process published a root."""
        if self._root is not None and (self._files.content / root_path(self._root.version + 1)).is_file():
            with self._locked():
                self._read()

    def _read(self) -> None:
        """Read the newest root and its online key, and finish a change that was interrupted."""
        envelope = self._newest_root()
        assert envelope is not None, "prepare comes first"
        root = pin_root(envelope)
        for name in (ROOT, ONLINE):
            waiting = self._load_next(name)
            if waiting is not None and waiting.id in self._role(name, root):
                write_durably(self._path(name), waiting.to_bytes(), mode=0o600)
                self._path(f"{name}-next").unlink()
        # Together: other threads sign meanwhile.
        self._timestamp_key, self._envelope, self._root = self._find(ONLINE, root), envelope, root

    def _find(self, name: str, root: Root) -> SigningKey | None:
        """Return the key in the folder, in force or waiting, that a root names."""
        keys = (self._load(name), self._load_next(name))
        return next((key for key in keys if key is not None and key.id in self._role(name, root)), None)

    def _role(self, name: str, root: Root) -> tuple[str, ...]:
        return root.root.keys if name == ROOT else root.timestamp.keys

    def _newest_root(self) -> Envelope | None:
        version = self._root.version if self._root is not None else 0
        while (self._files.content / root_path(version + 1)).is_file():
            version += 1
        if version == 0:
            return None
        return _read_root(self._files.content / root_path(version))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.key"

    def _load(self, name: str) -> SigningKey | None:
        path = self._path(name)
        return read_key(path) if path.exists() else None

    def _load_next(self, name: str) -> SigningKey | None:
        try:
            return self._load(f"{name}-next")
        except StorageBroken as error:
            log.warning("a key that no root names yet is not used: %s", error)
            return None

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


def _read_root(path: Path) -> Envelope:
    try:
        with storage_errors(path):
            envelope = open_envelope(path.read_bytes(), ROOT_CAP_BYTES)
        pin_root(envelope)
    except Untrusted as error:
        raise StorageBroken(f"{path} is damaged ({error}): restore it from a backup") from error
    return envelope


def read_key(path: Path) -> SigningKey:
    """Return the key of a file.

    Raises:
        StorageBroken: it cannot be read, or is no key.
    """
    raw = read_file(path, 32)
    if raw is None:
        raise StorageBroken(f"{path} is not there")
    if len(raw) != 32:
        raise StorageBroken(f"{path} is not a signing key: restore it from a backup")
    return SigningKey.from_bytes(raw)
