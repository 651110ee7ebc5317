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
    await _review(recorder, known)
    await show("POST", "/v1/playlists/{id}/ready", id=known["playlist"])
    await show("POST", "/v1/schedule/{channel}/ready", channel="main")
    await show("POST", "/v1/campaigns/{id}/ready", id=known["campaign"])


async def _review(recorder: Recorder, known: dict[str, Any]) -> None:
    """Keep drafts, and have them reviewed."""
    show = recorder.show
    later = {"do": "set", "set": {"break_rule": {"ads": 2}}}
    renamed = {"do": "set", "set": {"name": "Easter"}}
    for path, id, edit, way in (
        ("/v1/playlists/{id}", {"id": known["playlist"]}, renamed, "approve"),
        ("/v1/schedule/{channel}", {"channel": "main"}, later, "return"),
        ("/v1/campaigns/{id}", {"id": known["campaign"]}, renamed, "approve"),
    ):
        seen = {"If-Match": f'"{(await show("GET", path, **id))["version"]}"'}
        await show("PATCH", path, {"edits": [edit]}, query={"draft": "true"}, headers=seen, **id)
        review = await show("POST", f"{path}/review", {"text": "For Easter"}, **id)
        await show("GET", "/v1/reviews", query={"state": "open"})
        await show("POST", "/v1/reviews/{id}/comment", {"text": "Until when?"}, id=review["id"])
        await show("POST", f"/v1/reviews/{{id}}/{way}", {"text": "Until April"}, id=review["id"])
