"""Lines that come and go, refunds, ads that fit, and creatives that take turns."""

from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.programme.ad_selection import AdState, Choice, refund, select_ad
from sync.programme.ad_shares import ONE_PLAY
from sync.wire.release import Campaign, LocalWindow
from tests.sync.programme.examples import NOON, busy_day, campaign, creative, eligible_of, fresh, lines, run, stored


def test_time_in_which_a_line_is_not_shown_is_not_owed() -> None:
    at_night = LocalWindow(start="22:00", end="06:00")
    campaigns = [campaign("a", share_ppm=250_000, windows=(at_night,)), *(campaign(name) for name in "bcd")]
    day, night = eligible_of(campaigns), eligible_of(campaigns, NOON + timedelta(hours=11))
    assert [entry.line.id for entry in day.lines] == ["b", "c", "d"]
    assert day.until == NOON + timedelta(hours=9)  # 22:00 in Berlin
    state = fresh()
    for _ in range(5):
        _, state = run(state, day, 400)
        choices, state = run(state, night, 40)
        assert abs(lines(choices).count("a") - 10) <= 1
        assert lines(choices[:4]).count("a") <= 2


def test_the_account_of_a_line_that_leaves_the_release_while_it_is_not_shown_is_dropped_too() -> None:
    over = away(campaign("a"))
    _, state = run(fresh(), eligible_of([campaign("a"), campaign("b"), campaign("c")]), 10)
    _, state = run(state, eligible_of([over, campaign("b"), campaign("c")]), 10)
    assert set(state.accounts) == set("abc")
    _, state = run(state, eligible_of([campaign("b"), campaign("c")]), 1)
    assert set(state.accounts) == set("bc")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-400 * 86_400, 400 * 86_400), min_size=2, max_size=30), st.integers(0, 2**32))
def test_a_clock_that_jumps_by_a_year_changes_no_choice(jumps_s: list[int], seed: int) -> None:
    eras = (NOON - timedelta(days=4_000), NOON + timedelta(days=4_000))
    campaigns = [each.model_copy(update={"starts_at": eras[0], "ends_at": eras[1]}) for each in busy_day()]
    steady, jumping = fresh(seed), fresh(seed)
    for jump_s in jumps_s:
        expected, steady = select_ad(steady, eligible_of(campaigns))
        got, jumping = select_ad(jumping, eligible_of(campaigns, NOON + timedelta(seconds=jump_s)))
        assert got == expected


def test_a_new_line_starts_with_nothing_owed() -> None:
    campaigns = [campaign(name) for name in "abcd"]
    _, state = run(fresh(), eligible_of(campaigns), 1_000)
    choices, _ = run(state, eligible_of([*campaigns, campaign("e")]), 50)
    assert lines(choices).count("e") == 10
    assert lines(choices[:10]).count("e") <= 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sets(st.sampled_from("abcdef"), min_size=3), st.integers(1, 25)), max_size=12))
def test_lines_that_come_and_go_never_play_many_times_in_a_row(periods: list[tuple[set[str], int]]) -> None:
    everybody = {name: campaign(name, weight=ord(name) - 96) for name in "abcdef"}
    state = fresh()
    for names, slots in periods:
        ads = eligible_of([everybody[name] if name in names else away(everybody[name]) for name in everybody])
        choices, state = run(state, ads, slots)
        for entry in ads.lines:
            got = lines(choices).count(entry.line.id)
            assert got <= entry.share * slots / ONE_PLAY + 2.25  # one owed from before, one ahead, and the fraction


def test_a_refund_takes_the_slot_back_as_if_it_had_never_been() -> None:
    ads = eligible_of(busy_day())
    _, state = run(fresh(), ads, 30)
    choice, reserved = select_ad(state, ads)
    assert choice is not None
    undone = refund(reserved, choice.id)
    assert undone.head == state.head.model_copy(update={"choices": 31})
    for line, account in stored(undone).accounts.items():
        before = state.accounts[line]
        assert account.owed(30) == before.owed(30)
        assert (account.plays, account.creative, account.share) == (before.plays, before.creative, before.share)
    again, _ = select_ad(undone, ads)
    assert again is not None and (again.line, again.creative) == (choice.line, choice.creative)
    assert refund(undone, choice.id) is undone


def test_a_refund_is_exact_even_when_more_was_reserved_since() -> None:
    ads = eligible_of(busy_day())
    choices, state = run(fresh(), ads, 40)
    for choice in choices[30:35]:
        state = refund(state, choice.id, failed=True)
    assert state.head.slot == 35
    done = Counter(choice.line.id for choice in [*choices[:30], *choices[35:]])
    assert {line: account.plays for line, account in state.accounts.items() if account.plays} == dict(done)
    assert all(a.owed(35) == a.share * 35 - ONE_PLAY * a.plays for a in state.accounts.values())


