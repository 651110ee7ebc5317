"""Folders and tags of media, and how media are found by them."""

from typing import Any

import pytest

from sync.errors import Rejected
from sync.origin.planning.media.folders import TreeFolder, all_below, path_of, placed
from sync.origin.store.media.media import MediaStore
from sync.wire.release import Asset, MediaKind
from tests.origin.running_origin import RunningOrigin

MEDIA = "/v1/media"


async def ask(server: RunningOrigin, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = await server.ask(method, f"{MEDIA}{path}", server.writer, body)
    assert answer.status == status, answer.text
    return answer.document


async def stream(server: RunningOrigin, name: str) -> str:
    made = await ask(server, "POST", "/streams", {"url": "http://example.com/live", "name": name}, 201)
    return str(made["id"])


async def folder(server: RunningOrigin, name: str, parent: str | None = None) -> str:
    return str((await ask(server, "POST", "/folders", {"name": name, "parent": parent}, 201))["id"])


async def names(server: RunningOrigin, query: str) -> list[str]:
    return [one["name"] for one in (await ask(server, "GET", f"?sort=name&{query}"))["media"]]


async def test_folders_are_a_tree_that_is_renamed_and_moved(server: RunningOrigin) -> None:
    summer = await folder(server, "Summer")
    drinks = await folder(server, "Drinks", summer)
    iced = await folder(server, "\u0645\u0634\u0631\u0648\u0628\u0627\u062a", drinks)
    listed = (await ask(server, "GET", "/folders"))["folders"]
    assert [one["path"] for one in listed] == [
        ["Summer"],
        ["Summer", "Drinks"],
        ["Summer", "Drinks", listed[2]["name"]],
    ]
    taken = await ask(server, "POST", "/folders", {"name": "SUMMER"}, 409)
    assert taken["users"] == ["SUMMER"]
    await ask(server, "POST", "/folders", {"name": "x", "parent": "nothing"}, 404)
    await ask(server, "PATCH", f"/folders/{summer}", {"parent": iced}, 422)
    moved = await ask(server, "PATCH", f"/folders/{drinks}", {"parent": None, "name": "Cold drinks"})
    assert (moved["path"], moved["version"]) == (["Cold drinks"], 2)
    assert (await ask(server, "GET", f"/folders/{iced}"))["path"][0] == "Cold drinks"
    assert [one["id"] for one in (await ask(server, "GET", "/folders?parent=none"))["folders"]] == [drinks, summer]
    media = await stream(server, "Tea")
    await ask(server, "PATCH", f"/{media}", {"folder": iced})
    assert (await ask(server, "GET", f"/folders/{iced}"))["media"] == 1
    assert "1 media" in (await ask(server, "DELETE", f"/folders/{iced}", status=409))["detail"]
    assert "folders lie" in (await ask(server, "DELETE", f"/folders/{drinks}", status=409))["detail"]
    await ask(server, "PATCH", f"/{media}", {"folder": None})
    for one in (iced, drinks, summer):
        await ask(server, "DELETE", f"/folders/{one}", status=204)
    assert not (await ask(server, "GET", "/folders"))["folders"]


async def test_media_are_found_by_folder_tag_and_search(server: RunningOrigin) -> None:
    summer = await folder(server, "Summer")
    drinks = await folder(server, "Drinks", summer)
    tea, soup, song = [await stream(server, name) for name in ("Tea", "Soup", "Song")]
    sale = "\u30bb\u30fc\u30eb"
    await ask(server, "PATCH", f"/{tea}", {"folder": drinks, "tags": ["Men\u00fc", sale]})
    batch = {"media": [soup, tea], "folder": summer, "add_tags": ["men\u00dc", "new"], "remove_tags": [sale]}
    await ask(server, "PATCH", "", batch, 204)
    view = await ask(server, "GET", f"/{tea}")
    assert (view["folder"], view["tags"], view["version"]) == (summer, ["Men\u00fc", "new"], 3)
    await ask(server, "PATCH", f"/{tea}", {"folder": drinks})
    for query, found in {
        f"folder={summer}": ["Soup"],
        f"within={summer}": ["Soup", "Tea"],
        "folder=none": ["Song"],
        "tag=MEN\u00dc": ["Soup", "Tea"],
        "tag=new,men\u00fc": ["Soup", "Tea"],
        "tag=menu": [],
        "search=menu": ["Soup", "Tea"],
        "search=drink": ["Tea"],
        "search=summer": ["Soup", "Tea"],
        "search=so": ["Song", "Soup"],
        "use=unused": ["Song", "Soup", "Tea"],
        "shape=square": [],
        "created_after=2999-01-01T00:00:00Z": [],
        "created_before=2999-01-01T00:00:00Z&tag=new": ["Soup", "Tea"],
    }.items():
        assert await names(server, query) == found, query
    await ask(server, "PATCH", f"/folders/{drinks}", {"parent": None})
    assert await names(server, "search=summer") == ["Soup"], "what lies in a folder that moves is found where it lies"
    await ask(server, "DELETE", f"/{tea}", status=204)
    assert await names(server, "tag=new") == ["Soup"]
    assert await names(server, f"id={song}&folder=none") == ["Song"]


async def test_what_is_used_and_which_shape_it_has_are_filters(server: RunningOrigin) -> None:
    store: MediaStore = server.origin.folder_target.media
    for number, (width, height) in enumerate(((1920, 1080), (1080, 1920), (500, 500))):
        sha = f"{number:064x}"
        await store.queue(f"m{number}", f"m{number}", sha, 10)
        await store.claim()
        shape = {"width": width, "height": height, "kind": MediaKind.PICTURE, "media_type": "image/png"}
        asset = {"sha256": sha, "index": sha, "size_bytes": 10, "duration_ms": None, **shape}
        await store.mark_ready(f"m{number}", Asset.model_validate(asset))
    items = [{"media": "m0"}]
    assert (await server.ask("POST", "/v1/playlists", server.writer, {"name": "p", "items": items})).status == 201
    schedule = {"fallback": "m1"}
    assert (await server.ask("PUT", "/v1/schedule/main", server.writer, schedule)).status == 201
    assert await names(server, "use=used") == ["m0", "m1"]
    assert await names(server, "use=unused&id=m0,m1,m2") == ["m2"]
    for shape_name, found in {"landscape": ["m0"], "portrait": ["m1"], "square": ["m2"]}.items():
        assert await names(server, f"shape={shape_name}") == found


async def test_wrong_edits_change_nothing_and_say_why(server: RunningOrigin) -> None:
    tea = await stream(server, "Tea")
    for body in ({}, {"name": None}, {"tags": ["a,b"]}, {"tags": [""]}, {"folder": "nothing"}, {"state": "ready"}):
        await ask(server, "PATCH", f"/{tea}", body, 422)
    wrong = await ask(server, "PATCH", "", {"media": [tea, "nothing"], "add_tags": ["x"]}, 422)
    assert list(wrong["fields"]) == ["media.1"]
    many = [f"tag {number}" for number in range(50)]
    await ask(server, "PATCH", f"/{tea}", {"tags": many})
    full = await ask(server, "PATCH", "", {"media": [tea], "add_tags": ["one more"]}, 422)
    assert "50 tags" in full["fields"]["media.0"]
    view = await ask(server, "GET", f"/{tea}")
    assert (view["tags"], view["version"]) == (many, 2)
    answer = await server.ask("PATCH", f"{MEDIA}/{tea}", server.writer, {"name": "x"}, headers={"If-Match": '"1"'})
    assert answer.status == 412


def test_a_tree_has_no_circles_and_is_not_deep() -> None:
    tree = {"0": TreeFolder("0", "top", None)}
    for number in range(1, 10):
        tree = dict(placed(tree, TreeFolder(str(number), "inner", str(number - 1))))
    assert path_of(tree, "9") == ("top", *["inner"] * 9) and all_below(tree, "7") == {"7", "8", "9"}
    with pytest.raises(Rejected, match="10 folders"):
        placed(tree, TreeFolder("x", "too deep", "9"))
    with pytest.raises(Rejected, match="in itself"):
        placed(tree, TreeFolder("3", "inner", "3"))
    beside = {**tree, "a": TreeFolder("a", "a", None), "b": TreeFolder("b", "b", "a")}
    with pytest.raises(Rejected, match="10 folders"):
        placed(beside, TreeFolder("a", "a", "8"))
