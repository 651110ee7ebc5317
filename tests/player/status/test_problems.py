"""Each problem that status tells begins with its cause and ends with it. What can be told is read from the code."""

import ast
import asyncio
import inspect
import re
import socket
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from player.app import wiring
from player.app.device_session import SessionBuilder, SessionReports
from player.director.director import Director
from player.display import WantedOutput, overlay_host
from player.display.outputs import arrange
from player.display.overlay_host import OverlayHost
from player.endpoint.auth import EndpointToken
from player.endpoint.server import EndpointServer
from player.platform.geometry import Area
from player.proof.log_signer import LOOK_EVERY_S, LogSigner
from player.protocol.now_playing import Now
from player.protocol.problems import ProblemCode
from player.settings.configuration import load_configuration
from player.settings.model import Settings
from player.status import health
from player.status.booking_watch import BookingWatch
from player.status.collector import StatusCollector
from player.status.health import Condition, Throttling, health_problems
from player.status.last_hour_counts import WINDOW_S, LastHourCounts
from player.status.status_sources import ProblemReports
from sync.device.origin_move import OriginMove
from sync.device.pairing import DevicePairing, PairingPhase
from sync.device.store.content_store import open_content_store
from sync.device.store.membership import DeviceMembership, save_membership
from sync.device.sync_state import SyncFacts, SyncState
from sync.device.traffic.month_counter import TrafficCounter
from sync.device.transfer.sources import SourceFacts
from sync.errors import OriginUnreachable, StorageBroken, Untrusted
from sync.runtime.clock import ClockTrust
from sync.wire.device_reports import HeartbeatAnswer, PairingState
from sync.wire.overlay import Ticker
from sync.wire.release import Daypart, Release
from tests.fakes import FakeClock
from tests.player.director.test_streams import STREAM, stream, with_stream
from tests.player.director.venue import NOON, campaign, item, open_world, playlist, release
from tests.player.display.test_backdrop import FakeDisplay, running_backdrop
from tests.player.display.test_outputs import BOTH
from tests.player.overlay.test_overlays_on_screen import OverlayPublisher
from tests.player.status.test_file_problems import MEMBER, root_of
from tests.player.status.test_health import HEALTHY, MACHINE
from tests.player.status.test_readiness import readiness_of

EVENING = Daypart(id="evening", name="Evening", playlist="loop", start="21:00", end="22:00")
TOP = Path(__file__).parents[3]


def words_of(node: ast.expr) -> str:
    """Return a pattern for the sentences that an expression makes."""
    if isinstance(node, ast.JoinedStr):
        return "".join(re.escape(str(v.value)) if isinstance(v, ast.Constant) else ".*" for v in node.values)
    assert isinstance(node, ast.Constant)
    return re.escape(str(node.value))


# ── health ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def lately(after_s: float) -> int:
    """Return what counts of five events, so long after they came."""
    counts = LastHourCounts()
    counts.update("x", 5, 0.0)
    return counts.update("x", 5, after_s)


def machine(**facts: Any) -> Condition:
    return replace(HEALTHY, machine=replace(MACHINE, **facts))


