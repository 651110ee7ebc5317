"""Things are moved into another space, lent and taken back; what shows elsewhere is not changed from here."""

import asyncio

from tests.origin.api.spaces.test_every_operation import furnish, make
from tests.origin.api.spaces.test_spaces import add_key, add_space
from tests.origin.running_origin import RunningOrigin


async def spaces(server: RunningOrigin) -> None:
    """Have two spaces."""
    await add_space(server, "hq")
    await add_space(server, "shop")


async def test_what_is_lent_may_be_used_and_not_changed(server: RunningOrigin) -> None:
    await spaces(server)
    brand = await furnish(server, "hq", "Brand")
    token = await add_key(server, "shop", ("editor", "shop"))
    one, lent = f"/v1/playlists/{brand['playlists']}", f"/v1/spaces/shop/lent/playlists/{brand['playlists']}"
    assert (
        await server.ask("PUT", "/v1/schedule/window", token, {"default_playlist": brand["playlists"]})
    ).status == 422
    assert (await server.ask("PUT", lent, server.writer)).status == 204
    assert (await server.ask("PUT", lent, server.writer)).status == 204
    [shown] = (await server.ask("GET", "/v1/spaces/shop/lent", token)).document["lent"]
    assert shown == {"kind": "playlists", "id": brand["playlists"], "name": "Brand playlist", "space": "shop"}
    seen = await server.ask("GET", one, token)
    assert (seen.status, "space" in seen.document) == (200, False)
    assert [one.get("space") for one in (await server.ask("GET", "/v1/playlists", token)).document["playlists"]] == [
        None
    ]
    assert (await server.ask("GET", one, server.reader)).document["space"] == "hq"
    assert (
        await server.ask("PUT", "/v1/schedule/window", token, {"default_playlist": brand["playlists"]})
    ).status == 201
    draft = {"name": "Changed", "items": []}
    assert (await server.ask("PUT", one, token, draft, headers={"If-Match": "1"})).status == 403
    in_use = await server.ask("DELETE", lent, server.writer)
    assert (in_use.status, in_use.document["users"]) == (409, ["window"])
    for version, (query, plan) in enumerate((("", {"default_playlist": brand["playlists"]}), ("?draft=true", {})), 1):
        at = {"If-Match": str(version)}
        assert (await server.ask("PUT", f"/v1/schedule/window{query}", server.writer, plan, headers=at)).status == 200
    still = await server.ask("DELETE", lent, server.writer)  # the next release shows it
    assert (still.status, still.document["users"]) == (409, ["window"])
    assert (await server.ask("DELETE", "/v1/schedule/window", token)).status == 204
    assert (await server.ask("DELETE", lent, server.writer)).status == 204
    assert (await server.ask("GET", one, token)).status == 404


async def test_a_change_that_would_show_in_a_channel_of_another_space_is_refused(server: RunningOrigin) -> None:
    await spaces(server)
    brand = await furnish(server, "hq", "Brand")
    one = f"/v1/playlists/{brand['playlists']}"
    assert (
        await server.ask("PUT", f"/v1/spaces/shop/lent/playlists/{brand['playlists']}", server.writer)
    ).status == 204
    await make(server, "PUT", "/v1/schedule/window?space=shop", {"default_playlist": brand["playlists"]})
    own = await add_key(server, "own", ("editor", "hq"))
    seeing = await add_key(server, "seeing", ("editor", "hq"), ("viewer", "shop"))
    both = await add_key(server, "both", ("editor", "hq"), ("editor", "shop"))
    draft, at = {"name": "Changed", "items": []}, {"If-Match": "1"}
    hidden = await server.ask("PUT", one, own, draft, headers=at)
    assert (hidden.status, "a channel of another space" in hidden.text, "window" in hidden.text) == (403, True, False)
    named = await server.ask("PUT", one, seeing, draft, headers=at)
    assert (named.status, "window" in named.document["detail"]) == (403, True)
    removed = await server.ask("DELETE", one, own)
    assert (removed.status, removed.document["users"]) == (409, ["a channel of another space", "brand-channel"])
    later = await server.ask("PUT", "/v1/schedule/window?draft=true", server.writer, {}, headers=at)
    assert later.status == 200
    ready = await server.ask("PUT", one, own, draft, headers=at)  # the next release still shows it there
    assert (ready.status, "a channel of another space" in ready.text) == (403, True)
    assert (await server.ask("PUT", one, both, draft, headers=at)).status == 200


