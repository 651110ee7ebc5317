"""Reports over HTTP at `/v1/reports/{by}`: what was booked, promised and delivered, as JSON or CSV."""

from datetime import UTC, date, timedelta
from typing import Annotated, Literal, get_args

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict

from sync.errors import NotFound, Rejected
from sync.http.bodies import json_answer, read_query
from sync.http.operations import Operation
from sync.origin.api.lists import SEEN
from sync.origin.proof.csv_export import REPORT_COLUMNS, csv_of
from sync.origin.proof.delivery import ReportBy
from sync.origin.reports.delivery_report import DeliveryReport, ReportMaker, ReportQuestion, flat_rows
from sync.runtime.clock import Clock
from sync.wire.value_types import Identifier

DEFAULT_DAYS = 7
MOST_DAYS = 400


def _in_living_memory(day: date) -> date:
    if not 1970 <= day.year < 3000:
        raise ValueError("must be in the years 1970 to 2999")
    return day


_Day = Annotated[date, AfterValidator(_in_living_memory)]


class ReportQuery(BaseModel):
    """What a report is of. Both days are included; by default the last seven, until today."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_day: _Day | None = None
    last_day: _Day | None = None
    campaign: Identifier | None = None
    line: Identifier | None = None
    device: Identifier | None = None
    format: Literal["json", "csv"] = "json"

    def question(self, by: ReportBy, today: date) -> ReportQuestion:
        """Return the question.

        Raises:
            Rejected: the days are the wrong way round, or too many.
        """
        last = self.last_day or max(today, self.first_day or today)
        first = self.first_day or last - timedelta(days=DEFAULT_DAYS - 1)
        if not first <= last < first + timedelta(days=MOST_DAYS):
            wrong = f"must be {first} or a day up to {MOST_DAYS - 1} days later"
            raise Rejected(f"`last_day` {wrong}", fields={"last_day": wrong})
        return ReportQuestion(by, first, last, self.campaign, self.line, self.device)


class ReportRoutes:
    """Serves reports."""

    def __init__(self, maker: ReportMaker, clock: Clock) -> None:
        self._maker = maker
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operation."""
        return (
            Operation(
                "GET",
                "/v1/reports/{by}",
                self._report,
                "What was booked, promised and delivered, by campaign, line, creative, device, day or hour",
                SEEN,
                answer=DeliveryReport,
                query=ReportQuery,
                other_types=("text/csv",),
            ),
        )

    async def _report(self, request: web.Request) -> web.Response:
        by, query = request.match_info["by"], read_query(request, ReportQuery)
        for kind in get_args(ReportBy):
            if by == kind:
                report = await self._maker.make(query.question(kind, self._clock.now().astimezone(UTC).date()))
                if query.format == "csv":
                    text = csv_of(flat_rows(report), REPORT_COLUMNS)
                    return web.Response(text=text, content_type="text/csv", charset="utf-8")
                return json_answer(report)
        raise NotFound(f"there is no report by {by[:64]}: there are {', '.join(get_args(ReportBy))}")
