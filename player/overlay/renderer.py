"""The overlay process's one thread: draws each overlay once, and moves the tickers at the display's refresh rate."""

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image
from pydantic import ValidationError
from Xlib.display import Display as XDisplay

from player.overlay.layout import REFRESH_HZ, Box, lay_out, ticker_motion
from player.overlay.missing_fonts import describe_missing_letters
from player.overlay.ticker_and_logo import Strip, draw_ticker, read_logo
from player.overlay.windows import OverlayStack, OverlayWindow, TickerWindow
from player.platform.code_version import CODE
from player.platform.geometry import Area
from player.protocol.overlay_messages import OverlayEvent, OverlayPulse, OverlaysShown, ShowOverlays
from sync.errors import MediaUnplayable
from sync.runtime.clock import SystemClock
from sync.wire.overlay import Logo, Overlay, Ticker

PULSE_EVERY_S = 1.0
_READ_BYTES = 65_536
_QUOTED = 30  # letters of a text

Appearance = tuple[Overlay, Area, str]
"""All that decides how an overlay looks: itself, its area on the display, its file."""


class OverlayRenderer:
    """Reads `ShowOverlays` lines from the file descriptor `commands` and shows them; `send` sends an event."""

    def __init__(
        self, stack: OverlayStack, clock: SystemClock, commands: int, send: Callable[[OverlayEvent], None]
    ) -> None:
        self._stack = stack
        self._clock = clock
        self._commands = commands
        self._send = send
        self._started_s = clock.monotonic()
        self._windows: dict[Appearance, OverlayWindow] = {}

    def run(self) -> None:
        """Show overlays until the end of input."""
        next_pulse_s, unread = 0.0, b""
        while True:
            if self._clock.monotonic() >= next_pulse_s:
                next_pulse_s = self._clock.monotonic() + PULSE_EVERY_S
                self._send(OverlayPulse())
            self._move_tickers()
            wait_s = min(next_pulse_s, self._next_move_s()) - self._clock.monotonic()
            inputs: tuple[int | XDisplay, ...] = (self._commands, self._stack.connection)
            readable, _, _ = select.select(inputs, (), (), max(0.0, wait_s))
            if self._commands in readable:
                received = os.read(self._commands, _READ_BYTES)
                if not received:
                    return
                *lines, unread = (unread + received).split(b"\n")
                if lines:
                    self._execute(lines[-1])  # the last one names all overlays
            if self._stack.ceiling_changed():
                self._stack.raise_windows(list(self._windows.values()))

    def _execute(self, line: bytes) -> None:
        try:
            self._show(ShowOverlays.model_validate_json(line))
        except ValidationError as error:
            problem = f"The overlays cannot be read: {error.error_count()} errors. Restart the player."
            self._send(OverlaysShown(shown=(), problems=(problem,), code=CODE))

    # ── tickers ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _refresh(self) -> int:
        return int((self._clock.monotonic() - self._started_s) * REFRESH_HZ)

    def _tickers(self) -> Iterator[TickerWindow]:
        return (window for window in self._windows.values() if isinstance(window, TickerWindow))

    def _move_tickers(self) -> None:
        refresh = self._refresh()
        for ticker in self._tickers():
            ticker.draw(refresh)
        self._stack.connection.flush()

    def _next_move_s(self) -> float:
        refresh = self._refresh()
        move = min((ticker.next_refresh(refresh) for ticker in self._tickers()), default=None)
        return float("inf") if move is None else self._started_s + move / REFRESH_HZ

    # ── windows ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _show(self, command: ShowOverlays) -> None:
        """Show new windows in front of those they replace, and only then close these: nothing shows in between."""
        logos, problems = _read_logos(command)
        width, height = command.area.upright
        boxes = lay_out(width, height, command.overlays, {asset: logo.size for asset, logo in logos.items()})
        windows: dict[Appearance, OverlayWindow] = {}
        for overlay in command.overlays:
            if overlay.id in boxes:
                box = boxes[overlay.id]
                appearance = (overlay, _area_of(box, command.area), _file_of(overlay, command))
                try:
                    windows[appearance] = self._windows.get(appearance) or self._open(appearance, box, logos, height)
                except MediaUnplayable as error:
                    problems.append(f"{_name_of(overlay)} is not shown: {error}.")
        self._replace_windows(windows)
        problems += [window.problem for window in windows.values() if window.problem]
        shown = tuple(overlay.id for overlay, _, _ in windows)
        self._send(OverlaysShown(shown=shown, problems=tuple(problems), code=CODE))

    def _replace_windows(self, windows: dict[Appearance, OverlayWindow]) -> None:
        outdated = [window for appearance, window in self._windows.items() if appearance not in windows]
        self._windows = windows
        self._stack.raise_windows(list(windows.values()))
        for window in windows.values():
            window.x_window.map()
        self._move_tickers()
        for window in outdated:
            window.close()
        self._stack.connection.sync()

    def _open(
        self, appearance: Appearance, box: Box, logos: dict[str, Image.Image], screen_height: int
    ) -> OverlayWindow:
        overlay, area, _ = appearance
        if isinstance(overlay, Ticker):
            return self._open_ticker(overlay, area, box, screen_height)
        window = OverlayWindow(self._stack.connection, area)
        window.set_picture(logos[overlay.asset].resize((box.width, box.height), Image.Resampling.LANCZOS))
        return window

    def _open_ticker(self, ticker: Ticker, area: Area, box: Box, screen_height: int) -> OverlayWindow:
        ticker_picture = draw_ticker(ticker, box.width, box.height)
        window: OverlayWindow
        if isinstance(ticker_picture.drawn, Strip):
            strip = ticker_picture.drawn
            motion = ticker_motion(ticker.speed_percent, screen_height, strip.period, rightwards=strip.right_to_left)
            window = TickerWindow(self._stack.connection, area, strip, motion, self._refresh())
        else:
            window = OverlayWindow(self._stack.connection, area)
            window.set_picture(ticker_picture.drawn)
        if ticker_picture.missing_letters:
            missing = describe_missing_letters(ticker_picture.missing_letters)
            window.problem = (
                f"{_name_of(ticker)} has letters no font on this device has: {missing}; then restart the player."
            )
        return window


def _read_logos(command: ShowOverlays) -> tuple[dict[str, Image.Image], list[str]]:
    """Return the pictures of logos by asset, and why others cannot be read."""
    logos: dict[str, Image.Image] = {}
    problems: list[str] = []
    for overlay in command.overlays:
        if not isinstance(overlay, Logo) or overlay.asset in logos:
            continue
        if overlay.asset not in command.files:
            problems.append(f"{_name_of(overlay)} is not shown: its picture is not on this device yet.")
        else:
            try:
                logos[overlay.asset] = read_logo(Path(command.files[overlay.asset]))
            except MediaUnplayable as error:
                problems.append(f"{_name_of(overlay)} is not shown: {error}.")
    return logos, problems


def _name_of(overlay: Overlay) -> str:
    """Return how people call an overlay."""
    if isinstance(overlay, Logo):
        return f"The logo in the {overlay.corner.replace('-', ' ')} corner"
    return f"The text “{overlay.text[:_QUOTED]}{'…' if len(overlay.text) > _QUOTED else ''}”"


def _file_of(overlay: Overlay, command: ShowOverlays) -> str:
    return command.files.get(overlay.asset, "") if isinstance(overlay, Logo) else ""


def _area_of(box: Box, area: Area) -> Area:
    x, y, width, height = area.turned(box.x, box.y, box.width, box.height)
    return Area(width=width, height=height, x=area.x + x, y=area.y + y, turn=area.turn)
