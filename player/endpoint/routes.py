"""The operations of the endpoint. Each one parses the request, calls one part of the player, and answers."""

import json
from collections.abc import Iterator
from typing import Any, Protocol

from aiohttp import hdrs, web
from pydantic import BaseModel, Field, SecretStr

from player.display.screenshots import ImageFormat, ScreenshotTaker
from player.endpoint.auth import AccessGuard
from player.protocol.now_playing import Now
from player.protocol.operator_command import Command
from player.protocol.status import KeyStatus, Status, TrafficStatus
from player.settings.configuration import Configuration, ConfigView
from player.settings.model import Settings
from player.status.collector import StatusCollector
from player.status.metrics import CONTENT_TYPE, PlayerMetrics
from player.status.status_sources import ConnectionView, CurrentSessionView, TrafficSource
from player.status.wording import key_status, traffic_status
from sync.errors import Conflict, Rejected
from sync.http.bodies import json_answer, read_body, read_json, read_query, requested_version
from sync.http.operations import Access, Operation
from sync.http.problems import problem
from sync.runtime.threads import in_thread
from sync.wire.input.input_messages import json_fault
from sync.wire.value_types import Request, Sha256

_MOST_WIDTH = 10_000
_MOST_PLAYS = 500


class Login(Request):
    """The token of the endpoint, entered on the page."""

    token: SecretStr


class Plays(BaseModel):
    """Logged plays, the newest first."""

    plays: list[dict[str, Any]]


class PlaysQuery(Request):
    """The highest number of plays; only plays with a sequence below `before`."""

    limit: int = Field(100, ge=1, le=_MOST_PLAYS)
    before: int = Field(2**62, ge=1, le=2**62)


class LetThrough(Request):
    """The release to fetch whatever the budget of the month; without one, that which is being fetched."""

    release: Sha256 | None = None


class TrafficControl(TrafficSource, Protocol):
    """The counter of bytes."""

    def let_through(self, release: str) -> None:
        """Have the media of one release fetched whatever the budget of this month; blocks."""


class PictureQuery(Request):
    """The greatest width of the picture, in pixels."""

    width: int = Field(_MOST_WIDTH, ge=1, le=_MOST_WIDTH)


class Well(BaseModel):
    """The display answers."""

    status: str = "ok"


