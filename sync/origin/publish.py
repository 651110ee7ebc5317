"""Publishes: compiles a channel's plan, checks that all it names is there, writes the release, then points to it.

Leaf first: assets and indexes are in the tree before the release is, and the release before the signed timestamp that
names it. What is there is never written again but the timestamp. A crash at any step leaves the old release in force
or is made good by `run`, which also signs each timestamp anew long before it runs out.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sync import CorruptContent, Rejected, StorageBroken, StorageFull, Untrusted
from sync.clock import Clock, instant, unix_ms
from sync.origin.compile import compile_release, dump_release
from sync.origin.files import Files
from sync.origin.keyring import Keyring
from sync.origin.plans import ChannelPlan, ReleaseRecord
from sync.origin.store.releases import ReleaseStore
from sync.release import RELEASE_CAP_BYTES, TIMESTAMP_CAP_BYTES, TIMESTAMP_DOMAIN, Asset, Release, Timestamp
from sync.signing import open_envelope, read_timestamp, seal
from sync.tree import asset_path, index_path, release_path, timestamp_path
from sync.trust import check_index

_LONGEST_SLEEP_S = 3600.0
_SHORTEST_SLEEP_S = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Publication:
    """A release in force: `unchanged` if it was so before, and only its timestamp is new."""

    record: ReleaseRecord
    timestamp: Timestamp
    unchanged: bool


@dataclass(frozen=True, slots=True)
class Compiled:
    """A release that could be published; `unchanged` is the newest published one if it is the same."""

    release: Release
    raw: bytes
    sha256: str
    newest: ReleaseRecord | None
    unchanged: bool


class Publisher:
    """Makes releases and keeps their timestamps fresh; `changed("releases", channel)` follows each new release."""

    def __init__(
        self,
        store: ReleaseStore,
        files: Files,
        keyring: Keyring,
        clock: Clock,
        *,
        valid_for_s: float,
        changed: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._files = files
        self._keyring = keyring
        self._clock = clock
        self._valid_for = timedelta(seconds=valid_for_s)
        self._changed = changed
        self._lock = asyncio.Lock()
        self._broken: set[str] = set()

    async def publish(self, channel: str, note: str | None = None) -> Publication:
        """Make the channel's plan its newest release; the same plan again only renews the signature.

        Raises:
            NotFound: there is no such channel.
            Rejected: something is missing or not ready; `fields` names each.
            Conflict: somebody else published the channel at the same moment.
            StorageFull: no room.
            StorageBroken: the content tree cannot be read or written.
        """
        async with self._lock:
            compiled = await self.compile(channel)
            await asyncio.to_thread(self._check_leaves, compiled.release)
            await asyncio.to_thread(self._files.put, release_path(compiled.sha256), compiled.raw)
            if not compiled.unchanged:
                await self._store.add(_record(compiled, note))
            record, timestamp = await self._point(channel)
        if not compiled.unchanged:
            log.info("channel=%s sequence=%s release=%s published", channel, record.sequence, record.sha256[:16])
            self._changed("releases", channel)
        return Publication(record, timestamp, compiled.unchanged)

    async def compile(self, channel: str) -> Compiled:
        """Return what would be published now, changing nothing.

        Raises:
            NotFound: there is no such channel.
            Rejected: something is missing or not ready; `fields` names each.
        """
        plan, newest, now = await self._store.plan(channel), await self._store.newest(channel), self._clock.now()
        if newest is not None:  # the moment it was made is in the bytes: is it the same plan?
            again = await asyncio.to_thread(_compile, plan, instant(newest.created_ms), now, newest)
            if again.sha256 == newest.sha256:
                return again
        return await asyncio.to_thread(_compile, plan, instant(unix_ms(now)), now, newest)

    def published(self, record: ReleaseRecord) -> Release:
        """Read a release back; blocks.

        Raises:
            StorageBroken: its file is gone or damaged.
        """
        path = self._files.content / release_path(record.sha256)
        raw = _read(path, RELEASE_CAP_BYTES)
        if hashlib.sha256(raw).hexdigest() != record.sha256:
            raise StorageBroken(f"{path} is damaged: publish {record.channel} again after restoring it from a backup")
        return Release.model_validate_json(raw)

    async def run(self) -> None:
        """Sign anew, for ever, each timestamp past half its life, and make good what a crash left behind."""
        while True:
            await self._clock.sleep(await self.refresh())

    async def refresh(self) -> float:
        """Look at every timestamp once and sign those that need it; return the seconds until the next look."""
        wait_s = _LONGEST_SLEEP_S
        for channel in await self._store.channels():
            try:
                due_s = await self._due_s(channel)
                if due_s <= 0:
                    await self._point(channel)
                    due_s = self._valid_for.total_seconds() / 2
            except (StorageFull, StorageBroken) as error:
                due_s = 0.0
                if channel not in self._broken:
                    log.warning("channel=%s timestamp cannot be renewed: %s", channel, error)
                self._broken.add(channel)
            else:
                if channel in self._broken:
                    log.info("channel=%s timestamp is renewed again", channel)
                self._broken.discard(channel)
            wait_s = min(wait_s, due_s)
        return min(max(wait_s, _SHORTEST_SLEEP_S), self._valid_for.total_seconds() / 4)

    async def _due_s(self, channel: str) -> float:
        """Return in how many seconds a timestamp has to be signed anew; 0 if it is not the one it should be."""
        newest = await self._store.newest(channel)
        held = await asyncio.to_thread(self._held_timestamp, channel)
        if held is None or newest is None or (held.sequence, held.release) != (newest.sequence, newest.sha256):
            return 0.0
        return (held.expires_at - self._valid_for / 2 - self._clock.now()).total_seconds()

    def _held_timestamp(self, channel: str) -> Timestamp | None:
        path = self._files.content / timestamp_path(channel)
        if not path.is_file():
            return None
        try:
            envelope = open_envelope(_read(path, TIMESTAMP_CAP_BYTES), TIMESTAMP_CAP_BYTES)
            return read_timestamp(self._keyring.root(), envelope)
        except Untrusted as error:  # by an older key, or damaged: it is signed again
            log.info("channel=%s timestamp is not ours: %s", channel, error)
            return None

    async def _point(self, channel: str) -> tuple[ReleaseRecord, Timestamp]:
        async with self._store.pointing(channel) as newest:
            timestamp = self._timestamp(newest, self._clock.now())
            payload = timestamp.model_dump_json().encode()
            # Not in a thread: were we cancelled here, it would write on while others hold the channel.
            self._files.replace(timestamp_path(channel), seal(TIMESTAMP_DOMAIN, payload, self._keyring.timestamp_key))
        return newest, timestamp

    def _timestamp(self, newest: ReleaseRecord, now: datetime) -> Timestamp:
        return Timestamp(
            channel=newest.channel,
            sequence=newest.sequence,
            release=newest.sha256,
            release_bytes=newest.size_bytes,
            issued_at=now,
            expires_at=now + self._valid_for,
        )

    def _check_leaves(self, release: Release) -> None:
        missing = {f"assets.{asset.sha256}": wrong for asset in release.assets if (wrong := self._missing(asset))}
        if missing:
            raise Rejected(
                f"channel {release.channel} cannot be published: {len(missing)} of its media files are gone or damaged",
                fields=missing,
            )

    def _missing(self, asset: Asset) -> str | None:
        path = self._files.content / asset_path(asset.sha256)
        if not path.is_file() or path.stat().st_size != asset.size_bytes:
            return "the media file is gone from the content tree: upload it again"
        index = self._files.content / index_path(asset.index)
        try:
            check_index(index.read_bytes(), asset)
        except (OSError, CorruptContent) as error:
            return f"its chunk list is gone or damaged: upload it again ({error})"
        return None


def _compile(plan: ChannelPlan, created_at: datetime, now: datetime, newest: ReleaseRecord | None) -> Compiled:
    release = compile_release(plan, created_at=created_at, now=now)
    raw = dump_release(release)
    sha256 = hashlib.sha256(raw).hexdigest()
    return Compiled(release, raw, sha256, newest, unchanged=newest is not None and newest.sha256 == sha256)


def _record(compiled: Compiled, note: str | None) -> ReleaseRecord:
    release, newest = compiled.release, compiled.newest
    return ReleaseRecord(
        channel=release.channel,
        sequence=1 if newest is None else newest.sequence + 1,
        sha256=compiled.sha256,
        size_bytes=len(compiled.raw),
        created_ms=unix_ms(release.created_at),
        items=count_items(release),
        ads=count_ads(release),
        asset_bytes=sum(asset.size_bytes for asset in release.assets),
        note=note,
    )


def count_items(release: Release) -> int:
    """Return how many items its playlists have."""
    return sum(len(playlist.items) for playlist in release.playlists)


def count_ads(release: Release) -> int:
    """Return how many creatives its campaigns show."""
    return sum(len(line.creatives) for campaign in release.campaigns for line in campaign.lines)


def _read(path: Path, cap_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(cap_bytes + 1)
    except OSError as error:
        raise StorageBroken(f"{path} cannot be read: {error.strerror}") from error
