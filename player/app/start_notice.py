"""While a player waits because it fails at its start, its endpoint answers with the reason, and its origin hears it."""

import asyncio

from aiohttp import web

from player import __version__
from player.app.device_session import network_of
from player.endpoint.auth import is_local
from player.settings.configuration import Configuration
from sync.device.origin_client import open_client
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import load_membership
from sync.http.listener import serve_http
from sync.http.listening_socket import ConnectionLimits
from sync.http.problems import problem
from sync.http.request_checks import check_request, host_name, is_address
from sync.runtime.clock import Clock
from sync.wire.device_reports import Heartbeat

_LIMITS = ConnectionLimits(most=16, most_of_one=8)


async def serve_notice(configuration: Configuration, words: str, clock: Clock) -> None:
    """Answer every request of this device with `words`; others need a token, which nobody checks here."""
    endpoint = configuration.settings.endpoint

    async def answer(request: web.Request) -> web.Response:
        if not is_address(host_name(request)) and host_name(request) != "localhost":
            return problem(403, "forbidden", "Forbidden", "this name is not one of this device", request.path)
        return problem(503, "service-unavailable", "The player does not run", words, request.path)

    app = web.Application(middlewares=[check_request])
    app.router.add_route("*", "/{path:.*}", answer)
    if is_local(endpoint.host):
        async with serve_http(app, endpoint.host, endpoint.port, limits=_LIMITS):
            await clock.sleep(float("inf"))
    await asyncio.Event().wait()


async def report_notice(configuration: Configuration, words: str, clock: Clock) -> None:
    """Send heartbeats that say it to the origin that this device belongs to; it goes on needing its releases."""
    settings, content = configuration.settings, ContentStore(configuration.settings.storage.state_dir)
    url, membership = str(settings.origin.url), load_membership(content)
    if membership is None or membership.origin.rstrip("/") != url.rstrip("/"):
        await asyncio.Event().wait()
        return
    active = content.pointer()
    async with open_client(url, membership.token, network_of(settings, clock)) as client:
        while True:
            heartbeat = Heartbeat(
                at=clock.now(),
                version=__version__,
                release=active.release if active else None,
                preparing=content.pending(),
                sequence=active.sequence if active else None,
                problems=(words,),
            )
            await client.post_heartbeat(heartbeat)
            await clock.sleep(settings.origin.heartbeat_s)
