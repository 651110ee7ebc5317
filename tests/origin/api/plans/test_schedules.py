"""A channel's schedule over HTTP: one versioned document that makes the channel, names what is wrong, and stays."""

import asyncio
from typing import Any

import pytest

from sync.origin.persistence.pages import PageRequest
from sync.origin.planning.playlists import PlaylistDraft
from tests.origin.planning_origin import Client, PlanningOrigin, request_json

WHOLE: dict[str, Any] = {
    "zone": "Europe/Berlin",
    "default_playlist": None,
    "break_rule": {"every_items": 2, "ads": 1},
    "fallback": None,
    "dayparts": [],
}


def _daypart(playlist: str, **more: Any) -> dict[str, Any]:
    return {"name": "Morning", "playlist": playlist, **more}


async def _playlist(planning: PlanningOrigin, name: str = "Lobby") -> str:
    return (await planning.playlists.create(PlaylistDraft(name=name))).id


async def test_putting_a_schedule_makes_the_channel_and_it_comes_back(planning: PlanningOrigin, client: Client) -> None:
    playlist = await _playlist(planning)
    await planning.make_media("logo")
    daypart = _daypart(
        playlist,
        weekdays=[7, 1],
        start="22:00",
        end="02:00",
        priority=3,
        first_day="2026-03-01",
        last_day="2026-03-31",
    )
    body = WHOLE | {"default_playlist": playlist, "fallback": "logo", "dayparts": [daypart, _daypart(playlist)]}
    assert (await request_json(client, "GET", "/v1/schedule/main"))[0] == 404
    async with client.put("/v1/schedule/main", json=body) as answer:
        assert (answer.status, answer.headers["ETag"]) == (201, '"1"')
        made = await answer.json()
    assert (made["channel"], made["version"], made["sequence"]) == ("main", 1, 0)
    assert {key: made[key] for key in ("zone", "default_playlist", "break_rule", "fallback")} == {
        key: body[key] for key in ("zone", "default_playlist", "break_rule", "fallback")
    }
    kept = made["dayparts"][0]
    assert {key: kept[key] for key in daypart} == daypart | {"weekdays": [1, 7]}
    assert await request_json(client, "GET", "/v1/schedule/main") == (200, made)
    assert (await request_json(client, "GET", "/v1/schedule"))[1]["schedules"] == [made]
    assert ("schedule", "main") in planning.changes


async def test_dayparts_sent_with_their_id_keep_it(planning: PlanningOrigin, client: Client) -> None:
    playlist = await _playlist(planning)
    body = WHOLE | {"dayparts": [_daypart(playlist), _daypart(playlist)]}
    made = (await request_json(client, "PUT", "/v1/schedule/main", body))[1]
    body["dayparts"] = list(reversed(made["dayparts"]))
    status, kept = await request_json(client, "PUT", "/v1/schedule/main", body, etag='"1"')
    assert (status, kept["version"], kept["dayparts"]) == (200, 2, body["dayparts"])
    status, problem = await request_json(client, "PUT", "/v1/schedule/bar", body)
    assert (status, sorted(problem["fields"])) == (422, ["dayparts.0.id", "dayparts.1.id"])


async def test_of_two_writers_at_once_one_learns_it_lost(planning: PlanningOrigin, client: Client) -> None:
    await request_json(client, "PUT", "/v1/schedule/main", WHOLE)
    zones = ("Europe/Paris", "Europe/Rome")
    answers = await asyncio.gather(
        *(request_json(client, "PUT", "/v1/schedule/main", WHOLE | {"zone": zone}, etag='"1"') for zone in zones)
    )
    assert sorted(status for status, _ in answers) == [200, 412]
    won = next(document for status, document in answers if status == 200)
    assert (await request_json(client, "GET", "/v1/schedule/main"))[1] == won


async def test_of_two_that_make_a_channel_at_once_one_learns_it_is_there(client: Client) -> None:
    answers = await asyncio.gather(*(request_json(client, "PUT", "/v1/schedule/main", WHOLE) for _ in range(2)))
    assert sorted(status for status, _ in answers) in ([201, 412], [201, 428])
    assert (await request_json(client, "GET", "/v1/schedule/main"))[1]["version"] == 1


