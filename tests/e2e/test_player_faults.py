"""The real player on a real display while its world breaks: whatever happens, the shop sees content or the fallback.

No origin is there: the player holds its content. The fallback is yellow, so black, or anything else, is a fault.
"""

import os
import re
import signal
import sys
from collections.abc import Iterator
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
    wait_for_play,
)
from tests.e2e.holding import Held, hold
from tests.e2e.site import Site, until
from tests.long_tables import in_bench
from tests.player.pixels import BLACK, GREEN, WHITE, YELLOW, deck_blacked_out, is_close, recording_screen

pytestmark = pytest.mark.display


def set_aside(player: Site) -> str:
    return next((told for told in problems(player).splitlines() if "failed three times" in told), "")


def test_bad_media_are_set_aside_at_the_third_failure_and_items_of_next_to_no_length_do_not_spin(
    player: Site, media: Path
) -> None:
    """Neither is ever seen."""
    whole = (media / "red.mp4").read_bytes()
    red, green, blue = good(media)
    bad = (
        Held("zero", b""),
        Held("junk", bytes(range(256)) * 40),
        Held("truncated", whole[: len(whole) // 3]),
        Held("junk-picture", b"not a picture at all" * 100, MediaKind.PICTURE, duration_ms=500),
    )
    blink = Held("blink", green.content, MediaKind.PICTURE, duration_ms=1)
    frame = Held("frame", (media / "frame.mp4").read_bytes(), length_ms=1)
    names = hold(state(player), red, *bad[:2], blue, blink, frame, green, *bad[2:])
    player.start("player")
    until(lambda: on_air(player), "it plays")
    with recording_screen(player.display) as sight:
        until(lambda: all(names[item.title][:12] in set_aside(player) for item in bad), "all are set aside")
        aside = set_aside(player)
        three_cuts(sight)
    assert re.search(rf"zero \(\S.*; {names['zero'][:12]}\)", aside), "by title, in the decoder's own words"
    assert not sight.unexpected(*CONTENT, WHITE)
    assert longest_s(sight) < 6.0, "what cannot be shown costs the item before it some seconds at most"
    told = player.log("player").read_text()
    for item in bad:
        assert told.count(f"title={item.title} skipped") == 3
    complete = {play["title"] for play in plays(player) if play["outcome"] == "complete"}
    assert {"red", "blue", "blink", "green"} <= complete <= {"red", "blue", "blink", "frame", "green"}


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


@pytest.fixture(scope="module")
def server() -> Iterator[Xvfb]:
    with Xvfb(640, 360) as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, media: Path, server: Xvfb) -> Iterator[Site]:
    with alone(tmp_path_factory.mktemp("shared"), media, server.name) as site:
        yield site


@pytest.fixture
def shared(running: Site) -> Site:
    """A player at work that several tests share, on an X server of its own."""
    wait_for_play(running)
    return running


@pytest.mark.parametrize("hangs_s", [5.0, *in_bench(2.0, 20.0)])
def test_an_x_server_that_hangs_costs_no_deck_and_blames_nobody(server: Xvfb, shared: Site, hangs_s: float) -> None:
    clock = SystemClock()
    before, so_far, logged = decks(shared), len(plays(shared)), len(shared.log("player").read_text())
    wait_for_cut(shared, Random(8))
    stopped_at = clock.now()
    os.kill(server.pid, signal.SIGSTOP)
    clock.wait(hangs_s)
    told = problems(shared)
    goes_on_at = clock.now()
    os.kill(server.pid, signal.SIGCONT)
    until(
        lambda: datetime.fromisoformat(plays(shared)[-1]["started_at"]) > goes_on_at + timedelta(seconds=3),
        "it plays on",
    )
    assert "The X server does not answer" in told and "X server" not in problems(shared)
    assert decks(shared) == before
    log = shared.log("player").read_text()[logged:]
    assert "failed on air" not in log and "skipped" not in log and "lost" not in log
    told_since = plays(shared)[so_far:]
    began = [datetime.fromisoformat(play["started_at"]) for play in told_since]
    assert not [at for at in began if stopped_at + timedelta(seconds=0.3) < at < goes_on_at]
    assert max(play["rendered_ms"] for play in told_since) < 1_200, "no record outlives its item"


def test_a_stopped_deck_costs_a_moment_both_killed_show_the_fallback_and_neither_is_ever_black(shared: Site) -> None:
    with recording_screen(shared.display) as sight:
        stopped = decks(shared)
        os.kill(stopped[0], signal.SIGSTOP)
        until(lambda: len(decks(shared)) == 2 and stopped[0] not in decks(shared), "it is replaced")
        three_cuts(sight)
        assert longest_s(sight) < 10
        for pid in decks(shared):
            os.kill(pid, signal.SIGKILL)
        until(lambda: any(is_close(colours[1], YELLOW) for _, colours in sight.samples), "the fallback shows")
        until(lambda: len(decks(shared)) == 2, "both are replaced")
        three_cuts(sight)
    assert not sight.unexpected(*CONTENT, YELLOW)
    fallback_s = sum(to - since for colours, since, to in sight.runs() if is_close(colours[1], YELLOW))
    assert fallback_s < 12


def test_a_killed_daemon_takes_its_decks_along_and_leaves_the_fallback(shared: Site) -> None:
    left, so_far = decks(shared), len(plays(shared))
    with recording_screen(shared.display) as sight:
        shared.stop("player", signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), "the decks are gone")
        until(lambda: is_close(sight.samples[-1][1][1], YELLOW), "the fallback shows")
        shared.start("player")
        until(lambda: on_air(shared), "it plays again")
        three_cuts(sight)
    assert not sight.unexpected(*CONTENT, YELLOW)
    told = plays(shared)
    (cut_off,) = [play for play in told[so_far:] if play["outcome"] == "interrupted"]
    assert [play["sequence"] for play in told] == list(range(1, len(told) + 1))
    assert cut_off["rendered_ms"] <= 1000


def test_an_x_server_that_dies_and_comes_back_finds_the_player_alive(server: Xvfb, shared: Site) -> None:
    logged = len(shared.log("player").read_text())
    process = shared.processes["player"]
    wait_for_cut(shared, Random(3))
    server.stop()
    gone_at = SystemClock().now()
    until(lambda: not decks(shared) or "does not answer" in problems(shared), "the loss is noticed")
    server.start()
    with recording_screen(shared.display) as sight:
        until(lambda: any(is_close(colours[1], YELLOW) for _, colours in sight.samples), "it is back")
        three_cuts(sight)
    assert process.poll() is None, "it was never restarted"
    told = plays(shared)
    spans = [[datetime.fromisoformat(play[at]) for at in ("started_at", "ended_at")] for play in told]
    ends = [ended_at for started_at, ended_at in spans if started_at < gone_at]
    assert ends and max(ends) < gone_at + timedelta(seconds=0.3), "nothing claims to be on a display that is gone"
    assert [play["sequence"] for play in told] == list(range(1, len(told) + 1))
    assert "failed on air" not in shared.log("player").read_text()[logged:], "no item is blamed"
    after = [colours for colours, _, _ in sight.runs()][1:]  # a new X server begins black
    assert not [colours for colours in after if is_close(colours[1], BLACK)]
    until(lambda: "X server" not in problems(shared), "and nobody complains any more")
