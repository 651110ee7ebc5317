"""When a play is billed: each rule at its edges, what sets a play aside, and what is only not known."""

import pytest

from sync.origin.planning.billable_rule import BillableRule
from sync.origin.proof.billing import BillingReason, BillingVerdict, Judgement, PlayFacts, ShownPlay, judge

COMPLETE = BillableRule()
EXACT = BillableRule(tolerance_ms=0)
QUARTERS = BillableRule(kind="min_fraction")
THIRD = BillableRule(kind="min_fraction", fraction_ppm=333_333)
SECONDS = BillableRule(kind="on_render")
KNOWN = BillableRule(unknown_screen=False)


def shown(
    rendered_ms: int,
    expected_ms: int | None = 10_000,
    outcome: str = "partial",
    *,
    screen: str = "on",
    clock: str = "synchronised",
    kind: str = "ad",
) -> ShownPlay:
    return ShownPlay(kind, rendered_ms, expected_ms, outcome, screen, clock)


BILLABLE = "billable"

LENGTHS: tuple[tuple[BillableRule, ShownPlay, str], ...] = (
    (COMPLETE, shown(9_499), "too_short"),
    (COMPLETE, shown(9_500), BILLABLE),
    (COMPLETE, shown(9_501), BILLABLE),
    (COMPLETE, shown(10_000), BILLABLE),
    (COMPLETE, shown(10_900, outcome="complete"), BILLABLE),  # for longer than expected: once
    (COMPLETE, shown(9_499, outcome="complete"), "too_short"),  # the rule decides, not the word of the player
    (COMPLETE, shown(9_500, outcome="failed"), BILLABLE),
    (COMPLETE, shown(9_499, outcome="failed"), "failed"),
    (COMPLETE, shown(9_499, outcome="interrupted"), "interrupted"),
    (COMPLETE, shown(0), "nothing_shown"),
    (COMPLETE, shown(0, outcome="failed"), "failed"),
    (COMPLETE, shown(0, outcome="interrupted"), "interrupted"),
    (COMPLETE, shown(0, 400), "nothing_shown"),  # shorter than the tolerance
    (COMPLETE, shown(1, 400), BILLABLE),
    (COMPLETE, shown(0, 0, "complete"), "nothing_shown"),
    (COMPLETE, shown(5_000, None, "complete"), BILLABLE),  # it ended by itself
    (COMPLETE, shown(5_000, None), "length_unknown"),
    (COMPLETE, shown(5_000, None, "failed"), "length_unknown"),
    (COMPLETE, shown(5_000, 0, "complete"), BILLABLE),
    (COMPLETE, shown(5_000, 0), "length_unknown"),
    (EXACT, shown(9_999), "too_short"),
    (EXACT, shown(10_000), BILLABLE),
    (QUARTERS, shown(7_499), "too_short"),
    (QUARTERS, shown(7_500), BILLABLE),
    (QUARTERS, shown(7_501), BILLABLE),
    (QUARTERS, shown(749, 999), "too_short"),
    (QUARTERS, shown(750, 999), BILLABLE),
    (QUARTERS, shown(1, 1), BILLABLE),
    (QUARTERS, shown(0, 1), "nothing_shown"),
    (QUARTERS, shown(9_000, None, "complete"), BILLABLE),
    (QUARTERS, shown(9_000, None), "length_unknown"),
    (QUARTERS, shown(7_499, outcome="failed"), "failed"),
    (THIRD, shown(3_334), BILLABLE),
    (THIRD, shown(3_333), "too_short"),
    (SECONDS, shown(1_999), "too_short"),
    (SECONDS, shown(2_000), BILLABLE),
    (SECONDS, shown(2_001), BILLABLE),
    (SECONDS, shown(2_000, None), BILLABLE),
    (SECONDS, shown(2_000, None, "failed"), BILLABLE),
    (SECONDS, shown(1_999, 1_999, "complete"), "too_short"),
    (SECONDS, shown(0, None), "nothing_shown"),
)


@pytest.mark.parametrize(("rule", "play", "answer"), LENGTHS)
def test_each_rule_at_its_edges(rule: BillableRule, play: ShownPlay, answer: str) -> None:
    assert (told(judge(play, rule, PlayFacts()))) == answer