def test_after_a_failure_another_line_goes_first_and_the_line_tries_its_next_creative() -> None:
    campaigns = [campaign(name, creatives=[creative(f"{name}-1"), creative(f"{name}-2")]) for name in "ab"]
    ads = eligible_of(campaigns)
    choice, state = select_ad(fresh(), ads)
    assert choice is not None and choice.creative.id.endswith("-1")
    second, state = select_ad(refund(state, choice.id, failed=True), ads)
    assert second is not None and second.line.id != choice.line.id
    third, _ = select_ad(state, ads)
    assert third is not None and third.line == choice.line
    assert third.creative.id.endswith("-2")


def test_refunding_an_ad_whose_line_left_the_release_ends_its_gaps_and_changes_nothing_else() -> None:
    beer = [campaign(name, category="beer", gaps=(3, 0)) for name in "ab"]
    others = [campaign(name) for name in "cdef"]
    choices, state = run(fresh(), eligible_of([*beer, *others]), 1)
    gone = eligible_of(others)
    _, state = select_ad(state, gone)
    while choices[-1].line.category != "beer":
        more, state = run(state, eligible_of([*beer, *others]), 1)
        choices += more
    _, state = select_ad(state, gone)
    assert set(state.accounts) == set("cdef")
    back = refund(state, choices[-1].id)
    assert back.accounts == state.accounts
    assert back.head.slot == state.head.slot
    assert all(aired.choice != choices[-1].id for aired in back.head.recent)


def test_creatives_of_a_line_take_turns_and_broken_ones_are_skipped() -> None:
    campaigns = [campaign("a", creatives=[creative(f"a-{n}") for n in range(3)]), campaign("b")]
    choices, state = run(fresh(), eligible_of(campaigns), 12)
    shown = [choice.creative.id for choice in choices if choice.line.id == "a"]
    assert shown == ["a-0", "a-1", "a-2", "a-0", "a-1", "a-2"]
    choices, _ = run(state, eligible_of(campaigns, broken=["a-0"]), 8)
    assert [choice.creative.id for choice in choices if choice.line.id == "a"] == ["a-1", "a-2", "a-1", "a-2"]


def away(whole: Campaign) -> Campaign:
    return whole.model_copy(update={"ends_at": NOON})


def test_an_ad_starts_only_if_it_fits() -> None:
    campaigns = [
        campaign("a", creatives=[creative("long", 30_000), creative("short", 5_000)]),
        campaign("b", creatives=[creative("endless", None)]),
    ]
    ads = eligible_of(campaigns)
    choice, state = select_ad(fresh(), ads, fits_ms=5_000)
    assert choice is not None and choice.creative.id == "short"
    none, after = select_ad(state, ads, fits_ms=4_999)
    assert none is None
    assert after.head == state.head
    choices, _ = run(after, ads, 2)
    assert {choice.line.id for choice in choices} == {"a", "b"}


def test_a_line_that_never_fits_is_not_owed_more_and_more() -> None:
    campaigns = [
        campaign("a", share_ppm=500_000, creatives=[creative("long", 60_000)]),
        *(campaign(name, category="beer", gaps=(1, 0)) for name in "bcd"),
    ]
    ads, state = eligible_of(campaigns), fresh()
    for _ in range(300):
        choice, state = select_ad(state, ads, fits_ms=30_000)
        assert choice is not None and choice.line.id != "a"
    assert max(abs(account.owed(state.head.slot)) for account in state.accounts.values()) <= 3 * ONE_PLAY
    choices, _ = run(state, ads, 20)
    assert lines(choices).count("a") <= 13


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from("xyz"), st.integers(0, 3)), min_size=2, max_size=9),
    st.lists(st.sampled_from(["play", "play", "play", "fail", "cancel", "late"]), min_size=5, max_size=60),
)
def test_a_queue_that_is_kept_gives_the_ads_that_a_new_one_gives(
    bookings: list[tuple[int, str, int]], ends: list[str]
) -> None:
    ads = eligible_of(
        [
            campaign(f"l{n}", weight=weight, category=category, gaps=(gap, 1))
            for n, (weight, category, gap) in enumerate(bookings)
        ]
    )
    kept = made_anew = fresh()
    choices: list[Choice] = []
    for end in ends:
        first, kept = select_ad(kept, ads)
        second, made_anew = select_ad(AdState(made_anew.head, made_anew.accounts), ads)
        assert first is not None and first == second
        choices.append(first)
        if end != "play":
            choice = choices[-3 if end == "late" else -1].id if len(choices) > 2 else first.id
            kept = refund(kept, choice, failed=end == "fail")
            made_anew = refund(made_anew, choice, failed=end == "fail")
    assert (kept.head, kept.accounts) == (made_anew.head, made_anew.accounts)
