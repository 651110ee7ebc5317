"""Whose evidence a `plays.db` is: the paths and the seed of a device."""

import hashlib
from pathlib import Path

from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership

UNPAIRED = "unpaired"
"""The device id of plays before any pairing; they stay on this device."""


def ledger_path(cache: ContentStore, member: DeviceMembership | None) -> Path:
    """Return where the evidence lies: apart while this device belongs to no origin."""
    return cache.state / ("plays.db" if member else "plays-unpaired.db")


def ad_seed(device: str) -> int:
    """Return the seed of a device's ads: the same at every start, another on every device."""
    return int(hashlib.sha256(device.encode()).hexdigest()[:12], 16)
