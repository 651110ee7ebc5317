"""Fills slots with the engine that chooses ads, to see what gaps cost."""

from collections import defaultdict
from collections.abc import Sequence

from sync.programme.ad_eligibility import EligibleAds, EligibleLine, GapKey
from sync.programme.ad_selection import AdHead, AdState, select_ad
from sync.programme.ad_shares import ONE_PLAY
from sync.programme.weekly_windows import NEVER
from sync.wire.release import Campaign, Creative, Line

SLOTS = 1_500
"""So many slots are filled."""

_MOST_LINES = 40  # more are put together by their gaps

Share = tuple[Campaign, Line, float]
"""A line, and its share of the slots."""

_SPOT = Creative(id="spot", title="spot", asset="0" * 64)


def fill_slots(lines: Sequence[Share], tight: set[GapKey]) -> tuple[dict[str, float], dict[GapKey, float]]:
    """Return the share of `SLOTS` slots that each line gets, and in which the gap of each key is given up.

    Lines outside the keys in `tight` may be put together.
    """
    groups = _grouped(lines, tight) if len(lines) > _MOST_LINES else [[each] for each in lines]
    total = sum(share for _, _, share in lines)
    entries, left = [], ONE_PLAY
    for number, group in enumerate(groups):
        share = left if number == len(groups) - 1 else round(sum(share for *_, share in group) / total * ONE_PLAY)
        left -= share
        campaign, line, _ = group[0]
        spot = line.model_copy(update={"id": f"line-{number:04}", "creatives": (_SPOT,)})
        entries.append(EligibleLine(campaign, spot, ((_SPOT, None),), share))
    shown = tuple(entry for entry in entries if entry.share > 0)
    widest = max(max(entry.line.category_gap, entry.line.advertiser_gap) for entry in shown)
    known = frozenset(entry.line.id for entry in shown)
    ads = EligibleAds(shown, NEVER, known_lines=known, widest_gap=widest)
    broken: dict[GapKey, float] = defaultdict(float)
    state, plays = AdState(AdHead(seed=1), {}), dict.fromkeys((entry.line.id for entry in entries), 0)
    for _ in range(SLOTS):
        choice, state = select_ad(state, ads)
        if choice is not None:
            plays[choice.line.id] += 1
            for rule in choice.relaxed:
                broken[rule, choice.line.category if rule == "category" else choice.advertiser] += 1 / SLOTS
    got = {
        line.id: min(1.0, plays[f"line-{number:04}"] / SLOTS * share / max(1e-12, sum(each for *_, each in group)))
        for number, group in enumerate(groups)
        for _, line, share in group
    }
    return got, broken


def _grouped(lines: Sequence[Share], tight: set[GapKey]) -> list[list[Share]]:
    """Return the lines in groups that the engine treats alike; each group counts as one line.

    Lines outside the tight keys are dealt out to eight groups as if they had no gaps at all.
    """
    groups: dict[object, list[Share]] = defaultdict(list)
    alike: dict[object, int] = defaultdict(int)
    for number, (campaign, line, share) in enumerate(sorted(lines, key=lambda each: -each[2])):
        category, advertiser = ("category", line.category), ("advertiser", campaign.advertiser)
        if category not in tight and advertiser not in tight:
            free = line.model_copy(update={"category": "", "advertiser_gap": 0, "category_gap": 0})
            other = campaign.model_copy(update={"advertiser": f"\0{number % 8}"})
            groups["free", number % 8].append((other, free, share))
            continue
        own = (
            line.category if category in tight else "",
            campaign.advertiser if advertiser in tight else "",
            line.category_gap,
            line.advertiser_gap,
        )
        alike[own] += 1
        groups[own, alike[own] % 4].append((campaign, line, share))
    return list(groups.values())
