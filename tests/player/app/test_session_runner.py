"""A pairing, other settings and another origin: one session ends, and the next one starts from a new value."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from player.app.device_session import SessionBuilder, SessionReports
from player.app.failed_starts import StartRecord
from player.app.session_runner import CurrentSession, SessionRunner
from player.app.shared_resources import SharedResources
from player.display import Display, DisplayState, Power
from player.evidence.ledger_owner import UNPAIRED
from player.platform.geometry import Area
from player.settings.configuration import Configuration, load_configuration
from player.stage.self_restart import SelfRestart
from player.stage.stage import Stage
from player.status.wording import traffic_figures, traffic_status
from sync.device.store.content_store import open_content_store
from sync.device.sync_state import SyncFacts
from sync.device.traffic.budget import Budget
from sync.device.traffic.month_counter import TrafficCounter
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import ScheduleDraft
from sync.runtime.clock import SystemClock
from sync.wire.device_reports import Heartbeat
from tests.fakes import FakeClock
from tests.origin.planning_origin import open_planning_origin
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in
from tests.player.director.fake_screen import FakeScreen
from tests.sync.faulty_disk import FaultyDisk

UTC = ZoneInfo("UTC")
CONNECTED = Counter(
    (
        *("director", "history", "membership", "signer"),
        *("syncer", "exchange", "live connection", "on air", "history delivery", "certification", "checkpoints"),
    )
)


class FakeDisplay:
    """A display that is on."""

    def state(self) -> DisplayState:
        return DisplayState(True, True, Power.ON, Area(width=1280, height=720), 0)

    def was_dark_since(self, at_s: float) -> bool:
        return False

    def was_unplugged_since(self, at_s: float) -> bool:
        return False


class Device:
    """A running session runner, and which services run under it."""

    def __init__(self, shared: SharedResources, clock: FakeClock) -> None:
        self.configuration: Configuration = shared.configuration
        self.current = CurrentSession()
        self.services: Counter[str] = Counter()
        self.code: str | None = None
        self.codes: set[str] = set()  # all that were ever shown
        self._clock = clock
        self.boot: str | None = None  # which machine this is, for its heartbeats
        self.problems: dict[str, str] = {}
        parts = ("connection", "signing", "move", "identity")
        reports = SessionReports(*(partial(self.problems.__setitem__, part) for part in parts))
        self.budget: Budget | None = None
        self.traffic = TrafficCounter(shared.content.state, clock, lambda: UTC, lambda: self.budget)
        builder = SessionBuilder(
            shared, lambda: None, self._heartbeat, Random(1), self.traffic, reports, lambda: self.runner.reconnect()
        )
        self.runner = SessionRunner(builder, self.current, shared.configuration, self._supervised, self._show_code)

    async def set_origin(self, **fields: object) -> None:
        await self.configuration.patch({"origin": fields}, expected=None)
        self.runner.wake()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass until `condition` is true."""
        async with asyncio.timeout(60):
            while not condition():
                await self._clock.advance(1)
                await SystemClock().sleep(0.01)  # for the origin, which has sockets and threads

    async def pass_time(self, seconds: float) -> None:
        await self._clock.advance(seconds)
        await SystemClock().sleep(0.01)

    async def pair(self, origin: RunningOrigin) -> str:
        """Enter the code on the screen at the origin; return the device id."""
        await self.until(lambda: self.code is not None)
        approved = await origin.ask("POST", "/v1/devices", origin.writer, {"code": self.code, "channel": "main"})
        await self.until(self.is_connected)
        return str(approved.document["id"])

    def is_connected(self) -> bool:
        session = self.current()
        return session is not None and session.connection is not None and self.services == CONNECTED

    async def _heartbeat(self) -> Heartbeat:
        facts = session.connection.syncer.facts() if (session := self.current()) and session.connection else SyncFacts()
        return Heartbeat(
            at=self._clock.now(),
            version="1",
            boot_id=self.boot,
            release=facts.release,
            preparing=facts.preparing,
            health=traffic_figures(traffic_status(self.traffic.state())),
        )

    async def _supervised(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        self.services[name] += 1
        try:
            await run()
        finally:
            self.services[name] -= 1

    def _show_code(self, code: str | None) -> None:
        self.code = code
        self.codes |= {code} if code else set()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Device]:
    clock = FakeClock()
    with open_content_store(folder) as content:
        screen, display = cast(Stage, FakeScreen(clock)), cast(Display, FakeDisplay())
        self_restart = SelfRestart(folder / "none", clock, lambda: False)
        starts = StartRecord(folder / "none", clock)
        shared = SharedResources(load_configuration(None), content, display, screen, self_restart, starts, clock)
        device = Device(shared, clock)
        task = asyncio.create_task(device.runner.run())
        try:
            yield device
        finally:
            task.cancel()
            await asyncio.wait({task})
    assert device.current() is None and not +device.services


async def test_each_change_of_pairing_starts_a_new_session_and_ends_all_services_of_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path / "device"))
    async with (
        running_origin(settings_in(tmp_path / "one"), SystemClock()) as one,
        running_origin(settings_in(tmp_path / "two"), SystemClock()) as two,
        running(tmp_path / "device") as device,
    ):
        await device.set_origin(url=one.url)
        await device.until(lambda: device.code is not None)
        unpaired = device.current()
        assert unpaired and unpaired.ledger.device == UNPAIRED and unpaired.pairing_code == device.code

        name = await device.pair(one)
        paired = device.current()
        assert paired and paired.connection and paired.connection.membership.device == paired.ledger.device == name
        assert paired.director is not unpaired.director and device.code is None

        await device.set_origin(poll_s=30)  # another connection, the same session
        await device.until(lambda: device.is_connected() and device.current() != paired)
        again = device.current()
        assert again and again.director is paired.director and again.ledger is paired.ledger
        assert again.connection and again.connection.syncer is not paired.connection.syncer

        await device.set_origin(url=two.url)
        await device.until(lambda: device.code is not None)
        waiting = device.current()
        assert waiting and waiting.director is paired.director and waiting.connection is None  # it plays on meanwhile
        other = await device.pair(two)
        last = device.current()
        assert last and last.ledger.device == other != name and last.director is not paired.director
        assert unpaired.connection is None and paired.connection.membership.origin == one.url  # values never change


