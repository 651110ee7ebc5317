"""The stage: two decks, one on air and one with the next shot ready below, and the cuts between them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from player.screen import Area, Cut, Ended, Shot
from sync.clock import Clock


@dataclass(frozen=True, slots=True)
class StageFacts:
    """The stage for health and `/v1/now`; pids are None while a deck is being replaced."""

    libvlc: str
    pids: tuple[int | None, int | None]
    restarts: int
    cuts: int
    on_air: str | None
    prerolled: str | None
    media_ms: int | None
    frames_lost: int | None
    last_cut_ms: float | None  # from the order to the raised window
    last_preroll_ms: int | None


class Stage:
    """Implements `player.screen.Screen` over two deck processes; made by `open_stage`."""

    async def preroll(self, shot: Shot) -> None:
        """See `Screen.preroll`."""
        raise NotImplementedError

    async def cut_at_end(self, take: str, *, deadline_s: float | None = None) -> Cut:
        """See `Screen.cut_at_end`."""
        raise NotImplementedError

    async def cut_now(self, take: str) -> Cut:
        """See `Screen.cut_now`."""
        raise NotImplementedError

    async def ended(self) -> Ended:
        """See `Screen.ended`. Raises ScreenFailed when nothing is on air."""
        raise NotImplementedError

    async def clear(self) -> Ended | None:
        """See `Screen.clear`; what is prerolled stays so."""
        raise NotImplementedError

    async def blank(self) -> Ended | None:
        """See `Screen.blank`; what is prerolled stays so."""
        raise NotImplementedError

    def facts(self) -> StageFacts:
        """Return the stage as it is now."""
        raise NotImplementedError

    async def run(self) -> None:
        """Keep both decks alive (a service): start, watch pulses, kill what hangs, replace what died."""
        raise NotImplementedError


@asynccontextmanager
async def open_stage(
    display: str, area: Area, clock: Clock, *, hardware_decoding: bool = False
) -> AsyncIterator[Stage]:
    """Own the decks on X server `display`, filling `area`; on exit no deck process is left. `run` starts them."""
    raise NotImplementedError
    yield
