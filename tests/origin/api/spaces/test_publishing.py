"""Publishing in spaces: a publisher of one space publishes its channels, and learns nothing of what others booked."""

import pytest

from tests.origin.api.spaces.test_every_operation import SECRET, booking, furnish, make
from tests.origin.api.spaces.test_spaces import add_key, add_space
from tests.origin.running_origin import RunningOrigin

AT = {"If-Match": "1"}


@pytest.fixture
async def shops(server: RunningOrigin) -> tuple[dict[str, str], dict[str, str]]:
    """Two spaces with one of each thing."""
    await add_space(server, "ours")
    await add_space(server, "theirs")
    return await furnish(server, "ours", "Own"), await furnish(server, "theirs", SECRET)


async def test_a_publisher_of_a_space_publishes_its_channels(
    server: RunningOrigin, shops: tuple[dict[str, str], dict[str, str]]
) -> None:
    ours, theirs = shops
    token = await add_key(server, "publisher", ("publisher", "ours"), ("viewer", "default"))
    mine, other = {"channel": ours["channel"]}, {"channel": theirs["channel"]}
    assert (await server.ask("POST", "/v1/releases", server.writer, other)).status == 201
    assert (await server.ask("GET", f"/v1/releases/preview?channel={ours['channel']}", token)).document[
        "problems"
    ] == {}
    done = await server.ask("POST", "/v1/releases", token, mine)
    assert (done.status, done.document["sequence"]) == (201, 1)
    listed = (await server.ask("GET", "/v1/releases", token)).document
    assert (listed["total"], [one["channel"] for one in listed["releases"]]) == (1, [ours["channel"]])
    assert (await server.ask("PATCH", f"/v1/releases/{ours['channel']}/1", token, {"pinned": True})).status == 200
    plan = mine | {"at": "2026-12-24T18:00:00Z"}
    planned = await server.ask("POST", "/v1/publications", token, plan)
    assert planned.status == 201
    hidden = await make(server, "POST", "/v1/publications", other | {"at": "2026-12-24T18:00:00Z"})
    assert (await server.ask("GET", "/v1/publications", token)).document["total"] == 1
    for method, path, body in (
        ("POST", "/v1/releases", other),
        ("POST", "/v1/releases", other | {"again": 1}),
        ("PATCH", f"/v1/releases/{theirs['channel']}/1", {"pinned": True}),
        ("GET", f"/v1/releases/preview?channel={theirs['channel']}", None),
        ("GET", f"/v1/releases/shortfalls?channel={theirs['channel']}", None),
        ("POST", "/v1/publications", other | {"at": "2026-12-24T18:00:00Z"}),
        ("GET", f"/v1/publications/{hidden['id']}", None),
        ("PATCH", f"/v1/publications/{hidden['id']}", {"note": "x"}),
        ("DELETE", f"/v1/publications/{hidden['id']}", None),
        ("POST", f"/v1/schedule/{theirs['channel']}/ready", None),
    ):
        assert (await server.ask(method, path, token, body)).status == 404, (method, path)
    editor = await add_key(server, "editor", ("editor", "ours"), ("publisher", "theirs"))
    for method, path, body in (
        ("POST", "/v1/releases", mine),
        ("PATCH", f"/v1/releases/{ours['channel']}/1", {"pinned": False}),
        ("PATCH", f"/v1/publications/{planned.document['id']}", {"note": "x"}),
        ("DELETE", f"/v1/publications/{planned.document['id']}", None),
    ):
        refused = await server.ask(method, path, editor, body)
        assert (refused.status, "a publisher in its space ours" in refused.document["detail"]) == (403, True), path


