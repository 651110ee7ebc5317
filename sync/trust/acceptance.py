"""Decides which documents of an origin a device accepts (the rules of TUF, section 5 of its specification).

A sequence above the floor is new. The same sequence with the same release only extends the validity. The same sequence
with another release, or a lower sequence, is refused. Expiry stops new content, but never content that plays.
"""

import hashlib
from datetime import datetime

from pydantic import ValidationError

from sync.errors import CorruptContent, Outdated, Untrusted
from sync.wire.chunk_index import LARGEST_CHUNK_BYTES, Index, load_index
from sync.wire.input_messages import rejected
from sync.wire.release import Asset, Release, Root, Timestamp
from sync.wire.release_reader import read_release


def check_root(root: Root, now: datetime) -> None:
    """Refuse a root that has expired.

    Raises:
        Untrusted: it has expired.
    """
    if now >= root.expires_at:
        raise Untrusted(
            f"root {root.version} expired at {root.expires_at}: "
            "publish a new root at the origin, or correct the clock of this device"
        )


def check_timestamp(
    timestamp: Timestamp, *, channel: str, floor: Timestamp | None, minimum_sequence: int, now: datetime
) -> None:
    """Refuse a timestamp that is not acceptable, although its signature is right.

    `minimum_sequence` prevents a rollback if the floor is lost.

    Raises:
        Untrusted: it is of another channel, expired, or contradicts the floor.
        Outdated: it is older than the floor.
    """
    if timestamp.channel != channel:
        raise Untrusted(f"the timestamp is of channel {timestamp.channel}, not of {channel}")
    if timestamp.sequence < minimum_sequence:
        raise Untrusted(f"sequence {timestamp.sequence} is older than {minimum_sequence}, which is active")
    if floor is not None:
        now = max(now, floor.issued_at)  # a clock that lost the time must not make an expired timestamp valid
        _check_sequence(timestamp, floor)
    if now >= timestamp.expires_at:
        raise Untrusted(
            f"the timestamp of sequence {timestamp.sequence} expired at {timestamp.expires_at}; "
            "the active content stays. For new content start the origin, which signs again, "
            "or correct the clock of this device"
        )


def _check_sequence(timestamp: Timestamp, floor: Timestamp) -> None:
    if timestamp.sequence < floor.sequence:
        raise Outdated(f"sequence {timestamp.sequence} is older than {floor.sequence}, which was accepted before")
    if timestamp.sequence == floor.sequence and timestamp.release != floor.release:
        raise Untrusted(
            f"sequence {timestamp.sequence} names release {timestamp.release}, but named {floor.release} before: "
            "two origins use one key, or the key is stolen"
        )


def is_newer(timestamp: Timestamp, floor: Timestamp | None) -> bool:
    """Tell whether an accepted timestamp raises the floor: by a higher sequence, or a later date of the same one."""
    if floor is None:
        return True
    return (timestamp.sequence, timestamp.issued_at) > (floor.sequence, floor.issued_at)


def check_release(raw: bytes, timestamp: Timestamp) -> Release:
    """Return the release if it is the one the timestamp names.

    Raises:
        CorruptContent: the bytes do not match; fetch them again.
        Untrusted: they match, but this player cannot play the release.
    """
    if len(raw) != timestamp.release_bytes or hashlib.sha256(raw).hexdigest() != timestamp.release:
        raise CorruptContent(f"release {timestamp.release}: {len(raw)} bytes that do not match its hash")
    try:
        release = read_release(raw)
    except ValidationError as error:
        fields = ", ".join(sorted(rejected(error).fields))
        raise Untrusted(
            f"release {timestamp.release} is not known to this version ({fields}): update this player"
        ) from error
    if release.channel != timestamp.channel:
        raise Untrusted(f"release {timestamp.release} is of channel {release.channel}, not of {timestamp.channel}")
    listed = {asset.sha256 for asset in release.assets} | {stream.sha256 for stream in release.streams}
    if unlisted := referenced_assets(release) - listed:
        raise Untrusted(
            f"release {timestamp.release} shows assets that it does not list: {', '.join(sorted(unlisted))}"
        )
    _check_items(release, timestamp.release)
    return release


def _check_items(release: Release, sha256: str) -> None:
    """Refuse a release of which every item is unknown: the active release is better than an empty screen."""
    lost = [one for one in release.left_out if one.list_name in ("items", "playlists")]
    if lost and not any(playlist.items for playlist in release.playlists):
        raise Untrusted(f"release {sha256} has no item that this version knows ({lost[0]}): update this player")


def referenced_assets(release: Release) -> frozenset[str]:
    """Return all assets and streams that the release refers to."""
    items = {item.asset for playlist in release.playlists for item in playlist.items}
    lines = (line for campaign in release.campaigns for line in campaign.lines)
    creatives = {creative.asset for line in lines for creative in line.creatives}
    logos = {overlay.asset for overlay in release.overlays if overlay.kind == "logo"}
    return frozenset(items | creatives | logos | ({release.fallback} if release.fallback else set()))


def check_index(raw: bytes, asset: Asset) -> Index:
    """Return the chunk list if it is the one that the release names for this asset.

    Raises:
        CorruptContent: it is another one, or it describes another file.
    """
    if hashlib.sha256(raw).hexdigest() != asset.index:
        raise CorruptContent(f"index {asset.index} does not match its hash")
    index = load_index(raw)
    if index.asset != asset.sha256 or index.size_bytes != asset.size_bytes:
        raise CorruptContent(f"index {asset.index} is of another file than asset {asset.sha256}")
    if any(chunk.length > LARGEST_CHUNK_BYTES for chunk in index.chunks):
        raise CorruptContent(f"index {asset.index} has a chunk over {LARGEST_CHUNK_BYTES} bytes")
    return index
