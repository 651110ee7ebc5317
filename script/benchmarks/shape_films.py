"""Films of many shapes, stored in many ways, and where their edges have to be."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from player.platform.geometry import Area
from sync.wire.release import Fit

_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-f", "mp4")
_HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-f")
_MPEG2 = ("-c:v", "mpeg2video", "-f")
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-f")
_MIDDLE = "drawbox=x=iw/4:y=ih/4:w=iw/2:h=ih/2:color=white:t=fill"
_DISTINCT = 4  # pixels: a smaller film shows mixed colours only
_SIDES = ("left", "right", "top", "bottom")

Edges = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True)
class Film:
    """A red film with a white middle: how it is stored, and in which size people are to see it."""

    stored: str
    pixel: str
    shown: tuple[float, float]
    encoding: tuple[str, ...] = _H264
    copied: tuple[str, ...] = ()  # how it is changed afterwards without being encoded again
    middle: tuple[float, float] = (0.5, 0.5)  # its share of the width and of the height

    def make(self, target: Path, *, seconds: float = 4.0) -> None:
        """Write it."""
        source = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color=red:s={self.stored}:r=25:d={seconds}"]
        encoded = target.with_name(f"{target.name} as encoded") if self.copied else target
        size = self.stored.replace("x", ":")  # the source of colour makes even sizes only
        draw = ["-vf", f"scale={size},{_MIDDLE},setsar={self.pixel}", "-pix_fmt", "yuv420p"]
        subprocess.run([*source, *draw, *self.encoding, str(encoded)], check=True, timeout=60)
        if self.copied:
            copy = ["ffmpeg", "-v", "error", "-i", str(encoded), "-c", "copy", *self.copied, "-f", "mp4", str(target)]
            subprocess.run(copy, check=True, timeout=60)

    def edges(self, area: Area, fit: Fit, share: tuple[float, float] = (1.0, 1.0)) -> Edges:
        """Return where this share of it around the middle has to be, as far as the display shows it."""
        across, down = area.upright[0] / self.shown[0], area.upright[1] / self.shown[1]
        if fit is not Fit.FILL:
            across = down = (min if fit is Fit.CONTAIN else max)(across, down)
        width, height = self.shown[0] * across * share[0], self.shown[1] * down * share[1]
        if area.sideways:
            width, height = height, width
        left, top = (area.width - width) / 2, (area.height - height) / 2
        return max(0.0, left), max(0.0, top), min(area.width, left + width), min(area.height, top + height)

    def errors(self, area: Area, fit: Fit, red: Edges, white: Edges) -> list[float]:
        """Return by how many pixels the edges of what was seen are off; zeros where its two colours run together."""
        if min(self.shown) < _DISTINCT:
            return [0.0]
        wanted = (*self.edges(area, fit), *self.edges(area, fit, self.middle))
        return [abs(a - b) for a, b in zip((*red, *white), wanted, strict=True)]


def _turned(degrees: int) -> tuple[str, ...]:
    return "-metadata:s:v:0", f"rotate={degrees}"


FILMS = {
    "square pixels": Film("1280x720", "1/1", (1280, 720)),
    "upright": Film("1080x1920", "1/1", (1080, 1920)),
    "PAL 16:9, H.264": Film("720x576", "64/45", (1024, 576)),
    "PAL 4:3, H.264 in a transport stream": Film("720x576", "16/15", (768, 576), (*_H264[:-1], "mpegts")),
    "PAL 16:9, HEVC": Film("720x576", "64/45", (1024, 576), (*_HEVC, "mp4")),
    "PAL 16:9, HEVC in a transport stream": Film("720x576", "64/45", (1024, 576), (*_HEVC, "mpegts")),
    "PAL 4:3, MPEG-2 program stream": Film("720x576", "16/15", (768, 576), (*_MPEG2, "vob")),
    "PAL 16:9, MPEG-2 program stream": Film("720x576", "64/45", (1024, 576), (*_MPEG2, "vob")),
    "PAL 16:9, MPEG-2 in MP4": Film("720x576", "64/45", (1024, 576), (*_MPEG2, "mp4")),
    "PAL 16:9, MPEG-4 in AVI": Film("720x576", "64/45", (1024, 576), ("-c:v", "mpeg4", "-q:v", "4", "-f", "avi")),
    "PAL 16:9, MJPEG": Film(
        "720x576", "64/45", (1024, 576), ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-f", "matroska")
    ),
    "PAL 16:9, VP8": Film("720x576", "64/45", (1024, 576), ("-c:v", "libvpx", "-deadline", "realtime", "-f", "webm")),
    "PAL 16:9, VP9": Film("720x576", "64/45", (1024, 576), (*_VP9, "webm")),
    "PAL 16:9, AV1": Film("720x576", "64/45", (1024, 576), ("-c:v", "libsvtav1", "-preset", "12", "-f", "mp4")),
    "NTSC 4:3, H.264": Film("720x480", "8/9", (640, 480)),
    "NTSC 16:9, H.264": Film("720x480", "32/27", (853.3, 480)),
    "NTSC 16:9, MPEG-2 transport stream": Film("720x480", "32/27", (853.3, 480), (*_MPEG2, "mpegts")),
    "HDV, MPEG-2": Film("1440x1080", "4/3", (1920, 1080), (*_MPEG2, "mpegts")),
    "HDV, H.264": Film("1440x1080", "4/3", (1920, 1080)),
    "anamorphic cinema": Film("960x720", "2/1", (1920, 720)),
    "upright, wide pixels": Film("576x720", "45/64", (405, 720)),
    "nearly square pixels": Film("720x576", "99/100", (712.8, 576)),
    "pixels higher than wide": Film("720x576", "1/2", (360, 576)),
    "16:9 in a container that says 4:3": Film("720x576", "64/45", (768, 576), copied=("-aspect", "4:3")),
    "PAL 16:9, turned by 90": Film("720x576", "64/45", (576, 1024), copied=_turned(90)),
    "PAL 4:3, turned by 180": Film("720x576", "16/15", (768, 576), copied=_turned(180)),
    "PAL 16:9, turned by 270": Film("720x576", "64/45", (576, 1024), copied=_turned(270)),
    "cropped by its codec": Film(
        "720x576",
        "1/1",
        (592, 448),
        copied=("-bsf:v", "h264_metadata=" + ":".join(f"crop_{side}=64" for side in _SIDES)),
        middle=(360 / 592, 288 / 448),
    ),
    "odd sizes": Film("641x361", "1/1", (641, 361), (*_VP9, "webm")),
    "odd sizes, wide pixels": Film("641x361", "4/3", (854.7, 361), (*_VP9, "webm")),
    "two columns": Film("2x1000", "1/1", (2, 1000)),
    "a banner": Film("3840x320", "1/1", (3840, 320)),
    "sixteen pixels": Film("16x16", "1/1", (16, 16)),
}
"""By name."""
