"""The clips of the seam benchmark, mixed in codecs, rates, sizes and lengths: made once by ffmpeg and kept."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from seam_barcode import ROWS, SCREEN, Mark, Place, block_at, blocks, shade

CACHE = Path(__file__).parent.parent.parent / "var" / "bench" / "seam"
_EDITION = "2"  # of what is drawn and how it is encoded: another one is made anew

_CODECS = {
    "h264": ("mp4", "aac", "libx264 -preset veryfast -crf 20"),
    "hevc": ("mp4", "aac", "libx265 -preset ultrafast -crf 22 -tag:v hvc1 -x265-params log-level=error"),
    "vp9": ("webm", "libopus", "libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 1 -crf 30 -b:v 0"),
    "mpeg4": ("mp4", "aac", "mpeg4 -q:v 3 -bf 2"),
    "mpeg2": ("mp4", "aac", "mpeg2video -q:v 3 -bf 2 -maxrate 30M -bufsize 8M"),
}
_RATES = ("24", "25", "30000/1001", "30", "50", "60")
_SIZES = (
    (640, 360), (1920, 1080), (854, 480), (720, 1280), (1280, 720), (720, 576), (1080, 1920), (800, 200), (1366, 768),
    (1000, 1000),
)  # fmt: skip
_FAST_SIZES = ((640, 360), (1280, 720), (854, 480), (720, 1280))  # for 50 and 60 a second, decoded in software
_LENGTHS_S = (1.0, 2.0, 0.5, 1.5, 3.0, 0.8)
_PICTURES = (
    ("jpg", 1920, 1080, 1.0), ("png", 1280, 720, 2.0), ("jpg", 1080, 1920, 0.7), ("png", 1000, 1000, 1.5),
    ("webp", 1280, 720, 0.5), ("alpha", 1366, 768, 1.0),
)  # fmt: skip
_HEAVY = (
    ("h264", "50"),
    ("h264", "60"),
    ("hevc", "50"),
    ("vp9", "60"),
)  # 1080p: more than two cores decode in software
_PLAIN = 52  # pixels of the screen left plain on both sides of the mark
_MARK = 28


@dataclass(frozen=True, slots=True)
class Clip:
    """One file; a picture has one frame and a wanted duration."""

    number: int
    codec: str
    width: int
    height: int
    rate: str
    frames: int
    sound: bool
    path: str
    duration_s: float
    gated: bool = True  # whether a frame of it that is lost counts against the player

    @property
    def picture(self) -> bool:
        """Whether it does not move."""
        return self.frames == 1

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"{self.number}:{self.codec} {self.width}x{self.height}@{self.rate}{'♪' if self.sound else ''}"


def clips() -> list[Clip]:
    """Return all clips, made now if they are not there yet."""
    folder = CACHE / f"clips-{_EDITION}"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [*_videos(folder), *_heavy(folder), _gif(folder), *_pictures(folder)]
    missing = [clip for clip in wanted if not Path(clip.path).exists()]
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(_make, missing))
    return wanted


def playlist(pool: list[Clip], items: int, seed: int = 3) -> list[Clip]:
    """Mix `pool` into a list: no clip returns within three, but each twelfth item is a video that follows itself."""
    pool = [clip for clip in pool if clip.gated]
    rng, order = Random(seed), list[Clip]()
    while len(order) < items:
        round_ = rng.sample(pool, len(pool))
        order += [clip for clip in round_ if clip not in order[-3:]] if order else round_
    for at in range(11, items, 12):
        if not order[at - 1].picture:
            order.insert(at, order[at - 1])
    return order[:items]


def tail(pool: list[Clip]) -> list[Clip]:
    """Return what is played after the list and only reported: each clip that is too heavy, and one after it."""
    light = [clip for clip in pool if clip.gated and clip.picture]
    return [clip for turn, heavy in enumerate(clip for clip in pool if not clip.gated) for clip in (heavy, light[turn])]


def table(pool: list[Clip]) -> str:
    """Return the clips as JSON, for the processes of the benchmark."""
    return json.dumps([asdict(clip) for clip in pool])


def _videos(folder: Path) -> list[Clip]:
    made: list[Clip] = []
    for turn, rate in enumerate(_RATES):
        for codec, (suffix, _, _) in _CODECS.items():
            number = len(made) + 1
            sizes = _FAST_SIZES if Fraction(rate) > 30 else _SIZES
            width, height = sizes[(number * 3 + 2 * turn) % len(sizes)]
            frames = round(_LENGTHS_S[(number + 2 * turn) % len(_LENGTHS_S)] * Fraction(rate))
            path = str(folder / f"{number:02}-{codec}.{suffix}")
            duration_s = float(frames / Fraction(rate))
            made.append(Clip(number, codec, width, height, rate, frames, number % 2 == 0, path, duration_s))
    return made


def _heavy(folder: Path) -> list[Clip]:
    made = []
    for number, (codec, rate) in enumerate(_HEAVY, start=41):
        path, duration_s = str(folder / f"{number}-{codec}.{_CODECS[codec][0]}"), 1.0
        made.append(
            Clip(number, codec, 1920, 1080, rate, round(duration_s * int(rate)), False, path, duration_s, False)
        )
    return made


def _gif(folder: Path) -> Clip:
    """An animated GIF as a device gets it: the pipeline made a video of it."""
    return Clip(50, "gif", 480, 270, "10", 15, False, str(folder / "50-gif.mp4"), 1.5)


def _pictures(folder: Path) -> list[Clip]:
    """Pictures as a device gets them: the pipeline leaves no transparency and no WebP."""
    files = {"webp": "jpg", "alpha": "png"}
    return [
        Clip(100 + at, kind, wide, high, "1", 1, False, str(folder / f"{100 + at}.{files.get(kind, kind)}"), duration_s)
        for at, (kind, wide, high, duration_s) in enumerate(_PICTURES)
    ]


def _make(clip: Clip) -> None:
    """Make one file, whole or not at all."""
    path = Path(clip.path)
    part = path.with_name(f"part-{path.name}")
    if clip.picture:
        _flattened(Image.fromarray(full_range(Painter(clip).frame(0))), clip.codec).save(part, quality=92)
    elif clip.codec == "gif":
        _animate(clip, part)
    else:
        _encode(clip, part)
    part.rename(path)


def full_range(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the grey of a picture for the luma of a video."""
    return ((luma.astype(np.float64) - 16) * 255 / 219).clip(0, 255).astype(np.uint8)


