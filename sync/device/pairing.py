"""How a device comes to belong to an origin: it pins the root it is given, shows a code, and waits to be let in.

The code covers the root's bytes and the device's secret: whoever swaps the root on the way gives the screen a code the
origin has never heard of.
"""

import logging
import secrets
from collections.abc import Callable
from random import Random

from sync.device.origin_client import OriginClient
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership, _keep
from sync.errors import OriginRefused, OriginUnreachable, SignageError, Untrusted
from sync.runtime.clock import Backoff, Clock
from sync.runtime.threads import in_thread
from sync.trust.signing import pairing_code, pin_root
from sync.wire.release import Envelope
from sync.wire.report import PairingRequest

POLL_S = 2.0
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0

ShowCode = Callable[[str | None], None]

log = logging.getLogger(__name__)


async def pair(
    client: OriginClient,
    cache: ContentStore,
    clock: Clock,
    rng: Random,
    name: str,
    enrolment_key: str | None,
    show_code: ShowCode,
) -> DeviceMembership:
    """Pair with the origin, for as long as it takes, and store the result.

    `show_code` is called with the code while a person has to type it, and with None when it need not be shown.
    An expired pairing is begun again; an origin out of reach is waited for.
    """
    pairing = _Pairing(client, clock, Backoff(first_s=_FIRST_WAIT_S, limit_s=_LONGEST_WAIT_S, rng=rng), show_code)
    problem = ""
    while True:
        request = PairingRequest(name=name, secret=secrets.token_hex(32), enrolment_key=enrolment_key)
        wait_s = POLL_S
        try:
            admitted = await pairing.go_through(request)
            if admitted is not None:
                await in_thread(_keep, cache, *admitted)
                show_code(None)
                return admitted[1]
        except (OriginUnreachable, OriginRefused, Untrusted) as error:
            if str(error) != problem:
                problem = str(error)
                log.warning("pairing waits: %s", problem)
            wait_s = pairing.wait_s(error)
        show_code(None)
        await clock.sleep(wait_s)


class _Pairing:
    """Pairing with one origin, one request after another."""

    def __init__(self, client: OriginClient, clock: Clock, backoff: Backoff, show_code: ShowCode) -> None:
        self._client = client
        self._clock = clock
        self._backoff = backoff
        self._show_code = show_code

    def wait_s(self, error: SignageError) -> float:
        """Return how long to wait after a failure."""
        asked_s = error.retry_after_s if isinstance(error, OriginRefused) else None
        return self._backoff.next_s(at_least_s=asked_s or 0.0)

    async def go_through(self, request: PairingRequest) -> tuple[Envelope, DeviceMembership] | None:
        """Ask, and poll until let in; None when the pairing expired or the origin forgot it."""
        answer = await self._client.start_pairing(request)
        pin_root(answer.root)
        log.info("pairing=%s begun", answer.pairing)
        while True:
            try:
                state = await self._client.pairing(answer.pairing, request.secret)
            except (OriginUnreachable, OriginRefused) as error:
                if isinstance(error, OriginRefused) and error.status in (404, 410):
                    return None
                await self._clock.sleep(self.wait_s(error))
                continue
            self._backoff.reset()
            if state.status == "expired":
                return None
            if state.device and state.token and state.channel:
                url = self._client.url
                member = DeviceMembership(device=state.device, token=state.token, channel=state.channel, origin=url)
                return answer.root, member
            self._show_code(pairing_code(answer.root, request.secret))
            await self._clock.sleep(POLL_S)
