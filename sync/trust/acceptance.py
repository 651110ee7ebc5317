"""Decides which documents of an origin a device accepts (the rules of TUF, section 5 of its specification).

A sequence above the floor is new. The same sequence with the same release only extends the validity. The same sequence
with another release, or a lower sequence, is refused. Expiry stops new content, but never content that plays.

If a time service has set the clock of the device, what is issued more than a day ahead is refused, and a time once
seen is a lower bound for the clock. Without one the device may be in 1970, and finds every honest time far ahead.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from sync.errors import CorruptContent, Distrust, Outdated, Untrusted
from sync.wire.chunk_index import LARGEST_CHUNK_BYTES, Index, load_index
from sync.wire.input.input_messages import rejected
from sync.wire.release import Asset, BookingsFile, Release, Root, Timestamp
from sync.wire.release_reader import read_bookings, read_release

AHEAD = timedelta(days=1)
"""How far the clocks of origin and device may be apart."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a device knows when it judges a timestamp of one channel."""

    now: datetime  # by its clock
    synchronised: bool  # whether a time service has set that clock
    floor: Timestamp | None = None  # the newest timestamp that was accepted
    minimum_sequence: int = 0  # prevents a rollback if the floor is lost
    earliest: datetime | None = None  # no time before this one is believed: a synchronised clock has shown it

    @property
    def time(self) -> datetime:
        """The time to judge by. A clock that lost the time must not make an expired document valid."""
        earliest = self.lower_bound
        return self.now if earliest is None else max(self.now, earliest)

    @property
    def lower_bound(self) -> datetime | None:
        """`earliest`, unless the clock is synchronised now and shows that it came from the future."""
        wrong = self.earliest is not None and self.synchronised and self.earliest - self.now > AHEAD
        return None if wrong else self.earliest

    @property
    def clock_text(self) -> str:
        """What the clock of the device says, for messages."""
        unset = "" if self.synchronised else ", and no time service has set it"
        return f"the clock of this device says {_utc(self.now)}{unset}"

    def bound_with(self, timestamp: Timestamp) -> datetime | None:
        """Return the lower bound after `timestamp` was accepted: only a synchronised clock raises it."""
        if not self.synchronised:
            return self.earliest
        shown = min(timestamp.issued_at, self.now)
        return shown if self.lower_bound is None else max(shown, self.lower_bound)

    def floor_with(self, timestamp: Timestamp) -> Timestamp:
        """Return the floor after `timestamp` was accepted: its newest form, but no time from the future."""
        held = self.floor
        if held is None or timestamp.sequence > held.sequence:
            return timestamp
        wrong = self.synchronised and held.issued_at - self.now > AHEAD
        return timestamp if wrong or timestamp.issued_at > held.issued_at else held


def check_root(root: Root, known: Known) -> None:
    """Refuse a root that has expired.

    Raises:
        Untrusted: it has expired.
    """
    if known.time >= root.expires_at:
        raise Untrusted(
            f"root {root.version} expired at {_utc(root.expires_at)}: publish a new root at the origin "
            f"(signage-origin trust renew), or correct the clock of this device ({known.clock_text})",
            Distrust.ROOT_EXPIRED,
        )


def check_timestamp(timestamp: Timestamp, channel: str, known: Known) -> None:
    """Refuse a timestamp that is not acceptable, although its signature is right.

    Raises:
        Untrusted: it is of another channel, expired, from the future, or contradicts the floor.
        Outdated: it is older than the floor.
    """
    if timestamp.channel != channel:
        raise Untrusted(f"the timestamp is of channel {timestamp.channel}, not of {channel}", Distrust.MIXED)
    if timestamp.sequence < known.minimum_sequence:
        raise Untrusted(
            f"sequence {timestamp.sequence} is older than {known.minimum_sequence}, which is active", Distrust.ROLLBACK
        )
    if known.floor is not None:
        _check_sequence(timestamp, known.floor)
    if known.synchronised and timestamp.issued_at - known.now > AHEAD:
        raise Untrusted(
            f"the timestamp of sequence {timestamp.sequence} was issued at {_utc(timestamp.issued_at)}, more than a "
            f"day ahead ({known.clock_text}); the active content stays. Correct the clock of the origin, or of this "
            "device",
            Distrust.FUTURE,
        )
    if known.time >= timestamp.expires_at:
        raise _expired(timestamp, known)