async def test_a_membership_that_cannot_be_read_shows_no_code_and_counts_again_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faulty_disk: FaultyDisk
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path / "device"))
    async with running_origin(settings_in(tmp_path / "origin"), SystemClock()) as origin:
        async with running(tmp_path / "device") as device:
            await device.set_origin(url=origin.url)
            name = await device.pair(origin)
        state = tmp_path / "device" / "state"
        faulty_disk.fail(state / "membership.json", state / "copies" / "membership.json")
        async with running(tmp_path / "device") as device:
            await device.until(lambda: device.current() is not None)
            session = device.current()
            assert session and session.ledger.device == name, "what is played now is this device's"
            for _ in range(30):
                await device.pass_time(10)
            assert device.current() is session and device.code is None
            faulty_disk.faults.clear()
            await device.until(device.is_connected)
            again = device.current()
            assert again and again.connection and again.connection.membership.device == name
            assert again.ledger is session.ledger and device.code is None


async def test_of_a_folder_and_its_copy_one_becomes_a_device_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path / "device"))
    async with running_origin(settings_in(tmp_path / "origin"), SystemClock()) as origin:
        async with running(tmp_path / "device") as device:
            await device.set_origin(url=origin.url)
            name = await device.pair(origin)
        shutil.copytree(tmp_path / "device", tmp_path / "copy")
        path = f"/v1/devices/{name}"
        async with running(tmp_path / "device") as device, running(tmp_path / "copy") as copy:
            device.boot, copy.boot = "a" * 32, "b" * 32
            async with asyncio.timeout(300):
                while not all("Two machines report" in one.problems.get("identity", "") for one in (device, copy)):
                    for one in (device, copy):  # in turn, as time passes
                        await one.pass_time(30)
            doubts = (await origin.ask("GET", f"{path}/machines", origin.reader)).document["doubts"]
            assert any(doubt.startswith("two machines report") for doubt in doubts)
            asked = {"boot_id": copy.boot, "name": "Copy"}
            given = (await origin.ask("POST", f"{path}/new-identity", origin.writer, asked)).document
            await copy.until(lambda: copy.is_connected() and (now := copy.current()) is not None
                             and now.ledger.device == given["device"])  # fmt: skip
            session = copy.current()
            assert session is not None and session.ledger.problem == ""
            await device.until(lambda: "Two machines report" not in device.problems["identity"])
            assert (now := device.current()) is not None and now.ledger.device == name
        shown = (await origin.ask("GET", "/v1/devices", origin.reader)).document["devices"]
        assert {one["id"] for one in shown} == {name, given["device"]}
        assert not [doubt for one in shown for doubt in one["doubts"] if "machines report" in doubt]
        async with running(tmp_path / "copy") as copy:  # and stays one
            copy.boot = "b" * 32
            await copy.until(copy.is_connected)
            assert (now := copy.current()) is not None and now.ledger.device == given["device"]


async def publish(folder: Path, size_bytes: int) -> str:
    """Publish a release with one media of this size on `main`; return its hash."""
    async with open_planning_origin(folder, FakeClock()) as origin:
        await origin.make_media("film", data=Random(7).randbytes(size_bytes))
        items = (PlaylistItem(media="film"),)
        playlist = (await origin.playlists.create(PlaylistDraft(name="Lobby", items=items))).id
        await origin.schedules.create("main", ScheduleDraft(default_playlist=playlist))
        return (await origin.publisher.publish("main")).record.sha256


async def test_a_person_at_the_origin_lets_one_release_through_though_the_bytes_of_the_month_are_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path / "device"))
    (tmp_path / "origin").mkdir()
    release = await publish(tmp_path / "origin", 1_500_000)
    async with (
        running_origin(settings_in(tmp_path / "origin"), FakeClock()) as origin,
        running(tmp_path / "device") as device,
    ):
        device.budget = Budget(total_bytes=600_000, reserve_bytes=100_000)
        await device.set_origin(url=origin.url)
        path = f"/v1/devices/{await device.pair(origin)}"

        def facts() -> SyncFacts:
            session = device.current()
            return session.connection.syncer.facts() if session and session.connection else SyncFacts()

        async def view() -> dict[str, Any]:
            await device.pass_time(10)
            return dict((await origin.ask("GET", path, origin.reader)).document)

        async with asyncio.timeout(60):
            while (waits := (await view())["budget"]) is None:
                pass
        assert waits == {"release": release, "month": "2026-03", "state": "waits"}
        await device.until(lambda: facts().out_of_budget)
        assert device.traffic.state().traffic.let_through == ""
        asked = await origin.ask("POST", f"{path}/let-through", origin.writer, {"release": release})
        assert asked.document["budget"] == waits | {"state": "asked"}
        await device.until(lambda: facts().release == release)
        async with asyncio.timeout(60):
            while (seen := await view())["heartbeat"]["release"] != release:
                pass
        assert seen["heartbeat"]["health"]["month_let_through"] == release and seen["budget"] is None
        assert device.traffic.state().spent, "nothing else may come"
