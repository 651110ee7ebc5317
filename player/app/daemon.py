"""The player's process: the screen first, then everything else, and an end within three seconds.

Outermost is what the screen needs: the state folder's lock, the display, the decks. Each service runs under
`supervise`, so that a bug in one never ends another.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from player import __version__
from player.display import Display, Wanted, open_display
from player.platform.decoders import find_decoders, uses_hardware
from player.settings.configuration import Configuration
from player.stage.deck_options import DeckOptions
from player.stage.escalation import EscalationStep
from player.stage.self_restart import FILE, SelfRestart
from player.stage.stage import Stage, open_stage
from sync.device.store.content_store import ContentStore, open_cache
from sync.runtime.clock import Clock, SystemClock
from sync.runtime.supervisor import Restarts, supervise
from sync.runtime.systemd import notify
from sync.runtime.waiting import wait_unless

log = logging.getLogger(__name__)


async def run(configuration: Configuration, display_name: str) -> EscalationStep | None:
    """Be the player until SIGTERM or SIGINT; or until it ends itself for the step of the ladder that is returned.

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
    async with _screen(configuration, display_name, clock) as screen, asyncio.TaskGroup() as group:
        cache, display, stage, recovery = screen

        def start(services: Mapping[str, Callable[[], Awaitable[None]]]) -> list[asyncio.Task[None]]:
            return [group.create_task(supervise(name, do, clock, restarts), name=name) for name, do in services.items()]

        tasks = start({"stage": stage.run, "display": display.run})
        wired = await asyncio.to_thread(_import_services)
        tasks += start(wired(configuration, cache, display, stage, clock, restarts))
        notify("READY=1")
        log.info("player=%s started display=%s", __version__, display_name)
        await wait_unless(stopping.wait(), recovery.ending.wait())
        notify("STOPPING=1")
        log.info("player stops")
        for task in tasks:
            task.cancel()
    return recovery.step


Wired = Callable[
    [Configuration, ContentStore, Display, Stage, Clock, Restarts], Mapping[str, Callable[[], Awaitable[None]]]
]


def _import_services() -> Wired:
    """Import the rest of the player: it takes as long as a deck takes to start, so both happen at once."""
    from player.app.wiring import build_services

    return build_services


@asynccontextmanager
async def _screen(
    configuration: Configuration, display_name: str, clock: Clock
) -> AsyncIterator[tuple[ContentStore, Display, Stage, SelfRestart]]:
    """Open what the screen needs, and close it again in reverse."""
    settings = configuration.settings
    wanted = Wanted(settings.display.output, settings.display.rotation)
    hardware = uses_hardware(settings.playback.hardware_decoding, find_decoders())
    sound = settings.audio.device
    with open_cache(settings.storage.state_dir) as cache:
        configuration.remember()
        recovery = SelfRestart(cache.state / FILE, clock, lambda: configuration.settings.recovery.reboot)
        async with (
            open_display(display_name, clock, wanted) as display,
            open_stage(DeckOptions(display_name, display.area, hardware, sound), clock, recoverer=recovery) as stage,
        ):
            yield cache, display, stage, recovery
