"""The composition root: opens everything in order, wires the services, and ends them within three seconds.

Outermost is what the screen needs: the state folder's lock, the display, the decks. Each service runs under
`supervise`, so that a bug in one never ends another.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from random import SystemRandom

from player import __version__
from player.access import Gate, keep_token
from player.answers import Answers
from player.backdrop import Backdrop
from player.configure import Configuration
from player.display import Display, Power, open_display
from player.duty import Duty
from player.endpoint import Endpoint
from player.health import Probe
from player.live import Live
from player.metrics import Metrics
from player.observer import Observer
from player.shift import Shift
from player.stage import Stage, open_stage
from sync import StorageBroken, StorageFull
from sync.cache import Cache, open_cache
from sync.clock import Clock, SystemClock
from sync.notify import Watchdog, notify, watchdog_interval_s
from sync.report import ScreenState
from sync.signing import new_token
from sync.supervise import Restarts, supervise
from sync.watcher import Watcher

Service = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


async def run(configuration: Configuration, display_name: str) -> None:
    """Be the player until SIGTERM or SIGINT.

    Raises:
        Conflict: another player uses the state folder.
        ScreenFailed: there is no X server called `display_name`.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, configuration.reload)
    clock, restarts = SystemClock(), Restarts()
    async with _services(configuration, display_name, clock, restarts) as services, asyncio.TaskGroup() as group:
        tasks = [group.create_task(supervise(name, do, clock, restarts), name=name) for name, do in services.items()]
        notify("READY=1")
        log.info("player=%s started display=%s", __version__, display_name)
        await stopping.wait()
        notify("STOPPING=1")
        log.info("player stops")
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def _services(
    configuration: Configuration, display_name: str, clock: Clock, restarts: Restarts
) -> AsyncIterator[Mapping[str, Service]]:
    """Open what has to be closed again, and wire the services over it."""
    settings = configuration.settings
    async with AsyncExitStack() as stack:
        cache = stack.enter_context(open_cache(settings.storage.state_dir))
        configuration.remember()
        display = await stack.enter_async_context(open_display(display_name, clock))
        hardware = settings.playback.hardware_decoding
        stage = await stack.enter_async_context(
            open_stage(display_name, display.area, clock, hardware_decoding=hardware)
        )
        yield _wired(configuration, cache, display, stage, clock, restarts)


def _wired(
    configuration: Configuration, cache: Cache, display: Display, stage: Stage, clock: Clock, restarts: Restarts
) -> dict[str, Service]:
    duty = Duty()
    probe = Probe(configuration.settings.storage.state_dir, clock)
    observer = Observer(configuration, cache, duty, stage, display, probe, restarts, clock, version=__version__)
    backdrop = Backdrop(display, configuration, cache, clock, duty.noting("backdrop"))
    power = _power_of(display)
    rng = SystemRandom()
    shift = Shift(configuration, cache, stage, power, backdrop, observer, duty, restarts, clock, rng)
    endpoint = _endpoint(configuration, cache, observer, duty, display, clock)

    async def follow() -> None:
        """Put changed settings into force."""
        seen = configuration.settings
        while True:
            seen = await configuration.changed(seen)
            logging.getLogger().setLevel(seen.logging.level)
            backdrop.wake()
            shift.wake()

    services: dict[str, Service] = {
        "stage": stage.run,
        "display": display.run,
        "backdrop": backdrop.run,
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


def _endpoint(
    configuration: Configuration, cache: Cache, observer: Observer, duty: Duty, display: Display, clock: Clock
) -> Endpoint:
    gate = Gate(_token(cache, duty), configuration, clock)
    metrics, live = Metrics(clock), Live(observer, clock)
    answers = Answers(observer, configuration, duty, display, gate, metrics, clock)
    tell = duty.noting("endpoint")
    return Endpoint(configuration, gate, answers.operations(), live, metrics, clock, tell, version=__version__)


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
