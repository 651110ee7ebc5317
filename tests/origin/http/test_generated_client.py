"""A client that a generator made of the OpenAPI document does a week's work: from an upload to a release and back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.fakes import FakeClock
from tests.origin.media_origin import wait_until
from tests.origin.running_origin import RunningOrigin
from tests.sync.http.foreign_tools import GeneratedClient, needs

TUS = {"tus_resumable": "1.0.0"}


class Planner:
    """Somebody who knows nothing but the generated client; every call must do what it is for."""

    def __init__(self, made: GeneratedClient, session: Any) -> None:
        self._made = made
        self._session = session
        self.models = made.models

    async def do(self, operation: str, **arguments: Any) -> Any:
        """Call an operation; return its whole answer."""
        answer = await self._made.operation(operation)(client=self._session, **arguments)
        assert answer.status_code < 300, (operation, answer.content)
        return answer

    async def ask(self, operation: str, **arguments: Any) -> Any:
        """Call an operation; return the document that it answers."""
        return (await self.do(operation, **arguments)).parsed

    async def upload(self, name: str, content: bytes) -> str:
        """Send a file in two chunks; return the id of its media."""
        file = self._made.types.File
        metadata = f"filename {name}"
        begun = await self.do(
            "post_uploads", body=file(BytesIO(b"")), upload_length=len(content), upload_metadata=metadata, **TUS
        )
        upload, half = begun.headers["Location"].rpartition("/")[2], len(content) // 2
        for offset, part in ((0, content[:half]), (half, content[half:])):
            await self.do("patch_uploads_by_id", id=upload, body=file(BytesIO(part)), upload_offset=offset, **TUS)
        return str(upload)

    async def wait_until_ready(self, media: str) -> Any:
        """Ask until a media can be shown."""

        async def ready() -> Any:
            found = await self.ask("get_media_by_id", id=media)
            return found if found.state == "ready" else None

        return await wait_until(ready, within_s=60)


@pytest.fixture
async def working(server: RunningOrigin) -> AsyncIterator[RunningOrigin]:
    """An origin whose pipeline runs."""
    task = asyncio.create_task(server.origin.pipeline.run())
    yield server
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@needs("openapi-python-client")
async def test_a_generated_client_does_a_weeks_work(
    working: RunningOrigin, tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    document = (await working.ask("GET", "/v1/openapi.json")).document
    made = await asyncio.to_thread(GeneratedClient, document, tmp_path, "planner_client")
    with made.session(working.url, working.writer) as session:
        await _versions_bytes_and_problems(made, session)
        planner = Planner(made, session)
        media = await planner.wait_until_ready(await planner.upload("bHVuY2gucG5n", _picture()))
        assert (media.name, media.asset.kind, media.problem_told) == ("lunch.png", "picture", [])
        playlist = await _plan(planner, media.id)
        await _book(planner, media.id, clock.now())
        await _publish_and_back(planner, playlist, clock.now())


async def _versions_bytes_and_problems(made: GeneratedClient, session: Any) -> None:
    """Read and write versions, send bytes, and read problems and text, as their types say."""
    call, models, file = made.operation, made.models, made.types.File
    draft = models.PlaylistDraft(name="Morning", items=[])
    created = await call("post_playlists")(client=session, body=draft)
    assert (created.status_code, created.parsed.name, created.parsed.version) == (201, "Morning", 1)
    which = {"id": created.parsed.id, "client": session}
    read = await call("get_playlists_by_id")(**which)
    assert read.parsed == created.parsed
    tag = read.headers["ETag"]
    assert (await call("get_playlists_by_id")(**which, if_none_match=tag)).status_code == 304
    assert (await call("put_playlists_by_id")(**which, body=draft, if_match=tag)).parsed.version == 2
    stale = await call("put_playlists_by_id")(**which, body=draft, if_match=tag)
    assert (stale.status_code, type(stale.parsed), stale.parsed.current) == (412, models.Problem, 2)
    wrong = await call("post_playlists")(client=session, body=models.PlaylistDraft(name="", items=[]))
    assert list(wrong.parsed.fields.additional_properties) == ["name"]

    begun = await call("post_uploads")(client=session, body=file(BytesIO(b"he")), upload_length=5, **TUS)
    assert (begun.status_code, begun.headers["Upload-Offset"]) == (201, "2")
    upload = {"id": begun.headers["Location"].rpartition("/")[2], "client": session, **TUS}
    more = await call("patch_uploads_by_id")(**upload, body=file(BytesIO(b"llo")), upload_offset=2)
    assert (more.status_code, more.headers["Upload-Offset"]) == (204, "5")
    root = await call("get_content_roots_by_name")(name="1.json", client=session)
    assert root.parsed.additional_properties.keys() == {"payload", "signatures"}
    lost = await call("get_content_assets_by_name")(name="a" * 64, client=session)
    assert (lost.status_code, lost.parsed.status) == (404, 404)
    assert "signage_origin_devices 0.0" in (await call("get_metrics")(client=session)).parsed


async def _plan(planner: Planner, media: str) -> Any:
    """Make a playlist, add to it by an edit, and give it the noon of a channel."""
    models, ask = planner.models, planner.ask
    item = models.PlaylistItem(media=media, duration_ms=8_000)
    playlist = await ask("post_playlists", body=models.PlaylistDraft(name="Lunch", items=[item]))
    rest = models.PlaylistDraft(name="Rest of the day", items=[item])
    default = await ask("post_playlists", body=rest)
    noon = models.DaypartDraft(name="Noon", playlist=playlist.id, start="11:00", end="14:30", weekdays=[1, 2, 3, 4, 5])
    schedule = models.ScheduleDraft(zone="Europe/Berlin", default_playlist=default.id, dayparts=[noon])
    saved = await ask("put_schedule_by_channel", channel="shop", body=schedule)
    assert (saved.version, saved.dayparts[0].name, saved.warnings_told) == (1, "Noon", [])
    return playlist


async def _book(planner: Planner, media: str, now: datetime) -> None:
    """Book a campaign on the channel, and hear that it is over when it is."""
    models, ask = planner.models, planner.ask
    creative = models.CreativeDraft(media=media, duration_ms=8_000)
    booking: dict[str, Any] = {
        "name": "Iced tea",
        "advertiser": "Mint & Co.",
        "channel": "shop",
        "starts_at": now,
        "lines": [models.LineDraft(name="Noon", creatives=[creative], share_ppm=250_000)],
    }
    over = models.CampaignDraft(**{**booking, "starts_at": now - timedelta(days=9)}, ends_at=now - timedelta(days=1))
    campaign = await ask("post_campaigns", body=over)
    [told] = campaign.warnings_told
    assert (told.code, told.values["campaign"]) == ("campaign_over", "Iced tea")
    draft = models.CampaignDraft(**booking, ends_at=now + timedelta(days=7))
    campaign = await ask("put_campaigns_by_id", id=campaign.id, body=draft, if_match=f'"{campaign.version}"')
    assert (await ask("get_releases_shortfalls", channel="shop")).shortfalls == []


async def _publish_and_back(planner: Planner, playlist: Any, now: datetime) -> None:
    """Publish now, plan to publish tomorrow and think again, publish a change, and bring back what was before."""
    models, ask = planner.models, planner.ask
    preview = await ask("get_releases_preview", channel="shop")
    assert (preview.items, preview.ads, preview.problems.additional_properties) == (2, 1, {})
    first = await ask("post_releases", body=models.PublishRequest(channel="shop", note="the first week"))
    assert (first.sequence, first.ads) == (1, 1)
    tomorrow = models.PublicationRequest(channel="shop", at=now + timedelta(days=1))
    planned = await ask("post_publications", body=tomorrow)
    assert (planned.state, planned.at) == ("planned", now + timedelta(days=1))
    await planner.do("delete_publications_by_id", id=planned.id)
    assert (await ask("get_publications_by_id", id=planned.id)).state == "cancelled"

    edit = models.DuplicateItems(do="duplicate_items", ids=[playlist.items[0].id])
    edits = models.PlaylistEdits(edits=[edit])
    edited = await ask("patch_playlists_by_id", id=playlist.id, body=edits, if_match=f'"{playlist.version}"')
    assert (edited.version, len(edited.added[0])) == (2, 1)
    second = await ask("post_releases", body=models.PublishRequest(channel="shop"))
    assert (second.sequence, second.items) == (2, 3)
    back = await ask("post_releases", body=models.PublishRequest(channel="shop", again=first.sequence))
    assert (back.sequence, back.items) == (3, 2)
    assert [one.sequence for one in (await ask("get_releases", channel="shop")).releases] == [3, 2, 1]


def _picture() -> bytes:
    made = BytesIO()
    Image.linear_gradient("L").resize((640, 360)).convert("RGB").save(made, "PNG")
    return made.getvalue()
