"""How a device comes to belong to an origin: it pins the root it is given, shows a code, and waits to be let in.

The code covers the root's bytes and the device's secret: whoever swaps the root on the way gives the screen a code the
origin has never heard of.
"""

import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from random import Random

from pydantic import ValidationError

from sync import OriginRefused, OriginUnreachable, SignageError, Untrusted
from sync.cache import Cache, write_durably
from sync.client import OriginClient
from sync.clock import Backoff, Clock
from sync.report import PairingAnswer, PairingRequest
from sync.signing import pairing_code, pin_root
from sync.wire import Identifier, Wire

POLL_S = 2.0
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0
_FILE_CAP_BYTES = 64 * 1024

ShowCode = Callable[[str | None], None]

log = logging.getLogger(__name__)


class Membership(Wire):
    """What a paired device is: kept in `state/membership.json`, readable by its owner only."""

    device: Identifier
    token: str
    channel: Identifier
    origin: str


def load_membership(cache: Cache) -> Membership | None:
    """Return the stored membership; None before pairing, or when the file is damaged and pairing has to be repeated."""
    path = _path(cache)
    try:
        with path.open("rb") as file:
            return Membership.model_validate_json(file.read(_FILE_CAP_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        log.error("file=%s is damaged: the device has to be paired again", path)
        return None


async def join(
    client: OriginClient,
    cache: Cache,
    clock: Clock,
    rng: Random,
    name: str,
    enrolment_key: str | None,
    show_code: ShowCode,
) -> Membership:
    """Pair with the origin, for as long as it takes, and store the result.

    `show_code` is called with the code while a person has to type it, and with None when it need not be shown.
    An expired pairing is begun again; an origin out of reach is waited for.
    """
    backoff = Backoff(first_s=_FIRST_WAIT_S, limit_s=_LONGEST_WAIT_S, rng=rng)
    problem = ""
    while True:
        try:
            membership = await _pair(client, cache, clock, name, enrolment_key, show_code, backoff)
            if membership is not None:
                return membership
            wait_s = POLL_S
        except (OriginUnreachable, OriginRefused, Untrusted) as error:
            if str(error) != problem:
                problem = str(error)
                log.warning("pairing waits: %s", problem)
            wait_s = backoff.next_s(at_least_s=_asked_s(error))
        show_code(None)
        await clock.sleep(wait_s)


async def _pair(
    client: OriginClient,
    cache: Cache,
    clock: Clock,
    name: str,
    enrolment_key: str | None,
    show_code: ShowCode,
    backoff: Backoff,
) -> Membership | None:
    """Go through one pairing; None when it expired."""
    secret = secrets.token_hex(32)
    answer = await client.start_pairing(PairingRequest(name=name, secret=secret, enrolment_key=enrolment_key))
    pin_root(answer.root)
    log.info("pairing=%s begun", answer.pairing)
    while True:
        try:
            state = await client.pairing(answer.pairing, secret)
        except (OriginUnreachable, OriginRefused) as error:
            if isinstance(error, OriginRefused) and error.status in (404, 410):
                return None
            await clock.sleep(backoff.next_s(at_least_s=_asked_s(error)))
            continue
        backoff.reset()
        if state.status == "expired":
            return None
        if state.device and state.token and state.channel:
            membership = Membership(device=state.device, token=state.token, channel=state.channel, origin=client.url)
            _keep(cache, answer, membership)
            show_code(None)
            return membership
        show_code(pairing_code(answer.root, secret))
        await clock.sleep(POLL_S)


def _asked_s(error: SignageError) -> float:
    return (error.retry_after_s or 0.0) if isinstance(error, OriginRefused) else 0.0


def _keep(cache: Cache, answer: PairingAnswer, membership: Membership) -> None:
    cache.keep_root(answer.root.model_dump_json().encode())  # first: a member without a root could accept nothing
    write_durably(_path(cache), membership.model_dump_json().encode(), mode=0o600)
    log.info("device=%s paired channel=%s", membership.device, membership.channel)


def _path(cache: Cache) -> Path:
    return cache.state / "membership.json"
