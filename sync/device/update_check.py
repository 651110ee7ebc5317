"""Asks the origin what should play, and accepts only what its keys signed: root chain, timestamp, release."""

import logging

from sync.device.origin_client import OriginClient
from sync.device.store.content_store import ContentStore
from sync.errors import OriginRefused, Untrusted
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread
from sync.trust.acceptance import check_release, check_root, check_timestamp, is_news
from sync.trust.signing import next_root, open_envelope, read_timestamp
from sync.wire.content_paths import release_path, root_path, timestamp_path
from sync.wire.release import ROOT_CAP_BYTES, TIMESTAMP_CAP_BYTES, Release, Root, Timestamp

_MOST_ROOTS = 256  # steps of the chain in one go; the rest follow next time
_NO_SUCH_FILE = (403, 404, 410)  # buckets answer 403 for names that do not exist

log = logging.getLogger(__name__)


class UpdateCheck:
    """One channel of one origin."""

    def __init__(self, client: OriginClient, cache: ContentStore, clock: Clock, channel: str) -> None:
        self._client = client
        self._cache = cache
        self._clock = clock
        self._channel = channel

    async def timestamp(self) -> Timestamp:
        """Return the channel's signed pointer, judged against everything accepted before.

        Raises:
            Untrusted: signature, expiry, sequence or channel is wrong; what is held stays in force.
            OriginUnreachable, OriginRefused: it could not be had.
        """
        root = await self._root()
        raw = await self._client.document(timestamp_path(self._channel), TIMESTAMP_CAP_BYTES)
        timestamp = read_timestamp(root, open_envelope(raw, TIMESTAMP_CAP_BYTES))
        check_timestamp(
            timestamp,
            channel=self._channel,
            floor=self._cache.floor(self._channel),
            least_sequence=self._cache.least_sequence(self._channel),
            now=self._clock.now(),
        )
        return timestamp

    async def release(self, timestamp: Timestamp) -> Release:
        """Return the release an accepted timestamp names, and raise the floor to it.

        Raises:
            CorruptContent: what came is not what the timestamp names.
            Untrusted: it is, and cannot be played.
            OriginUnreachable, OriginRefused: it could not be had.
        """
        release = self._cache.release(timestamp.release)
        if release is None:
            raw = await self._client.document(release_path(timestamp.release), timestamp.release_bytes)
            release = check_release(raw, timestamp)
            await in_thread(self._cache.keep_release, timestamp.release, raw)
        if is_news(timestamp, self._cache.floor(self._channel)) or self._cache.pending() != timestamp.release:
            await in_thread(self._cache.raise_floor, timestamp)
        return release

    async def _root(self) -> Root:
        root = self._cache.root()
        if root is None:
            raise Untrusted("no root is pinned: this device is not paired with an origin")
        for _ in range(_MOST_ROOTS):
            try:
                raw = await self._client.document(root_path(root.version + 1), ROOT_CAP_BYTES)
            except OriginRefused as error:
                if error.status in _NO_SUCH_FILE:
                    break
                raise
            root = next_root(root, open_envelope(raw, ROOT_CAP_BYTES))
            await in_thread(self._cache.keep_root, raw)
            log.info("root=%s is trusted now", root.version)
        check_root(root, self._clock.now())
        return root