WHOLE = shown(10_000, outcome="complete")
FACTS: tuple[tuple[BillableRule, ShownPlay, PlayFacts, str], ...] = (
    (COMPLETE, WHOLE._replace(screen="off"), PlayFacts(), "screen_off"),
    (COMPLETE, WHOLE._replace(screen="disconnected"), PlayFacts(), "screen_disconnected"),
    (COMPLETE, WHOLE._replace(screen="covered"), PlayFacts(), "screen_covered"),
    (COMPLETE, WHOLE._replace(screen="unknown"), PlayFacts(), BILLABLE),
    (KNOWN, WHOLE._replace(screen="unknown"), PlayFacts(), "screen_unknown"),
    (KNOWN, WHOLE._replace(screen="a later word"), PlayFacts(), "screen_unknown"),
    (KNOWN, WHOLE, PlayFacts(), BILLABLE),
    (COMPLETE, WHOLE._replace(clock="never_set"), PlayFacts(), "clock_unset"),
    (COMPLETE, WHOLE._replace(clock="a later word"), PlayFacts(), "clock_unset"),
    (COMPLETE, WHOLE._replace(clock="never_set"), PlayFacts(corrected=True), BILLABLE),
    (COMPLETE, WHOLE._replace(clock="held_over"), PlayFacts(), BILLABLE),
    (COMPLETE, WHOLE, PlayFacts(set_aside="unconfirmed: it is older"), "unconfirmed"),
    (COMPLETE, WHOLE, PlayFacts(set_aside="it ended before it started"), "implausible"),
    (COMPLETE, WHOLE, PlayFacts(named=False), "not_named"),
    (COMPLETE, WHOLE, PlayFacts(named=False, accepted=True), BILLABLE),
    (COMPLETE, WHOLE, PlayFacts(named=None), "release_unknown"),
    (COMPLETE, WHOLE, PlayFacts(named=None, accepted=True), BILLABLE),
    (COMPLETE, WHOLE._replace(screen="off"), PlayFacts(accepted=True), "screen_off"),
    (COMPLETE, shown(9_499, None), PlayFacts(longest_ms=10_000), "too_short"),
    (COMPLETE, shown(9_500, None), PlayFacts(longest_ms=10_000), BILLABLE),
    (COMPLETE, shown(9_500, 10_000), PlayFacts(longest_ms=20_000), BILLABLE),  # what the play says comes first
    # several at once: what is wrong comes before what is not known, and the first in this order is told
    (KNOWN, shown(1_000, screen="unknown"), PlayFacts(named=None), "too_short"),
    (KNOWN, WHOLE._replace(screen="unknown"), PlayFacts(named=None), "release_unknown"),
    (COMPLETE, shown(0, screen="off", clock="never_set"), PlayFacts(set_aside="x", named=False), "implausible"),
    (COMPLETE, shown(0, screen="off", clock="never_set"), PlayFacts(named=False), "not_named"),
    (COMPLETE, shown(0, screen="off", clock="never_set"), PlayFacts(), "screen_off"),
    (COMPLETE, shown(0, clock="never_set"), PlayFacts(), "clock_unset"),
    (COMPLETE, WHOLE._replace(kind="item", screen="off"), PlayFacts(set_aside="x"), "unbooked"),
)


@pytest.mark.parametrize(("rule", "play", "facts", "answer"), FACTS)
def test_screen_clock_and_release_decide_too(
    rule: BillableRule, play: ShownPlay, facts: PlayFacts, answer: str
) -> None:
    assert told(judge(play, rule, facts)) == answer


def told(found: Judgement) -> str:
    """Return the reason, or the verdict of a play without one; a play that is billed has none."""
    assert (found.reason is BillingReason.NONE) is (found.verdict in (BillingVerdict.BILLABLE, BillingVerdict.UNBOOKED))
    unknown = found.reason in (
        BillingReason.RELEASE_UNKNOWN,
        BillingReason.LENGTH_UNKNOWN,
        BillingReason.SCREEN_UNKNOWN,
    )
    assert (found.verdict is BillingVerdict.UNKNOWN) is unknown
    return found.reason or found.verdict


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (COMPLETE, "complete(tol_ms=500)"),
        (QUARTERS, "min_fraction(0.75)"),
        (SECONDS, "on_render(2 s)"),
        (BillableRule(kind="on_render", least_ms=1_500, unknown_screen=False), "on_render(1.5 s), screen known"),
        (BillableRule(kind="min_fraction", fraction_ppm=1), "min_fraction(1e-06)"),
    ],
)
def test_a_rule_is_told_in_short(rule: BillableRule, text: str) -> None:
    assert rule.text == text
