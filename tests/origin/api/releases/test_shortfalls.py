"""What bookings cannot get is told where they are edited, where they are listed, and where they are published."""

from typing import Any

from sync.words.warnings import WARNINGS
from tests.origin.planning_origin import Client, PlanningOrigin, request_json

YEARS = {"starts_at": "2026-01-01T00:00:00.000Z", "ends_at": "2036-01-01T00:00:00.000Z"}


async def book(client: Client, name: str, percent: int, **more: Any) -> dict[str, Any]:
    line = {"name": f"{name} line", "creatives": [{"media": "a"}], "share_ppm": percent * 10_000}
    body = {"name": name, "advertiser": f"{name} Ltd", "lines": [line], **YEARS, **more}
    status, made = await request_json(client, "POST", "/v1/campaigns", body)
    assert status == 201
    assert [WARNINGS.say(one["code"], **one["values"]) for one in made["warnings_told"]] == made["warnings"]
    return dict(made)


async def test_overbooked_campaigns_say_so_from_the_first_edit_to_the_release(
    planning: PlanningOrigin, client: Client
) -> None:
    await planning.make_media("a")
    item = {"items": [{"media": "a"}], "name": "P"}
    playlist = (await request_json(client, "POST", "/v1/playlists", item))[1]["id"]
    plan = {"default_playlist": playlist, "zone": "Europe/Berlin"}
    assert (await request_json(client, "PUT", "/v1/schedule/shop", plan))[1]["warnings"] == []
    assert (await book(client, "Tea", 80))["warnings"] == []
    assert (await book(client, "Milk", 80, channel="shop"))["warnings"]
    over = await book(client, "Sugar", 80, channel="shop")
    words = (
        "3 lines have bought 240 % of the slots",
        "Sugar line of Sugar (Sugar Ltd) 80 % gets 33.3 %",
        "Sell 140 % less",
    )
    assert all(word in over["warnings"][0] for word in words)

    listed = (await request_json(client, "GET", "/v1/releases/shortfalls?channel=shop"))[1]
    (short,) = listed["shortfalls"]
    assert (short["cause"], {line["name"] for line in short["lines"]}) == (
        "overbooked",
        {"Tea line", "Milk line", "Sugar line"},
    )
    assert (await request_json(client, "GET", "/v1/releases/preview?channel=shop"))[1]["warnings"] == over["warnings"]
    done = (await request_json(client, "POST", "/v1/releases", {"channel": "shop"}))[1]
    assert done["warnings"] == over["warnings"]

    body = {key: over[key] for key in ("name", "advertiser", "channel", "lines", "warnings")} | {
        "starts_at": "2020-01-01T00:00:00Z",
        "ends_at": "2020-02-01T00:00:00Z",
    }
    path = f"/v1/campaigns/{over['id']}"
    status, past = await request_json(client, "PUT", path, body, etag=f'"{over["version"]}"')
    assert status == 200
    assert "Campaign Sugar (Sugar Ltd) ended 2020-02-01" in past["warnings"][0]  # somebody may have meant another year
    done = (await request_json(client, "POST", "/v1/releases", {"channel": "shop"}))[1]
    assert "Sugar" not in "".join(done["warnings"])  # long over: nobody waits for it
    assert (await request_json(client, "GET", "/v1/releases/shortfalls?channel=gone"))[0] == 404


async def test_a_flight_in_the_past_is_said(planning: PlanningOrigin, client: Client) -> None:
    await planning.make_media("a")
    await request_json(client, "PUT", "/v1/schedule/shop", {})
    ended = planning.clock.now().replace(hour=0, minute=0, second=0, microsecond=0).isoformat()
    made = await book(client, "Old", 50, starts_at="2020-01-01T00:00:00Z", ends_at=ended)
    assert "Campaign Old (Old Ltd) ended" in made["warnings"][0] and "later end" in made["warnings"][0]
    assert (await request_json(client, "GET", "/v1/releases/preview?channel=shop"))[1]["warnings"] == made["warnings"]


async def test_a_line_that_does_not_fit_to_the_schedule_is_said(planning: PlanningOrigin, client: Client) -> None:
    await planning.make_media("a")
    item = {"items": [{"media": "a"}], "name": "P"}
    playlist = (await request_json(client, "POST", "/v1/playlists", item))[1]["id"]
    part = {"name": "opening", "playlist": playlist, "start": "08:00", "end": "08:05"}
    await request_json(client, "PUT", "/v1/schedule/shop", {"dayparts": [part], "zone": "UTC"})
    lines: list[dict[str, Any]] = [
        {"windows": [{"start": "21:00", "end": "22:00"}]},
        {"creatives": [{"media": "a", "duration_ms": 600_000}]},
        {"creatives": [{"media": "a", "duration_ms": 600_000}, {"media": "a"}]},
    ]
    wrong = [{"name": str(number), "creatives": [{"media": "a"}], **line} for number, line in enumerate(lines)]
    told = (await book(client, "Tea", 1, lines=wrong))["warnings"]
    why = [
        "0 of Tea (Tea Ltd) is never shown: nothing is on air",
        "1 of Tea (Tea Ltd) is never shown: its ads take 600 s",
    ]
    assert [text[: len(begin)] for text, begin in zip(told, why, strict=True)] == why
    part["end"] = "23:00"
    changed = {"dayparts": [part], "zone": "UTC"}
    assert (await request_json(client, "PUT", "/v1/schedule/shop", changed, etag='"1"'))[1]["warnings"] == []


async def test_a_booking_is_judged_while_it_is_typed_and_nothing_is_stored(
    planning: PlanningOrigin, client: Client
) -> None:
    await planning.make_media("a")
    await request_json(client, "PUT", "/v1/schedule/shop", {"zone": "UTC"})
    await request_json(client, "PUT", "/v1/schedule/bar", {"zone": "UTC"})
    tea = await book(client, "Tea", 80)
    line = {"name": "all", "share_ppm": 900_000}
    typed = {"name": "Milk", "advertiser": "Milk Ltd", **YEARS, "lines": [line]}
    path = "/v1/campaigns/feasibility"

    status, found = await request_json(client, "POST", path, typed | {"channel": "shop"})
    assert status == 200
    (shop,) = found["channels"]
    causes = {one["cause"]: one for one in shop["shortfalls"]}
    short = next(line for line in causes["overbooked"]["lines"] if line["id"] == found["lines"][0])
    assert (short["bought"], short["gets"]) == (0.9, 0.529412)
    assert [one["code"] for one in shop["warnings_told"]] == list(causes)
    assert len((await request_json(client, "GET", "/v1/campaigns"))[1]["campaigns"]) == 1

    instead = await request_json(client, "POST", f"{path}?campaign={tea['id']}", typed)
    assert [(one["channel"], one["shortfalls"]) for one in instead[1]["channels"]] == [("bar", []), ("shop", [])]
    assert (await request_json(client, "POST", path, typed | {"channel": "gone"}))[0] == 404
    unknown = {**line, "creatives": [{"media": "gone"}]}
    assert (await request_json(client, "POST", path, typed | {"lines": [unknown]}))[0] == 200
