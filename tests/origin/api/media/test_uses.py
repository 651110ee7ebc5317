"""Where media are used, and whose name an item shows."""

from typing import Any

import pytest

from sync.errors import Conflict
from sync.origin.audit.changes import ThingKind
from sync.origin.planning.media.edits import MediaChange
from sync.origin.planning.media.uses import MediaUses
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.store.audit.document_versions import DocumentVersions
from sync.origin.store.devices import add_device
from sync.origin.store.drafts.ready_versions import keep_drafts
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


async def plans_with(client: Client, *media: str) -> dict[str, Any]:
    """Return plans that show the first of some media in all places, by kind."""
    first, rest = {"media": media[0]}, [{"media": one} for one in media[1:]]
    playlist = await made(
        client, "/v1/playlists", {"name": "Lobby", "items": [first, *rest, {**first, "title": "Own"}]}
    )
    lines = [{"name": "Mixed", "creatives": [first, *rest]}, {"name": "Alone", "creatives": [first]}]
    mixed = await made(client, "/v1/campaigns", {"name": "July", "advertiser": "Beans", "lines": lines, **JULY})
    only = {"name": "Only", "advertiser": "Beans", "lines": lines[1:], **JULY}
    alone = await made(client, "/v1/campaigns", only)
    logos = [{"kind": "logo", "media": media[0]}, {"kind": "ticker", "text": "Open until nine"}]
    schedule = {"default_playlist": playlist["id"], "fallback": media[0], "overlays": logos}
    await made(client, "/v1/schedule/main", schedule, "PUT")
    return {"playlist": f"playlists/{playlist['id']}", "mixed": f"campaigns/{mixed['id']}", "alone": alone["id"]}


async def test_a_removal_with_uses_takes_the_media_out_of_all_plans(planning: PlanningOrigin, client: Client) -> None:
    for media in ("tea", "soup"):
        await planning.make_media(media)
    plans = await plans_with(client, "tea", "soup")
    status, refused = await request_json(client, "DELETE", "/v1/media/tea")
    assert (status, refused["users"]) == (409, ["July", "Lobby", "Only", "main"])
    mark = (await uses_of(client, "tea")).mark
    planning.changes.clear()
    assert (await request_json(client, "DELETE", "/v1/media/tea?with_uses=true&mark=older"))[0] == 409
    assert (await request_json(client, "DELETE", "/v1/media/tea?with_uses=true", etag='"7"'))[0] == 412
    assert not planning.changes
    assert (await request_json(client, "DELETE", f"/v1/media/tea?with_uses=true&mark={mark}"))[0] == 204
    playlist = (await request_json(client, "GET", f"/v1/{plans['playlist']}"))[1]
    assert ([item["media"] for item in playlist["items"]], playlist["version"]) == (["soup"], 2)
    mixed = (await request_json(client, "GET", f"/v1/{plans['mixed']}"))[1]
    assert [(one["name"], [each["media"] for each in one["creatives"]]) for one in mixed["lines"]] == [
        ("Mixed", ["soup"])
    ]
    assert (await request_json(client, "GET", f"/v1/campaigns/{plans['alone']}"))[0] == 404
    schedule = (await request_json(client, "GET", "/v1/schedule/main"))[1]
    assert (schedule["fallback"], [one["kind"] for one in schedule["overlays"]]) == (None, ["ticker"])
    assert {topic for topic, _ in planning.changes} == {"media", "playlists", "campaigns", "schedule"}
    kept = DocumentVersions(planning.database)
    before = await kept.body(ThingKind.PLAYLIST, playlist["id"], 1, now=2)
    assert before and [item["media"] for item in before["items"]] == ["tea", "soup", "tea"], "it can be taken back"


