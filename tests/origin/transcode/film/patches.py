"""Films of coloured patches in any colours, made from the light that they mean, and the colours that patches have."""

import struct
import subprocess
from collections.abc import Sequence
from math import log, sqrt
from pathlib import Path

Colour = tuple[float, float, float]
PATCH_WIDTH, HEIGHT = 32, 64
BACK = "scale=in_range=tv:flags=accurate_rnd+full_chroma_int,format=rgb24"  # by the matrix that the film is tagged with


def pq_signal(light: Colour) -> Colour:
    """Return the PQ signal of a light in cd/m² (BT.2100)."""
    powers = [(part / 10_000) ** 0.1593017578125 for part in light]
    red, green, blue = (((0.8359375 + 18.8515625 * p) / (1 + 18.6875 * p)) ** 78.84375 for p in powers)
    return red, green, blue


def hlg_signal(light: Colour) -> Colour:
    """Return the HLG signal that a screen of 1,000 cd/m² shows as a light in cd/m² (BT.2100)."""
    luminance = (0.2627 * light[0] + 0.678 * light[1] + 0.0593 * light[2]) / 1000
    if not luminance:
        return 0.0, 0.0, 0.0
    scene = [part / 1000 * luminance ** (1 / 1.2 - 1) for part in light]
    red, green, blue = (
        sqrt(3 * e) if e <= 1 / 12 else 0.17883277 * log(12 * e - 0.28466892) + 0.55991073 for e in scene
    )
    return red, green, blue


def make_film(path: Path, signals: Sequence[Colour], filters: str, *output: str) -> Path:
    """Encode patches with these signals (red, green, blue from 0 to 1) beside each other, for a second."""
    width = PATCH_WIDTH * len(signals)
    planes = b""
    for channel in (1, 2, 0):
        row = b"".join(struct.pack("<H", round(65535 * min(1.0, s[channel]))) * PATCH_WIDTH for s in signals)
        planes += row * HEIGHT
    source = ("-f", "rawvideo", "-pix_fmt", "gbrp16le", "-s", f"{width}x{HEIGHT}", "-r", "10", "-i", "-")
    chain = ("-vf", f"{filters},loop=9:1:0")
    subprocess.run(("ffmpeg", "-v", "error", "-y", *source, *chain, *output, str(path)), input=planes, check=True)
    return path


def hdr_film(path: Path, signals: Sequence[Colour], transfer: str, *x265: str) -> Path:
    """Encode an HEVC film in 10 bits with the primaries and the matrix of BT.2020."""
    filters = "zscale=matrixin=gbr:rangein=full:matrix=2020_ncl:range=limited,format=yuv420p10le"
    filters += f",setparams=range=tv:colorspace=bt2020nc:color_primaries=bt2020:color_trc={transfer}"
    hevc = (
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-x265-params",
        ":".join(("log-level=error:crf=4", *x265)),
        "-tag:v",
        "hvc1",
    )
    return make_film(path, signals, filters, *hevc)


def patch_colours(path: Path, count: int) -> list[tuple[int, int, int]]:
    """Return the colours in the middle of the patches of the first picture."""
    command = ("ffmpeg", "-v", "error", "-i", str(path), "-vf", BACK, "-frames:v", "1", "-f", "rawvideo", "pipe:1")
    raw = subprocess.check_output(command)
    width = len(raw) // 3 // HEIGHT
    starts = (3 * (HEIGHT // 2 * width + (2 * patch + 1) * width // (2 * count)) for patch in range(count))
    return [(raw[at], raw[at + 1], raw[at + 2]) for at in starts]


def add_dolby_vision(path: Path, profile: int, compatibility: int) -> None:
    """Write the box `dvvC` into the sample entry of an MP4 whose index is at its end."""
    record = (profile << 25 | 6 << 19 | 0b101 << 16 | compatibility << 12).to_bytes(4, "big")
    payload = b"\x01\x00" + record + bytes(18)
    box = struct.pack(">I", 8 + len(payload)) + (b"dvvC" if profile > 7 else b"dvcC") + payload
    raw = bytearray(path.read_bytes())
    start, end, headers = 0, len(raw), {b"stsd": 8, b"hvc1": 78}
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hvc1"):
        at = _find(raw, start, end, name)
        size = int.from_bytes(raw[at : at + 4], "big")
        raw[at : at + 4] = (size + len(box)).to_bytes(4, "big")
        start, end = at + 8 + headers.get(name, 0), at + size
    path.write_bytes(bytes(raw[:end]) + box + bytes(raw[end:]))


def write_matrix(path: Path, a: int, b: int, c: int, d: int) -> None:
    """Write a display matrix of -1, 0 and 1 into the first track of an MP4; the picture stays where it is."""
    raw = bytearray(path.read_bytes())
    start, one = raw.index(b"tkhd") + 44, 0x10000
    width, height = struct.unpack(">II", raw[start + 36 : start + 44])
    across, down = (max(0, -one_side * width) + max(0, -other * height) for one_side, other in ((a, c), (b, d)))
    raw[start : start + 36] = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, across, down, 0x40000000)
    path.write_bytes(raw)


def _find(raw: bytearray, start: int, end: int, name: bytes) -> int:
    at = start
    while raw[at + 4 : at + 8] != name:
        at += int.from_bytes(raw[at : at + 4], "big")
        assert at < end, name
    return at
