"""Spaces over HTTP: their names, rights in them, and what a role in one space alone does not reach."""

from typing import Any

from sync.roles import EVERYTHING
from tests.origin.running_origin import Answer, RunningOrigin


async def add_space(server: RunningOrigin, id: str) -> None:
    """Make a space."""
    assert (await server.ask("POST", "/v1/spaces", server.writer, {"id": id, "name": f"Shop {id}"})).status == 201


async def add_key(server: RunningOrigin, name: str, *rights: tuple[str, str], role: str | None = None) -> str:
    """Make a key with these rights, of role and space; return its token."""
    given = [{"role": role, "space": space} for role, space in rights]
    made = await server.ask("POST", "/v1/keys", server.writer, {"name": name, "role": role, "rights": given})
    assert made.status == 201, made.text
    return str(made.document["token"])


async def names(server: RunningOrigin, token: str) -> list[str]:
    """Return the ids of the spaces that somebody sees."""
    return [one["id"] for one in (await server.ask("GET", "/v1/spaces", token)).document["spaces"]]


async def test_a_space_is_made_renamed_and_removed(server: RunningOrigin) -> None:
    made = await server.ask("POST", "/v1/spaces", server.writer, {"name": "Shop 7"})
    assert made.status == 201
    assert made.headers["Location"].endswith(made.document["id"])
    one = f"/v1/spaces/{made.document['id']}"
    await add_space(server, "berlin")
    for taken in ({"name": "shop BERLIN"}, {"id": "berlin", "name": "Another"}):
        assert (await server.ask("POST", "/v1/spaces", server.writer, taken)).status == 409
    renamed = await server.ask("PATCH", one, server.writer, {"name": "Shop 8"})
    assert renamed.document == {"id": made.document["id"], "name": "Shop 8"}
    assert (await server.ask("DELETE", one, server.writer)).status == 204
    assert (await server.ask("DELETE", one, server.writer)).status == 404
    assert (await server.ask("DELETE", "/v1/spaces/default", server.writer)).status == 409
    assert await names(server, server.writer) == ["default", "berlin"]


async def test_who_has_a_role_in_one_space_sees_no_other(server: RunningOrigin) -> None:
    await add_space(server, "berlin")
    await add_space(server, "paris")
    editor = await add_key(server, "editor", ("editor", "paris"))
    assert await names(server, editor) == ["paris"]
    assert await names(server, server.reader) == ["default", "berlin", "paris"]
    who = (await server.ask("GET", "/v1/session", editor)).document
    assert (who["roles"], who["only_in_spaces"]) == (["viewer", "editor"], True)
    assert who["rights"] == [{"role": "editor", "space": "paris"}]


async def test_where_there_is_one_space_nobody_sees_the_word(server: RunningOrigin) -> None:
    for path in ("/v1/session", "/v1/keys", "/v1/people"):
        answer = await server.ask("GET", path, server.writer)
        assert "space" not in answer.text
        assert "rights" not in answer.text


async def change(server: RunningOrigin, id: str, **what: Any) -> Answer:
    """Change an account."""
    return await server.ask("PATCH", f"/v1/people/{id}", server.writer, what)


