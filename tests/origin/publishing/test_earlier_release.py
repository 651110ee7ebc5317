"""An earlier release comes back as a new one, as far as its files are kept; a pinned one always does."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import DaypartDraft, ScheduleDraft
from sync.runtime.clock import unix_ms
from sync.wire.release import Release
from tests.fakes import FakeClock
from tests.origin.planning_origin import GRACE_MS, Client, PlanningOrigin, request_json, serve_planning
from tests.origin.publishing.test_publisher import fetched
from tests.origin.retention.retention_origin import DAY_S, GRACE_S, RetentionOrigin, open_retention_origin

RELEASES = "/v1/releases"


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[RetentionOrigin]:
    async with open_retention_origin(tmp_path) as opened:
        yield opened


@pytest.fixture
async def http(origin: RetentionOrigin) -> AsyncIterator[Client]:
    async with serve_planning(origin.planning) as served:
        yield served


async def bring_back(client: Client, sequence: int, **more: Any) -> tuple[int, Any]:
    return await request_json(client, "POST", RELEASES, {"channel": "main", "again": sequence, **more})


async def listed(client: Client) -> dict[int, Any]:
    found = (await request_json(client, "GET", f"{RELEASES}?channel=main"))[1]["releases"]
    return {one["sequence"]: one for one in found}


def shown(release: Release) -> list[str]:
    return [item.title for playlist in release.playlists for item in playlist.items]


async def test_an_earlier_release_comes_back_and_the_plan_stays(origin: RetentionOrigin, http: Client) -> None:
    await origin.publish("a")
    await origin.publish("b")
    await origin.clock.advance(60)
    status, answer = await bring_back(http, 1, note="b was wrong")
    assert (status, answer["sequence"], answer["again"], answer["unchanged"]) == (201, 3, 1, False)
    assert (answer["plan_differs"], answer["warnings"]) == (True, [])
    timestamp, release = fetched(origin.planning.files.content, "main", origin.clock)
    assert (timestamp.sequence, shown(release)) == (3, ["a.jpg"])
    assert unix_ms(release.created_at) == unix_ms(origin.clock.now())
    assert [item.media for item in (await origin.planning.playlists.find_by_name("Lobby")).items] == ["b"]  # type: ignore[union-attr]
    assert (await listed(http))[3]["note"] == "b was wrong"
    again = await bring_back(http, 1)
    assert (again[0], again[1]["unchanged"], again[1]["sequence"]) == (200, True, 3)
    back = await bring_back(http, 2)  # what the plan says, too
    assert (back[0], back[1]["plan_differs"]) == (201, False)
    published = await request_json(http, "POST", RELEASES, {"channel": "main"})
    assert (published[0], published[1]["unchanged"]) == (200, True)


async def test_what_was_never_published_or_is_kept_no_more_does_not_come_back(
    origin: RetentionOrigin, http: Client
) -> None:
    for media in ("a", "b", "c", "d"):
        await origin.publish(media)
    assert (await bring_back(http, 9))[0] == 404
    assert (await request_json(http, "POST", RELEASES, {"channel": "none", "again": 1}))[0] == 404
    assert (await bring_back(http, 0))[0] == 422
    await origin.clock.advance(GRACE_S + 60)
    await origin.clear_and_check()
    status, problem = await bring_back(http, 1)
    assert (status, "its files are kept no more" in problem["detail"]) == (409, True)
    assert (await request_json(http, "PATCH", f"{RELEASES}/main/1", {"pinned": True}))[0] == 409
    assert max(await listed(http)) == 4


async def test_the_list_says_until_when_a_release_is_kept_and_retention_keeps_to_that(
    origin: RetentionOrigin, http: Client
) -> None:
    for media in ("a", "b", "c"):
        await origin.publish(media)
        await origin.clock.advance(DAY_S)
    found = await listed(http)
    until = (origin.clock.now() - timedelta(days=2) + timedelta(milliseconds=GRACE_MS)).isoformat()
    assert found[1]["kept_until"].replace("Z", "+00:00")[:19] == until[:19]
    assert [(one["kept"], one["kept_until"] is None) for one in found.values()] == [
        (True, True),
        (True, True),
        (True, False),
    ]
    await origin.clock.advance(GRACE_S - 2 * DAY_S - 60)
    await origin.clear_and_check()
    assert (await listed(http))[1]["kept"]
    await origin.clock.advance(120)
    await origin.clear_and_check()
    gone = (await listed(http))[1]
    assert (gone["kept"], gone["kept_until"]) == (False, None)


async def test_a_pinned_release_comes_back_after_a_year_with_media_that_were_removed(
    origin: RetentionOrigin, http: Client
) -> None:
    await origin.publish("a")
    status, pinned = await request_json(http, "PATCH", f"{RELEASES}/main/1", {"pinned": True})
    assert (status, pinned["pinned"], pinned["kept_until"]) == (200, True, None)
    assert origin.planning.changes[-1] == ("releases", "main")
    for media in ("b", "c"):
        await origin.publish(media)
    await origin.delete("a")
    for _ in range(12):
        await origin.clock.advance(30 * DAY_S)
        await origin.clear_and_check()
    found = (await listed(http))[1]
    assert (found["pinned"], found["kept"], found["kept_until"]) == (True, True, None)
    status, answer = await bring_back(http, 1)
    assert (status, answer["warnings"]) == (201, ["a.jpg was removed from the media and is shown again."])
    assert shown(fetched(origin.planning.files.content, "main", origin.clock)[1]) == ["a.jpg"]
    status, unpinned = await request_json(http, "PATCH", f"{RELEASES}/main/1", {"pinned": False})
    assert (status, unpinned["pinned"], unpinned["kept_until"] is None) == (200, False, False)
    for wrong in ("main/99", "main/x", "none/1"):
        assert (await request_json(http, "PATCH", f"{RELEASES}/{wrong}", {"pinned": True}))[0] == 404


async def test_what_is_over_does_not_come_back_and_is_named(
    planning: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    for media in ("a", "b", "ad"):
        await planning.make_media(media)
    soon = clock.now() + timedelta(hours=1)
    items = (PlaylistItem(media="a", title="Summer", ends_at=soon), PlaylistItem(media="b", title="Always"))
    playlist = await planning.playlists.create(PlaylistDraft(name="Lobby", items=items))
    other = await planning.playlists.create(PlaylistDraft(name="Fair", items=(PlaylistItem(media="a", title="Fair"),)))
    fair = DaypartDraft(name="Fair", playlist=other.id, last_day=clock.now().date())
    schedule = ScheduleDraft(zone="Europe/Berlin", default_playlist=playlist.id, dayparts=(fair,))
    await planning.schedules.create("main", schedule)
    campaign = {
        "name": "Fizzo",
        "advertiser": "Fizzo",
        "starts_at": clock.now().isoformat(),
        "ends_at": soon.isoformat(),
        "lines": [{"name": "All", "creatives": [{"media": "ad"}]}],
    }
    assert (await request_json(client, "POST", "/v1/campaigns", campaign))[0] == 201
    first = (await planning.publisher.publish("main")).record
    assert (first.items, first.ads, first.asset_bytes) == (3, 1, 400)
    await planning.playlists.replace(playlist.id, PlaylistDraft(name="Lobby", items=items[:1]), version=1)
    await planning.publisher.publish("main")
    await clock.advance(10 * 86_400)
    status, answer = await bring_back(client, 1)
    assert (status, answer["items"], answer["ads"], answer["asset_bytes"]) == (201, 1, 0, 100)
    [warning] = answer["warnings"]
    assert warning.startswith("daypart Fair, item ") and warning.endswith(
        "campaign Fizzo are over and do not come back."
    )
    assert {"item Summer", "item Fair"} <= set(warning.split(", "))
    status, problem = await bring_back(client, 2)
    assert (status, list(problem["fields"])) == (422, ["again"])


async def test_a_release_that_is_planned_to_come_back_is_kept_until_then(origin: RetentionOrigin, http: Client) -> None:
    for media in ("a", "b", "c"):
        await origin.publish(media)
    at = (origin.clock.now() + timedelta(days=30)).isoformat()
    status, made = await request_json(http, "POST", "/v1/publications", {"channel": "main", "at": at, "again": 1})
    assert status == 201
    await origin.delete("a")
    for _ in range(2):
        await origin.clock.advance(GRACE_S + 60)
        await origin.clear_and_check()
    assert (await listed(http))[1]["kept"]
    await request_json(http, "DELETE", f"/v1/publications/{made['id']}")
    await origin.clear_and_check()
    assert not (await listed(http))[1]["kept"]
