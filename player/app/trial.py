"""Tries this program as far as that does no harm, beside a player that plays: before it makes way after an update.

The services are put together, a deck starts and ends again without being seen, and the daemon starts without a display.
All of it uses a state folder of its own. It ends with an error where one of them fails. The name of this module stays:
players of earlier versions call it.
"""

import asyncio
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from player.app.cli import CONFIG
from player.app.daemon import run
from player.app.failed_starts import FILE, StartRecord
from player.app.shared_resources import SharedResources
from player.app.wiring import build_services
from player.display import WantedOutput
from player.display.display import Display
from player.platform.geometry import Area
from player.settings.configuration import Configuration, load_configuration
from player.stage.deck_options import DeckOptions
from player.stage.self_restart import SelfRestart
from player.stage.stage import open_stage
from sync.device.store.content_store import open_content_store
from sync.errors import ScreenFailed
from sync.runtime.clock import SystemClock

_NO_DISPLAY = 3  # the deck's exit code: the X server is gone, which says nothing about the program
_DECK_WITHIN_S = 30.0


def main() -> None:
    """Try everything.

    Raises:
        Exception: something failed.
    """
    with TemporaryDirectory() as folder:
        os.environ["SIGNAGE_PLAYER__STORAGE__STATE_DIR"] = folder
        configuration = load_configuration(CONFIG if CONFIG.exists() else None)
        options = DeckOptions(os.environ.get("DISPLAY", ""), Area(width=64, height=64), state_dir=Path(folder))
        deck = subprocess.run(
            options.arguments(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_DECK_WITHIN_S
        )
        if deck.returncode not in (0, _NO_DISPLAY):
            raise ScreenFailed(f"a deck does not start: {(deck.stderr.strip().splitlines() or ['no word'])[-1]}")
        asyncio.run(_put_together(configuration, options))
        try:
            asyncio.run(run(configuration, ":none"))
        except ScreenFailed:
            return
        raise ScreenFailed("the daemon starts without a display")


async def _put_together(configuration: Configuration, options: DeckOptions) -> None:
    clock = SystemClock()
    with open_content_store(configuration.settings.storage.state_dir) as content, ThreadPoolExecutor() as worker:
        display = Display(options.display, clock, worker, WantedOutput())
        async with open_stage(options, clock) as stage:
            restart, starts = SelfRestart(content.state / "none", clock, bool), StartRecord(content.state / FILE, clock)
            build_services(SharedResources(configuration, content, display, stage, restart, starts, clock))


if __name__ == "__main__":
    main()
