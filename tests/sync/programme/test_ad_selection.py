"""Choosing ads: what the scheduler promises, checked with random catalogues and a brute-force oracle."""

import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from sync.programme.ad_eligibility import EligibleAds, EligibleLine, shares_of
from sync.programme.ad_queue import next_turn
from sync.programme.ad_selection import AdHead, AdState, Choice, ad_changes, refund, select_ad
from sync.programme.ad_shares import ONE_PLAY, Account, rebase_accounts
from sync.programme.bookings.feasibility import short_now
from sync.wire.release import Campaign, LocalWindow
from tests.sync.programme.examples import (
    BERLIN,
    NOON,
    busy_day,
    campaign,
    creative,
    eligible_of,
    fresh,
    lines,
    run,
    stored,
)


@st.composite
def catalogues(draw: st.DrawFn, most: int = 7) -> list[Campaign]:
    """Some campaigns with shares and weights, few categories and advertisers, and gaps that often cannot be kept."""
    count = draw(st.integers(1, most))
    return [
        campaign(
            f"l{number}",
            share_ppm=draw(st.one_of(st.none(), st.integers(10_000, 300_000))),
            weight=draw(st.integers(1, 9)),
            advertiser=draw(st.sampled_from(["", "", "north", "south"])),
            category=draw(st.sampled_from(["", "beer", "cars"])),
            gaps=(draw(st.integers(0, 3)), draw(st.integers(0, 3))),
            creatives=[
                creative(f"l{number}-{each}", draw(st.sampled_from([5_000, 10_000, 30_000])))
                for each in range(draw(st.integers(1, 3)))
            ],
        )
        for number in range(count)
    ]


# ── the oracle: the rules as they are written down, looked up in all of history for every line ─────────────────────


def broken_rules(
    state: AdState, ads: EligibleAds, history: Sequence[Choice], index: int, wait: int = 0
) -> tuple[str, ...]:
    """The rules that a line breaks, after `wait` slots of others."""
    entry = ads.lines[index]
    rules = []
    for rule in ("category", "advertiser"):
        for distance, aired in enumerate(reversed(history), start=1 + wait):
            same = key(aired.line.category, rule, aired.advertiser) == key(
                entry.line.category, rule, entry.campaign.advertiser
            )
            gap = max(getattr(entry.line, f"{rule}_gap"), getattr(aired.line, f"{rule}_gap"))
            if same and distance <= gap and (rule == "advertiser" or entry.line.category):
                rules.append(rule)
                break
    account = state.accounts[entry.line.id]
    if account.owed(state.head.slot + 1) < 0:
        rules.append("pace")
    if history and history[-1].line.id == entry.line.id:
        rules.append("repeat")
    return tuple(rules)


def key(category: str, rule: str, advertiser: str) -> str:
    return category if rule == "category" else advertiser


def oracle(
    state: AdState, ads: EligibleAds, history: Sequence[Choice], fits_ms: int | None
) -> tuple[str, tuple[str, ...]] | None:
    """The line and the rules it breaks: fewest of the highest rule, not one that yields, due before early, deadline."""
    order = ("category", "advertiser", "pace", "repeat")
    ranked = []
    for index, entry in enumerate(ads.lines):
        if fits_ms is not None and all((each.duration_ms or 0) > fits_ms for each in entry.line.creatives):
            continue
        rules = broken_rules(state, ads, history, index)
        account = state.accounts[entry.line.id]
        first, last, tie, _ = next_turn(account, len(ads.lines), index, state.head.seed, entry.tag)
        early = first > state.head.slot
        cost = tuple(rule in rules for rule in reversed(order))
        waits = yields(state, ads, history, index)
        ranked.append((cost, waits, early, first if early else 0, last, tie, entry.line.id, rules))
    return (min(ranked)[6], min(ranked)[7]) if ranked else None


def large_rivals(ads: EligibleAds, index: int) -> list[tuple[EligibleLine, int]]:
    """Lines with much of the slots that a gap keeps apart from this one, and that gap."""
    own, found = ads.lines[index], []
    for other in ads.lines[:index] + ads.lines[index + 1 :]:
        gaps = [0]
        if own.line.category == other.line.category != "":
            gaps.append(max(own.line.category_gap, other.line.category_gap))
        if own.campaign.advertiser == other.campaign.advertiser:
            gaps.append(max(own.line.advertiser_gap, other.line.advertiser_gap))
        found += [(other, gap) for gap in gaps if gap and 10 * other.share * (ads.widest_gap + 1) >= 3 * ONE_PLAY]
    return found


def yields(state: AdState, ads: EligibleAds, history: Sequence[Choice], index: int) -> bool:
    """Whether a larger line would be late, and later than this one, if this one were shown now."""
    slot, indexes = state.head.slot, {entry.line.id: number for number, entry in enumerate(ads.lines)}
    own = state.accounts[ads.lines[index].line.id]
    for rival, gap in large_rivals(ads, index):
        number, kept_off = indexes[rival.line.id], 0
        while {"category", "advertiser"} & set(broken_rules(state, ads, history, number, kept_off)):
            kept_off += 1
        owed = own.owed(slot + gap + 2)
        late = state.accounts[rival.line.id].owed(slot + gap + 1) > max(ONE_PLAY, owed)
        if kept_off <= gap and late and 5 * owed < 6 * ONE_PLAY:
            return True
    return False


