"""Where media are used, and whose name an item shows."""

from typing import Any

from sync.origin.planning.media.edits import MediaChange
from sync.origin.planning.media.uses import MediaUses
from sync.origin.store.devices import add_device
from sync.origin.store.heartbeats.heartbeats import HeartbeatStore
from sync.origin.store.media.edits import MediaEditStore
from sync.origin.store.proof.names import NameStore
from sync.runtime.clock import unix_ms
from sync.wire.device_reports import Heartbeat
from sync.wire.release import Release
from tests.origin.planning_origin import Client, PlanningOrigin, request_json

JULY = {"starts_at": "2026-07-01T00:00:00Z", "ends_at": "2026-08-01T00:00:00Z"}


async def made(client: Client, path: str, document: dict[str, Any], method: str = "POST") -> dict[str, Any]:
    status, answer = await request_json(client, method, path, document)
    assert status in (200, 201), answer
    found: dict[str, Any] = answer
    return found


async def uses_of(client: Client, media: str) -> MediaUses:
    status, answer = await request_json(client, "GET", f"/v1/media/{media}/uses")
    assert status == 200, answer
    return MediaUses.model_validate(answer)


async def test_all_uses_are_named_with_what_would_be_left(planning: PlanningOrigin, client: Client) -> None:
    for media in ("tea", "soup"):
        await planning.make_media(media)
    tea, soup = {"media": "tea"}, {"media": "soup"}
    lobby = await made(client, "/v1/playlists", {"name": "Lobby", "items": [tea, soup, {**tea, "title": "Iced tea"}]})
    bar = await made(client, "/v1/playlists", {"name": "Bar", "items": [tea]})
    lines = [
        {"name": "Morning", "creatives": [tea, soup]},
        {"name": "Evening", "creatives": [tea]},
        {"name": "Night", "creatives": [soup]},
    ]
    july = await made(client, "/v1/campaigns", {"name": "July", "advertiser": "Beans", "lines": lines, **JULY})
    one = {"name": "Tea only", "advertiser": "Beans", "lines": lines[1:2], **JULY}
    only = await made(client, "/v1/campaigns", one)
    logo = {"kind": "logo", "media": "tea", "corner": "top-left"}
    schedule = {"default_playlist": lobby["id"], "fallback": "tea", "overlays": [logo]}
    await made(client, "/v1/schedule/main", schedule, "PUT")

    uses = await uses_of(client, "tea")
    assert [(one.name, one.left, [(part.position, part.title) for part in one.items]) for one in uses.playlists] == [
        ("Bar", 0, [(0, "tea.jpg")]),
        ("Lobby", 1, [(0, "tea.jpg"), (2, "Iced tea")]),
    ]
    assert [part.id for part in uses.playlists[1].items] == [lobby["items"][0]["id"], lobby["items"][2]["id"]]
    assert [(one.name, one.left, [(line.name, line.left) for line in one.lines]) for one in uses.campaigns] == [
        ("July", 2, [("Morning", 1), ("Evening", 0)]),
        ("Tea only", 0, [("Evening", 0)]),
    ]
    assert [(one.channel, one.fallback, len(one.overlays)) for one in uses.channels] == [("main", True, 1)]
    assert [(one.kind, one.name) for one in uses.emptied] == [
        ("playlist", "Bar"),
        ("line", "Evening"),
        ("line", "Evening"),
        ("campaign", "Tea only"),
    ]
    for path in (*(one.path for one in uses.playlists), *(one.path for one in uses.campaigns), uses.channels[0].path):
        assert (await request_json(client, "GET", path))[0] == 200
    assert {july["id"], only["id"]} == {one.id for one in uses.campaigns} and bar["id"] == uses.playlists[0].id
    assert (await uses_of(client, "tea")).mark == uses.mark
    await planning.make_media("unused")
    empty = await uses_of(client, "unused")
    assert not empty.names and empty.mark != uses.mark
    assert (await request_json(client, "GET", "/v1/media/nothing/uses"))[0] == 404


async def test_releases_that_devices_play_are_among_the_uses(planning: PlanningOrigin, client: Client) -> None:
    for media in ("tea", "soup"):
        await planning.make_media(media)
    lobby = await made(client, "/v1/playlists", {"name": "Lobby", "items": [{"media": "tea"}]})
    await made(client, "/v1/schedule/main", {"default_playlist": lobby["id"]}, "PUT")
    first = await planning.publisher.publish("main")
    heartbeats, now = HeartbeatStore(planning.database), planning.clock.now()
    for name, release in (("a", first.record.sha256), ("b", first.record.sha256), ("c", None)):
        async with planning.database.writing() as connection:
            await add_device(connection, id=name, name=name, channel_id="main", token_hash=name, paired_ms=unix_ms(now))
        heartbeats.hold(name, Heartbeat(at=now, version="1", release=release).model_dump(mode="json"), unix_ms(now))
    [played] = (await uses_of(client, "tea")).releases
    assert (played.sequence, played.devices) == (first.record.sequence, 2)
    assert not (await uses_of(client, "soup")).releases


async def test_a_new_name_reaches_what_has_no_title_of_its_own(planning: PlanningOrigin, client: Client) -> None:
    await planning.make_media("tea")
    items = [{"media": "tea"}, {"media": "tea", "title": "tea.jpg"}, {"media": "tea", "title": "Iced tea"}]
    lobby = await made(client, "/v1/playlists", {"name": "Lobby", "items": items})
    assert [item["title"] for item in lobby["items"]] == [None, None, "Iced tea"]
    line = {"name": "Morning", "creatives": [{"media": "tea"}]}
    july = await made(client, "/v1/campaigns", {"name": "July", "advertiser": "Beans", "lines": [line], **JULY})
    await made(client, "/v1/schedule/main", {"default_playlist": lobby["id"]}, "PUT")
    edits = MediaEditStore(planning.database, planning.clock)
    await edits.change("tea", MediaChange(name="Earl Grey"), version=None)
    again = (await request_json(client, "GET", f"/v1/playlists/{lobby['id']}"))[1]
    assert again["version"] == 1 and again["items"] == lobby["items"], "nobody has changed the playlist"
    await planning.publisher.publish("main")
    [path] = (planning.files.content / "releases").iterdir()
    release = Release.model_validate_json(path.read_bytes())
    assert [item.title for item in release.playlists[0].items] == ["Earl Grey", "Earl Grey", "Iced tea"]
    assert release.campaigns[0].lines[0].creatives[0].title == "Earl Grey"
    names = NameStore(planning.database)
    assert set((await names.names("item", [one["id"] for one in lobby["items"]])).values()) == {"Earl Grey", "Iced tea"}
    creative = july["lines"][0]["creatives"][0]["id"]
    assert await names.names("creative", [creative]) == {creative: "Earl Grey"}
