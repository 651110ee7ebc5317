"""The real player on a real display while its world breaks: whatever happens, the shop sees content or the fallback.

No origin is there: the player holds its content. The fallback is yellow, so black, or anything else, is a fault.
"""

import os
import re
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind
from tests.display import Xvfb
from tests.e2e.alone import (
    CONTENT,
    alone,
    decks,
    good,
    longest_s,
    on_air,
    plays,
    problems,
    state,
    three_cuts,
    wait_for_cut,
)
from tests.e2e.holding import Held, hold
from tests.e2e.site import Site, until
from tests.long_tables import in_bench
from tests.player.pixels import BLACK, GREEN, WHITE, YELLOW, deck_blacked_out, is_close, recording_screen

pytestmark = pytest.mark.display


def set_aside(player: Site) -> str:
    return next((told for told in problems(player).splitlines() if "failed three times" in told), "")


def test_bad_media_are_passed_over_unseen_and_set_aside_at_the_third_failure(player: Site, media: Path) -> None:
    whole = (media / "red.mp4").read_bytes()
    red, _, blue = good(media)
    bad = (
        Held("zero", b""),
        Held("junk", bytes(range(256)) * 40),
        Held("truncated", whole[: len(whole) // 3]),
        Held("junk-picture", b"not a picture at all" * 100, MediaKind.PICTURE, duration_ms=500),
    )
    names = hold(state(player), red, *bad[:2], blue, *bad[2:])
    player.start("player")
    until(lambda: on_air(player), "it plays")
    with recording_screen(player.display) as sight:
        until(lambda: all(names[item.title][:12] in set_aside(player) for item in bad), "all are set aside", 60.0)
        aside = set_aside(player)
        three_cuts(sight)
    assert re.search(rf"zero \(\S.*; {names['zero'][:12]}\)", aside), "by title, in the decoder's own words"
    assert not sight.unexpected(*CONTENT)
    assert longest_s(sight) < 6.0, "what cannot be shown costs the item before it some seconds at most"
    told = player.log("player").read_text()
    for item in bad:
        assert told.count(f"title={item.title} skipped") == 3
    assert {play["title"] for play in plays(player) if play["outcome"] == "complete"} == {"red", "blue"}


def test_items_of_next_to_no_length_neither_spin_nor_show_anything_else(player: Site, media: Path) -> None:
    red, green, blue = good(media)
    blink = Held("blink", green.content, MediaKind.PICTURE, duration_ms=1)
    frame = Held("frame", (media / "frame.mp4").read_bytes(), length_ms=1)
    hold(state(player), red, blink, frame, blue)
    player.start("player")
    until(lambda: on_air(player), "it plays")
    with recording_screen(player.display) as sight:
        until(lambda: {play["title"] for play in plays(player)} >= {"red", "blink", "blue"}, "all were on")
    assert not sight.unexpected(*CONTENT, WHITE)


def test_a_stopped_deck_costs_a_moment_both_killed_show_the_fallback_and_neither_is_ever_black(player: Site) -> None:
    player.start("player")
    until(lambda: on_air(player) and len(decks(player)) == 2, "it plays")
    with recording_screen(player.display) as sight:
        stopped = decks(player)
        os.kill(stopped[0], signal.SIGSTOP)
        until(lambda: len(decks(player)) == 2 and stopped[0] not in decks(player), "it is replaced")
        three_cuts(sight)
        assert longest_s(sight) < 10
        for pid in decks(player):
            os.kill(pid, signal.SIGKILL)
        until(lambda: any(is_close(colours[1], YELLOW) for _, colours in sight.samples), "the fallback shows")
        until(lambda: len(decks(player)) == 2, "both are replaced")
        three_cuts(sight)
    assert not sight.unexpected(*CONTENT, YELLOW)
    fallback_s = sum(to - since for colours, since, to in sight.runs() if is_close(colours[1], YELLOW))
    assert fallback_s < 12


def test_a_killed_daemon_takes_its_decks_along_and_leaves_the_fallback(player: Site) -> None:
    player.start("player")
    until(lambda: on_air(player) and len(decks(player)) == 2, "it plays")
    left = decks(player)
    with recording_screen(player.display) as sight:
        player.stop("player", signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), "the decks are gone", 5.0)
        until(lambda: is_close(sight.samples[-1][1][1], YELLOW), "the fallback shows")
        player.start("player")
        until(lambda: on_air(player), "it plays again")
        three_cuts(sight)
    assert not sight.unexpected(*CONTENT, YELLOW)
    (cut_off,) = [play for play in plays(player) if play["outcome"] == "interrupted"]
    assert [play["sequence"] for play in plays(player)] == list(range(1, len(plays(player)) + 1))
    assert cut_off["rendered_ms"] <= 1000


def test_an_x_server_that_dies_and_comes_back_finds_the_player_alive(tmp_path: Path, media: Path) -> None:
    with Xvfb() as server, alone(tmp_path, media, server.name) as site:
        site.start("player")
        until(lambda: bool(plays(site)) and on_air(site), "it plays")
        process = site.processes["player"]
        wait_for_cut(site, Random(3))
        server.stop()
        gone_at = SystemClock().now()
        until(lambda: not decks(site) or "does not answer" in problems(site), "the loss is noticed")
        server.start()
        with recording_screen(site.display) as sight:
            until(lambda: any(is_close(colours[1], YELLOW) for _, colours in sight.samples), "it is back", 3.0)
            three_cuts(sight)
        assert process.poll() is None, "it was never restarted"
        told = plays(site)
        spans = [[datetime.fromisoformat(play[at]) for at in ("started_at", "ended_at")] for play in told]
        ends = [ended_at for started_at, ended_at in spans if started_at < gone_at]
        assert ends and max(ends) < gone_at + timedelta(seconds=0.3), "nothing claims to be on a display that is gone"
        assert [play["sequence"] for play in told] == list(range(1, len(told) + 1))
        assert "failed on air" not in site.log("player").read_text(), "no item is blamed"
        after = [colours for colours, _, _ in sight.runs()][1:]  # a new X server begins black
        assert not [colours for colours in after if is_close(colours[1], BLACK)]
        until(lambda: "X server" not in problems(site), "and nobody complains any more")


@pytest.mark.parametrize("hangs_s", [5.0, *in_bench(2.0, 20.0)])
def test_an_x_server_that_hangs_costs_no_deck_and_blames_nobody(tmp_path: Path, media: Path, hangs_s: float) -> None:
    clock = SystemClock()
    with Xvfb() as server, alone(tmp_path, media, server.name) as site:
        site.start("player")
        until(lambda: bool(plays(site)) and len(decks(site)) == 2, "it plays")
        before = decks(site)
        wait_for_cut(site, Random(8))
        stopped_at = clock.now()
        os.kill(server.pid, signal.SIGSTOP)
        clock.wait(hangs_s)
        told = problems(site)
        goes_on_at = clock.now()
        os.kill(server.pid, signal.SIGCONT)
        until(
            lambda: datetime.fromisoformat(plays(site)[-1]["started_at"]) > goes_on_at + timedelta(seconds=3),
            "it plays on",
        )
        assert "The X server does not answer" in told and "X server" not in problems(site)
        assert decks(site) == before
        log = site.log("player").read_text()
        assert "failed on air" not in log and "skipped" not in log and "lost" not in log
        began = [datetime.fromisoformat(play["started_at"]) for play in plays(site)]
        assert not [at for at in began if stopped_at + timedelta(seconds=0.3) < at < goes_on_at]
        assert max(play["rendered_ms"] for play in plays(site)) < 1_200, "no record outlives its item"


# Of the ladder only the top is left, so that one fault is enough to get there.
_IMPATIENT = """
from player.stage import escalation
escalation.next_escalation = lambda history, deck, at_s, upper=None: upper or escalation.EscalationStep.NEXT_ITEM
from player.app.cli import main
main()
"""


def test_a_picture_nothing_else_mends_ends_the_player_for_a_restart_and_then_for_a_reboot(
    player: Site, media: Path
) -> None:
    player.programs["player"] = (sys.executable, "-c", _IMPATIENT)
    player.extra["SIGNAGE_PLAYER__RECOVERY__REBOOT"] = "true"
    hold(state(player), Held("green", (media / "green.png").read_bytes(), MediaKind.PICTURE, duration_ms=60_000))
    with recording_screen(player.display) as sight:
        for code, told in ((5, ""), (6, "only by a restart at")):  # systemd starts it anew, and reboots after 6
            player.start("player")
            until(lambda: on_air(player) and is_close(sight.samples[-1][1][1], GREEN), "it plays")
            assert told in problems(player)
            with deck_blacked_out(player.display):
                assert player.processes.pop("player").wait(60) == code
            until(lambda: is_close(sight.samples[-1][1][1], YELLOW), "the fallback shows")
    assert not sight.unexpected(GREEN, YELLOW, BLACK)
