"""Asks the origin for the newest release and accepts only signed documents: root chain, timestamp, release."""

import hashlib
import logging
from random import Random

from sync.device.origin_client import FetchedDocument, OriginClient
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import pin_of, pinned_root
from sync.errors import Distrust, OriginRefused, Untrusted
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread
from sync.trust.acceptance import check_bookings, check_release, check_root, check_timestamp
from sync.trust.signing import next_root, open_envelope, pin_root, read_timestamp
from sync.wire.content_paths import bookings_path, release_path, root_path, timestamp_path
from sync.wire.release import ROOT_CAP_BYTES, TIMESTAMP_CAP_BYTES, Release, Root, Timestamp

ROOT_EVERY_S = 3600.0
"""How often the signed files are fetched at least, whatever anybody says, and the next root with them."""

_SPREAD = 0.7, 0.95  # of that, so that devices that start together do not fetch together
_MOST_ROOTS = 256  # steps of the root chain in one check; the others follow in the next check
_NO_SUCH_FILE = (403, 404, 410)  # object stores answer 403 for names that do not exist

log = logging.getLogger(__name__)


class UpdateCheck:
    """Checks one channel of one origin."""

    def __init__(self, client: OriginClient, store: ContentStore, clock: Clock, rng: Random, channel: str) -> None:
        self._rng = rng
        self._client = client
        self._store = store
        self._clock = clock
        self._channel = channel
        self._root_due_s = 0.0
        # The last one and the root it was read with; None: nothing was accepted, or the last one was refused.
        self._accepted: tuple[FetchedDocument, Root, Timestamp] | None = None
        self.noted = False
        """Whether the floor on the disk says what the last timestamp says."""
        self.fetched = False
        """Whether the last release had to be fetched: it was new here, or damaged."""

    @property
    def held(self) -> str | None:
        """The hash of the timestamp that was accepted last; None: the last one was refused, or there is none."""
        return hashlib.sha256(self._accepted[0].content).hexdigest() if self._accepted is not None else None

    def due_in_s(self) -> float:
        """Return in how many seconds the signed files are to be fetched, whatever anybody says."""
        return max(0.0, self._root_due_s - self._clock.monotonic())

    async def timestamp(self, *, hinted: bool = False, named: str | None = None) -> Timestamp:
        """Return the channel's signed timestamp, after comparing it with what was accepted before.

        The origin sends it only if it changed since. With `hinted`, each hour, and if it has just `named` another hash,
        it has to send it in any case: some servers give one ETag to two files of the same second. It is not asked at
        all if it has named the hash of the one that is held: that is judged anew as if it had answered that nothing
        changed. The next root is asked
        for at the start, each hour, before another timestamp is accepted, and after one that was not.

        Raises:
            Untrusted: signature, expiry, sequence or channel is wrong; the old release stays active.
            OriginUnreachable, OriginRefused: the document could not be fetched.
        """
        old, held = None, None
        if self._accepted is not None and self._clock.monotonic() < self._root_due_s:
            held, old, _ = self._accepted
        root = old or await self.root()
        if held is not None and not hinted and named == self.held:
            document = held
        else:
            document = await self._client.newer_document(
                timestamp_path(self._channel), TIMESTAMP_CAP_BYTES, None if hinted or named else held
            )
        if old is not None and held is not None and document.content != held.content:
            root = await self.root()
        self._accepted = await self._accept(document, root)
        return self._accepted[2]

    async def _accept(self, document: FetchedDocument, root: Root) -> tuple[FetchedDocument, Root, Timestamp]:
        before, self._accepted = self._accepted, None
        known = await in_thread(self._store.known, self._channel, root, self._clock)
        check_root(root, known)
        if before is not None and before[:2] == (document, root):
            timestamp = before[2]
        else:
            what = timestamp_path(self._channel)
            timestamp = read_timestamp(root, open_envelope(document.content, TIMESTAMP_CAP_BYTES, what))
        check_timestamp(timestamp, self._channel, known)
        self.noted = (known.floor_with(timestamp), known.bound_with(timestamp)) == (known.floor, known.earliest)
        return document, root, timestamp

    async def release(self, timestamp: Timestamp) -> Release:
        """Return the release of an accepted timestamp with its bookings, and raise the floor to that timestamp.

        Raises:
            CorruptContent: the bytes are not the release, or bookings of it, that the timestamp names.
            Untrusted: they are, but this player cannot play it.
            OriginUnreachable, OriginRefused: the document could not be fetched.
        """
        release = await in_thread(self._store.release, timestamp.release)
        self.fetched = release is None
        if release is None:
            raw = await self._client.document(release_path(timestamp.release), timestamp.release_bytes)
            release = await in_thread(check_release, raw, timestamp)
            await in_thread(self._store.save_release, timestamp.release, raw, release)
        assert self._accepted is not None, "timestamp comes first"
        await in_thread(self._store.raise_floor, timestamp, self._accepted[1], self._clock)
        return await self._with_bookings(timestamp.release, release)

    async def _with_bookings(self, name: str, release: Release) -> Release:
        missing = await in_thread(self._store.releases.missing_bookings, release, self._clock.now())
        for file in missing:
            raw = await self._client.document(bookings_path(file.sha256), file.size_bytes)
            await in_thread(check_bookings, raw, file)
            await in_thread(self._store.releases.save_bookings, file.sha256, raw)
        if missing:
            log.info("release=%s has %s more files of bookings", name, len(missing))
            self.fetched = True
        return await in_thread(self._store.release, name) or release

    async def root(self) -> Root:
        """Return the newest root that follows from the pinned one, and pin it.

        Raises:
            Untrusted: none is pinned, the next one is not signed by the keys of the last one, or it has expired.
            OriginUnreachable, OriginRefused: the document could not be fetched.
        """
        root = await self._pinned_root()
        for _ in range(_MOST_ROOTS):
            try:
                path = root_path(root.version + 1)
                raw = await self._client.document(path, ROOT_CAP_BYTES)
            except OriginRefused as error:
                if error.status in _NO_SUCH_FILE:
                    break
                raise
            root = await in_thread(_next_root, root, raw, path)
            await in_thread(self._store.save_root, raw)
            log.info("root=%s is trusted from now on", root.version)
        check_root(root, await in_thread(self._store.known, self._channel, root, self._clock))
        self._root_due_s = self._clock.monotonic() + ROOT_EVERY_S * self._rng.uniform(*_SPREAD)
        return root

    async def _pinned_root(self) -> Root:
        """Return the root on the disk. If it and its copy are lost, fetch the root that the membership names."""
        try:
            root, reason = self._store.root(), "no root is pinned: pair this device with an origin"
        except Untrusted as error:
            root, reason = None, str(error)
        if root is not None:
            return root
        pin = pinned_root(self._store)
        if pin is None:
            raise Untrusted(reason, Distrust.NO_ROOT)
        raw = await self._client.document(root_path(pin.version), ROOT_CAP_BYTES)
        envelope = await in_thread(open_envelope, raw, ROOT_CAP_BYTES, root_path(pin.version))
        if await in_thread(pin_of, envelope) != pin:
            raise Untrusted(
                f"{reason}. The origin's root {pin.version} is not the one that was pinned", Distrust.ROOT_CHAIN
            )
        await in_thread(self._store.save_root, raw)
        log.warning("root=%s was fetched again, and is the one that was pinned", pin.version)
        return await in_thread(pin_root, envelope)


def _next_root(root: Root, raw: bytes, path: str) -> Root:
    """Return the next root from its file; blocks, for a large one some milliseconds."""
    return next_root(root, open_envelope(raw, ROOT_CAP_BYTES, path))
