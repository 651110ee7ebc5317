"""What a screen of a channel would show is told in the order of the engine, with how each thing is shown."""

from typing import Any

from tests.origin.planning_origin import Client, PlanningOrigin, request_json

SHOWING = "/v1/releases/showing?channel=shop"


async def make(client: Client, path: str, body: Any) -> dict[str, Any]:
    method = "PUT" if path.startswith("/v1/schedule/") else "POST"
    status, made = await request_json(client, method, path, body)
    assert status in (200, 201), made
    return dict(made)


async def playlist(client: Client, name: str, *items: Any) -> str:
    return str((await make(client, "/v1/playlists", {"name": name, "items": items}))["id"])


async def showing(client: Client, query: str) -> dict[str, Any]:
    status, told = await request_json(client, "GET", f"{SHOWING}&{query}")
    assert status == 200, told
    return dict(told)


async def test_items_and_ads_follow_each_other_as_on_a_screen(planning: PlanningOrigin, client: Client) -> None:
    for media in ("a", "b", "ad"):
        await planning.make_media(media)
    first = {"media": "a", "title": "Soup", "duration_ms": 5_000, "fit": "cover", "background": "#102030", "volume": 40}
    second = {"media": "b", "title": "Salad", "duration_ms": 7_000}
    menu = await playlist(client, "Menu", first, second)
    plan: dict[str, Any] = {
        "default_playlist": menu,
        "zone": "Europe/Berlin",
        "break_rule": {"every_items": 2, "ads": 1},
    }
    plan["overlays"] = [{"kind": "ticker", "text": "Open until nine"}]
    await make(client, "/v1/schedule/shop", plan)
    years = {"starts_at": "2026-01-01T00:00:00.000Z", "ends_at": "2036-01-01T00:00:00.000Z"}
    creative = {"media": "ad", "title": "Tea!", "duration_ms": 3_000}
    lines: list[Any] = [{"name": "Tea line", "creatives": [creative], "share_ppm": 1_000_000}]
    await make(client, "/v1/campaigns", {"name": "Tea", "advertiser": "Tea Ltd", "lines": lines, **years})

    told = await showing(client, "at=2026-12-01T11:00:00Z&most=4")
    assert [(one["kind"], one["title"], one["at"][14:19]) for one in told["shown"]] == [
        ("item", "Soup", "00:00"),
        ("item", "Salad", "00:05"),
        ("ad", "Tea!", "00:12"),
        ("item", "Soup", "00:15"),
    ]
    soup, _, tea, _ = told["shown"]
    assert (soup["fit"], soup["background"], soup["volume"], soup["playlist"]) == ("cover", "#102030", 40, "Menu")
    assert soup["media"]["sha256"] == soup["asset"]
    assert (tea["campaign"], tea["fit"]) == ("Tea", None)
    assert told["more"]
    assert told["zone"] == "Europe/Berlin"
    assert [one["text"] for one in told["overlays"]] == ["Open until nine"]


async def test_a_draft_is_shown_without_what_is_not_ready_and_beside_the_release(
    planning: PlanningOrigin, client: Client
) -> None:
    await planning.make_media("a")
    await planning.queue_media("late")
    menu = await playlist(client, "Menu", {"media": "a", "title": "Soup"})
    await make(client, "/v1/schedule/shop", {"default_playlist": menu})
    assert (await request_json(client, "GET", f"{SHOWING}&of=release"))[0] == 404  # nothing was published
    await make(client, "/v1/releases", {"channel": "shop"})

    body = {"name": "Menu", "items": [{"media": "late", "title": "Film"}, {"media": "a", "title": "Stew"}]}
    await request_json(client, "PUT", f"/v1/playlists/{menu}", body, etag='"1"')
    assert [one["title"] for one in (await showing(client, "most=1"))["shown"]] == ["Stew"]
    assert [one["title"] for one in (await showing(client, "most=1&of=release"))["shown"]] == ["Soup"]


async def test_a_playlist_is_shown_as_if_it_were_on_air(planning: PlanningOrigin, client: Client) -> None:
    await planning.make_media("a")
    menu = await playlist(client, "Menu", {"media": "a", "title": "Soup"})
    other = await playlist(client, "Other", {"media": "a", "title": "Cake"})
    empty = await playlist(client, "Empty")
    await make(client, "/v1/schedule/shop", {"default_playlist": menu})
    told = await showing(client, f"most=2&playlist={other}")
    assert [one["title"] for one in told["shown"]] == ["Cake", "Cake"]
    status, problem = await request_json(client, "GET", f"{SHOWING}&playlist={empty}")
    assert (status, "nothing is ever on air" in problem["detail"]) == (422, True)
    assert (await request_json(client, "GET", f"{SHOWING}&playlist=gone"))[0] == 404
    assert (await request_json(client, "GET", "/v1/releases/showing?channel=none"))[0] == 404
