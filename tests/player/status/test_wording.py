"""What a technician reads is in the words of the people who planned it, with the hash as a detail."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from player.evidence.ledger import open_ledger
from player.evidence.quarantine import Setback
from player.settings.model import AudioSettings, PlaybackSettings, QuietHours, Settings
from player.status.health import health_problems
from player.status.wording import overlay_status, quarantined_text, sound_status, unknown_content_text
from sync.device.store.content_store import open_cache
from sync.runtime.clock import SystemClock
from sync.wire.overlay import Corner, Logo, Ticker
from sync.wire.release import Item, Playlist, Release
from sync.wire.release_reader import read_release
from tests.player.endpoint.test_endpoint import running
from tests.player.status.test_health import GOOD

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BREAD, GONE = "b" * 64, "c" * 64
RELEASE = Release(
    channel="main",
    created_at=NOON,
    playlists=(Playlist(id="p", name="P", items=(Item(id="i", title="Fresh bread", asset=BREAD),)),),
)


def test_media_set_aside_are_named_by_title_and_by_hash_once_nothing_shows_them() -> None:
    setbacks = [Setback(asset, 3, 1, "no decoder for it") for asset in (BREAD, GONE)]
    told = quarantined_text(RELEASE, setbacks)
    assert told == (f"Fresh bread (no decoder for it; {BREAD[:12]})", f"{GONE[:12]} (no decoder for it; {GONE[:12]})")
    assert quarantined_text(None, setbacks)[0].startswith(BREAD[:12])


def test_what_is_made_for_a_newer_player_is_a_problem_that_names_it() -> None:
    document = json.loads(RELEASE.model_dump_json())
    document["assets"] = [{"sha256": BREAD, "index": BREAD, "kind": "page"}]
    document["overlays"] = [{"kind": "clock", "id": f"c{n}"} for n in range(4)]
    told = unknown_content_text(read_release(json.dumps(document).encode()))
    assert told.startswith("c0 among overlays (kind clock), c1") and told.endswith("and 2 more")
    assert unknown_content_text(RELEASE) == unknown_content_text(None) == ""
    (problem,) = health_problems(replace(GOOD, left_out=told))
    assert told in problem and problem.endswith("update this player.")


async def test_the_status_names_what_is_set_aside_and_what_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path))
    monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__PORT", "0")
    clock, document = SystemClock(), json.loads(RELEASE.model_dump_json())
    raw = json.dumps(document | {"overlays": [{"kind": "clock", "id": "c"}]}).encode()
    with open_cache(tmp_path) as cache:
        name = hashlib.sha256(raw).hexdigest()
        cache.keep_release(name, raw)
        cache.activate(name, 1)
    async with open_ledger(tmp_path / "state" / "plays.db", "dev", clock) as ledger:
        await ledger.write([ledger.quarantine.note_failure(BREAD, "no decoder", clock.now()) for _ in range(3)])
    async with running(tmp_path) as (endpoint, bench, _), aiohttp.ClientSession() as session:
        bench.shown = bench.shown.model_copy(update={"release": name})
        async with session.get(f"{endpoint.url}v1/status") as answer:
            told = " ".join((await answer.json())["problems"])
    assert f"Fresh bread (no decoder; {BREAD[:12]})" in told and "not shown here: c among overlays (kind clock)" in told


def test_overlays_that_are_due_are_told_with_whether_they_stand_there() -> None:
    due = (Ticker(id="news", text="Fresh bread"), Logo(id="sign", asset=BREAD, corner=Corner.TOP_LEFT))
    news, sign = overlay_status(due, ("news",))
    assert (news.text, news.place, news.shown) == ("Fresh bread", "bottom", True)
    assert (sign.kind, sign.place, sign.shown) == ("logo", "top-left", False)


def test_why_it_is_quiet_is_told() -> None:
    zone, hours = ZoneInfo("UTC"), (QuietHours(start="11:00", end="13:00"),)
    loud = Settings(playback=PlaybackSettings(volume=80))
    assert (sound_status(loud, zone, NOON, timed=True).volume, sound_status(loud, zone, NOON, timed=True).why) == (
        80,
        "",
    )
    hushed = loud.model_copy(update={"audio": AudioSettings(quiet_hours=hours, quiet_volume=20)})
    told = sound_status(hushed, zone, NOON, timed=True)
    assert (told.volume, told.why, told.until) == (20, "quiet hours", NOON.replace(hour=13))
    assert sound_status(hushed, zone, NOON, timed=False).why == ""
    muted = loud.model_copy(update={"audio": AudioSettings(muted=True)})
    assert (sound_status(muted, zone, NOON, timed=True).volume, sound_status(muted, zone, NOON, timed=True).why) == (
        0,
        "muted",
    )
