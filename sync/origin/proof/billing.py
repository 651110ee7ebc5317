"""Pure: whether a play is billed, by the rule of its line and by what is known of the play; and why not.

Industry rules differ (full length less 500 ms, three quarters, two seconds), so facts are stored, and
judged here. `JUDGEMENT` is the version of this arithmetic: it is raised when an answer changes, and days that were
counted with another one are counted anew.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from sync.origin.planning.billable_rule import BillableRule
from sync.origin.proof.plausibility import UNCONFIRMED
from sync.runtime.clock import ClockState
from sync.wire.device_reports import Outcome, PlayKind, ScreenDetail, ScreenState

JUDGEMENT = 1


class BillingVerdict(StrEnum):
    """What a play counts as."""

    BILLABLE = "billable"
    UNKNOWN = "unknown"  # what the rule asks for is not known: not billed, and counted apart
    ASIDE = "aside"  # not billed, for a reason
    UNBOOKED = "unbooked"  # an item of a playlist: nobody booked it


class BillingReason(StrEnum):
    """Why a play is not billed."""

    NONE = ""
    IMPLAUSIBLE = "implausible"  # it contradicts itself or others (`sync.origin.proof.plausibility`)
    UNCONFIRMED = "unconfirmed"  # it does not fit to what the origin knew when it came
    NOT_NAMED = "not_named"  # its release does not name this line and asset
    SCREEN_OFF = "screen_off"
    SCREEN_DISCONNECTED = "screen_disconnected"
    SCREEN_COVERED = "screen_covered"
    CLOCK_UNSET = "clock_unset"  # no time service had set the clock, and nothing corrects it since
    NOTHING_SHOWN = "nothing_shown"
    FAILED = "failed"  # too short for the rule, because of an error
    INTERRUPTED = "interrupted"  # too short, because the device stopped
    TOO_SHORT = "too_short"  # too short, because something else came on
    RELEASE_UNKNOWN = "release_unknown"  # what the release names is not known any more
    LENGTH_UNKNOWN = "length_unknown"  # how long it should last, and it did not end by itself
    SCREEN_UNKNOWN = "screen_unknown"  # and the rule wants it known


class ShownPlay(NamedTuple):
    """What a play says. `screen` is on, off, disconnected, covered or unknown; `clock` a `ClockState`."""

    kind: str
    rendered_ms: int
    expected_ms: int | None
    outcome: str
    screen: str
    clock: str


class PlayFacts(NamedTuple):
    """What is known of a play beside what it says.

    `set_aside`: why it is in no sum. `accepted`: a person said that it counts. `corrected`: when it was on is known,
    though its clock was not set. `named`: its release names its line and asset; None if that is not known.
    `longest_ms`: how long the release shows it, None if only the device knows.
    """

    set_aside: str | None = None
    accepted: bool = False
    corrected: bool = False
    named: bool | None = True
    longest_ms: int | None = None


class Judgement(NamedTuple):
    """A verdict and its reason; none for a play that is billed."""

    verdict: BillingVerdict
    reason: BillingReason = BillingReason.NONE


_SCREENS: dict[str, BillingReason] = {
    ScreenState.OFF: BillingReason.SCREEN_OFF,
    ScreenDetail.DISCONNECTED: BillingReason.SCREEN_DISCONNECTED,
    ScreenDetail.COVERED: BillingReason.SCREEN_COVERED,
}
_TRUSTED_CLOCKS = (ClockState.SYNCHRONISED, ClockState.HELD_OVER)
_ENDS = {Outcome.FAILED: BillingReason.FAILED, Outcome.INTERRUPTED: BillingReason.INTERRUPTED}


def judge(play: ShownPlay, rule: BillableRule, facts: PlayFacts) -> Judgement:
    """Return what a play counts as. Something that is wrong comes before something that is not known."""
    if play.kind != PlayKind.AD:
        return Judgement(BillingVerdict.UNBOOKED)
    wrong = next(_wrong(play, rule, facts), None)
    if wrong is not None:
        return Judgement(BillingVerdict.ASIDE, wrong)
    unknown = next(_unknown(play, rule, facts), None)
    return Judgement(BillingVerdict.BILLABLE) if unknown is None else Judgement(BillingVerdict.UNKNOWN, unknown)


def _wrong(play: ShownPlay, rule: BillableRule, facts: PlayFacts) -> Iterator[BillingReason]:
    if facts.set_aside is not None:
        yield BillingReason.UNCONFIRMED if facts.set_aside.startswith(UNCONFIRMED) else BillingReason.IMPLAUSIBLE
    if facts.named is False and not facts.accepted:
        yield BillingReason.NOT_NAMED
    if play.screen in _SCREENS:
        yield _SCREENS[play.screen]
    if play.clock not in _TRUSTED_CLOCKS and not facts.corrected:
        yield BillingReason.CLOCK_UNSET
    if _long_enough(play, rule, facts) is False:
        yield _ENDS.get(
            Outcome(play.outcome), BillingReason.TOO_SHORT if play.rendered_ms else BillingReason.NOTHING_SHOWN
        )


def _unknown(play: ShownPlay, rule: BillableRule, facts: PlayFacts) -> Iterator[BillingReason]:
    if facts.named is None and not facts.accepted:
        yield BillingReason.RELEASE_UNKNOWN
    if _long_enough(play, rule, facts) is None:
        yield BillingReason.LENGTH_UNKNOWN
    if play.screen != ScreenState.ON and not rule.unknown_screen:
        yield BillingReason.SCREEN_UNKNOWN


def _long_enough(play: ShownPlay, rule: BillableRule, facts: PlayFacts) -> bool | None:
    """Tell whether it was on for as long as the rule asks for; None: its length is not known."""
    if not play.rendered_ms:
        return False
    if rule.kind == "on_render":
        return play.rendered_ms >= rule.least_ms
    expected_ms = play.expected_ms or facts.longest_ms
    if not expected_ms:
        return True if play.outcome == Outcome.COMPLETE else None  # it ended by itself
    if rule.kind == "complete":
        return play.rendered_ms >= expected_ms - rule.tolerance_ms
    return play.rendered_ms * 1_000_000 >= expected_ms * rule.fraction_ppm
