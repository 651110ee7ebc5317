"""A worn deck is replaced between two items, and that is not visible."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from player.platform.child_process import rss_bytes
from player.stage.deck_pair import Wear, worn_by
from player.stage.stage import Stage
from tests.player.conftest import Media, running_stage
from tests.player.pixels import BLUE, GREEN, RED, recording_screen, wait_until

MIB = 1024**2


@pytest.mark.parametrize(
    ("shots", "mib", "why"),
    [
        (0, 100, ""),
        (499, 600, ""),
        (500, 100, "it served 500 shots"),
        (20, 601, "it uses 601 MiB after 20 shots"),
        (19, 2000, ""),  # one large file, not a leak
    ],
)
def test_a_deck_is_worn_by_shots_or_by_memory(shots: int, mib: int, why: str) -> None:
    assert worn_by(shots, mib * MIB, Wear()) == why


def test_a_process_that_ended_uses_no_memory() -> None:
    assert rss_bytes(2**22 + 1) == 0


@pytest.fixture
async def worn_stage(display_name: str) -> AsyncIterator[Stage]:
    async with running_stage(display_name, wear=Wear(shots=2, least_shots=1)) as stage:
        yield stage


async def test_renewals_are_not_visible_and_delay_no_cut(worn_stage: Stage, media: Media, display_name: str) -> None:
    stage, seen = worn_stage, set[int]()
    await stage.preroll(media.shot("red", take="first"))
    await stage.cut_now("first")
    lateness: list[float] = []
    with recording_screen(display_name) as recording:
        for number in range(9):
            name = ("blue_picture", "green_picture", "red_picture")[number % 3]
            shot = media.shot(name, take=str(number), duration_ms=700)
            await stage.preroll(shot)
            cut = await stage.cut_at_end(shot.take)
            if cut.previous and number:
                lateness.append(cut.at_s - cut.previous.started_s - 0.7)
            seen.update(pid for pid in stage.facts().pids if pid)
    facts = stage.facts()
    assert facts.renewals >= 2 and len(seen) >= 4, facts
    assert facts.restarts == 0
    assert not recording.unexpected(RED, GREEN, BLUE)
    # A deck takes longer than that to start, and five were started: two late cuts are allowed on a loaded machine.
    assert sorted(lateness)[-3] < 0.4, lateness
    await wait_until(lambda: [Path(f"/proc/{pid}").exists() for pid in seen].count(True) <= 3)
