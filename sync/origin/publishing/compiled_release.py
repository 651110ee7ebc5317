"""Pure: a release as it would be published: its files, its sequence, and whether it is in force already."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sync.origin.planning.channel_plan import ReleaseRecord
from sync.origin.publishing.release_serializer import dump_release
from sync.runtime.clock import unix_ms
from sync.wire.release import Release


@dataclass(frozen=True, slots=True)
class CompiledRelease:
    """A release that could be published as `sequence`; `raw` and `bookings` are its files.

    `unchanged`: it equals the newest published one.
    """

    release: Release
    raw: bytes
    bookings: Mapping[str, bytes]
    sha256: str
    newest: ReleaseRecord | None
    sequence: int
    unchanged: bool


@dataclass(frozen=True, slots=True)
class ReleaseOrigin:
    """Where a release comes from: a person's note, the earlier one that comes back, the planned publication."""

    note: str | None = None
    again: int | None = None
    publication: str | None = None


class MakeRelease(Protocol):
    """Makes a release, created at `created_at`, without what is over at `now`."""

    def __call__(self, *, created_at: datetime, now: datetime) -> Release:
        """Return it; raise Rejected if something is missing for it."""


def compiled_release(
    make: MakeRelease, created_at: datetime, now: datetime, newest: ReleaseRecord | None, signed: int
) -> CompiledRelease:
    """Return what `make` makes, as it would follow `newest` and the last signed sequence; raises as `make` does."""
    release = make(created_at=created_at, now=now)
    raw, bookings = dump_release(release)
    sha256 = hashlib.sha256(raw).hexdigest()
    last = newest.sequence if newest else 0
    unchanged = newest is not None and newest.sha256 == sha256 and last >= signed
    return CompiledRelease(release, raw, bookings, sha256, newest, max(last, signed) + 1, unchanged)


def release_record(compiled: CompiledRelease, origin: ReleaseOrigin) -> ReleaseRecord:
    """Return what is stored of a release."""
    release = compiled.release
    return ReleaseRecord(
        channel=release.channel,
        sequence=compiled.sequence,
        sha256=compiled.sha256,
        size_bytes=len(compiled.raw),
        created_ms=unix_ms(release.created_at),
        items=count_items(release),
        ads=count_ads(release),
        asset_bytes=sum(asset.size_bytes for asset in release.assets),
        note=origin.note,
        again=origin.again,
        publication=origin.publication,
    )


def count_items(release: Release) -> int:
    """Return how many items its playlists have."""
    return sum(len(playlist.items) for playlist in release.playlists)


def count_ads(release: Release) -> int:
    """Return how many creatives its campaigns show."""
    return sum(len(line.creatives) for campaign in release.campaigns for line in campaign.lines)
