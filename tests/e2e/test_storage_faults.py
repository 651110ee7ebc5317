"""The real player while its disk, its databases and its settings break: the screen goes on, and the proof is whole."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.alone import CONTENT, alone, longest_s, on_air, plays, problems, state, three_cuts
from tests.e2e.site import Site, until
from tests.long_tables import in_bench
from tests.player.pixels import BLUE, GREEN, RED, YELLOW, ScreenRecording, is_close, recording_screen

pytestmark = pytest.mark.display


def test_a_database_locked_by_somebody_else_stops_neither_the_screen_nor_the_proof(player: Site) -> None:
    player.start("player")
    until(lambda: len(plays(player)) >= 2, "it plays")
    with recording_screen(player.display) as sight:
        with closing(sqlite3.connect(ledger(player), isolation_level=None)) as thief:
            thief.execute("BEGIN IMMEDIATE")
            until(lambda: "cannot be written" in problems(player), "it is told")
            three_cuts(sight)
            thief.execute("ROLLBACK")
        until(lambda: "cannot be written" not in problems(player), "it is written again")
        three_cuts(sight)
    assert not sight.unexpected(*CONTENT)
    assert longest_s(sight) < 3.0
    assert_all_proven(player, sight)


def ledger(site: Site) -> Path:
    (path,) = (state(site) / "state").glob("plays*.db")
    return path


def assert_all_proven(site: Site, sight: ScreenRecording) -> None:
    """Hold the plays of the device against what was seen: each cut one play, in one unbroken chain."""
    told = plays(site)
    assert [play["sequence"] for play in told] == list(range(1, len(told) + 1))
    assert all(later["previous_hash"] == sooner["hash"] for sooner, later in pairwise(told))
    assert len({play["take"] for play in told}) == len(told)
    shown = [colours for colours, _, _ in sight.runs() if any(is_close(colours[1], known) for known in CONTENT)]
    seen = [next(known for known in CONTENT if is_close(colours[1], known)) for colours in shown]
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
    with recording_screen(player.display) as sight:
        with path.open("r+b") as file:
            file.write(b"\xaa" * path.stat().st_size)
        three_cuts(sight)
        player.stop("player", signal.SIGKILL)
        path.with_name(f"{path.name}-wal").unlink()
        player.start("player")
        until(lambda: on_air(player), "it plays again")
        three_cuts(sight)
        until(lambda: len(plays(player)) >= 2, "and is proven again")
    assert not sight.unexpected(*CONTENT, YELLOW)
    assert "set aside" in problems(player)
    assert plays(player)[0]["sequence"] == 1


def test_a_configuration_ruined_on_disk_changes_nothing_and_is_told(player: Site, tmp_path: Path) -> None:
    file = tmp_path / "player.toml"
    file.write_text("[playback]\nvolume = 40\n")
    player.options = ("--config", str(file))
    player.start("player")
    until(lambda: on_air(player), "it plays")
    with recording_screen(player.display) as sight:
        file.write_bytes(b"\x00\xff not toml [")
        until(lambda: "refused" in problems(player), "it is told")
        assert player.ask("player", "/v1/config")["settings"]["playback"]["volume"] == 40
        player.stop("player")
        player.start("player")
        until(lambda: on_air(player), "it starts all the same")
        assert player.ask("player", "/v1/config")["settings"]["playback"]["volume"] == 40
        three_cuts(sight)
    assert not sight.unexpected(*CONTENT, YELLOW)


def test_a_damaged_pointer_at_start_is_found_again_from_the_releases(player: Site) -> None:
    for path in (state(player) / "state").rglob("active"):
        path.write_bytes(b"\x00garbage")
    player.start("player")
    until(lambda: on_air(player), "what the stored release shows")
    with recording_screen(player.display) as sight:
        three_cuts(sight)
    assert not sight.unexpected(*CONTENT)
    assert "active" not in problems(player)


def test_a_damaged_pointer_and_release_at_start_show_the_fallback(player: Site) -> None:
    (state(player) / "state" / "active").write_bytes(b"\x00garbage")
    for path in (state(player) / "store" / "releases").iterdir():
        path.write_bytes(path.read_bytes()[:-10])
    player.start("player")
    until(lambda: player.now()["showing"] == "fallback", "nothing can be shown")
    with recording_screen(player.display) as sight:
        until(lambda: is_close(sight.samples[-1][1][1], YELLOW) if sight.samples else False, "the fallback shows")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 MiB; root only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
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
        with recording_screen(display) as sight:
            fill(disk)
            until(lambda: "cannot be written" in problems(site), "it is told")
            three_cuts(sight)
            (disk / "hog").unlink()
            until(lambda: "cannot be written" not in problems(site), "it is written again")
            three_cuts(sight)
        assert not sight.unexpected(*CONTENT)
        assert longest_s(sight) < 3.0
        assert_all_proven(site, sight)


def fill(disk: Path) -> None:
    with suppress(OSError), (disk / "hog").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("spoil", "mend", "words"),
    [
        (
            lambda disk: remount(disk, "ro"),
            lambda disk: remount(disk, "rw"),
            "writable",
        ),
        *in_bench((fill, lambda disk: (disk / "hog").unlink(), "the disk is full")),
    ],
    ids=["read-only", "full"],
)
def test_on_a_disk_that_cannot_be_written_it_starts_plays_and_writes_all_plays_once_it_can_be(
    disk: Path, media: Path, display: str, spoil: Callable[[Path], None], mend: Callable[[Path], None], words: str
) -> None:
    with alone(disk, media, display) as site:
        logs, site.folder = site.folder, disk.parent / "elsewhere"
        site.folder.mkdir()
        site.extra["SIGNAGE_PLAYER__STORAGE__STATE_DIR"] = str(logs / "player")
        site.start("player")
        until(lambda: len(plays(site)) >= 1, "it plays")
        site.stop("player")
        spoil(disk)
        site.start("player")
        until(lambda: on_air(site), "it plays")
        with recording_screen(display) as sight:
            three_cuts(sight)
            told = problems(site)
            assert "plays cannot be written to disk" in told and words in told, told
            mend(disk)
            until(lambda: "cannot be written" not in problems(site), "it is written again")
            three_cuts(sight)
        assert not sight.unexpected(*CONTENT)
        assert_all_proven(site, sight)
