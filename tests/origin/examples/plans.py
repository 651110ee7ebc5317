"""Plans: playlists, schedules, campaigns, and the releases that are made of them."""

import hashlib
from typing import Any

from sync.wire.content_paths import bookings_path
from tests.fakes import FakeClock
from tests.origin.examples.recorder import Recorder


async def tell(recorder: Recorder, clock: FakeClock, known: dict[str, Any]) -> None:
    """Plan a channel, publish it, and look at what is served."""
    show = recorder.show
    items = [{"media": known["picture"], "duration_ms": 10_000}, {"media": known["stream"], "duration_ms": 60_000}]
    playlist = await show("POST", "/v1/playlists", {"name": "Lunch", "items": items})
    await show("GET", "/v1/playlists")
    playlist = await show("GET", "/v1/playlists/{id}", id=playlist["id"])
    kept = [{key: one[key] for key in ("id", "media", "duration_ms")} for one in playlist["items"]]
    changed = {"name": "Lunch and drinks", "items": kept}
    await show("PUT", "/v1/playlists/{id}", changed, headers=_seen(playlist), id=playlist["id"])
    seen, first = _seen(changed | {"version": 2}), playlist["items"][0]["id"]
    louder = {"do": "change_items", "ids": [first], "set": {"volume": 60}}
    copied = {"do": "duplicate_items", "ids": [first], "at": "last"}
    await show("PATCH", "/v1/playlists/{id}", {"edits": [louder, copied]}, headers=seen, id=playlist["id"])
    await show("POST", "/v1/playlists/{id}/undo", {"version": 3}, id=playlist["id"])

    lunch = {"name": "Lunch", "playlist": playlist["id"], "start": "11:00", "end": "14:30", "weekdays": [1, 2, 3, 4, 5]}
    schedule = {
        "zone": "Europe/Berlin",
        "default_playlist": playlist["id"],
        "break_rule": {"every_items": 2, "ads": 1},
        "dayparts": [lunch],
    }
    await show("PUT", "/v1/schedule/{channel}", schedule, channel="main")
    await show("GET", "/v1/schedule/{channel}", channel="main")
    evening = {"name": "Evening", "playlist": playlist["id"], "start": "18:00", "end": "22:00"}
    edits = [{"do": "set", "set": {"break_rule": {"ads": 2}}}, {"do": "add_dayparts", "parts": [evening]}]
    await show("PATCH", "/v1/schedule/{channel}", {"edits": edits}, headers={"If-Match": '"1"'}, channel="main")
    await show("POST", "/v1/schedule/{channel}/undo", {"version": 2}, channel="main")
    await show("GET", "/v1/schedule")
    await show("GET", "/v1/channels")

    campaign = await show("POST", "/v1/campaigns", _campaign(known))
    half = _campaign(known) | {"lines": [{"name": "All day", "share_ppm": 900_000}]}
    await show("POST", "/v1/campaigns/feasibility", half)
    await show("GET", "/v1/campaigns", query={"channel": "main"})
    await show("GET", "/v1/campaigns/{id}", id=campaign["id"])
    longer = _campaign(known) | {"ends_at": "2026-05-01T00:00:00Z"}
    campaign = await show("PUT", "/v1/campaigns/{id}", longer, headers=_seen(campaign), id=campaign["id"])
    heavier = {"do": "change_lines", "ids": [campaign["lines"][0]["id"]], "set": {"share_ppm": 300_000}}
    seen = _seen(campaign)
    await show("PATCH", "/v1/campaigns/{id}", {"edits": [heavier]}, headers=seen, id=campaign["id"])
    await show("POST", "/v1/campaigns/{id}/undo", {"version": 3}, id=campaign["id"])

    await show("GET", "/v1/media/{id}/uses", id=known["picture"])

    await show("GET", "/v1/releases/preview", query={"channel": "main"})
    await show("GET", "/v1/releases/changes", query={"channel": "main", "day": "2026-03-03"})
    await show("GET", "/v1/releases/shortfalls", query={"channel": "main"})
    await show("GET", "/v1/releases/showing", query={"channel": "main", "most": "2"})
    release = await show("POST", "/v1/releases", {"channel": "main", "note": "the lunch menu"})
    await show("GET", "/v1/releases", query={"channel": "main"})
    await show("GET", "/v1/channels/{channel}/at", query={"local": "2026-03-03T12:00"}, channel="main")
    await show("GET", "/v1/channels/{channel}/segments", query={"of": "draft", "days": "1"}, channel="main")
    await _look_at_content(recorder, release["sha256"])
    known |= {"playlist": playlist["id"], "campaign": campaign["id"], "release": release["sha256"]}


async def end(recorder: Recorder, clock: FakeClock, known: dict[str, Any]) -> None:
    """Remove what was planned, and what was never used."""
    show = recorder.show
    await show("PUT", "/v1/schedule/{channel}", {}, channel="terrace")
    await show("DELETE", "/v1/schedule/{channel}", channel="terrace")
    await show("GET", "/v1/campaigns/{id}/history", id=known["campaign"])
    await show("GET", "/v1/schedule/{channel}/history", channel="main")
    await show("DELETE", "/v1/campaigns/{id}", id=known["campaign"])
    unused = await show("POST", "/v1/playlists", {"name": "Not used"})
    await show("GET", "/v1/playlists/{id}/history", id=unused["id"])
    await show("DELETE", "/v1/playlists/{id}", id=unused["id"])


def _campaign(known: dict[str, Any]) -> dict[str, Any]:
    line = {"name": "Noon", "creatives": [{"media": known["picture"], "duration_ms": 8_000}], "share_ppm": 250_000}
    return {
        "name": "Iced tea",
        "advertiser": "Mint & Co.",
        "channel": "main",
        "starts_at": "2026-03-01T00:00:00Z",
        "ends_at": "2026-04-01T00:00:00Z",
        "lines": [line],
    }


def _seen(document: dict[str, Any]) -> dict[str, str]:
    return {"If-Match": f'"{document["version"]}"'}


async def _look_at_content(recorder: Recorder, sha256: str) -> None:
    show = recorder.show
    await show("GET", "/content/roots/{name}", token=None, name="1.json")
    await show("GET", "/content/channels/{name}/timestamp.json", token=None, name="main")
    release = await show("GET", "/content/releases/{name}", token=None, name=f"{sha256}.json")
    asset = next(one for one in release["assets"] if one["size_bytes"])
    await show("GET", "/content/index/{name}", token=None, name=asset["index"])
    await show("GET", "/content/assets/{name}", token=None, name=asset["sha256"])
    bookings = recorder.server.origin.folder_target.files
    part = b'{"campaigns":[]}'
    name = hashlib.sha256(part).hexdigest()
    bookings.put(bookings_path(name), part)  # releases of this size have none
    await show("GET", "/content/bookings/{name}", token=None, name=name)
