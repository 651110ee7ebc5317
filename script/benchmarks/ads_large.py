"""What bookings of 50,000 lines cost a device: bytes to fetch, memory, and the time of a decision."""

import hashlib
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import process_time, thread_time
from typing import Any
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[2]))

from ads_booking import asset

from sync.device.store.content_store import ContentStore
from sync.device.store.release_files import needed_bookings
from sync.origin.publishing.release_serializer import dump_release
from sync.programme.ad_eligibility import eligible_ads
from sync.programme.ad_selection import AdHead, AdState, prepare_ads, select_ad
from sync.wire.release import Campaign, Creative, Line, Release

LINES, DECISIONS = 50_000, 2_000
MONTHS = {"a year": 12, "one month": 1}
START = datetime(2026, 12, 1, tzinfo=UTC)


def measure() -> list[dict[str, Any]]:
    """Return a row for flights over a year, and one for all in a month; each is loaded in a process of its own."""
    return [_row(name, months) for name, months in MONTHS.items()]


def _row(name: str, months: int) -> dict[str, Any]:
    raw, files = dump_release(_release(months))
    with tempfile.TemporaryDirectory(prefix="ads-large-") as folder:
        store = ContentStore(Path(folder))
        store.prepare()
        sha256 = hashlib.sha256(raw).hexdigest()
        store.save_release(sha256, raw)
        needed = [file.sha256 for file in needed_bookings(Release.model_validate_json(raw), START)]
        for file in needed:
            store.releases.save_bookings(file, files[file])
        command = [sys.executable, __file__, folder, sha256]
        loaded = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {
        "booked_lines": LINES,
        "flights_begin_in": name,
        "files": len(files),
        "mb_in_all": sum(map(len, files.values())) / 1e6,
        "mb_fetched": sum(len(files[file]) for file in needed) / 1e6,
        **loaded,
    }


def _release(months: int) -> Release:
    random, assets, campaigns = Random(1), [], []
    for number in range(LINES // 10):
        film = asset(f"film {number}", 10_000)
        assets.append(film)
        begins = START + timedelta(days=random.randrange(30 * months))
        campaigns.append(
            Campaign(
                id=f"campaign-{number:06}-0123456789",
                name=f"Campaign {number}",
                advertiser=f"Advertiser {number // 5}",
                starts_at=begins,
                ends_at=begins + timedelta(days=14 + random.randrange(30)),
                lines=tuple(_line(number, each, film.sha256) for each in range(10)),
            )
        )
    return Release(channel="main", created_at=START, zone="UTC", campaigns=tuple(campaigns), assets=tuple(assets))


def _line(campaign: int, number: int, film: str) -> Line:
    name = f"{campaign:06}-{number}-0123456789ab"
    spot = Creative(id=f"creative-{name}", title="Thirty seconds of spring", asset=film, duration_ms=10_000)
    category = f"category {(10 * campaign + number) % 24}"
    return Line(id=f"line-{name}", name=f"Line {number}", creatives=(spot,), category=category, weight=1 + number)


def _load(folder: Path, sha256: str) -> dict[str, Any]:
    """Return what a player does with the release: read it, list what is on air in three weeks, and decide."""
    before_mb, began = _rss_mb(), process_time()
    release = ContentStore(folder).release(sha256)
    assert release is not None
    read_s = process_time() - began
    at = START + timedelta(days=20)
    ads = eligible_ads(
        release.campaigns, ZoneInfo("UTC"), at, playable=lambda _: True, length_ms=lambda creative: creative.duration_ms
    )
    state, times_ms = prepare_ads(AdState(AdHead(seed=1), {}), ads), []
    for _ in range(DECISIONS):
        began = thread_time()
        _, state = select_ad(state, ads)
        times_ms.append(1000 * (thread_time() - began))
    times_ms.sort()
    return {
        "read_s": read_s,
        "lines_read": sum(len(campaign.lines) for campaign in release.campaigns),
        "lines_on_air": len(ads.lines),
        "decision_p99_ms": times_ms[int(len(times_ms) * 0.99)],
        "decision_longest_ms": times_ms[-1],
        "more_memory_mb": _rss_mb() - before_mb,
    }


def _rss_mb() -> float:
    text = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1000


if __name__ == "__main__":
    print(json.dumps(_load(Path(sys.argv[1]), sys.argv[2])))
