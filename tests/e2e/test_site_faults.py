"""The real origin and the real player while what is between them breaks: the screen never notices."""

import json
import os
import resource
import signal
import socket
import sqlite3
import urllib.error
import urllib.request
from contextlib import ExitStack, closing

import pytest

from tests.e2e.alone import decks
from tests.e2e.site import Site, until, video
from tests.player.pixels import BLUE, GREEN, RED, YELLOW, recording_screen

pytestmark = pytest.mark.display

CONTENT = (RED, GREEN, BLUE, YELLOW)


def sequence(site: Site) -> int:
    return int(site.ask("player", "/v1/status")["sync"]["sequence"])


def test_a_locked_catalogue_delays_a_release_and_nothing_else(site: Site) -> None:
    before, so_far = sequence(site), len(site.log("player").read_text())
    video(site.folder / "media" / "blue.mp4", "yellow", seconds=1 + 0.2 * before)  # another one when it is repeated
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
        video(site.folder / "media" / "blue.mp4", "blue", seconds=1.5)
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
    video(site.folder / "media" / "blue.mp4", "yellow", seconds=1.4)
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