CAUSES: tuple[tuple[Condition, Condition], ...] = (  # with the cause, and without it again
    (machine(throttling=Throttling(undervoltage=True)), machine(throttling=Throttling())),
    (machine(throttling=Throttling(throttled=True)), machine(throttling=Throttling())),
    (machine(throttling=Throttling(undervoltage_since_boot=True)), machine(throttling=Throttling())),  # a new start
    (machine(temperature_c=80.0), machine(temperature_c=79.9)),
    (machine(disk_free_bytes=(256 << 20) - 1), machine(disk_free_bytes=256 << 20)),
    (machine(memory_percent=92.0), machine(memory_percent=91.9)),
    (machine(load_1m=8.0, cpu_percent=95.0), machine(load_1m=8.0, cpu_percent=94.0)),
    (replace(HEALTHY, clock=ClockTrust.UNSYNCED), HEALTHY),
    (replace(HEALTHY, display_answers=False), HEALTHY),
    (replace(HEALTHY, covered_by="Update"), HEALTHY),
    (machine(monitor=False), machine(monitor=True)),
    (
        replace(HEALTHY, deck_restarts_lately=lately(WINDOW_S - 1)),
        replace(HEALTHY, deck_restarts_lately=lately(WINDOW_S + 1)),
    ),
    (replace(HEALTHY, deck_failed_starts=3, deck_restarts_lately=3), replace(HEALTHY, deck_failed_starts=2)),
    (replace(HEALTHY, picture_faults=lately(1.0)), replace(HEALTHY, picture_faults=lately(WINDOW_S + 1))),
    (replace(HEALTHY, recovered="restart"), HEALTHY),
    (replace(HEALTHY, update_fault="SyntaxError: x", deck_failed_starts=3), HEALTHY),
    (replace(HEALTHY, quarantined=("Bread",)), HEALTHY),
    (replace(HEALTHY, damaged=("Bread",)), HEALTHY),
    (replace(HEALTHY, unplayable=("Bread (no decoder)",)), HEALTHY),
    (replace(HEALTHY, failing=("Bread (no decoder)",)), HEALTHY),
    (replace(HEALTHY, left_out="c (kind clock)"), HEALTHY),
    (
        replace(HEALTHY, service_restarts={"sync": 5}, service_restarts_lately={"sync": lately(1.0)}),
        replace(HEALTHY, service_restarts={"sync": 5}),
    ),
    (replace(HEALTHY, paired=False, pairing_code=True), HEALTHY),
    (replace(HEALTHY, paired=False), replace(HEALTHY, paired=False, origin_told=True)),  # a better sentence is told
    (replace(HEALTHY, paired=False), replace(HEALTHY, paired=False, membership_unreadable=True)),
    (replace(HEALTHY, paired=False), replace(HEALTHY, paired=False, starting=True)),  # nobody knows yet
    (replace(HEALTHY, sync_failure="it is away"), HEALTHY),
    (replace(HEALTHY, sync_age_s=900.1), replace(HEALTHY, sync_age_s=900.0)),
    (replace(HEALTHY, outbox_depth=5000), replace(HEALTHY, outbox_depth=4999)),
)


@pytest.mark.parametrize(("with_cause", "without"), CAUSES)
def test_a_problem_of_health_ends_with_its_cause(with_cause: Condition, without: Condition) -> None:
    assert len(health_problems(with_cause)) == 1 and health_problems(without) == ()


def test_every_problem_of_health_has_a_row() -> None:
    told = {found.text for with_cause, _ in CAUSES for found in health_problems(with_cause)}
    made = [node.value for node in ast.walk(ast.parse(inspect.getsource(health))) if isinstance(node, ast.Yield)]
    patterns = [words_of(node.args[1]) for node in made if isinstance(node, ast.Call)]
    assert len(patterns) > 15
    missing = [pattern for pattern in patterns if not any(re.fullmatch(pattern, sentence) for sentence in told)]
    assert missing == [], "give these problems a row in CAUSES"


# ── what the parts of the player report ────────────────────────────────────────────────────────────────────────────

Told = AsyncIterator[bool]
"""Whether the problem is told: before its cause, while it lasts, and when it is over."""


async def wrong_settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    file = folder / "player.toml"
    file.write_text("")
    configuration = load_configuration(file)
    for text in ("", "[playback]\nvolume = 101\n", "[playback]\nvolume = 99\n"):
        file.write_text(text)
        configuration.reload()
        yield configuration.problems() != ()


async def settings_that_wait_for_a_restart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    file = folder / "player.toml"
    file.write_text("")
    configuration = load_configuration(file)
    for text in ("", "[endpoint]\nport = 9999\n", ""):
        file.write_text(text)
        configuration.reload()
        yield configuration.problems() != ()