async def test_a_campaign_on_all_channels_is_for_who_may_change_them_all(server: RunningOrigin) -> None:
    await spaces(server)
    own = await furnish(server, "shop", "Own")
    token = await add_key(server, "shop", ("editor", "shop"))
    mine = (await server.ask("GET", f"/v1/campaigns/{own['campaigns']}", token)).document
    fields = ("name", "advertiser", "starts_at", "ends_at", "lines")
    booked = {name: mine[name] for name in fields} | {"channel": None}
    refused = await server.ask("PUT", f"/v1/campaigns/{own['campaigns']}", token, booked, headers={"If-Match": "1"})
    assert (refused.status, "on all channels" in refused.document["detail"]) == (403, True)


async def test_a_channel_moves_with_what_belongs_to_it_and_shows_what_it_showed(server: RunningOrigin) -> None:
    await spaces(server)
    things = await furnish(server, "hq", "Old")
    device, _ = await server.pair("window", things["channel"])
    moved = await server.ask("PUT", f"/v1/spaces/shop/things/channels/{things['channel']}", server.writer)
    assert {(one["kind"], one["id"], one["space"]) for one in moved.document["lent"]} == {
        ("playlists", things["playlists"], "shop"),
        ("media", things["media"], "shop"),
    }
    token = await add_key(server, "shop", ("viewer", "shop"))
    assert (await server.ask("GET", f"/v1/campaigns/{things['campaigns']}", token)).document["space"] == "shop"
    assert (await server.ask("GET", f"/v1/schedule/{things['channel']}", token)).status == 200
    campaign = await server.ask("PUT", f"/v1/spaces/hq/things/campaigns/{things['campaigns']}", server.writer)
    assert (campaign.status, campaign.document["users"]) == (409, [things["channel"]])
    again = await server.ask("PUT", f"/v1/spaces/shop/things/playlists/{things['playlists']}", server.writer)
    assert again.document["lent"] == []
    assert (await server.ask("PUT", "/v1/spaces/hq/things/playlists/none", server.writer)).status == 404
    assert (
        await server.ask("PUT", f"/v1/spaces/none/things/playlists/{things['playlists']}", server.writer)
    ).status == 404
    assert (await server.ask("PUT", f"/v1/spaces/hq/things/devices/{device}", server.writer)).status == 200


async def test_what_only_a_ready_version_uses_is_lent_with_what_is_moved(server: RunningOrigin) -> None:
    await spaces(server)
    things, at = await furnish(server, "hq", "Old"), {"If-Match": "1"}
    one, window = f"/v1/playlists/{things['playlists']}", f"/v1/schedule/{things['channel']}"
    for path, draft in ((one, {"name": "Empty", "items": []}), (window, {})):
        assert (await server.ask("PUT", f"{path}?draft=true", server.writer, draft, headers=at)).status == 200
    moved = await server.ask("PUT", f"/v1/spaces/shop/things/channels/{things['channel']}", server.writer)
    assert ("playlists", things["playlists"], "shop") in {
        (one["kind"], one["id"], one["space"]) for one in moved.document["lent"]
    }
    moved = await server.ask("PUT", f"/v1/spaces/shop/things/media/{things['media']}", server.writer)
    assert ("media", things["media"], "hq") in {
        (one["kind"], one["id"], one["space"]) for one in moved.document["lent"]
    }
    kept = await server.ask("DELETE", f"/v1/spaces/hq/lent/media/{things['media']}", server.writer)
    assert (kept.status, kept.document["users"]) == (409, ["Empty"])


async def test_who_is_no_administrator_in_both_spaces_moves_nothing(server: RunningOrigin) -> None:
    await spaces(server)
    things = await furnish(server, "hq", "Old")
    path = f"/v1/spaces/shop/things/playlists/{things['playlists']}"
    for given in ((("administrator", "shop"),), (("administrator", "shop"), ("publisher", "hq"))):
        token = await add_key(server, f"key {len(given)}", *given)
        assert (await server.ask("PUT", path, token)).status == (404 if len(given) == 1 else 403)


