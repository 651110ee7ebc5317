"""Which releases are urgent: those that change an emergency that is on air now."""

from typing import Any

import pytest

from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import ScheduleDraft
from sync.origin.publishing.urgency import EMERGENCY_PRIORITY, UrgentReleases
from sync.wire.content_paths import release_path
from tests.fakes import FakeClock
from tests.origin.planning_origin import PlanningOrigin

EVACUATE = {"id": "e", "name": "Evacuation", "priority": EMERGENCY_PRIORITY}
WINDOW_S = 50.0


@pytest.fixture
async def lobby(planning: PlanningOrigin) -> str:
    """The playlist of channel main, where nothing else is on air yet: it is Monday, 13:00 in Berlin."""
    await planning.make_media("tea")
    await planning.make_media("exit")
    draft = PlaylistDraft(name="Lobby", items=(PlaylistItem(media="tea"),))
    playlist = await planning.playlists.create(draft)
    await planning.schedules.create("main", ScheduleDraft(zone="Europe/Berlin", default_playlist=playlist.id))
    await planning.publisher.publish("main")
    return playlist.id


async def is_urgent(planning: PlanningOrigin, lobby: str, *dayparts: dict[str, Any]) -> bool:
    """Publish the channel with these dayparts; tell whether that is urgent."""
    parts = [{"playlist": lobby, **one} for one in dayparts]
    draft = ScheduleDraft.model_validate({"zone": "Europe/Berlin", "default_playlist": lobby, "dayparts": parts})
    await planning.schedules.replace("main", draft, version=(await planning.schedules.get("main")).version)
    await planning.publisher.publish("main")
    return await UrgentReleases(planning.releases, planning.files, planning.clock).is_urgent("main", WINDOW_S)


async def test_an_emergency_that_begins_changes_or_ends_is_urgent_and_nothing_else(
    planning: PlanningOrigin, clock: FakeClock, lobby: str
) -> None:
    usual = {"id": "d", "name": "Lunch", "priority": EMERGENCY_PRIORITY - 1}
    assert not await is_urgent(planning, lobby, usual)
    assert await is_urgent(planning, lobby, usual, EVACUATE)
    assert not await is_urgent(planning, lobby, EVACUATE)  # it is on air as it was
    stored = await planning.playlists.get(lobby)
    changed = PlaylistDraft(name="Lobby", items=(PlaylistItem(media="exit"),))
    await planning.playlists.replace(lobby, changed, version=stored.version)
    assert await is_urgent(planning, lobby, EVACUATE)
    assert await is_urgent(planning, lobby, usual)
    assert not await is_urgent(planning, lobby)


@pytest.mark.parametrize(
    ("window", "urgent"),
    [
        ({"start": "13:00", "end": "14:00"}, True),
        ({"start": "13:01", "end": "14:00"}, False),  # later than the last screen has fetched it
        ({"start": "12:00", "end": "13:00"}, False),
        ({"weekdays": [2]}, False),
    ],
)
async def test_an_emergency_of_another_time_can_wait(
    planning: PlanningOrigin, lobby: str, window: dict[str, Any], urgent: bool
) -> None:
    assert await is_urgent(planning, lobby, EVACUATE | window) is urgent


async def test_without_its_files_a_release_is_compared_with_nothing(planning: PlanningOrigin, lobby: str) -> None:
    assert await is_urgent(planning, lobby, EVACUATE)
    first, second = [one.sha256 for one in await planning.releases.newest("main", 2)]
    urgent = UrgentReleases(planning.releases, planning.files, planning.clock)
    (planning.files.content / release_path(second)).unlink()
    assert await urgent.is_urgent("main", WINDOW_S)
    (planning.files.content / release_path(first)).write_bytes(b"{}")
    assert not await urgent.is_urgent("main", WINDOW_S)
    assert not await urgent.is_urgent("elsewhere", WINDOW_S)
