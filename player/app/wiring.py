"""The one place where the player's services are put together: which there are, and what each is given.

The daemon imports this file while the decks start, because its imports take half a second.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from random import SystemRandom
from zoneinfo import ZoneInfo

from player.app.device_session import SessionBuilder, SessionReports, network_of, venue_hosts
from player.app.session_runner import CurrentSession, SessionRunner
from player.app.shared_resources import SharedResources
from player.display import WantedOutput
from player.display.backdrop import Backdrop
from player.display.overlay_host import OverlayHost
from player.display.screenshots import ScreenshotTaker
from player.endpoint.auth import AccessGuard, EndpointToken
from player.endpoint.forecast_routes import ForecastRoutes
from player.endpoint.routes import EndpointRoutes
from player.endpoint.server import EndpointServer
from player.endpoint.websocket import LiveSocket
from player.protocol.problems import ProblemCode
from player.settings.model import Settings
from player.status.collector import StatusCollector
from player.status.health import MachineProbe
from player.status.metrics import PlayerMetrics, StageSeries
from player.status.status_sources import ProblemReports, StatusSources
from player.streams.gateway import StreamGateway
from sync.device.janitor import REPAIR_EVERY_S, FileRepair
from sync.device.traffic.budget import Budget
from sync.device.traffic.month_counter import TrafficCounter
from sync.device.traffic.socket_meter import Meter
from sync.device.transfer.connection import Network
from sync.runtime.file_watcher import FileWatcher
from sync.runtime.supervisor import supervise
from sync.runtime.systemd import Watchdog, watchdog_interval_s

_TOLD_S = 3600.0

Service = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


def build_services(shared: SharedResources) -> dict[str, Service]:
    """Return the services by name, put together; nothing runs yet."""
    configuration, content, display, clock = shared.configuration, shared.content, shared.display, shared.clock
    current, problems = CurrentSession(), ProblemReports()
    backdrop = Backdrop(display, configuration, content, clock, problems.reporter(ProblemCode.BACKDROP))
    overlays = OverlayHost(display, content, clock, current.is_blank, problems.reporter(ProblemCode.OVERLAYS))

    def release_activated() -> None:
        if (session := current()) is not None:
            session.director.wake()
            session.history.wake()
        backdrop.wake()
        overlays.wake()

    traffic = _build_traffic(shared, current, lambda: sessions.wake())
    shared.stage.streams = streams = _build_streams(shared, traffic.streams)
    collector = _build_collector(shared, current, overlays, problems, traffic)
    reports = _session_reports(problems)
    builder = SessionBuilder(
        shared, release_activated, collector.heartbeat, SystemRandom(), traffic, reports, lambda: sessions.reconnect()
    )
    supervised = partial(supervise, clock=clock, restarts=shared.restarts)
    token = EndpointToken(content.state, problems.reporter(ProblemCode.TOKEN))
    sessions = SessionRunner(builder, current, configuration, supervised, backdrop.show_code)
    services: dict[str, Service] = {
        "area": lambda: _follow_area(shared, backdrop),
        "backdrop": backdrop.run,
        "overlays": overlays.run,
        "shift": sessions.run,
        "streams": streams.run,
        "traffic": traffic.run,
        "endpoint": _build_endpoint(shared, collector, current, problems, token, traffic).run,
        "readiness": collector.readiness.run,
        "bookings": collector.bookings.run,
        "token": lambda: token.run(clock),
        "files": lambda: _repair_files(shared, release_activated),
        "settings": lambda: _follow_settings(shared, backdrop, sessions),
        "starts": lambda: _tell_failed_starts(shared, problems.reporter(ProblemCode.FAILED_STARTS)),
    }
    return services | _build_watchers(shared)


def _session_reports(problems: ProblemReports) -> SessionReports:
    return SessionReports(
        connection=problems.reporter(ProblemCode.CONNECTION),
        signing=problems.reporter(ProblemCode.SIGNING),
        move=problems.reporter(ProblemCode.ORIGIN_MOVE),
        identity=problems.reporter(ProblemCode.IDENTITY),
    )


def _build_watchers(shared: SharedResources) -> dict[str, Service]:
    """Return the services that not every player has."""
    services: dict[str, Service] = {}
    configuration, clock = shared.configuration, shared.clock
    if configuration.file is not None:
        services["watcher"] = FileWatcher(configuration.file, configuration.reload, clock).run
    if (interval_s := watchdog_interval_s()) is not None:
        services["watchdog"] = Watchdog(interval_s, clock).run
    return services


def _build_traffic(shared: SharedResources, current: CurrentSession, changed: Callable[[], None]) -> TrafficCounter:
    configuration = shared.configuration

    def zone() -> ZoneInfo | None:
        known = session.director.venue_time() if (session := current()) is not None else None
        named = configuration.settings.venue.zone
        return known[0] if known else ZoneInfo(named) if named else None

    def budget() -> Budget | None:
        settings = configuration.settings.bandwidth
        whole = settings.month_budget_bytes
        return None if whole is None else Budget(whole, settings.month_reserve)

    return TrafficCounter(
        shared.content.state, shared.clock, zone, budget, lambda: venue_hosts(configuration.settings), changed
    )


def _build_streams(shared: SharedResources, meter: Meter) -> StreamGateway:
    configuration = shared.configuration

    @lru_cache(maxsize=1)  # the network keeps the certificates it has read
    def network(settings: Settings) -> Network:
        return network_of(settings, shared.clock, meter)

    return StreamGateway(
        shared.clock,
        network=lambda: network(configuration.settings),
        own_ports=lambda port: configuration.settings.streams.has_own_port(port),
        screen=lambda: shared.display.area.upright,
    )


def _build_collector(
    shared: SharedResources,
    current: CurrentSession,
    overlays: OverlayHost,
    problems: ProblemReports,
    traffic: TrafficCounter,
) -> StatusCollector:
    sources = StatusSources(
        configuration=shared.configuration,
        content=shared.content,
        session=current,
        stage=shared.stage,
        display=shared.display,
        overlays=overlays,
        machine=MachineProbe(shared.configuration.settings.storage.state_dir, shared.clock),
        restarts=shared.restarts,
        problems=problems,
        traffic=traffic,
    )
    return StatusCollector(sources, shared.clock)


def _build_endpoint(
    shared: SharedResources,
    collector: StatusCollector,
    current: CurrentSession,
    problems: ProblemReports,
    token: EndpointToken,
    traffic: TrafficCounter,
) -> EndpointServer:
    configuration, clock = shared.configuration, shared.clock
    guard = AccessGuard(lambda: token.value, configuration, clock)
    metrics = PlayerMetrics(clock, StageSeries(shared.stage.counters, shared.stage.facts))
    screenshots = ScreenshotTaker(shared.display, clock)
    routes = EndpointRoutes(collector, configuration, current, screenshots, guard, metrics, traffic)
    forecast = ForecastRoutes(shared.content, configuration, current, clock)
    operations = (*routes.operations(), *forecast.operations())
    live = LiveSocket(collector, clock)
    return EndpointServer(
        configuration, guard, operations, live, metrics, clock, problems.reporter(ProblemCode.ENDPOINT)
    )


async def _follow_area(shared: SharedResources, backdrop: Backdrop) -> None:
    """Apply changes of the display's size, output and rotation to what is shown."""
    area = shared.display.area
    while True:
        area = await shared.display.area_change(area)
        shared.stage.fill(area)
        backdrop.wake()