async def test_reviews_are_asked_for_and_ended_where_the_draft_lies(
    server: RunningOrigin, shops: tuple[dict[str, str], dict[str, str]]
) -> None:
    ours, theirs = shops
    one = f"/v1/playlists/{ours['playlists']}"
    editor = await add_key(server, "editor", ("editor", "ours"))
    publisher = await add_key(server, "publisher", ("publisher", "ours"))
    other = await add_key(server, "other", ("publisher", "theirs"))
    draft = {"name": "Own draft", "items": [{"media": ours["media"], "duration_ms": 9_000}]}
    assert (await server.ask("PUT", one, editor, draft, headers=AT)).status == 200
    assert (await server.ask("POST", f"{one}/review", other, {})).status == 404
    asked = await server.ask("POST", f"{one}/review", editor, {"text": "please"})
    assert asked.status == 201
    review = f"/v1/reviews/{asked.document['id']}"
    assert (await server.ask("GET", "/v1/reviews", other)).document["total"] == 0
    for end in ("comment", "approve", "return"):
        assert (await server.ask("POST", f"{review}/{end}", other, {"text": "x"})).status == 404
    assert (await server.ask("POST", f"{review}/approve", editor, {})).status == 403
    assert (await server.ask("POST", f"{one}/ready", editor)).status == 403
    assert (await server.ask("POST", f"{review}/approve", publisher, {})).document["state"] == "approved"
    assert (await server.ask("GET", one, publisher)).document["ready_version"] == 2
    assert (await server.ask("POST", f"/v1/campaigns/{theirs['campaigns']}/ready", publisher)).status == 404


async def test_a_draft_that_would_show_in_a_channel_of_another_space_is_not_made_ready_from_here(
    server: RunningOrigin, shops: tuple[dict[str, str], dict[str, str]]
) -> None:
    ours, theirs = shops
    one = f"/v1/playlists/{ours['playlists']}"
    assert (
        await server.ask("PUT", f"/v1/spaces/theirs/lent/playlists/{ours['playlists']}", server.writer)
    ).status == 204
    draft = {"name": "Own draft", "items": []}
    assert (await server.ask("PUT", f"{one}?draft=true", server.writer, draft, headers=AT)).status == 200
    asked = await make(server, "POST", f"{one}/review", {})
    shows = {"default_playlist": ours["playlists"]}
    shown = await server.ask("PUT", f"/v1/schedule/{theirs['channel']}", server.writer, shows, headers=AT)
    assert shown.status == 200
    publisher = await add_key(server, "publisher", ("publisher", "ours"))
    for path in (f"{one}/ready", f"/v1/reviews/{asked['id']}/approve"):
        refused = await server.ask("POST", path, publisher, None if path.startswith(one) else {})
        assert (refused.status, "a channel of another space" in refused.text) == (403, True)
        assert SECRET.lower() not in refused.text
    both = await add_key(server, "both", ("publisher", "ours"), ("editor", "theirs"))
    assert (await server.ask("POST", f"{one}/ready", both)).status == 200


async def test_nothing_is_told_of_a_campaign_that_runs_on_all_channels(
    server: RunningOrigin, shops: tuple[dict[str, str], dict[str, str]]
) -> None:
    ours, theirs = shops
    everywhere = booking(SECRET, "", theirs["media"]) | {"channel": None}
    everywhere["lines"][0]["share_ppm"] = 990_000  # no room is left for ours
    for lent in ("default", "ours"):
        path = f"/v1/spaces/{lent}/lent/media/{theirs['media']}"
        assert (await server.ask("PUT", path, server.writer)).status == 204
    made = await make(server, "POST", "/v1/campaigns", everywhere)
    assert (await server.ask("DELETE", f"/v1/spaces/ours/lent/media/{theirs['media']}", server.writer)).status == 204
    token = await add_key(server, "publisher", ("publisher", "ours"))
    known = f"/v1/releases/preview?channel={ours['channel']}"
    assert SECRET in (await server.ask("GET", known, server.writer)).text
    for path in (known, f"/v1/releases/shortfalls?channel={ours['channel']}"):
        told = await server.ask("GET", path, token)
        assert (told.status, SECRET in told.text, made["id"] in told.text) == (200, False, False), told.text
    draft = {name: made[name] for name in ("name", "advertiser", "starts_at", "ends_at", "lines")} | {"channel": None}
    one = f"/v1/campaigns/{made['id']}"
    assert (await server.ask("PUT", f"{one}?draft=true", server.writer, draft, headers=AT)).status == 200
    assert SECRET in (await server.ask("GET", known, server.writer)).text
    assert SECRET not in (await server.ask("GET", known, token)).text
    done = await server.ask("POST", "/v1/releases", token, {"channel": ours["channel"]})
    assert (done.status, SECRET in done.text) == (201, False)
    assert (
        SECRET not in (await server.ask("POST", "/v1/releases", token, {"channel": ours["channel"], "again": 1})).text
    )
    keeper = await add_key(server, "keeper", ("publisher", "default"))
    refused = await server.ask("POST", f"{one}/ready", keeper)
    assert (refused.status, "on all channels" in refused.document["detail"]) == (403, True)
