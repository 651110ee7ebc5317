"""/v1/media as pages meet it."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from sync.errors import Conflict
from sync.origin.api.media.media import MediaView
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.media_rows import MediaRow, MediaState
from sync.origin.tables import plans
from sync.wire.release import Asset
from tests.origin.media_origin import MediaOrigin
from tests.origin.samples import RED, Samples


async def call(media_origin: MediaOrigin, method: str, path: str, status: int, **options: Any) -> dict[str, Any]:
    async with media_origin.http.request(method, f"{media_origin.url}/v1/media{path}", **options) as answer:
        assert answer.status == status, await answer.text()
        document: dict[str, Any] = {} if status == 204 else await answer.json(content_type=None)
        return {**document, "etag": answer.headers.get("ETag")}


@pytest.fixture
async def row(media_origin: MediaOrigin, samples: Samples) -> MediaRow:
    return await media_origin.process_file(samples.rotated_jpeg())


async def test_the_list_tells_state_facts_and_where_the_small_picture_is(
    media_origin: MediaOrigin, row: MediaRow
) -> None:
    (media_origin.files.data_dir / "slides").write_bytes(b"%PDF-1.7")
    failed = await media_origin.process_file(media_origin.files.data_dir / "slides")
    newest, oldest = (await call(media_origin, "GET", "", 200))["media"]
    assert newest["id"] == failed.id and "PDF" in newest["problem"] and newest["thumbnail"] is None
    view = MediaView.model_validate(oldest)
    assert view.state is MediaState.READY and view.progress == 100 and view.problem is None
    assert view.asset == row.asset and view.asset and view.asset.width == 200
    assert view.thumbnail == f"/v1/media/{row.id}/thumbnail"


async def test_a_rename_needs_the_version_that_was_read_if_one_is_given(
    media_origin: MediaOrigin, row: MediaRow
) -> None:
    first = await call(media_origin, "GET", f"/{row.id}", 200)
    assert first["etag"] == '"1"'
    renamed = await call(
        media_origin, "PATCH", f"/{row.id}", 200, json={"name": " Spring "}, headers={"If-Match": '"1"'}
    )
    assert renamed["name"] == "Spring" and renamed["etag"] == '"2"'
    lost = await call(media_origin, "PATCH", f"/{row.id}", 412, json={"name": "Summer"}, headers={"If-Match": '"1"'})
    assert lost["current"] == 2
    await call(media_origin, "PATCH", f"/{row.id}", 422, json={"name": ""})
    await call(media_origin, "PATCH", f"/{row.id}", 422, json={"state": "ready"})
    await call(media_origin, "PATCH", "/nothing", 404, json={"name": "x"})
    assert (await media_origin.media.get(row.id)).name == "Spring"
    assert media_origin.changes[-1] == ("media", row.id)


async def test_deleting_removes_the_row_and_the_small_picture_but_not_the_asset(
    media_origin: MediaOrigin, row: MediaRow
) -> None:
    await call(media_origin, "DELETE", f"/{row.id}", 412, headers={"If-Match": '"7"'})
    await call(media_origin, "DELETE", f"/{row.id}", 204, headers={"If-Match": '"1"'})
    await call(media_origin, "GET", f"/{row.id}", 404)
    await call(media_origin, "GET", f"/{row.id}/thumbnail", 404)
    await call(media_origin, "DELETE", f"/{row.id}", 404)
    assert not list(media_origin.files.thumbnails.iterdir())
    assert media_origin.asset_file(row).exists(), "a release may still name it"


async def test_media_in_use_is_not_deleted_and_its_users_are_named(media_origin: MediaOrigin, row: MediaRow) -> None:
    show = {"title": "x", "fit": "contain", "background": "#000000", "volume": 100, "position": 0, "media_id": row.id}
    campaign = {"id": "c", "name": "Coffee", "advertiser": "Beans", "starts_ms": 0, "ends_ms": 1, "version": 1}
    line = {"id": "l", "campaign_id": "c", "position": 0, "name": "l", "category": "drinks", "weight": 1}
    async with media_origin.database.writing() as connection:
        for table, values in (
            (plans.playlists, {"id": "p", "name": "Breakfast", "version": 1, "updated_ms": 0}),
            (plans.playlist_items, {"id": "i", "playlist_id": "p", "at_end": "cut", **show}),
            (plans.campaigns, {**campaign, "updated_ms": 0}),
            (plans.lines, {**line, "windows": [], "category_gap": 0, "advertiser_gap": 0}),
            (plans.creatives, {"id": "k", "line_id": "l", **show}),
            (plans.channels, {"id": "window", "zone": "UTC", "version": 1, "fallback_media_id": row.id}),
        ):
            await connection.execute(insert(table).values(**values))
    refused = await call(media_origin, "DELETE", f"/{row.id}", 409)
    assert sorted(refused["users"]) == ["Breakfast", "Coffee", "window"]
    assert (await media_origin.media.get(row.id)).state is MediaState.READY


async def test_the_same_bytes_again_are_another_media_with_the_same_asset_made_once(
    media_origin: MediaOrigin, samples: Samples, row: MediaRow
) -> None:
    before = media_origin.asset_file(row).stat()
    media_id = await media_origin.intake.ingest_file(samples.rotated_jpeg(), "the same, renamed.jpg")
    again = await media_origin.wait_until_processed(media_id)
    assert (again.same_as, row.same_as) == (row.id, None)
    assert (await call(media_origin, "GET", f"/{media_id}", 200))["same_as"] == row.id
    assert again.id != row.id and again.name == "the same, renamed.jpg" and again.asset == row.asset
    assert media_origin.asset_file(row).stat().st_mtime_ns == before.st_mtime_ns
    data = samples.rotated_jpeg().read_bytes()
    sent = await media_origin.send_chunk(await media_origin.create_upload(len(data)), 0, data)
    assert sent.headers["Signage-Same-As"] == row.id != sent.headers["Signage-Media"]
    await call(media_origin, "DELETE", f"/{row.id}", 204)
    async with media_origin.http.get(f"{media_origin.url}/v1/media/{again.id}/thumbnail") as answer:
        assert answer.status == 200, "each media has its own small picture"


async def test_nothing_is_cleared_away_between_looking_at_an_asset_and_naming_it(
    media_origin: MediaOrigin, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, ready = [], MediaStore.mark_ready

    async def named(store: MediaStore, media_id: str, asset: Asset, note: str | None) -> bool:
        with pytest.raises(Conflict), media_origin.files.clearing_content():
            pass
        refused.append(media_id)
        return await ready(store, media_id, asset, note)

    monkeypatch.setattr(MediaStore, "mark_ready", named)
    made = await media_origin.process_file(samples.rotated_jpeg())
    shared = await media_origin.process_file(samples.rotated_jpeg())
    assert refused == [made.id, shared.id]
    with media_origin.files.clearing_content():
        pass


async def test_trying_a_bad_file_again_is_refused_and_a_ready_one_has_no_need(
    media_origin: MediaOrigin, row: MediaRow
) -> None:
    (media_origin.files.data_dir / "slides").write_bytes(b"%PDF-1.7")
    failed = await media_origin.process_file(media_origin.files.data_dir / "slides")
    assert "send the file again" in (await call(media_origin, "POST", f"/{failed.id}/retry", 409))["detail"]
    await call(media_origin, "POST", f"/{row.id}/retry", 409)
    await call(media_origin, "POST", "/nothing/retry", 404)


async def test_names_in_the_path_are_never_paths(media_origin: MediaOrigin) -> None:
    Path(media_origin.files.thumbnails.parent / "secret.jpg").write_bytes(hashlib.sha256(bytes(RED)).digest())
    await call(media_origin, "GET", "/..%2Fsecret/thumbnail", 404)


async def test_a_stream_is_named_listed_without_its_secrets_and_deleted(media_origin: MediaOrigin) -> None:
    url = "rtsp://eve:hush@camera.local:554/door?key=s3cret"
    made = await call(media_origin, "POST", "/streams", 201, json={"url": url})
    assert (made["state"], made["asset"], made["thumbnail"]) == ("ready", None, None)
    assert (made["name"], made["url"]) == ("camera.local door", "rtsp://***@camera.local:554/door?***")
    [listed] = (await call(media_origin, "GET", "", 200))["media"]
    assert listed["url"] == made["url"]
    refused = await call(media_origin, "POST", "/streams", 422, json={"url": "file:///etc/passwd", "name": "x"})
    assert "url" in refused["fields"] and "passwd" not in str(refused)
    await call(media_origin, "DELETE", f"/{made['id']}", 204)
