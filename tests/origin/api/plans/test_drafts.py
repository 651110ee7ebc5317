"""Drafts and ready versions over HTTP: releases are made of what is ready alone, and say what they leave out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from sync.errors import Rejected
from sync.origin.audit.changes import ThingKind
from sync.origin.http.auth import make_key
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import ScheduleDraft
from sync.origin.store.drafts.readiness import ReadinessStore
from sync.origin.store.drafts.ready_versions import keep_drafts
from sync.origin.tables.audit import document_versions
from sync.roles import Role
from sync.wire.release import Release
from tests.fakes import FakeClock
from tests.origin.planning_origin import PlanningOrigin, open_planning_origin
from tests.origin.publishing.test_publisher import plan
from tests.origin.running_origin import Answer, RunningOrigin, running_origin, settings_in


@dataclass
class Desk:
    """An origin with media `a`, `b`, `c`, an editor and a publisher."""

    server: RunningOrigin
    editor: str
    publisher: str

    async def edit(self, method: str, path: str, body: Any = None, version: int | None = None) -> Any:
        return await self.do(self.editor, method, path, body, version)

    async def publish(self, **more: Any) -> Answer:
        return await self.server.ask("POST", "/v1/releases", self.publisher, {"channel": "main", **more})

    async def do(self, token: str, method: str, path: str, body: Any = None, version: int | None = None) -> Any:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        answer = await self.server.ask(method, path, token, body, headers=headers)
        assert answer.status < 300, answer.text
        return answer.document

    async def shown(self) -> list[str]:
        """Return the titles that the newest release shows, ads too."""
        [newest] = (await self.server.ask("GET", "/v1/releases?channel=main&limit=1", self.editor)).document["releases"]
        raw = (await self.server.ask("GET", f"/content/releases/{newest['sha256']}.json")).text
        release = Release.model_validate_json(raw)
        items = [item.title for playlist in release.playlists for item in playlist.items]
        return items + [ad.title for one in release.campaigns for line in one.lines for ad in line.creatives]


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Desk]:
    async with open_planning_origin(tmp_path, clock) as planning:
        for media in "abc":
            await planning.make_media(media)
    async with running_origin(settings_in(tmp_path), clock) as server:
        tokens = [
            (await make_key(server.origin.keys, clock, str(role), role))[1] for role in (Role.EDITOR, Role.PUBLISHER)
        ]
        yield Desk(server, *tokens)


def playlist_of(*media: str, name: str = "Lobby") -> dict[str, Any]:
    return {"name": name, "items": [{"media": one} for one in media]}


async def on_air(desk: Desk) -> str:
    """Have the publisher put a playlist of `a` on air; return its id."""
    made = await desk.do(desk.publisher, "POST", "/v1/playlists", playlist_of("a"))
    await desk.do(desk.publisher, "PUT", "/v1/schedule/main", {"zone": "UTC", "default_playlist": made["id"]})
    return str(made["id"])


async def test_one_person_alone_never_meets_a_draft(desk: Desk) -> None:
    playlist = await on_air(desk)
    path = f"/v1/playlists/{playlist}"
    changed = await desk.do(desk.publisher, "PUT", path, playlist_of("b"), 1)
    assert (changed["version"], changed["ready_version"]) == (2, 2)
    done = await desk.publish()
    assert (done.status, done.document["left_out"]) == (201, [])


async def test_a_release_has_what_is_ready_and_names_the_drafts_that_it_leaves_out(desk: Desk) -> None:
    playlist = await on_air(desk)
    path = f"/v1/playlists/{playlist}"
    draft = await desk.edit("PUT", path, playlist_of("b", name="Lobby, new"), 1)
    assert (draft["version"], draft["ready_version"]) == (2, 1)
    done = await desk.publish()
    assert await desk.shown() == ["a.jpg"]
    waiting = {"kind": "playlist", "id": playlist, "name": "Lobby, new", "version": 2, "ready_version": 1}
    assert done.document["left_out"] == [waiting]
    preview = await desk.do(desk.editor, "GET", "/v1/releases/preview?channel=main")
    assert (preview["unchanged"], preview["left_out"]) == (True, [waiting])
    assert (await desk.do(desk.editor, "GET", path))["items"][0]["media"] == "b"
    ready = await desk.do(desk.editor, "GET", f"{path}?version=ready")
    assert (ready["name"], ready["version"], [one["media"] for one in ready["items"]]) == ("Lobby", 1, ["a"])
    refused = await desk.server.ask("POST", f"{path}/ready", desk.editor)
    assert refused.status == 403
    stale = await desk.server.ask("POST", f"{path}/ready", desk.publisher, headers={"If-Match": '"1"'})
    assert stale.status == 412
    assert await desk.do(desk.publisher, "POST", f"{path}/ready", None, 2) == {"ready_version": 2}
    again = await desk.publish()
    assert (again.status, again.document["left_out"], await desk.shown()) == (201, [], ["b.jpg"])


async def test_who_may_publish_can_keep_a_draft_on_purpose(desk: Desk) -> None:
    playlist = await on_air(desk)
    kept = await desk.do(desk.publisher, "PUT", f"/v1/playlists/{playlist}?draft=true", playlist_of("b"), 1)
    assert kept["ready_version"] == 1
    await desk.publish()
    assert await desk.shown() == ["a.jpg"]
    saved = await desk.do(desk.publisher, "PUT", f"/v1/playlists/{playlist}", playlist_of("b"), 2)
    assert saved["ready_version"] == 3
    for version, no in enumerate(("False", "0", "no"), 3):
        said = await desk.do(desk.publisher, "PUT", f"/v1/playlists/{playlist}?draft={no}", playlist_of("b"), version)
        assert said["ready_version"] == version + 1


async def test_what_is_ready_and_needs_what_never_was_names_both_and_takes_both(desk: Desk) -> None:
    await on_air(desk)
    new = await desk.edit("POST", "/v1/playlists", playlist_of("b", name="New"))
    assert new["ready_version"] is None
    daypart = {"name": "Day", "playlist": new["id"]}
    seen = await desk.do(desk.editor, "GET", "/v1/schedule/main")
    schedule = {"zone": "UTC", "default_playlist": seen["default_playlist"], "dayparts": [daypart]}
    await desk.do(desk.publisher, "PUT", "/v1/schedule/main", schedule, seen["version"])
    refused = await desk.publish()
    field = f"playlists.{new['id']}"
    assert (refused.status, list(refused.document["fields"])) == (422, [field])
    offer = f'publish with "with": [{{"kind": "playlist", "id": "{new["id"]}"}}]'
    assert refused.document["fields"][field].startswith("the schedule of main shows the playlist New, a draft")
    assert offer in refused.document["fields"][field]
    unknown = await desk.publish(**{"with": [{"kind": "playlist", "id": "none"}]})
    assert unknown.status == 404
    taken = await desk.publish(**{"with": [{"kind": "playlist", "id": new["id"]}]})
    assert (taken.status, sorted(await desk.shown())) == (201, ["a.jpg", "b.jpg"])


async def test_drafts_are_taken_along_by_a_release_or_stay_drafts(desk: Desk) -> None:
    playlist = await on_air(desk)
    path = f"/v1/playlists/{playlist}"
    await desk.publish()
    taken: dict[str, Any] = {"with": [{"kind": "playlist", "id": playlist}]}
    both = await desk.publish(again=1, **taken)
    assert (both.status, both.document["code"], list(both.document["fields"])) == (422, "again_with_drafts", ["with"])
    await desk.edit("PUT", path, playlist_of("b"), 1)
    nothing = {"name": "Nothing", "items": []}
    other = await desk.edit("POST", "/v1/playlists", nothing)
    dayparts = [{"name": "Night", "playlist": other["id"], "start": "22:00", "end": "24:00"}]
    shown = {"zone": "UTC", "default_playlist": playlist, "dayparts": dayparts}
    await desk.edit("PUT", "/v1/schedule/main", shown, 1)
    taken["with"] += [{"kind": "schedule", "id": "main"}, {"kind": "playlist", "id": other["id"]}]
    refused = await desk.publish(**taken)
    assert (refused.status, list(refused.document["fields"])) == (422, [f"playlists.{other['id']}.items"])
    assert (await desk.do(desk.editor, "GET", path))["ready_version"] == 1
    assert (await desk.do(desk.editor, "GET", "/v1/schedule/main"))["ready_version"] == 1
    await desk.edit("PUT", f"/v1/playlists/{other['id']}", playlist_of("c"), 1)
    done = await desk.publish(**taken)
    assert (done.status, done.document["left_out"], sorted(await desk.shown())) == (201, [], ["b.jpg", "c.jpg"])
    assert (await desk.do(desk.editor, "GET", path))["ready_version"] == 2


async def test_a_draft_that_is_saved_a_moment_later_is_not_taken_along(tmp_path: Path, clock: FakeClock) -> None:
    async with open_planning_origin(tmp_path, clock) as planning:
        for media in "abc":
            await planning.make_media(media)
        playlist = await plan(planning, "a")
        await planning.publisher.publish("main")
        readiness = ReadinessStore(planning.database)
        keep_drafts(True)
        await planning.playlists.replace(playlist, PlaylistDraft(name="B", items=(PlaylistItem(media="b"),)), version=1)
        taken = await readiness.present_drafts([(ThingKind.PLAYLIST, playlist)])
        await planning.playlists.replace(playlist, PlaylistDraft(name="C", items=(PlaylistItem(media="c"),)), version=2)
        done = await planning.publisher.publish("main", taken=taken)
        release = planning.publisher.read_release(done.record)
        assert [item.title for one in release.playlists for item in one.items] == ["b.jpg"]
        assert [(one.version, one.ready_version) for one in done.left_out] == [(3, 2)]
        assert (await planning.playlists.get(playlist)).ready_version == 2
        assert not (await planning.publisher.publish("main", taken={(ThingKind.PLAYLIST, playlist): 3})).unchanged
        assert (await planning.publisher.publish("main", taken={(ThingKind.SCHEDULE, "main"): 1})).unchanged


async def test_a_schedule_and_a_campaign_have_drafts_too(desk: Desk, clock: FakeClock) -> None:
    playlist = await on_air(desk)
    other = await desk.do(desk.publisher, "POST", "/v1/playlists", playlist_of("b", name="Other"))
    draft = {"zone": "Europe/Berlin", "default_playlist": other["id"]}
    saved = await desk.edit("PUT", "/v1/schedule/main", draft, 1)
    assert (saved["version"], saved["ready_version"]) == (2, 1)
    line = {"name": "All", "creatives": [{"media": "c"}]}
    booking = {"name": "Fizzo", "advertiser": "Fizzo", "lines": [line]}
    flight = {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2027-01-01T00:00:00Z"}
    campaign = await desk.edit("POST", "/v1/campaigns", booking | flight)
    done = await desk.publish()
    assert await desk.shown() == ["a.jpg"]
    left = [(one["kind"], one["ready_version"]) for one in done.document["left_out"]]
    assert left == [("schedule", 1), ("campaign", None)]
    ready = await desk.do(desk.editor, "GET", "/v1/schedule/main?version=ready")
    assert (ready["default_playlist"], ready["version"]) == (playlist, 1)
    missing = await desk.server.ask("GET", f"/v1/campaigns/{campaign['id']}?version=ready", desk.editor)
    assert missing.status == 404
    await desk.do(desk.publisher, "POST", f"/v1/campaigns/{campaign['id']}/ready")
    await desk.do(desk.publisher, "POST", "/v1/schedule/main/ready")
    await desk.publish()
    assert await desk.shown() == ["b.jpg", "c.jpg"]
    elsewhere = booking | flight | {"channel": "main", "name": "Fizzo, later", "ends_at": "2026-01-02T00:00:00Z"}
    await desk.edit("PUT", f"/v1/campaigns/{campaign['id']}", elsewhere, 1)
    again = await desk.publish()
    assert (again.document["unchanged"], again.document["left_out"][0]["name"]) == (True, "Fizzo, later")


async def test_what_only_a_ready_version_uses_cannot_be_removed(desk: Desk) -> None:
    playlist = await on_air(desk)
    await desk.edit("PUT", f"/v1/playlists/{playlist}", playlist_of("b"), 1)
    media = await desk.server.ask("DELETE", "/v1/media/a", desk.editor)
    assert (media.status, media.document["users"]) == (409, ["Lobby"])
    other = await desk.do(desk.publisher, "POST", "/v1/playlists", playlist_of("c", name="Other"))
    await desk.edit("PUT", "/v1/schedule/main", {"zone": "UTC", "default_playlist": other["id"]}, 1)
    removed = await desk.server.ask("DELETE", f"/v1/playlists/{playlist}", desk.editor)
    assert (removed.status, removed.document["users"]) == (409, ["main"])


async def test_a_channel_that_was_never_ready_is_not_published(desk: Desk) -> None:
    made = await desk.edit("POST", "/v1/playlists", playlist_of("a"))
    await desk.edit("PUT", "/v1/schedule/main", {"zone": "UTC", "default_playlist": made["id"]})
    refused = await desk.publish()
    assert (refused.status, set(refused.document["fields"])) == (422, {"schedules.main", f"playlists.{made['id']}"})
    both = [{"kind": "schedule", "id": "main"}, {"kind": "playlist", "id": made["id"]}]
    assert (await desk.publish(**{"with": both})).status == 201


async def test_the_command_line_and_services_save_what_is_ready(planning: PlanningOrigin) -> None:
    assert (await planning.playlists.create(PlaylistDraft(name="Lobby"))).ready_version == 1


async def test_what_was_read_is_sent_back_as_clients_that_know_no_drafts_do(desk: Desk) -> None:
    playlist, head = await on_air(desk), ("id", "version", "updated_at", "media")
    line = {"name": "noon", "creatives": [{"media": "b"}], "share_ppm": 100_000}
    flight = {"starts_at": "2026-03-01T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z", "lines": [line]}
    campaign = await desk.do(desk.publisher, "POST", "/v1/campaigns", {"name": "Tea", "advertiser": "Tea", **flight})
    for path, left_out in (
        (f"/v1/playlists/{playlist}", head),
        (f"/v1/campaigns/{campaign['id']}", head),
        ("/v1/schedule/main", ("channel", "version", "sequence")),
    ):
        read = await desk.do(desk.publisher, "GET", path)
        sent = {name: value for name, value in read.items() if name not in left_out} | {"space": "main"}
        again = await desk.do(desk.publisher, "PUT", path, sent, read["version"])
        assert "ready_version" in sent and again["ready_version"] == read["version"] + 1
        odd = await desk.server.ask("PUT", path, desk.publisher, sent | {"odd": 1}, headers={"If-Match": '"2"'})
        assert odd.status == 422 and "odd" in odd.text


async def test_a_ready_version_that_is_not_kept_is_not_replaced_by_the_draft(planning: PlanningOrigin) -> None:
    for media in "ab":
        await planning.make_media(media)
    playlist = await plan(planning, "a")
    keep_drafts(True)
    try:
        draft = PlaylistDraft(name="Lobby", items=(PlaylistItem(media="b"),))
        await planning.playlists.replace(playlist, draft, version=1)
        await planning.schedules.replace("main", ScheduleDraft(default_playlist=playlist), version=1)
    finally:
        keep_drafts(False)
    async with planning.database.writing() as connection:
        await connection.execute(delete(document_versions).where(document_versions.c.version == 1))
    with pytest.raises(Rejected) as refused:
        await planning.publisher.publish("main")
    assert set(refused.value.fields) == {f"playlists.{playlist}", "schedules.main"}


async def test_what_is_replaced_or_removed_everywhere_makes_no_draft_ready(desk: Desk) -> None:
    playlist = await on_air(desk)
    path = f"/v1/playlists/{playlist}"
    await desk.edit("PUT", path, playlist_of("b", "b", name="Half done"), 1)
    await desk.do(desk.publisher, "POST", "/v1/media/b/replacement", {"by": "c"})
    await desk.do(desk.publisher, "DELETE", "/v1/media/c?with_uses=true")
    found = await desk.do(desk.editor, "GET", path)
    assert (found["version"], found["ready_version"], found["items"]) == (3 + 1, 1, [])
    done = await desk.publish()
    assert (await desk.shown(), [one["name"] for one in done.document["left_out"]]) == (["a.jpg"], ["Half done"])


async def test_edits_by_who_has_not_seen_a_draft_do_not_make_it_ready(desk: Desk) -> None:
    path = f"/v1/playlists/{await on_air(desk)}"
    edits = {"edits": [{"do": "set", "set": {"name": "Foyer"}}]}
    await desk.edit("PUT", path, playlist_of("b"), 1)
    merged = await desk.do(desk.publisher, "PATCH", path, edits, 1)
    assert (merged["version"], merged["made_on"], merged["ready_version"]) == (3, 2, 1)
    undone = await desk.do(desk.publisher, "POST", f"{path}/undo", {"version": 3})
    assert undone["ready_version"] == 1
    seen = await desk.do(desk.publisher, "PATCH", path, edits, 4)
    assert (seen["version"], seen["ready_version"]) == (5, 5)
    again = await desk.do(desk.publisher, "PATCH", path, {"edits": [{"do": "set", "set": {"name": "Bar"}}]}, 5)
    assert again["ready_version"] == 6


async def test_drafts_are_made_ready_in_the_same_order_by_all(planning: PlanningOrigin) -> None:
    await planning.make_media("a")
    playlist = await plan(planning, "a")
    await planning.schedules.replace("main", ScheduleDraft(default_playlist=playlist), version=1)
    both = [(ThingKind.SCHEDULE, "main", None), (ThingKind.PLAYLIST, playlist, None)]
    for asked in (both, both[::-1]):
        assert await ReadinessStore(planning.database).make_ready(asked) == [2, 1]
