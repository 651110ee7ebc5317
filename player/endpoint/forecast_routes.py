"""The operations `/v1/explain` and `/v1/forecast`, from the log of plays and the files of this player."""

import asyncio
from datetime import datetime

from aiohttp import web
from pydantic import Field

from player.diagnostics.offline_view import read_decision_view
from player.settings.configuration import Configuration
from player.status.status_sources import CurrentSessionView
from sync.device.store.content_store import ContentStore
from sync.errors import Conflict
from sync.http.bodies import json_answer, read_query
from sync.http.operations import Access, Operation
from sync.programme.preview.decision_inputs import DecisionInputs
from sync.programme.preview.explanation import Explanation, explain
from sync.programme.preview.forecast import Forecast, forecast
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread
from sync.wire.value_types import AskedInstant, Request


class ExplainQuery(Request):
    """The time to explain, by default now."""

    at: AskedInstant | None = None


class ForecastQuery(Request):
    """The length of the forecast, and the highest number of slots."""

    hours: float = Field(1.0, gt=0, le=24)
    most: int = Field(500, ge=1, le=2_000)


class ForecastRoutes:
    """The operations `explain` and `forecast`."""

    def __init__(
        self, content: ContentStore, configuration: Configuration, session: CurrentSessionView, clock: Clock
    ) -> None:
        self._content = content
        self._configuration = configuration
        self._session = session
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()  # else those who ask often take the processor from the programme itself

    def operations(self) -> tuple[Operation, ...]:
        """Return the table of what is served."""
        why, ahead = "Why the programme is what it is, now or at another time", "What will be on air in the next hours"
        return (
            Operation("GET", "/v1/explain", self._explain, why, Access.READ, answer=Explanation, query=ExplainQuery),
            Operation("GET", "/v1/forecast", self._forecast, ahead, Access.READ, answer=Forecast, query=ForecastQuery),
        )

    async def _explain(self, request: web.Request) -> web.Response:
        at = read_query(request, ExplainQuery).at
        async with self._one_at_a_time:
            return json_answer(await in_thread(explain, await self._view(at)))

    async def _forecast(self, request: web.Request) -> web.Response:
        query = read_query(request, ForecastQuery)
        async with self._one_at_a_time:
            return json_answer(await in_thread(forecast, await self._view(None), query.hours, query.most))

    async def _view(self, at: datetime | None) -> DecisionInputs:
        session = self._session()
        if session is None:
            raise Conflict("the player starts, or becomes another device: ask again in a moment")
        return await read_decision_view(self._content, session.ledger, self._configuration.settings, self._clock, at)
