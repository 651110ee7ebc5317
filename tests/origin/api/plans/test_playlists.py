"""Playlists over HTTP on a real database: versions, wrong fields, atomic changes, one query."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Engine, event

from sync.errors import SignageError
from sync.origin.persistence.pages import PageRequest
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.store import playlists as playlist_statements
from tests.origin.planning_origin import Client, PlanningOrigin, request_json


def _item(media: str, **more: Any) -> dict[str, Any]:
    return {"media": media, **more}


async def _made(client: Client, *items: dict[str, Any], name: str = "Lobby") -> dict[str, Any]:
    status, document = await request_json(client, "POST", "/v1/playlists", {"name": name, "items": list(items)})
    assert status == 201, document
    made: dict[str, Any] = document
    return made


async def test_a_playlist_comes_back_as_it_was_sent_in_order(planning: PlanningOrigin, client: Client) -> None:
    for media in ("m1", "m2"):
        await planning.make_media(media)
    shown = _item(
        "m2",
        title="Menu",
        duration_ms=4000,
        fit="cover",
        background="#ffffff",
        volume=30,
        at_end="finish",
        starts_at="2026-03-01T08:00:00.000Z",
        ends_at="2026-04-01T08:00:00.000Z",
    )
    made = await _made(client, shown, _item("m1"), shown)
    async with client.get(f"/v1/playlists/{made['id']}") as answer:
        assert answer.headers["ETag"] == '"1"'
        document = await answer.json()
    assert document == made
    assert [item["media"] for item in document["items"]] == ["m2", "m1", "m2"]
    assert {key: document["items"][0][key] for key in shown} == shown
    assert document["items"][1]["title"] is None, "it shows the name of its media, whatever that becomes"
    assert document["items"][1]["fit"] is document["items"][1]["background"] is None  # as the screen's settings say
    assert len({item["id"] for item in document["items"]}) == 3
    assert document["media"]["m1"]["asset"]["size_bytes"] == 200
    assert ("playlists", made["id"]) in planning.changes


async def test_making_one_says_where_it_is(planning: PlanningOrigin, client: Client) -> None:
    async with client.post("/v1/playlists", json={"name": "Empty", "items": []}) as answer:
        assert answer.status == 201
        location = answer.headers["Location"]
    status, document = await request_json(client, "GET", location)
    assert (status, document["name"], document["items"]) == (200, "Empty", [])
    status, listed = await request_json(client, "GET", "/v1/playlists")
    assert [(one["name"], one["items"], one["version"]) for one in listed["playlists"]] == [("Empty", 0, 1)]


async def test_items_sent_with_their_id_keep_it_and_others_get_one(planning: PlanningOrigin, client: Client) -> None:
    for media in ("m1", "m2", "m3"):
        await planning.make_media(media)
    made = await _made(client, _item("m1"), _item("m2"))
    first, second = made["items"]
    body = {"name": "Lobby", "items": [second, _item("m3"), first]}
    status, kept = await request_json(client, "PUT", f"/v1/playlists/{made['id']}", body, etag='"1"')
    assert (status, kept["version"]) == (200, 2)
    assert [item["id"] for item in kept["items"]][::2] == [second["id"], first["id"]]
    assert kept["items"][1]["id"] not in (first["id"], second["id"])


async def test_two_writers_at_once_and_one_of_them_learns_it_lost(planning: PlanningOrigin, client: Client) -> None:
    await planning.make_media("m1")
    made = await _made(client, _item("m1"))
    path = f"/v1/playlists/{made['id']}"
    bodies = [{"name": name, "items": [_item("m1")] * count} for name, count in (("A", 3), ("B", 5))]
    answers = await asyncio.gather(*(request_json(client, "PUT", path, body, etag='"1"') for body in bodies))
    assert sorted(status for status, _ in answers) == [200, 412]
    won = next(document for status, document in answers if status == 200)
    lost = next(document for status, document in answers if status == 412)
    assert lost["current"] == 2
    assert (await request_json(client, "GET", path))[1] == won
    assert len(won["items"]) == {"A": 3, "B": 5}[won["name"]]


async def test_a_change_without_a_version_is_asked_for_one(planning: PlanningOrigin, client: Client) -> None:
    made = await _made(client)
    status, problem = await request_json(client, "PUT", f"/v1/playlists/{made['id']}", {"name": "X", "items": []})
    assert (status, problem["type"]) == (428, "urn:signage:problem:precondition-required")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"items": [{"media": "m1"}, {"media": "nobody"}]}, "items.1.media"),
        ({"items": [{"media": "bad"}]}, "items.0.media"),
        ({"items": [{"media": "m1", "duration_ms": 0}]}, "items.0.duration_ms"),
        ({"items": [{"media": "m1", "volume": 101}]}, "items.0.volume"),
        ({"items": [{"media": "m1", "colour": "red"}]}, "items.0.colour"),
        ({"items": [{"media": "../etc"}]}, "items.0.media"),
        ({"items": [{"media": "m1", "starts_at": "2026-03-01T08:00:00"}]}, "items.0.starts_at"),
        ({"items": [{"media": "m1", "id": "a"}, {"media": "m1", "id": "a"}]}, "items.1.id"),
        (
            {"items": [{"media": "m1", "starts_at": "2026-03-02T00:00:00Z", "ends_at": "2026-03-01T00:00:00Z"}]},
            "items.0.ends_at",
        ),
        ({"name": "  "}, "name"),
        ({"items": [{"media": "m1"}] * 10_001}, "items"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_changes(
    planning: PlanningOrigin, client: Client, change: dict[str, Any], field: str
) -> None:
    await planning.make_media("m1")
    await planning.fail_media("bad", "This is no picture.")
    made = await _made(client, _item("m1"))
    path = f"/v1/playlists/{made['id']}"
    status, problem = await request_json(client, "PUT", path, {"name": "X", "items": [], **change}, etag='"1"')
    assert (status, list(problem["fields"])) == (422, [field])
    assert (await request_json(client, "GET", path))[1] == made


async def test_every_wrong_media_is_named_at_once_and_why(planning: PlanningOrigin, client: Client) -> None:
    await planning.fail_media("bad", "This is no picture.")
    items = [_item("nobody"), _item("bad")]
    status, problem = await request_json(client, "POST", "/v1/playlists", {"name": "X", "items": items})
    assert status == 422
    assert problem["fields"] == {
        "items.0.media": "there is no media nobody",
        "items.1.media": "bad.jpg cannot be shown: This is no picture.",
    }
    assert (await request_json(client, "GET", "/v1/playlists"))[1]["playlists"] == []


async def test_an_item_of_another_playlist_cannot_be_taken_along(planning: PlanningOrigin, client: Client) -> None:
    await planning.make_media("m1")
    made = await _made(client, _item("m1"))
    status, problem = await request_json(client, "POST", "/v1/playlists", {"name": "Copy", "items": made["items"]})
    assert (status, list(problem["fields"])) == (422, ["items.0.id"])


async def test_what_is_on_air_cannot_be_removed_unnoticed(planning: PlanningOrigin, client: Client) -> None:
    await planning.make_media("m1")
    made = await _made(client, _item("m1"))
    daypart = {"name": "Day", "playlist": made["id"]}
    await request_json(client, "PUT", "/v1/schedule/main", {"default_playlist": made["id"]})
    await request_json(client, "PUT", "/v1/schedule/bar", {"dayparts": [daypart]})
    status, problem = await request_json(client, "DELETE", f"/v1/playlists/{made['id']}")
    assert (status, problem["users"]) == (409, ["bar", "main"])
    await request_json(client, "PUT", "/v1/schedule/main", {}, etag='"1"')
    await request_json(client, "PUT", "/v1/schedule/bar", {}, etag='"1"')
    assert (await request_json(client, "DELETE", f"/v1/playlists/{made['id']}", etag='"7"'))[0] == 412
    assert (await request_json(client, "DELETE", f"/v1/playlists/{made['id']}", etag='"1"'))[0] == 204
    assert (await request_json(client, "GET", f"/v1/playlists/{made['id']}"))[0] == 404
    await planning.replacements.remove(["m1"])  # its items are gone, too


async def test_a_fault_in_mid_transaction_leaves_the_old_playlist_whole(
    planning: PlanningOrigin, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await planning.make_media("m1")
    made = await _made(client, _item("m1"), _item("m1"))
    stored = await planning.playlists.get(made["id"])

    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt  # the old items are deleted by now

    monkeypatch.setattr(playlist_statements, "_row", crash)
    draft = PlaylistDraft(name="New", items=(PlaylistItem(media="m1"),))
    with pytest.raises(KeyboardInterrupt):
        await planning.playlists.replace(made["id"], draft, version=1)
    monkeypatch.undo()
    assert await planning.playlists.get(made["id"]) == stored
    assert (await planning.playlists.replace(made["id"], draft, version=1)).version == 2  # and no lock is left behind


async def test_two_thousand_items_load_in_one_indexed_query(planning: PlanningOrigin) -> None:
    for number in range(5):
        await planning.make_media(f"m{number}")
    items = tuple(PlaylistItem(media=f"m{number % 5}", title=f"Item {number}") for number in range(2000))
    made = await planning.playlists.create(PlaylistDraft(name="Long", items=items))
    statements: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        loaded = await planning.playlists.get(made.id)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    queries = [one for one in statements if one[0] != "BEGIN"]
    assert len(queries) == 1
    assert [item.title for item in loaded.items] == [f"Item {number}" for number in range(2000)]
    statement, parameters = queries[0]
    async with planning.database.reading() as connection:
        plan = [
            str(row.detail) for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    assert plan and not [step for step in plan if step.startswith("SCAN")], plan


async def test_a_playlist_nobody_made_is_not_found(client: Client) -> None:
    assert (await request_json(client, "GET", "/v1/playlists/none"))[0] == 404
    assert (await request_json(client, "PUT", "/v1/playlists/none", {"name": "X", "items": []}, etag='"1"'))[0] == 404
    assert (await request_json(client, "DELETE", "/v1/playlists/none"))[0] == 404


async def test_playlists_are_listed_in_natural_order(planning: PlanningOrigin) -> None:
    names = ["Menu", "menu 2", "Menu 10", "Ñandú", "Zebra"]
    for name in reversed(names):
        await planning.playlists.create(PlaylistDraft(name=name))
    assert [playlist.name for playlist in (await planning.playlists.page(PageRequest())).items] == names


async def test_names_that_are_there_twice_are_told_apart_before_a_folder_replaces_one(planning: PlanningOrigin) -> None:
    first = await planning.playlists.create(PlaylistDraft(name="Twin"))
    assert (await planning.playlists.find_by_name("Twin")) == first
    assert (await planning.playlists.find_by_name("None")) is None
    await planning.playlists.create(PlaylistDraft(name="Twin"))
    with pytest.raises(SignageError, match="several playlists"):
        await planning.playlists.find_by_name("Twin")


async def test_a_list_tells_how_long_each_is_where_it_shows_and_its_first_media(
    planning: PlanningOrigin, client: Client
) -> None:
    for media in "abcde":
        await planning.make_media(media)
    await planning.make_media("film", video=True)
    await planning.queue_media("late")
    stream = await planning.media.add_stream("Radio", "http://example.com/live")

    async def make(name: str, *items: Any) -> str:
        return str((await request_json(client, "POST", "/v1/playlists", {"name": name, "items": items}))[1]["id"])

    film = (await request_json(client, "GET", f"/v1/playlists/{await make('F', {'media': 'film'})}"))[1]
    length = film["media"]["film"]["asset"]["duration_ms"]
    cut, looped = {"duration_ms": length - 1}, {"duration_ms": length * 3, "loop": True}
    await make("A", *({"media": media} for media in "abcde"), {"media": "a", "duration_ms": 500})
    await make("B", *({"media": "film", **how} for how in (cut, looped, {"duration_ms": length * 3})))
    await make("C", {"media": stream, "duration_ms": 500}, {"media": "late"}, {"media": "a"})
    menu = await make("D")
    part = {"name": "Noon", "playlist": menu, "start": "11:00", "end": "14:00"}
    await request_json(client, "PUT", "/v1/schedule/shop", {"default_playlist": menu, "dayparts": [part]})
    await request_json(client, "PUT", "/v1/schedule/bar", {"dayparts": [part]})

    listed = (await request_json(client, "GET", "/v1/playlists"))[1]["playlists"]
    assert [(one["name"], one["length_ms"]) for one in listed] == [
        ("A", 50_500),
        ("B", length - 1 + length * 3 + length),
        ("C", None),
        ("D", 0),
        ("F", length),
    ]
    assert [one["channels"] for one in listed] == [[], [], [], ["bar", "shop"], []]
    assert [one["media"] for one in listed] == [["a", "b", "c", "d"], ["film"] * 3, ["late", "a"], [], ["film"]]
