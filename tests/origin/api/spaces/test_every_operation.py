"""An editor of one space calls every operation with things of another one: he changes nothing there, learns nothing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from sync.roles import Role
from tests.origin.api.spaces.test_spaces import add_key, add_space
from tests.origin.http.test_roles import written
from tests.origin.running_origin import Answer, RunningOrigin

SECRET = "Zebra"
"""A part of each name in the other space."""

_OWN = {"sessions", "changes", "idempotent_requests", "idempotency"}


async def make(server: RunningOrigin, method: str, path: str, body: Any) -> Any:
    """Have an administrator make something."""
    made = await server.ask(method, path, server.writer, body)
    assert made.status in (200, 201), made.text
    return made.document


def booking(name: str, channel: str, media: str) -> dict[str, Any]:
    """Return a campaign as it is sent."""
    creative = {"media": media, "duration_ms": 10_000}
    return {
        "name": f"{name} campaign",
        "advertiser": f"{name} Ltd",
        "channel": channel,
        "starts_at": "2026-03-01T00:00:00Z",
        "ends_at": "2026-05-01T00:00:00Z",
        "lines": [{"name": f"{name} line", "share_ppm": 100_000, "creatives": [creative]}],
    }


async def furnish(server: RunningOrigin, space: str, name: str) -> dict[str, str]:
    """Have a space with one of each thing; return their ids."""
    where = f"?space={space}"
    stream = {"url": f"rtsp://{space}.example/live", "name": f"{name} stream"}
    media = (await make(server, "POST", f"/v1/media/streams{where}", stream))["id"]
    playlist = {"name": f"{name} playlist", "items": [{"media": media, "duration_ms": 10_000}]}
    playlist_id = (await make(server, "POST", f"/v1/playlists{where}", playlist))["id"]
    channel = f"{name.lower()}-channel"
    await make(server, "PUT", f"/v1/schedule/{channel}{where}", {"default_playlist": playlist_id})
    campaign = (await make(server, "POST", "/v1/campaigns", booking(name, channel, media)))["id"]
    device, _ = await server.pair(f"{name} window", channel)
    return {"media": media, "playlists": playlist_id, "channel": channel, "campaigns": campaign, "devices": device}


def rows(server: RunningOrigin) -> dict[str, list[str]]:
    """Return all rows of the database by table, without those that say who is logged in."""
    engine = create_engine(f"sqlite:///{server.origin.settings.storage.data_dir / 'origin.db'}")
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names()) - _OWN
        found = {name: sorted(map(str, connection.execute(text(f"SELECT * FROM {name}")))) for name in names}
    engine.dispose()
    return found


def body_for(method: str, path: str, theirs: Mapping[str, str]) -> Any:
    """Return what to send: what would be right, if the things in it were one's own."""
    if method in ("GET", "HEAD", "DELETE"):
        return None
    if path == "/v1/playlists" or (path.startswith("/v1/playlists/") and method == "PUT"):
        return {"name": "x", "items": [{"media": theirs["media"], "duration_ms": 9_000}]}
    if path == "/v1/campaigns" or (path.startswith("/v1/campaigns/") and method == "PUT"):
        return booking("x", theirs["channel"], theirs["media"])
    if path == "/v1/media" and method == "PATCH":
        return {"media": [theirs["media"]], "add_tags": ["x"]}
    if path.startswith("/v1/media/") and method == "PATCH":
        return {"name": "x"}
    return edit_for(method, path)


def edit_for(method: str, path: str) -> Any:
    """Return an edit, or what takes one back; of anything else nothing."""
    if path.endswith("/undo"):
        return {"version": 1}
    field = {"playlists": "name", "campaigns": "name", "schedule": "default_playlist"}.get(path.split("/")[2])
    if method != "PATCH" or field is None:
        return {}
    return {"edits": [{"do": "set", "set": {field: "x"}}]}


