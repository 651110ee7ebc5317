"""The real player on a real display while its world breaks: whatever happens, the shop sees content or the fallback.

No origin is there: the player holds its content. The fallback is yellow, so black, or anything else, is a fault.
"""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sync.clock import SystemClock
from sync.release import MediaKind
from tests.display import Xvfb, start_xvfb
from tests.e2e.holding import Held, hold
from tests.e2e.site import Site, picture, until, video
from tests.stage.eyes import BLACK, BLUE, GREEN, RED, WHITE, YELLOW, Sight, near, watching

pytestmark = pytest.mark.display

CONTENT = (RED, GREEN, BLUE)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    video(folder / "red.mp4", "red", seconds=1.0)
    video(folder / "blue.mp4", "blue", seconds=1.0, size="640x480", rate=25)
    video(folder / "frame.mp4", "white", seconds=0.03)
    picture(folder / "green.png", "lime")
    picture(folder / "yellow.png", "yellow")
    return folder


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with start_xvfb() as name:
        yield name


@pytest.fixture
def player(tmp_path: Path, media: Path, display: str) -> Iterator[Site]:
    """A player that is not started yet, and holds three good items."""
    with alone(tmp_path, media, display) as site:
        yield site


@contextmanager
def alone(folder: Path, media: Path, display: str) -> Iterator[Site]:
    site = Site(folder, display, extra={"SIGNAGE_PLAYER__PLAYBACK__FALLBACK": str(media / "yellow.png")})
    hold(state(site), *good(media))
    try:
        yield site
    finally:
        site.close()


def good(media: Path) -> tuple[Held, ...]:
    still = Held("green", (media / "green.png").read_bytes(), MediaKind.PICTURE, duration_ms=800)
    red, blue = ((media / f"{name}.mp4").read_bytes() for name in ("red", "blue"))
    return Held("red", red, length_ms=1000), still, Held("blue", blue, length_ms=1000)


def state(site: Site) -> Path:
    return site.folder / "player"


def plays(site: Site) -> list[dict[str, Any]]:
    """Return the plays on the device, oldest first."""
    return list(reversed(site.ask("player", "/v1/plays?limit=500")["plays"]))


def problems(site: Site) -> str:
    return "\n".join(site.ask("player", "/v1/status")["problems"])


def on_air(site: Site) -> bool:
    return bool(site.now()["showing"] == "item")


def decks(site: Site) -> list[int]:
    return [pid for pid in site.ask("player", "/v1/status")["decks"]["pids"] if pid]


def longest_s(sight: Sight) -> float:
    """Return how long the screen stood still at most."""
    return max(until_s - since_s for _, since_s, until_s in sight.runs())


def three_cuts(sight: Sight) -> None:
    so_far = len(sight.runs())
    until(lambda: len(sight.runs()) >= so_far + 4, "three more cuts")


