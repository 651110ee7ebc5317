"""The composition of all that works behind the screen: which services there are, and what each is given.

A root like `player.daemon`, in a file of its own because half a second of imports hangs on it: the daemon reads it
while the decks start.
"""

import logging
from collections.abc import Awaitable, Callable
from random import SystemRandom

from player import __version__
from player.access import Gate, keep_token
from player.answers import Answers
from player.backdrop import Backdrop
from player.camera import Camera
from player.configure import Configuration
from player.display import Display, Power, Wanted
from player.duty import Duty
from player.endpoint import Endpoint
from player.health import Probe
from player.live import Live
from player.metrics import Metrics, StageSeries
from player.observer import Observer
from player.overlays import Overlays
from player.prospects import Prospects
from player.shift import Shift
from player.stage import Stage
from sync import StorageBroken, StorageFull
from sync.cache import Cache
from sync.clock import Clock
from sync.notify import Watchdog, watchdog_interval_s
from sync.report import ScreenState
from sync.signing import new_token
from sync.supervise import Restarts
from sync.watcher import Watcher

Service = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


def wired(
    configuration: Configuration, cache: Cache, display: Display, stage: Stage, clock: Clock, restarts: Restarts
) -> dict[str, Service]:
    """Return the services by name, wired; nothing runs yet."""
    duty = Duty()
    probe = Probe(configuration.settings.storage.state_dir, clock)
    observer = Observer(configuration, cache, duty, stage, display, probe, restarts, clock, version=__version__)
    backdrop = Backdrop(display, configuration, cache, clock, duty.noting("backdrop"))
    overlays = Overlays(display, cache, clock, lambda: observer.now().showing == "blank", duty.noting("overlays"))
    duty.overlays = overlays
    power = _power_of(display)
    rng = SystemRandom()
    shift = Shift(configuration, cache, stage, power, backdrop, overlays, observer, duty, restarts, clock, rng)
    endpoint = _endpoint(configuration, cache, observer, duty, display, stage, clock)

    async def follow() -> None:
        """Put changed settings into force."""
        seen = configuration.settings
        while True:
            seen = await configuration.changed(seen)
            logging.getLogger().setLevel(seen.logging.level)
            display.want(Wanted(seen.display.output, seen.display.rotation))
            stage.route(seen.audio.device)
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
        services["watcher"] = Watcher(configuration.file, configuration.reload, clock).run
    interval_s = watchdog_interval_s()
    if interval_s is not None:
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
    cache: Cache,
    observer: Observer,
    duty: Duty,
    display: Display,
    stage: Stage,
    clock: Clock,
) -> Endpoint:
    gate = Gate(_token(cache, duty), configuration, clock)
    metrics, live = Metrics(clock, StageSeries(stage.tally, stage.facts)), Live(observer, clock)
    answers = Answers(observer, configuration, duty, Camera(display, clock), gate, metrics, clock)
    tell = duty.noting("endpoint")
    prospects = Prospects(cache, configuration, duty, clock)
    operations = (*answers.operations(), *prospects.operations())
    return Endpoint(configuration, gate, operations, live, metrics, clock, tell, version=__version__)


def _token(cache: Cache, duty: Duty) -> str:
    try:
        return keep_token(cache.state)
    except (StorageBroken, StorageFull) as error:  # nobody can know this one: the endpoint is there to be read
        log.error("endpoint=token not kept, writing is closed until the next start: %s", error)
        duty.noting("token")(f"The endpoint's token could not be kept, so nothing can be changed over it: {error}.")
        return new_token()


def _power_of(display: Display) -> Callable[[], ScreenState]:
    known = {Power.ON: ScreenState.ON, Power.OFF: ScreenState.OFF, Power.UNKNOWN: ScreenState.UNKNOWN}

    def power() -> ScreenState:
        state = display.state()
        return ScreenState.OFF if state.connected is False else known[state.power]

    return power
