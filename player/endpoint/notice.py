"""Answers every request with the reason why the player does not run, while it waits because it fails at its start."""

import asyncio

from aiohttp import web

from player.endpoint.auth import is_local
from player.settings.model import EndpointSettings
from sync.http.listener import serve_http
from sync.http.listening_socket import ConnectionLimits
from sync.http.problems import problem
from sync.http.request_checks import check_request, host_name, is_address

_LIMITS = ConnectionLimits(most=16, most_of_one=8)


async def serve_notice(settings: EndpointSettings, words: str) -> None:
    """Answer every request of this device with `words`; others need a token, which nobody checks here."""

    async def answer(request: web.Request) -> web.Response:
        if not is_address(host_name(request)) and host_name(request) != "localhost":
            return problem(403, "forbidden", "Forbidden", "this name is not one of this device", request.path)
        return problem(503, "service-unavailable", "The player does not run", words, request.path)

    app = web.Application(middlewares=[check_request])
    app.router.add_route("*", "/{path:.*}", answer)
    if is_local(settings.host):
        async with serve_http(app, settings.host, settings.port, limits=_LIMITS):
            await asyncio.Event().wait()
    await asyncio.Event().wait()
