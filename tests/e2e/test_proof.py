"""What the origin is told was shown, held against what was on the display."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from sync.runtime.clock import SystemClock
from tests.display import start_xvfb
from tests.e2e.site import Site, picture, until, video
from tests.player.pixels import BLUE, GREEN, RED, WHITE, YELLOW, is_close, recording_screen

pytestmark = pytest.mark.display

PLAN = """
items = [{ file = "red.mp4" }, { file = "blue.mp4" }]

[[ads]]
name = "half"
advertiser = "Green"
share_ppm = 500_000
creatives = [{ file = "green.png", duration_ms = 1200 }]

[[ads]]
name = "a quarter"
advertiser = "Yellow"
share_ppm = 250_000
creatives = [{ file = "yellow.png", duration_ms = 1200 }]

[[ads]]
name = "another quarter"
advertiser = "White"
share_ppm = 250_000
creatives = [{ file = "white.png", duration_ms = 1200 }]
"""
COLOURS = {"red": RED, "blue": BLUE, "green": GREEN, "yellow": YELLOW, "white": WHITE}
SLACK_S = 0.15
ROUNDS = 2


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of two films with an ad after each, at work."""
    folder = tmp_path_factory.mktemp("site")
    with start_xvfb() as display:
        site = Site(folder, display)
        media = folder / "media"
        media.mkdir()
        for name in ("red", "blue"):
            video(media / f"{name}.mp4", name, seconds=1.4)
        picture(media / "green.png", "lime")
        picture(media / "yellow.png", "yellow")
        picture(media / "white.png", "white")
        (media / "playlist.toml").write_text(PLAN)
        try:
            site.publish()
            site.start("origin")
            site.start("player")
            until(lambda: len(site.complete()) >= 1, "the first play is acknowledged")
            yield site
        finally:
            site.close()


def test_every_picture_on_the_display_is_one_play_that_began_then_and_lasted_so_long(site: Site) -> None:
    clock = SystemClock()
    with recording_screen(site.display) as sight:
        until(lambda: len(sight.runs()) >= 4 * ROUNDS + 2, "some rounds are seen", 120.0)
    slack = timedelta(seconds=SLACK_S + sight.longest_gap_s())  # what came while nobody looked was seen later
    boot = clock.now() - timedelta(seconds=clock.monotonic())
    assert not sight.unexpected(*COLOURS.values())
    whole = list(pairwise(sight.runs()))[1:]  # of the first the beginning was not seen, of the last the end
    last = boot + timedelta(seconds=whole[-1][1][1])
    until(lambda: any(began(play) > last - slack for play in site.plays()), "they are delivered")
    plays = site.plays()
    for (colours, first_s, _), (_, next_s, _) in whole:
        at = boot + timedelta(seconds=first_s)
        (play,) = [play for play in plays if abs(began(play) - at) < slack]
        assert is_close(colours[1], COLOURS[Path(play["title"]).stem])
        assert abs(timedelta(milliseconds=play["rendered_ms"]) - timedelta(seconds=next_s - first_s)) < slack
        assert play["outcome"] == "complete"
    assert site.ask("origin", "/v1/plays?set_aside=true")["plays"] == [], "true plays are plausible"


def began(play: dict[str, str]) -> datetime:
    return datetime.fromisoformat(play["started_at"]).astimezone(UTC)


def test_ads_have_the_shares_they_were_sold_to_less_than_one_play(site: Site) -> None:
    ads = [play for play in site.complete() if play["kind"] == "ad"]
    seen = Counter(play["advertiser"] for play in ads)
    assert len(ads) >= 2 * ROUNDS
    for advertiser, share in (("Green", 0.5), ("Yellow", 0.25), ("White", 0.25)):
        assert abs(seen[advertiser] - share * len(ads)) <= 1.0