async def test_a_person_has_roles_in_several_spaces_and_loses_them_at_once(server: RunningOrigin) -> None:
    await add_space(server, "berlin")
    await add_space(server, "paris")
    password = "a long password of nobody"
    both = [{"role": "editor", "space": "berlin"}, {"role": "technician", "space": "paris"}]
    asked = {"name": "Anna", "password": password, "rights": both}
    anna = (await server.ask("POST", "/v1/people", server.writer, asked)).document["person"]
    assert (anna["role"], anna["rights"]) == (None, both)
    entered = await server.ask("POST", "/v1/session", None, {"name": "Anna", "password": password})
    assert entered.document["roles"] == ["viewer", "editor", "technician"]
    cookie = {"headers": {"Cookie": entered.headers["Set-Cookie"].partition(";")[0]}}
    assert (await server.ask("GET", "/v1/spaces", None, **cookie)).status == 200
    assert (await change(server, anna["id"], rights=[])).status == 422  # no role would be left
    assert (await change(server, anna["id"], rights=[{"role": "viewer", "space": "rome"}])).status == 422
    fewer = await change(server, anna["id"], rights=both[:1])
    assert fewer.document["rights"] == both[:1]
    assert (await server.ask("GET", "/v1/spaces", None, **cookie)).status == 401
    everything = await change(server, anna["id"], role="viewer", rights=[])
    assert (everything.document["role"], "rights" in everything.document) == ("viewer", False)
    assert (await change(server, anna["id"], role="none")).status == 422
    assert (await change(server, anna["id"], role="none", rights=both)).document["role"] is None
    assert (await server.ask("DELETE", "/v1/spaces/berlin", server.writer)).status == 204
    [left] = (await server.ask("GET", "/v1/people", server.writer)).document["people"]
    assert left["rights"] == both[1:]


async def test_an_operation_that_does_not_heed_spaces_needs_its_role_for_everything(server: RunningOrigin) -> None:
    await add_space(server, "paris")
    boss = await add_key(server, "boss", ("administrator", "paris"))
    refused = await server.ask("GET", "/v1/keys", boss)
    assert (refused.status, refused.document["detail"]) == (
        403,
        "boss may not do this: it needs the role administrator for everything; you are an administrator in paris: "
        "ask an administrator",
    )
    elsewhere = {"X-Forwarded-For": "192.0.2.7"}
    assert (await server.ask("GET", "/metrics", boss, headers=elsewhere)).status == 403


async def test_a_space_may_have_any_id_and_a_role_in_it_is_none_for_everything(server: RunningOrigin) -> None:
    for number, id in enumerate(("everything", "all", "none", "default.")):
        await add_space(server, id)
        boss = await add_key(server, f"boss {number}", ("administrator", id))
        assert await names(server, boss) == [id]
        assert (await server.ask("GET", "/v1/keys", boss)).status == 403
    assert (await server.ask("POST", "/v1/spaces", server.writer, {"id": EVERYTHING, "name": "x"})).status == 422


async def test_a_refusal_names_people_to_ask_and_no_address_of_theirs(server: RunningOrigin) -> None:
    await add_space(server, "berlin")
    await add_space(server, "paris")
    password = "a long password of nobody"
    given = {
        "Anna": [{"role": "editor", "space": "berlin"}],
        "Ben": [{"role": "publisher", "space": "berlin"}],
        "carla@example.com": [{"role": "editor", "space": "berlin"}],
        "Dora": [{"role": "editor", "space": "paris"}],
        "Emil": [{"role": "viewer", "space": "berlin"}],
    }
    for name, rights in given.items():
        asked = {"name": name, "password": password, "rights": rights}
        assert (await server.ask("POST", "/v1/people", server.writer, asked)).status == 201
    made = await server.ask("POST", "/v1/playlists?space=berlin", server.writer, {"name": "Menu", "items": []})
    viewer = await add_key(server, "viewer", ("viewer", "berlin"), ("editor", "paris"))
    refused = await server.ask("DELETE", f"/v1/playlists/{made.document['id']}", viewer)
    assert (refused.status, refused.document["ask"]) == (403, ["Anna", "Ben"])
    new = await server.ask("POST", "/v1/playlists?space=berlin", viewer, {"name": "x", "items": []})
    assert (new.status, new.document["ask"]) == (403, ["Anna", "Ben"])
    boss = {"name": "Frida", "password": password, "role": "administrator"}
    assert (await server.ask("POST", "/v1/people", server.writer, boss)).status == 201
    assert (await server.ask("GET", "/v1/keys", viewer)).document["ask"] == ["Frida"]
    assert "ask" not in (await server.ask("GET", "/v1/keys", "wrong")).document
