"""The whole player as a process: real display, real decks, content on the disk, and no origin but in the last test."""

import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import pytest
from PIL import Image, ImageChops

from player.display.backdrop_pictures import RawPicture, brand_picture
from sync.command_output import READER_GONE
from sync.device.store.content_store import open_content_store
from sync.runtime.clock import SystemClock
from sync.wire.overlay import Ticker
from sync.wire.release import Asset, Item, MediaKind, Playlist, Release, Stream
from sync.wire.stream_url import stream_name
from tests import TOP
from tests.display import start_xvfb
from tests.player.conftest import H264, make_media
from tests.player.pixels import SCREEN, PixelReader, is_close
from tests.player.stream_servers import http_server
from tests.sync.file_tree_origin import EPOCH, Publisher

pytestmark = pytest.mark.display

RED, BLUE = (200, 30, 30), (30, 60, 200)
COMMAND = [sys.executable, "-m", "player.app.start"]


def until(condition: Callable[[], Any], *, within_s: float = 120.0) -> Any:
    """Wait until `condition` returns something true; return it."""
    clock = SystemClock()
    deadline_s = clock.monotonic() + within_s
    while not (found := condition()):
        assert clock.monotonic() < deadline_s, "the condition did not become true"
        clock.wait(0.1)
    return found


def picture(colour: tuple[int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 360), colour).save(out, "PNG")
    return out.getvalue()


def store_release(state_dir: Path, scratch: Path) -> None:
    """Store a release with a red and a blue picture on the device, as the syncer does."""
    publisher = Publisher(scratch)
    with open_content_store(state_dir) as cache:
        assets = []
        for colour in (RED, BLUE):
            content = picture(colour)
            asset = publisher.asset(content)
            (cache.store / "assets" / asset.sha256).write_bytes(content)
            assets.append(as_picture(asset))
        items = tuple(
            Item(id=f"i{n}", title=f"Item {n}", asset=a.sha256, duration_ms=900) for n, a in enumerate(assets)
        )
        release = Release(
            channel="main",
            created_at=EPOCH,
            default_playlist="all",
            playlists=(Playlist(id="all", name="All", items=items),),
            assets=tuple(assets),
            overlays=(Ticker(id="news", text="open", background="#00ff00"),),
        )
        raw = release.model_dump_json().encode()
        name = publisher.write_release(raw)
        cache.save_release(name, raw)
        cache.activate(name, 1)


def store_streams(state_dir: Path, scratch: Path, *urls: str) -> None:
    """Store a release that plays streams, each for a second."""
    items = tuple(Item(id=f"i{n}", title=url, asset=stream_name(url), duration_ms=1000) for n, url in enumerate(urls))
    release = Release(
        channel="main",
        created_at=EPOCH,
        default_playlist="all",
        playlists=(Playlist(id="all", name="All", items=items),),
        streams=tuple(Stream(sha256=stream_name(url), url=url) for url in urls),
    )
    with open_content_store(state_dir) as cache:
        raw = release.model_dump_json().encode()
        name = Publisher(scratch).write_release(raw)
        cache.save_release(name, raw)
        cache.activate(name, 1)


def as_picture(asset: Asset) -> Asset:
    return asset.model_copy(update={"kind": MediaKind.PICTURE, "width": 640, "height": 360})


def to_image(picture: RawPicture) -> Image.Image:
    return Image.frombuffer("RGB", (picture.width, picture.height), picture.bgrx, "raw", "BGRX", 0, 1)


