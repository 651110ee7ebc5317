"""Screens in spaces: a technician of one space pairs, moves and removes the screens there, and sees no others."""

import secrets

from sync.trust.signing import pairing_code
from sync.wire.release import Envelope
from tests.origin.api.spaces.test_every_operation import furnish
from tests.origin.api.spaces.test_spaces import add_key, add_space
from tests.origin.running_origin import Answer, RunningOrigin


async def wait_for_pairing(server: RunningOrigin) -> str:
    """Have a screen wait to be paired; return its code."""
    secret = secrets.token_hex(32)
    asked = await server.ask("POST", "/v1/pairings", body={"name": "Zebra stripes", "secret": secret})
    return pairing_code(Envelope.model_validate(asked.document["root"]), secret)


async def pair_as(server: RunningOrigin, token: str, channel: str) -> Answer:
    """Try to pair a screen that waits."""
    return await server.ask("POST", "/v1/devices", token, {"code": await wait_for_pairing(server), "channel": channel})


async def test_a_technician_of_a_space_pairs_into_its_channels_alone(server: RunningOrigin) -> None:
    for space in ("ours", "theirs"):
        await add_space(server, space)
        await furnish(server, space, space.capitalize())
    technician = await add_key(server, "technician", ("technician", "ours"), ("viewer", "theirs"))
    blind = await add_key(server, "blind", ("technician", "ours"))
    paired = await pair_as(server, technician, "ours-channel")
    assert (paired.status, paired.document["space"]) == (201, "ours")
    seen_only = await pair_as(server, technician, "theirs-channel")
    assert (seen_only.status, "a technician in its space theirs" in seen_only.document["detail"]) == (403, True)
    for hidden in ("theirs-channel", "no-channel", "main"):  # main is not made yet, and lies in the default space
        refused = await pair_as(server, blind, hidden)
        assert (refused.status, refused.document["fields"]) == (422, {"channel": f"there is no channel {hidden}"})
    assert (await server.ask("GET", "/v1/pairings", blind)).document["total"] == 0
    assert (await server.ask("GET", "/v1/pairings", server.reader)).document["total"] == 4
    viewer = await add_key(server, "viewer", ("viewer", "ours"))
    assert (await pair_as(server, viewer, "ours-channel")).status == 403
    assert (await pair_as(server, server.writer, "main")).document.get("space") is None


async def test_a_screen_goes_with_its_channel_into_another_space(server: RunningOrigin) -> None:
    for space in ("ours", "theirs"):
        await add_space(server, space)
    ours, theirs = await furnish(server, "ours", "Ours"), await furnish(server, "theirs", "Theirs")
    one = f"/v1/devices/{ours['devices']}"
    technician = await add_key(server, "technician", ("technician", "ours"))
    both = await add_key(server, "both", ("technician", "ours"), ("technician", "theirs"))
    renamed = await server.ask("PATCH", one, technician, {"name": "Door"})
    assert (renamed.status, renamed.document["space"]) == (200, "ours")
    assert (await server.ask("PATCH", one, technician, {"channel": theirs["channel"]})).status == 422
    moved = await server.ask("PATCH", one, both, {"channel": theirs["channel"]})
    assert (moved.status, moved.document["space"]) == (200, "theirs")
    assert (await server.ask("GET", one, technician)).status == 404
    assert (await server.ask("GET", f"{one}/keys", technician)).document["keys"] == []
    assert (await server.ask("PUT", f"/v1/spaces/ours/things/devices/{ours['devices']}", server.writer)).status == 200
    back = await server.ask("PATCH", one, both, {"channel": ours["channel"]})
    assert back.document["space"] == "ours"  # it did not lie with its channel, so it stays where it was put
    assert (await server.ask("DELETE", one, technician)).status == 204


async def test_who_looks_after_no_screens_changes_none(server: RunningOrigin) -> None:
    await add_space(server, "ours")
    ours = await furnish(server, "ours", "Ours")
    token = await add_key(server, "two", ("viewer", "ours"), ("technician", "default"))
    one = f"/v1/devices/{ours['devices']}"
    for method, path, body in (
        ("PATCH", one, {"name": "x"}),
        ("DELETE", one, None),
        ("POST", f"{one}/let-through", {"release": "0" * 64}),
        ("POST", f"{one}/new-identity", {}),
        ("POST", f"{one}/keys/{'0' * 64}/revocation", {"note": "x"}),
    ):
        refused = await server.ask(method, path, token, body)
        assert (refused.status, "a technician in its space ours" in refused.document["detail"]) == (403, True), path


async def test_a_session_tells_what_is_held_for_everything_and_what_in_spaces(server: RunningOrigin) -> None:
    await add_space(server, "ours")
    boss = (await server.ask("GET", "/v1/session", await add_key(server, "boss", ("administrator", "ours")))).document
    assert (boss["everything"], boss["rights"]) == (None, [{"role": "administrator", "space": "ours"}])
    mixed = await add_key(server, "mixed", ("editor", "ours"), role="viewer")
    assert (await server.ask("GET", "/v1/session", mixed)).document["everything"] == "viewer"
    assert (await server.ask("GET", "/v1/session", server.writer)).document["everything"] == "administrator"