class EndpointRoutes:
    """The operations about the present, and the commands."""

    def __init__(
        self,
        collector: StatusCollector,
        configuration: Configuration,
        session: CurrentSessionView,
        screenshots: ScreenshotTaker,
        guard: AccessGuard,
        metrics: PlayerMetrics,
        traffic: TrafficControl,
    ) -> None:
        self._collector = collector
        self._configuration = configuration
        self._session = session
        self._screenshots = screenshots
        self._guard = guard
        self._metrics = metrics
        self._traffic = traffic

    def operations(self) -> tuple[Operation, ...]:
        """Return the table of what is served."""
        read, anyone = Access.READ, Access.OPEN
        return (
            Operation("GET", "/v1/status", self._status, "How this player is", read, answer=Status),
            Operation("GET", "/v1/now", self._now, "What the screen shows, why, and what is next", read, answer=Now),
            *self._orders(),
            Operation(
                "GET", "/v1/plays", self._plays, "Proof of play, newest first", read, answer=Plays, query=PlaysQuery
            ),
            *self._tagged(),
            Operation(
                "POST",
                "/v1/session",
                self._log_in,
                "Log a page in",
                anyone,
                body=Login,
                status=204,
                answer_headers=(hdrs.SET_COOKIE,),
            ),
            Operation("DELETE", "/v1/session", self._log_out, "Log a page out", anyone, status=204),
            Operation("GET", "/metrics", self._scrape, "Metrics for Prometheus", read, answer="text/plain"),
            Operation("GET", "/healthz", self._health, "Whether the display answers", anyone, answer=Well),
        )

    def _orders(self) -> Iterator[Operation]:
        """Yield the operations that have the player do something."""
        write = Access.WRITE
        yield Operation("POST", "/v1/commands", self._command, "Command the screen", write, Command, Now)
        yield Operation("POST", "/v1/sync", self._sync, "Ask the origin now", write, status=202)
        what = "Fetch one release whatever the budget of the month"
        yield Operation("POST", "/v1/let-through", self._let_through, what, write, LetThrough, TrafficStatus)
        what = "Replace the key that signs the log of plays, once the origin has certified another"
        yield Operation("POST", "/v1/rotate-key", self._rotate_key, what, write, answer=KeyStatus)

    def _tagged(self) -> Iterator[Operation]:
        """Yield the operations whose answers have an ETag."""
        path, what, read, tag = "/v1/config", "The settings and their sources", Access.READ, (hdrs.ETAG,)
        yield Operation("GET", path, self._config, what, read, answer=ConfigView, answer_headers=tag)
        yield Operation(
            "PATCH",
            path,
            self._patch,
            "Change settings (JSON merge patch)",
            Access.WRITE,
            Settings,
            ConfigView,
            headers=(hdrs.IF_MATCH,),
            answer_headers=tag,
        )
        for ending, kind, handler in (("png", ImageFormat.PNG, self._png), ("jpg", ImageFormat.JPEG, self._jpeg)):
            path, what = f"/v1/screenshot.{ending}", f"The display now, as a {kind.name}"
            yield Operation("GET", path, handler, what, read, answer=kind.value, query=PictureQuery, answer_headers=tag)

    async def _status(self, request: web.Request) -> web.Response:
        return json_answer(await self._collector.status())

    async def _now(self, request: web.Request) -> web.Response:
        return json_answer(self._collector.now())

    async def _config(self, request: web.Request) -> web.Response:
        return json_answer(self._configuration.view(), version=self._configuration.version)

    async def _patch(self, request: web.Request) -> web.Response:
        patch = parse_object(await read_body(request, 64 * 1024))
        view = await self._configuration.patch(patch, expected=requested_version(request))
        return json_answer(view, version=self._configuration.version)

    async def _command(self, request: web.Request) -> web.Response:
        command = await read_json(request, Command, cap_bytes=64 * 1024)
        session = self._session()
        if session is None:
            raise Conflict("the player starts, or becomes another device: ask again in a moment")
        await session.director.command(command)
        return json_answer(self._collector.now())

    async def _sync(self, request: web.Request) -> web.Response:
        self._connection().syncer.wake()
        return web.Response(status=202)

    async def _let_through(self, request: web.Request) -> web.Response:
        release = (await read_json(request, LetThrough, cap_bytes=4096)).release
        syncer = self._connection().syncer
        facts = syncer.facts()
        fetched = facts.preparing or (facts.release if facts.out_of_budget else None)  # media of what plays were lost
        if (wanted := release or fetched) is None:
            raise Conflict("no release is being fetched: there is nothing to let through")
        await in_thread(self._traffic.let_through, wanted)
        syncer.limits_changed()
        return json_answer(traffic_status(self._traffic.state()))

    async def _rotate_key(self, request: web.Request) -> web.Response:
        return json_answer(key_status(await self._connection().certification.rotate()))

    def _connection(self) -> ConnectionView:
        session = self._session()
        if session is None or session.connection is None:
            raise Conflict("this screen is not paired with an origin yet: pair it first")
        return session.connection

    async def _plays(self, request: web.Request) -> web.Response:
        query = read_query(request, PlaysQuery)
        return json_answer(Plays(plays=await self._collector.plays(query.limit, query.before)))

    async def _png(self, request: web.Request) -> web.Response:
        return await self._screenshot(request, ImageFormat.PNG)

    async def _jpeg(self, request: web.Request) -> web.Response:
        return await self._screenshot(request, ImageFormat.JPEG)

    async def _screenshot(self, request: web.Request, kind: ImageFormat) -> web.Response:
        """Answer with a picture of the display; its ETag stays while its pixels do."""
        width = read_query(request, PictureQuery).width
        screenshot = await self._screenshots.screenshot(kind, width)
        headers = {"Cache-Control": "no-store", "ETag": f'"{screenshot.tag}"'}
        return web.Response(body=screenshot.body, content_type=kind.value, headers=headers)

    async def _log_in(self, request: web.Request) -> web.Response:
        login = await read_json(request, Login, cap_bytes=4096)
        response = web.Response(status=204)
        self._guard.log_in(login.token.get_secret_value(), response)
        return response

    async def _log_out(self, request: web.Request) -> web.Response:
        response = web.Response(status=204)
        self._guard.log_out(request, response)
        return response

    async def _scrape(self, request: web.Request) -> web.Response:
        body = self._metrics.render(await self._collector.status())
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _health(self, request: web.Request) -> web.Response:
        status = await self._collector.status()
        if status.display["answers"]:
            return json_answer(Well())
        detail = "the X server does not answer: read the log of signage-display.service"
        return problem(503, "no-display", "No display", detail, request.path)


def parse_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in `raw`.

    Raises:
        Rejected: it is not a JSON object.
    """
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Rejected(json_fault(error)) from error
    if not isinstance(parsed, dict):
        raise Rejected('the body must be a JSON object of sections, such as {"playback": {"volume": 40}}')
    return parsed
