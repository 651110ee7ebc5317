"""A quarter of a day of the benchmark of ads: kills before any statement, the engine and the record agree."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "script" / "benchmarks"))

from ads_week import KILLS, Week


async def test_a_part_of_the_week_breaks_no_rule_and_loses_no_play(tmp_path: Path) -> None:
    row = await Week(1, 120, 0.2).run(tmp_path)
    assert row["kills"] > KILLS // 2 and row["ads"] > 150
    assert (row["rules"], row["plays_lost"], row["plays_doubled"], row["same_replay"]) == ([], 0, 0, True)
    assert row["share_error_plays"] <= 1.25
