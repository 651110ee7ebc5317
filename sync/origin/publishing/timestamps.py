"""Keeps each channel's signed timestamp right: written for its newest release, and signed anew before it runs out.

It is the only file of the tree that is ever replaced, so all who write it take the channel's turn in the database.
"""

import asyncio
import logging
from datetime import datetime, timedelta

from sync.errors import StorageBroken, StorageFull, Untrusted
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.planning.plans import ReleaseRecord
from sync.origin.publishing.keyring import Keyring
from sync.origin.store.releases import ReleaseStore
from sync.runtime.clock import Clock
from sync.runtime.durable_files import storage_errors
from sync.trust.signing import open_envelope, read_timestamp, seal
from sync.wire.content_paths import timestamp_path
from sync.wire.release import TIMESTAMP_CAP_BYTES, TIMESTAMP_DOMAIN, Timestamp

_LONGEST_SLEEP_S = 3600.0
_SHORTEST_SLEEP_S = 1.0
_NEXT = timedelta(milliseconds=1)

log = logging.getLogger(__name__)


class TimestampSigner:
    """Signs and writes timestamps, each valid for `valid_for_s`."""

    def __init__(
        self, store: ReleaseStore, files: DataFolder, keyring: Keyring, clock: Clock, *, valid_for_s: float
    ) -> None:
        self._store = store
        self._files = files
        self._keyring = keyring
        self._clock = clock
        self._valid_for = timedelta(seconds=valid_for_s)
        self._broken: set[str] = set()

    async def point(self, channel: str) -> tuple[ReleaseRecord, Timestamp]:
        """Make the channel's newest release the one devices fetch, under a signature of now.

        Raises:
            StorageFull: no room; the old timestamp stands.
            StorageBroken: the tree cannot be written; the old timestamp stands.
        """
        async with self._store.locked_latest(channel) as newest:
            timestamp = self._timestamp(newest, self._clock.now())
            payload = timestamp.model_dump_json().encode()
            # Not in a thread: were we cancelled here, it would write on while others hold the channel.
            self._files.replace(timestamp_path(channel), seal(TIMESTAMP_DOMAIN, payload, self._keyring.timestamp_key))
        return newest, timestamp

    def signed(self, channel: str) -> int:
        """Return the sequence signed last, by what lies in the tree; 0 for none. Blocks.

        It is ahead of the database if that was restored from a backup; devices refuse whatever is not.

        Raises:
            StorageBroken: the tree cannot be read.
        """
        held = self._held_timestamp(channel)
        return held.sequence if held else 0

    async def run(self) -> None:
        """Sign anew, for ever, each timestamp past half its life, and make good what a crash left behind."""
        while True:
            await self._clock.sleep(await self.refresh())

    async def refresh(self) -> float:
        """Look at every timestamp once and sign those that need it; return the seconds until the next look."""
        wait_s = _LONGEST_SLEEP_S
        for channel in await self._store.published_channels():
            try:
                due_s = await self._due_s(channel)
                if due_s <= 0:
                    await self.point(channel)
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
        newest = await self._store.latest(channel)
        held = await asyncio.to_thread(self._held_timestamp, channel)
        if held and newest and held.sequence > newest.sequence:
            raise StorageBroken(
                f"the database knows {channel} up to sequence {newest.sequence}, devices up to {held.sequence}: "
                "it was restored from a backup; publish the channel again"
            )
        if held is None or newest is None or (held.sequence, held.release) != (newest.sequence, newest.sha256):
            return 0.0
        return (held.expires_at - self._valid_for / 2 - self._clock.now()).total_seconds()

    def _held_timestamp(self, channel: str) -> Timestamp | None:
        path = self._files.content / timestamp_path(channel)
        if not path.is_file():
            return None
        try:
            with storage_errors(path):
                envelope = open_envelope(path.read_bytes(), TIMESTAMP_CAP_BYTES)
            return read_timestamp(self._keyring.root(), envelope)
        except Untrusted as error:  # by an older key, or damaged: it is signed again
            log.info("channel=%s timestamp is not ours: %s", channel, error)
            return None

    def _timestamp(self, newest: ReleaseRecord, now: datetime) -> Timestamp:
        """Return the next word on a channel, never older than the last.

        Devices believe that no time before the last one they accepted is now: after a clock that was ahead for a
        while, all we sign by the right time would be over for them.
        """
        held = self._held_timestamp(newest.channel)
        if held is not None:
            now = max(now, held.issued_at + _NEXT)
        return Timestamp(
            channel=newest.channel,
            sequence=newest.sequence,
            release=newest.sha256,
            release_bytes=newest.size_bytes,
            issued_at=now,
            expires_at=now + self._valid_for,
        )
