"""Names inside the content tree that any static server can serve; all but the timestamp are immutable."""


def timestamp_path(channel: str) -> str:
    """Return where a channel's signed pointer is."""
    return f"channels/{channel}/timestamp.json"


def root_path(version: int) -> str:
    """Return where root document number `version` is."""
    return f"roots/{version}.json"


def release_path(sha256: str) -> str:
    """Return where a release is."""
    return f"releases/{sha256}.json"


def index_path(sha256: str) -> str:
    """Return where an index is; the name is the hash of the index, not of its asset."""
    return f"index/{sha256}"


def asset_path(sha256: str) -> str:
    """Return where a media file is."""
    return f"assets/{sha256}"
