import asyncio
import json
import ssl
import stat
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from openapi_pydantic import OpenAPI
from PIL import Image

from player import __version__
from player.display import DisplayState, Power
from player.display.backdrop_pictures import RawPicture, brand_picture
from player.display.screenshots import ScreenshotTaker
from player.endpoint.auth import AccessGuard, EndpointToken, read_or_make_token
from player.endpoint.routes import EndpointRoutes
from player.endpoint.server import EndpointServer
from player.endpoint.status_text import key_text, status_text
from player.endpoint.websocket import LiveSocket
from player.evidence.ledger import Ledger, open_ledger
from player.platform.geometry import Area
from player.protocol.now_playing import Next, Now
from player.protocol.operator_command import Command
from player.protocol.problems import ProblemCode
from player.settings.configuration import load_configuration
from player.stage.stage_facts import StageCounters, StageFacts
from player.status.collector import StatusCollector
from player.status.health import MachineProbe
from player.status.metrics import PlayerMetrics, StageSeries
from player.status.status_sources import DirectorControl, ProblemReports, StatusSources
from sync.device.proof.key_certification import KeyState
from sync.device.store.content_store import ContentStore
from sync.device.sync_state import SyncFacts, SyncState
from sync.device.traffic.budget import Budget
from sync.device.traffic.month_counter import TrafficCounter
from sync.device.transfer.deadlines_and_rates import RateLimits
from sync.device.transfer.sources import SourceFacts
from sync.errors import Distrust, NotFound, trust_text
from sync.runtime.clock import SystemClock
from sync.runtime.supervisor import Restarts
from sync.wire.device_reports import ComingRelease, Heartbeat, LateStart
from sync.wire.overlay import Overlay
from tests.fakes import FakeClock
from tests.sync.device.disk.damage import Damage, empty, folder, garbage, link, pipe, truncated
from tests.sync.http.foreign_tools import CASES, GeneratedClient, check_metrics, needs, try_everything
from tests.sync.http.raw_requests import hold_to_raw_requests
from tests.sync.http.standards import hold_to_the_standard

DISPLAY = brand_picture(320, 180)


@dataclass
class Overlays:
    """The overlays that are due, and those of them on the display."""

    due: tuple[Overlay, ...] = ()
    shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Session:
    """A session of a device that is not paired."""

    ledger: Ledger
    director: DirectorControl
    connection: Any = None
    pairing_code: None = None


