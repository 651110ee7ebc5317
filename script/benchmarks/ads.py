"""ads: weeks of a screen with 10,000 lines on its real record, other orders of ads, a day of decisions, large bookings.

Then come thirty days without a network. Weeks run in as many processes as there are processors. Times of decisions are
of the processor, so that what else the machine does is not in them. With fewer `--seeds` there are fewer weeks, each as
long; nothing else is reduced.
"""

import os
import statistics
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from random import Random
from time import thread_time
from typing import Any
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[2]))

import ads_large
import ads_offline
import ads_rules
from ads_optimum import least_error
from ads_week import run_week

from sync.programme.ad_eligibility import EligibleAds, eligible_ads, shares_of
from sync.programme.ad_selection import AdHead, AdState, prepare_ads, refund, select_ad
from sync.programme.ad_shares import ONE_PLAY
from sync.wire.release import Campaign
from tests.sync.programme.examples import campaign

START = datetime(2026, 3, 23, tzinfo=UTC)
LINES = (500, 10_000)
SLOTS = 8_640  # one day of ten-second slots
SEEDS = 20
FAILS_EVERY, FALLS_OUT_EVERY = 50, 1_000
LARGE = ((0.29, 0.015, 0.007), (0.335, 0.0168, 0.0084), (0.3662, 0.018, 0.009), (0.4234, 0.02, 0.01))
NUMBERS = (
    "ads",
    "share_error_plays",
    "hard_rules_broken",
    "soft_rules_given_up",
    "plays_lost",
    "plays_doubled",
    "kills",
    "p50_ms",
    "p99_ms",
    "p99_99_ms",
    "longest_ms",
    "longest_rebuild_ms",
    "written_mb_a_day",
    "rss_mb",
)


async def measure(seed: int = 7, seeds: int = SEEDS) -> list[dict[str, Any]]:
    """Return the rows of all parts."""
    return [
        *_weeks(seed, seeds),
        *ads_rules.measure(seed, seeds),
        *(_day(count, Random(seed)) for count in LINES),
        *ads_large.measure(),
        *await ads_offline.measure(),
        *({"share_of_the_large_line": shares[0], "least_error_plays": least_error(shares)} for shares in LARGE),
    ]


def _weeks(seed: int, seeds: int) -> list[dict[str, Any]]:
    """Return the worst of all weeks, and the median, of each value."""
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=get_context("spawn")) as pool:
        weeks = list(pool.map(run_week, range(seed, seed + seeds), repeat(LINES[-1]), repeat(7.0)))
    folds: tuple[tuple[str, Callable[[list[Any]], Any]], ...] = (("worst", max), ("median", statistics.median))
    return [
        {
            "weeks": f"{name} of {seeds}",
            "lines": LINES[-1],
            **{key: fold([week[key] for week in weeks]) for key in NUMBERS},
            "same_replay_after_kills": all(week["same_replay"] for week in weeks),
        }
        for name, fold in folds
    ]


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
