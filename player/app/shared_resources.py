"""What the daemon opens first: settings, disk, screen and time. Every service is built from it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from player.app.failed_starts import FILE as STARTS
from player.app.failed_starts import StartRecord, counted
from player.display import Display, WantedOutput, open_display
from player.platform.decoders import find_decoders, uses_hardware
from player.settings.configuration import Configuration
from player.stage.deck_options import DeckOptions
from player.stage.self_restart import FILE, SelfRestart
from player.stage.stage import Stage, open_stage
from sync.device.store.content_store import ContentStore, open_content_store
from sync.device.store.file_report import file_problems
from sync.runtime.clock import Clock, SystemClock
from sync.runtime.supervisor import Restarts
from sync.sandbox.restrict import missing_restrictions

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SharedResources:
    """The parts that live as long as the daemon and show a picture without any other."""

    configuration: Configuration
    content: ContentStore
    display: Display
    stage: Stage
    self_restart: SelfRestart
    starts: StartRecord
    clock: Clock
    restarts: Restarts = field(default_factory=Restarts)


@asynccontextmanager
async def open_shared_resources(configuration: Configuration, display_name: str) -> AsyncIterator[SharedResources]:
    """Open the state folder, the display and the decks; close them in reverse.

    Raises:
        Conflict: another player uses the state folder.
        ScreenFailed: there is no X server called `display_name`.
    """
    settings, clock = configuration.settings, SystemClock()
    with open_content_store(settings.storage.state_dir) as content, counted(content.state / STARTS, clock) as starts:
        wanted = WantedOutput(settings.display.output, settings.display.rotation)
        hardware = uses_hardware(settings.playback.hardware_decoding, find_decoders())
        for lack in missing_restrictions():
            log.warning("decks=less restricted: %s", lack)
        for problem in file_problems(content):
            log.error("%s", problem)
        configuration.repair_accepted()
        configuration.save_last_valid()
        self_restart = SelfRestart(content.state / FILE, clock, lambda: configuration.settings.recovery.reboot)
        async with open_display(display_name, clock, wanted) as display:
            options = DeckOptions(
                display_name, display.area, hardware, settings.audio.device, state_dir=settings.storage.state_dir
            )
            async with open_stage(options, clock, recoverer=self_restart) as stage:
                stage.display_hangs = display.hangs
                yield SharedResources(configuration, content, display, stage, self_restart, starts, clock)
