"""What stands on the root window, behind the decks: the pairing card, the owner's picture, the release's, or the brand.

It is seen whenever nothing else is, and outlives decks and daemon.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from player.display.pictures import RawPicture, brand_picture, owner_picture, pairing_picture
from player.platform.geometry import Area
from player.settings.configuration import Configuration
from sync.device.store.content_store import ContentStore
from sync.errors import MediaUnplayable, NotFound, ScreenFailed
from sync.runtime.clock import Clock

_RETRY_S = 5.0

log = logging.getLogger(__name__)


class BackdropDisplay(Protocol):
    """What is needed of the display."""

    @property
    def area(self) -> Area:
        """What the stage fills of the display."""

    async def show_root(self, picture: RawPicture) -> None:
        """Make `picture` the background; raises ScreenFailed."""


class Backdrop:
    """A service: paints at start and whenever the code, the settings or the release changed."""

    def __init__(
        self,
        wall: BackdropDisplay,
        configuration: Configuration,
        cache: ContentStore,
        clock: Clock,
        tell: Callable[[str], None],
    ) -> None:
        self._wall = wall
        self._configuration = configuration
        self._cache = cache
        self._clock = clock
        self._woken = asyncio.Event()
        self._code: str | None = None
        self._tell = tell
        self._problem = ""

    def show_code(self, code: str | None) -> None:
        """Show the pairing code from now on; None takes it away."""
        if code != self._code:
            self._code = code
            self.wake()

    def wake(self) -> None:
        """Look again at what should stand there."""
        self._woken.set()

    async def run(self) -> None:
        """Paint until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self._wall.show_root(await asyncio.to_thread(self._picture))
            except ScreenFailed as error:  # the display keeps it for when the server is back
                log.warning("backdrop=waiting: %s", error)
                await self._clock.sleep(_RETRY_S)
                continue
            await self._woken.wait()

    def _picture(self) -> RawPicture:
        width, height = self._wall.area.upright
        origin = self._configuration.settings.origin
        if self._code is not None:
            return pairing_picture(width, height, code=self._code, name=origin.name, origin=str(origin.url))
        for path in self._candidates():
            try:
                picture = owner_picture(
                    path, width, height, background=self._configuration.settings.playback.background
                )
            except MediaUnplayable as error:
                self._failed(str(error))
            else:
                self._failed("")
                return picture
        return brand_picture(width, height, title=origin.name)

    def _candidates(self) -> list[Path]:
        own_picture = self._configuration.settings.playback.fallback
        active = self._cache.active()
        fallback = active.release.fallback if active else None
        return [path for path in (own_picture, self._held(fallback) if fallback else None) if path]

    def _held(self, asset: str) -> Path | None:
        try:
            return self._cache.asset_path(asset)
        except NotFound as error:
            self._failed(str(error))
            return None

    def _failed(self, reason: str) -> None:
        if reason and reason != self._problem:
            log.warning("backdrop=left out: %s", reason)
        self._problem = reason
        self._tell(reason)