class FakePlayer:
    """A stand-in for stage, display and director: returns what the test has set."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.shown = Now(showing="item", title="Autumn", take="t1", why="it is Monday", next=Next(title="Winter"))
        self.counters = StageCounters()
        self.stage = StageFacts("3.0.24", (1, 2), 0, 5, "t1", "t2", 100, 0, 10.0, 200)
        self.display = DisplayState(True, True, Power.ON, Area(width=1280, height=720), 0)
        self.overlays = Overlays()
        self.pictures = 0
        self.connection: Any = None  # of a paired device
        self.collector: Any = None
        self.starting = False
        self.budget: Budget | None = None
        self.let_through: list[str | None] = []  # releases

    def now(self) -> Now:
        return self.shown

    async def command(self, command: Command) -> None:
        if command.item == "nothing":
            raise NotFound("there is no item nothing")
        self.commands.append(command)

    def facts(self) -> StageFacts:
        return self.stage

    def state(self) -> DisplayState:
        return self.display

    async def grab(self) -> RawPicture:
        self.pictures += 1
        return DISPLAY


class Device:
    """A running endpoint, and the player behind it."""

    def __init__(self, url: str, token: str, player: FakePlayer, state: Path, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.player = player
        self.state = state
        self.session = session
        self.bearer = {"Authorization": f"Bearer {token}"}
        self.token = token

    def get(self, path: str, **options: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self.session.get(self.url + path, **options)

    def send(self, method: str, path: str, **options: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self.session.request(method, self.url + path, **options)


@asynccontextmanager
async def running(tmp_path: Path) -> AsyncIterator[tuple[EndpointServer, FakePlayer, str]]:
    clock, player = SystemClock(), FakePlayer()
    configuration = load_configuration(None)
    async with open_ledger(tmp_path / "state" / "plays.db", "dev", clock) as ledger:
        session, problems = Session(ledger, player), ProblemReports()
        traffic = TrafficCounter(tmp_path / "state", clock, lambda: ZoneInfo("UTC"), lambda: player.budget)
        sources = StatusSources(
            configuration=configuration,
            content=ContentStore(tmp_path),
            session=lambda: None if player.starting else replace(session, connection=player.connection),
            stage=player,
            display=player,
            overlays=player.overlays,
            machine=MachineProbe(tmp_path, clock),
            restarts=Restarts(),
            problems=problems,
            traffic=traffic,
        )
        player.collector = collector = StatusCollector(sources, clock)
        token = read_or_make_token(tmp_path / "state")
        guard, live = AccessGuard(lambda: token, configuration, clock), LiveSocket(collector, clock)
        metrics = PlayerMetrics(clock, StageSeries(player.counters, player.facts))
        routes = EndpointRoutes(
            collector,
            configuration,
            lambda: replace(session, connection=player.connection),
            ScreenshotTaker(player, clock),
            guard,
            metrics,
            traffic,
        )
        report_problem = problems.reporter(ProblemCode.ENDPOINT)
        endpoint = EndpointServer(configuration, guard, routes.operations(), live, metrics, clock, report_problem)
        task = asyncio.create_task(endpoint.run())
        try:
            async with asyncio.timeout(60):
                while not (endpoint.url or endpoint.problem):
                    await clock.sleep(0.01)
            yield endpoint, player, token
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path))
    monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__PORT", "0")
    return tmp_path


@pytest.fixture
async def device(prepared: Path) -> AsyncIterator[Device]:
    async with running(prepared) as (endpoint, player, token), aiohttp.ClientSession() as session:
        yield Device(endpoint.url.rstrip("/"), token, player, prepared / "state", session)


async def problem_of(answer: aiohttp.ClientResponse, status: int) -> dict[str, Any]:
    assert answer.status == status, await answer.text()
    assert answer.content_type == "application/problem+json"
    document: dict[str, Any] = await answer.json(content_type=None)
    assert {"type", "title", "status", "detail", "instance"} <= document.keys()
    return document


async def test_status_and_now_report_the_player_and_the_screen(device: Device) -> None:
    async with device.get("/v1/now") as answer:
        assert (await answer.json())["title"] == "Autumn"
    async with device.get("/v1/status") as answer:
        status = await answer.json()
    assert status["version"] == __version__
    assert status["decks"]["libvlc"] == "3.0.24"
    assert any("not paired yet" in sentence for sentence in status["problems"])
    assert status["healthy"] is False


async def test_while_the_player_starts_it_is_not_said_to_be_unpaired_or_without_content(device: Device) -> None:
    device.player.starting = True
    status, now = [json.loads(await read(device, f"/v1/{what}")) for what in ("status", "now")]
    assert status["sync"]["state"] == "starting" and "paired" not in " ".join(status["problems"])
    assert now["why"] == "the player is starting"


async def test_sound_from_another_output_than_the_set_one_stays_a_problem_in_silence(device: Device) -> None:
    async def is_reported(output: str | None) -> bool:
        device.player.stage = replace(device.player.stage, sound=output)
        async with device.get("/v1/status") as answer:
            problems = (await answer.json())["problems"]
        return any("'usb') is not found" in sentence for sentence in problems)

    assert not await is_reported("hdmi")
    async with device.send("PATCH", "/v1/config", json={"audio": {"device": "usb"}}, headers=device.bearer) as answer:
        assert answer.status == 200
    assert [await is_reported(output) for output in (None, "hdmi", None, "usb", None)] == [
        False,
        True,
        True,
        False,
        False,
    ]


async def test_the_token_is_made_once_and_only_its_owner_can_read_it(device: Device) -> None:
    path = device.state / "endpoint_token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_or_make_token(device.state) == device.token == path.read_text().strip()


@pytest.mark.parametrize("damage", [empty, truncated, garbage, folder, link, pipe], ids=lambda it: it.__name__)
def test_a_damaged_token_comes_back_from_its_copy_and_a_lost_one_is_made_anew(tmp_path: Path, damage: Damage) -> None:
    token, path = read_or_make_token(tmp_path), tmp_path / "endpoint_token"
    damage(path)
    assert read_or_make_token(tmp_path) == token == path.read_text().strip()
    for lost in (path, tmp_path / "copies" / path.name):
        lost.write_bytes(b"short")
    another = read_or_make_token(tmp_path)
    assert another not in (token, "short") and another == read_or_make_token(tmp_path)
    path.unlink()
    assert read_or_make_token(tmp_path) not in (token, another)


async def test_a_token_that_cannot_be_stored_is_a_problem_until_it_is(tmp_path: Path) -> None:
    clock, told = FakeClock(), list[str]()
    folder = tmp_path / "state"
    folder.write_text("a file where the folder should be")
    token = EndpointToken(folder, told.append)
    assert told[0].startswith("The endpoint's token cannot be stored")
    storing = asyncio.create_task(token.run(clock))
    await clock.advance(61)
    assert told[-1] == told[0]
    folder.unlink()
    folder.mkdir()
    await clock.advance(61)
    assert told[-1] == ""
    assert read_or_make_token(folder) == token.value
    storing.cancel()


async def test_writing_needs_the_token_even_on_loopback(device: Device) -> None:
    for method, path in (("POST", "/v1/commands"), ("PATCH", "/v1/config"), ("POST", "/v1/sync")):
        async with device.send(method, path, json={}) as answer:
            await problem_of(answer, 401)
        async with device.send(method, path, json={}, headers={"Authorization": "Bearer no"}) as answer:
            await problem_of(answer, 401)
    assert device.player.commands == []


async def test_a_command_reaches_the_director_and_a_wrong_one_does_not(device: Device) -> None:
    async with device.send("POST", "/v1/commands", json={"do": "skip"}, headers=device.bearer) as answer:
        assert answer.status == 200
    assert [command.do for command in device.player.commands] == ["skip"]
    async with device.send("POST", "/v1/commands", json={"do": "explode"}, headers=device.bearer) as answer:
        assert "do" in (await problem_of(answer, 422))["fields"]
    async with device.send("POST", "/v1/commands", json={"do": "play", "item": "nothing"}, headers=device.bearer) as a:
        await problem_of(a, 404)


async def test_settings_are_read_and_changed_with_an_etag(device: Device) -> None:
    async with device.get("/v1/config") as answer:
        etag, view = answer.headers["ETag"], await answer.json()
    assert view["sources"]["storage.state_dir"] == "environment"
    headers = {**device.bearer, "If-Match": etag}
    async with device.send("PATCH", "/v1/config", json={"playback": {"volume": 5}}, headers=headers) as answer:
        assert answer.status == 200
        assert (await answer.json())["settings"]["playback"]["volume"] == 5
        assert answer.headers["ETag"] != etag
    async with device.send("PATCH", "/v1/config", json={"playback": {"volume": 6}}, headers=headers) as answer:
        await problem_of(answer, 412)
    assert json.loads((device.state / "config.json").read_text()) == {"playback": {"volume": 5}}


async def test_a_wrong_field_is_named_and_a_pinned_one_is_a_conflict(device: Device) -> None:
    async def patch(document: dict[str, Any], status: int) -> dict[str, Any]:
        async with device.send("PATCH", "/v1/config", json=document, headers=device.bearer) as answer:
            return await problem_of(answer, status)

    assert "playback.volume" in (await patch({"playback": {"volume": 101}}, 422))["fields"]
    assert "SIGNAGE_PLAYER__ENDPOINT__PORT" in (await patch({"endpoint": {"port": 1}}, 409))["users"]
    assert "TLS" in (await patch({"endpoint": {"host": "0.0.0.0"}}, 422))["detail"]
    assert not (device.state / "config.json").exists()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[1]", b'"x"', b"[" * 20_000, b'{"a":'])
async def test_garbage_is_refused(device: Device, body: bytes) -> None:
    for method, path in (("PATCH", "/v1/config"), ("POST", "/v1/commands"), ("POST", "/v1/session")):
        async with device.send(method, path, data=body, headers=device.bearer) as answer:
            await problem_of(answer, 413 if len(body) > 4096 and path != "/v1/config" else 422)


async def test_an_oversized_body_is_refused_unread(device: Device) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    for path, method in (("/v1/commands", "POST"), ("/v1/config", "PATCH")):
        async with device.send(method, path, data=b" " * 200_000, headers=device.bearer) as answer:
            await problem_of(answer, 413)
    async with device.send("POST", "/v1/session", data=pieces()) as answer:  # without a Content-Length
        await problem_of(answer, 413)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8080"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
async def test_other_host_names_and_sites_are_refused_even_with_the_token(
    device: Device, headers: dict[str, str]
) -> None:
    for path in ("/v1/now", "/v1/live", "/", "/healthz"):
        async with device.get(path, headers={**device.bearer, **headers}) as answer:
            await problem_of(answer, 403)


async def test_a_host_name_in_the_settings_is_allowed_at_once(device: Device) -> None:
    patch = {"endpoint": {"allowed_hosts": ["screen.example"]}}
    async with device.send("PATCH", "/v1/config", json=patch, headers=device.bearer) as answer:
        assert answer.status == 200
    async with device.get("/v1/now", headers={"Host": "screen.example"}) as answer:
        assert answer.status == 200


async def test_a_page_logs_in_once_and_out_again(device: Device) -> None:
    async with device.send("POST", "/v1/session", json={"token": "wrong"}) as answer:
        await problem_of(answer, 401)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(device.url, cookie_jar=jar) as page:
        async with page.post("/v1/session", json={"token": device.token}) as answer:
            assert answer.status == 204
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and device.token not in cookie
        async with page.post("/v1/commands", json={"do": "skip"}) as answer:
            assert answer.status == 200
        async with page.delete("/v1/session") as answer:
            assert answer.status == 204
        async with page.post("/v1/commands", json={"do": "skip"}) as answer:
            await problem_of(answer, 401)


async def test_the_websocket_sends_changes(device: Device) -> None:
    async with device.session.ws_connect(device.url + "/v1/live") as socket:
        first = json.loads(await socket.receive_str(timeout=60))
        assert first["topic"] == "now" and first["document"]["title"] == "Autumn"
        device.player.shown = device.player.shown.model_copy(update={"title": "Winter"})
        while (message := json.loads(await socket.receive_str(timeout=60)))["topic"] != "now":
            assert message["topic"] == "status"
        assert message["document"]["title"] == "Winter"


async def test_a_screenshot_is_a_png_without_loss_or_a_smaller_jpeg(device: Device) -> None:
    with Image.open(BytesIO(await read(device, "/v1/screenshot.png"))) as picture:
        assert picture.format == "PNG" and picture.convert("RGB").tobytes("raw", "BGRX") == DISPLAY.bgrx
    with Image.open(BytesIO(await read(device, "/v1/screenshot.jpg?width=170"))) as picture:
        assert picture.format == "JPEG" and picture.size == (160, 90)
    async with device.get("/v1/screenshot.jpg?width=0") as answer:
        await problem_of(answer, 422)


async def test_an_unchanged_screenshot_is_not_sent_again(device: Device) -> None:
    async with device.get("/v1/screenshot.jpg") as answer:
        tag = answer.headers["ETag"]
    async with device.get("/v1/screenshot.jpg", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304 and await answer.read() == b""
    async with device.get("/v1/screenshot.png", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 200


async def read(device: Device, path: str) -> bytes:
    async with device.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


async def test_plays_are_paged_and_bounded(device: Device) -> None:
    assert json.loads(await read(device, "/v1/plays?limit=5")) == {"plays": []}
    for query in ("limit=0", "limit=501", "limit=x", "before=-1", "limit=%C2%B2"):
        async with device.get(f"/v1/plays?{query}") as answer:
            await problem_of(answer, 422)


async def test_metrics_count_requests_by_operation_and_contain_the_numbers_of_the_status(device: Device) -> None:
    await read(device, "/v1/now")
    async with device.get("/nonsense") as answer:
        await problem_of(answer, 404)
    text = (await read(device, "/metrics")).decode()
    assert 'signage_player_operations_total{operation="GET /v1/now",status="200"} 1.0' in text
    assert 'operation="other",status="404"' in text
    assert "signage_player_outbox_depth 0.0" in text
    assert "signage_player_disk_free_bytes" in text


async def test_now_contains_the_facts_of_the_deck_only_for_the_take_on_air(device: Device) -> None:
    device.player.stage = replace(
        device.player.stage, deck="b", media_ms=1_234, fps=25.0, painted_fps=24.9, codec="h264", hardware=False
    )
    now = json.loads(await read(device, "/v1/now"))
    assert (now["deck"], now["media_ms"], now["fps"], now["painted_fps"], now["frames_lost"]) == (
        "b",
        1234,
        25,
        24.9,
        0,
    )
    assert now["decoder"] == {"codec": "h264", "hardware": False}
    assert now["next"]["title"] == "Winter" and now["next"]["readiness"] == "none"
    device.player.stage = replace(device.player.stage, on_air="t0")  # the cut has not happened yet
    now = json.loads(await read(device, "/v1/now"))
    assert now["deck"] is None and now["media_ms"] is None and now["decoder"] is None


def connected(membership: Any, syncer: Any) -> SimpleNamespace:
    """Return what runs of a pairing; its key is certified."""

    async def rotate() -> KeyState:
        return replace(key, replacing=True)

    key = KeyState("c" * 64, certified=True)
    return SimpleNamespace(
        membership=membership, syncer=syncer, certification=SimpleNamespace(state=key, rotate=rotate)
    )


async def test_status_tells_the_key_that_signs_plays_and_a_person_replaces_it(device: Device) -> None:
    async with device.send("POST", "/v1/rotate-key", headers=device.bearer) as answer:
        assert "not paired" in (await problem_of(answer, 409))["detail"]
    assert json.loads(await read(device, "/v1/status"))["key"] is None
    device.player.connection = connected(None, SimpleNamespace(facts=SyncFacts))
    status = json.loads(await read(device, "/v1/status"))
    assert status["key"] == {"id": "c" * 64, "certified": True, "replacing": False, "waits": ""}
    assert "key       cccccccccccccccc signs plays" in status_text(status, json.loads(await read(device, "/v1/now")))
    async with device.send("POST", "/v1/rotate-key") as answer:
        await problem_of(answer, 401)
    async with device.send("POST", "/v1/rotate-key", headers=device.bearer) as answer:
        assert key_text(await answer.json()) == f"{'c' * 16} signs plays, another one waits for its certificate"


@pytest.mark.parametrize("rule", Distrust)
async def test_status_terminal_and_metrics_name_the_rule_that_a_refused_document_broke(
    device: Device, rule: Distrust
) -> None:
    facts = SyncFacts(problem="it has expired", trust=rule, refused={rule.value: 2, "other": 1})
    device.player.connection = connected(None, SimpleNamespace(facts=lambda: facts))
    status = json.loads(await read(device, "/v1/status"))
    assert (status["sync"]["trust"], status["sync"]["refused"]) == (rule, {rule: 2, "other": 1})
    assert status["sync"]["trust_text"] == trust_text(rule) == f"{rule}: {rule.words}"
    assert f"trust     {rule}: {rule.words}" in status_text(status, json.loads(await read(device, "/v1/now")))
    text = (await read(device, "/metrics")).decode()
    assert {other: f'signage_player_trust_problem{{reason="{other}"}} 1.0' in text for other in Distrust} == {
        other: other is rule for other in Distrust
    }
    assert f'signage_player_refused_documents{{reason="{rule}"}} 2.0' in text
    told = dict(zip(status["problems"], status["problem_codes"], strict=True))
    assert told["Syncing fails: it has expired."] == "sync"
    assert {code: f'signage_player_problem{{code="{code}"}} 1.0' in text for code in ProblemCode} == {
        code: code in told.values() for code in ProblemCode
    }


async def test_status_and_metrics_say_which_limits_of_bandwidth_hold(device: Device) -> None:
    limits = RateLimits(0.0, until=datetime(2026, 3, 2, 22, tzinfo=UTC))
    facts = SyncFacts(SyncState.WAITING, preparing="a" * 64, limits=limits)
    device.player.connection = connected(None, SimpleNamespace(facts=lambda: facts))
    status = json.loads(await read(device, "/v1/status"))
    assert status["sync"]["limits"] == {"all_kbit_s": 0, "line_kbit_s": None, "until": "2026-03-02T22:00:00.000Z"}
    assert not [problem for problem in status["problems"] if "origin" in problem]  # it waits for its window
    text = (await read(device, "/metrics")).decode()
    assert 'signage_player_limit_bytes_per_second{of="all"} 0.0' in text
    assert 'signage_player_limit_bytes_per_second{of="line"} NaN' in text


LATE = ComingRelease(
    release="b" * 64,
    sequence=13,
    bytes_done=120_000_000,
    bytes_to_do=532_000_000,
    ready_at=datetime(2026, 3, 3, 10, 12, tzinfo=UTC),
    late=(LateStart(at=datetime(2026, 3, 3, 9, tzinfo=UTC), what="playlist Breakfast in daypart Morning"),),
    more_late=2,
)


def let_come(player: FakePlayer) -> None:
    """A paired device with an active release fetches another one that comes too late, and refuses a third one."""
    source = SourceFacts("mirror-1", "http://cdn.example", 64_000_000, 0, 96_000.0, 3, "it does not answer", 9.0)
    facts = SyncFacts(
        SyncState.FETCHING,
        release="a" * 64,
        sequence=12,
        preparing="b" * 64,
        accepted_sequence=13,
        bytes_to_do=532_000_000,
        bytes_done=120_000_000,
        trust=Distrust.FREEZE,
        problem="the timestamp has expired",
        sources=(source, replace(source, name="origin", url="http://origin.example", problem="", errors=0)),
        limits=RateLimits(line_bytes_s=125_000, until=datetime(2026, 3, 2, 22, tzinfo=UTC)),
    )
    member = SimpleNamespace(device="screen-1", channel="main")
    player.connection = connected(member, SimpleNamespace(facts=lambda: facts))
    player.collector.readiness.coming = lambda facts: LATE
    player.collector.readiness.rate = lambda facts: 96_000.0


async def test_status_metrics_terminal_and_heartbeat_tell_of_each_release_and_where_it_comes_from(
    device: Device,
) -> None:
    let_come(device.player)
    status, now = [json.loads(await read(device, f"/v1/{what}")) for what in ("status", "now")]
    sync = status["sync"]
    assert [(one["state"], one["sequence"], one["why"]) for one in sync["releases"]] == [
        ("active", 12, ""),
        ("fetching", 13, ""),
        ("refused", None, "the timestamp has expired"),
    ]
    assert (sync["coming"]["ready_at"], sync["bytes_s"]) == ("2026-03-03T10:12:00.000Z", 96_000)
    assert sync["coming"]["late"] == [{"at": "2026-03-03T09:00:00.000Z", "what": LATE.late[0].what}]
    lines = "\n".join(status_text({**status, "zone": "Europe/Berlin"}, now))
    for line in (
        "coming    13 fetching 120 MB of 532 MB, 96 kB/s, ready at Tue 03 Mar 11:12",
        "late      playlist Breakfast in daypart Morning, Tue 03 Mar 10:00",
        "coming    refused: the timestamp has expired",
        "source    mirror-1 http://cdn.example: 64 MB, 96 kB/s a connection, 3 errors: it does not answer",
        "limits    1,000 kbit/s over the line until Mon 02 Mar 23:00",
        "stay free, 0 MB go when room is needed",
        "trust     freeze",
    ):
        assert line in lines
    text = (await read(device, "/metrics")).decode()
    for line in (
        "missing_bytes 4.12e+08",
        "fetch_bytes_per_second 96000.0",
        "late_starts 3.0",
        'release_state{state="refused"} 1.0',
        'release_state{state="waiting"} 0.0',
        'source_errors{source="mirror-1"} 3.0',
    ):
        assert f"signage_player_{line}\n" in text
    sent = Heartbeat.model_validate_json((await device.player.collector.heartbeat()).model_dump_json())
    assert sent.coming == LATE
    assert [step.bytes_s for step in sent.rates][-1] is None  # after the window: nobody knows


def let_wait_for_its_budget(player: FakePlayer, facts: SyncFacts | None = None) -> None:
    """A paired device whose release waits for the next month."""
    found = facts or SyncFacts(SyncState.WAITING, preparing="b" * 64, out_of_budget=True)
    syncer = SimpleNamespace(
        facts=lambda: found, limits_changed=lambda: player.let_through.append(found.preparing or found.release)
    )
    member = SimpleNamespace(device="screen-1", channel="main")
    player.connection, player.budget = connected(member, syncer), Budget(100_000, 90_000)


async def test_a_person_lets_the_release_through_that_waits_for_the_budget_of_the_month(device: Device) -> None:
    release, woken = "b" * 64, device.player.let_through
    let_wait_for_its_budget(device.player, SyncFacts(release="a" * 64))
    async with device.send("POST", "/v1/let-through", json={}, headers=device.bearer) as answer:
        assert answer.status == 409 and "nothing to let through" in await answer.text()
    let_wait_for_its_budget(device.player)
    status = json.loads(await read(device, "/v1/status"))
    assert (status["sync"]["state"], status["sync"]["waiting_for"]) == ("waiting", "budget")
    traffic = status["traffic"]
    assert (traffic["spent"], traffic["left_bytes"], traffic["budget_bytes"]) == (True, 0, 100_000)
    assert datetime.fromisoformat(traffic["goes_on_at"]).day == 1
    problem = next(problem for problem in status["problems"] if "budget" in problem)
    assert "(0 MB of 1 MB): media of the new release wait until " in problem and "signage-player let-through" in problem
    async with device.send("POST", "/v1/let-through", json={}) as answer:
        assert answer.status == 401
    for body in ({}, {"release": "c" * 64}):
        async with device.send("POST", "/v1/let-through", json=body, headers=device.bearer) as answer:
            assert (await answer.json())["let_through"] == body.get("release", release)
    assert woken == [release, release]
    text = (await read(device, "/metrics")).decode()
    assert "signage_player_month_budget_bytes 100000.0" in text and "signage_player_month_budget_spent 1.0" in text
    assert 'signage_player_month_bytes{of="received"} 0.0' in text


async def test_metrics_count_cuts_and_takes(device: Device) -> None:
    counters = device.player.counters
    for late_s in (-0.001, 0.012, 0.4):
        counters.count_cut(late_s)
    counters.count_take(black_ms=0, still_ms=1_000, frames_lost=3)
    counters.count_take(black_ms=None, still_ms=None, frames_lost=None)
    counters.count_preroll(640)
    text = (await read(device, "/metrics")).decode()
    for line in (
        "cuts_total 3.0",
        'cut_late_seconds_bucket{le="0.005"} 1.0',
        'cut_late_seconds_bucket{le="0.017"} 2.0',
        'cut_late_seconds_bucket{le="+Inf"} 3.0',
        "cut_late_seconds_sum 0.41",
        'take_black_seconds_bucket{le="0.0"} 2.0',
        'take_still_seconds_bucket{le="0.5"} 1.0',
        'take_still_seconds_bucket{le="1.0"} 2.0',
        "frames_lost_total 3.0",
        'preroll_seconds_bucket{le="1.0"} 1.0',
        "deck_renewals_total 0.0",
        "quarantined 0.0",
    ):
        assert f"\nsignage_player_{line}" in text, line


async def test_the_player_is_not_healthy_without_its_display(device: Device) -> None:
    assert json.loads(await read(device, "/healthz")) == {"status": "ok"}
    device.player.display = replace(device.player.display, answers=False)
    async with device.get("/healthz") as answer:
        await problem_of(answer, 503)


async def test_the_openapi_document_describes_every_operation(device: Device) -> None:
    described = json.loads(await read(device, "/v1/openapi.json"))
    assert described["openapi"].startswith("3.1")
    assert OpenAPI.model_validate(described).components
    parts = {f"#/components/{kind}/{name}" for kind, named in described["components"].items() for name in named}
    assert parts >= set(_references(described))
    assert {"get", "patch"} <= described["paths"]["/v1/config"].keys()
    assert {"/v1/status", "/v1/now", "/v1/commands", "/v1/plays", "/v1/screenshot.png", "/v1/live"} <= set(
        described["paths"]
    )


def _references(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        document = list(document.values())
    if isinstance(document, list):
        for part in document:
            yield from _references(part)


async def test_the_page_and_its_files_are_served_with_a_strict_policy(device: Device) -> None:
    for path, kind in (("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript")):
        async with device.get(path) as answer:
            assert answer.status == 200 and answer.content_type == kind
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
    async with device.get("/page.js/../../daemon.py") as answer:
        assert answer.status == 404


@pytest.fixture
def certificate(tmp_path: Path) -> Callable[[], tuple[Path, Path]]:
    def make() -> tuple[Path, Path]:
        key, crt = tmp_path / "tls.key", tmp_path / "tls.crt"
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=screen"
        paths = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(crt)]
        subprocess.run([*command.split(), *paths], check=True, capture_output=True)
        return crt, key

    return make


async def test_without_tls_the_endpoint_listens_only_on_loopback_and_says_why(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__HOST", "0.0.0.0")
    async with running(prepared) as (endpoint, _, _):
        assert endpoint.url == ""
        assert "needs TLS" in endpoint.problem


async def test_other_addresses_than_loopback_need_tls_and_the_token_for_everything(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, certificate: Callable[[], tuple[Path, Path]]
) -> None:
    crt, key = certificate()
    monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__HOST", "0.0.0.0")
    monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__TLS_CERTIFICATE", str(crt))
    monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__TLS_KEY", str(key))
    trust = ssl.create_default_context(cafile=str(crt))
    async with running(prepared) as (endpoint, _, token):
        url = endpoint.url.replace("0.0.0.0", "127.0.0.1")
        async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(ssl=trust)) as session:
            for path in ("v1/now", "v1/screenshot.png", "metrics", "v1/live"):
                async with session.get(path) as answer:
                    await problem_of(answer, 401)
            async with session.get("v1/now", headers={"Authorization": f"Bearer {token}"}) as answer:
                assert answer.status == 200
            async with session.post("v1/session", json={"token": token}) as answer:
                assert "Secure" in answer.headers["Set-Cookie"]


async def test_a_port_in_use_is_reported(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(prepared) as (first, _, _):
        monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__PORT", first.url.rstrip("/").rpartition(":")[2])
        async with running(prepared) as (second, _, _):
            assert "not available" in second.problem


async def test_every_address_answers_as_rfc_9110_asks(device: Device) -> None:
    await hold_to_the_standard(device.url, device.bearer, json.loads(await read(device, "/v1/openapi.json")))


async def test_no_bytes_get_another_answer_than_http_has(device: Device, caplog: pytest.LogCaptureFixture) -> None:
    await hold_to_raw_requests(device.url, caplog)


async def test_many_wrong_settings_get_a_short_answer(device: Device) -> None:
    wrong = {f"field_{number}" * 50: 1 for number in range(100)}
    async with device.send("PATCH", "/v1/config", json=wrong, headers=device.bearer) as answer:
        told = await problem_of(answer, 422)
    assert len(told["fields"]) == 20 and len(json.dumps(told)) < 10_000


@needs("promtool")
async def test_promtool_finds_no_fault_in_the_metrics(device: Device) -> None:
    check_metrics((await read(device, "/metrics")).decode())


@needs("openapi-python-client")
async def test_a_generated_client_reads_commands_and_configures(
    device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    document = json.loads(await read(device, "/v1/openapi.json"))
    made = await asyncio.to_thread(GeneratedClient, document, tmp_path, "device_client")
    call, models = made.operation, made.models
    with made.session(device.url, device.token) as session:
        assert (await call("get_status")(client=session)).parsed.version == __version__
        skip = models.Command(do=models.CommandDo.SKIP)
        assert (await call("post_commands")(client=session, body=skip)).parsed.title == "Autumn"
        assert [command.do for command in device.player.commands] == ["skip"]
        unknown = models.Command(do=models.CommandDo.PLAY, item="nothing")
        assert (await call("post_commands")(client=session, body=unknown)).parsed.status == 404
        louder = models.Settings(playback=models.PlaybackSettings(volume=40))
        changed = await call("patch_config")(client=session, body=louder)
        assert changed.parsed.settings["playback"]["volume"] == 40
        picture = await call("get_screenshot_jpg")(client=session, width=160)
        assert Image.open(picture.parsed.payload).size == (160, 90)
        tag = picture.headers["ETag"]
        again = await call("get_screenshot_jpg")(client=session, width=160, if_none_match=tag)
        assert (again.status_code, again.content) == (304, b"")


@needs("schemathesis")
@pytest.mark.parametrize(("phases", "most"), CASES)
async def test_schemathesis_finds_no_answer_that_the_document_does_not_tell(
    device: Device, tmp_path: Path, caplog: pytest.LogCaptureFixture, phases: str, most: str
) -> None:
    await asyncio.to_thread(try_everything, device.url, device.token, tmp_path, phases, most)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
