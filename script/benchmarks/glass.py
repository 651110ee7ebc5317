"""Looks at a display from outside: the colour of a pixel, and how long until it is what it should be."""

import time

import numpy as np
from Xlib import X
from Xlib.display import Display

Colour = tuple[int, int, int]
SAMPLE_EVERY_S = 0.004


class Glass:
    """A client of an X display that only looks."""

    def __init__(self, name: str) -> None:
        self._display = Display(name)
        self._root = self._display.screen().root

    def pixel(self, x: int, y: int) -> Colour:
        """Return the colour of the screen at x, y, whatever window is there."""
        data = self._root.get_image(x, y, 1, 1, X.ZPixmap, 0xFFFFFFFF).data
        return data[2], data[1], data[0]  # 24-bit TrueColor comes as B, G, R

    def bounds(self, colour: Colour, *, tolerance: int = 60) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom of all pixels of about that colour; zeros where there are none."""
        seen = self._picture()
        rows, columns = np.nonzero(np.abs(seen - np.array(colour)).max(axis=2) <= tolerance)
        if not len(rows):
            return 0, 0, 0, 0
        return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1

    def combed_columns(self) -> int:
        """Return in how many columns the lines of a half are of two instants, as an interlaced film shows them."""
        green = self._picture()[:, :, 1]
        combed = (np.abs(green[:-2] - green[1:-1]) > 80) & (np.abs(green[:-2] - green[2:]) < 30)
        return int((combed.sum(axis=0) > len(green) / 2).sum())

    def _picture(self) -> np.ndarray[tuple[int, int, int], np.dtype[np.int16]]:
        size = self._root.get_geometry()
        data = self._root.get_image(0, 0, size.width, size.height, X.ZPixmap, 0xFFFFFFFF).data
        return np.frombuffer(data, np.uint8).reshape(size.height, size.width, 4)[:, :, 2::-1].astype(np.int16)

    def wait_for(self, wanted: Colour, *, within_s: float, tolerance: int = 40) -> float:
        """Return the monotonic instant the middle of the screen first has a colour.

        Raises:
            TimeoutError: it never had.
        """
        geometry = self._root.get_geometry()
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            seen = self.pixel(geometry.width // 2, geometry.height // 2)
            if max(abs(a - b) for a, b in zip(seen, wanted, strict=True)) <= tolerance:
                return time.monotonic()
            time.sleep(SAMPLE_EVERY_S)
        raise TimeoutError(f"the screen shows {seen}, not {wanted}, after {within_s} s")

    def close(self) -> None:
        """End the connection."""
        self._display.close()
