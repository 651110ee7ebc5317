"""No two takes of a screen overlap in the record, whatever ends them and whatever happens to the wall clock."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from player.director.air_state import Showing, how_it_ended
from player.director.record_clock import STEP_MS, RecordClock, Span, TakeStart
from player.programme.proof_of_play import NOTHING_KNOWN, TakeTimes
from player.protocol.stage_interface import Ended
from sync.runtime.clock import unix_ms
from tests.player.director.record.examples import planned
from tests.sync.programme.examples import NOON

BOOT_S = 1_000.0


class RecordedScreen:
    """Takes in turn, as the tracker records them; `recorded` is what the ledger holds."""

    def __init__(self) -> None:
        self.offset_s = 0.0  # of the wall clock; a test steps it
        self.recorded: list[TakeTimes] = []
        self._clock = RecordClock()
        self._showing: Showing | None = None

    def cut(self, at_s: float, ended: Ended | None = None, *, name: str = "next") -> None:
        """One cut, at `at_s` seconds after the start; `ended` is how the deck says that what was on ended."""
        self.end(at_s, ended)
        seen_s = at_s + 0.02  # recorded a little later than it happened
        start = self._clock.start(BOOT_S + at_s, self._wall(seen_s), BOOT_S + seen_s)
        if self._clock.unread:
            start = self._clock.avoid(start, self._spans_after(start.unix_ms))
        self._showing = Showing(planned(name), start, NOTHING_KNOWN)

    def end(self, at_s: float, ended: Ended | None = None) -> None:
        """What is on ends without a successor."""
        if self._showing is not None:
            how = how_it_ended(self._showing, ended, BOOT_S + at_s, BOOT_S + at_s, ordered=False)
            self.recorded.append(self._clock.end(self._showing.start, how.ended_s))
        self._showing = None

    def kill(self, shown_s: float) -> None:
        """The player is killed and starts again; the ledger knows that its take was on for `shown_s`."""
        showing, self._showing, self._clock = self._showing, None, RecordClock()
        if showing is not None:
            started_ms = showing.start.unix_ms
            start = self._clock.avoid(TakeStart(0, started_ms, started_ms), self._spans_after(started_ms))
            self.recorded.append(self._clock.end(start, shown_s))

    def restart(self) -> None:
        """The player starts again after an orderly stop."""
        self._clock = RecordClock()

    def seconds(self) -> list[tuple[float, float]]:
        """Return the recorded starts and ends in seconds after noon."""
        return [((t.started_at - NOON).total_seconds(), (t.ended_at - NOON).total_seconds()) for t in self.recorded]

    def _wall(self, at_s: float) -> datetime:
        return NOON + timedelta(seconds=at_s + self.offset_s)

    def _spans_after(self, after_ms: int) -> list[Span]:
        spans = [(unix_ms(t.started_at), unix_ms(t.ended_at)) for t in self.recorded]
        return [span for span in spans if span[1] > after_ms]


def ended(ended_s: float, reason: str = "eof", **how: bool) -> Ended:
    return Ended(take="next", started_s=0, ended_s=BOOT_S + ended_s, reason=reason, **how)


def overlaps(recorded: Sequence[TakeTimes]) -> list[tuple[TakeTimes, TakeTimes]]:
    ordered = sorted(recorded, key=lambda times: (times.started_at, times.ended_at))
    return [(a, b) for a, b in pairwise(ordered) if b.started_at < a.ended_at]


def plain_cuts(screen: RecordedScreen) -> None:
    for at_s in (0, 10.0004, 20.0006, 30.0015):
        screen.cut(at_s, ended(at_s))


def deck_reports_later_than_the_cut(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.cut(10, ended(10.001))
    screen.cut(20, ended(20.049, "the decoder failed", failed=True))


def deck_ends_before_the_cut(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.cut(10, ended(9.6, "the decoder failed", failed=True))


def operator_skips(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.cut(3.3333, ended(3.3337, "cut"))
    screen.cut(3.3341, ended(3.3342, "cut"))


def deck_is_lost(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.cut(4, None)
    screen.cut(9, ended(9.2, "killed", failed=True, deck_lost=True))


def screen_goes_blank(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.end(5, ended(5.003, "cut"))
    screen.cut(65)
    screen.end(75)


def wall_steps_forward(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.offset_s = 3600
    screen.cut(10)
    screen.cut(20)


def wall_steps_back_by_less_than_a_take(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.offset_s = -2
    screen.cut(10)
    screen.cut(20)
    screen.cut(30)


def wall_steps_back_by_some_takes(screen: RecordedScreen) -> None:
    for at_s in (0, 10, 20):
        screen.cut(at_s)
    screen.offset_s = -25
    for at_s in (30, 40, 50, 60, 70):
        screen.cut(at_s)


def wall_leaps_ahead_and_back(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.offset_s = 40
    screen.cut(10)
    screen.offset_s = 0
    for at_s in (20, 30, 45, 55, 65, 75):
        screen.cut(at_s)


def wall_hardly_moves(screen: RecordedScreen) -> None:
    for at_s in (0, 10, 20, 30):
        screen.cut(at_s)
        screen.offset_s = 0.0004 * (-1) ** round(at_s / 10)


def killed_with_a_reserved_take(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.end(10)
    screen.kill(0)  # nothing is on: what was reserved has no times
    screen.cut(12)
    screen.end(15)


def killed_with_a_started_take(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.cut(10)
    screen.kill(5)
    screen.cut(20)
    screen.end(30)


def killed_and_the_wall_is_behind_at_the_start(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.cut(10)
    screen.kill(5)
    screen.offset_s = -12
    screen.cut(20)
    screen.cut(30)
    screen.end(40)


def killed_while_the_wall_catches_up(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.cut(10)
    screen.offset_s = -8
    screen.cut(20)
    screen.kill(4)
    screen.cut(26)
    screen.end(40)


def restarted_while_the_wall_catches_up(screen: RecordedScreen) -> None:
    for at_s in (0, 10, 20):
        screen.cut(at_s)
    screen.offset_s = -25
    screen.cut(30)
    screen.cut(40)
    screen.end(50)
    screen.restart()
    screen.cut(50)
    screen.end(60)


def killed_at_the_start_of_a_take_and_the_wall_steps_back(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.kill(0)
    screen.offset_s = -6
    screen.cut(1)
    screen.cut(11)
    screen.end(21)


def stepped_back_into_an_earlier_run(screen: RecordedScreen) -> None:
    screen.cut(0)
    screen.end(10)
    screen.restart()
    screen.cut(60)
    screen.offset_s = -62
    screen.cut(70)
    screen.cut(80)
    screen.end(90)


CASES: dict[Callable[[RecordedScreen], None], list[tuple[float, float]]] = {
    plain_cuts: [(0, 10), (10, 20.001), (20.001, 30.002)],
    deck_reports_later_than_the_cut: [(0, 10), (10, 20)],
    deck_ends_before_the_cut: [(0, 9.6)],
    operator_skips: [(0, 3.333), (3.333, 3.334)],
    deck_is_lost: [(0, 4), (4, 9)],
    screen_goes_blank: [(0, 5), (65, 75)],
    wall_steps_forward: [(0, 10), (3610, 3620)],
    wall_steps_back_by_less_than_a_take: [(0, 10), (10, 18), (18, 28)],
    wall_steps_back_by_some_takes: [(0, 10), (10, 20), (20, 30), (30, 30), (30, 30), (30, 35), (35, 45)],
    wall_leaps_ahead_and_back: [(0, 10), (50, 60), (20, 30), (30, 45), (45, 50), (60, 65), (65, 75)],
    wall_hardly_moves: [(0, 10), (10, 20), (20, 30)],
    killed_with_a_reserved_take: [(0, 10), (12, 15)],
    killed_with_a_started_take: [(0, 10), (10, 15), (20, 30)],
    killed_and_the_wall_is_behind_at_the_start: [(0, 10), (10, 15), (15, 18), (18, 28)],
    killed_while_the_wall_catches_up: [(0, 10), (10, 20), (20, 24), (24, 32)],
    restarted_while_the_wall_catches_up: [(0, 10), (10, 20), (20, 30), (30, 30), (30, 30), (30, 35)],
    killed_at_the_start_of_a_take_and_the_wall_steps_back: [(0, 0), (-5, 0), (5, 15)],
    stepped_back_into_an_earlier_run: [(0, 10), (60, 70), (10, 18), (18, 28)],
}


@pytest.mark.parametrize("way", CASES, ids=lambda way: way.__name__)
def test_takes_never_overlap_in_the_record(way: Callable[[RecordedScreen], None]) -> None:
    screen = RecordedScreen()
    way(screen)
    assert screen.seconds() == CASES[way]
    assert overlaps(screen.recorded) == []


moments = st.floats(0, 30, allow_nan=False)
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("cut"), moments, st.floats(-1, 1)),
        st.tuples(st.just("end"), moments, st.floats(-1, 1)),
        st.tuples(st.just("step"), st.floats(-120, 120), st.just(0.0)),
        st.tuples(st.just("kill"), moments, st.just(0.0)),
        st.tuples(st.just("restart"), moments, st.just(0.0)),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(happenings)
def test_no_order_of_cuts_steps_and_restarts_makes_takes_overlap(happenings: list[tuple[str, float, float]]) -> None:
    screen, at_s = RecordedScreen(), 0.0
    for what, number, late_s in happenings:
        if what == "step":
            screen.offset_s += number
            continue
        at_s += number
        match what:
            case "cut":
                screen.cut(at_s, ended(at_s + late_s))
            case "end":
                screen.end(at_s, ended(at_s + late_s))
            case "kill":
                screen.kill(min(number, 5))
            case _:
                screen.end(at_s)
                screen.restart()
    assert overlaps(screen.recorded) == []
    assert all(times.started_at <= times.ended_at for times in screen.recorded)


def test_a_difference_between_the_clocks_below_a_step_is_not_followed() -> None:
    screen = RecordedScreen()
    screen.cut(0)
    screen.offset_s = (STEP_MS - 1) / 1000
    screen.cut(10)
    screen.offset_s = (STEP_MS + 1) / 1000
    screen.cut(20)
    screen.end(30)
    assert screen.seconds() == [(0, 10), (10, 20), (20 + (STEP_MS + 1) / 1000, 30 + (STEP_MS + 1) / 1000)]


def test_a_month_of_plays_that_follow_each_other_costs_the_next_cuts_no_more_than_one() -> None:
    clock = RecordClock()
    start = clock.start(BOOT_S, NOON, BOOT_S)
    month = [
        (unix_ms(NOON) + 60_000 + 10_000 * play, unix_ms(NOON) + 70_000 + 10_000 * play) for play in range(259_200)
    ]
    assert clock.avoid(start, month) == start
    assert clock._used == [(month[0][0], month[-1][1])]
