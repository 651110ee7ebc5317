"""The key with which this device signs its log of plays: made here, kept in one file with its copy, sent nowhere."""

import base64
import logging
import threading
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from sync.device.store.content_store import SMALL_CAP_BYTES, ContentStore
from sync.errors import StorageBroken
from sync.runtime.file_with_copy import FileWithCopy
from sync.trust.signing import SigningKey
from sync.wire.device_reports import LogEpoch
from sync.wire.release import Envelope
from sync.wire.value_types import Identifier, Sha256, Wire

_CHANGING = threading.Lock()

_Secret = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]

log = logging.getLogger(__name__)


class CheckpointHead(Wire):
    """The newest checkpoint of this device, kept in `state/checkpoint_head.json` too: `plays.db` may be lost.

    The next one gets `number` plus one and names `hash`. It covered `last`, the play with the hash `play_hash`.
    """

    device: Identifier
    number: Annotated[int, Field(ge=1)]
    hash: Sha256
    log_epoch: LogEpoch
    last: Annotated[int, Field(ge=0)]
    play_hash: Sha256


class StoredKey(Wire):
    """The content of `state/device_key.json`; only its owner can read the file.

    `secret` and `next_secret` are the base64 of 32 raw private bytes. `next_secret` waits to replace `secret`, which
    goes on signing until the origin has certified the next one. No error message and no `repr` shows them.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    device: Identifier
    secret: _Secret = Field(repr=False)
    certificate: Envelope | None = None  # None: the origin has not certified it yet, and nothing is signed
    next_secret: _Secret | None = Field(None, repr=False)
    origin_reads: tuple[str, ...] = ()  # formats of checkpoints beside the first one, as it said with the certificate
    signs: bool = False  # it has signed checkpoints, so there is a head of their chain

    @property
    def key(self) -> SigningKey:
        """The key in use."""
        return _key(self.secret)

    @property
    def next_key(self) -> SigningKey | None:
        """The key that is to replace it."""
        return None if self.next_secret is None else _key(self.next_secret)


class DeviceKeyFile:
    """The key of one device id. All methods block."""

    def __init__(self, store: ContentStore, device: str) -> None:
        self._file = key_file(store)
        self._device = device

    def load(self) -> StoredKey | None:
        """Return the key; None: there is none yet, or it is damaged, or it is that of another device id.

        Raises:
            StorageBroken: there is one, and neither it nor its copy can be read.
        """
        found = self._file.find()
        if found.value is None and found.fault and found.raw is None:
            raise StorageBroken(found.fault)
        return found.value if found.value is not None and found.value.device == self._device else None

    def is_damaged(self) -> bool:
        """Tell whether there is a file, and neither it nor its copy has a key: one is to be made."""
        found = self._file.find()
        return found.value is None and found.raw is not None

    def load_or_make(self) -> StoredKey:
        """Return the key; make one if there is none.

        Raises:
            StorageFull, StorageBroken: the disk refuses.
        """
        with _CHANGING:
            return self.load() or self._make()

    def prepare_next(self) -> StoredKey:
        """Make the key that is to replace the one in use, unless one waits already. An uncertified one just goes.

        Raises:
            StorageFull, StorageBroken: the disk refuses.
        """
        with _CHANGING:
            stored = self.load()
            if stored is None or stored.certificate is None:
                return self._make()
            if stored.next_secret is not None:
                return stored
            return self._save(stored.model_copy(update={"next_secret": _new_secret()}))

    def certified(self, key: str, certificate: Envelope, reads: tuple[str, ...] = ()) -> StoredKey | None:
        """Store the certificate of the key with this id, which is in use from now on; None: it is here no more.

        `reads` is what the origin that certified it reads.

        Raises:
            StorageFull, StorageBroken: the disk refuses.
        """
        with _CHANGING:
            stored = self.load()
            secrets = () if stored is None else (stored.secret, stored.next_secret)
            own = next((one for one in secrets if one is not None and _key(one).id == key), None)
            if stored is None or own is None:
                return None
            news = {"certificate": certificate, "origin_reads": reads}
            changed = stored.model_copy(update=news)
            if own != stored.secret:
                changed = StoredKey(device=self._device, secret=own, **news)
            return stored if changed == stored else self._save(changed)

    def mark_signing(self) -> None:
        """Note that the key in use signs checkpoints from now on.

        Raises:
            StorageFull, StorageBroken: the disk refuses.
        """
        with _CHANGING:
            if (stored := self.load()) is not None and not stored.signs:
                self._save(stored.model_copy(update={"signs": True}))

    def forget(self, key: str) -> None:
        """Make a new key in the place of the one with this id, which the origin revoked.

        Raises:
            StorageFull, StorageBroken: the disk refuses.
        """
        with _CHANGING:
            stored = self.load()
            if stored is None:
                return
            if stored.key.id == key:
                self._save(StoredKey(device=self._device, secret=stored.next_secret or _new_secret()))
            elif stored.next_key is not None and stored.next_key.id == key:
                self._save(stored.model_copy(update={"next_secret": None}))

    def _make(self) -> StoredKey:
        found = self._file.find()
        made = self._save(StoredKey(device=self._device, secret=_new_secret()))
        if found.value is None and found.fault:
            log.error("%s: key=%s is made in its place", found.fault, made.key.id[:16])
        return made

    def _save(self, stored: StoredKey) -> StoredKey:
        self._file.save(stored.model_dump_json().encode())
        return stored


def key_file(store: ContentStore) -> FileWithCopy[StoredKey]:
    """Return the file of the key."""
    path = store.state / "device_key.json"
    return FileWithCopy(path, StoredKey.model_validate_json, SMALL_CAP_BYTES, mode=0o600)


def head_file(store: ContentStore) -> FileWithCopy[CheckpointHead]:
    """Return the file of the head of the chain of checkpoints."""
    path = store.state / "checkpoint_head.json"
    return FileWithCopy(path, CheckpointHead.model_validate_json, SMALL_CAP_BYTES)


def _new_secret() -> str:
    return base64.b64encode(SigningKey.generate().to_bytes()).decode()


def _key(secret: str) -> SigningKey:
    return SigningKey.from_bytes(base64.b64decode(secret))
