"""Pure: which documents of an origin a device accepts (TUF's rules, section 5 of its specification).

A sequence above the floor is new; the same sequence with the same release is freshness only; the same sequence with
another release is an alarm; a lower one is a rollback. Expiry stops new content and never what plays.
"""

import hashlib
from datetime import datetime

from pydantic import ValidationError

from sync.errors import CorruptContent, Untrusted
from sync.wire.chunk_index import LARGEST_CHUNK_BYTES, Index, load_index
from sync.wire.input_messages import rejected
from sync.wire.release import Asset, Release, Root, Timestamp
from sync.wire.release_reader import read_release


def check_root(root: Root, now: datetime) -> None:
    """Refuse to go on under a root that has expired.

    Raises:
        Untrusted: it has.
    """
    if now >= root.expires_at:
        raise Untrusted(f"root {root.version} expired at {root.expires_at}; the origin has to publish a new root")


def check_timestamp(
    timestamp: Timestamp, *, channel: str, floor: Timestamp | None, minimum_sequence: int, now: datetime
) -> None:
    """Accept a timestamp whose signature is right, or say why not.

    `minimum_sequence` bars rollbacks while there is no floor, because its file was lost.

    Raises:
        Untrusted: another channel's, expired, older than the floor, or in contradiction to it.
    """
    if timestamp.channel != channel:
        raise Untrusted(f"the timestamp is of channel {timestamp.channel}, not of {channel}")
    if timestamp.sequence < minimum_sequence:
        raise Untrusted(f"sequence {timestamp.sequence} is older than {minimum_sequence}, which plays")
    if floor is not None:
        now = max(now, floor.issued_at)  # a clock that lost its battery must not revive what has expired
        _check_sequence(timestamp, floor)
    if now >= timestamp.expires_at:
        raise Untrusted(
            f"the timestamp of sequence {timestamp.sequence} expired at {timestamp.expires_at}; what plays plays on, "
            "new content waits for the origin to sign again (or for this clock to be put right)"
        )


def _check_sequence(timestamp: Timestamp, floor: Timestamp) -> None:
    if timestamp.sequence < floor.sequence:
        raise Untrusted(f"sequence {timestamp.sequence} is older than {floor.sequence}, which was accepted before")
    if timestamp.sequence == floor.sequence and timestamp.release != floor.release:
        raise Untrusted(
            f"sequence {timestamp.sequence} names release {timestamp.release}, but named {floor.release} before: "
            "two origins share a key, or somebody else has it"
        )


def is_newer(timestamp: Timestamp, floor: Timestamp | None) -> bool:
    """Tell whether an accepted timestamp raises the floor: a higher sequence, or a later word on the same."""
    if floor is None:
        return True
    return (timestamp.sequence, timestamp.issued_at) > (floor.sequence, floor.issued_at)


def check_release(raw: bytes, timestamp: Timestamp) -> Release:
    """Return the release if it is the one the timestamp names.

    Raises:
        CorruptContent: the bytes are not those; fetch again.
        Untrusted: they are, and it is no release we can play.
    """
    if len(raw) != timestamp.release_bytes or hashlib.sha256(raw).hexdigest() != timestamp.release:
        raise CorruptContent(f"release {timestamp.release}: {len(raw)} bytes that do not hash to its name")
    try:
        release = read_release(raw)
    except ValidationError as error:
        fields = ", ".join(sorted(rejected(error).fields))
        raise Untrusted(f"release {timestamp.release} is not understood ({fields}): update this player") from error
    if release.channel != timestamp.channel:
        raise Untrusted(f"release {timestamp.release} is of channel {release.channel}, not of {timestamp.channel}")
    listed = {asset.sha256 for asset in release.assets} | {stream.sha256 for stream in release.streams}
    if unlisted := referenced_assets(release) - listed:
        raise Untrusted(f"release {timestamp.release} shows assets it does not list: {', '.join(sorted(unlisted))}")
    _check_items(release, timestamp.release)
    return release


def _check_items(release: Release, sha256: str) -> None:
    """Refuse a release of which no item is left: what plays is better than an empty screen."""
    lost = [one for one in release.left_out if one.list_name in ("items", "playlists")]
    if lost and not any(playlist.items for playlist in release.playlists):
        raise Untrusted(f"release {sha256} has no item that is understood ({lost[0]}): update this player")


def referenced_assets(release: Release) -> frozenset[str]:
    """Return every asset and stream something in the release refers to."""
    items = {item.asset for playlist in release.playlists for item in playlist.items}
    lines = (line for campaign in release.campaigns for line in campaign.lines)
    creatives = {creative.asset for line in lines for creative in line.creatives}
    logos = {overlay.asset for overlay in release.overlays if overlay.kind == "logo"}
    return frozenset(items | creatives | logos | ({release.fallback} if release.fallback else set()))


def check_index(raw: bytes, asset: Asset) -> Index:
    """Return the chunk list if it is the one the release names for this asset.

    Raises:
        CorruptContent: it is not, or it describes another file.
    """
    if hashlib.sha256(raw).hexdigest() != asset.index:
        raise CorruptContent(f"index {asset.index} does not hash to its name")
    index = load_index(raw)
    if index.asset != asset.sha256 or index.size_bytes != asset.size_bytes:
        raise CorruptContent(f"index {asset.index} is of another file than asset {asset.sha256}")
    if any(chunk.length > LARGEST_CHUNK_BYTES for chunk in index.chunks):
        raise CorruptContent(f"index {asset.index} has a chunk over {LARGEST_CHUNK_BYTES} bytes")
    return index
