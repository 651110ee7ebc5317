"""Finds out whether the origin at a new address is the one that this device belongs to, before it is told any secret.

Root and timestamp are public: anybody can copy them. So the device sends a random challenge, and only who holds the
keys of the pinned root can sign it. Then device id, token, log and undelivered plays stay what they are.
"""

import logging
import secrets
from random import Random

from sync.device.origin_client import OriginClient
from sync.device.pairing import ReportProblem
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership, change_origin
from sync.device.update_check import UpdateCheck
from sync.errors import OriginRefused, OriginUnreachable, SignageError, StorageBroken, StorageFull, Untrusted
from sync.runtime.clock import Backoff, Clock
from sync.runtime.threads import in_thread
from sync.trust.signing import check_identity
from sync.wire.device_reports import IdentityChallenge

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0
_NOT_YET = "the new address of the origin is not used yet"
_ANOTHER = "another origin answers at the new address, so this screen pairs anew"

log = logging.getLogger(__name__)


class OriginMove:
    """One device that belongs to an origin, and a client of another address; `report` is told why it waits."""

    def __init__(
        self,
        client: OriginClient,
        store: ContentStore,
        clock: Clock,
        rng: Random,
        membership: DeviceMembership,
        report: ReportProblem = lambda _: None,
    ) -> None:
        self._client = client
        self._store = store
        self._clock = clock
        self._rng = rng
        self._backoff = Backoff(first_s=_FIRST_WAIT_S, limit_s=_LONGEST_WAIT_S, rng=rng)
        self._membership = membership
        self._problem = ""
        self._report = report

    async def first_answer(self) -> DeviceMembership | None:
        """Return the membership at the new address, already stored; None if another origin answers there.

        While nobody answers it waits: nothing is known then, and nobody has to pair anything.
        """
        log.info("origin=%s is asked whether it is %s", self._client.url, self._membership.origin)
        while True:
            offline = False
            try:
                return await self._ask()
            except (OriginUnreachable, StorageBroken, StorageFull) as error:
                self._tell(_NOT_YET, error)
                offline = error.offline
            except (OriginRefused, Untrusted) as error:
                if not (isinstance(error, OriginRefused) and error.may_pass):
                    self._tell(_ANOTHER, error)
                    return None
                self._tell(_NOT_YET, error)
            await self._clock.sleep(self._backoff.next_s(offline=offline))

    async def later_answer(self) -> DeviceMembership:
        """Ask again and again, for an origin may be put right, while a person may also pair this device anew."""
        while True:
            await self._clock.sleep(self._backoff.next_s())
            try:
                if (moved := await self._ask()) is not None:
                    return moved
            except (OriginUnreachable, OriginRefused, Untrusted, StorageBroken, StorageFull) as error:
                log.debug("the origin is still another one: %s", error)

    async def _ask(self) -> DeviceMembership | None:
        check = UpdateCheck(self._client, self._store, self._clock, self._rng, self._membership.channel)
        root = await check.root()
        challenge = IdentityChallenge(nonce=secrets.token_hex(32), url=self._client.url)
        await in_thread(check_identity, root, await self._client.prove_identity(challenge), challenge)
        moved = await in_thread(change_origin, self._store, self._client.url)
        if moved is not None:
            log.info("origin=%s is the same origin: device=%s stays paired", self._client.url, moved.device)
        return moved

    def _tell(self, what: str, error: SignageError) -> None:
        self._report(f"{what[:1].upper()}{what[1:]}: {error}.")
        if str(error) != self._problem:
            self._problem = str(error)
            log.warning("%s: %s", what, error)
