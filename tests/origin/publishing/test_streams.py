"""Network streams from a person's word to the release: what is allowed, what is told, and what devices are given."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from sync.errors import Conflict, Rejected
from sync.origin.planning.campaigns import CampaignDraft
from sync.origin.planning.playlists import PlaylistDraft
from sync.origin.planning.schedules import ScheduleDraft
from sync.runtime.clock import SystemClock
from sync.trust.acceptance import check_release
from sync.wire.release import Release, Stream, Timestamp
from sync.wire.stream_url import StreamUrl, scrub, shown_url, stream_name, stream_title
from tests.origin.planning_origin import PlanningOrigin, open_planning_origin

URL = "https://eve:hush@example.com:8443/live/index.m3u8?token=s3cret"
URLS: TypeAdapter[str] = TypeAdapter(StreamUrl)


@pytest.fixture
async def planning(tmp_path: Path) -> AsyncIterator[PlanningOrigin]:
    async with open_planning_origin(tmp_path, SystemClock()) as opened:
        yield opened


@pytest.mark.parametrize(
    "url",
    [URL, "rtmp://host/app/key", "rtmps://host/app/key", "udp://@:5000", "udp://239.0.0.1:5000", "rtsp://cam/1",
     "udp://239.0.0.1:5000?localaddr=192.0.2.9", "udp://[ff15::1]:5000", "rtp://@239.1.1.1:4", "rtsps://cam/1",
     "HTTP://host/film.mp4"],
)  # fmt: skip
def test_addresses_of_streams_are_taken(url: str) -> None:
    assert URLS.validate_python(url) == url


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "/etc/passwd", "http:///x", "fd://3", "udp://@", "http://h:99999/x", "http://h/a b", "dshow://",
     "srt://h:9", "srtp://h:9", "rist://h:9", "mms://h/a", "mmsh://h/a", "mmst://h/a", "gopher://h/", "gophers://h/",
     "tcp://h:9", "tls://h:9", "ftp://h/a", "sftp://h/a", "smb://h/a", "ipfs://x", "icecast://h/a", "rtmpt://h/a/b",
     "rtmpe://h/a/b", "rtspt://h/a", "httpproxy://h/", "unix:/run/x", "pipe:0", "concat:/etc/passwd|http://h/",
     "subfile,,start,0,end,9,,:/etc/passwd", "crypto:http://h/a", "crypto+http://h/a", "cache:http://h/a",
     "async:http://h/a", "data:text/plain,x", "concatf:/etc/passwd", "hls+http://h/a", "lavfi://x", "udplite://h:9",
     "udp://h", "rtp:///x", "rtsp:cam/1", "rtsp:///1", "javascript:x", "http:h/a", " http://h/a",
     "https://[::1", "http://h/\n", "http://h/" + "x" * 2000, "screen://", "v4l2:///dev/video0"],
)  # fmt: skip
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        URLS.validate_python(url)


def test_no_secret_of_an_address_is_told() -> None:
    assert shown_url(URL) == "https://***@example.com:8443/live/index.m3u8?***"
    assert shown_url("udp://@239.0.0.1:5000") == "udp://@239.0.0.1:5000"
    said = scrub(f"cannot open {URL} for eve:hush (token=s3cret), hush", URL)
    assert "hush" not in said and "s3cret" not in said and "example.com" in said
    assert stream_title(URL) == "example.com index.m3u8"


def test_a_stream_goes_by_the_hash_of_its_address() -> None:
    assert Stream(sha256=stream_name(URL), url=URL).url == URL
    with pytest.raises(ValidationError):
        Stream(sha256="0" * 64, url=URL)


async def test_a_stream_is_ready_at_once_and_goes_into_the_release_with_its_secrets(planning: PlanningOrigin) -> None:
    media = await planning.media.add_stream("Stage", URL)
    await planning.make_media("clip", video=True)
    shown = [{"media": media, "ends_with_budget": True}, {"media": "clip", "duration_ms": 60_000, "loop": True}]
    playlist = await planning.playlists.create(PlaylistDraft.model_validate({"name": "p", "items": shown}))
    assert "hush" not in playlist.model_dump_json() and "s3cret" not in playlist.model_dump_json()
    await planning.schedules.create("main", ScheduleDraft(default_playlist=playlist.id))
    done = await planning.publisher.publish("main", None)
    raw = (planning.files.content / f"releases/{done.record.sha256}.json").read_bytes()
    release = check_release(raw, _timestamp(raw, planning))
    [stream] = release.streams
    first, second = release.playlists[0].items
    assert (stream.url, first.asset, first.title, first.duration_ms) == (URL, stream_name(URL), "Stage", None)
    assert first.ends_with_budget and not second.ends_with_budget
    assert second.loop and not first.loop and len(release.assets) == 1
    with pytest.raises(Conflict):
        await planning.replacements.remove([media])


async def test_as_an_ad_a_stream_needs_a_duration_and_as_fallback_it_is_refused(planning: PlanningOrigin) -> None:
    media = await planning.media.add_stream("Stage", URL)
    now = planning.clock.now()
    creative = {"media": media}
    line = {"name": "l", "creatives": [creative]}
    flight = {"name": "c", "advertiser": "a", "starts_at": now, "ends_at": now + timedelta(days=1), "lines": [line]}
    await planning.campaigns.create(CampaignDraft.model_validate(flight))
    playlist = await planning.playlists.create(PlaylistDraft.model_validate({"name": "p", "items": [{"media": media}]}))
    await planning.schedules.create("main", ScheduleDraft(default_playlist=playlist.id, fallback=media))
    with pytest.raises(Rejected) as caught:
        await planning.publisher.publish("main", None)
    assert sorted("duration" in why or "not a picture" in why for why in caught.value.fields.values()) == [True, True]


def test_an_older_release_without_streams_is_still_read() -> None:
    old = {"channel": "main", "created_at": "2026-01-01T00:00:00Z", "assets": []}
    assert Release.model_validate(old).streams == ()


def _timestamp(raw: bytes, planning: PlanningOrigin) -> Timestamp:
    now, sha256 = planning.clock.now(), hashlib.sha256(raw).hexdigest()
    return Timestamp(channel="main", sequence=1, release=sha256, release_bytes=len(raw), issued_at=now, expires_at=now)