@settings(max_examples=80, deadline=None)
@given(catalogues(), st.integers(0, 2**32), st.lists(st.sampled_from([None, None, 4_000, 7_000, 20_000]), max_size=40))
def test_every_choice_is_the_one_the_rules_ask_for(
    campaigns: list[Campaign], seed: int, limits: list[int | None]
) -> None:
    ads, state = eligible_of(campaigns), fresh(seed)
    history: list[Choice] = []
    for fits_ms in limits:
        accounts = rebase_accounts(state.accounts, shares_of(ads), ads.known_lines, state.head.slot)
        expected = oracle(AdState(state.head, accounts), ads, history, fits_ms)
        choice, state = select_ad(state, ads, fits_ms=fits_ms)
        assert (choice and (choice.line.id, choice.relaxed)) == expected
        if choice is not None:
            assert fits_ms is None or (choice.length_ms or 0) <= fits_ms
            assert choice.length_ms == choice.creative.duration_ms
            history.append(choice)
    assert state.head.slot == len(history) == sum(account.plays for account in state.accounts.values())


@settings(max_examples=60, deadline=None)
@given(catalogues(), st.integers(0, 2**32), st.integers(1, 60))
def test_a_slot_stays_empty_only_when_no_line_may_be_shown(campaigns: list[Campaign], seed: int, slots: int) -> None:
    choices, _ = run(fresh(seed), eligible_of(campaigns), slots)
    for before, after in itertools.pairwise(choices):
        assert before.line.id != after.line.id or len(campaigns) == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=4, max_size=15), st.integers(0, 2**32))
def test_without_gaps_no_line_is_ever_off_by_more_than_one_play(parts: list[int], seed: int) -> None:
    """The only rule left is that no line follows itself; the target of the house for that is 1.0 plays."""
    ads = eligible_of([campaign(f"l{number:02}", weight=part) for number, part in enumerate(parts)])
    choices, _ = run(fresh(seed), ads, 300)
    plays: Counter[str] = Counter()
    for slot, choice in enumerate(choices, start=1):
        plays[choice.line.id] += 1
        for entry in ads.lines:
            assert abs(plays[entry.line.id] * ONE_PLAY - entry.share * slot) <= 1.25 * ONE_PLAY


def test_a_busy_day_keeps_every_gap_and_every_share() -> None:
    ads = eligible_of(busy_day())
    assert short_now(ads, NOON, BERLIN) == ()
    choices, _ = run(fresh(), ads, 4_000)
    assert [choice.relaxed for choice in choices if choice.relaxed] == []
    plays: Counter[str] = Counter()
    for slot, choice in enumerate(choices, start=1):
        plays[choice.line.id] += 1
        worst = max(abs(plays[entry.line.id] * ONE_PLAY - entry.share * slot) for entry in ads.lines)
        assert worst <= 1.25 * ONE_PLAY


def test_no_gap_in_a_lines_plays_is_longer_than_twice_the_ideal() -> None:
    ads = eligible_of([campaign(f"l{n}", weight=n + 1) for n in range(8)])
    choices, _ = run(fresh(), ads, 2_000)
    for entry in ads.lines:
        slots = [slot for slot, choice in enumerate(choices) if choice.line.id == entry.line.id]
        longest = max(after - before for before, after in itertools.pairwise(slots))
        assert longest <= 2 * ONE_PLAY / entry.share + 1


@settings(max_examples=40, deadline=None)
@given(catalogues(), st.integers(0, 2**32), st.randoms(use_true_random=False), st.integers(1, 40))
def test_a_restart_at_any_slot_and_the_order_of_campaigns_change_nothing(
    campaigns: list[Campaign], seed: int, rng: Random, slots: int
) -> None:
    shuffled = list(campaigns)
    rng.shuffle(shuffled)
    steady, restarted = fresh(seed), fresh(seed)
    for _ in range(slots):
        refunded = rng.random() < 0.2
        fits_ms = rng.choice([None, None, 8_000])
        expected, steady = select_ad(steady, eligible_of(campaigns), fits_ms=fits_ms)
        got, restarted = select_ad(stored(restarted), eligible_of(shuffled), fits_ms=fits_ms)
        assert got == expected
        if refunded and expected is not None and got is not None:
            steady, restarted = refund(steady, expected.id, failed=True), refund(restarted, got.id, failed=True)
        assert stored(steady) == stored(restarted)


