"""One line when a problem starts and one when it ends, also where it comes and goes."""

import logging

import pytest

from sync.recurring_problem import AWAY_S, RecurringProblem
from tests.fakes import FakeClock

log = logging.getLogger("test")
START, AGAIN, END, AWAY = "fails: ", "comes and goes", "works again", "works again: not seen for 60 minutes: "


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (["a", "a", "", "", ""], [START + "a", END]),
        (["a 1", "a 2", ""], [START + "a 1", END]),
        (["a", "b", "a", "b", ""], [START + "a", START + "b", END]),  # one away after the other: both are told once
        (["a", "", "a", "", "a", "", "a", ""], [START + "a", END, AGAIN]),
        (["a", "", "a", "", "a", "", AWAY_S, ""], [START + "a", END, AGAIN, AWAY + "a"]),
        (["a", "", AWAY_S, "", "a", ""], [START + "a", END, START + "a", END]),
        (["a", "", "b", "", "a", "b", "", "a", ""], [START + "a", END, START + "b", END, AGAIN, AGAIN]),
        (["old 4", "", "old 4", "", "old 5", "", AWAY_S, ""], [START + "old 4", AWAY + "old 5"]),
        (["old 4", "old 4", "b", ""], [START + "old 4", START + "b", END]),
        (["", AWAY_S, ""], []),
    ],
)
async def test_a_problem_is_told_when_it_starts_and_when_it_ends(
    events: list[str | float], told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    clock = FakeClock()
    problem = RecurringProblem(clock, log, "fails", "works again")
    for event in events:
        await clock.advance(10)
        if isinstance(event, float):
            await clock.advance(event)
        elif event:
            problem.occurred(event, comes_and_goes=event.startswith("old"))
        else:
            problem.cleared()
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == len(told), lines
    assert all(words in line for words, line in zip(told, lines, strict=True)), lines
