"""The time zone that this machine is set to: the one door to tzlocal."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzlocal


def system_zone() -> str:
    """Return the IANA name of the machine's time zone; "UTC" if it has none, an unknown one, or two that differ.

    It is read once: after `timedatectl set-timezone` the player is restarted.
    """
    try:
        return ZoneInfo(tzlocal.get_localzone_name() or "UTC").key
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"
