"""What holds of ads whatever happens: the table of invariants with their tests, and those that are of no other file.

There are no goals and no caps by the hour, so nothing is tested of them.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.programme.ad_selection import AdState, Choice, refund, select_ad
from sync.wire.release import Campaign
from tests.sync.device.test_fault_table import names_in
from tests.sync.programme.examples import YEAR, busy_day, eligible_of, fresh

SELECTION, SHARES = "sync/programme/test_ad_selection.py", "sync/programme/test_ad_shares.py"
REFUNDS, ELIGIBILITY = "sync/programme/test_ad_refunds.py", "sync/programme/test_ad_eligibility.py"
HERE = "sync/programme/test_ad_invariants.py"
# fmt: off
INVARIANTS = {
    "with fixed shares no line is off by more than the bound of Tijdeman": (
        (SHARES, "test_with_fixed_shares_no_line_is_ever_off_by_more_than_the_bound"),),
    "shares add up to exactly one, accounts to the slots that were filled": (
        (SHARES, "test_shares_add_up_to_exactly_one_and_no_line_has_more_than_half"),
        (HERE, "test_accounts_add_up_to_the_slots_that_were_filled_whatever_is_given_back_and_when")),
    "no hard rule is ever broken": (
        (ELIGIBILITY, "test_eligible_lines_match_the_definition_and_do_not_change_before_until"),
        (REFUNDS, "test_an_ad_starts_only_if_it_fits")),
    "a soft rule is given up only if no line keeps it": (
        (SELECTION, "test_every_choice_is_the_one_the_rules_ask_for"),),
    "a slot is empty only if no line may be shown": (
        (SELECTION, "test_a_slot_stays_empty_only_when_no_line_may_be_shown"),),
    "choices follow from seed, lines and refunds alone": (
        (SELECTION, "test_a_restart_at_any_slot_and_the_order_of_campaigns_change_nothing"),
        (SHARES, "test_neither_the_order_of_lines_nor_the_scale_of_weights_matters")),
    "a crash at any statement loses and doubles nothing, and accounts are complete plays and open reservations": (
        ("player/director/record/test_crashes.py", "test_a_crash_at_any_statement_leaves_a_truthful_record"),),
    "lines that come, pause and go break no gap without a word, and never play many times in a row": (
        (HERE, "test_no_gap_is_broken_without_a_word_while_lines_come_pause_and_go_and_slots_are_given_back"),
        (REFUNDS, "test_lines_that_come_and_go_never_play_many_times_in_a_row")),
    "a jump of the clock changes no choice": (
        (REFUNDS, "test_a_clock_that_jumps_by_a_year_changes_no_choice"),),
    "a line is owed nothing for the time in which it is not shown": (
        (REFUNDS, "test_time_in_which_a_line_is_not_shown_is_not_owed"),
        (SHARES, "test_a_line_is_owed_nothing_while_it_is_not_shown_and_does_not_catch_up_later")),
    "a gap without room is told": (
        (SELECTION, "test_a_gap_that_is_impossible_is_given_up_for_the_share_and_that_is_reported"),),
    "devices with other seeds begin with other ads": (
        (SELECTION, "test_devices_with_other_seeds_start_with_other_ads"),),
}
# fmt: on


@pytest.mark.parametrize("invariant", INVARIANTS)
def test_each_invariant_has_its_tests(invariant: str) -> None:
    assert all(name in names_in(file) for file, name in INVARIANTS[invariant])


EVERYBODY = {campaign.lines[0].id: campaign for campaign in busy_day()}
periods = st.lists(
    st.tuples(st.sets(st.sampled_from(sorted(EVERYBODY)), max_size=25), st.integers(1, 20), st.booleans()), max_size=8
)


def paused(campaign: Campaign) -> Campaign:
    """The campaign outside its flight: in the release, and not shown."""
    return campaign.model_copy(update={"starts_at": YEAR[1], "ends_at": YEAR[1]})


def kept_apart(earlier: Choice, later: Choice, distance: int) -> set[str]:
    """The gaps that two ads break which are so many slots apart."""
    one, other = earlier.line, later.line
    rules = {
        "category": one.category == other.category != "" and max(one.category_gap, other.category_gap),
        "advertiser": earlier.advertiser == later.advertiser and max(one.advertiser_gap, other.advertiser_gap),
    }
    return {rule for rule, gap in rules.items() if distance <= gap}


@settings(max_examples=40, deadline=None)
@given(periods, st.integers(0, 2**32))
def test_no_gap_is_broken_without_a_word_while_lines_come_pause_and_go_and_slots_are_given_back(
    periods: list[tuple[set[str], int, bool]], seed: int
) -> None:
    state, shown, tried = fresh(seed), list[Choice](), ""
    for number, (away, slots, in_release) in enumerate(periods):
        here = [campaign for line, campaign in EVERYBODY.items() if line not in away]
        rest = [paused(EVERYBODY[line]) for line in sorted(away)] if in_release else []
        ads = eligible_of([*here, *rest])
        for slot in range(slots):
            choice, state = select_ad(state, ads)
            assert choice is not None and choice.line.id not in away
            assert choice.line.id != tried or "repeat" in choice.relaxed
            tried = choice.line.id
            if (number + slot) % 5 == 4:
                failed = bool(slot % 2)
                state, tried = refund(state, choice.id, failed=failed), tried if failed else ""
                continue
            broken = {rule for n, one in enumerate(reversed(shown), 1) for rule in kept_apart(one, choice, n)}
            assert broken <= set(choice.relaxed), "a rule that is given up is named"
            shown.append(choice)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["keep", "refund", "fail", "twice", "late"]), max_size=60), st.integers(0, 2**32))
def test_accounts_add_up_to_the_slots_that_were_filled_whatever_is_given_back_and_when(
    fates: list[str], seed: int
) -> None:
    ads, state = eligible_of(busy_day()), fresh(seed)
    late, filled = list[Choice](), 0
    for fate in fates:
        choice, state = select_ad(state, ads)
        assert choice is not None
        filled += fate in ("keep", "late")
        for _ in range({"refund": 1, "fail": 1, "twice": 2}.get(fate, 0)):
            state = refund(state, choice.id, failed=fate == "fail")
        if fate == "late":
            late.append(choice)
        assert counted(state) == state.head.slot == filled
    for choice in late[-20:]:
        state = refund(state, choice.id)
    assert counted(state) == state.head.slot == filled - len(late[-20:])


def counted(state: AdState) -> int:
    return sum(account.plays for account in state.accounts.values())
