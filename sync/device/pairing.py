"""Pairs a device with an origin: it pins the origin's root, shows a code, and waits until a person approves it.

The code covers the root's bytes and the device's secret. If somebody replaces the root on the way, the screen shows a
code that the origin does not know. A device with an enrolment key proves that it knows it, once for each pairing. The
proof is of no use to another origin, but who passes it on along with the secret gets the token: so nothing is proven
over plain HTTP to another machine, unless a person named the origin by its fingerprint.
"""

import logging
import secrets
from collections.abc import Callable
from enum import StrEnum
from random import Random

from sync.device.origin_client import OriginClient
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership, save_membership
from sync.errors import OriginRefused, OriginUnreachable, SignageError, StorageBroken, StorageFull, Untrusted
from sync.runtime.clock import Backoff, Clock
from sync.runtime.state_table import StateTable
from sync.runtime.threads import in_thread
from sync.trust.signing import enrolment_proof, pairing_code, pin_root, root_fingerprint
from sync.wire.device_reports import EnrolmentProof, PairingAnswer, PairingRequest
from sync.wire.release import Root

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
            PairingPhase.ASKING: "the pairing expired, its answer cannot be trusted, or the enrolment key is wrong",
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
        self._is_key_refused = False
        self._is_to_prove = False
        self._phase = PAIRING_PHASES.start
        self._secret = ""
        self._answer: PairingAnswer | None = None
        self._granted: DeviceMembership | None = None  # not saved yet
        self._problem = ""
        self._key_problem = ""
        self._logged_key_problem = ""

    async def run(self) -> DeviceMembership:
        """Pair with the origin, however long it takes, and return the membership, which is saved.

        After an expired pairing the device asks again. While the origin cannot be reached, or the membership cannot be
        saved, it waits: asking again would make one more device at the origin.
        """
        while True:
            wait_s = POLL_S
            try:
                if self._phase is PairingPhase.ASKING:
                    await self._ask()
                if self._is_to_prove and not await self._prove():
                    await self._ask()  # for a person
                self._granted = self._granted or await self._poll()
                if self._granted is not None:
                    return await self._save(self._granted)
            except (OriginUnreachable, OriginRefused, Untrusted, StorageBroken, StorageFull) as error:
                wait_s = self._after_failure(error)
            await self._clock.sleep(wait_s)

    async def _ask(self) -> None:
        self._secret = secrets.token_hex(32)
        answer = await self._client.start_pairing(PairingRequest(name=self._name, secret=self._secret))
        self._check_root(await in_thread(pin_root, answer.root))
        log.info("pairing=%s started", answer.pairing)
        self._answer = answer
        if self._enrolment_key and not self._is_key_refused:
            self._tell_about_key(self._why_not_to_prove(answer))
            self._is_to_prove = not self._key_problem
        self._enter(PairingPhase.WAITING)

    def _check_root(self, root: Root) -> None:
        wanted, found = self._client.fingerprint, root_fingerprint(root)
        if wanted and wanted != found:
            raise Untrusted(
                f"another origin answers at {self._client.url}: its fingerprint is {found}, not that of "
                "origin.fingerprint. If it is right all the same, set what `signage-origin fingerprint` prints there"
            )

    def _why_not_to_prove(self, answer: PairingAnswer) -> str:
        if not (self._client.is_private or self._client.fingerprint):
            return (
                "the enrolment key is not used over plain HTTP, where somebody may pass himself off as the origin: "
                "use HTTPS, set origin.fingerprint, or enter the code"
            )
        if not answer.takes_proof:
            return (
                "the origin takes no proof of the enrolment key: it has no key of at least 16 letters, "
                "or is older than this player; set its key, update it, or enter the code"
            )
        return ""

    async def _prove(self) -> bool:
        """Prove to know the enrolment key; return False if the origin refuses that, and the pairing is given up."""
        assert self._answer is not None, "the origin answered before"
        url = self._client.url
        proof = enrolment_proof(self._enrolment_key or "", pin_root(self._answer.root), self._secret, url)
        try:
            await self._client.prove_enrolment(self._answer.pairing, self._secret, EnrolmentProof(url=url, proof=proof))
        except OriginRefused as error:
            if error.may_pass:
                raise
            self._is_key_refused = True
            self._tell_about_key(f"{self._client.url} refuses the proof: {error.detail or error}")
            self._enter(PairingPhase.ASKING)
        self._is_to_prove = False
        return not self._is_key_refused

    def _tell_about_key(self, problem: str) -> None:
        if problem and problem != self._logged_key_problem:
            log.warning("no pairing by enrolment key: %s", problem)
            self._logged_key_problem = problem
        self._key_problem = problem

    async def _poll(self) -> DeviceMembership | None:
        """Ask once whether the device is approved; return its membership if it is."""
        assert self._answer is not None, "a device polls only after the origin answered"
        state = await self._client.pairing(self._answer.pairing, self._secret)
        self._backoff.reset()
        self._report(f"A person has to enter the code: {self._key_problem}." if self._key_problem else "")
        if state.status == "expired":
            self._is_key_refused = False  # the origin's key may have been put right
            self._enter(PairingPhase.ASKING)
        elif state.device and state.token and state.channel:
            return DeviceMembership(
                device=state.device, token=state.token, channel=state.channel, origin=self._client.url
            )
        else:
            self._show_code(pairing_code(self._answer.root, self._secret))
        return None

    async def _save(self, membership: DeviceMembership) -> DeviceMembership:
        assert self._answer is not None, "the origin answered before"
        await in_thread(save_membership, self._store, self._answer.root, membership)
        self._enter(PairingPhase.PAIRED)
        return membership

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
        return self._backoff.next_s(at_least_s=error.retry_after_s, offline=error.offline)

    def _enter(self, phase: PairingPhase) -> None:
        self._phase = PAIRING_PHASES.move(self._phase, phase)
        if phase is not PairingPhase.WAITING:
            self._show_code(None)
