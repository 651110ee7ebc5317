"""What comes beside publishing now: releases that are kept, and publications at an instant of the venue."""

from typing import Any

from tests.fakes import FakeClock
from tests.origin.examples.recorder import Recorder


async def tell(recorder: Recorder, clock: FakeClock, known: dict[str, Any]) -> None:
    """Pin a release, make a draft ready, and plan a publication."""
    show = recorder.show
    await show("PATCH", "/v1/releases/{channel}/{sequence}", {"pinned": True}, channel="main", sequence="1")
    planned = await show("POST", "/v1/publications", {"channel": "main", "local": "2026-12-24T18:00", "note": "Eve"})
    await show("GET", "/v1/publications", query={"channel": "main", "state": "planned"})
    await show("GET", "/v1/publications/{id}", id=planned["id"])
    await show("PATCH", "/v1/publications/{id}", {"local": "2026-12-24T17:00"}, id=planned["id"])
    await show("DELETE", "/v1/publications/{id}", id=planned["id"])
    await show("POST", "/v1/playlists/{id}/ready", id=known["playlist"])
    await show("POST", "/v1/schedule/{channel}/ready", channel="main")
    await show("POST", "/v1/campaigns/{id}/ready", id=known["campaign"])
