"""Media in spaces: folders, uses, removal and replacement, told and done as far as one may."""

import pytest

from tests.origin.api.spaces.test_every_operation import SECRET, furnish, make
from tests.origin.api.spaces.test_spaces import add_key, add_space
from tests.origin.running_origin import RunningOrigin

Things = dict[str, str]


@pytest.fixture
async def shops(server: RunningOrigin) -> tuple[Things, Things, str]:
    """Two spaces with one of each thing, and an editor of one."""
    await add_space(server, "ours")
    await add_space(server, "theirs")
    ours, theirs = await furnish(server, "ours", "Own"), await furnish(server, "theirs", SECRET)
    return ours, theirs, await add_key(server, "editor", ("editor", "ours"))


async def test_folders_of_a_space_are_a_tree_of_their_own(
    server: RunningOrigin, shops: tuple[Things, Things, str]
) -> None:
    ours, theirs, token = shops
    many = "/v1/media/folders"
    hidden = await make(server, "POST", f"{many}?space=theirs", {"name": "Posters"})
    mine = await server.ask("POST", many, token, {"name": "Posters"})  # no name is taken elsewhere
    assert (mine.status, mine.document["space"]) == (201, "ours")
    inside = await server.ask("POST", many, token, {"name": "Old", "parent": mine.document["id"]})
    assert (inside.status, inside.document["path"], inside.document["space"]) == (201, ["Posters", "Old"], "ours")
    assert (await server.ask("GET", many, token)).document["total"] == 2
    one, other = f"{many}/{mine.document['id']}", f"{many}/{hidden['id']}"
    for method, path, body in (
        ("GET", other, None),
        ("PATCH", other, {"name": "x"}),
        ("DELETE", other, None),
        ("PATCH", one, {"parent": hidden["id"]}),
        ("POST", many, {"name": "x", "parent": hidden["id"]}),
    ):
        assert (await server.ask(method, path, token, body)).status == 404, (method, path)
    assert (await server.ask("POST", f"{many}?space=theirs", token, {"name": "x"})).status == 422
    beside = f"{many}?space=theirs"
    assert (await server.ask("POST", beside, server.writer, {"name": "x", "parent": mine.document["id"]})).status == 422
    media = f"/v1/media/{ours['media']}"
    moved = await server.ask("PATCH", media, token, {"folder": mine.document["id"]})
    assert moved.document["folder"] == mine.document["id"]
    assert (await server.ask("GET", one, token)).document["media"] == 1
    refused = await server.ask("PATCH", media, token, {"folder": hidden["id"]})
    assert refused.document["fields"] == {"folder": f"there is no folder {hidden['id']}"}
    for path, body in (
        (media, {"folder": hidden["id"]}),
        ("/v1/media", {"media": [ours["media"], theirs["media"]], "folder": hidden["id"]}),
    ):
        across = await server.ask("PATCH", path, server.writer, body)
        assert (across.status, "of their space" in across.text) == (422, True)
    viewer = await add_key(server, "viewer", ("viewer", "ours"), ("editor", "theirs"))
    assert (await server.ask("PATCH", one, viewer, {"name": "x"})).status == 403
    assert (await server.ask("PUT", f"/v1/spaces/theirs/things/media/{ours['media']}", server.writer)).status == 200
    assert (await server.ask("GET", media, server.reader)).document["folder"] is None
    busy = await server.ask("DELETE", "/v1/spaces/ours", server.writer)
    assert "2 folders" in busy.document["users"]


async def test_uses_in_other_spaces_are_counted_and_not_named(
    server: RunningOrigin, shops: tuple[Things, Things, str]
) -> None:
    ours, theirs, token = shops
    media = f"/v1/media/{ours['media']}"
    assert (await server.ask("PUT", f"/v1/spaces/theirs/lent/media/{ours['media']}", server.writer)).status == 204
    shown = {"name": f"{SECRET} show", "items": [{"media": ours["media"], "duration_ms": 9_000}]}
    for name in ("a", "b"):
        await make(server, "POST", "/v1/playlists?space=theirs", shown | {"name": f"{SECRET} {name}"})
    uses = (await server.ask("GET", f"{media}/uses", token)).document
    assert [one["name"] for one in uses["playlists"]] == ["Own playlist"]
    assert uses["elsewhere"] == [{"kind": "playlist", "count": 2}]
    whole = (await server.ask("GET", f"{media}/uses", server.reader)).document
    assert (len(whole["playlists"]), whole["mark"], "elsewhere" in whole) == (3, uses["mark"], False)
    in_use = await server.ask("DELETE", media, token)
    named = ["2 playlists of another space", "Own campaign", "Own playlist"]
    assert (in_use.status, in_use.document["users"]) == (409, named)
    by = (await make(server, "POST", "/v1/media/streams?space=ours", {"url": "rtsp://x.example/b", "name": "b"}))["id"]
    for method, path, body in (
        ("DELETE", f"{media}?with_uses=true", None),
        ("POST", "/v1/media/removal", {"media": [ours["media"]], "with_uses": True}),
        ("POST", f"{media}/replacement", {"by": by}),
    ):
        refused = await server.ask(method, path, token, body)
        assert (refused.status, SECRET in refused.text) == (403, False), path
        assert "2 playlists of another space" in refused.document["detail"]
    assert (await server.ask("GET", f"/v1/media/{theirs['media']}/uses", token)).status == 404


async def test_what_is_stored_is_told_as_far_as_one_may_see_it(
    server: RunningOrigin, shops: tuple[Things, Things, str]
) -> None:
    ours, theirs, token = shops
    for channel in (ours["channel"], theirs["channel"]):
        await make(server, "POST", "/v1/releases", {"channel": channel})
    stored = (await server.ask("GET", "/v1/storage", token)).document
    assert (stored["releases"], stored["assets"], stored["asset_bytes"]) == (1, 0, 0)
    assert stored["free_bytes"] > 0


async def test_media_are_removed_and_replaced_where_one_may_change_all_that_uses_them(
    server: RunningOrigin, shops: tuple[Things, Things, str]
) -> None:
    ours, theirs, token = shops
    lent = await make(server, "POST", "/v1/media/streams?space=theirs", {"url": "rtsp://x.example/l", "name": "l"})
    path = f"/v1/media/{ours['media']}"
    for by in (lent["id"], theirs["media"]):
        assert (await server.ask("POST", f"{path}/replacement", token, {"by": by})).status == 404
    assert (await server.ask("PUT", f"/v1/spaces/ours/lent/media/{lent['id']}", server.writer)).status == 204
    replaced = await server.ask("POST", f"{path}/replacement", token, {"by": lent["id"]})
    assert replaced.status == 200, replaced.text
    assert (replaced.status, len(replaced.document["playlists"])) == (200, 1), replaced.text
    assert (await server.ask("POST", f"/v1/media/{lent['id']}/replacement", token, {"by": ours["media"]})).status == 403
    assert (await server.ask("DELETE", f"/v1/media/{lent['id']}?with_uses=true", token)).status == 403
    assert (await server.ask("DELETE", f"/v1/media/{theirs['media']}", token)).status == 404
    kept = await server.ask("DELETE", path, token)
    assert (kept.status, "Own playlist" in kept.text) == (
        409,
        True,
    )  # the next release shows it: the editor left drafts
    publisher = await add_key(server, "publisher", ("publisher", "ours"))
    for one in (f"playlists/{ours['playlists']}", f"campaigns/{ours['campaigns']}"):
        assert (await server.ask("POST", f"/v1/{one}/ready", publisher)).status == 200
    assert (await server.ask("DELETE", path, token)).status == 204