async def _follow_settings(shared: SharedResources, backdrop: Backdrop, sessions: SessionRunner) -> None:
    """Apply changed settings to all parts that do not read them anew each time."""
    settings = shared.configuration.settings
    while True:
        settings = await shared.configuration.wait_for_change(settings)
        logging.getLogger().setLevel(settings.logging.level)
        shared.display.choose_output(WantedOutput(settings.display.output, settings.display.rotation))
        shared.stage.set_audio_device(settings.audio.device)
        backdrop.wake()
        sessions.wake()


async def _repair_files(shared: SharedResources, mended: Callable[[], None]) -> None:
    """Repair what is damaged of the content and of the accepted settings, while the player runs."""

    async def check_accepted() -> None:
        while True:
            await shared.clock.sleep(REPAIR_EVERY_S)
            await shared.configuration.check_accepted()

    async with asyncio.TaskGroup() as group:
        group.create_task(FileRepair(shared.content, shared.clock, mended).run())
        group.create_task(check_accepted())


async def _tell_failed_starts(shared: SharedResources, report: Callable[[str], None]) -> None:
    """Tell for a while that starts before this one failed."""
    if shared.starts.earlier:
        report(f"The player was not there for a while: it {shared.starts.earlier}.")
        await shared.clock.sleep(_TOLD_S)
    report("")
    await asyncio.Event().wait()
