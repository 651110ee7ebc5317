"""Names in refusals whom to ask: people who may do what the caller may not."""

from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Middleware

from sync.errors import Forbidden, StorageBroken
from sync.http.problems import Handler
from sync.origin.store.people.whom_to_ask import WhomToAskStore


def name_whom_to_ask(store: WhomToAskStore) -> Middleware:
    """Return the middleware that does so; it stands within that which turns errors into problems."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Forbidden as error:
            with suppress(StorageBroken):  # it is refused all the same
                error.ask = await store.names(error.asks)
            raise

    return middleware