async def test_a_known_channel_is_changed_only_with_its_version(client: Client) -> None:
    await request_json(client, "PUT", "/v1/schedule/main", WHOLE)
    assert (await request_json(client, "PUT", "/v1/schedule/main", WHOLE))[0] == 428
    assert (await request_json(client, "PUT", "/v1/schedule/main", WHOLE, etag='"9"'))[0] == 412
    assert (await request_json(client, "PUT", "/v1/schedule/new", WHOLE, etag='"1"'))[0] == 404
    assert (await request_json(client, "PUT", "/v1/schedule/main", WHOLE, etag="soon"))[0] == 422


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"zone": "Europe/Atlantis"}, "zone"),
        ({"zone": "localtime"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"zone": "Europe"}, "zone"),
        ({"default_playlist": "none"}, "default_playlist"),
        ({"fallback": "none"}, "fallback"),
        ({"break_rule": {"every_items": 0}}, "break_rule.every_items"),
        ({"break_rule": {"every": 2}}, "break_rule.every"),
        ({"dayparts": [{"name": "x", "playlist": "none"}]}, "dayparts.0.playlist"),
        ({"dayparts": [{"name": "x", "playlist": "p", "weekdays": []}]}, "dayparts.0.weekdays"),
        ({"dayparts": [{"name": "x", "playlist": "p", "weekdays": [1, 1]}]}, "dayparts.0.weekdays"),
        ({"dayparts": [{"name": "x", "playlist": "p", "weekdays": [8]}]}, "dayparts.0.weekdays.0"),
        ({"dayparts": [{"name": "x", "playlist": "p", "start": "24:00"}]}, "dayparts.0.start"),
        ({"dayparts": [{"name": "x", "playlist": "p", "end": "25:00"}]}, "dayparts.0.end"),
        (
            {"dayparts": [{"name": "x", "playlist": "p", "first_day": "2026-03-02", "last_day": "2026-03-01"}]},
            "dayparts.0.last_day",
        ),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_made(
    planning: PlanningOrigin, client: Client, change: dict[str, Any], field: str
) -> None:
    status, problem = await request_json(client, "PUT", "/v1/schedule/main", WHOLE | change)
    assert (status, list(problem["fields"])) == (422, [field])
    assert (await request_json(client, "GET", "/v1/schedule"))[1]["schedules"] == []


@pytest.mark.parametrize("channel", ["..", ".hidden", "a%2Fb", "x" * 65, "caf%C3%A9", "a b"])
async def test_a_channel_has_a_name_that_is_safe_as_a_file(
    planning: PlanningOrigin, client: Client, channel: str
) -> None:
    status, _ = await request_json(client, "PUT", f"/v1/schedule/{channel}", WHOLE)
    assert status in (404, 405, 422)
    assert not (await planning.schedules.page(PageRequest())).items


async def test_a_channel_goes_only_while_nobody_needs_it(planning: PlanningOrigin, client: Client) -> None:
    await planning.make_media("ad")
    await request_json(client, "PUT", "/v1/schedule/main", WHOLE)
    campaign = {
        "name": "Fizzo summer",
        "advertiser": "Fizzo",
        "channel": "main",
        "starts_at": "2026-03-01T00:00:00Z",
        "ends_at": "2026-04-01T00:00:00Z",
        "lines": [{"name": "Half", "creatives": [{"media": "ad"}]}],
    }
    made = (await request_json(client, "POST", "/v1/campaigns", campaign))[1]
    status, problem = await request_json(client, "DELETE", "/v1/schedule/main")
    assert (status, problem["users"]) == (409, ["Fizzo summer"])
    await request_json(client, "DELETE", f"/v1/campaigns/{made['id']}")
    assert (await request_json(client, "DELETE", "/v1/schedule/main", etag='"1"'))[0] == 204
    assert (await request_json(client, "GET", "/v1/schedule/main"))[0] == 404
