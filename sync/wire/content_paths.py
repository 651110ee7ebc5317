"""Paths in the content tree, which any static server can serve. All files except the timestamp are immutable.

Also the one thing of our own in a media file: the logo in a PNG.
"""

LOGO_CHUNK = b"clAR"
"""The private PNG chunk of an asset with the original picture, whose transparent parts the asset fills."""

LOGO_EDGE = 1280
"""The most pixels of the longest edge of a logo, which is at most half as wide as the screen."""


def timestamp_path(channel: str) -> str:
    """Return the path of a channel's timestamp."""
    return f"channels/{channel}/timestamp.json"


def root_path(version: int) -> str:
    """Return the path of root document number `version`."""
    return f"roots/{version}.json"


def release_path(sha256: str) -> str:
    """Return the path of a release."""
    return f"releases/{sha256}.json"


def index_path(sha256: str) -> str:
    """Return the path of an index; its name is the hash of the index, not of the asset."""
    return f"index/{sha256}"


def asset_path(sha256: str) -> str:
    """Return the path of a media file."""
    return f"assets/{sha256}"


def bookings_path(sha256: str) -> str:
    """Return the path of a file of bookings."""
    return f"bookings/{sha256}"
