"""A compressed day on a real display: verifier, report and a witness of the pixels agree on it, play by play.

`script/bench proof` plays longer days with all disturbances, and measures by how much the record is off.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.day.agreement import Play, colour_of, compare, wall_offset_s
from tests.e2e.day.day import Day, running_day
from tests.e2e.day.disturbances import QUICK, disturb
from tests.e2e.site import until

pytestmark = pytest.mark.display

TAKES = 20
OFF_S = 0.25  # where two stages decode on two cores: as long as a deck says nothing; the bench measures 0.1
STEP_S = 0.3  # a smaller one of the wall clock is none


def test_verifier_report_and_a_witness_of_the_display_agree_on_a_day_play_by_play(tmp_path: Path) -> None:
    with running_day(tmp_path) as (day, sight):
        for what in QUICK:
            disturb(day, sight, what)
        until(lambda: sight.came > TAKES, "many takes")
        evidence = day.end()
    found = compare(evidence.plays, sight.pictures())
    assert (found.without_record, found.without_picture) == ([], [])
    assert len(found.matches) >= TAKES
    off_s = OFF_S + sight.widest_look_s
    assert [match for match in found.matches if match.off_s > off_s] == []
    shown = Counter(colour_of(match.play) for match in found.matches)
    assert shown.keys() == {"red", "lime", "cyan", "white", "yellow", "magenta"}, "two dayparts, and ads in both"
    assert evidence.verified["verdict"] == "whole", evidence.verified
    assert evidence.verified["unproven"] == evidence.verified["beside"] == 0
    assert sums_of_plays(evidence.plays) == sums(evidence.verified["lines"], "line")
    ads = [play for play in evidence.plays if play.get("line")]
    assert sums_of_plays(ads) == sums(evidence.report["rows"], "id")
    assert billed(ads) == {row["id"]: row["delivered"] for row in evidence.report["rows"]}
    assert evidence.set_aside == [], "true plays are plausible"
    assert all(is_by_the_clock(day, play) for play in evidence.plays)


def sums_of_plays(plays: list[Play]) -> dict[str | None, tuple[int, int]]:
    """Return by line how many plays there are, and how many milliseconds they were shown."""
    lines = {play.get("line") for play in plays}
    own = {line: [play["rendered_ms"] for play in plays if play.get("line") == line] for line in lines}
    return {line: (len(times), sum(times)) for line, times in own.items()}


def sums(rows: list[dict[str, Any]], id: str) -> dict[str | None, tuple[int, int]]:
    return {row[id]: (row["plays"], row["rendered_ms"]) for row in rows}


def billed(ads: list[Play]) -> dict[str, int]:
    """Return by line how many plays are complete."""
    complete = Counter(ad["line"] for ad in ads if ad["outcome"] == "complete")
    return {ad["line"]: complete[ad["line"]] for ad in ads}


def is_by_the_clock(day: Day, play: Play) -> bool:
    """Tell whether a play began by a wall clock that the player had."""
    boot_s = day.clock.now().timestamp() - day.clock.monotonic()
    return any(abs(wall_offset_s(play) - boot_s - ahead_s) < STEP_S for ahead_s in day.ahead_s)