async def test_what_is_taken_back_or_moved_while_somebody_begins_to_use_it_stays_whole(server: RunningOrigin) -> None:
    await spaces(server)
    brand = await furnish(server, "hq", "Brand")
    editor = await add_key(server, "shop", ("editor", "shop"))
    boss = await add_key(server, "boss", ("administrator", "hq"), ("administrator", "shop"))
    lent, using = f"/v1/spaces/shop/lent/playlists/{brand['playlists']}", {"default_playlist": brand["playlists"]}
    for number in range(6):
        assert (await server.ask("PUT", lent, boss)).status == 204
        window = f"/v1/schedule/window-{number}"
        used, taken = await asyncio.gather(server.ask("PUT", window, editor, using), server.ask("DELETE", lent, boss))
        assert (used.status, taken.status) in {(201, 409), (422, 204)}
        if used.status == 201:
            assert (await server.ask("DELETE", window, editor)).status == 204
    away = f"/v1/spaces/shop/things/playlists/{brand['playlists']}"
    draft = {"name": "Changed", "items": []}
    own = await add_key(server, "hq", ("editor", "hq"))
    changed, moved = await asyncio.gather(
        server.ask("PUT", f"/v1/playlists/{brand['playlists']}", own, draft, headers={"If-Match": "1"}),
        server.ask("PUT", away, boss),
    )
    assert moved.status == 200
    assert changed.status in (200, 403, 404)  # before it was moved, or after, perhaps not yet seen to be lent


async def test_a_channel_has_nothing_of_an_earlier_one_of_its_name(server: RunningOrigin) -> None:
    await spaces(server)
    brand = await furnish(server, "hq", "Brand")
    window, plan = "/v1/schedule/window", {"default_playlist": brand["playlists"]}
    await make(server, "PUT", f"{window}?space=hq", plan)
    assert (await server.ask("DELETE", window, server.writer)).status == 204
    token = await add_key(server, "shop", ("editor", "shop"))
    made = (await server.ask("PUT", window, token, {})).document["version"]
    undone = await server.ask("POST", f"{window}/undo", token, {"version": made})
    assert (undone.status, brand["playlists"] in undone.text) == (409, False)
    edits = {"edits": [{"do": "set", "set": {"zone": "Europe/Paris"}}]}
    for seen in range(1, made):
        edited = await server.ask("PATCH", window, token, edits, headers={"If-Match": str(seen)})
        assert (edited.status, brand["playlists"] in edited.text) == (412, False)
    assert (await server.ask("PATCH", window, token, edits, headers={"If-Match": str(made)})).status == 200
    assert (await server.ask("POST", f"{window}/undo", token, {"version": made + 1})).status == 200


async def test_what_was_before_something_is_lent_is_told_where_it_lies_alone(server: RunningOrigin) -> None:
    await spaces(server)
    brand = await furnish(server, "hq", "Brand")
    one, lent = f"/v1/playlists/{brand['playlists']}", f"/v1/spaces/shop/lent/playlists/{brand['playlists']}"
    draft, at = {"name": "Brand", "items": []}, {"If-Match": "1"}
    assert (await server.ask("PUT", one, server.writer, draft, headers=at)).status == 200
    assert (await server.ask("PUT", lent, server.writer)).status == 204
    borrower, owner = await add_key(server, "shop", ("editor", "shop")), await add_key(server, "hq", ("viewer", "hq"))
    assert (await server.ask("GET", one, borrower)).status == 200
    assert (await server.ask("GET", f"{one}/history", borrower)).status == 403
    edits = {"edits": [{"do": "set", "set": {"name": "x"}}]}
    refused = await server.ask("PATCH", one, borrower, edits, headers=at)  # a clash would tell the first name
    assert (refused.status, "Brand playlist" in refused.text) == (403, False)
    assert (await server.ask("POST", f"{one}/undo", borrower, {"version": 2})).status == 403
    assert (await server.ask("PATCH", one, owner, edits, headers=at)).status == 403
    told = (await server.ask("GET", f"{one}/history", owner)).document["history"]
    assert [entry["action"] for entry in told] == ["lent", "changed", "created"]
    assert told[0]["after"] == {}  # no space that one does not see
    told = (await server.ask("GET", f"{one}/history", server.reader)).document["history"]
    assert told[0]["after"] == {"space": "shop"}
