"""What publishing would change: by name, and as what a day would show before and after."""

from typing import Any

from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import ScheduleDraft
from sync.origin.publishing.preview.day_changes import day_changes
from sync.origin.publishing.preview.release_changes import release_changes
from sync.origin.store.drafts.ready_versions import keep_drafts
from sync.words.release_changes import RELEASE_CHANGES
from tests.origin.api.releases.test_on_air import make_plan
from tests.origin.planning_origin import Client, PlanningOrigin, request_json
from tests.sync.programme.examples import NOON, local, release
from tests.sync.programme.test_schedule import daypart, with_times


async def changes(client: Client, query: str = "", status: int = 200) -> Any:
    found = await request_json(client, "GET", f"/v1/releases/changes?channel=shop{query}")
    assert found[0] == status, found[1]
    for one in found[1].get("changes", ()):
        assert RELEASE_CHANGES.say(one["text_told"]["code"], **one["text_told"]["values"]) == one["text"]
    return found[1]


async def test_what_changes_is_told_by_name_and_as_a_day_before_and_after(
    planning: PlanningOrigin, client: Client
) -> None:
    schedule = await make_plan(planning, client)
    first = await changes(client, "&day=2026-03-03")
    assert (first["sequence"], [one["text_told"]["code"] for one in first["changes"]]) == (None, ["document_added"] * 2)
    assert {one["before"] for one in first["day"]["programme"]} == {None}
    await request_json(client, "POST", "/v1/releases", {"channel": "shop"})
    assert (await changes(client))["changes"] == []

    rest = schedule["default_playlist"]
    items = [{"media": "a", "title": "Cake"}, {"media": "a", "title": "Tea"}]
    await request_json(client, "PUT", f"/v1/playlists/{rest}", {"name": "Rest", "items": items}, etag='"1"')
    longer = {**schedule["dayparts"][0], "end": "15:00"}
    edited = {"zone": "Europe/Berlin", "default_playlist": rest, "dayparts": [longer], "break_rule": {"every_items": 2}}
    await request_json(client, "PUT", "/v1/schedule/shop", edited, etag='"1"')
    line = {"name": "Noon", "creatives": [{"media": "a", "duration_ms": 8_000}], "share_ppm": 250_000}
    flight = {"starts_at": "2026-03-03T12:00:00Z", "ends_at": "2026-03-03T13:00:00Z"}
    booking = {"name": "Iced tea", "advertiser": "Mint", "channel": "shop", "lines": [line], **flight}
    await request_json(client, "POST", "/v1/campaigns", booking)

    found = await changes(client, "&day=2026-03-03")
    assert [one["text"] for one in found["changes"]] == [
        "schedule “shop” has other values: break_rule",
        "daypart “Lunch” of schedule “shop” has other values: end",
        "item “Cake” is added to playlist “Rest”",
        "item “Tea” is added to playlist “Rest”",
        "item “a.jpg” is taken out of playlist “Rest”",
        "campaign “Iced tea” is new in the release",
    ]
    assert found["changes"][1]["fields"] == {"end": {"before": "14:00", "after": "15:00"}}
    day = found["day"]["programme"]
    assert [
        (one["starts_at"][11:16], one["changed"], one["before"]["titles"], one["after"]["titles"]) for one in day
    ] == [
        ("23:00", True, ["a.jpg"], ["Cake", "Tea"]),
        ("10:00", False, ["a.jpg"], ["a.jpg"]),
        ("13:00", True, ["a.jpg"], ["a.jpg"]),
        ("14:00", True, ["a.jpg"], ["Cake", "Tea"]),
    ]
    assert (day[2]["before"]["playlist_name"], day[2]["after"]["playlist_name"]) == ("Rest", "Menu")
    [ads] = found["day"]["ads"]
    assert (ads["starts_at"], ads["ends_at"], ads["changed"], ads["before"]) == (
        "2026-03-03T12:00:00.000Z",
        "2026-03-03T13:00:00.000Z",
        True,
        [],
    )
    assert [(one["name"], one["campaign"], one["share"]) for one in ads["after"]] == [("Noon", "Iced tea", 1.0)]


async def test_drafts_count_as_ready_if_that_is_asked_for(planning: PlanningOrigin, client: Client) -> None:
    schedule = await make_plan(planning, client)
    await request_json(client, "POST", "/v1/releases", {"channel": "shop"})
    menu = schedule["dayparts"][0]["playlist"]
    await planning.queue_media("later")
    keep_drafts(True)
    await planning.playlists.replace(menu, PlaylistDraft(name="M", items=(PlaylistItem(media="later"),)), version=1)
    await planning.schedules.replace("shop", ScheduleDraft(default_playlist=menu), version=1)
    without = await changes(client)
    assert (without["changes"], [one["kind"] for one in without["left_out"]]) == ([], ["schedule", "playlist"])
    found = await changes(client, f"&with=playlist:{menu},schedule:shop")
    assert found["left_out"] == []
    assert [one["code"] for one in found["problems_told"].values()] == ["media_not_ready"]
    assert {(one["document"], one["code"]) for one in found["changes"]} == {
        ("schedule", "changed"),
        ("schedule", "daypart.removed"),
        ("playlist", "changed"),
        ("playlist", "item.added"),
        ("playlist", "item.removed"),
        ("playlist", "removed"),
    }
    await changes(client, "&with=playlist:gone", 404)
    for wrong in ("media:1", "playlist", "playlist:", "playlist:a,", "playlist:a;b"):
        await changes(client, f"&with={wrong}", 422)
    assert (await request_json(client, "GET", "/v1/releases/changes?channel=gone"))[0] == 404


def test_what_is_over_says_so() -> None:
    parts = [daypart("day", "08:00", "20:00")]
    old = with_times(release(parts), {"day": [(None, None), (None, NOON)]})
    new = with_times(release(parts), {"day": [(None, None)]})
    [one] = release_changes(old, new, NOON)
    assert one.text == "item “day-1” of playlist “day” is over"


def test_an_item_that_begins_within_a_daypart_divides_the_day() -> None:
    parts = [daypart("day", "08:00", "20:00")]
    old, new = (with_times(release(parts), {"day": [(None, None), (begins, None)]}) for begins in (None, NOON))
    found = day_changes(old, new, local("2026-03-02T00:00"), local("2026-03-03T00:00")).programme
    shown = [(one.changed, one.before and one.before.items, one.after.items) for one in found]
    assert shown == [(False, 1, 1), (True, 2, 1), (True, 2, 2), (False, 1, 1)]
