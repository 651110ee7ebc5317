"""Whose evidence a `plays.db` is: the path and the seed of a device."""

import hashlib
import logging
from pathlib import Path

from player.evidence.ledger import read_owner
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership, load_membership
from sync.errors import StorageBroken

log = logging.getLogger(__name__)

UNPAIRED = "unpaired"
"""The device id of plays before any pairing; these plays stay on the device."""


def ledger_path(content: ContentStore, membership: DeviceMembership | None) -> Path:
    """Return the path of the evidence; a device without an origin has a file of its own."""
    return content.state / ("plays.db" if membership else "plays-unpaired.db")


async def find_ledger(content: ContentStore) -> tuple[str, Path]:
    """Return the id of this device and the path of its evidence.

    While the membership is there but cannot be read, the evidence itself says whose it is: what is played now belongs
    to that device.
    """
    try:
        membership = load_membership(content)
    except StorageBroken as error:
        log.error("membership: %s", error)
        path = content.state / "plays.db"
        owner = await read_owner(path)
        return (owner, path) if owner else (UNPAIRED, ledger_path(content, None))
    return (membership.device if membership else UNPAIRED), ledger_path(content, membership)


def ad_seed(device: str) -> int:
    """Return the seed of a device's ads: the same at every start, another on every device."""
    return int(hashlib.sha256(device.encode()).hexdigest()[:12], 16)
