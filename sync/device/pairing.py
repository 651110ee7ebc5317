"""Pairs a device with an origin: it pins the origin's root, shows a code, and waits until a person approves it.

The code covers the root's bytes and the device's secret. If somebody replaces the root on the way, the screen shows a
code that the origin does not know.
"""

import logging
import secrets
from collections.abc import Callable
from enum import StrEnum
from random import Random

from sync.device.origin_client import OriginClient
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership, save_membership
from sync.errors import OriginRefused, OriginUnreachable, SignageError, Untrusted
from sync.runtime.clock import Backoff, Clock
from sync.runtime.state_table import StateTable
from sync.runtime.threads import in_thread
from sync.trust.signing import pairing_code, pin_root
from sync.wire.device_reports import PairingAnswer, PairingRequest

POLL_S = 2.0
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0
_UNKNOWN_PAIRING = (404, 410)

ShowCode = Callable[[str | None], None]
ReportProblem = Callable[[str], None]
"""Takes a sentence for a technician; empty: the problem is solved."""

log = logging.getLogger(__name__)


class PairingPhase(StrEnum):
    """How far the pairing of this device has come. Each origin and each start begins anew."""

    ASKING = "asking"  # no origin knows this device yet; it asks, and asks again after a failure
    WAITING = "waiting"  # the origin knows it; the screen shows the code, and the device polls
    PAIRED = "paired"  # the membership is on disk


PAIRING_PHASES = StateTable(
    "pairing of a device",
    PairingPhase.ASKING,
    {
        PairingPhase.ASKING: {PairingPhase.WAITING: "the origin answers with its root"},
        PairingPhase.WAITING: {
            PairingPhase.PAIRED: "a person approves the code, or the enrolment key is right",
            PairingPhase.ASKING: "the pairing expired, or its answer cannot be trusted",
        },
        PairingPhase.PAIRED: {},
    },
)


class DevicePairing:
    """The pairing with one origin, through all its attempts.

    `show_code` is called with the code that a person has to enter, and with None when there is no code to show.
    `report` is told why the pairing waits.
    """

    def __init__(
        self,
        client: OriginClient,
        store: ContentStore,
        clock: Clock,
        rng: Random,
        name: str,
        enrolment_key: str | None,
        show_code: ShowCode,
        report: ReportProblem = lambda _: None,
    ) -> None:
        self._client = client
        self._store = store
        self._clock = clock
        self._backoff = Backoff(first_s=_FIRST_WAIT_S, limit_s=_LONGEST_WAIT_S, rng=rng)
        self._name = name
        self._enrolment_key = enrolment_key
        self._show_code = show_code
        self._report = report
        self._phase = PAIRING_PHASES.start
        self._secret = ""
        self._answer: PairingAnswer | None = None
        self._problem = ""

    async def run(self) -> DeviceMembership:
        """Pair with the origin, however long it takes, and return the membership, which is saved.

        After an expired pairing the device asks again. While the origin cannot be reached, it waits.
        """
        while True:
            wait_s = POLL_S
            try:
                if self._phase is PairingPhase.ASKING:
                    await self._ask()
                if (membership := await self._poll()) is not None:
                    return membership
            except (OriginUnreachable, OriginRefused, Untrusted) as error:
                wait_s = self._after_failure(error)
            await self._clock.sleep(wait_s)

    async def _ask(self) -> None:
        self._secret = secrets.token_hex(32)
        request = PairingRequest(name=self._name, secret=self._secret, enrolment_key=self._enrolment_key)
        answer = await self._client.start_pairing(request)
        pin_root(answer.root)
        log.info("pairing=%s started", answer.pairing)
        self._answer = answer
        self._enter(PairingPhase.WAITING)

    async def _poll(self) -> DeviceMembership | None:
        """Ask once whether the device is approved; return its membership, already saved, if it is."""
        assert self._answer is not None, "a device polls only after the origin answered"
        state = await self._client.pairing(self._answer.pairing, self._secret)
        self._backoff.reset()
        self._report("")
        if state.status == "expired":
            self._enter(PairingPhase.ASKING)
        elif state.device and state.token and state.channel:
            membership = DeviceMembership(
                device=state.device, token=state.token, channel=state.channel, origin=self._client.url
            )
            await in_thread(save_membership, self._store, self._answer.root, membership)
            self._enter(PairingPhase.PAIRED)
            return membership
        else:
            self._show_code(pairing_code(self._answer.root, self._secret))
        return None

    def _after_failure(self, error: SignageError) -> float:
        """Return how long to wait; the code stays on the screen unless the pairing can no longer be used."""
        if self._phase is PairingPhase.WAITING:
            unknown = isinstance(error, OriginRefused) and error.status in _UNKNOWN_PAIRING
            if unknown or isinstance(error, Untrusted):
                self._enter(PairingPhase.ASKING)
            if unknown:
                return POLL_S
        if str(error) != self._problem:
            self._problem = str(error)
            log.warning("pairing waits: %s", error)
        self._report(f"Pairing waits: {self._problem}.")
        asked_s = error.retry_after_s if isinstance(error, OriginRefused) else None
        offline = isinstance(error, OriginUnreachable) and error.offline
        return self._backoff.next_s(at_least_s=asked_s or 0.0, offline=offline)

    def _enter(self, phase: PairingPhase) -> None:
        self._phase = PAIRING_PHASES.move(self._phase, phase)
        if phase is not PairingPhase.WAITING:
            self._show_code(None)
