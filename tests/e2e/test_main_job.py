"""The main job as a user has it: the real commands, real libVLC, and the pixels of a real display."""

import os
import signal
import sqlite3
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from sync.runtime.clock import SystemClock
from sync.wire.device_reports import Play, play_hash
from tests.e2e.site import Site, until, video
from tests.player.pixels import BLACK, BLUE, GREEN, RED, YELLOW, Colour, is_close, recording_screen

pytestmark = pytest.mark.display


def test_what_is_published_is_on_the_display_in_order_with_nothing_between_and_proven(site: Site) -> None:
    with recording_screen(site.display) as sight:
        before = len(site.complete())
        until(lambda: len(site.complete()) >= before + 4, "one more round")
    assert not sight.unexpected(RED, GREEN, BLUE)
    seen = [next(known for known in (RED, GREEN, BLUE) if is_close(run[0][1], known)) for run in sight.runs()]
    changes = [colour for colour, _ in groupby(seen)]
    following = {RED: GREEN, GREEN: BLUE, BLUE: RED}
    assert all(later == following[sooner] for sooner, later in pairwise(changes))


def test_plays_reach_the_origin_once_each_in_one_chain(site: Site) -> None:
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


def test_the_screen_goes_on_without_the_origin_and_across_kill_9_and_the_cut_off_take_is_told(site: Site) -> None:
    site.stop("origin")
    with recording_screen(site.display) as sight:
        until(lambda: len(sight.runs()) >= 4, "three cuts without an origin")
    assert not sight.unexpected(RED, GREEN, BLUE)
    (take,) = _half_way(site)
    site.stop("player", signal.SIGKILL)
    site.start("player")
    until(lambda: site.now()["showing"] == "item", "it plays again from its cache")
    site.start("origin")
    until(lambda: take in {play["take"] for play in site.plays()}, "the cut-off take reaches the origin")
    (cut_off,) = [play for play in site.plays() if play["take"] == take]
    assert cut_off["outcome"] == "interrupted"


def _half_way(site: Site) -> list[str]:
    """Return the take on air, once it has been there for a while."""
    found: list[str] = []

    def look() -> bool:
        now = site.now()
        since = datetime.fromisoformat(now["since"]) if now["since"] else datetime.now(UTC)
        found[:] = [now["take"]] if datetime.now(UTC) - since > timedelta(seconds=0.4) else []
        return bool(found)

    until(look, "a take is half way")
    return found


def test_a_deck_killed_on_air_costs_less_than_a_second_and_one_log_line(site: Site) -> None:
    lines = site.log("player").read_text().count("\n")
    with recording_screen(site.display) as sight:
        (pid,) = _deck_on_air(site)
        os.kill(pid, signal.SIGKILL)
        killed_s = SystemClock().monotonic()
        until(lambda: pid not in site.ask("player", "/v1/status")["decks"]["pids"], "the deck is replaced")
        before = len(site.complete())
        until(lambda: len(site.complete()) >= before + 3, "the loop goes on")
    assert not any(run[0][1] == BLACK for run in sight.runs()), "the screen went black"
    changed_s = next(began for colours, began, _ in sight.runs() if began > killed_s and near_any(colours[1]))
    assert changed_s - killed_s < 6  # less than one, on a quiet machine (the title says so)
    told = site.log("player").read_text().splitlines()[lines:]
    assert len([line for line in told if "lost: it was ended by SIGKILL" in line]) == 1, told


def _deck_on_air(site: Site) -> list[int]:
    """Return the deck that has the asset on air open; at another moment the other may have it open as well."""
    found: list[int] = []

    def look() -> bool:
        asset = site.now()["asset"]
        pids = [pid for pid in site.ask("player", "/v1/status")["decks"]["pids"] if pid]
        found[:] = [pid for pid in pids if asset in {link.resolve().name for link in Path(f"/proc/{pid}/fd").iterdir()}]
        return len(found) == 1 and len(pids) == 2

    until(look, "one deck holds what is on air")
    return found


def near_any(colour: Colour) -> bool:
    return any(is_close(colour, known) for known in (RED, GREEN, BLUE))


def test_a_new_release_takes_over_whole_and_the_old_one_plays_until_then(site: Site) -> None:
    for old in (site.folder / "media").iterdir():
        old.unlink()
    video(site.folder / "media" / "yellow.mp4", "yellow")
    with recording_screen(site.display) as sight:
        site.publish()
        until(lambda: "yellow" in site.now()["title"], "the new item is on air")
        until(lambda: any("yellow" in str(play["title"]) for play in site.complete()), "and proven")
    assert not sight.unexpected(RED, GREEN, BLUE, YELLOW)
    assert site.ask("player", "/v1/status")["sync"]["sequence"] == 2
    held = {path.name for path in (site.folder / "player" / "store" / "assets").iterdir()}
    assert len(held) == 4, "the previous release is kept beside the new one"


def test_a_signal_ends_both_cleanly_and_leaves_nothing_behind(site: Site) -> None:
    began_s = SystemClock().monotonic()
    assert site.stop("player") == 0
    assert site.stop("origin") == 0
    assert SystemClock().monotonic() - began_s < 60
    with sqlite3.connect(site.folder / "player" / "state" / "plays.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with recording_screen(site.display) as sight:
        until(lambda: len(sight.samples) > 20, "the screen was looked at")
    assert not any(colours[1] == BLACK for _, colours in sight.samples), "the fallback stays on the root window"
