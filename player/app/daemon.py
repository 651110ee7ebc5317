"""The player's process: the screen first, then everything else, and an end within three seconds.

Each service runs under `supervise`, so that a bug in one never ends another.
"""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping

from player import __version__
from player.app.failed_starts import LASTED_S, wait_for_turn
from player.app.shared_resources import SharedResources, open_shared_resources
from player.settings.configuration import Configuration
from player.stage.escalation import EscalationStep
from sync.runtime.clock import SystemClock
from sync.runtime.supervisor import supervise
from sync.runtime.systemd import notify
from sync.runtime.waiting import wait_unless

log = logging.getLogger(__name__)


async def run(configuration: Configuration, display_name: str) -> EscalationStep | None:
    """Run the player until SIGTERM or SIGINT, or until it ends itself for the escalation step that is returned.

    SIGHUP reads the settings again; in a terminal it means that the terminal is closed, and ends the player.

    Raises:
        Conflict: another player uses the state folder.
        ScreenFailed: there is no X server called `display_name`.
        SignageError: the program was updated during the wait that follows failed starts.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, stopping.set if os.isatty(0) else configuration.reload)
    state_dir = configuration.settings.storage.state_dir
    await wait_for_turn(configuration, SystemClock(), stopping)
    if stopping.is_set():
        return None
    async with open_shared_resources(configuration, display_name) as shared, asyncio.TaskGroup() as group:

        def start(services: Mapping[str, Callable[[], Awaitable[None]]]) -> list[asyncio.Task[None]]:
            return [
                group.create_task(supervise(name, service, shared.clock, shared.restarts), name=name)
                for name, service in services.items()
            ]

        tasks = start({"stage": shared.stage.run, "display": shared.display.run})
        build_services = await asyncio.to_thread(_import_wiring)
        tasks += start(build_services(shared))
        gc.freeze()  # what is imported stays: a full collection over it would stop cuts for 90 ms each time
        notify("READY=1")
        loop.call_later(LASTED_S, loop.run_in_executor, None, shared.starts.good)
        log.info("player=%s started display=%s state_dir=%s", __version__, display_name, state_dir)
        await wait_unless(stopping.wait(), shared.self_restart.ending.wait())
        notify("STOPPING=1")
        log.info("player stops")
        for task in tasks:
            task.cancel()
    return shared.self_restart.step


def _import_wiring() -> Callable[[SharedResources], Mapping[str, Callable[[], Awaitable[None]]]]:
    """Import the rest of the player. This takes as long as a deck takes to start, so both happen at once."""
    gc.disable()  # meanwhile nothing becomes garbage, and looking for it would take a seventh of the time
    try:
        from player.app.wiring import build_services
    finally:
        gc.enable()
    return build_services
