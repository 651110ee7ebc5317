"""Each film gets a small H.264 film for browsers, that goes when the film goes; devices never see it."""

import json
import subprocess
from pathlib import Path

import pytest

from sync.errors import StorageFull
from sync.origin.ingest.preview_maker import PreviewMaker
from sync.origin.persistence.data_folder import DataFolder
from sync.runtime.clock import SystemClock
from tests.origin.media_origin import MediaOrigin
from tests.origin.samples import Samples


def maker_of(origin: MediaOrigin) -> PreviewMaker:
    return PreviewMaker(origin.media, origin.files, origin.settings, SystemClock())


def facts(path: Path) -> dict[str, dict[str, object]]:
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", str(path)]
    streams = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["streams"]
    return {stream["codec_type"]: stream for stream in streams}


async def test_a_film_gets_a_small_one_that_browsers_show_whole_and_by_range(
    media_origin: MediaOrigin, samples: Samples
) -> None:
    sound = ("-f", "lavfi", "-i", "sine=frequency=440:duration=1", "-shortest")
    film = samples.video("tall.mp4", *sound, "-c:v", "libx264", "-c:a", "aac", size="360x1280", rate=60)
    row = await media_origin.process_file(film)
    picture = await media_origin.process_file(samples.rotated_jpeg())
    assert row.asset is not None
    url = f"{media_origin.url}/v1/media/{row.id}/preview"
    async with media_origin.http.get(url) as answer:
        assert (answer.status, "not yet" in (await answer.json(content_type=None))["detail"]) == (404, True)
    maker = maker_of(media_origin)
    assert (await maker.make_next(), await maker.make_next()) == (True, False)

    path = media_origin.files.preview_path(row.asset.sha256)
    made = facts(path)
    assert (made["video"]["codec_name"], made["video"]["width"], made["video"]["height"]) == ("h264", 180, 640)
    assert (made["video"]["r_frame_rate"], made["video"]["pix_fmt"]) == ("30/1", "yuv420p")
    assert made["audio"]["codec_name"] == "aac"
    raw = path.read_bytes()
    assert raw.index(b"moov") < raw.index(b"mdat"), "it begins to play before it is whole"
    async with media_origin.http.get(url, headers={"Range": "bytes=4-7"}) as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (206, "video/mp4", raw[4:8])
        tag = answer.headers["ETag"]
    async with media_origin.http.get(url) as answer:
        assert (answer.status, await answer.read()) == (200, raw)
    async with media_origin.http.get(url, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    for media, preview in ((row.id, f"/v1/media/{row.id}/preview"), (picture.id, None)):
        async with media_origin.http.get(f"{media_origin.url}/v1/media/{media}") as answer:
            assert (await answer.json())["preview"] == preview


async def test_a_film_that_cannot_be_made_small_does_not_hold_up_the_others(
    media_origin: MediaOrigin, samples: Samples
) -> None:
    good = await media_origin.process_file(samples.video("good.mp4", "-c:v", "libx264"))
    bad = await media_origin.process_file(samples.video("bad.mp4", "-c:v", "libx264", size="80x40"))
    media_origin.asset_file(bad).write_bytes(b"damaged since")
    maker = maker_of(media_origin)
    assert [await maker.make_next() for _ in range(3)] == [True, True, False]
    assert good.asset is not None
    assert [path.name for path in media_origin.files.previews.iterdir()] == [f"{good.asset.sha256}.mp4"]


async def test_none_is_made_of_the_reserve(
    media_origin: MediaOrigin, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    await media_origin.process_file(samples.video("one.mp4", "-c:v", "libx264"))
    monkeypatch.setattr(DataFolder, "free_bytes", lambda _: 0)
    with pytest.raises(StorageFull):
        await maker_of(media_origin).make_next()
    assert not list(media_origin.files.previews.iterdir())
