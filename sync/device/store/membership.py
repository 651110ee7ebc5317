"""The membership of this device on disk: its origin, its id and token there, and its channel."""

import logging
from pathlib import Path

from pydantic import ValidationError

from sync.device.store.content_store import ContentStore
from sync.errors import Untrusted
from sync.runtime.durable_files import write_durably
from sync.trust.signing import pin_root
from sync.wire.release import Envelope
from sync.wire.value_types import Identifier, Wire

log = logging.getLogger(__name__)
_FILE_CAP_BYTES = 64 * 1024


class DeviceMembership(Wire):
    """The content of `state/membership.json`; only its owner can read the file."""

    device: Identifier
    token: str
    channel: Identifier
    origin: str


def load_membership(store: ContentStore) -> DeviceMembership | None:
    """Return the stored membership; None before pairing, or if the file cannot be read and pairing must be repeated."""
    path = _path(store)
    try:
        with path.open("rb") as file:
            return DeviceMembership.model_validate_json(file.read(_FILE_CAP_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        log.error("file=%s cannot be read: pair the device again", path)
        return None


def change_channel(store: ContentStore, channel: str) -> None:
    """Store the channel to which the origin moved this device."""
    membership = load_membership(store)
    if membership is not None:
        write_durably(
            _path(store), membership.model_copy(update={"channel": channel}).model_dump_json().encode(), mode=0o600
        )


def save_membership(store: ContentStore, root: Envelope, membership: DeviceMembership) -> None:
    """Pin the root of the origin and store the membership.

    Raises:
        StorageFull, StorageBroken: the disk refuses; the device is not paired.
    """
    if not _is_pinned(store, root):
        store.clear_floors()
    store.save_root(root.model_dump_json().encode())  # first: a membership without a root accepts no release
    write_durably(_path(store), membership.model_dump_json().encode(), mode=0o600)
    log.info("device=%s paired channel=%s", membership.device, membership.channel)


def _is_pinned(store: ContentStore, root: Envelope) -> bool:
    try:
        return store.root() == pin_root(root)
    except Untrusted:  # the pinned root is damaged
        return False


def _path(store: ContentStore) -> Path:
    return store.state / "membership.json"