def test_bad_media_are_passed_over_unseen_and_set_aside_at_the_third_failure(player: Site, media: Path) -> None:
    whole = (media / "red.mp4").read_bytes()
    red, green, blue = good(media)
    bad = (
        Held("zero", b""),
        Held("junk", bytes(range(256)) * 40),
        Held("truncated", whole[: len(whole) // 3]),
        Held("junk-picture", b"not a picture at all" * 100, MediaKind.PICTURE, duration_ms=500),
    )
    names = hold(state(player), red, *bad[:3], green, *bad[3:], blue)
    player.start("player")
    until(lambda: on_air(player), "it plays")
    with watching(player.display) as sight:
        until(lambda: all(names[item.title][:12] in problems(player) for item in bad), "all are set aside", 60.0)
        three_cuts(sight)
    assert not sight.strangers(*CONTENT)
    assert longest_s(sight) < 6.0, "what cannot be shown costs the item before it some seconds at most"
    told = player.log("player").read_text()
    for item in bad:
        assert told.count(f"title={item.title} skipped") == 3
    assert {play["title"] for play in plays(player) if play["outcome"] == "complete"} == {"red", "green", "blue"}


def test_items_of_next_to_no_length_neither_spin_nor_show_anything_else(player: Site, media: Path) -> None:
    red, green, blue = good(media)
    blink = Held("blink", green.content, MediaKind.PICTURE, duration_ms=1)
    frame = Held("frame", (media / "frame.mp4").read_bytes(), length_ms=1)
    hold(state(player), red, blink, frame, blue)
    player.start("player")
    until(lambda: on_air(player), "it plays")
    with watching(player.display) as sight:
        three_cuts(sight)
        three_cuts(sight)
    assert not sight.strangers(*CONTENT, WHITE)
    assert {play["title"] for play in plays(player)} >= {"red", "blink", "blue"}


def test_both_decks_killed_show_the_fallback_for_a_moment_and_never_black(player: Site) -> None:
    player.start("player")
    until(lambda: on_air(player) and len(decks(player)) == 2, "it plays")
    with watching(player.display) as sight:
        for pid in decks(player):
            os.kill(pid, signal.SIGKILL)
        until(lambda: any(near(colours[1], YELLOW) for _, colours in sight.seen), "the fallback shows", 3.0)
        until(lambda: len(decks(player)) == 2, "both are replaced")
        three_cuts(sight)
    assert not sight.strangers(*CONTENT, YELLOW)
    fallback_s = sum(to - since for colours, since, to in sight.runs() if near(colours[1], YELLOW))
    assert fallback_s < 4.0


def test_a_deck_that_is_stopped_costs_some_seconds_and_never_black(player: Site) -> None:
    player.start("player")
    until(lambda: on_air(player) and len(decks(player)) == 2, "it plays")
    with watching(player.display) as sight:
        stopped = decks(player)
        os.kill(stopped[0], signal.SIGSTOP)
        until(lambda: len(decks(player)) == 2 and stopped[0] not in decks(player), "it is replaced")
        three_cuts(sight)
    assert not sight.strangers(*CONTENT, YELLOW)
    assert longest_s(sight) < 7.0


def test_a_killed_daemon_takes_its_decks_along_and_leaves_the_fallback(player: Site) -> None:
    player.start("player")
    until(lambda: on_air(player) and len(decks(player)) == 2, "it plays")
    left = decks(player)
    with watching(player.display) as sight:
        player.stop("player", signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), "the decks are gone", 5.0)
        until(lambda: near(sight.seen[-1][1][1], YELLOW), "the fallback shows", 3.0)
        player.start("player")
        until(lambda: on_air(player), "it plays again")
        three_cuts(sight)
    assert not sight.strangers(*CONTENT, YELLOW)
    (cut_off,) = [play for play in plays(player) if play["outcome"] == "interrupted"]
    assert [play["sequence"] for play in plays(player)] == list(range(1, len(plays(player)) + 1))
    assert cut_off["rendered_ms"] <= 1000


def test_an_x_server_that_dies_and_comes_back_finds_the_player_alive(tmp_path: Path, media: Path) -> None:
    with Xvfb() as server, alone(tmp_path, media, server.name) as site:
        site.start("player")
        until(lambda: on_air(site), "it plays")
        process = site.processes["player"]
        server.stop()
        until(lambda: not decks(site) or "does not answer" in problems(site), "the loss is noticed")
        server.start()
        with watching(site.display) as sight:
            until(lambda: any(near(colours[1], YELLOW) for _, colours in sight.seen), "the fallback is back", 3.0)
            three_cuts(sight)
        assert process.poll() is None, "it was never restarted"
        after = [colours for colours, _, _ in sight.runs()][1:]  # a new X server begins black
        assert not [colours for colours in after if near(colours[1], BLACK)]
        until(lambda: "X server" not in problems(site), "and nobody complains any more")


def test_a_database_locked_by_somebody_else_stops_neither_the_screen_nor_the_proof(player: Site) -> None:
    player.start("player")
    until(lambda: len(plays(player)) >= 2, "it plays")
    clock = SystemClock()
    with watching(player.display) as sight:
        with closing(sqlite3.connect(ledger(player), isolation_level=None)) as thief:
            thief.execute("BEGIN IMMEDIATE")
            by_s = clock.monotonic() + 10.0
            until(lambda: clock.monotonic() > by_s, "ten seconds pass")
            thief.execute("ROLLBACK")
        until(lambda: "cannot be written" not in problems(player), "it is written again")
        three_cuts(sight)
    assert not sight.strangers(*CONTENT)
    assert longest_s(sight) < 3.0
    assert_all_proven(player, sight)


def ledger(site: Site) -> Path:
    (path,) = (state(site) / "state").glob("plays*.db")
    return path


def assert_all_proven(site: Site, sight: Sight) -> None:
    """Hold the plays of the device against what was seen: each cut one play, in one unbroken chain."""
    told = plays(site)
    assert [play["sequence"] for play in told] == list(range(1, len(told) + 1))
    assert all(later["previous_hash"] == sooner["hash"] for sooner, later in pairwise(told))
    assert len({play["take"] for play in told}) == len(told)
    shown = [colours for colours, _, _ in sight.runs() if any(near(colours[1], known) for known in CONTENT)]
    seen = [next(known for known in CONTENT if near(colours[1], known)) for colours in shown]
    cuts = [after for before, after in pairwise(seen) if before != after][:-1]  # the last is still on
    names = {RED: "red", GREEN: "green", BLUE: "blue"}
    titles = [play["title"] for play in told]
    wanted = [names[colour] for colour in cuts]
    assert any(titles[at : at + len(wanted)] == wanted for at in range(len(titles))), (wanted, titles)


def test_a_ledger_ruined_under_the_player_is_set_aside_at_the_next_start_and_the_screen_never_cares(
    player: Site,
) -> None:
    player.start("player")
    until(lambda: len(plays(player)) >= 2, "it plays")
    path = ledger(player)
    with watching(player.display) as sight:
        with path.open("r+b") as file:
            file.write(b"\xaa" * path.stat().st_size)
        three_cuts(sight)
        player.stop("player", signal.SIGKILL)
        path.with_name(f"{path.name}-wal").unlink()
        player.start("player")
        until(lambda: on_air(player), "it plays again")
        three_cuts(sight)
        until(lambda: len(plays(player)) >= 2, "and is proven again")
    assert not sight.strangers(*CONTENT, YELLOW)
    assert "set aside" in problems(player)
    assert plays(player)[0]["sequence"] == 1


def test_a_configuration_ruined_on_disk_changes_nothing_and_is_told(player: Site, tmp_path: Path) -> None:
    file = tmp_path / "player.toml"
    file.write_text("[playback]\nvolume = 40\n")
    player.options = ("--config", str(file))
    player.start("player")
    until(lambda: on_air(player), "it plays")
    with watching(player.display) as sight:
        file.write_bytes(b"\x00\xff not toml [")
        until(lambda: "refused" in problems(player), "it is told")
        assert player.ask("player", "/v1/config")["settings"]["playback"]["volume"] == 40
        player.stop("player")
        player.start("player")
        until(lambda: on_air(player), "it starts all the same")
        assert player.ask("player", "/v1/config")["settings"]["playback"]["volume"] == 40
        three_cuts(sight)
    assert not sight.strangers(*CONTENT, YELLOW)


def test_a_damaged_pointer_and_release_at_start_show_the_fallback(player: Site) -> None:
    (state(player) / "state" / "active").write_bytes(b"\x00garbage")
    player.start("player")
    until(lambda: player.now()["showing"] == "fallback", "nothing can be shown")
    with watching(player.display) as sight:
        until(lambda: near(sight.seen[-1][1][1], YELLOW) if sight.seen else False, "the fallback shows")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 24 MiB; root only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(line, check=False, capture_output=True).returncode:
        pytest.skip("mounting a file system takes root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_nothing_and_the_plays_are_written_once_there_is_room(
    disk: Path, media: Path, display: str
) -> None:
    with alone(disk, media, display) as site:
        site.start("player")
        until(lambda: len(plays(site)) >= 2, "it plays")
        hog = disk / "hog"
        with watching(display) as sight:
            with suppress(OSError), hog.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            until(lambda: "cannot be written" in problems(site), "it is told")
            three_cuts(sight)
            hog.unlink()
            until(lambda: "cannot be written" not in problems(site), "it is written again")
            three_cuts(sight)
        assert not sight.strangers(*CONTENT)
        assert longest_s(sight) < 3.0
        assert_all_proven(site, sight)


def test_on_a_disk_that_went_read_only_it_starts_and_plays(disk: Path, media: Path, display: str) -> None:
    with alone(disk, media, display) as site:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True, capture_output=True)
        logs, site.folder = site.folder, disk.parent / "elsewhere"
        site.folder.mkdir()
        site.extra["SIGNAGE_PLAYER__STORAGE__STATE_DIR"] = str(logs / "player")
        site.start("player")
        until(lambda: on_air(site), "it plays")
        with watching(display) as sight:
            three_cuts(sight)
        assert not sight.strangers(*CONTENT)
        assert "memory only" in problems(site)