def _check_sequence(timestamp: Timestamp, floor: Timestamp) -> None:
    if timestamp.sequence < floor.sequence:
        raise Outdated(
            f"sequence {timestamp.sequence} is older than {floor.sequence}, which was accepted before",
            Distrust.ROLLBACK,
        )
    if timestamp.sequence == floor.sequence and timestamp.release != floor.release:
        raise Untrusted(
            f"sequence {timestamp.sequence} names release {timestamp.release}, but named {floor.release} before: "
            "two origins use one key, or the key is stolen",
            Distrust.CONFLICT,
        )


def _expired(timestamp: Timestamp, known: Known) -> Untrusted:
    ended = f"the timestamp of sequence {timestamp.sequence} expired at {_utc(timestamp.expires_at)}"
    held = known.floor
    if held is None or (timestamp.sequence, timestamp.issued_at) > (held.sequence, held.issued_at):
        return Untrusted(
            f"{ended}; the active content stays. For new content start the origin, which signs again, "
            f"or correct the clock of this device ({known.clock_text})",
            Distrust.EXPIRED,
        )
    return Untrusted(
        f"{ended}, and nothing newer is served than what was accepted before; the active content stays. Start the "
        "origin, which signs again, or look for a cache on the way that keeps old documents; or correct the clock "
        f"of this device ({known.clock_text})",
        Distrust.FREEZE,
    )


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def check_release(raw: bytes, timestamp: Timestamp) -> Release:
    """Return the release if it is the one the timestamp names.

    Raises:
        CorruptContent: the bytes do not match; fetch them again.
        Untrusted: they match, but this player cannot play the release.
    """
    if len(raw) != timestamp.release_bytes or hashlib.sha256(raw).hexdigest() != timestamp.release:
        wrong = f"release {timestamp.release}: {len(raw)} bytes that do not match its hash"
        raise CorruptContent(wrong, Distrust.MIXED)
    release = _readable(read_release, raw, f"release {timestamp.release}")
    if release.channel != timestamp.channel:
        raise Untrusted(
            f"release {timestamp.release} is of channel {release.channel}, not of {timestamp.channel}", Distrust.MIXED
        )
    _check_listed(release, f"release {timestamp.release}")
    _check_items(release, timestamp.release)
    return release


def check_bookings(raw: bytes, file: BookingsFile) -> Release:
    """Return a file of bookings, as a release that has nothing else, if it is the one that the release names.

    Raises:
        CorruptContent: the bytes do not match; fetch them again.
        Untrusted: they match, but this player cannot play them.
    """
    what = f"bookings {file.sha256}"
    if len(raw) != file.size_bytes or hashlib.sha256(raw).hexdigest() != file.sha256:
        raise CorruptContent(f"{what}: {len(raw)} bytes that do not match the hash", Distrust.MIXED)
    bookings = _readable(read_bookings, raw, what)
    _check_listed(bookings, what)
    return bookings


def _readable(read: Callable[[bytes], Release], raw: bytes, what: str) -> Release:
    try:
        return read(raw)
    except ValidationError as error:
        fields = ", ".join(sorted(rejected(error).fields))
        raise Untrusted(
            f"{what} is not known to this version ({fields}): update this player", Distrust.UNSUPPORTED
        ) from error
    except ValueError as error:
        raise Untrusted(f"{what} is refused: {error}") from error


def _check_listed(release: Release, what: str) -> None:
    listed = {asset.sha256 for asset in release.assets} | {stream.sha256 for stream in release.streams}
    if unlisted := referenced_assets(release) - listed:
        raise Untrusted(f"{what} shows assets that it does not list: {', '.join(sorted(unlisted))}", Distrust.MIXED)


def _check_items(release: Release, sha256: str) -> None:
    """Refuse a release of which every item is unknown: the active release is better than an empty screen."""
    lost = [one for one in release.left_out if one.list_name in ("items", "playlists")]
    if lost and not any(playlist.items for playlist in release.playlists):
        raise Untrusted(
            f"release {sha256} has no item that this version knows ({lost[0]}): update this player",
            Distrust.UNSUPPORTED,
        )


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
        raise CorruptContent(f"index {asset.index} does not match its hash", Distrust.MIXED)
    try:
        index = load_index(raw)
    except CorruptContent as error:  # the origin has signed it so
        raise CorruptContent(f"index {asset.index} of asset {asset.sha256}: {error}") from error
    if index.asset != asset.sha256 or index.size_bytes != asset.size_bytes:
        raise CorruptContent(f"index {asset.index} is of another file than asset {asset.sha256}", Distrust.MIXED)
    if any(chunk.length > LARGEST_CHUNK_BYTES for chunk in index.chunks):
        raise CorruptContent(f"index {asset.index} has a chunk over {LARGEST_CHUNK_BYTES} bytes")
    return index
