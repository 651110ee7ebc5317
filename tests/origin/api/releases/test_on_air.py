"""What a channel shows when, and why, over HTTP: of its release, of what is ready, and of its drafts."""

from typing import Any

from sync.origin.planning.schedules import ScheduleDraft
from sync.origin.store.drafts.ready_versions import keep_drafts
from tests.origin.planning_origin import Client, PlanningOrigin, request_json

LUNCH = {"name": "Lunch", "start": "11:00", "end": "14:00"}


async def make_plan(planning: PlanningOrigin, client: Client, zone: str | None = "Europe/Berlin") -> dict[str, Any]:
    """Plan channel `shop` with a default playlist and one at lunch; return its schedule."""
    await planning.make_media("a")
    made = {}
    for name in ("Rest", "Menu"):
        body = {"name": name, "items": [{"media": "a"}]}
        made[name] = (await request_json(client, "POST", "/v1/playlists", body))[1]["id"]
    schedule = {"zone": zone, "default_playlist": made["Rest"], "dayparts": [{**LUNCH, "playlist": made["Menu"]}]}
    return dict((await request_json(client, "PUT", "/v1/schedule/shop", schedule))[1])


async def read(client: Client, path: str, status: int = 200) -> Any:
    found = await request_json(client, "GET", f"/v1/channels/{path}")
    assert found[0] == status, found[1]
    return found[1]


async def test_release_ready_version_and_draft_each_say_what_they_show_at_noon(
    planning: PlanningOrigin, client: Client
) -> None:
    schedule = await make_plan(planning, client)
    noon = "local=2026-03-03T12:00"
    assert "never published" in (await read(client, f"shop/at?{noon}", 404))["detail"]
    await request_json(client, "POST", "/v1/releases", {"channel": "shop"})
    keep_drafts(True)
    edited = ScheduleDraft(zone=schedule["zone"], default_playlist=schedule["default_playlist"])
    await planning.schedules.replace("shop", edited, version=1)

    shown = await read(client, f"shop/at?{noon}")
    assert (shown["playlist_name"], shown["why_told"]["code"], shown["sequence"]) == ("Menu", "daypart", 1)
    assert (shown["at"], shown["until"]) == ("2026-03-03T11:00:00.000Z", "2026-03-03T13:00:00.000Z")
    assert [one["why_told"]["code"] for one in shown["items"]] == ["item"]
    ready = await read(client, f"shop/at?of=ready&{noon}")
    assert (ready["playlist_name"], ready["sequence"]) == ("Menu", None)
    draft = await read(client, "shop/at?of=draft&instant=2026-03-03T11:00:00Z")
    assert (draft["playlist_name"], draft["why_told"]["code"], draft["dayparts"]) == ("Rest", "default", [])


async def test_a_draft_that_cannot_be_published_yet_shows_as_it_will_and_says_what_is_missing(
    planning: PlanningOrigin, client: Client
) -> None:
    schedule = await make_plan(planning, client)
    await planning.queue_media("later")
    menu = schedule["dayparts"][0]["playlist"]
    await request_json(client, "PUT", f"/v1/playlists/{menu}", {"name": "M", "items": [{"media": "later"}]}, etag='"1"')
    found = await read(client, "shop/segments?of=draft&day=2026-03-29&days=1")  # the clock goes forward that night
    assert [(one["starts_at"], one["playlist_name"]) for one in found["segments"]] == [
        ("2026-03-28T23:00:00.000Z", "Rest"),
        ("2026-03-29T09:00:00.000Z", "M"),
        ("2026-03-29T12:00:00.000Z", "Rest"),
    ]
    assert (found["ends_at"], found["more"], found["zone"]) == ("2026-03-29T22:00:00.000Z", False, "Europe/Berlin")
    assert [one["code"] for one in found["problems_told"].values()] == ["media_not_ready"]


async def test_a_channel_without_a_zone_is_told_in_utc_and_says_so(planning: PlanningOrigin, client: Client) -> None:
    await make_plan(planning, client, zone=None)
    found = await read(client, "shop/segments?of=ready")
    assert (found["zone"], found["zone_named"], len(found["segments"])) == ("UTC", False, 15)


async def test_wrong_times_are_refused(planning: PlanningOrigin, client: Client) -> None:
    await make_plan(planning, client)
    both = await read(client, "shop/at?of=draft&local=2026-03-03T12:00&instant=2026-03-03T11:00:00Z", 422)
    assert (both["code"], list(both["fields"])) == ("when_not_clear", ["local"])
    for wrong in ("at?local=0001-01-01T00:00", "at?instant=9999-12-31T23:00:00Z", "at?local=12:00", "at?of=newest"):
        await read(client, f"shop/{wrong}{'' if 'of=' in wrong else '&of=draft'}", 422)
    for wrong in ("day=0001-01-01", "day=9999-12-31", "days=43", "days=0"):
        await read(client, f"shop/segments?of=draft&{wrong}", 422)
    await read(client, "gone/at", 404)
    await read(client, "gone/segments?of=draft", 404)