class Player:
    """A running player process."""

    def __init__(self, process: "subprocess.Popen[str]", url: str, pixels: PixelReader) -> None:
        self.process = process
        self.url = url
        self._pixels = pixels

    def ask(self, path: str) -> Any:
        with urlopen(self.url + path, timeout=60) as answer:
            return json.loads(answer.read())

    def screenshot(self) -> Image.Image:
        with urlopen(self.url + "/v1/screenshot.png", timeout=60) as answer:
            return Image.open(io.BytesIO(answer.read())).convert("RGB")

    def colour(self, height: float = 0.5) -> tuple[int, int, int]:
        """Return the colour in the middle column of the display at `height`; 0 is the top, 1 the bottom."""
        return self._pixels.colour_at(SCREEN.width // 2, int(SCREEN.height * height))

    def shows(self, colour: tuple[int, int, int]) -> bool:
        return is_close(self.colour(), colour)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with start_xvfb() as name:
        yield name


@pytest.fixture
def environment(tmp_path: Path, display: str) -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {
        **os.environ,
        "DISPLAY": display,
        "SIGNAGE_PLAYER__STORAGE__STATE_DIR": str(tmp_path / "device"),
        "SIGNAGE_PLAYER__ENDPOINT__PORT": str(port),
        "SIGNAGE_PLAYER__ORIGIN__URL": "http://127.0.0.1:9",  # nothing listens there
    }


@contextmanager
def started(environment: dict[str, str], *arguments: str, stdin: int = subprocess.DEVNULL) -> Iterator[Player]:
    url = f"http://127.0.0.1:{environment['SIGNAGE_PLAYER__ENDPOINT__PORT']}"
    process = subprocess.Popen(
        [*COMMAND, "run", *arguments], env=environment, cwd=TOP, text=True, stdin=stdin, stderr=subprocess.PIPE
    )
    pixels = PixelReader(environment["DISPLAY"])
    try:
        yield Player(process, url, pixels)
    finally:
        process.kill()
        process.communicate()
        pixels.close()


def listening(player: Player) -> bool:
    assert player.process.poll() is None, player.process.communicate()[1]
    try:
        return bool(player.ask("/v1/now"))
    except OSError:
        return False


def test_without_an_origin_the_screen_plays_the_stored_release_and_stops_cleanly(
    environment: dict[str, str], tmp_path: Path
) -> None:
    store_release(tmp_path / "device", tmp_path / "tree")
    supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    supervisor.bind(str(tmp_path / "notify"))
    supervisor.settimeout(60)
    environment |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": ""}
    with supervisor, started(environment) as player:
        assert supervisor.recv(100) == b"READY=1"
        assert supervisor.recv(100) == b"WATCHDOG=1"
        until(lambda: listening(player))
        until(lambda: player.shows(RED))
        until(lambda: player.shows(BLUE))
        until(lambda: player.shows(RED))
        until(lambda: player.colour(0.999) == (0, 255, 0))  # the ticker
        now = player.ask("/v1/now")
        assert (now["showing"], now["overlays"]) == ("item", ["news"])
        until(lambda: len(player.ask("/v1/plays")["plays"]) >= 2)
        assert player.ask("/v1/status")["decks"]["cuts"] >= 3
        children = psutil.Process(player.process.pid).children(recursive=True)
        assert len(children) >= 3  # two decks and the overlay process
        page = open_suspended_page(player.url)
        clock = SystemClock()
        stopped_s = clock.monotonic()
        player.process.send_signal(signal.SIGTERM)
        assert player.process.wait(60) == 0, player.process.communicate()[1]
        assert clock.monotonic() - stopped_s < 40, "it does not wait for the page"
        assert not [child for child in children if alive(child)]
        page.close()
    assert runs(tmp_path) == ["started", "stopped clean"]
    assert recorded(tmp_path, "release") == ["activated"]


def recorded(folder: Path, kind: str) -> list[str]:
    """Return the changes of a kind in the history of the device: the state, and the code if there is one."""
    with closing(sqlite3.connect(f"file:{folder}/device/state/plays-unpaired.db?mode=ro", uri=True)) as database:
        query = "SELECT body FROM history WHERE kind = ? ORDER BY sequence"
        records = [json.loads(body) for (body,) in database.execute(query, (kind,))]
    return [f"{record['state']} {record['code']}".strip() for record in records]


def runs(folder: Path) -> list[str]:
    return recorded(folder, "player")


def open_suspended_page(url: str) -> socket.socket:
    """Open the WebSocket and never read from it."""
    host = url.removeprefix("http://")
    name, _, port = host.partition(":")
    page = socket.create_connection((name, int(port)), 10)
    lines = ["GET /v1/live HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""]
    page.sendall("\r\n".join(lines).encode())
    assert page.recv(12) == b"HTTP/1.1 101"
    return page


def test_after_a_kill_no_deck_is_left_and_the_next_start_records_the_interrupted_take(
    environment: dict[str, str], tmp_path: Path
) -> None:
    store_release(tmp_path / "device", tmp_path / "tree")
    with started(environment) as player:
        until(lambda: listening(player))
        until(lambda: player.shows(BLUE))
        until(lambda: runs(tmp_path) == ["started"])
        decks = psutil.Process(player.process.pid).children(recursive=True)
        player.process.kill()
        player.process.wait(60)
        until(lambda: not any(alive(deck) for deck in decks))
    with started(environment) as player:
        until(lambda: listening(player))
        until(lambda: player.shows(RED) or player.shows(BLUE))
        plays = until(lambda: player.ask("/v1/plays")["plays"])
        assert "interrupted" in [play["outcome"] for play in plays]
        until(lambda: runs(tmp_path) == ["started", "stopped killed", "started"])


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_screen_without_content_shows_a_picture_and_says_why(environment: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "player.toml"
    config.write_text("[playback\n")
    with started(environment, "--config", str(config)) as player:
        until(lambda: listening(player))
        until(lambda: player.colour() != (0, 0, 0))
        problems = player.ask("/v1/status")["problems"]
        assert any("not correct TOML" in sentence for sentence in problems)
        config.write_text("[playback]\nvolume = 12\n")
        until(lambda: player.ask("/v1/config")["settings"]["playback"]["volume"] == 12)
        config.write_text("[playback]\nvolume = 1200\n")
        until(lambda: any("refused" in sentence for sentence in player.ask("/v1/status")["problems"]))
        assert player.ask("/v1/config")["settings"]["playback"]["volume"] == 12
        config.write_text('[display]\nrotation = 90\noutput = "DP-9"\n')  # a monitor in portrait orientation
        until(lambda: player.ask("/v1/status")["display"]["area"]["turn"] == 90)
        portrait = to_image(brand_picture(360, 640, title="signage player"))
        until(lambda: ImageChops.difference(player.screenshot(), portrait).getbbox() is None)
        problems = player.ask("/v1/status")["problems"]
        assert any("'DP-9'" in sentence and "it has screen" in sentence for sentence in problems)
        status = subprocess.run(
            [*COMMAND, "status", "--json"], env=environment, cwd=TOP, capture_output=True, check=True
        )
        assert json.loads(status.stdout)["now"]["showing"] == "fallback"
        text = subprocess.run(
            [*COMMAND, "status"], env=environment, cwd=TOP, capture_output=True, check=True, text=True
        )
        assert "not paired" in text.stdout and "problem" in text.stdout
        second = subprocess.run(
            [*COMMAND, "run"], env=environment, cwd=TOP, capture_output=True, check=False, text=True
        )
        assert second.returncode == 3
        assert second.stderr.strip().splitlines()[-1].startswith("signage-player: another signage-player")


def test_a_hang_up_ends_a_player_in_a_terminal_and_reloads_a_service(
    environment: dict[str, str], tmp_path: Path
) -> None:
    controller, terminal = os.openpty()
    with os.fdopen(controller), os.fdopen(terminal), started(environment, stdin=terminal) as player:
        until(lambda: listening(player))
        player.process.send_signal(signal.SIGHUP)
        assert player.process.wait(60) == 0, player.process.communicate()[1]
    config = tmp_path / "player.toml"
    config.write_text("[playback\n")
    with started(environment, "--config", str(config)) as player:
        until(lambda: listening(player))
        player.process.send_signal(signal.SIGHUP)
        until(lambda: any("is refused" in sentence for sentence in player.ask("/v1/status")["problems"]))


@pytest.mark.parametrize(("name", "words"), [("", "DISPLAY is not set"), (":4711", "does not answer")])
def test_without_a_display_the_player_says_so_and_exits(environment: dict[str, str], name: str, words: str) -> None:
    environment["DISPLAY"] = name
    done = subprocess.run([*COMMAND, "run"], env=environment, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    error, *help_lines = done.stderr[done.stderr.index("signage-player:") :].splitlines()
    assert words in error
    assert all(any(server in line for line in help_lines) for server in ("startx", "Xephyr", "Xvfb"))


def test_the_journal_gets_one_line_about_a_missing_display(environment: dict[str, str]) -> None:
    environment |= {"DISPLAY": "", "JOURNAL_STREAM": "8:1"}
    done = subprocess.run([*COMMAND, "run"], env=environment, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines() == ["signage-player: no display: DISPLAY is not set"]


def test_status_of_a_player_that_does_not_run_is_one_clear_line(environment: dict[str, str]) -> None:
    done = subprocess.run([*COMMAND, "status"], env=environment, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Is signage-player.service running?" in done.stderr


def test_a_closed_pipe_ends_the_command_without_a_traceback(environment: dict[str, str]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        command = [*COMMAND, "doctor"]
        done = subprocess.run(command, env=environment, cwd=TOP, stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (READER_GONE, b"")


@contextmanager
def started_origin(data_dir: Path) -> Iterator[tuple[str, str]]:
    """Run a real origin; yield its URL and the key to everything."""
    serve = "from sync.origin.app.start import main; main()"
    command = [sys.executable, "-c", serve, "serve", "--data-dir", str(data_dir), "--port", "0"]
    process = subprocess.Popen(command, cwd=TOP, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout
        values: dict[str, str] = {}
        while not {"listening", "first"} <= values.keys():
            line = process.stdout.readline()
            assert line, "the origin did not start"
            values[line.split()[0]] = line.split()[-1]
        yield values["listening"], values["first"]
    finally:
        process.terminate()
        process.communicate(timeout=60)


def call(method: str, url: str, token: str, document: object) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = Request(url, json.dumps(document).encode(), headers, method=method)
    with urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


TELLS_WHAT_IS_FROZEN = """
import atexit, gc, os, pathlib, sys
name = pathlib.Path(__file__).parent / f"frozen-{sys.argv[1:2]}"
atexit.register(lambda: name.write_text(str(gc.get_freeze_count())))
"""


def test_a_screen_is_paired_with_an_origin_by_a_code_and_reports_while_it_plays(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(TELLS_WHAT_IS_FROZEN)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{TOP}")
    environment["PYTHONPATH"] = f"{tmp_path}:{TOP}"
    del environment["SIGNAGE_PLAYER__ORIGIN__URL"]
    config = tmp_path / "player.toml"
    config.write_text('[origin]\nurl = "http://127.0.0.1:9"\nheartbeat_s = 1\n')
    store_release(tmp_path / "device", tmp_path / "tree")
    with started_origin(tmp_path / "origin") as (url, key), started(environment, "--config", str(config)) as player:
        until(lambda: listening(player))
        token = (tmp_path / "device/state/endpoint_token").read_text().strip()
        view = call("PATCH", player.url + "/v1/config", token, {"origin": {"url": url}})
        assert view["restart_needed"] == []
        code = until(lambda: player.ask("/v1/status")["pairing_code"])
        until(lambda: player.shows(BLUE))  # the stored release plays meanwhile
        device = call("POST", url + "/v1/devices", key, {"code": code, "channel": "main", "name": "window"})["id"]
        until(lambda: player.ask("/v1/status")["device"] == device)
        assert player.ask("/v1/status")["pairing_code"] is None
        until(lambda: heartbeat(url, key, device).get("on_air", {}).get("kind") == "item")
        assert heartbeat(url, key, device)["health"]["month_bytes"] > 0
        until(lambda: player.shows(RED))
        until(lambda: player.ask("/v1/plays")["plays"] and player.ask("/v1/status")["outbox_depth"] == 0)
        assert all(play["device"] == device for play in player.ask("/v1/plays")["plays"])
        player.process.send_signal(signal.SIGTERM)
        assert player.process.wait(60) == 0
        accepted = json.loads((tmp_path / "device/state/config.json").read_text())
        assert accepted == {"origin": {"url": url}}
    for command in ("run", "serve"):
        assert int((tmp_path / f"frozen-['{command}']").read_text()) > 10_000, "no collection stops cuts or answers"


def heartbeat(url: str, key: str, device: str) -> dict[str, Any]:
    request = Request(f"{url}/v1/devices/{device}", headers={"Authorization": f"Bearer {key}"})
    with urlopen(request, timeout=60) as answer:
        return json.loads(answer.read()).get("heartbeat") or {}


def test_a_stream_comes_from_this_device_only_by_a_port_of_the_settings(
    environment: dict[str, str], tmp_path: Path
) -> None:
    make_media(tmp_path / "film.mp4", "-f", "lavfi", "-i", "color=0x1e3cc8:s=320x180:r=10:d=5", *H264)
    with http_server(tmp_path) as site:
        port = site.rpartition(":")[2]
        own = f"http://127.0.0.1:{environment['SIGNAGE_PLAYER__ENDPOINT__PORT']}/v1/screenshot.jpg"
        store_streams(tmp_path / "device", tmp_path / "origin", own, f"{site}/film.mp4")
        with started(environment | {"SIGNAGE_PLAYER__STREAMS__OWN_PORTS": f"1,{port}"}) as player:
            until(lambda: listening(player))
            until(lambda: player.shows(BLUE))
            assert any("address of this device" in problem for problem in player.ask("/v1/now")["problems"])
