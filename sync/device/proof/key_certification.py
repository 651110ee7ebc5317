"""Has the origin certify the key with which this device signs its log of plays.

It asks at each start of a connection and every hour, so that a revoked key, and a certificate by an online key that was
replaced, are noticed. An origin from before there were such keys answers 404 or 405: the device goes on unsigned.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from sync.device.store.content_store import ContentStore
from sync.device.store.device_key import DeviceKeyFile, StoredKey
from sync.errors import Distrust, OriginRefused, OriginUnreachable, SignageError, StorageBroken, StorageFull, Untrusted
from sync.proof.checkpoint import Certificate, open_certificate
from sync.proof.delivery import CertifiedKey
from sync.proof.key_request import public_key, request_key
from sync.recurring_problem import RecurringProblem
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread
from sync.runtime.waiting import first_of
from sync.trust.signing import SigningKey
from sync.wire.release import Envelope

ASK_AGAIN_S = 3600.0
AFTER_FAILURE_S = 300.0

log = logging.getLogger(__name__)


class KeyAuthority(Protocol):
    """The part of the origin client that is used."""

    async def put_device_key(self, request: Envelope) -> CertifiedKey:
        """Return the certificate of a key, which may be revoked; raises OriginUnreachable or OriginRefused."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """The id of the key in use and whether the origin certified it; `waits`: why the next step has not happened."""

    id: str = ""  # empty: there is none yet
    certified: bool = False
    replacing: bool = False  # another key waits for its certificate
    waits: str = ""


class KeyCertification:
    """A service; makes the key when there is none. `store` has the root by which a certificate is checked.

    Calls `certified` when another key may sign. It asks at once when `wanted` is set.
    """

    def __init__(
        self,
        client: KeyAuthority,
        store: ContentStore,
        keys: DeviceKeyFile,
        device: str,
        clock: Clock,
        certified: Callable[[], None] = lambda: None,
        wanted: asyncio.Event | None = None,
    ) -> None:
        self._client = client
        self._store = store
        self._keys = keys
        self._device = device
        self._clock = clock
        self._certified = certified
        self._wanted = wanted or asyncio.Event()
        self._problems = RecurringProblem(
            clock, log, "plays are not signed yet", "the origin certified the key of this device"
        )
        self.state = KeyState()

    def wake(self) -> None:
        """Ask the origin now: the key is to be replaced, or may have been revoked."""
        self._wanted.set()

    async def rotate(self) -> KeyState:
        """Make another key and ask for its certificate; until that comes, the present one signs.

        Raises:
            StorageFull, StorageBroken: the disk refuses; nothing has changed.
        """
        self._tell(await in_thread(self._keys.prepare_next))
        self.wake()
        return self.state

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            self._wanted.clear()
            await first_of(self._clock.sleep(await self._exchange()), self._wanted.wait())

    async def _exchange(self) -> float:
        """Ask once; return when to ask again."""
        try:
            for _ in range(2):  # a key that is revoked is replaced at once, but not for ever
                stored = await in_thread(self._keys.load_or_make)
                self._tell(stored)
                if await self._certify(stored):
                    self._problems.cleared()
                    return ASK_AGAIN_S
        except OriginRefused as error:
            self._failed(error)
            return ASK_AGAIN_S if error.no_such_operation else max(AFTER_FAILURE_S, error.retry_after_s)
        except (OriginUnreachable, Untrusted, StorageBroken, StorageFull) as error:
            self._failed(error)
            return max(AFTER_FAILURE_S, error.retry_after_s)
        return ASK_AGAIN_S

    async def _certify(self, stored: StoredKey) -> bool:
        """Ask for the certificate of the newest key; return False if it is revoked, and was dropped."""
        new = stored.next_key
        asked, replaces = (stored.key, None) if new is None else (new, stored.key)
        request = request_key(self._device, asked, self._clock.now(), replaces)
        answer = await self._client.put_device_key(request)
        envelope = Envelope(payload=answer.payload, signatures=answer.signatures)
        certificate = await in_thread(self._checked, envelope, asked)
        if certificate.revoked_at is not None:
            log.warning("key=%s was revoked at %s: another one is made", asked.id[:16], certificate.revoked_at)
            await in_thread(self._keys.forget, asked.id)
            return False
        kept = await in_thread(self._keys.certified, asked.id, envelope, answer.reads)
        if kept is not None:
            if kept.certificate != stored.certificate:
                log.info("key=%s of this device is certified: plays are signed with it", asked.id[:16])
                self._certified()
            self._tell(kept)
        return True

    def _checked(self, envelope: Envelope, key: SigningKey) -> Certificate:
        root = self._store.root()
        if root is None:
            raise Untrusted("no root is pinned: no certificate can be checked", Distrust.NO_ROOT)
        certificate = open_certificate(root, envelope)
        if (certificate.device, certificate.public_key) != (self._device, public_key(key)):
            raise Untrusted("the origin certified another key than this device has", Distrust.MIXED)
        return certificate

    def _failed(self, error: SignageError) -> None:
        self._problems.occurred(str(error))
        self.state = replace(self.state, waits=str(error))

    def _tell(self, stored: StoredKey) -> None:
        self.state = KeyState(stored.key.id, stored.certificate is not None, stored.next_secret is not None)
