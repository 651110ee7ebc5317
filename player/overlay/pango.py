"""Lines of text by Pango and cairo: shaped, in reading order, each letter in a font of this device that has it.

Both libraries come with VLC. They are called through `ctypes`: the Python packages for them lack the call that counts
letters without a font, and take a quarter of a second to import.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CDLL, POINTER, byref, c_char, c_char_p, c_double, c_int, c_void_p
from functools import cache
from typing import Any

from PIL import Image, ImageColor

from sync.errors import ScreenFailed

_FONT = b"sans-serif"  # fontconfig chooses the font, and others for the letters it lacks
_RGB24 = 1
_SCALE = 1024  # Pango units in a pixel
_RIGHT_TO_LEFT = (1, 5)  # Pango's strong and weak direction

_Layout = c_void_p
_Pixels = POINTER(c_char)
_SIGNATURES: dict[str, dict[str, tuple[Any, ...]]] = {
    "libgobject-2.0.so.0": {"g_object_unref": (None, c_void_p)},
    "libcairo.so.2": {
        "cairo_image_surface_create_for_data": (c_void_p, _Pixels, c_int, c_int, c_int, c_int),
        "cairo_surface_flush": (None, c_void_p),
        "cairo_surface_destroy": (None, c_void_p),
        "cairo_create": (c_void_p, c_void_p),
        "cairo_destroy": (None, c_void_p),
        "cairo_set_source_rgb": (None, c_void_p, c_double, c_double, c_double),
        "cairo_move_to": (None, c_void_p, c_double, c_double),
    },
    "libpango-1.0.so.0": {
        "pango_find_base_dir": (c_int, c_char_p, c_int),
        "pango_font_description_from_string": (c_void_p, c_char_p),
        "pango_font_description_set_absolute_size": (None, c_void_p, c_double),
        "pango_font_description_free": (None, c_void_p),
        "pango_layout_set_font_description": (None, _Layout, c_void_p),
        "pango_layout_set_single_paragraph_mode": (None, _Layout, c_int),
        "pango_layout_set_text": (None, _Layout, c_char_p, c_int),
        "pango_layout_get_pixel_size": (None, _Layout, POINTER(c_int), POINTER(c_int)),
        "pango_layout_get_unknown_glyphs_count": (c_int, _Layout),
    },
    "libpangocairo-1.0.so.0": {
        "pango_cairo_create_layout": (_Layout, c_void_p),
        "pango_cairo_show_layout": (None, c_void_p, _Layout),
    },
}
"""The functions that are called, by library: the type of the result, then the types of the arguments."""


class TextLine:
    """A text laid out in one line of `width` by `height` pixels; `right_to_left` if it is read in that direction."""

    def __init__(self, layout: int, text: str) -> None:
        self._layout = layout
        self._text = text
        self.right_to_left = _call("pango_find_base_dir", text.encode(), -1) in _RIGHT_TO_LEFT
        self.width, self.height = self._measure(text)

    def missing_letters(self) -> str:
        """Return the letters that none of the device's fonts has, each once."""
        if not self._lacks_glyphs():
            return ""
        found = [letter for letter in dict.fromkeys(self._text) if self._measure(letter) and self._lacks_glyphs()]
        self._measure(self._text)
        return "".join(found)

    def draw(self, size: tuple[int, int], x: int, colour: str, background: str) -> Image.Image:
        """Return a picture of that size with the line's left end at `x`, in the middle of its height."""
        pixels = bytearray(Image.new("RGB", size, background).tobytes("raw", "BGRX"))
        with _canvas(pixels, *size) as canvas:
            _call("cairo_set_source_rgb", canvas, *(part / 255 for part in ImageColor.getrgb(colour)[:3]))
            _call("cairo_move_to", canvas, x, (size[1] - self.height) // 2)
            _call("pango_cairo_show_layout", canvas, self._layout)
        return Image.frombuffer("RGB", size, bytes(pixels), "raw", "BGRX", 0, 1)

    def _measure(self, text: str) -> tuple[int, int]:
        width, height = c_int(), c_int()
        _call("pango_layout_set_text", self._layout, text.encode(), -1)
        _call("pango_layout_get_pixel_size", self._layout, byref(width), byref(height))
        return width.value, height.value

    def _lacks_glyphs(self) -> bool:
        return bool(_call("pango_layout_get_unknown_glyphs_count", self._layout))


@contextmanager
def text_line(text: str, letter_height: float) -> Iterator[TextLine]:
    """Lay out a text in letters of that height in pixels; raise ScreenFailed if the libraries are not installed."""
    with _canvas(bytearray(4), 1, 1) as canvas:
        layout = _call("pango_cairo_create_layout", canvas)
        font = _call("pango_font_description_from_string", _FONT)
        try:
            _call("pango_font_description_set_absolute_size", font, letter_height * _SCALE)
            _call("pango_layout_set_font_description", layout, font)
            _call("pango_layout_set_single_paragraph_mode", layout, 1)  # line breaks become visible characters
            yield TextLine(layout, text)
        finally:
            _call("pango_font_description_free", font)
            _call("g_object_unref", layout)


@contextmanager
def _canvas(pixels: bytearray, width: int, height: int) -> Iterator[int]:
    memory = (c_char * len(pixels)).from_buffer(pixels)
    surface = _call("cairo_image_surface_create_for_data", memory, _RGB24, width, height, width * 4)
    canvas = _call("cairo_create", surface)
    try:
        yield canvas
    finally:
        _call("cairo_destroy", canvas)
        _call("cairo_surface_flush", surface)
        _call("cairo_surface_destroy", surface)


def _call(name: str, *arguments: object) -> int:
    return int(_functions()[name](*arguments) or 0)


@cache
def _functions() -> dict[str, Callable[..., int | None]]:
    functions: dict[str, Callable[..., int | None]] = {}
    for file, signatures in _SIGNATURES.items():
        try:
            library = CDLL(file)
        except OSError as error:
            raise ScreenFailed("text cannot be drawn: install libpangocairo-1.0-0") from error
        for name, (result, *arguments) in signatures.items():
            functions[name] = getattr(library, name)
            functions[name].restype, functions[name].argtypes = result, arguments  # type: ignore[attr-defined]
    return functions
