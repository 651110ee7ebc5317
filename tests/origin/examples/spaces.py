"""Spaces: a shop gets one of its own."""

from typing import Any

from tests.fakes import FakeClock
from tests.origin.examples.recorder import Recorder


async def tell(recorder: Recorder, clock: FakeClock, known: dict[str, Any]) -> None:
    """Make a space, put a channel into it, lend it a playlist, take all back, remove it."""
    show = recorder.show
    await show("POST", "/v1/spaces", {"id": "shop-7", "name": "Shop 7"})
    await show("GET", "/v1/spaces")
    await show("PATCH", "/v1/spaces/{id}", {"name": "Shop 7, Harbour Street"}, id="shop-7")
    server = recorder.server
    lunch = (await server.ask("POST", "/v1/playlists", server.writer, {"name": "Lunch"})).document["id"]
    await server.ask("PUT", "/v1/schedule/harbour", server.writer, {"default_playlist": lunch})
    things, lent = "/v1/spaces/{id}/things/{kind}/{thing}", "/v1/spaces/{id}/lent/{kind}/{thing}"
    await show("PUT", things, id="shop-7", kind="channels", thing="harbour")
    await show("GET", "/v1/spaces/{id}/lent", id="shop-7")
    await server.ask("PUT", "/v1/spaces/default/things/channels/harbour", server.writer)
    await show("DELETE", lent, id="shop-7", kind="playlists", thing=lunch)
    await show("PUT", lent, id="shop-7", kind="playlists", thing=lunch)
    await show("DELETE", "/v1/spaces/{id}", id="shop-7")
