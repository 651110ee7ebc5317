"""Signs each channel's timestamp: for its newest release, again before it expires, and again after a wrong clock.

The timestamp is the only file of the tree that is replaced. So whoever writes it locks the channel in the database.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sync.errors import StorageBroken, StorageFull, Untrusted
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.planning.channel_plan import ReleaseRecord
from sync.origin.publishing.keyring import Keyring
from sync.origin.store.releases import ReleaseStore
from sync.runtime.clock import Clock, ClockTrust
from sync.runtime.durable_files import storage_errors
from sync.trust.signing import open_envelope, read_timestamp, sign_envelope
from sync.wire.content_paths import timestamp_path
from sync.wire.release import TIMESTAMP_CAP_BYTES, TIMESTAMP_DOMAIN, Timestamp

_LONGEST_SLEEP_S = 300.0  # how long a clock that was put right, or a new key, is not seen
_SHORTEST_SLEEP_S = 1.0
_NEXT = timedelta(milliseconds=1)
_APART = timedelta(hours=1)  # steps of the clock that need no new signature; devices allow a day
_NOT_BELIEVED = (
    "no time service has set this clock, so it is not believed: have one set it. "
    "If the clock is right, run signage-origin trust rotate online"
)

log = logging.getLogger(__name__)


class TimestampSigner:
    """Signs and writes timestamps, each valid for `valid_for_s`."""

    def __init__(
        self,
        store: ReleaseStore,
        files: DataFolder,
        keyring: Keyring,
        clock: Clock,
        *,
        valid_for_s: float,
        mirrors: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._files = files
        self._keyring = keyring
        self._clock = clock
        self._valid_for = timedelta(seconds=valid_for_s)
        self._mirrors = tuple(mirrors)
        self._failing: set[str] = set()
        self._ahead: set[str] = set()

    async def sign_newest(self, channel: str) -> tuple[ReleaseRecord, Timestamp]:
        """Make the channel's newest release the one that devices fetch.

        Raises:
            StorageFull: no room; the old timestamp stays.
            StorageBroken: the tree cannot be written; the old timestamp stays.
        """
        async with self._store.locked_latest(channel) as newest:
            timestamp = self._next_timestamp(newest, self._clock.now())
            payload = timestamp.model_dump_json().encode()
            # Not in a thread: if we were cancelled here, the thread would go on writing while others lock the channel.
            self._files.replace(
                timestamp_path(channel), sign_envelope(TIMESTAMP_DOMAIN, payload, self._keyring.timestamp_key)
            )
        return newest, timestamp

    def last_signed_sequence(self, channel: str) -> int:
        """Return the sequence of the timestamp in the tree; 0 without one. Blocks.

        It is higher than the database's if that was restored from a backup. Devices refuse anything lower.

        Raises:
            StorageBroken: the tree cannot be read.
        """
        held = self._current_timestamp(channel)
        return held.sequence if held else 0

    async def run(self) -> None:
        """Sign again, for ever, each timestamp past half its life, and finish what a crash interrupted."""
        while True:
            await self._clock.sleep(await self.refresh())

    async def refresh(self) -> float:
        """Check every timestamp once and sign those that need it; return the seconds until the next check."""
        wait_s = _LONGEST_SLEEP_S
        for channel in await self._store.published_channels():
            try:
                due_s = await self._due_s(channel)
                if due_s <= 0:
                    await self.sign_newest(channel)
                    due_s = self._valid_for.total_seconds() / 2
            except (StorageFull, StorageBroken) as error:
                due_s = 0.0
                if channel not in self._failing:
                    log.warning("channel=%s timestamp cannot be renewed: %s", channel, error)
                self._failing.add(channel)
            else:
                if channel in self._failing:
                    log.info("channel=%s timestamp is renewed again", channel)
                self._failing.discard(channel)
            wait_s = min(wait_s, due_s)
        return min(max(wait_s, _SHORTEST_SLEEP_S), self._valid_for.total_seconds() / 4)

    async def _due_s(self, channel: str) -> float:
        """Return the seconds until a timestamp has to be signed again; 0 if it does not name the newest release."""
        newest = await self._store.latest(channel)
        held = await asyncio.to_thread(self._current_timestamp, channel)
        if held and newest and held.sequence > newest.sequence:
            raise StorageBroken(
                f"the database knows {channel} up to sequence {newest.sequence}, devices up to {held.sequence}: "
                "it was restored from a backup; publish the channel again"
            )
        if held is None or newest is None or (held.sequence, held.release) != (newest.sequence, newest.sha256):
            return 0.0
        now = self._clock.now()
        if self._is_ahead(held, now) or held.mirrors != self._mirrors:
            return 0.0
        until = min(held.expires_at, held.issued_at + self._valid_for)
        return (until - self._valid_for / 2 - now).total_seconds()

    def _is_ahead(self, held: Timestamp, now: datetime) -> bool:
        """Tell whether a timestamp was signed by a clock that was ahead, and log when that starts and ends."""
        ahead, synchronised = held.issued_at - now > _APART, self._clock.trust() is ClockTrust.SYNCED
        channel = held.channel
        if ahead and channel not in self._ahead:
            then = "it is signed again" if synchronised else _NOT_BELIEVED
            log.warning("channel=%s timestamp was issued at %s, ahead of this clock: %s", channel, held.issued_at, then)
            self._ahead.add(channel)
        elif not ahead and channel in self._ahead:
            log.info("channel=%s timestamp is not ahead of this clock any more", channel)
            self._ahead.discard(channel)
        return ahead and synchronised

    def _current_timestamp(self, channel: str) -> Timestamp | None:
        path = self._files.content / timestamp_path(channel)
        if not path.is_file():
            return None
        try:
            with storage_errors(path):
                envelope = open_envelope(path.read_bytes(), TIMESTAMP_CAP_BYTES)
            return read_timestamp(self._keyring.root(), envelope)
        except Untrusted as error:  # signed with an older key, or damaged: it is signed again
            log.info("channel=%s timestamp is not valid, signing again: %s", channel, error)
            return None

    def _next_timestamp(self, newest: ReleaseRecord, now: datetime) -> Timestamp:
        """Return the next timestamp of a channel.

        If our clock was ahead for a while, the last one is of the future. A synchronised clock then tells the time all
        the same, and only the expiry never goes back: older players accept no time before that of the last timestamp.
        A clock that no time service has set may be the one that is wrong, so it does not go back.
        """
        now, until = self._clock.now(), self._clock.now() + self._valid_for
        held = self._current_timestamp(newest.channel)
        if held is not None and held.issued_at >= now and self._clock.trust() is not ClockTrust.SYNCED:
            now = held.issued_at + _NEXT
            until = now + self._valid_for
        return Timestamp(
            channel=newest.channel,
            sequence=newest.sequence,
            release=newest.sha256,
            release_bytes=newest.size_bytes,
            issued_at=now,
            expires_at=max(until, held.expires_at) if held is not None else until,
            mirrors=self._mirrors,
        )
