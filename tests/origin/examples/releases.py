"""What comes after publishing: releases that are kept, and that come back."""

from typing import Any

from tests.fakes import FakeClock
from tests.origin.examples.recorder import Recorder


async def tell(recorder: Recorder, clock: FakeClock, known: dict[str, Any]) -> None:
    """Pin a release."""
    show = recorder.show
    await show("PATCH", "/v1/releases/{channel}/{sequence}", {"pinned": True}, channel="main", sequence="1")
