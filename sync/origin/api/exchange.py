"""The one request a device makes once a period: what it reports and delivers, and what it has to know."""

from aiohttp import web

from sync.http.bodies import MOST_VALUES, json_answer, parse_json, read_body
from sync.http.operations import Access, Operation
from sync.origin.http.auth import caller_of
from sync.origin.intake.exchange import Exchanges, ReceivedExchange
from sync.origin.sent_plays.sent_play import read_exchange
from sync.wire.device_reports import BATCH_LIMIT
from sync.wire.live_messages import Exchange, ExchangeAnswer

CAP_BYTES = 4 * 1024 * 1024 + 64 * 1024
"""Of a batch of plays, and of a heartbeat."""

_MOST_VALUES = 100 * BATCH_LIMIT + MOST_VALUES  # a play has about 45


class ExchangeRoutes:
    """Serves exchanges over HTTP."""

    def __init__(self, exchanges: Exchanges) -> None:
        self._exchanges = exchanges

    def operations(self) -> tuple[Operation, ...]:
        """Return the one operation."""
        what = "Report, deliver plays, and hear what is new"
        return (Operation("POST", "/v1/exchange", self._exchange, what, Access.DEVICE, Exchange, ExchangeAnswer),)

    async def _exchange(self, request: web.Request) -> web.Response:
        raw = await read_body(request, CAP_BYTES)
        asked = read_exchange(raw, _MOST_VALUES) or await parse_json(raw, ReceivedExchange, _MOST_VALUES)
        return json_answer(await self._exchanges.exchange(caller_of(request), asked))
