"""The audit log and the histories of things over HTTP."""

import csv
import io
import json
from typing import Any

from sync.origin.http.auth import make_key
from sync.roles import Role
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin


async def texts(server: RunningOrigin, path: str, key: str = "history") -> list[str]:
    answer = await server.ask("GET", path, server.writer)
    assert answer.status == 200, answer.text
    return [entry["text"] for entry in answer.document[key]]


async def put(server: RunningOrigin, token: str, path: str, document: dict[str, Any]) -> Any:
    version = document.get("version")
    draft = {
        name: value for name, value in document.items() if name in ("name", "items", "dayparts", "default_playlist")
    }
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    answer = await server.ask("PUT", path, token, draft, headers=headers)
    assert answer.status in (200, 201), answer.text
    return answer.document


async def test_the_history_of_a_thing_says_who_did_what_to_which_part(server: RunningOrigin, clock: FakeClock) -> None:
    _, anna = await make_key(server.origin.keys, clock, "Anna", Role.EDITOR)
    film = await server.origin.folder_target.media.add_stream("Lunch", "https://example.com/lunch.m3u8")
    made = await server.ask("POST", "/v1/playlists", anna, {"name": "Lobby", "items": [{"media": film}]})
    playlist, path = made.document, f"/v1/playlists/{made.document['id']}"
    (lunch,) = playlist["items"]
    playlist = await put(server, server.writer, path, playlist | {"items": [lunch, {"media": film, "title": "Dinner"}]})
    lunch, dinner = playlist["items"]
    playlist = await put(server, anna, path, playlist | {"name": "Hall", "items": [dinner | {"volume": 5}, lunch]})
    await put(server, anna, path, playlist | {"items": [playlist["items"][0]]})
    assert await texts(server, f"{path}/history") == [
        "Key “Anna” took “Lunch” out of playlist “Hall”",
        "Key “Anna” changed playlist “Hall”: name, “Dinner” moved, “Dinner” changed",
        "Key “writer” put “Dinner” into playlist “Lobby”",
        "Key “Anna” made playlist “Lobby”",
    ]
    gone = (await server.ask("GET", f"{path}/history?limit=1", server.reader)).document
    (entry,) = gone["history"]
    (difference,) = entry["differences"]
    assert (difference["code"], difference["place_before"], difference["place_after"]) == ("item.removed", 1, None)
    assert (difference["id"], difference["fields"]["media"]) == (lunch["id"], {"before": film, "after": None})
    assert (entry["version_before"], entry["version_after"], entry["actor"]["address"]) == (3, 4, "127.0.0.1")
    assert (entry["code"], entry["at"], entry["more"]) == ("playlist.changed", "2026-03-02T12:00:00.000Z", 0)
    older = await server.ask("GET", f"{path}/history?limit=1&cursor={gone['next']}", server.reader)
    assert older.document["history"][0]["text"].startswith("Key “Anna” changed playlist “Hall”: name")
    assert (await server.ask("GET", "/v1/playlists/unknown/history", server.reader)).status == 404


async def test_a_channel_tells_its_schedule_and_its_releases_and_a_screen_its_changes(server: RunningOrigin) -> None:
    film = await server.origin.folder_target.media.add_stream("Lunch", "https://example.com/lunch.m3u8")
    made = await server.ask("POST", "/v1/playlists", server.writer, {"name": "Lobby", "items": [{"media": film}]})
    schedule = await put(server, server.writer, "/v1/schedule/main", {})
    await put(server, server.writer, "/v1/schedule/main", schedule | {"default_playlist": made.document["id"]})
    assert (await server.ask("POST", "/v1/releases", server.writer, {"channel": "main"})).status in (200, 201)
    assert await texts(server, "/v1/schedule/main/history") == [
        "Key “writer” published channel “main”",
        "Key “writer” changed the schedule of channel “main”: default_playlist",
        "Key “writer” made the schedule of channel “main”",
    ]
    device, _ = await server.pair()
    await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"name": "Door"})
    found = (await server.ask("GET", f"/v1/devices/{device}/history", server.reader)).document["history"]
    assert [one["text"] for one in found] == [
        "Key “writer” changed screen “Door”",
        "Key “writer” let screen “window” in",
    ]
    assert (found[0]["before"]["name"], found[0]["after"]["name"], found[0]["differences"]) == ("window", "Door", None)


async def test_the_log_is_searched_filtered_and_exported_by_administrators_alone(
    server: RunningOrigin, clock: FakeClock
) -> None:
    key, anna = await make_key(server.origin.keys, clock, "=Anna", Role.EDITOR)
    for name in ("Lobby", "Café"):
        await server.ask("POST", "/v1/playlists", anna, {"name": name})
        clock.step_wall(3600)
    for path in ("/v1/audit", "/v1/audit/export"):
        for token in (anna, server.reader):
            assert (await server.ask("GET", path, token)).status == 403
    by_her = f"/v1/audit?actor={key.id}"
    assert await texts(server, by_her, "entries") == [
        "Key “=Anna” made playlist “Café”",
        "Key “=Anna” made playlist “Lobby”",
    ]
    for query in ("search=cafe", "kind=playlist&from=2026-03-02T12:30:00Z", "limit=1"):
        assert await texts(server, f"{by_her}&{query}", "entries") == ["Key “=Anna” made playlist “Café”"]
    assert await texts(server, f"{by_her}&until=2026-03-02T12:30:00Z&action=created", "entries") == [
        "Key “=Anna” made playlist “Lobby”"
    ]
    assert await texts(server, f"/v1/audit?kind=key&thing={key.id}", "entries") == [
        "The origin made the key “=Anna”",
    ]
    assert (await server.ask("GET", "/v1/audit?kind=nothing", server.writer)).status == 422
    lines = (await server.ask("GET", f"/v1/audit/export?sort=at&actor={key.id}", server.writer)).text.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["Lobby", "Café"]
    text = (await server.ask("GET", f"/v1/audit/export?sort=at&actor={key.id}&format=csv", server.writer)).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["name"], row["actor_name"], row["kind"]) for row in rows] == [
        ("Lobby", "'=Anna", "playlist"),
        ("Café", "'=Anna", "playlist"),
    ]
    assert anna not in (await server.ask("GET", "/v1/audit/export", server.writer)).text


async def test_a_channel_that_is_made_again_has_nothing_of_the_one_before(server: RunningOrigin) -> None:
    path = "/v1/schedule/bar"
    await put(server, server.writer, path, {})
    first = await server.ask("PUT", path, server.writer, {"zone": "Europe/Berlin"}, headers={"If-Match": "1"})
    assert (first.document["version"], (await server.ask("DELETE", path, server.writer)).status) == (2, 204)
    made = await server.ask("PUT", path, server.writer, {})
    assert made.status == 201
    assert await texts(server, f"{path}/history") == ["Key “writer” made the schedule of channel “bar”"]
    undone = await server.ask("POST", f"{path}/undo", server.writer, {"version": made.document["version"]})
    assert (undone.status, undone.document["type"]) == (409, "urn:signage:problem:conflict")
    assert (await server.ask("GET", path, server.writer)).document["zone"] is None
    stale = {"If-Match": "2"}
    edits = {"edits": [{"do": "set", "set": {"zone": "UTC"}}]}
    assert (await server.ask("PATCH", path, server.writer, edits, headers=stale)).status in (409, 412)
