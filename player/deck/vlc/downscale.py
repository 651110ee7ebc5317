"""Brings a picture down to the size of the stage before libVLC opens it.

libVLC keeps some ten copies of a picture, as large as the file has it: one of 3840 x 2880 pixels held 517 MiB of a
deck on a stage of 1280 x 720, and 880 after thirty rounds; reduced, 150.
"""

import os
from io import BytesIO

from player.deck.vlc.media_source import MediaSource

_WORTH_IT = 1.5  # times the pixels needed: little memory is at stake below that
_OPTIONS = (":demux=image", ":image-duration=-1")


class DownscaledPicture:
    """A smaller picture in memory, which ends with `close`."""

    words = ""

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
        """Free the memory; libVLC has its own hold of it while it reads."""
        os.close(self._memory)


def downscale(path: str, width: int, height: int, *, whole: bool) -> MediaSource | None:
    """Return the picture reduced to what a stage of that size can show; None if it is small, or Pillow cannot read it.

    `whole` keeps all of it in the stage, else the stage is covered. What cannot be read is left to libVLC's judgement.
    """
    from PIL import Image  # costs 60 ms, which a deck without pictures never spends

    try:
        with Image.open(path) as picture:
            scale = (min if whole else max)(width / picture.width, height / picture.height)
            if scale * scale * _WORTH_IT > 1:
                return None
            size = round(picture.width * scale), round(picture.height * scale)
            picture.draft("RGB", size)  # a JPEG decodes smaller at once
            small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError):
        return None
    out = BytesIO()
    small.save(out, "BMP")
    shrunk = DownscaledPicture(out.getvalue())
    return MediaSource(shrunk.address, _OPTIONS, shrunk)
