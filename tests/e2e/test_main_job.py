"""The main job as a user has it: the real commands, real libVLC, and the pixels of a real display.

Then what is between origin and player breaks, and the screen never notices.
"""

import json
import os
import resource
import signal
import socket
import sqlite3
import urllib.error
import urllib.request
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from sync.runtime.clock import SystemClock
from sync.wire.device_reports import Play, play_hash
from tests.e2e.alone import decks
from tests.e2e.site import Site, until, video
from tests.player.pixels import BLACK, BLUE, GREEN, RED, YELLOW, Colour, is_close, recording_screen

pytestmark = pytest.mark.display

CONTENT = (RED, GREEN, BLUE, YELLOW)


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


def sequence(site: Site) -> int:
    return int(site.ask("player", "/v1/status")["sync"]["sequence"])


@pytest.mark.long_table  # tests/sync/device/test_faults.py has it without a screen
def test_a_locked_catalogue_delays_a_release_and_nothing_else(site: Site) -> None:
    before, so_far = sequence(site), len(site.log("player").read_text())
    video(site.folder / "media" / "blue.mp4", "blue", seconds=1 + 0.2 * before)
    catalogue = site.folder / "player" / "state" / "index.db"

    def log() -> str:
        return site.log("player").read_text()[so_far:]

    with recording_screen(site.display) as sight:
        with closing(sqlite3.connect(catalogue, isolation_level=None)) as thief:
            thief.execute("BEGIN EXCLUSIVE")
            site.publish()
            until(lambda: "another program has locked it" in log(), "it is told")  # until a new one is begun
            thief.execute("ROLLBACK")
        until(lambda: sequence(site) == before + 1, "the release is active")
    assert log().index("another program has locked it") < log().index("is active")
    assert not sight.unexpected(*CONTENT)


def test_a_deleted_catalogue_is_made_again(site: Site) -> None:
    before = sequence(site)
    with recording_screen(site.display) as sight:
        for path in (site.folder / "player" / "state").glob("index.db*"):
            path.unlink()
        video(site.folder / "media" / "blue.mp4", "blue", seconds=1 + 0.2 * before)  # another one when it is repeated
        site.publish()
        until(lambda: sequence(site) == before + 1, "the release is active")
        site.stop("player")
        site.start("player")
        until(lambda: site.now()["showing"] == "item", "it plays again")
        until(lambda: site.ask("player", "/v1/status")["sync"]["state"] == "current", "and is current")
    after_start = [colours for colours in sight.unexpected(*CONTENT) if max(colours[1]) == 0]
    assert not after_start, "the fallback stood there while the player started, never black"


def test_a_release_rolled_back_or_ruined_at_the_origin_is_refused(site: Site) -> None:
    tree = site.folder / "origin" / "content" / "channels" / "main" / "timestamp.json"
    held, before = tree.read_bytes(), sequence(site)
    video(site.folder / "media" / "red.mp4", "red", seconds=1 + 0.2 * before)
    site.publish()
    until(lambda: sequence(site) == before + 1, "the release is active")
    new = tree.read_bytes()
    envelope = json.loads(new)
    envelope["signatures"][0]["signature"] = json.loads(held)["signatures"][0]["signature"]
    with recording_screen(site.display) as sight:
        for bad in (held, json.dumps(envelope).encode(), b"{" * 100_000, b""):
            tree.write_bytes(bad)
            until(lambda: site.ask("player", "/v1/status")["sync"]["problem"] != "", "it is refused")
            assert sequence(site) == before + 1
            tree.write_bytes(new)
            until(lambda: site.ask("player", "/v1/status")["sync"]["problem"] == "", "all is well again")
    assert not sight.unexpected(*CONTENT)


def test_an_origin_killed_and_started_again_costs_no_play(site: Site) -> None:
    with recording_screen(site.display) as sight:
        site.stop("origin", signal.SIGKILL)
        until(lambda: site.ask("player", "/v1/status")["outbox_depth"] >= 3, "plays wait")
        site.start("origin")
        until(lambda: site.ask("player", "/v1/status")["outbox_depth"] == 0, "and are delivered")
    assert not sight.unexpected(*CONTENT)
    numbers = sorted(play["sequence"] for play in site.plays())
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_thousand_connections_of_a_stranger_take_nothing_from_heartbeat_sync_and_stage(site: Site) -> None:
    """They ask nothing, or begin to; and the player has fewer descriptors than that."""
    player, before = site.processes["player"].pid, decks(site)

    def reported() -> tuple[str, str]:
        """When the origin last heard the player, and when the player last heard the origin."""
        seen_at = site.ask("origin", "/v1/devices")["devices"][0]["seen_at"]
        return seen_at, site.ask("player", "/v1/status")["sync"]["confirmed_at"]

    with ExitStack() as stranger, recording_screen(site.display) as sight:
        for process, descriptors in ((player, 400), (os.getpid(), 4_096)):
            limits = resource.prlimit(process, resource.RLIMIT_NOFILE)
            stranger.callback(resource.prlimit, process, resource.RLIMIT_NOFILE, limits)
            resource.prlimit(process, resource.RLIMIT_NOFILE, (descriptors, limits[1]))
        for number in range(1000):
            where = "127.0.0.1", site.ports["player"]
            connection = stranger.enter_context(socket.create_connection(where, 10, ("127.0.0.2", 0)))
            connection.sendall(b"GET /v1/status HTTP/1.1\r\nHo" if number % 2 else b"")
        last, cuts = reported(), len(sight.runs())
        os.kill(before[0], signal.SIGKILL)
        until(lambda: all(now > then for now, then in zip(reported(), last, strict=True)), "heartbeats and syncs go on")
        until(lambda: len(decks(site)) == 2 and before[0] not in decks(site), "the deck is replaced")
        until(lambda: len(sight.runs()) > cuts + 2, "it plays on")
    assert not [colours for colours in sight.unexpected(*CONTENT) if max(colours[1]) == 0], "it was never black"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "/v1/config", b"\x00\xff{", 422),
        ("PATCH", "/v1/config", b"[" * 50_000, 422),
        ("PATCH", "/v1/config", b'{"a":"' + b"x" * 100_000 + b'"}', 413),
        ("POST", "/v1/commands", b'{"do":"dance"}', 422),
        ("POST", "/v1/commands", b"x" * 2_000_000, 413),
        ("GET", "/v1/../../etc/passwd", None, 404),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", None, 404),
        ("GET", "/v1/plays?limit=-1", None, 422),
    ],
)
def test_nonsense_at_the_endpoint_is_a_problem_and_not_a_fault(
    site: Site, method: str, path: str, body: bytes | None, status: int
) -> None:
    token = (site.folder / "player" / "state" / "endpoint_token").read_text().strip()
    request = urllib.request.Request(f"http://127.0.0.1:{site.ports['player']}{path}", data=body, method=method)
    request.add_header("Authorization", f"Bearer {token}")
    with recording_screen(site.display) as sight, pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=60)
    with refusal.value as answer:
        assert answer.status == status
        assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert not sight.unexpected(*CONTENT)


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
