"""Reviews over HTTP: an editor asks, a publisher sees, comments, approves or returns."""

import pytest

from sync.origin.store.drafts import reviews
from tests.origin.api.plans.test_drafts import Desk, on_air, playlist_of
from tests.origin.api.plans.test_drafts import desk as desk


async def test_an_editor_asks_and_a_publisher_approves(desk: Desk) -> None:
    playlist = await on_air(desk)
    path = f"/v1/playlists/{playlist}"
    nothing = await desk.server.ask("POST", f"{path}/review", desk.editor, {})
    assert (nothing.status, "nothing to review" in nothing.document["detail"]) == (409, True)
    await desk.edit("PUT", path, playlist_of("b", name="Spring"), 1)
    asked = await desk.edit("POST", f"{path}/review", {"text": "For spring"})
    assert (asked["state"], asked["version"], asked["current_version"], asked["asked_by"]) == ("open", 2, 2, "editor")
    listed = await desk.do(desk.publisher, "GET", "/v1/reviews?state=open")
    assert [(one["document"], one["name"], one["kind"]) for one in listed["reviews"]] == [
        (playlist, "Spring", "playlist")
    ]
    one = f"/v1/reviews/{asked['id']}"
    await desk.do(desk.publisher, "POST", f"{one}/comment", {"text": "From when?"})
    for way in ("approve", "return"):
        assert (await desk.server.ask("POST", f"{one}/{way}", desk.editor, {})).status == 403
    ended = await desk.do(desk.publisher, "POST", f"{one}/approve", {"text": "Good"})
    assert (ended["state"], ended["ended_by"]) == ("approved", "publisher")
    assert [(remark["by"], remark["text"]) for remark in ended["remarks"]] == [
        ("editor", "For spring"),
        ("publisher", "From when?"),
        ("publisher", "Good"),
    ]
    assert (await desk.server.ask("POST", f"{one}/return", desk.publisher, {})).status == 409
    await desk.publish()
    assert await desk.shown() == ["b.jpg"]


async def test_a_change_after_the_request_is_seen_and_not_approved_with_it(desk: Desk) -> None:
    playlist = await on_air(desk)
    path = f"/v1/playlists/{playlist}"
    await desk.edit("PUT", path, playlist_of("b"), 1)
    asked = await desk.edit("POST", f"{path}/review", {})
    await desk.edit("PUT", path, playlist_of("c"), 2)
    [seen] = (await desk.do(desk.publisher, "GET", "/v1/reviews"))["reviews"]
    assert (seen["version"], seen["current_version"]) == (2, 3)
    await desk.do(desk.publisher, "POST", f"/v1/reviews/{asked['id']}/approve", {})
    done = await desk.publish()
    assert await desk.shown() == ["b.jpg"]
    assert [(one["version"], one["ready_version"]) for one in done.document["left_out"]] == [(3, 2)]
    again = await desk.edit("POST", f"{path}/review", {})
    more = await desk.edit("POST", f"{path}/review", {"text": "please"})
    assert (again["id"] != asked["id"], more["id"]) == (True, again["id"])
    returned = await desk.do(desk.publisher, "POST", f"/v1/reviews/{again['id']}/return", {"text": "No"})
    assert (returned["state"], (await desk.do(desk.editor, "GET", path))["ready_version"]) == ("returned", 2)


async def test_what_was_removed_or_is_not_there_is_told(desk: Desk) -> None:
    made = await desk.edit("POST", "/v1/playlists", playlist_of("a"))
    asked = await desk.edit("POST", f"/v1/playlists/{made['id']}/review", {})
    await desk.edit("DELETE", f"/v1/playlists/{made['id']}")
    [seen] = (await desk.do(desk.publisher, "GET", "/v1/reviews"))["reviews"]
    assert seen["current_version"] is None
    assert (await desk.server.ask("POST", f"/v1/reviews/{asked['id']}/approve", desk.publisher, {})).status == 404
    for path in ("/v1/playlists/none/review", "/v1/reviews/none/approve"):
        assert (await desk.server.ask("POST", path, desk.publisher, {})).status == 404


async def test_an_approved_version_that_shows_what_was_removed_is_not_published(desk: Desk) -> None:
    playlist = await on_air(desk)
    other = await desk.do(desk.publisher, "POST", "/v1/playlists", playlist_of("b", name="Other"))
    logo = {"kind": "logo", "media": "c", "corner": "top-left"}
    schedule = {"zone": "UTC", "default_playlist": other["id"], "fallback": "c", "overlays": [logo]}
    await desk.edit("PUT", "/v1/schedule/main", schedule, 1)
    asked = await desk.edit("POST", "/v1/schedule/main/review", {})
    await desk.edit("PUT", "/v1/schedule/main", {"zone": "UTC", "default_playlist": playlist}, 2)
    await desk.edit("DELETE", f"/v1/playlists/{other['id']}")
    await desk.edit("DELETE", "/v1/media/c")
    await desk.do(desk.publisher, "POST", f"/v1/reviews/{asked['id']}/approve", {})
    refused = await desk.publish()
    gone = f"playlists.{other['id']}"
    assert (refused.status, set(refused.document["fields"])) == (
        422,
        {gone, "default_playlist", "fallback", "overlays.0"},
    )
    assert "shows a playlist that was removed" in refused.document["fields"][gone]
    assert "it was removed" in refused.document["fields"]["fallback"]


async def test_a_channel_that_is_made_again_has_nothing_of_the_removed_one(desk: Desk) -> None:
    await desk.edit("PUT", "/v1/schedule/fair", {"zone": "UTC"})
    asked = await desk.edit("POST", "/v1/schedule/fair/review", {"text": "For the fair"})
    planned = {"channel": "fair", "at": "2026-12-01T00:00:00Z"}
    publication = await desk.do(desk.publisher, "POST", "/v1/publications", planned)
    await desk.edit("DELETE", "/v1/schedule/fair")
    made = await desk.edit("PUT", "/v1/schedule/fair", {"zone": "Asia/Tokyo"})
    assert (made["version"], made["ready_version"]) == (3, None)
    approved = await desk.server.ask("POST", f"/v1/reviews/{asked['id']}/approve", desk.publisher, {})
    assert (approved.status, "it was returned" in approved.document["detail"]) == (409, True)
    ended = await desk.do(desk.publisher, "GET", f"/v1/publications/{publication['id']}")
    assert (ended["state"], ended["problem"], ended["ended_at"] is None) == (
        "cancelled",
        "its channel was removed",
        False,
    )
    [review] = (await desk.do(desk.publisher, "GET", "/v1/reviews"))["reviews"]
    assert (review["state"], review["ended_by"], review["ended_at"] is None) == ("returned", "editor", False)


async def test_a_review_has_a_bounded_number_of_remarks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews, "MOST_REMARKS", 2)
    path = f"/v1/playlists/{await on_air(desk)}"
    await desk.edit("PUT", path, playlist_of("b"), 1)
    review = f"/v1/reviews/{(await desk.edit('POST', f'{path}/review', {'text': 'one'}))['id']}"
    await desk.edit("POST", f"{review}/comment", {"text": "two"})
    refused = await desk.server.ask("POST", f"{review}/comment", desk.editor, {"text": "three"})
    assert (refused.status, refused.document["code"]) == (409, "many_remarks")
    assert (await desk.do(desk.publisher, "POST", f"{review}/approve", {}))["state"] == "approved"
