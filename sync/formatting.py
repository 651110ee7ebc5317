"""Instants and sizes as people read them."""

from datetime import datetime
from zoneinfo import ZoneInfo


def local_text(at: datetime, zone: ZoneInfo) -> str:
    """Return an instant in local time, such as `Tue 03 Mar 11:12`."""
    return f"{at.astimezone(zone):%a %d %b %H:%M}"


def megabytes(size_bytes: int) -> str:
    """Return a number of bytes in MB (10^6 bytes), rounded up."""
    return f"{-(-size_bytes // 1_000_000):,} MB"
