"""ads: the engine at its size: 10,000 lines, ads that fail, media that fall out: time of a decision, error of shares.

Times are of the processor, so that what else the machine does is not in them. Then weeks with everything on: windows,
gaps, ads that fail or are cut off.
"""

import statistics
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import thread_time
from typing import Any
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[2]))

from sync.programme.ad_eligibility import EligibleAds, eligible_ads, shares_of
from sync.programme.ad_selection import AdHead, AdState, prepare_ads, refund, select_ad
from sync.programme.ad_shares import ONE_PLAY
from sync.wire.release import Campaign, LocalWindow
from tests.sync.programme.examples import campaign

START = datetime(2026, 3, 23, tzinfo=UTC)
LINES = (500, 10_000)
SLOTS = 8_640  # one day of ten-second slots
SEEDS, WEEK_LINES, WEEK_SLOT = 20, 60, timedelta(seconds=30)
DAYPARTS: tuple[tuple[LocalWindow, ...], ...] = (
    (),
    (LocalWindow(start="06:00", end="12:00"),),
    (LocalWindow(start="12:00", end="18:00"),),
    (LocalWindow(start="16:00", end="02:00"),),
)
FAILS_EVERY, FALLS_OUT_EVERY = 50, 1_000


async def measure(seed: int = 7) -> list[dict[str, Any]]:
    """Return a row for each number of lines."""
    worst = sorted(_week(Random(seed + number)) for number in range(SEEDS))
    week = {
        "weeks": SEEDS,
        "lines": WEEK_LINES,
        "slots_a_week": int(timedelta(days=7) / WEEK_SLOT),
        "worst_share_error_median_plays": statistics.median(worst),
        "worst_share_error_plays": worst[-1],
    }
    return [*(_day(count, Random(seed)) for count in LINES), week]


def _week(random: Random) -> float:
    """Return by how many plays a line was off at most in a week of dayparts; a returning line starts where it left."""
    campaigns = [
        campaign(
            f"l{number:05}",
            weight=1000 // (1 + number),
            advertiser=f"advertiser {number % 20}",
            category=f"category {number % 9}",
            gaps=(int(number > 2), 2 * (number > 5)),
            windows=random.choice(DAYPARTS) if number > 3 else (),
        )
        for number in range(WEEK_LINES)
    ]
    at, state, ads = START, AdState(AdHead(seed=random.randrange(2**32)), {}), _eligible(campaigns, set())
    due, plays, worst = Counter[str](), Counter[str](), 0
    while at < START + timedelta(days=7):
        if at >= ads.until:
            ads = _eligible(campaigns, set(), at)
        choice, state = select_ad(state, ads)
        if choice is not None and random.random() < 0.01:
            state = refund(state, choice.id, failed=random.random() < 0.5)
            continue
        at += WEEK_SLOT
        if choice is not None:
            plays[choice.line.id] += 1
        for entry in ads.lines:
            due[entry.line.id] += entry.share
            worst = max(worst, abs(due[entry.line.id] - plays[entry.line.id] * ONE_PLAY))
    return worst / ONE_PLAY


def _day(count: int, random: Random) -> dict[str, Any]:
    campaigns, out = _campaigns(count, random), set[str]()
    ads = _eligible(campaigns, out)
    state = prepare_ads(AdState(AdHead(seed=7), {}), ads)
    decisions, refunds, rebuilds, worst = list[float](), list[float](), list[float](), 0.0
    for slot in range(SLOTS):
        if slot % FALLS_OUT_EVERY == FALLS_OUT_EVERY - 1:
            began = thread_time()
            out.add(f"l{random.randrange(count):05}-1")
            ads = _eligible(campaigns, out)
            state = prepare_ads(state, ads)
            rebuilds.append(thread_time() - began)
        began = thread_time()
        choice, state = select_ad(state, ads)
        decisions.append(thread_time() - began)
        if choice is not None:
            worst = max(worst, abs(state.accounts[choice.line.id].owed(state.head.slot)) / ONE_PLAY)
            if slot % FAILS_EVERY == 0:
                began = thread_time()
                state = refund(state, choice.id, failed=True)
                refunds.append(thread_time() - began)
    decisions.sort()
    return {
        "lines": count,
        "decisions": len(decisions),
        "p50_ms": 1000 * statistics.median(decisions),
        "p99_ms": 1000 * decisions[int(len(decisions) * 0.99)],
        "p99_99_ms": 1000 * decisions[int(len(decisions) * 0.9999)],
        "longest_ms": 1000 * decisions[-1],
        "refund_longest_ms": 1000 * max(refunds),
        "rebuild_beside_the_loop_ms": 1000 * max(rebuilds),
        "worst_share_error_plays": worst,
        "smallest_share_slots": round(ONE_PLAY / min(shares_of(ads).values())),
    }


def _eligible(campaigns: list[Campaign], out: set[str], at: datetime = START) -> EligibleAds:
    return eligible_ads(
        campaigns, ZoneInfo("UTC"), at, playable=lambda creative: creative.id not in out, length_ms=lambda _: 10_000
    )


def _campaigns(count: int, random: Random) -> list[Campaign]:
    """Lines with shares by Zipf's law, 24 categories and an advertiser for five lines, with gaps."""
    weights = [1 / (rank + 5) for rank in range(count)]
    random.shuffle(weights)
    return [
        campaign(
            f"l{number:05}",
            weight=max(1, round(weight * 1_000_000)),
            advertiser=f"advertiser {number // 5}",
            category=f"category {number % 24}",
            gaps=(random.choice((0, 1, 2)), random.choice((1, 3, 6))),
        )
        for number, weight in enumerate(weights)
    ]