def ways(document: Mapping[str, Any], theirs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return each operation as method and path, about things of the other space."""
    for path, methods in document["paths"].items():
        kind = path.removeprefix("/v1/").partition("/")[0]
        filled = path.replace("{channel}", theirs["channel"]).replace("{sequence}", "1").replace("{by}", "campaign")
        filled = filled.replace("{kind}", "playlists").replace("{thing}", theirs["playlists"])
        filled = filled.replace("{id}", theirs.get(kind, "theirs")).replace("{key}", "0" * 64)
        for method in methods:
            yield method.upper(), filled


def told(answer: Answer) -> str:
    """Return what an answer says beside what was asked."""
    document = answer.document
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if name != "instance"}
    return json.dumps(document) if document is not None else answer.text


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_in_one_space_reaches_no_other(server: RunningOrigin, role: Role) -> None:
    await add_space(server, "ours")
    await add_space(server, "theirs")
    await furnish(server, "ours", "Own")
    theirs = await furnish(server, "theirs", SECRET)
    token = await add_key(server, "someone", (role, "ours"))
    document = (await server.ask("GET", "/v1/openapi.json")).document
    before = rows(server)
    for method, path in ways(document, theirs):
        if path.startswith(("/v1/session", "/v1/account", "/v1/pairings", "/v1/identity", "/content")):
            continue  # one's own, or for devices, or public
        body = body_for(method, path, theirs)
        answer = await server.ask(method, path, token, body, headers={"If-Match": "1", "Tus-Resumable": "1.0.0"})
        said = told(answer).lower().replace(theirs["channel"], "")  # it repeats what was asked
        assert SECRET.lower() not in said, (method, path, answer.text)
        asked = path + json.dumps(body)
        assert not [id for id in theirs.values() if id in said and id not in asked], (method, path, answer.text)
        assert answer.status < 500, (method, path, answer.text)
    assert rows(server) == before


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_in_a_space_may_there_what_the_table_says(server: RunningOrigin, role: Role) -> None:
    await add_space(server, "ours")
    ours = await furnish(server, "ours", "Own")
    token = await add_key(server, "someone", (role, "ours"))
    document = (await server.ask("GET", "/v1/openapi.json")).document
    cells = written()
    operations = ((method.upper(), path) for path, methods in document["paths"].items() for method in methods)
    found = zip(ways(document, ours), operations, strict=True)
    refused, let_in = set[tuple[str, str]](), set[tuple[str, str]]()
    for (method, path), operation in sorted(found, key=lambda one: one[0][0] == "DELETE"):  # what is gone comes last
        cell = cells[operation]
        if cell["nobody"] or not cell["administrator"] or path.startswith(("/v1/account", "/v1/session")):
            continue
        body = body_for(method, path, ours)
        answer = await server.ask(method, path, token, body, headers={"If-Match": "9", "Tus-Resumable": "1.0.0"})
        (refused if answer.status == 403 else let_in).add(operation)
        may = bool(cell[role] and (cell["in a space"] or operation[1] == "/v1/live"))
        assert (answer.status != 403) == may, (operation, answer.status, answer.text)
    assert refused or role is Role.ADMINISTRATOR
    assert ("GET", "/v1/reports/{by}") in let_in


async def test_one_s_own_things_are_seen_and_changed_and_no_others_counted(server: RunningOrigin) -> None:
    await look_at_own_and_others(server)


async def look_at_own_and_others(server: RunningOrigin) -> None:
    await add_space(server, "ours")
    await add_space(server, "theirs")
    ours, theirs = await furnish(server, "ours", "Own"), await furnish(server, "theirs", SECRET)
    token = await add_key(server, "editor", ("editor", "ours"))
    for kind in ("playlists", "media", "campaigns", "channels", "devices"):
        listed = (await server.ask("GET", f"/v1/{kind}", token)).document
        assert (listed["total"], len(listed[kind])) == (1, 1)
    for kind in ("playlists", "media", "campaigns", "devices"):
        assert (await server.ask("GET", f"/v1/{kind}/{ours[kind]}", token)).document["space"] == "ours"
        assert (await server.ask("GET", f"/v1/{kind}/{theirs[kind]}", token)).status == 404
        refused = await server.ask("DELETE", f"/v1/{kind}/{theirs[kind]}", token)
        assert refused.status == (403 if kind == "devices" else 404)  # that needs a technician
    for one in (
        f"schedule/{theirs['channel']}",
        f"playlists/{theirs['playlists']}",
        f"campaigns/{theirs['campaigns']}",
    ):
        for version in ("", "?version=ready"):
            assert (await server.ask("GET", f"/v1/{one}{version}", token)).status == 404
    foreign = {"name": "Mine", "items": [{"media": theirs["media"], "duration_ms": 9_000}]}
    refused = await server.ask("POST", "/v1/playlists", token, foreign)
    wrong = {"items.0.media": f"there is no media {theirs['media']}"}
    assert (refused.status, refused.document["fields"]) == (422, wrong)
    made = await server.ask(
        "POST", "/v1/playlists", token, {"name": "Mine", "items": [{"media": ours["media"], "duration_ms": 9_000}]}
    )
    assert (made.status, made.document["space"]) == (201, "ours")
    assert (await server.ask("POST", "/v1/playlists?space=theirs", token, {"name": "x"})).status == 422
    taken = await server.ask("PUT", f"/v1/schedule/{theirs['channel']}", token, {})
    assert (taken.status, SECRET in taken.text) == (409, False)


async def test_who_may_only_look_in_one_space_changes_nothing_there(server: RunningOrigin) -> None:
    await add_space(server, "ours")
    await add_space(server, "theirs")
    ours = await furnish(server, "ours", "Own")
    token = await add_key(server, "both", ("viewer", "ours"), ("editor", "theirs"))
    refused = await server.ask("DELETE", f"/v1/playlists/{ours['playlists']}", token)
    assert refused.status == 403
    assert "an editor in its space ours" in refused.document["detail"]
