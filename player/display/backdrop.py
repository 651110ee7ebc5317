"""The picture on the root window, behind the decks: pairing card, owner's picture, the release's, or the brand.

It is visible whenever no deck covers it, and stays when decks and daemon have ended.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from player.display.backdrop_pictures import RawPicture, brand_picture, owner_picture, pairing_picture
from player.platform.geometry import Area
from player.settings.configuration import Configuration
from sync.device.store.content_store import ContentStore
from sync.errors import MediaUnplayable, NotFound, ScreenFailed
from sync.runtime.clock import Clock

_RETRY_S = 5.0

log = logging.getLogger(__name__)


class BackdropDisplay(Protocol):
    """What `Backdrop` needs of the display."""

    @property
    def area(self) -> Area:
        """The part of the display that the stage fills."""

    async def show_root(self, picture: RawPicture) -> None:
        """Make `picture` the background. Raises ScreenFailed."""


class Backdrop:
    """A service: draws the picture at start, and when the pairing code, the settings or the release changed."""

    def __init__(
        self,
        display: BackdropDisplay,
        configuration: Configuration,
        cache: ContentStore,
        clock: Clock,
        report_problem: Callable[[str], None],
    ) -> None:
        self._display = display
        self._configuration = configuration
        self._cache = cache
        self._clock = clock
        self._woken = asyncio.Event()
        self._code: str | None = None
        self._report_problem = report_problem
        self._problem = ""

    def show_code(self, code: str | None) -> None:
        """Show this pairing code from now on; None: no code."""
        if code != self._code:
            self._code = code
            self.wake()

    def wake(self) -> None:
        """Choose and draw the picture again."""
        self._woken.set()

    async def run(self) -> None:
        """Draw until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self._display.show_root(await asyncio.to_thread(self._picture))
            except ScreenFailed as error:
                log.warning("backdrop=not shown, trying again: %s", error)
                await self._clock.sleep(_RETRY_S)
                continue
            await self._woken.wait()

    def _picture(self) -> RawPicture:
        width, height = self._display.area.upright
        origin = self._configuration.settings.origin
        if self._code is not None:
            return pairing_picture(width, height, code=self._code, name=origin.name, origin=str(origin.url))
        problem, picture, background = "", None, self._configuration.settings.playback.background
        for find in self._candidates():
            try:
                picture = owner_picture(find(), width, height, background=background)
                break
            except (MediaUnplayable, NotFound) as error:
                problem = problem or str(error)
        self._set_problem(problem)
        return picture or brand_picture(width, height, title=origin.name)

    def _candidates(self) -> list[Callable[[], Path]]:
        """Return how to find the file of each picture that may be shown, the best one first."""
        own_picture = self._configuration.settings.playback.fallback
        active = self._cache.active()
        fallback = active.release.fallback if active else None
        found = [lambda: own_picture] if own_picture else []
        return [*found, partial(self._cache.asset_path, fallback)] if fallback else found

    def _set_problem(self, reason: str) -> None:
        if reason and reason != self._problem:
            log.warning("backdrop=picture not used: %s", reason)
        self._problem = reason
        self._report_problem(reason)