async def test_many_are_removed_together_or_none(planning: PlanningOrigin, client: Client) -> None:
    for media in ("tea", "soup", "salt"):
        await planning.make_media(media)
    plans = await plans_with(client, "tea", "soup")
    for body, status in (
        ({"media": ["salt", "tea"]}, 409),
        ({"media": ["salt", "nothing"], "with_uses": True}, 404),
        ({"media": []}, 422),
    ):
        assert (await request_json(client, "POST", "/v1/media/removal", body))[0] == status
    assert (await planning.media.get("salt")).name == "salt.jpg"
    body = {"media": ["soup", "tea", "salt"], "with_uses": True}
    assert (await request_json(client, "POST", "/v1/media/removal", body))[0] == 204
    playlist = (await request_json(client, "GET", f"/v1/{plans['playlist']}"))[1]
    assert (playlist["items"], playlist["version"]) == ([], 2)
    assert not (await request_json(client, "GET", "/v1/campaigns"))[1]["campaigns"]


async def test_a_replacement_reaches_all_plans_and_is_answered(planning: PlanningOrigin, client: Client) -> None:
    for media in ("tea", "soup", "new"):
        await planning.make_media(media)
    plans = await plans_with(client, "tea", "soup")
    seen = await uses_of(client, "tea")
    status, done = await request_json(client, "POST", "/v1/media/tea/replacement", {"by": "new", "mark": seen.mark})
    assert status == 200 and MediaUses.model_validate(done).mark == seen.mark
    assert not (await uses_of(client, "tea")).names
    now = await uses_of(client, "new")
    assert now.playlists[0].items[0].id == seen.playlists[0].items[0].id, "items keep their ids"
    assert [part.title for part in now.playlists[0].items] == ["new.jpg", "Own"]
    assert (now.channels[0].fallback, len(now.channels[0].overlays), now.channels[0].version) == (True, 1, 2)
    assert now.names == seen.names and all(one.version == 2 for one in now.campaigns)
    assert plans["alone"] in {one.id for one in now.campaigns}


async def test_what_does_not_fit_replaces_nothing(planning: PlanningOrigin, client: Client) -> None:
    for media in ("tea", "soup"):
        await planning.make_media(media)
    await planning.make_media("film", video=True)
    await planning.queue_media("late")
    stream = await planning.media.add_stream("Radio", "http://example.com/live")
    plans = await plans_with(client, "tea", "soup")
    for by, why in (("film", "not a picture"), ("late", "not ready"), (stream, "not a picture"), ("tea", "same media")):
        status, refused = await request_json(client, "POST", "/v1/media/tea/replacement", {"by": by})
        assert status == 422 and why in refused["fields"]["by"], refused
    status, refused = await request_json(client, "POST", "/v1/media/soup/replacement", {"by": stream})
    assert status == 422 and "needs a duration: July" in refused["fields"]["by"]
    assert (await request_json(client, "POST", "/v1/media/tea/replacement", {"by": "nothing"}))[0] == 404
    assert (await request_json(client, "POST", "/v1/media/tea/replacement", {"by": "soup", "mark": "older"}))[0] == 409
    assert (await request_json(client, "GET", f"/v1/{plans['playlist']}"))[1]["version"] == 1
    assert (await request_json(client, "POST", "/v1/media/soup/replacement", {"by": "film"}))[0] == 200


async def test_what_the_next_release_shows_is_not_taken_away_by_a_draft(
    planning: PlanningOrigin, client: Client
) -> None:
    await planning.make_media("tea")
    lobby = await planning.playlists.create(PlaylistDraft(name="Lobby", items=(PlaylistItem(media="tea"),)))
    keep_drafts(True)
    try:
        with pytest.raises(Conflict, match="still shows") as refused:
            await planning.replacements.remove(["tea"], with_uses=True)
    finally:
        keep_drafts(False)
    assert refused.value.users == ("Lobby",)
    assert (await planning.playlists.get(lobby.id)).version == 1
    await planning.replacements.remove(["tea"], with_uses=True)
    assert (await planning.playlists.get(lobby.id)).version == 2
