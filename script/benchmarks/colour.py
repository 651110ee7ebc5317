"""What it costs to bring the colours and fields of films to BT.709: CPU time for each picture of 1920 x 1080."""

import asyncio
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sync.origin.transcode.film.colour import colours_of, convert_colour
from sync.origin.transcode.film.facts import VideoFile
from sync.origin.transcode.film.interlacing import deinterlace
from sync.origin.transcode.picture.colour import write_table
from sync.origin.transcode.probe import probe
from sync.origin.transcode.sandbox import Limits

_PICTURES = 50
_TONEMAP = (  # what ffmpeg has for it, to compare
    "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:desat=0:peak=49:param=0.5",
    "zscale=t=bt709:m=bt709:r=tv,format=yuv420p",
)
_HEVC = "-c:v libx265 -preset ultrafast -x265-params log-level=error"
_H264 = "-c:v libx264 -preset ultrafast"
_FILMS = {  # how the pattern is tagged and encoded
    "BT.601": ("format=yuv420p,setparams=colorspace=smpte170m:range=tv", _H264),
    "full range": ("format=yuv420p,setparams=colorspace=bt709:range=pc", _H264),
    "PQ": ("format=yuv420p10le,setparams=colorspace=bt2020nc:color_trc=smpte2084:color_primaries=bt2020", _HEVC),
    "interlaced": ("format=yuv420p,interlace=scan=tff", f"{_H264} -flags +ildct+ilme -x264-params tff=1"),
}


async def measure() -> list[dict[str, Any]]:
    """Return for each kind of film what its filters cost, and what ffmpeg's own tone mapping would."""
    with TemporaryDirectory() as folder:
        return [row for name in _FILMS for row in await _rows(name, Path(folder))]


async def _rows(name: str, folder: Path) -> list[dict[str, Any]]:
    film = folder / f"{name}.mkv"
    filters, encoder = _FILMS[name]
    rate = 50 if "interlace" in filters else 25  # of two pictures one interlaced one is made
    source = ("-f", "lavfi", "-i", f"testsrc2=s=1920x1080:r={rate}:d={_PICTURES / 25}")
    await _cpu_s(folder, *source, "-vf", filters, *encoder.split(), str(film))
    facts = await probe(film, Limits(300, 8 * 1024**3, 1024**3, reads=(film,)))
    assert isinstance(facts, VideoFile)
    if table := colours_of(facts).table:
        await asyncio.to_thread(write_table, table, folder)
    chains = {"ours": (*deinterlace(facts), *convert_colour(facts)), **({"tonemap": _TONEMAP} if table else {})}
    decoding_s = await _cpu_s(folder, "-i", str(film), "-f", "null", "-")
    rows = []
    for whose, chain in chains.items():
        cpu_s = await _cpu_s(folder, "-i", str(film), "-vf", ",".join(chain), "-f", "null", "-")
        rows.append({"film": name, "filters": whose, "cpu_ms_per_picture": 1000 * (cpu_s - decoding_s) / _PICTURES})
    return rows


async def _cpu_s(folder: Path, *arguments: str) -> float:
    """Run ffmpeg; return the CPU time that it took."""
    before = os.times()
    ffmpeg = await asyncio.create_subprocess_exec("ffmpeg", "-v", "error", "-y", *arguments, cwd=folder)
    assert await ffmpeg.wait() == 0
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