async def wrong_variables(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    file = folder / "player.toml"
    file.write_text("")
    yield load_configuration(file).problems() != ()
    monkeypatch.setenv("SIGNAGE_PLAYER__PLAYBACK__VOLUME", "101")
    configuration = load_configuration(file)
    configuration.reload()  # the variable is still wrong
    yield configuration.problems() != ()
    monkeypatch.delenv("SIGNAGE_PLAYER__PLAYBACK__VOLUME")
    yield load_configuration(file).problems() != ()


async def a_token_that_cannot_be_stored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    told = ProblemReports()
    token = EndpointToken(folder / "state", told.reporter(ProblemCode.TOKEN))
    yield told.tells(ProblemCode.TOKEN)
    (folder / "state").rename(folder / "away")
    (folder / "state").write_text("in the way")
    token._store()
    yield told.tells(ProblemCode.TOKEN)
    (folder / "state").unlink()
    (folder / "away").rename(folder / "state")
    token._store()
    yield told.tells(ProblemCode.TOKEN)


async def a_fallback_picture_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    configuration, display = load_configuration(None), FakeDisplay()
    with open_content_store(folder) as content:
        async with running_backdrop(display, configuration, content) as (backdrop, problems):
            await display.next()
            for picture in (None, str(folder / "missing.png"), None):
                await configuration.patch({"playback": {"fallback": picture}}, expected=None)
                backdrop.wake()
                await display.next()
                yield problems[-1] != ""


async def overlays_whose_process_is_lost(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    async def refused(*command: object) -> None:
        raise OSError("no process")

    monkeypatch.setattr(overlay_host, "start_child", refused)
    told, clock = ProblemReports(), FakeClock()
    with open_content_store(folder) as content:
        publisher = OverlayPublisher(content, folder / "tree")
        display: Any = SimpleNamespace(area=Area(width=320, height=180), name=":0")
        overlays = OverlayHost(display, content, clock, lambda: False, told.reporter(ProblemCode.OVERLAYS))
        service = asyncio.create_task(overlays.run())
        for due in ((), (Ticker(id="news", text="Bread"),), ()):
            publisher.release(*due)
            overlays.wake()
            while overlays.due != due:
                await clock.advance(1)
            await clock.advance(1)
            yield told.tells(ProblemCode.OVERLAYS)
        service.cancel()


async def a_log_of_plays_that_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    told, faults = ProblemReports(), ["", "it is locked", ""]

    async def depth() -> int:
        if fault := faults.pop(0):
            raise StorageBroken(fault)
        return 0

    session = SimpleNamespace(ledger=SimpleNamespace(outbox=SimpleNamespace(depth=depth)))
    sources: Any = SimpleNamespace(session=lambda: session, problems=told)
    for _ in range(3):
        await StatusCollector(sources, FakeClock())._outbox_depth()
        yield told.tells(ProblemCode.LEDGER)


async def an_origin_that_is_away_while_pairing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    told, answer, away = ProblemReports(), PairingState(status="expired"), OriginUnreachable("nobody answers")
    answers: list[PairingState | OriginUnreachable] = [answer, away, answer]

    async def pairing_state(*_: object) -> PairingState:
        if isinstance(answer := answers.pop(0), OriginUnreachable):
            raise answer
        return answer

    client: Any = SimpleNamespace(url="http://a.example/", pairing=pairing_state)
    asked: Any = SimpleNamespace(pairing="p")
    unused: Any = None
    for _ in range(3):
        pairing = DevicePairing(
            client, unused, FakeClock(), Random(1), "x", None, unused, told.reporter(ProblemCode.CONNECTION)
        )
        pairing._show_code, pairing._phase = lambda code: None, PairingPhase.WAITING
        pairing._answer = asked
        try:
            await pairing._poll()
        except OriginUnreachable as error:
            pairing._after_failure(error)
        yield told.tells(ProblemCode.CONNECTION)


async def a_port_in_use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    told, clock, nothing = ProblemReports(), FakeClock(), SimpleNamespace(operations=lambda: ())
    unused: Any = nothing
    yield told.tells(ProblemCode.ENDPOINT)
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__PORT", str(other.getsockname()[1]))
        server = EndpointServer(
            load_configuration(None), unused, (), unused, unused, clock, told.reporter(ProblemCode.ENDPOINT)
        )
        monkeypatch.setattr(server, "_app", web.Application)
        service = asyncio.create_task(server.run())
        while not server.problem:
            await clock.run_ready()
        yield told.tells(ProblemCode.ENDPOINT)
    while not server.url:
        await clock.advance(60)
    yield told.tells(ProblemCode.ENDPOINT)
    service.cancel()


async def starts_that_failed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    told, clock = ProblemReports(), FakeClock()
    core: Any = SimpleNamespace(starts=SimpleNamespace(earlier="failed at its start"), clock=clock)
    yield told.tells(ProblemCode.FAILED_STARTS)
    service = asyncio.create_task(wiring._tell_failed_starts(core, told.reporter(ProblemCode.FAILED_STARTS)))
    await clock.run_ready()
    yield told.tells(ProblemCode.FAILED_STARTS)
    await clock.advance(3600)
    yield told.tells(ProblemCode.FAILED_STARTS)
    service.cancel()


async def sound_from_another_output(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    output: list[str | None] = [None]
    sources: Any = SimpleNamespace(stage=SimpleNamespace(facts=lambda: SimpleNamespace(sound=output[0])))
    collector = StatusCollector(sources, FakeClock())
    for device, heard in (("hdmi", "hdmi"), ("hdmi", "usb"), ("usb", "usb")):
        output[0] = heard
        yield collector._other_audio_output(device) != ()


async def an_origin_that_is_not_known_at_its_new_address(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    told, clock, unused = ProblemReports(), FakeClock(), SimpleNamespace()
    answers: list[Exception] = [Untrusted("it signs nothing"), OriginUnreachable("nobody answers")]

    async def ask(_: object) -> DeviceMembership:
        if answers:
            raise answers.pop()
        return MEMBER

    monkeypatch.setattr(OriginMove, "_ask", ask)
    monkeypatch.setattr(DevicePairing, "run", lambda _: asyncio.Event().wait())
    settings = Settings.model_validate({"origin": {"url": "http://b.example"}})
    with open_content_store(folder) as content:
        save_membership(content, root_of(folder), MEMBER)
        core: Any = SimpleNamespace(content=content, clock=clock)
        traffic = TrafficCounter(content.state, clock, lambda: None)
        reports = SessionReports(move=told.reporter(ProblemCode.ORIGIN_MOVE))
        builder = SessionBuilder(core, unused, unused, Random(1), traffic, reports)  # type: ignore
        yield told.tells(ProblemCode.ORIGIN_MOVE)
        task = asyncio.create_task(builder.membership(settings, lambda _: None))
        while answers:
            await clock.advance(1)
        yield told.tells(ProblemCode.ORIGIN_MOVE)
        while not task.done():
            await clock.advance(60)
        yield told.tells(ProblemCode.ORIGIN_MOVE)


async def a_log_of_plays_that_cannot_be_signed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    told, clock, unused = ProblemReports(), FakeClock(), SimpleNamespace(device="screen")
    answers: list[Exception | str] = ["", StorageBroken("it is read-only"), "the log was set back"]

    async def sign(_: object) -> str:
        answer = answers.pop()
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(LogSigner, "sign_if_due", sign)
    with open_content_store(folder) as content:
        signer = LogSigner(unused, content, clock, told.reporter(ProblemCode.SIGNING))  # type: ignore[arg-type]
        yield told.tells(ProblemCode.SIGNING)
        task = asyncio.create_task(signer.run())
        await clock.run_ready()
        assert told.tells(ProblemCode.SIGNING)
        await clock.advance(LOOK_EVERY_S)
        yield told.tells(ProblemCode.SIGNING)
        await clock.advance(LOOK_EVERY_S)
        yield told.tells(ProblemCode.SIGNING)
        task.cancel()


async def two_machines_that_run_as_this_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    told, unused = ProblemReports(), SimpleNamespace()
    reports = SessionReports(identity=told.reporter(ProblemCode.IDENTITY))
    builder = SessionBuilder(unused, unused, unused, Random(1), unused, reports)  # type: ignore[arg-type]
    for doubts in ((), ("two machines report as this screen in turn",), ()):
        await builder._answered(unused, unused, HeartbeatAnswer(doubts=doubts))  # type: ignore[arg-type]
        yield told.tells(ProblemCode.IDENTITY)


async def a_log_of_plays_that_was_set_aside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """It is told until the next start: what was in the file is missing in this log."""
    path = folder / "plays.db"
    for damage in (b"", b"no database" * 100, b""):
        if damage:
            path.write_bytes(damage)
        async with open_world(folder) as world:
            yield world.director.now().problems != ()


async def a_disk_that_is_full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    async with open_world(folder) as world:
        world.publish(release(playlist("loop", item("red"), item("blue"))))
        async with world.running():
            for most in (100_000, 1, 100_000):
                async with world.ledger._database._connection.execute(f"PRAGMA max_page_count = {most}") as cursor:
                    await cursor.fetchall()
                await world.advance(200)
                yield world.director.now().problems != ()


async def dayparts_in_a_zone_that_nobody_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    content = release(playlist("loop", item("red")), dayparts=(EVENING,))
    async with open_world(folder) as world:
        world.publish(content)
        async with world.running():
            for zone in ("UTC", None, "UTC"):
                world.publish(content.model_copy(update={"zone": zone}))
                await world.wake()
                await world.advance(1)
                yield world.director.now().problems != ()


async def a_stream_that_is_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    async with open_world(folder) as world:
        world.publish(with_stream(item("red"), stream(duration_ms=10_000)))
        async with world.running():
            for unplayable, seconds in ((set[str](), 30), ({STREAM}, 30), (set[str](), 100)):
                world.screen.unplayable = unplayable
                await world.advance(seconds)
                yield world.director.now().problems != ()


async def a_stream_whose_item_goes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    async with open_world(folder) as world:
        world.publish(with_stream(item("red"), stream(duration_ms=10_000, ends_at=NOON + timedelta(seconds=65))))
        async with world.running():
            await world.advance(1)
            yield world.director.now().problems != ()
            world.screen.unplayable.add(STREAM)
            for seconds in (49, 50):
                await world.advance(seconds)
                yield world.director.now().problems != ()


async def an_output_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    told = [arrange(BOTH, WantedOutput(name)).problem for name in ("HDMI-1", "DP-1", "HDMI-2")]
    sources: Any = SimpleNamespace(
        configuration=load_configuration(None),
        problems=ProblemReports(),
        display=SimpleNamespace(state=lambda: SimpleNamespace(problem=told.pop(0))),
        stage=SimpleNamespace(facts=lambda: SimpleNamespace(sound=None)),
    )
    collector, now = StatusCollector(sources, FakeClock()), Now(showing="fallback", why="")
    while told:
        yield collector._problems(now, HEALTHY) != ()


async def a_release_that_comes_too_late(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    clock, told = FakeClock(NOON), ProblemReports()
    coming = release(playlist("loop", item("red")), dayparts=(EVENING,))
    facts = SyncFacts(SyncState.FETCHING, preparing="b" * 64, accepted=coming, bytes_to_do=10**9)
    with open_content_store(folder) as content:
        readiness = readiness_of(lambda: facts, content, clock, told)
        for bytes_s, looks in ((50_000, 5), (10_000, 15), (200_000, 20)):
            for _ in range(looks):
                source = SourceFacts("origin", "", facts.kept_bytes + bytes_s * 10, 0, 0.0, 0, "", 0.0)
                facts = replace(facts, sources=(source,))
                await clock.advance(10)
                await readiness.look()
            yield told.tells(ProblemCode.LATE_RELEASE)


async def ad_lines_that_bought_more_than_there_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    clock, told, ads = FakeClock(NOON), ProblemReports(), (campaign("cola", share_ppm=800_000), campaign("juice"))
    releases = {"f" * 64: release(playlist("loop", item("red")), ads=ads[1:])}
    releases["0" * 64] = release(playlist("loop", item("red")), ads=(campaign("tea", share_ppm=800_000), *ads[:1]))
    shown = ["f" * 64, "0" * 64, "f" * 64]
    session = SimpleNamespace(director=SimpleNamespace(now=lambda: Now(showing="item", why="", release=shown[0])))
    sources: Any = SimpleNamespace(session=lambda: session, problems=told, configuration=load_configuration(None))

    async def active(name: str | None) -> Release | None:
        return releases[name or ""]

    watch = BookingWatch(sources, active, clock)
    while shown:
        await watch.look()
        yield told.tells(ProblemCode.OVERBOOKED)
        assert all("tea (Tea) 80 %" in text for _, text in told.found())
        shown.pop(0)


Case = Callable[[Path, pytest.MonkeyPatch], Told]
REPORTS: dict[str, tuple[Case, ...]] = {
    # by the expression in `StatusCollector._problems`, `Director.now`, or the name of the reporter
    "sources.configuration.problems()": (wrong_settings, settings_that_wait_for_a_restart, wrong_variables),
    "TOKEN": (a_token_that_cannot_be_stored,),
    "BACKDROP": (a_fallback_picture_that_is_not_there,),
    "OVERLAYS": (overlays_whose_process_is_lost,),
    "LEDGER": (a_log_of_plays_that_cannot_be_read,),
    "CONNECTION": (an_origin_that_is_away_while_pairing,),
    "SIGNING": (a_log_of_plays_that_cannot_be_signed,),
    "IDENTITY": (two_machines_that_run_as_this_one,),
    "LATE_RELEASE": (a_release_that_comes_too_late,),
    "OVERBOOKED": (ad_lines_that_bought_more_than_there_is,),
    "ORIGIN_MOVE": (an_origin_that_is_not_known_at_its_new_address,),
    "ENDPOINT": (a_port_in_use,),
    "FAILED_STARTS": (starts_that_failed,),
    "self._ledger.problem": (a_log_of_plays_that_was_set_aside,),
    "self._recorder.problem": (a_disk_that_is_full,),
    "self._scenes.problem": (dayparts_in_a_zone_that_nobody_named,),
    "self._streams.problems()": (a_stream_that_is_away, a_stream_whose_item_goes),
    "self._files[1]": (),  # test_file_problems.py
    "health_problems(condition)": (),  # above
    "display and f'The setting {display}.'": (an_output_that_is_not_there,),
    "self._other_audio_output(settings.audio.device)": (sound_from_another_output,),
}
CASES = [case for cases in REPORTS.values() for case in cases]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_a_problem_is_told_while_its_cause_lasts(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path))
    (tmp_path / "state").mkdir()
    async with asyncio.timeout(60), aclosing(case(tmp_path, monkeypatch)) as told:  # type: ignore[type-var]
        assert [each async for each in told] == [False, True, False]


def told_in(method: Callable[..., Any]) -> set[str]:
    """Return what stands in the tuple `problems` of a method, of calls of `problems_of` what they are given."""
    nodes = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(method))))
    made = {ast.unparse(node.targets[0]): node.value for node in nodes if isinstance(node, ast.Assign)}
    found = made["problems"]
    assert isinstance(found, ast.Tuple)
    return {ast.unparse(told).removeprefix("*") for element in found.elts for told in given(element)}


def given(element: ast.expr) -> list[ast.expr]:
    call = element.value if isinstance(element, ast.Starred) else element
    return call.args[1:] if isinstance(call, ast.Call) and ast.unparse(call.func) == "problems_of" else [element]


def test_every_problem_that_can_be_told_is_in_the_table() -> None:
    own = told_in(StatusCollector._problems)
    sources = [path.read_text() for path in (TOP / "player").rglob("*.py")]
    reporters = {name for text in sources for name in re.findall(r"\.(?:reporter|tell)\(\s*ProblemCode\.(\w+)", text)}
    others = {"sources.problems.found()", "map(ToldProblem, now.problem_codes, now.problems)"}
    assert others < own
    assert set(REPORTS) == (own - others) | told_in(Director.now) | reporters


def test_every_code_is_used() -> None:
    sources = "".join(path.read_text() for path in (TOP / "player").rglob("*.py"))
    assert set(ProblemCode.__members__) == set(re.findall(r"ProblemCode\.(\w+)", sources))
