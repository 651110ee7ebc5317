"""The main job as a user has it: the real commands, real libVLC, and the pixels of a real display."""

import os
import signal
import sqlite3
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from sync.clock import SystemClock
from sync.report import Play, play_hash
from tests.e2e.site import Site, until, video
from tests.stage.eyes import BLACK, BLUE, GREEN, RED, YELLOW, Colour, near, watching

pytestmark = pytest.mark.display


def publish(site: Site) -> None:
    site.command("signage-origin", "publish", str(site.folder / "media"), "--channel", "main")


async def playing(site: Site) -> None:
    """Bring a site to where all three colours were on the display and proven."""
    publish(site)
    await site.start("origin")
    await site.start("player")
    await until(lambda: len({play["title"] for play in complete(site)}) >= 3, "a complete play of each item")


def complete(site: Site) -> list[dict[str, object]]:
    return [play for play in site.plays() if play["outcome"] == "complete"]


async def test_what_is_published_is_on_the_display_in_order_with_nothing_between_and_proven(site: Site) -> None:
    await playing(site)
    with watching(site.display) as sight:
        before = len(complete(site))
        await until(lambda: len(complete(site)) >= before + 4, "one more round")
    assert not sight.strangers(RED, GREEN, BLUE)
    seen = [next(known for known in (RED, GREEN, BLUE) if near(run[0][1], known)) for run in sight.runs()]
    changes = [colour for colour, _ in groupby(seen)]
    following = {RED: GREEN, GREEN: BLUE, BLUE: RED}
    assert all(later == following[sooner] for sooner, later in pairwise(changes))
    assert site.stop("player") == 0
    assert site.stop("origin") == 0


async def test_plays_reach_the_origin_once_each_in_one_chain(site: Site) -> None:
    await playing(site)
    plays = sorted(site.plays(), key=lambda play: play["sequence"])
    assert [play["sequence"] for play in plays] == list(range(1, len(plays) + 1))
    for sooner, later in pairwise(plays):
        assert later["previous_hash"] == sooner["hash"]
    for play in plays:
        assert Play.model_validate(play)
        assert play_hash(play["previous_hash"], play) == play["hash"]
    with sqlite3.connect(site.folder / "origin" / "origin.db") as database:
        (rows,) = database.execute("SELECT count(*) FROM plays").fetchone()
    assert rows >= len(plays)


async def test_the_screen_goes_on_without_the_origin_and_across_kill_9_and_the_cut_off_take_is_told(site: Site) -> None:
    await playing(site)
    site.stop("origin")
    with watching(site.display) as sight:
        await until(lambda: len(sight.runs()) >= 4, "three cuts without an origin")
    assert not sight.strangers(RED, GREEN, BLUE)
    await until(lambda: site.ask("player", "/v1/now")["showing"] == "item", "an item is on air")
    take = site.ask("player", "/v1/now")["take"]
    site.stop("player", signal.SIGKILL)
    await site.start("player")
    await until(lambda: site.ask("player", "/v1/now")["showing"] == "item", "it plays again from its cache")
    await site.start("origin")
    await until(lambda: take in {play["take"] for play in site.plays()}, "the cut-off take reaches the origin")
    (cut_off,) = [play for play in site.plays() if play["take"] == take]
    assert cut_off["outcome"] == "interrupted"


async def test_a_deck_killed_on_air_costs_less_than_a_second_and_one_log_line(site: Site) -> None:
    await playing(site)
    lines = site.log("player").read_text().count("\n")
    with watching(site.display) as sight:
        (pid,) = await _deck_on_air(site)
        os.kill(pid, signal.SIGKILL)
        killed_s = SystemClock().monotonic()
        await until(lambda: pid not in site.ask("player", "/v1/status")["decks"]["pids"], "the deck is replaced")
        before = len(complete(site))
        await until(lambda: len(complete(site)) >= before + 3, "the loop goes on")
    assert not any(run[0][1] == BLACK for run in sight.runs()), "the screen went black"
    changed_s = next(began for colours, began, _ in sight.runs() if began > killed_s and near_any(colours[1]))
    assert changed_s - killed_s < 1.5
    told = site.log("player").read_text().splitlines()[lines:]
    assert len([line for line in told if "deck" in line and "WARNING" in line]) == 1, told


async def _deck_on_air(site: Site) -> list[int]:
    """Return the deck that has the asset on air open; at another moment the other may have it open as well."""
    found: list[int] = []

    def look() -> bool:
        asset = site.ask("player", "/v1/now")["asset"]
        pids = [pid for pid in site.ask("player", "/v1/status")["decks"]["pids"] if pid]
        found[:] = [pid for pid in pids if asset in {link.resolve().name for link in Path(f"/proc/{pid}/fd").iterdir()}]
        return len(found) == 1 and len(pids) == 2

    await until(look, "one deck holds what is on air")
    return found


def near_any(colour: Colour) -> bool:
    return any(near(colour, known) for known in (RED, GREEN, BLUE))


async def test_a_new_release_takes_over_whole_and_the_old_one_plays_until_then(site: Site) -> None:
    await playing(site)
    for old in (site.folder / "media").iterdir():
        old.unlink()
    video(site.folder / "media" / "yellow.mp4", "yellow")
    with watching(site.display) as sight:
        publish(site)
        await until(lambda: "yellow" in site.ask("player", "/v1/now")["title"], "the new item is on air")
        await until(lambda: any("yellow" in str(play["title"]) for play in complete(site)), "and proven")
    assert not sight.strangers(RED, GREEN, BLUE, YELLOW)
    assert site.ask("player", "/v1/status")["sync"]["sequence"] == 2
    held = {path.name for path in (site.folder / "player" / "store" / "assets").iterdir()}
    assert len(held) == 4, "the previous release is kept beside the new one"
