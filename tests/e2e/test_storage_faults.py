"""The real player while its disk, its databases and its settings break: the screen goes on, and the proof is whole."""

import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.alone import CONTENT, alone, good, longest_s, on_air, plays, problems, state, three_cuts, wait_for_play
from tests.e2e.holding import hold
from tests.e2e.site import Site, until
from tests.long_tables import in_bench
from tests.player.pixels import BLUE, GREEN, RED, YELLOW, ScreenRecording, is_close, recording_screen
from tests.small_disk import empty, fill, small_disk

pytestmark = pytest.mark.display

SETTINGS = "[playback]\nvolume = 40\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, media: Path, display: str) -> Iterator[Site]:
    """A player that all tests here share, on a real file system of 64 MiB if this user may mount one."""
    folder = tmp_path_factory.mktemp("disk")
    with small_disk(folder), alone(folder, media, display) as site:
        file = folder / "player.toml"
        file.write_text(SETTINGS)
        site.options = ("--config", str(file))
        yield site


@pytest.fixture
def shared(running: Site) -> Site:
    """The shared player, at work."""
    wait_for_play(running)
    return running


@pytest.fixture
def disk(shared: Site) -> Path:
    """The file system of the shared player."""
    if not shared.folder.is_mount():
        pytest.skip("mounting a file system takes root")
    return shared.folder


def test_a_database_locked_by_somebody_else_stops_neither_the_screen_nor_the_proof(shared: Site) -> None:
    with recording_screen(shared.display) as sight:
        with closing(sqlite3.connect(ledger(shared), isolation_level=None)) as thief:
            thief.execute("BEGIN IMMEDIATE")
            until(lambda: "cannot be written" in problems(shared), "it is told")
            three_cuts(sight)
            thief.execute("ROLLBACK")
        until(lambda: "cannot be written" not in problems(shared), "it is written again")
        three_cuts(sight)
    assert not sight.unexpected(*CONTENT)
    assert longest_s(sight) < 3.0
    assert_all_proven(shared, sight)


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
    shared: Site,
) -> None:
    path = ledger(shared)
    with recording_screen(shared.display) as sight:
        with path.open("r+b") as file:
            file.write(b"\xaa" * path.stat().st_size)
        three_cuts(sight)
        shared.stop("player", signal.SIGKILL)
        path.with_name(f"{path.name}-wal").unlink()
        shared.start("player")
        until(lambda: on_air(shared), "it plays again")
        three_cuts(sight)
        until(lambda: len(plays(shared)) >= 2, "and is proven again")
    assert not sight.unexpected(*CONTENT, YELLOW)
    assert "set aside" in problems(shared)
    assert plays(shared)[0]["sequence"] == 1


def test_a_configuration_ruined_on_disk_changes_nothing_and_is_told(shared: Site) -> None:
    file = shared.folder / "player.toml"
    with recording_screen(shared.display) as sight:
        file.write_bytes(b"\x00\xff not toml [")
        until(lambda: "refused" in problems(shared), "it is told")
        assert shared.ask("player", "/v1/config")["settings"]["playback"]["volume"] == 40
        shared.stop("player")
        shared.start("player")
        until(lambda: on_air(shared), "it starts all the same")
        assert shared.ask("player", "/v1/config")["settings"]["playback"]["volume"] == 40
        three_cuts(sight)
    assert not sight.unexpected(*CONTENT, YELLOW)
    file.write_text(SETTINGS)
    until(lambda: "refused" not in problems(shared), "it is read again")


def test_a_full_disk_stops_nothing_and_the_plays_are_written_once_there_is_room(shared: Site, disk: Path) -> None:
    with recording_screen(shared.display) as sight, ExitStack() as undo:
        undo.callback(empty, disk)
        fill(disk)
        until(lambda: "cannot be written" in problems(shared), "it is told")
        three_cuts(sight)
        empty(disk)
        until(lambda: "cannot be written" not in problems(shared), "it is written again")
        three_cuts(sight)
    assert not sight.unexpected(*CONTENT)
    assert longest_s(sight) < 3.0
    assert_all_proven(shared, sight)


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
        *in_bench((fill, empty, "the disk is full")),
    ],
    ids=["read-only", "full"],
)
def test_on_a_disk_that_cannot_be_written_it_starts_plays_and_writes_all_plays_once_it_can_be(
    shared: Site,
    disk: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path], None],
    mend: Callable[[Path], None],
    words: str,
) -> None:
    shared.stop("player")
    monkeypatch.setitem(shared.extra, "SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(state(shared)))
    monkeypatch.setattr(shared, "folder", tmp_path)  # for the log
    with ExitStack() as undo:
        undo.callback(mend, disk)
        spoil(disk)
        shared.start("player")
        until(lambda: on_air(shared), "it plays")
        with recording_screen(shared.display) as sight:
            three_cuts(sight)
            told = problems(shared)
            assert "plays cannot be written to disk" in told and words in told, told
            mend(disk)
            until(lambda: "cannot be written" not in problems(shared), "it is written again")
            three_cuts(sight)
        assert not sight.unexpected(*CONTENT)
        assert_all_proven(shared, sight)


def test_a_damaged_pointer_at_start_is_found_again_from_the_releases(shared: Site) -> None:
    shared.stop("player")
    for path in (state(shared) / "state").rglob("active"):
        path.write_bytes(b"\x00garbage")
    shared.start("player")
    until(lambda: on_air(shared), "what the stored release shows")
    with recording_screen(shared.display) as sight:
        three_cuts(sight)
    assert not sight.unexpected(*CONTENT)
    assert "active" not in problems(shared)


def test_a_damaged_pointer_and_release_at_start_show_the_fallback(shared: Site, media: Path) -> None:
    shared.stop("player")
    with ExitStack() as undo:
        undo.callback(hold, state(shared), *good(media))
        for path in (state(shared) / "state").rglob("active"):
            path.write_bytes(b"\x00garbage")
        for path in (state(shared) / "store" / "releases").iterdir():
            path.write_bytes(path.read_bytes()[:-10])
        shared.start("player")
        undo.callback(shared.stop, "player")
        until(lambda: shared.now()["showing"] == "fallback", "nothing can be shown")
        with recording_screen(shared.display) as sight:
            until(lambda: is_close(sight.samples[-1][1][1], YELLOW) if sight.samples else False, "the fallback shows")