@pytest.mark.parametrize("campaigns", [busy_day(), [campaign(f"l{number}") for number in range(400)]])
def test_the_rows_written_after_each_step_are_the_whole_state(campaigns: list[Campaign]) -> None:
    rng, alternatives = Random(5), [eligible_of(campaigns), eligible_of(campaigns[3:25])]
    state, rows = fresh(), dict[str, Account]()
    for step in range(1_200):
        before = state
        choice, state = select_ad(state, alternatives[step // 600 % 2])
        if choice is not None and rng.random() < 0.1:
            state = refund(state, choice.id, failed=True)
        written = ad_changes(before, state)
        if step % 600:
            assert len(written.accounts) <= 1 and not written.removed_lines
        rows.update({account.line: account for account in written.accounts})
        for line in written.removed_lines:
            del rows[line]
        assert rows == state.accounts


def test_looking_ahead_changes_nothing() -> None:
    ads = eligible_of(busy_day())
    _, state = run(fresh(), ads, 50)
    kept = stored(state)
    ahead, _ = run(state, ads, 20)
    assert stored(state) == kept
    assert lines(run(state, ads, 20)[0]) == lines(ahead)


def test_devices_with_other_seeds_start_with_other_ads() -> None:
    ads = eligible_of([campaign(f"l{number}") for number in range(10)])
    first = {seed: lines(run(fresh(seed), ads, 1)[0]) for seed in range(20)}
    assert len(set(first.values())) > 3


def test_a_gap_that_is_impossible_is_given_up_for_the_share_and_that_is_reported() -> None:
    campaigns = [campaign(name, category="beer" if name < "d" else "", gaps=(1, 0)) for name in "abcd"]
    choices, _ = run(fresh(), eligible_of(campaigns), 400)
    plays = Counter(lines(choices))
    assert all(abs(plays[name] - 100) <= 1 for name in "abcd")
    relaxed = [choice.relaxed for choice in choices if choice.relaxed]
    assert set(relaxed) == {("category",)}
    assert 190 <= len(relaxed) <= 210  # three of four are beer: every second slot cannot be helped


def test_a_single_line_follows_itself_and_that_is_reported() -> None:
    choices, _ = run(fresh(), eligible_of([campaign("a", advertiser="x", category="beer", gaps=(1, 1))]), 3)
    assert [choice.relaxed for choice in choices] == [(), *[("category", "advertiser", "repeat")] * 2]


def test_competitors_are_apart_on_both_sides() -> None:
    shy = campaign("a", category="beer", gaps=(2, 0))
    others = [campaign("b", category="beer", gaps=(0, 0)), *(campaign(name) for name in "cdefgh")]
    choices, _ = run(fresh(), eligible_of([shy, *others]), 400)
    shown = lines(choices)
    assert all("a" not in shown[max(0, slot - 2) : slot + 3] for slot, name in enumerate(shown) if name == "b")


def test_the_state_is_plain_json() -> None:
    _, state = run(fresh(), eligible_of(busy_day()), 200)
    assert len(state.head.recent) == 100
    text = TypeAdapter(AdHead).dump_json(state.head)
    assert AdHead.model_validate_json(text) == state.head
    assert all(abs(account.lag) <= 2 * ONE_PLAY for account in state.accounts.values())  # however long it runs


DAY_PARTS: tuple[tuple[LocalWindow, ...], ...] = (
    (),
    (LocalWindow(start="06:00", end="12:00"),),
    (LocalWindow(start="12:00", end="18:00"),),
    (LocalWindow(start="16:00", end="02:00"),),
)


@pytest.mark.parametrize(
    ("seed", "count", "minutes", "hours"), [(2, 50, 2, 48), (5, 50, 2, 48), (11, 60, 1, 30), (13, 60, 1, 30)]
)
def test_with_windows_gaps_and_refunds_no_line_is_off_by_more_than_a_play_and_a_quarter(
    seed: int, count: int, minutes: int, hours: int
) -> None:
    """Proportional parts of what lines take along were up to 2.9 plays off; without yielding seed 11 is, by 2.0."""
    rng, state, at = Random(seed), fresh(seed), NOON
    campaigns = [
        campaign(
            f"l{n:02}",
            weight=1000 // (1 + n),
            advertiser=f"advertiser {n % 20}",
            category=f"category {n % 9}",
            gaps=(int(n > 2), 2 * (n > 5)),
            windows=DAY_PARTS[rng.randrange(4)] if n > 3 else (),
        )
        for n in range(count)
    ]
    ads, due, plays = eligible_of(campaigns, at), Counter[str](), Counter[str]()
    while at < NOON + timedelta(hours=hours):
        if at >= ads.until:
            ads = eligible_of(campaigns, at)
        choice, state = select_ad(state, ads)
        assert choice is not None
        if rng.random() < 0.01:
            state = refund(state, choice.id, failed=rng.random() < 0.5)
            continue
        at += timedelta(minutes=minutes)
        plays[choice.line.id] += 1
        for entry in ads.lines:
            due[entry.line.id] += entry.share
            assert abs(due[entry.line.id] - plays[entry.line.id] * ONE_PLAY) <= 1.25 * ONE_PLAY
