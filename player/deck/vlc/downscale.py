"""Reduces a picture to the size of the stage before libVLC opens it.

libVLC has about ten copies of a picture in memory, each in the file's full size. One of 3840 x 2880 pixels took 517 MiB
in a deck on a stage of 1280 x 720, and 880 MiB after thirty rounds; reduced, it took 150 MiB.
"""

import os
from io import BytesIO

from player.deck.vlc.media_source import MediaSource

_MIN_PIXEL_RATIO = 1.5  # of the pixels needed; below that little memory would be saved
_OPTIONS = (":demux=image", ":image-duration=-1")


class DownscaledPicture:
    """A smaller picture in a memory file, until `close`."""

    last_error = ""

    def __init__(self, pixels: bytes) -> None:
        self._memory = os.memfd_create("picture")
        with open(self._memory, "wb", closefd=False) as file:
            file.write(pixels)
        os.lseek(self._memory, 0, os.SEEK_SET)

    @property
    def address(self) -> str:
        """What libVLC opens to read it."""
        return f"fd://{self._memory}"

    def close(self) -> None:
        """Close the file; libVLC has its own descriptor while it reads."""
        os.close(self._memory)


def downscale(path: str, width: int, height: int, *, fit_inside: bool) -> MediaSource | None:
    """Return the picture in the size a stage of `width` x `height` can show; None if it is small or unreadable.

    With `fit_inside` all of it fits in the stage, otherwise it covers the stage. libVLC decides about a picture that
    Pillow cannot read.
    """
    from PIL import Image  # takes 60 ms; a deck without pictures does not need it

    try:
        with Image.open(path) as picture:
            scale = (min if fit_inside else max)(width / picture.width, height / picture.height)
            if scale * scale * _MIN_PIXEL_RATIO > 1:
                return None
            size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
            picture.draft("RGB", size)  # lets a JPEG decode at a smaller size
            small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError):
        return None
    bitmap = BytesIO()
    small.save(bitmap, "BMP")
    result = DownscaledPicture(bitmap.getvalue())
    return MediaSource(result.address, _OPTIONS, result)
