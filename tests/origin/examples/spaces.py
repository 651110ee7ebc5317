"""Spaces: a shop gets one of its own."""

from typing import Any

from tests.fakes import FakeClock
from tests.origin.examples.recorder import Recorder


async def tell(recorder: Recorder, clock: FakeClock, known: dict[str, Any]) -> None:
    """Make a space, rename it, remove it."""
    show = recorder.show
    await show("POST", "/v1/spaces", {"id": "shop-7", "name": "Shop 7"})
    await show("GET", "/v1/spaces")
    await show("PATCH", "/v1/spaces/{id}", {"name": "Shop 7, Harbour Street"}, id="shop-7")
    await show("DELETE", "/v1/spaces/{id}", id="shop-7")