def _flattened(picture: Image.Image, kind: str) -> Image.Image:
    """Take a picture through the format it is said to come from, as the pipeline does."""
    source = BytesIO()
    if kind == "webp":
        picture.convert("RGB").save(source, "WEBP", quality=95)
    elif kind == "alpha":
        picture.convert("RGBA").save(source, "PNG")
    else:
        return picture.convert("RGB")
    opened = Image.open(source).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", opened.size, "white"), opened).convert("RGB")


def _animate(clip: Clip, target: Path) -> None:
    frames = [Image.fromarray(full_range(Painter(clip).frame(number))) for number in range(clip.frames)]
    gif = target.with_suffix(".gif")
    frames[0].save(gif, save_all=True, append_images=frames[1:], duration=1000 // int(clip.rate), loop=0)
    codec = _CODECS["h264"][2].split()
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(gif), "-r", clip.rate, "-c:v", *codec, "-pix_fmt", "yuv420p"]
    subprocess.run([*command, str(target)], check=True)
    gif.unlink()


def _encode(clip: Clip, target: Path) -> None:
    _, sound_codec, codec = _CODECS[clip.codec]
    raw = f"-f rawvideo -pix_fmt yuv420p -s {clip.width}x{clip.height} -r {clip.rate} -i -".split()
    tone = (
        f"-f lavfi -i sine=440:r=48000:d={clip.duration_s} -c:a {sound_codec} -ar 48000".split() if clip.sound else []
    )
    command = ["ffmpeg", "-v", "error", "-y", *raw, *tone, "-c:v", *codec.split(), "-pix_fmt", "yuv420p"]
    with subprocess.Popen([*command, str(target)], stdin=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdin
        painter = Painter(clip)
        chroma = bytes([128]) * (clip.width // 2 * (clip.height // 2) * 2)
        for number in range(clip.frames):
            ffmpeg.stdin.write(painter.frame(number).tobytes() + chroma)
        ffmpeg.stdin.close()
        if ffmpeg.wait() != 0:
            raise subprocess.CalledProcessError(ffmpeg.returncode, command)


class Painter:
    """Draws the frames of one clip: noise that moves, the plain parts, the mark."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        place = Place.of(clip.width, clip.height)
        across = (np.arange(clip.width) + 0.5) * place.scale + place.left - SCREEN[0] / 2
        down = (np.arange(clip.height) + 0.5) * place.scale + place.top
        self._mark = np.flatnonzero(np.abs(across) < _MARK)
        plain_rows = np.any([np.abs(down - row) < 14 for row in ROWS], axis=0)
        self._plain = plain_rows[:, None] | (np.abs(across) < _PLAIN)[None, :]
        coarse = np.random.default_rng(clip.number).integers(40, 200, (clip.height // 8 + 1, clip.width // 8 + 1))
        self._noise = np.kron(coarse, np.ones((8, 8)))[: clip.height, : clip.width].astype(np.uint8)
        found = [(y, block_at(height)) for y, height in enumerate(down)]
        self._blocks = [(y, block) for y, block in found if block is not None]

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Return the luma of frame `number`."""
        luma = np.roll(self._noise, 3 * number, axis=1)
        luma[self._plain] = shade(self._clip.number)
        bits = blocks(Mark(self._clip.number, number))
        for y, block in self._blocks:
            luma[y, self._mark] = 235 if bits[block] else 16
        return luma
