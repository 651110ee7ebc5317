"""A technician reads the titles that people gave, with the hash as a detail."""

import hashlib
import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from player.evidence.ledger import open_ledger
from player.evidence.quarantine import AssetFailure
from player.protocol.status import BandwidthStatus
from player.settings.model import AudioSettings, PlaybackSettings, QuietHours, Settings
from player.status.health import health_problems
from player.status.sync_status import bandwidth_status
from player.status.wording import failures_text, overlay_status, sound_status, unknown_content_text
from sync.device.store.content_store import open_content_store
from sync.device.transfer.deadlines_and_rates import RateLimits
from sync.runtime.clock import SystemClock
from sync.wire.overlay import Corner, Logo, Ticker
from sync.wire.release import Item, Playlist, Release
from sync.wire.release_reader import read_release
from tests.player.endpoint.test_endpoint import running
from tests.player.status.test_health import HEALTHY

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BREAD, UNLISTED = "b" * 64, "c" * 64
RELEASE = Release(
    channel="main",
    created_at=NOON,
    playlists=(Playlist(id="p", name="P", items=(Item(id="i", title="Fresh bread", asset=BREAD),)),),
)


def test_media_in_quarantine_are_named_by_title_while_the_release_shows_them() -> None:
    failures = [AssetFailure(asset, 3, 1, "no decoder for it") for asset in (BREAD, UNLISTED)]
    assert failures_text(RELEASE, failures) == (f"Fresh bread (no decoder for it; {BREAD[:12]})",)
    assert failures_text(None, failures) == ()


def test_content_that_needs_a_newer_player_is_a_problem_that_names_it() -> None:
    document = json.loads(RELEASE.model_dump_json())
    document["assets"] = [{"sha256": BREAD, "index": BREAD, "kind": "page"}]
    document["overlays"] = [{"kind": "clock", "id": f"c{n}"} for n in range(4)]
    text = unknown_content_text(read_release(json.dumps(document).encode()))
    assert text.startswith("c0 among overlays (kind clock), c1") and text.endswith("and 2 more")
    assert unknown_content_text(RELEASE) == unknown_content_text(None) == ""
    ((_, problem),) = health_problems(replace(HEALTHY, left_out=text))
    assert text in problem and problem.endswith("Update this player.")


async def test_the_status_names_media_in_quarantine_and_content_that_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path))
    monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__PORT", "0")
    clock, document = SystemClock(), json.loads(RELEASE.model_dump_json())
    raw = json.dumps(document | {"overlays": [{"kind": "clock", "id": "c"}]}).encode()
    with open_content_store(tmp_path) as cache:
        name = hashlib.sha256(raw).hexdigest()
        cache.save_release(name, raw)
        cache.activate(name, 1)
    async with open_ledger(tmp_path / "state" / "plays.db", "dev", clock) as ledger:
        await ledger.write([ledger.quarantine.record_failure(BREAD, "no decoder", clock.now()) for _ in range(3)])
    async with running(tmp_path) as (endpoint, player, _), aiohttp.ClientSession() as session:
        player.shown = player.shown.model_copy(update={"release": name})
        async with session.get(f"{endpoint.url}v1/status") as answer:
            status = await answer.json()
    problems, codes = " ".join(status["problems"]), dict(zip(status["problems"], status["problem_codes"], strict=True))
    assert {"quarantined", "old_player"} <= set(codes.values())
    assert next(code for text, code in codes.items() if "Fresh bread" in text) == "quarantined"
    assert f"Fresh bread (no decoder; {BREAD[:12]})" in problems
    assert "a newer player: c among overlays (kind clock)" in problems


def test_the_status_says_of_each_due_overlay_whether_it_is_shown() -> None:
    due = (Ticker(id="news", text="Fresh bread"), Logo(id="sign", asset=BREAD, corner=Corner.TOP_LEFT))
    news, sign = overlay_status(due, ("news",))
    assert (news.text, news.place, news.shown) == ("Fresh bread", "bottom", True)
    assert (sign.kind, sign.place, sign.shown) == ("logo", "top-left", False)


def test_the_status_says_why_the_volume_is_lower_than_the_setting() -> None:
    zone, hours = ZoneInfo("UTC"), (QuietHours(start="11:00", end="13:00"),)
    loud = Settings(playback=PlaybackSettings(volume=80))
    assert (sound_status(loud, zone, NOON, timed=True).volume, sound_status(loud, zone, NOON, timed=True).why) == (
        80,
        "",
    )
    in_quiet_hours = loud.model_copy(update={"audio": AudioSettings(quiet_hours=hours, quiet_volume=20)})
    quiet = sound_status(in_quiet_hours, zone, NOON, timed=True)
    assert (quiet.volume, quiet.why, quiet.until) == (20, "quiet hours", NOON.replace(hour=13))
    assert sound_status(in_quiet_hours, zone, NOON, timed=False).why == ""
    muted = loud.model_copy(update={"audio": AudioSettings(muted=True)})
    assert (sound_status(muted, zone, NOON, timed=True).volume, sound_status(muted, zone, NOON, timed=True).why) == (
        0,
        "muted",
    )


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (RateLimits(), None),
        (RateLimits(until=NOON), BandwidthStatus(until=NOON)),
        (RateLimits(0.0, 125_000.0, NOON), BandwidthStatus(all_kbit_s=0, line_kbit_s=1000, until=NOON)),
        (RateLimits(math.inf, 125.0), BandwidthStatus(line_kbit_s=1)),
    ],
)
def test_the_status_says_which_limits_hold_and_until_when(limits: RateLimits, said: BandwidthStatus | None) -> None:
    assert bandwidth_status(limits) == said
