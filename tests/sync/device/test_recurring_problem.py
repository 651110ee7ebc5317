"""One line when a problem starts and one when it ends, also where it comes and goes with every poll."""

import logging
from pathlib import Path

import pytest

from sync.device.recurring_problem import AWAY_S, RecurringProblem
from sync.device.store.content_store import ContentStore
from sync.wire.content_paths import timestamp_path
from tests.fakes import FakeClock
from tests.sync.conftest import running
from tests.sync.file_tree_origin import CHANNEL, Origin, noise

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


async def test_edges_of_different_age_cost_two_lines_however_often_they_are_asked(
    origin: Origin, store: ContentStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "sync.device")
    origin.publisher.publish(noise(1, 1000))
    file = Path(origin.publisher.folder) / timestamp_path(CHANNEL)
    old = file.read_bytes()
    origin.publisher.publish(noise(2, 1000))
    new = file.read_bytes()
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        for edge in [old, new] * 6:
            origin.publisher.write(timestamp_path(CHANNEL), edge)
            state = "waiting" if edge == old else "current"
            device.syncer.wake()
            await device.until(lambda state=state: device.syncer.facts().state == state, pass_s=1)  # type: ignore[misc]
        await device.clock.advance(AWAY_S)
        await device.until(lambda: "not seen" in caplog.text, pass_s=60)
    lines = [record.getMessage() for record in caplog.records if "sequence 1 is older than 2" in record.getMessage()]
    assert len(lines) == 2 and "sync works again" not in lines[0]
    assert not [record for record in caplog.records if record.getMessage() == "sync works again"]
    assert store.active().release.channel == CHANNEL  # type: ignore[union-attr]
