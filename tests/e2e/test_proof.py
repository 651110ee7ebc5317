"""What the origin is told was shown, held against what was on the display."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sync.runtime.clock import SystemClock
from tests.display import start_xvfb
from tests.e2e.alone import decks, wait_for_cut
from tests.e2e.site import Site, picture, until, video
from tests.player.pixels import BLUE, GREEN, RED, WHITE, YELLOW, ScreenRecording, is_close, recording_screen

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
ADS = 4
KILLS = 3


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of two films with an ad after each, at work."""
    folder = tmp_path_factory.mktemp("site")
    with start_xvfb(640, 360) as display:
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


def test_ads_have_the_shares_they_were_sold_to_less_than_one_play(site: Site) -> None:
    until(lambda: len(complete_ads(site)) >= ADS, "some ads")
    ads = complete_ads(site)
    seen = Counter(play["advertiser"] for play in ads)
    for advertiser, share in (("Green", 0.5), ("Yellow", 0.25), ("White", 0.25)):
        assert abs(seen[advertiser] - share * len(ads)) <= 1.0


def complete_ads(site: Site) -> list[dict[str, Any]]:
    return [play for play in site.complete() if play["kind"] == "ad"]


def both_decks_are_killed(site: Site) -> None:
    for pid in decks(site):
        os.kill(pid, signal.SIGKILL)


def decks_are_killed_inside_cuts(site: Site) -> None:
    chance = Random(12)
    for _ in range(KILLS):
        until(lambda: len(decks(site)) == 2, "both decks run")
        pid = chance.choice(decks(site))
        wait_for_cut(site, chance)
        with suppress(ProcessLookupError):  # it was replaced meanwhile
            os.kill(pid, signal.SIGKILL)


def the_player_stands_for_two_seconds(site: Site) -> None:
    os.kill(site.processes["player"].pid, signal.SIGSTOP)
    SystemClock().wait(2.0)
    os.kill(site.processes["player"].pid, signal.SIGCONT)


def the_player_is_killed(site: Site) -> None:
    site.stop("player", signal.SIGKILL)
    site.start("player")


FAULTS = (both_decks_are_killed, decks_are_killed_inside_cuts, the_player_stands_for_two_seconds, the_player_is_killed)


def test_through_all_faults_no_play_claims_more_than_was_on_the_display_and_none_is_lost(site: Site) -> None:
    clock, known = SystemClock(), list[str]()
    with recording_screen(site.display) as sight:
        began_at = clock.now()
        for fault in FAULTS:
            known = [play["hash"] for play in site.complete()]
            until(lambda: len(decks(site)) == 2, "both decks run")
            fault(site)
            until(partial(has_more_than, site, len(known)), f"it is proven again that it plays after {fault.__name__}")
            assert set(known) <= {play["hash"] for play in site.complete()}
    boot, slack_s = clock.now() - timedelta(seconds=clock.monotonic()), SLACK_S + sight.longest_gap_s()
    for play in (play for play in site.plays() if began(play) > began_at):
        colour, at_s = COLOURS[Path(play["title"]).stem], (began(play) - boot).total_seconds()
        seen_s = visible_s(sight, colour, at_s - slack_s, at_s + ended(play) + slack_s)
        assert play["rendered_ms"] / 1000 <= seen_s + slack_s, play
    (chain,) = site.ask("origin", "/v1/plays/audit")["devices"]
    assert chain["whole"] and not chain["implausible"], chain


def began(play: dict[str, str]) -> datetime:
    return datetime.fromisoformat(play["started_at"]).astimezone(UTC)


def has_more_than(site: Site, count: int) -> bool:
    return len(site.complete()) > count + 1


def ended(play: dict[str, str]) -> float:
    """Return after how many seconds a play ended."""
    return (datetime.fromisoformat(play["ended_at"]) - datetime.fromisoformat(play["started_at"])).total_seconds()


def visible_s(sight: ScreenRecording, colour: tuple[int, int, int], since_s: float, until_s: float) -> float:
    """Return for how long a colour was on the display within this time."""
    runs = [*sight.runs(), ((), sight.samples[-1][0], 0.0)]
    spans = (
        (first_s, next_s) for (colours, first_s, _), (_, next_s, _) in pairwise(runs) if is_close(colours[1], colour)
    )
    return sum(max(0.0, min(to_s, until_s) - max(from_s, since_s)) for from_s, to_s in spans)
