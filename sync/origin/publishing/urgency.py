"""Whether a new release is urgent: then no screen waits with fetching it, however many there are.

An emergency is a daypart of priority 1,000 or more. A release is urgent if it changes what such a daypart shows now, or
within the time over which screens would fetch it: it begins, says something else, or is over.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from sync.errors import StorageBroken
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.publishing.release_serializer import read_release_file
from sync.origin.store.releases import ReleaseStore
from sync.programme.schedule import programme_at, zone_of_venue
from sync.runtime.clock import Clock
from sync.wire.release import Daypart, Playlist, Release

EMERGENCY_PRIORITY = 1_000

_PROGRAMME = frozenset({"channel", "created_at", "zone", "default_playlist", "playlists", "dayparts"})
"""The fields of a release that say what is on air when. To read campaigns and media too takes ten times as long."""

Emergency = tuple[Daypart, Playlist | None]


class UrgentReleases:
    """Compares the newest release of a channel with the one before it."""

    def __init__(self, store: ReleaseStore, files: DataFolder, clock: Clock) -> None:
        self._store = store
        self._content = files.content
        self._clock = clock

    async def is_urgent(self, channel: str, within_s: float) -> bool:
        """Tell whether the newest release is to be fetched at once, and not over this time.

        A release whose file cannot be read is not: screens could not fetch it either.

        Raises:
            StorageBroken: the database does not answer.
        """
        newest = await self._store.newest(channel, 2)
        return await asyncio.to_thread(self._changes_emergency, [one.sha256 for one in newest], within_s)

    def _changes_emergency(self, newest: list[str], within_s: float) -> bool:
        after, before = [*(_read(self._content, sha256) for sha256 in newest), None, None][:2]
        now = self._clock.now()
        times = (now, now + timedelta(seconds=within_s))
        return after is not None and any(emergency_at(after, at) != emergency_at(before, at) for at in times)


def emergency_at(release: Release | None, at: datetime) -> Emergency | None:
    """Return the emergency that a release has on air then, in the zone of its venue (without one: in UTC)."""
    if release is None:
        return None
    programme = programme_at(release, zone_of_venue("", release.zone, "UTC")[0], at.astimezone(UTC))
    if programme.daypart is None or programme.daypart.priority < EMERGENCY_PRIORITY:
        return None
    return programme.daypart, programme.playlist


def _read(content: Path, sha256: str) -> Release | None:
    try:
        document: dict[str, Any] = from_json(read_release_file(content, sha256))
        return Release.model_validate({name: document[name] for name in _PROGRAMME & document.keys()})
    except (StorageBroken, ValidationError, ValueError):
        return None
