"""The live connection of a device to its origin: hints come over it, exchanges and what is on air go.

Without it nothing is missing: exchanges go over HTTP, and news are found by them. So whatever is wrong with it, nobody
waits for it for long.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import count
from random import Random

import aiohttp

from sync.device.origin_client import OriginClient
from sync.device.transfer.asset_state import LONGEST_ASKED_S
from sync.errors import OriginRefused, OriginUnreachable, SignageError
from sync.runtime.clock import Backoff, Clock
from sync.runtime.waiting import first_of
from sync.wire.live_messages import Exchange, ExchangeAnswer, ExchangeMessage, Hint, OnAirMessage
from sync.wire.value_types import read_strictly

ANSWER_S = 20.0
"""How long an answer may take; then the exchange goes over HTTP."""

SILENT_S = 600.0
"""For so long no exchange goes over live connections after one was not answered: it may be answered never."""

LARGEST_BYTES = 64 * 1024
"""The largest exchange that goes over it: on a slow line a larger one would delay hints, and be late itself."""

ON_AIR_APART_S = 1.0
"""The least time between two messages of what is on air: what changes faster is told as it is then."""

_SETTLES_S = 0.2  # from a cut until it is known, too, what comes next

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0
_LONGEST_WINDOW_S = 600.0
_STABLE_S = 10.0  # a connection that ended sooner is no success: the waits go on to grow
_MOST_VALUES = 5_000

log = logging.getLogger(__name__)


class LiveConnection:
    """A service that keeps the connection. `heard` is given the hints, `opening` is called before each try.

    Only an origin that says `welcome` is sent anything: an older one would not understand it.
    """

    def __init__(
        self,
        client: OriginClient,
        clock: Clock,
        rng: Random,
        heard: Callable[[Hint], Awaitable[None]],
        opening: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._rng = rng
        self._heard = heard
        self._opening = opening
        self._backoff = Backoff(first_s=_FIRST_WAIT_S, limit_s=_LONGEST_WAIT_S, rng=rng)
        self._welcomed = asyncio.Event()
        self._socket: aiohttp.ClientWebSocketResponse | None = None  # once exchanges may go over it
        self._return_within_s = 0.0
        self._numbers = count()
        self._asked: tuple[int, asyncio.Future[Hint | None]] | None = None
        self._silent_until_s = 0.0
        self._on_air: OnAirMessage | None = None
        self._on_air_changed = asyncio.Event()

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        while True:
            self._opening()
            opened_s = self._clock.monotonic()
            error: SignageError | None = None
            try:
                async with self._client.live() as socket:
                    await first_of(self._read(socket), self._tell_on_air(socket))
            except (OriginRefused, OriginUnreachable) as reason:
                log.debug("no live connection: %s", reason)
                error = reason
            finally:
                self._ended()
            await self._clock.sleep(self._wait_s(opened_s, error))

    def show(self, message: OnAirMessage) -> None:
        """Have the origin told what is on air; it hears the last of what changes within a second."""
        self._on_air = message
        self._on_air_changed.set()

    async def exchange(self, exchange: Exchange) -> ExchangeAnswer | None:
        """Return the answer; None: none is to be had here, so ask over HTTP. One at a time.

        Raises:
            OriginRefused: the origin says why it does not take this exchange.
        """
        socket, number = self._socket, next(self._numbers)
        if socket is None or self._clock.monotonic() < self._silent_until_s:
            return None
        message = ExchangeMessage(number=number, exchange=exchange).model_dump_json()
        if len(message.encode()) > LARGEST_BYTES:
            return None
        hint = await self._answer(socket, number, message)
        if hint is not None and hint.status != 200:
            text = f"the live connection answers with status {hint.status}: {hint.detail[:200]}"
            raise OriginRefused(text, status=hint.status, retry_after_s=hint.retry_after_s, detail=hint.detail)
        if socket is self._socket and (hint is None or hint.answer is None):
            log.info("the live connection does not answer exchanges: for %.0f s they go over HTTP", SILENT_S)
            self._silent_until_s = self._clock.monotonic() + SILENT_S
        return None if hint is None else hint.answer

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, number: int, message: str) -> Hint | None:
        answer: asyncio.Future[Hint | None] = asyncio.get_running_loop().create_future()
        self._asked = number, answer

        async def ask() -> Hint | None:
            await socket.send_str(message)
            return await answer

        async def too_late() -> None:
            await self._clock.sleep(ANSWER_S)

        try:
            return await first_of(ask(), too_late())
        except (aiohttp.ClientError, OSError) as error:  # the reader meets the same
            log.debug("the live connection ended: %s", error)
            return None
        finally:
            self._asked = None

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if (hint := _hint(message)) is not None:
                await self._take(socket, hint)
            await self._clock.sleep(0)  # there may be thousands that wait

    async def _take(self, socket: aiohttp.ClientWebSocketResponse, hint: Hint) -> None:
        if hint.topic == "exchange":
            if self._asked is not None and self._asked[0] == hint.number and not self._asked[1].done():
                self._asked[1].set_result(hint)
            return
        if hint.topic == "welcome":
            self._socket, self._return_within_s = socket, min(hint.within_s, _LONGEST_WINDOW_S)
            self._welcomed.set()
        elif hint.topic == "channel":  # the origin closes it: it knows us by the old channel here
            self._socket, self._return_within_s = None, 0.0
        await self._heard(hint)

    async def _tell_on_air(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await self._welcomed.wait()
        told: OnAirMessage | None = None
        while True:
            self._on_air_changed.clear()
            if self._on_air is None or self._on_air == told:
                await self._on_air_changed.wait()
                continue
            await self._clock.sleep(_SETTLES_S)
            told = self._on_air
            await socket.send_str(told.model_dump_json())
            await self._clock.sleep(ON_AIR_APART_S - _SETTLES_S)

    def _ended(self) -> None:
        self._socket = None
        self._welcomed.clear()
        if self._asked is not None and not self._asked[1].done():
            self._asked[1].set_result(None)

    def _wait_s(self, opened_s: float, error: SignageError | None) -> float:
        """Return when to come back: at a random moment of the window that the origin named, else after the backoff."""
        window_s, self._return_within_s = self._return_within_s, 0.0
        if self._clock.monotonic() - opened_s >= _STABLE_S:
            self._backoff.reset()
        asked_s = 0.0 if error is None else spread_wait_s(error.retry_after_s, self._rng)
        wait_s = self._backoff.next_s(at_least_s=asked_s, offline=error is not None and error.offline)
        return max(wait_s, self._rng.uniform(0.0, window_s))


def spread_wait_s(asked_s: float, rng: Random) -> float:
    """Return how long to wait where an origin asks many devices to wait `asked_s`, at most a quarter of an hour."""
    return min(asked_s, LONGEST_ASKED_S) * rng.uniform(1, 1.25)


def _hint(message: aiohttp.WSMessage) -> Hint | None:
    if message.type is not aiohttp.WSMsgType.TEXT:
        return None
    try:
        return read_strictly(Hint, message.data.encode(), most_values=_MOST_VALUES)
    except ValueError:
        return None  # of a newer origin
