"""The membership of this device on disk: its origin, its id and token there, its channel, and the origin's root.

Only a file that is not there means that this device is not paired. Somebody may delete it, to pair the device again.
"""

import hashlib
import logging
import threading
from typing import Annotated

from pydantic import ConfigDict, Field

from sync.device.store.content_store import SMALL_CAP_BYTES, ContentStore
from sync.errors import StorageBroken, Untrusted
from sync.runtime.file_with_copy import FileWithCopy
from sync.trust.signing import open_envelope, pin_root
from sync.wire.release import ROOT_CAP_BYTES, Envelope
from sync.wire.value_types import Identifier, Sha256, Token, Wire

_CHANGING = threading.Lock()  # a repair, a pairing and a change run in threads of their own

log = logging.getLogger(__name__)


class RootPin(Wire):
    """Which root is pinned: its version, and the SHA-256 of the signed payload. It finds a lost root again."""

    version: Annotated[int, Field(ge=1)]
    payload: Sha256


class DeviceMembership(Wire):
    """Who this device is at its origin."""

    device: Identifier
    token: Token
    channel: Identifier
    origin: str


class StoredMembership(DeviceMembership):
    """The content of `state/membership.json`; only its owner can read the file. No error message shows the token."""

    model_config = ConfigDict(hide_input_in_errors=True)

    root: RootPin | None = None  # None: an older version wrote the file
    before: Identifier | None = None  # the device that this machine was, until it got an identity of its own


def load_membership(store: ContentStore) -> DeviceMembership | None:
    """Return the stored membership; None before pairing, or if the file is damaged and pairing must be repeated.

    Raises:
        StorageBroken: there is one, and neither it nor its copy can be read.
    """
    stored = _load(store)
    return None if stored is None else DeviceMembership.model_validate(stored.model_dump())


def pinned_root(store: ContentStore) -> RootPin | None:
    """Return which root was pinned last; None: that is not known.

    Raises:
        StorageBroken: it cannot be read.
    """
    stored = _load(store)
    return None if stored is None else stored.root


def change_channel(store: ContentStore, channel: str) -> None:
    """Store the channel to which the origin moved this device.

    Raises:
        StorageFull, StorageBroken: the disk refuses.
    """
    _change(store, channel=channel)


def change_origin(store: ContentStore, url: str) -> DeviceMembership | None:
    """Store the address to which the origin of this device moved; return the membership, None if there is none now.

    Raises:
        StorageFull, StorageBroken: the disk refuses.
    """
    _change(store, origin=url)
    return load_membership(store)


def change_identity(store: ContentStore, device: str, token: str, channel: str) -> None:
    """Store that this machine is another device of the same origin.

    Raises:
        StorageFull, StorageBroken: the disk refuses.
    """
    with _CHANGING:
        if (stored := _load(store)) is not None and stored.device != device:
            values = {"device": device, "token": token, "channel": channel, "before": stored.device}
            _save(store, stored.model_copy(update=values))


def previous_device(store: ContentStore) -> str | None:
    """Return the device that this machine was before it got an identity of its own; None: it was none.

    Raises:
        StorageBroken: it cannot be read.
    """
    stored = _load(store)
    return None if stored is None else stored.before


def _change(store: ContentStore, **values: str) -> None:
    with _CHANGING:
        stored = _load(store)
        if stored is not None:
            _save(store, stored.model_copy(update=values))


def save_membership(store: ContentStore, root: Envelope, membership: DeviceMembership) -> None:
    """Pin the root of the origin and store the membership.

    Raises:
        StorageFull, StorageBroken: the disk refuses; the device is not paired.
    """
    with _CHANGING:
        if not _is_pinned(store, root):
            store.clear_floors()
        store.save_root(root.model_dump_json().encode())  # first: a membership without a root accepts no release
        _save(store, StoredMembership(**membership.model_dump(), root=pin_of(root)))
    log.info("device=%s paired channel=%s", membership.device, membership.channel)


def repair_membership(store: ContentStore) -> None:
    """Repair the membership and its copy from each other, and note which root is pinned now.

    Raises:
        StorageFull, StorageBroken: one of them cannot be read or written.
    """
    with _CHANGING:
        membership_file(store).repair()
        stored, root = _load(store), store.root_file.find()
        if stored is None or root.raw is None or root.value is None:
            return
        pin = pin_of(open_envelope(root.raw, ROOT_CAP_BYTES))
        if stored.root != pin:
            _save(store, stored.model_copy(update={"root": pin}))


def pin_of(root: Envelope) -> RootPin:
    """Return the pin of a root; raise Untrusted if it is no root."""
    return RootPin(version=pin_root(root).version, payload=hashlib.sha256(root.payload.encode()).hexdigest())


def membership_file(store: ContentStore) -> FileWithCopy[StoredMembership]:
    """Return the file of the membership."""
    path, parse = store.state / "membership.json", StoredMembership.model_validate_json
    return FileWithCopy(path, parse, SMALL_CAP_BYTES, mode=0o600, can_be_deleted=True)


def _load(store: ContentStore) -> StoredMembership | None:
    found = membership_file(store).find()
    if found.value is None and found.fault:
        if found.raw is None:
            raise StorageBroken(found.fault)
        log.error("%s: pair the device again", found.fault)
    return found.value


def _save(store: ContentStore, stored: StoredMembership) -> None:
    membership_file(store).save(stored.model_dump_json().encode())


def _is_pinned(store: ContentStore, root: Envelope) -> bool:
    try:
        return store.root() == pin_root(root)
    except Untrusted:  # the pinned root is damaged
        return False
