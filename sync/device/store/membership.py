"""The device's membership as it stands on disk: which origin it belongs to, as which device, on which channel."""

import logging
from pathlib import Path

from pydantic import ValidationError

from sync.device.store.content_store import ContentStore
from sync.errors import Untrusted
from sync.runtime.durable_files import write_durably
from sync.trust.signing import pin_root
from sync.wire.base import Identifier, Wire
from sync.wire.release import Envelope

log = logging.getLogger(__name__)
_FILE_CAP_BYTES = 64 * 1024


class DeviceMembership(Wire):
    """What a paired device is: kept in `state/membership.json`, readable by its owner only."""

    device: Identifier
    token: str
    channel: Identifier
    origin: str


def load_membership(cache: ContentStore) -> DeviceMembership | None:
    """Return the stored membership; None before pairing, or when the file is damaged and pairing has to be repeated."""
    path = _path(cache)
    try:
        with path.open("rb") as file:
            return DeviceMembership.model_validate_json(file.read(_FILE_CAP_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        log.error("file=%s is damaged: the device has to be paired again", path)
        return None


def change_channel(cache: ContentStore, channel: str) -> None:
    """Store that the origin moved this device to another channel."""
    membership = load_membership(cache)
    if membership is not None:
        write_durably(
            _path(cache), membership.model_copy(update={"channel": channel}).model_dump_json().encode(), mode=0o600
        )


def _keep(cache: ContentStore, root: Envelope, membership: DeviceMembership) -> None:
    if not _is_pinned(cache, root):
        cache.forget_floors()
    cache.keep_root(root.model_dump_json().encode())  # before the rest: a member without a root accepts nothing
    write_durably(_path(cache), membership.model_dump_json().encode(), mode=0o600)
    log.info("device=%s paired channel=%s", membership.device, membership.channel)


def _is_pinned(cache: ContentStore, root: Envelope) -> bool:
    try:
        return cache.root() == pin_root(root)
    except Untrusted:  # what was pinned is damaged
        return False


def _path(cache: ContentStore) -> Path:
    return cache.state / "membership.json"
