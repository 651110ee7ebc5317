"""Whose evidence a `plays.db` is: the path and the seed of a device."""

import hashlib
from pathlib import Path

from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership

UNPAIRED = "unpaired"
"""The device id of plays before any pairing; these plays stay on the device."""


def ledger_path(content: ContentStore, membership: DeviceMembership | None) -> Path:
    """Return the path of the evidence; a device without an origin has a file of its own."""
    return content.state / ("plays.db" if membership else "plays-unpaired.db")


def ad_seed(device: str) -> int:
    """Return the seed of a device's ads: the same at every start, another on every device."""
    return int(hashlib.sha256(device.encode()).hexdigest()[:12], 16)
