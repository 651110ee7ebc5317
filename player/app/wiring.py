"""The composition of all that works behind the screen: which services there are, and what each is given.

A root like `player.app.daemon`, in a file of its own because half a second of imports hangs on it: the daemon reads it
while the decks start.
"""

import logging
from collections.abc import Awaitable, Callable
from random import SystemRandom

from player import __version__
from player.app.device_session import DeviceSession
from player.display import Display, Power, Wanted
from player.display.backdrop import Backdrop
from player.display.overlay_host import OverlayHost
from player.display.screenshots import ScreenshotTaker
from player.endpoint.auth import AccessGuard, keep_token
from player.endpoint.forecast_routes import ForecastRoutes
from player.endpoint.routes import EndpointRoutes
from player.endpoint.server import EndpointServer
from player.endpoint.websocket import LiveSocket
from player.settings.configuration import Configuration
from player.stage.stage import Stage
from player.status.active_services import ActiveServices
from player.status.collector import StatusCollector
from player.status.health import MachineProbe
from player.status.metrics import PlayerMetrics, StageSeries
from sync.device.store.content_store import ContentStore
from sync.errors import StorageBroken, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.file_watcher import FileWatcher
from sync.runtime.supervisor import Restarts
from sync.runtime.systemd import Watchdog, watchdog_interval_s
from sync.trust.signing import new_token
from sync.wire.report import ScreenState

Service = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


def build_services(
    configuration: Configuration, cache: ContentStore, display: Display, stage: Stage, clock: Clock, restarts: Restarts
) -> dict[str, Service]:
    """Return the services by name, wired; nothing runs yet."""
    duty = ActiveServices()
    probe = MachineProbe(configuration.settings.storage.state_dir, clock)
    observer = StatusCollector(configuration, cache, duty, stage, display, probe, restarts, clock, version=__version__)
    backdrop = Backdrop(display, configuration, cache, clock, duty.problem_reporter("backdrop"))
    blanked = lambda: observer.now().showing == "blank"  # noqa: E731
    duty.overlays = overlays = OverlayHost(display, cache, clock, blanked, duty.problem_reporter("overlays"))
    power = _power_of(display)
    rng = SystemRandom()
    shift = DeviceSession(configuration, cache, stage, power, backdrop, overlays, observer, duty, restarts, clock, rng)
    endpoint = _endpoint(configuration, cache, observer, duty, display, stage, clock)

    async def follow() -> None:
        """Put changed settings into force."""
        seen = configuration.settings
        while True:
            seen = await configuration.changed(seen)
            logging.getLogger().setLevel(seen.logging.level)
            display.want(Wanted(seen.display.output, seen.display.rotation))
            stage.set_audio_device(seen.audio.device)
            backdrop.wake()
            shift.wake()

    services: dict[str, Service] = {
        "area": lambda: _fill(display, stage, backdrop),
        "backdrop": backdrop.run,
        "overlays": overlays.run,
        "shift": shift.run,
        "endpoint": endpoint.run,
        "settings": follow,
    }
    if configuration.file is not None:
        services["watcher"] = FileWatcher(configuration.file, configuration.reload, clock).run
    if (interval_s := watchdog_interval_s()) is not None:
        services["watchdog"] = Watchdog(interval_s, clock).run
    return services


async def _fill(display: Display, stage: Stage, backdrop: Backdrop) -> None:
    """Follow the display's size, output and rotation."""
    area = display.area
    while True:
        area = await display.moved(area)
        stage.fill(area)
        backdrop.wake()


def _endpoint(
    configuration: Configuration,
    cache: ContentStore,
    observer: StatusCollector,
    duty: ActiveServices,
    display: Display,
    stage: Stage,
    clock: Clock,
) -> EndpointServer:
    gate = AccessGuard(_token(cache, duty), configuration, clock)
    metrics, live = PlayerMetrics(clock, StageSeries(stage.tally, stage.facts)), LiveSocket(observer, clock)
    answers = EndpointRoutes(observer, configuration, duty, ScreenshotTaker(display, clock), gate, metrics, clock)
    tell = duty.problem_reporter("endpoint")
    prospects = ForecastRoutes(cache, configuration, duty, clock)
    operations = (*answers.operations(), *prospects.operations())
    return EndpointServer(configuration, gate, operations, live, metrics, clock, tell, version=__version__)


def _token(cache: ContentStore, duty: ActiveServices) -> str:
    try:
        return keep_token(cache.state)
    except (StorageBroken, StorageFull) as error:  # nobody can know this one: the endpoint is there to be read
        log.error("endpoint=token not kept, writing is closed until the next start: %s", error)
        duty.problem_reporter("token")(
            f"The endpoint's token could not be kept, so nothing can be changed over it: {error}."
        )
        return new_token()


def _power_of(display: Display) -> Callable[[], ScreenState]:
    known = {Power.ON: ScreenState.ON, Power.OFF: ScreenState.OFF, Power.UNKNOWN: ScreenState.UNKNOWN}

    def power() -> ScreenState:
        state = display.state()
        return ScreenState.OFF if state.connected is False else known[state.power]

    return power
