"""What a real stage reports of a real video: position, rates, decoder; and what it counts."""

from itertools import pairwise

import pytest

from player.stage.stage import Stage
from tests.player.conftest import Media, put_on_air
from tests.player.pixels import wait_until


async def test_the_stage_reports_the_video_on_air_and_counts_takes(stage: Stage, media: Media) -> None:
    await put_on_air(stage, media.shot("faststart"))
    await wait_until(lambda: (stage.facts().media_ms or 0) > 1000)
    facts = stage.facts()
    assert facts.deck in ("a", "b") and facts.on_air == "faststart"
    assert (facts.fps, facts.codec, facts.hardware) == (15.0, "h264", False)
    assert facts.painted_fps and 8 < facts.painted_fps < 23  # two seconds, on a loaded machine
    before = facts.media_ms
    assert before and before < 6_000
    seen = {before}

    def is_further() -> bool:
        seen.add(stage.facts().media_ms or before)
        return max(seen) - before > 1_500

    await wait_until(is_further)
    assert min(later - earlier for earlier, later in pairwise(sorted(seen))) < 400, "libVLC reports it every 0.5 s"
    await stage.preroll(media.shot("blue_picture"))
    await stage.cut_now("blue_picture")
    await wait_until(lambda: stage.facts().still_ms is not None)
    assert (stage.facts().fps, stage.facts().codec, stage.facts().painted_fps) == (None, None, None)
    counts = stage.counters
    assert counts.cuts == 2 and counts.late.buckets()[-1][1] == 2
    assert counts.preroll.buckets()[-1][1] == 2 and 0 < counts.preroll.sum_s < 16
    assert counts.black.buckets()[0][1] == counts.still.buckets()[-1][1] == 1  # of the video, and it was never black
    assert counts.late.sum_s == pytest.approx(0, abs=1)
