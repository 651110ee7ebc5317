"""The WebSocket `GET /v1/live`: opens it for who has a token, and passes on what devices and pages say there.

One task reads each socket, one message after the other. What is no message of ours is ignored.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web
from pydantic import RootModel, ValidationError

from sync.errors import Forbidden, Rejected, SignageError
from sync.http.bodies import MOST_VALUES, parse_json
from sync.http.operations import Access, Operation
from sync.http.problems import status_of
from sync.origin.http.auth import caller_of
from sync.origin.http.origin_memory import Caller
from sync.origin.live.frames import hint_frame, pong_frame
from sync.origin.live.listeners import Listener
from sync.origin.live.live_hints import GOODBYE_S, LiveHints
from sync.origin.sent_plays.sent_play import SentExchange, read_exchange_message
from sync.runtime.clock import Clock
from sync.wire.device_reports import BATCH_LIMIT
from sync.wire.live_messages import LARGEST_MESSAGE_BYTES, ExchangeAnswer, Hint, OnAirMessage

LARGEST_OF_PAGE_BYTES = 16 * 1024
LARGEST_ON_AIR_BYTES = 8 * 1024  # it is held in memory, and told to pages
_MOST_VALUES = 100 * BATCH_LIMIT + MOST_VALUES  # of an exchange; a play has about 45
_LONGEST_DETAIL = 4_000  # characters
_LARGEST_NUMBER = 2**53

log = logging.getLogger(__name__)

AnswerExchange = Callable[[Caller, SentExchange | dict[str, Any]], Awaitable[ExchangeAnswer]]
"""Answers the exchange of a device; a JSON object is not checked yet. What it raises of `SignageError` is told."""


class _Message(RootModel[dict[str, Any]]):
    """Any JSON object."""


class LiveRoutes:
    """Serves the WebSocket."""

    def __init__(self, live: LiveHints, exchange: AnswerExchange, clock: Clock) -> None:
        self._live = live
        self._exchange = exchange
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the one WebSocket."""
        return (Operation("GET", "/v1/live", self._open_socket, "Hints over WebSocket", Access.ANY_TOKEN, status=101),)

    async def _open_socket(self, request: web.Request) -> web.StreamResponse:
        caller = caller_of(request)
        largest = LARGEST_MESSAGE_BYTES if caller.is_device else LARGEST_OF_PAGE_BYTES
        socket = web.WebSocketResponse(
            compress=False, autoclose=False, autoping=False, max_msg_size=largest, timeout=GOODBYE_S
        )
        if not socket.can_prepare(request).ok:
            raise web.HTTPBadRequest(text="this address is a WebSocket: open it as one, version 13")
        await socket.prepare(request)
        if request.transport is not None:
            await self._serve(Listener(caller, request.transport), socket)
        return socket

    async def _serve(self, listener: Listener, socket: web.WebSocketResponse) -> None:
        self._live.greet(listener)
        self._live.listeners.add(listener)
        try:
            await self._read(listener, socket)
        finally:
            self._live.listeners.remove(listener)
            self._live.pages.leave(listener)
        if listener.is_leaving:
            listener.transport.close()  # both have said that it ends
        else:
            await _close(listener.transport, socket)

    async def _read(self, listener: Listener, socket: web.WebSocketResponse) -> None:
        while True:
            message = await socket.receive()
            listener.heard()
            if message.type is WSMsgType.TEXT and listener.is_leaving:
                log.debug("%s goes on although its connection ends", listener.caller.id)
            elif message.type is WSMsgType.TEXT:
                listener.is_busy = True
                await self._take(listener, message.data.encode())
                listener.is_busy = False
            elif message.type is WSMsgType.PING:
                listener.send(pong_frame(message.data))
            elif message.type not in (WSMsgType.PONG, WSMsgType.BINARY):
                return
            await self._clock.sleep(0)  # hundreds may have come at once

    async def _take(self, listener: Listener, raw: bytes) -> None:
        if listener.is_device and (found := read_exchange_message(raw, _MOST_VALUES)):
            await self._answer(listener, found.number, found.exchange)
            return
        try:
            message = (await parse_json(raw, _Message, _MOST_VALUES if listener.is_device else MOST_VALUES)).root
        except Rejected as error:
            log.debug("%s sends what is no message: %s", listener.caller.id, error)
            return
        topic = message.get("topic")
        if topic == "watch":
            await self._watch(listener, message)
        elif topic == "ping":
            listener.send(hint_frame({"topic": "pong"}))
        elif topic == "exchange" and listener.is_device:
            await self._answer(listener, message.get("number"), message.get("exchange"))
        elif topic == "on_air" and listener.is_device and len(raw) <= LARGEST_ON_AIR_BYTES:
            self._show(listener.caller.id, message)

    async def _answer(self, listener: Listener, number: object, asked: object) -> None:
        if type(number) is not int or not 0 <= number <= _LARGEST_NUMBER:
            return  # an answer could not say to what
        try:
            if not isinstance(asked, SentExchange | dict):
                raise Rejected("`exchange` must be an object: what the device reports and delivers")
            hint = Hint(topic="exchange", number=number, answer=await self._exchange(listener.caller, asked))
        except SignageError as error:
            hint = _refusal("exchange", error, number)
        listener.send(hint_frame(hint))

    async def _watch(self, listener: Listener, message: dict[str, Any]) -> None:
        try:
            if listener.is_device:
                raise Forbidden("what screens show is told to people, not to devices")
            await self._live.pages.watch(listener, message)
        except SignageError as error:
            listener.send(hint_frame(_refusal("watch", error)))

    def _show(self, device: str, message: dict[str, Any]) -> None:
        try:
            self._live.screens.showed(device, OnAirMessage.model_validate(message))
        except ValidationError as error:
            log.debug("device=%s says wrongly what it shows: %s", device, error)


def _refusal(topic: str, error: SignageError, number: int | None = None) -> Hint:
    detail, status = str(error)[:_LONGEST_DETAIL], status_of(error)
    return Hint(topic=topic, number=number, status=status, detail=detail, retry_after_s=error.retry_after_s)


async def _close(transport: asyncio.Transport, socket: web.WebSocketResponse) -> None:
    """Close a WebSocket from the other side or after a fault; cut the connection if that is not answered in time."""
    try:
        async with asyncio.timeout(GOODBYE_S):
            await socket.close(drain=False)
    except (TimeoutError, ConnectionError):
        transport.abort()
