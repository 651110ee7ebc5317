"""Films of many shapes, stored in many ways, and where their edges have to be."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from player.platform.geometry import Area, Turn
from sync.wire.release import Fit
from tests.origin.transcode.film.patches import write_matrix

_MP4 = ("-movflags", "+faststart", "-f", "mp4")  # the server of the tests knows no ranges
_H264 = ("-c:v", "libx264", "-preset", "ultrafast")
_HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none")
_MPEG2 = ("-c:v", "mpeg2video")
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
MATRICES = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
_RATE = 10
_DISTINCT = 4  # pixels: a smaller film shows mixed colours only
_SIDES = ("left", "right", "top", "bottom")

Edges = tuple[float, float, float, float]
"""Left, top, right, bottom."""

ENCODINGS = {
    "H.264": (*_H264, *_MP4),
    "H.264 in a transport stream": (*_H264, "-f", "mpegts"),
    "HEVC": (*_HEVC, *_MP4),
    "HEVC in a transport stream": (*_HEVC, "-f", "mpegts"),
    "AV1": ("-c:v", "libsvtav1", "-preset", "12", *_MP4),
    "MPEG-4 in AVI": ("-c:v", "mpeg4", "-q:v", "4", "-f", "avi"),
    "MJPEG": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-f", "matroska"),
    "VP8": ("-c:v", "libvpx", "-deadline", "realtime", "-f", "webm"),
    "VP9": (*_VP9, "-f", "webm"),
    "VP9 in MP4": (*_VP9, *_MP4),
    "MPEG-2 in MP4": (*_MPEG2, *_MP4),
    "MPEG-2 transport stream": (*_MPEG2, "-f", "mpegts"),
    "MPEG-2 program stream": (*_MPEG2, "-f", "vob"),
}
"""By name: what ffmpeg is told."""

_WITH_MATRIX = ("H.264", "HEVC", "AV1", "VP9 in MP4", "MPEG-2 in MP4")
_TELEVISION = tuple(name for name in ENCODINGS if name.startswith("MPEG-2"))  # they know the shapes of television only
_ODD = ("MPEG-4 in AVI", "MJPEG", "VP8", "VP9", "VP9 in MP4")  # they can store odd sizes


@dataclass(frozen=True)
class Shape:
    """A size of stored pixels, their shape, and in which size people are to see them."""

    stored: str
    pixel: str
    shown: tuple[float, float]
    encodings: tuple[str, ...] = tuple(name for name in ENCODINGS if name not in _TELEVISION)
    copied: tuple[str, ...] = ()  # how the film is changed afterwards without being encoded again
    middle: tuple[float, float] = (0.5, 0.5)  # its share of the width and of the height


SHAPES = {
    "square pixels": Shape("1280x720", "1/1", (1280, 720), (*ENCODINGS,)),
    "upright": Shape("1080x1920", "1/1", (1080, 1920)),
    "PAL 16:9": Shape("720x576", "64/45", (1024, 576), (*ENCODINGS,)),
    "PAL 4:3": Shape("720x576", "16/15", (768, 576), (*ENCODINGS,)),
    "NTSC 16:9": Shape("720x480", "32/27", (853.3, 480), (*ENCODINGS,)),
    "NTSC 4:3": Shape("720x480", "8/9", (640, 480), (*ENCODINGS,)),
    "HDV": Shape("1440x1080", "4/3", (1920, 1080), (*ENCODINGS,)),
    "anamorphic cinema": Shape("960x720", "2/1", (1920, 720)),
    "upright, wide pixels": Shape("576x720", "45/64", (405, 720)),
    "nearly square pixels": Shape("720x576", "99/100", (712.8, 576)),
    "pixels higher than wide": Shape("720x576", "1/2", (360, 576)),
    "16:9 in a container that says 4:3": Shape("720x576", "64/45", (768, 576), ("H.264",), ("-aspect", "4:3")),
    "cropped by its codec": Shape(
        "720x576",
        "1/1",
        (592, 448),
        ("H.264",),
        ("-bsf:v", "h264_metadata=" + ":".join(f"crop_{side}=64" for side in _SIDES)),
        (360 / 592, 288 / 448),
    ),
    "odd sizes": Shape("641x361", "1/1", (641, 361), _ODD),
    "odd sizes, wide pixels": Shape("641x361", "4/3", (854.7, 361), _ODD),
    "two columns": Shape("2x1000", "1/1", (2, 1000), ("H.264", "VP9")),
    "a banner": Shape("3840x320", "1/1", (3840, 320), ("H.264", "HEVC", "VP9")),
    "sixteen pixels": Shape("16x16", "1/1", (16, 16), ("H.264", "VP9")),
}
"""By name."""


@dataclass(frozen=True)
class Film:
    """A red film with a white middle: its shape, its encoding, and by which display matrix it is turned."""

    shape: str
    encoding: str = "H.264"
    turned: Turn = 0

    def __str__(self) -> str:
        return f"{self.shape}, {self.encoding}" + (f", turned by {self.turned}" if self.turned else "")

    @property
    def exists(self) -> bool:
        """Whether there are such films."""
        return self.encoding in SHAPES[self.shape].encodings and (not self.turned or self.encoding in _WITH_MATRIX)

    def make(self, folder: Path, *, seconds: float = 4.0) -> Path:
        """Write it, if it is not there yet; return its path."""
        target, shape = folder / str(self), SHAPES[self.shape]
        if target.exists():
            return target
        source = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color=red:s={shape.stored}:r={_RATE}:d={seconds}"]
        encoded = folder / f"{target.name} as encoded" if shape.copied else target
        size = shape.stored.replace("x", ":")  # the source of colour makes even sizes only
        middle = "drawbox=x=iw/4:y=ih/4:w=iw/2:h=ih/2:color=white:t=fill"
        draw = ["-vf", f"scale={size},{middle},setsar={shape.pixel}", "-pix_fmt", "yuv420p"]
        subprocess.run([*source, *draw, *ENCODINGS[self.encoding], str(encoded)], check=True, timeout=300)
        if shape.copied:
            copy = ["ffmpeg", "-v", "error", "-i", str(encoded), "-c", "copy", *shape.copied, *_MP4, str(target)]
            subprocess.run(copy, check=True, timeout=300)
        if self.turned:
            write_matrix(target, *MATRICES[self.turned])
        return target

    def edges(self, area: Area, fit: Fit, share: tuple[float, float] = (1.0, 1.0)) -> Edges:
        """Return where this share of it around the middle has to be, as far as the display shows it."""
        shown = SHAPES[self.shape].shown
        if self.turned in (90, 270):
            shown, share = shown[::-1], share[::-1]
        across, down = area.upright[0] / shown[0], area.upright[1] / shown[1]
        if fit is not Fit.FILL:
            across = down = (min if fit is Fit.CONTAIN else max)(across, down)
        width, height = shown[0] * across * share[0], shown[1] * down * share[1]
        if area.sideways:
            width, height = height, width
        left, top = (area.width - width) / 2, (area.height - height) / 2
        return max(0.0, left), max(0.0, top), min(area.width, left + width), min(area.height, top + height)

    def errors(self, area: Area, fit: Fit, red: Edges, white: Edges) -> list[float]:
        """Return by how many pixels the edges of what was seen are off; zeros where its two colours run together."""
        shape = SHAPES[self.shape]
        if min(shape.shown) < _DISTINCT:
            return [0.0]
        wanted = (*self.edges(area, fit), *self.edges(area, fit, shape.middle))
        return [abs(a - b) for a, b in zip((*red, *white), wanted, strict=True)]
