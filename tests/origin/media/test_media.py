"""/v1/media as pages meet it."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from sync import Conflict
from sync.origin import tables
from sync.origin.media import MediaView
from sync.origin.store.media import MediaRow, MediaState, MediaStore
from sync.release import Asset
from tests.origin.media.house import House
from tests.origin.media.samples import RED, Samples


async def call(house: House, method: str, path: str, status: int, **options: Any) -> dict[str, Any]:
    async with house.http.request(method, f"{house.url}/v1/media{path}", **options) as answer:
        assert answer.status == status, await answer.text()
        document: dict[str, Any] = {} if status == 204 else await answer.json(content_type=None)
        return {**document, "etag": answer.headers.get("ETag")}


@pytest.fixture
async def row(house: House, samples: Samples) -> MediaRow:
    return await house.process(samples.turned_jpeg())


async def test_the_list_tells_state_facts_and_where_the_small_picture_is(house: House, row: MediaRow) -> None:
    (house.files.data_dir / "slides").write_bytes(b"%PDF-1.7")
    failed = await house.process(house.files.data_dir / "slides")
    newest, oldest = (await call(house, "GET", "", 200))["media"]
    assert newest["id"] == failed.id and "PDF" in newest["problem"] and newest["thumbnail"] is None
    view = MediaView.model_validate(oldest)
    assert view.state is MediaState.READY and view.progress == 100 and view.problem is None
    assert view.asset == row.asset and view.asset and view.asset.width == 200
    assert view.thumbnail == f"/v1/media/{row.id}/thumbnail"


async def test_a_rename_needs_the_version_that_was_read_if_one_is_given(house: House, row: MediaRow) -> None:
    first = await call(house, "GET", f"/{row.id}", 200)
    assert first["etag"] == '"1"'
    renamed = await call(house, "PATCH", f"/{row.id}", 200, json={"name": " Spring "}, headers={"If-Match": '"1"'})
    assert renamed["name"] == "Spring" and renamed["etag"] == '"2"'
    lost = await call(house, "PATCH", f"/{row.id}", 412, json={"name": "Summer"}, headers={"If-Match": '"1"'})
    assert lost["current"] == 2
    await call(house, "PATCH", f"/{row.id}", 422, json={"name": ""})
    await call(house, "PATCH", f"/{row.id}", 422, json={"state": "ready"})
    await call(house, "PATCH", "/nothing", 404, json={"name": "x"})
    assert (await house.media.get(row.id)).name == "Spring"
    assert house.changes[-1] == ("media", row.id)


async def test_deleting_removes_the_row_and_the_small_picture_but_not_the_asset(house: House, row: MediaRow) -> None:
    await call(house, "DELETE", f"/{row.id}", 412, headers={"If-Match": '"7"'})
    await call(house, "DELETE", f"/{row.id}", 204, headers={"If-Match": '"1"'})
    await call(house, "GET", f"/{row.id}", 404)
    await call(house, "GET", f"/{row.id}/thumbnail", 404)
    await call(house, "DELETE", f"/{row.id}", 404)
    assert not list(house.files.thumbnails.iterdir())
    assert house.asset(row).exists(), "a release may still name it"


async def test_media_in_use_is_not_deleted_and_its_users_are_named(house: House, row: MediaRow) -> None:
    show = {"title": "x", "fit": "contain", "background": "#000000", "volume": 100, "position": 0, "media_id": row.id}
    campaign = {"id": "c", "name": "Coffee", "advertiser": "Beans", "starts_ms": 0, "ends_ms": 1, "version": 1}
    line = {"id": "l", "campaign_id": "c", "position": 0, "name": "l", "category": "drinks", "weight": 1}
    async with house.database.writing() as connection:
        for table, values in (
            (tables.playlists, {"id": "p", "name": "Breakfast", "version": 1, "updated_ms": 0}),
            (tables.playlist_items, {"id": "i", "playlist_id": "p", "at_end": "cut", **show}),
            (tables.campaigns, {**campaign, "updated_ms": 0}),
            (tables.lines, {**line, "windows": [], "category_gap": 0, "advertiser_gap": 0}),
            (tables.creatives, {"id": "k", "line_id": "l", **show}),
            (tables.channels, {"id": "window", "zone": "UTC", "version": 1, "fallback_media_id": row.id}),
        ):
            await connection.execute(insert(table).values(**values))
    refused = await call(house, "DELETE", f"/{row.id}", 409)
    assert sorted(refused["users"]) == ["Breakfast", "Coffee", "window"]
    assert (await house.media.get(row.id)).state is MediaState.READY


async def test_the_same_bytes_again_are_another_media_with_the_same_asset_made_once(
    house: House, samples: Samples, row: MediaRow
) -> None:
    before = house.asset(row).stat()
    again = await house.ended(await house.intake.ingest(samples.turned_jpeg(), "the same, renamed.jpg"))
    assert again.id != row.id and again.name == "the same, renamed.jpg" and again.asset == row.asset
    assert house.asset(row).stat().st_mtime_ns == before.st_mtime_ns
    await call(house, "DELETE", f"/{row.id}", 204)
    async with house.http.get(f"{house.url}/v1/media/{again.id}/thumbnail") as answer:
        assert answer.status == 200, "each media has its own small picture"


async def test_nothing_is_cleared_away_between_looking_at_an_asset_and_naming_it(
    house: House, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, ready = [], MediaStore.ready

    async def named(store: MediaStore, media_id: str, asset: Asset) -> bool:
        with pytest.raises(Conflict), house.files.clearing():
            pass
        refused.append(media_id)
        return await ready(store, media_id, asset)

    monkeypatch.setattr(MediaStore, "ready", named)
    made = await house.process(samples.turned_jpeg())
    shared = await house.process(samples.turned_jpeg())
    assert refused == [made.id, shared.id]
    with house.files.clearing():
        pass


async def test_trying_a_bad_file_again_is_refused_and_a_ready_one_has_no_need(house: House, row: MediaRow) -> None:
    (house.files.data_dir / "slides").write_bytes(b"%PDF-1.7")
    failed = await house.process(house.files.data_dir / "slides")
    assert "send the file again" in (await call(house, "POST", f"/{failed.id}/retry", 409))["detail"]
    await call(house, "POST", f"/{row.id}/retry", 409)
    await call(house, "POST", "/nothing/retry", 404)


async def test_names_in_the_path_are_never_paths(house: House) -> None:
    Path(house.files.thumbnails.parent / "secret.jpg").write_bytes(hashlib.sha256(bytes(RED)).digest())
    await call(house, "GET", "/..%2Fsecret/thumbnail", 404)


async def test_a_stream_is_named_listed_without_its_secrets_and_deleted(house: House) -> None:
    url = "rtsp://eve:hush@camera.local:554/door?key=s3cret"
    made = await call(house, "POST", "/streams", 201, json={"url": url})
    assert (made["state"], made["asset"], made["thumbnail"]) == ("ready", None, None)
    assert (made["name"], made["url"]) == ("camera.local door", "rtsp://***@camera.local:554/door?***")
    [listed] = (await call(house, "GET", "", 200))["media"]
    assert listed["url"] == made["url"]
    refused = await call(house, "POST", "/streams", 422, json={"url": "file:///etc/passwd", "name": "x"})
    assert "url" in refused["fields"] and "passwd" not in str(refused)
    await call(house, "DELETE", f"/{made['id']}", 204)
