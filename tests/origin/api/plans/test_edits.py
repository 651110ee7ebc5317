"""Edits over HTTP on a real database: what a person changed, merged with what others changed, clashes and undo."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.origin.running_origin import Answer, RunningOrigin

Edit = Mapping[str, Any]


class Plan:
    """A playlist of some streams on a running origin."""

    def __init__(self, server: RunningOrigin, media: list[str], path: str = "") -> None:
        self.server, self.media, self.path = server, media, path

    async def edit(self, seen: int, *edits: Edit) -> Answer:
        headers = {"If-Match": f'"{seen}"'}
        return await self.server.ask("PATCH", self.path, self.server.writer, {"edits": edits}, headers=headers)

    async def undo(self, version: int) -> Answer:
        return await self.server.ask("POST", f"{self.path}/undo", self.server.writer, {"version": version})

    async def get(self) -> dict[str, Any]:
        document: dict[str, Any] = (await self.server.ask("GET", self.path, self.server.writer)).document
        return document

    async def media_in_order(self) -> list[str]:
        return [item["media"] for item in (await self.get())["items"]]


async def a_stream(server: RunningOrigin, number: int) -> str:
    body = {"name": f"Stream {number}", "url": f"http://example.test/{number}.m3u8"}
    return str((await server.ask("POST", "/v1/media/streams", server.writer, body)).document["id"])


@pytest.fixture
async def plan(server: RunningOrigin) -> Plan:
    media = [await a_stream(server, number) for number in range(3)]
    return await a_plan(server, media)


async def a_plan(server: RunningOrigin, media: list[str]) -> Plan:
    items = [{"id": f"i{number}", "media": one, "duration_ms": 5000} for number, one in enumerate(media)]
    made = await server.ask("POST", "/v1/playlists", server.writer, {"name": "Lobby", "items": items})
    assert made.status == 201, made.text
    return Plan(server, media, f"/v1/playlists/{made.document['id']}")


def change(id: str, **fields: Any) -> Edit:
    return {"do": "change_items", "ids": [id], "set": fields}


async def test_two_people_at_different_items_and_fields_both_have_their_way(plan: Plan) -> None:
    one = await plan.edit(1, change("i0", volume=10), {"do": "set", "set": {"name": "Foyer"}})
    assert (one.status, one.document["version"], one.document["made_on"]) == (200, 2, 1)
    assert one.headers["ETag"] == '"2"'
    added = {"do": "add_items", "parts": [{"media": plan.media[2], "duration_ms": 1000}], "after": "i0"}
    other = await plan.edit(1, change("i0", title="Menu"), change("i1", volume=20), added)
    assert (other.status, other.document["version"], other.document["made_on"]) == (200, 3, 2)
    [new] = other.document["added"][2]
    now = await plan.get()
    assert now["name"] == "Foyer"
    assert [(item["id"], item["title"], item["volume"]) for item in now["items"]] == [
        ("i0", "Menu", 10),
        (new, None, 100),
        ("i1", None, 20),
        ("i2", None, 100),
    ]


async def test_a_clash_says_what_both_did_and_what_they_agree_on_and_changes_nothing(plan: Plan) -> None:
    await plan.edit(1, change("i0", volume=10), {"do": "remove_items", "ids": ["i2"]})
    before = await plan.get()
    answer = await plan.edit(1, change("i0", volume=20, loop=True), change("i2", volume=5))
    assert (answer.status, answer.document["type"]) == (409, "urn:signage:problem:clash")
    volume, removed = answer.document["clashes"]
    assert volume == {
        "list": "items", "id": "i0", "name": "Stream 0", "field": "volume", "seen": 100, "theirs": 10, "yours": 20
    }  # fmt: skip
    assert (removed["id"], removed["field"], removed["theirs"], removed["yours"]["volume"]) == ("i2", None, None, 5)
    [agreed] = answer.document["agreed"]
    assert (agreed["id"], agreed["field"], agreed["value"], agreed["by"]) == ("i0", "loop", True, "yours")
    assert "volume of Stream 0" in answer.document["detail"]
    assert await plan.get() == before


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (change("nobody", volume=1), "edits.0.ids"),
        (change("i0", volume=101), "edits.0.change_items.set.volume"),
        (change("i0", media="nobody"), "items.i0.media"),
        (change("i0", colour=1), "edits.0.change_items.set.colour"),
        (change("i0", starts_at="2026-03-02T00:00:00Z", ends_at="2026-03-01T00:00:00Z"), ""),
        ({"do": "move_items", "ids": ["i0"], "after": "i0"}, "edits.0.after"),
        ({"do": "move_items", "ids": ["i0"], "after": "i1", "at": "last"}, "edits.0.move_items"),
        ({"do": "add_items", "parts": [{"id": "i0", "media": "x"}]}, "edits.0.items"),
        ({"do": "turn_items", "ids": ["i0"]}, "edits.0"),
    ],
)
async def test_a_wrong_edit_is_named_and_no_other_one_is_made(plan: Plan, edit: Edit, field: str) -> None:
    answer = await plan.edit(1, edit, {"do": "set", "set": {"name": "Never"}})
    assert answer.status == 422, answer.text
    assert field in "".join(answer.document["fields"])
    assert (await plan.get())["version"] == 1


async def test_a_version_nobody_knows_is_to_be_read_again(plan: Plan) -> None:
    assert (await plan.edit(7, change("i0", volume=1))).status == 412
    assert (await plan.server.ask("PATCH", plan.path, plan.server.writer, {"edits": []})).status == 428


async def test_many_parts_move_are_copied_and_go_at_once(plan: Plan) -> None:
    moved = await plan.edit(1, {"do": "move_items", "ids": ["i2", "i1"], "at": "first"})
    assert moved.status == 200
    assert [item["id"] for item in (await plan.get())["items"]] == ["i1", "i2", "i0"]
    copied = await plan.edit(2, {"do": "duplicate_items", "ids": ["i1", "i2"]})
    assert len(copied.document["added"][0]) == 2
    assert [plan.media.index(one) for one in await plan.media_in_order()] == [1, 2, 1, 2, 0]
    await plan.edit(3, {"do": "remove_items", "ids": ["i1", "i2", "i0"]})
    assert [plan.media.index(one) for one in await plan.media_in_order()] == [1, 2]


async def test_what_a_version_changed_is_taken_back_where_nothing_builds_on_it(plan: Plan) -> None:
    await plan.edit(1, change("i0", volume=10), {"do": "remove_items", "ids": ["i1"]})
    await plan.edit(2, change("i2", volume=30))
    undone = await plan.undo(2)
    assert (undone.status, undone.document["version"]) == (200, 4)
    assert [(item["id"], item["volume"]) for item in (await plan.get())["items"]] == [
        ("i0", 100),
        ("i1", 100),
        ("i2", 30),
    ]
    again = await plan.undo(4)  # the undoing is a change like any other
    assert again.status == 200
    assert [item["id"] for item in (await plan.get())["items"]] == ["i0", "i2"]


async def test_what_was_changed_later_stands_in_the_way_of_undoing_and_is_named(plan: Plan) -> None:
    await plan.edit(1, change("i0", volume=10))
    await plan.edit(2, change("i0", volume=20))
    answer = await plan.undo(2)
    assert (answer.status, answer.document["type"]) == (409, "urn:signage:problem:clash")
    [clash] = answer.document["clashes"]
    assert (clash["id"], clash["field"], clash["seen"], clash["theirs"], clash["yours"]) == (
        "i0",
        "volume",
        10,
        20,
        100,
    )
    for version in (1, 9):
        refused = await plan.undo(version)
        assert (refused.status, refused.document["type"]) == (409, "urn:signage:problem:conflict")


async def test_a_removed_media_does_not_come_back_with_an_item(plan: Plan) -> None:
    await plan.edit(1, {"do": "remove_items", "ids": ["i1"]})
    assert (await plan.server.ask("DELETE", f"/v1/media/{plan.media[1]}", plan.server.writer)).status == 204
    answer = await plan.undo(2)
    assert (answer.status, answer.document["type"]) == (409, "urn:signage:problem:conflict")
    assert "items.i1.media" in answer.document["detail"]


async def test_people_at_once_lose_nothing(plan: Plan) -> None:
    def adding(number: int) -> Edit:
        part = {"id": f"n{number}", "media": plan.media[0], "duration_ms": 1000}
        return {"do": "add_items", "parts": [part], "after": "i1"}

    answers = await asyncio.gather(*(plan.edit(1, adding(number)) for number in range(12)))
    assert {answer.status for answer in answers} == {200}
    now = await plan.get()
    assert now["version"] == 13
    assert {item["id"] for item in now["items"]} == {"i0", "i1", "i2", *(f"n{number}" for number in range(12))}


async def test_schedules_are_edited_field_by_field(plan: Plan) -> None:
    server, playlist = plan.server, plan.path.rpartition("/")[2]
    await server.ask("PUT", "/v1/schedule/main", server.writer, {"zone": "Europe/Berlin"})
    schedule = Plan(server, [], "/v1/schedule/main")
    day = {"id": "d", "name": "Day", "playlist": playlist, "start": "08:00", "end": "18:00"}
    ticker = {"id": "t", "kind": "ticker", "text": "Welcome"}
    breaks = {"do": "set", "set": {"break_rule": {"ads": 3}, "default_playlist": playlist}}
    parts = [{"do": "add_dayparts", "parts": [day]}, {"do": "add_overlays", "parts": [ticker]}]
    assert (await schedule.edit(1, breaks, *parts)).status == 200
    assert (await schedule.edit(1, {"do": "set", "set": {"break_rule": {"every_items": 4}}})).status == 200
    later = {"do": "change_dayparts", "ids": ["d"], "set": {"end": "20:00"}}
    louder = {"do": "change_overlays", "ids": ["t"], "set": {"text": "Open until eight"}}
    assert (await schedule.edit(3, later, louder)).status == 200
    now = await schedule.get()
    assert now["break_rule"] == {"every_items": 4, "ads": 3}
    assert (now["dayparts"][0]["end"], now["overlays"][0]["text"]) == ("20:00", "Open until eight")
    wrong = await schedule.edit(4, {"do": "change_overlays", "ids": ["t"], "set": {"corner": "top-left"}})
    assert (wrong.status, list(wrong.document["fields"])) == (422, ["overlays.t.ticker.corner"])
    assert (await schedule.undo(4)).status == 200
    assert (await schedule.get())["dayparts"][0]["end"] == "18:00"


async def test_lines_and_creatives_of_a_campaign_are_edited(plan: Plan) -> None:
    server = plan.server
    creative = {"id": "c", "media": plan.media[0], "duration_ms": 5000}
    line = {"id": "l", "name": "Noon", "creatives": [creative], "share_ppm": 400_000}
    body = {"name": "Tea", "advertiser": "Mint", "starts_at": "2026-03-01T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z"}
    made = await server.ask("POST", "/v1/campaigns", server.writer, {**body, "lines": [line]})
    campaign = Plan(server, [], f"/v1/campaigns/{made.document['id']}")
    more = {"do": "add_creatives", "line": "l", "parts": [{"media": plan.media[1], "duration_ms": 5000}]}
    assert (await campaign.edit(1, more)).status == 200
    copied = await campaign.edit(1, {"do": "duplicate_lines", "ids": ["l"]})
    assert copied.status == 200
    [copy] = copied.document["added"][0]
    now = await campaign.get()
    assert [(one["id"], len(one["creatives"])) for one in now["lines"]] == [("l", 2), (copy, 1)]
    over = await campaign.edit(3, {"do": "change_lines", "ids": ["l", copy], "set": {"share_ppm": 600_000}})
    assert (over.status, "lines" in over.document["fields"]) == (422, True)
    both = await campaign.edit(1, {"do": "change_lines", "ids": ["l"], "set": {"share_ppm": 700_000}})
    assert (both.status, both.document["type"]) == (409, "urn:signage:problem:clash")  # only the copy makes it too much
    gone = await campaign.edit(3, {"do": "remove_creatives", "ids": ["c"]}, {"do": "remove_lines", "ids": [copy]})
    assert gone.status == 200
    assert [len(one["creatives"]) for one in (await campaign.get())["lines"]] == [1]
    assert (await campaign.edit(4, {"do": "remove_lines", "ids": ["l"]})).status == 422
