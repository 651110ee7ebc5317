"""The overlay process's one thread: takes what to show, draws it once, and moves the tickers at the display's rate."""

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image
from pydantic import ValidationError

from player.overlay.drawing import Strip, draw_ticker, read_logo
from player.overlay.layout import REFRESH_HZ, Box, lay_out, motion
from player.overlay.missing_fonts import lacking
from player.overlay.windows import OverlayStack, OverlayWindow, TickerWindow
from player.platform.geometry import Area
from player.protocol.overlay_messages import OverlayEvent, OverlayPulse, OverlaysShown, ShowOverlays
from sync.errors import MediaUnplayable
from sync.runtime.clock import SystemClock
from sync.wire.overlay import Logo, Overlay, Ticker

PULSE_EVERY_S = 1.0
_READ_BYTES = 65_536
_QUOTED = 30  # letters of a text

Look = tuple[Overlay, Area, str]
"""All that decides how an overlay looks: itself, its place on the display, its file."""


class OverlayRenderer:
    """What stands in front; `tell` sends an event to the daemon."""

    def __init__(
        self, front: OverlayStack, clock: SystemClock, lines: int, tell: Callable[[OverlayEvent], None]
    ) -> None:
        self._front = front
        self._clock = clock
        self._lines = lines
        self._tell = tell
        self._began_s = clock.monotonic()
        self._panes: dict[Look, OverlayWindow] = {}

    def run(self) -> None:
        """Show what is asked for until the end of input."""
        pulse_s, unread = 0.0, b""
        while True:
            if self._clock.monotonic() >= pulse_s:
                pulse_s = self._clock.monotonic() + PULSE_EVERY_S
                self._tell(OverlayPulse())
            self._move()
            wait_s = min(pulse_s, self._due_s()) - self._clock.monotonic()
            readable, _, _ = select.select((self._lines, self._front.connection), (), (), max(0.0, wait_s))
            if self._lines in readable:
                more = os.read(self._lines, _READ_BYTES)
                if not more:
                    return
                *whole, unread = (unread + more).split(b"\n")
                self._take(whole)
            if self._front.moved():
                self._front.raise_(list(self._panes.values()))

    def _take(self, lines: list[bytes]) -> None:
        """Obey the last of what was sent: it is the whole of what should stand there."""
        if not lines:
            return
        try:
            self._put(ShowOverlays.model_validate_json(lines[-1]))
        except ValidationError as error:
            self._tell(
                OverlaysShown(shown=(), problems=(f"Overlays were not understood: {error.error_count()} faults.",))
            )

    # ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _refresh(self) -> int:
        return int((self._clock.monotonic() - self._began_s) * REFRESH_HZ)

    def _runners(self) -> Iterator[TickerWindow]:
        return (pane for pane in self._panes.values() if isinstance(pane, TickerWindow))

    def _move(self) -> None:
        refresh = self._refresh()
        for runner in self._runners():
            runner.run(refresh)
        self._front.connection.flush()

    def _due_s(self) -> float:
        refresh = self._refresh()
        due = min((runner.due(refresh) for runner in self._runners()), default=None)
        return float("inf") if due is None else self._began_s + due / REFRESH_HZ

    # ── what stands there ──────────────────────────────────────────────────────────────────────────────────────────

    def _put(self, put: ShowOverlays) -> None:
        """Make what is new, in front of what it replaces, and only then take that away: nothing shows in between."""
        logos, problems = _read(put)
        width, height = put.area.upright
        places = lay_out(width, height, put.overlays, {asset: logo.size for asset, logo in logos.items()})
        panes: dict[Look, OverlayWindow] = {}
        for overlay in put.overlays:
            if overlay.id in places:
                box = places[overlay.id]
                look = (overlay, _on_display(put.area, box), _file(overlay, put))
                try:
                    panes[look] = self._panes.get(look) or self._pane(overlay, look[1], box, logos, height)
                except MediaUnplayable as error:
                    problems.append(f"{_called(overlay)} is not shown: {error}.")
        gone = [pane for look, pane in self._panes.items() if look not in panes]
        self._panes = panes
        self._front.raise_(list(panes.values()))
        for pane in panes.values():
            pane.window.map()
        self._move()
        for pane in gone:
            pane.close()
        self._front.connection.sync()
        problems += [pane.problem for pane in panes.values() if pane.problem]
        self._tell(OverlaysShown(shown=tuple(overlay.id for overlay, _, _ in panes), problems=tuple(problems)))

    def _pane(
        self, overlay: Overlay, place: Area, box: Box, logos: dict[str, Image.Image], screen_height: int
    ) -> OverlayWindow:
        if isinstance(overlay, Ticker):
            return self._ticker(overlay, place, box, screen_height)
        pane = OverlayWindow(self._front.connection, place)
        pane.picture(logos[overlay.asset].resize((box.width, box.height), Image.Resampling.LANCZOS))
        return pane

    def _ticker(self, ticker: Ticker, place: Area, box: Box, screen_height: int) -> OverlayWindow:
        written = draw_ticker(ticker, box.width, box.height)
        pane: OverlayWindow
        if isinstance(written.drawn, Strip):
            strip = written.drawn
            moves = motion(ticker.speed_percent, screen_height, strip.period, backwards=strip.backwards)
            pane = TickerWindow(self._front.connection, place, strip, moves, self._refresh())
        else:
            pane = OverlayWindow(self._front.connection, place)
            pane.picture(written.drawn)
        if written.missing:
            pane.problem = (
                f"{_called(ticker)} has letters no font on this device has: {lacking(written.missing)}; "
                "then restart the player."
            )
        return pane


def _read(put: ShowOverlays) -> tuple[dict[str, Image.Image], list[str]]:
    """Return the pictures of logos by asset, and why others cannot be read."""
    logos: dict[str, Image.Image] = {}
    problems: list[str] = []
    for overlay in put.overlays:
        if not isinstance(overlay, Logo) or overlay.asset in logos:
            continue
        if overlay.asset not in put.files:
            problems.append(f"{_called(overlay)} is not shown: its picture is not on this device yet.")
        else:
            try:
                logos[overlay.asset] = read_logo(Path(put.files[overlay.asset]))
            except MediaUnplayable as error:
                problems.append(f"{_called(overlay)} is not shown: {error}.")
    return logos, problems


def _called(overlay: Overlay) -> str:
    """Return how people know an overlay."""
    if isinstance(overlay, Logo):
        return f"The logo in the {overlay.corner.replace('-', ' ')} corner"
    return f"The text “{overlay.text[:_QUOTED]}{'…' if len(overlay.text) > _QUOTED else ''}”"


def _file(overlay: Overlay, put: ShowOverlays) -> str:
    return put.files.get(overlay.asset, "") if isinstance(overlay, Logo) else ""


def _on_display(area: Area, box: Box) -> Area:
    x, y, width, height = area.turned(box.x, box.y, box.width, box.height)
    return Area(width=width, height=height, x=area.x + x, y=area.y + y, turn=area.turn)
