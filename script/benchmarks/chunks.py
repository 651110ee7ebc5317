"""chunks: how much of an edited file a screen fetches that has the file before the edit, by who cut it into chunks.

Every edit is made to several films (a minute of 720p30 with closed groups of pictures, each with other noise and its
overlay at another time) or pictures and packages; a row has the mean of all, in percent of the new file. `fixed` are
chunks of 1 MiB, `casync` is asked for the average length that `ours` has in that file, `rsync` finds old bytes at any
offset and so is what chunks can hardly reach. A second table has the speed and the length of the lists.
"""

import asyncio
import hashlib
import io
import re
import shutil
import statistics
import struct
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from sync.origin.ingest.chunker import divide, divide_evenly
from sync.wire.chunk_index import MIB, Index, dump_index

FILMS = 3
OTHERS = 20  # pictures and packages
_SPEED_BYTES = (MIB, 16 * MIB, 256 * MIB)
_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-threads", "2")
_GROUPS = ("-x264-params", "keyint=60:min-keyint=60:scenecut=0:open-gop=0")
_SOUND = ("-c:a", "aac", "-b:a", "192k", "-map_metadata", "-1", "-bitexact")
_COPY = ("-c", "copy", "-bitexact")
_FASTSTART = ("-movflags", "+faststart")

Chunks = list[tuple[str, int]]
"""The name and the length of each chunk."""


async def measure() -> list[dict[str, Any]]:
    """Return a row for each edit, then one for each length of a file."""
    return await asyncio.to_thread(lambda: [*_edits(), *_speeds()])


def _edits() -> Iterator[dict[str, Any]]:
    found: dict[str, list[dict[str, float | None]]] = {}
    for number in range(OTHERS):
        makers = (_films, _pictures, _packages) if number < FILMS else (_pictures, _packages)
        with tempfile.TemporaryDirectory(prefix="bench-chunks-") as folder:
            for edit, old, new in (pair for make in makers for pair in make(Path(folder), number)):
                found.setdefault(edit, []).append(_compare(old, new))
    for edit, rows in found.items():
        yield {"edit": edit} | {key: _mean([row[key] for row in rows]) for key in rows[0]}


def _mean(values: list[float | None]) -> float | str:
    measured = [value for value in values if value is not None]
    return statistics.fmean(measured) if measured else "not installed"


def _compare(old: Path, new: Path) -> dict[str, float | None]:
    average = new.stat().st_size // len(_ours(new))
    return {
        "fixed": _fetched(_fixed(old), _fixed(new)),
        "ours": _fetched(_ours(old), _ours(new)),
        "casync": _fetched(_casync(old, average), _casync(new, average)) if shutil.which("casync") else None,
        "rsync": _rsync(old, new) if shutil.which("rsync") else None,
    }


def _fetched(old: Chunks, new: Chunks) -> float:
    """Return which share of the bytes of `new` a device fetches that has `old`, in percent."""
    known = {name for name, _ in old}
    missing = {name: length for name, length in new if name not in known}
    return 100 * sum(missing.values()) / sum(length for _, length in new)


def _ours(path: Path) -> Chunks:
    with path.open("rb") as file:
        return _chunks(divide(file, path.stat().st_size))


def _fixed(path: Path) -> Chunks:
    with path.open("rb") as file:
        return _chunks(divide_evenly(file, path.stat().st_size))


def _chunks(index: Index) -> Chunks:
    return [(chunk.sha256, chunk.length) for chunk in index.chunks]


def _casync(path: Path, average: int) -> Chunks:
    """Return the chunks of casync, from its index: 64 bytes of heads, then end (u64) and name (32 bytes) of each."""
    with tempfile.TemporaryDirectory(prefix="bench-casync-") as folder:
        index = Path(folder) / "file.caibx"
        sizes = f"--chunk-size={average // 4}:{average}:{average * 4}"
        command = ["casync", "make", sizes, f"--store={folder}/store", str(index), str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        entries = list(struct.iter_unpack("<Q32s", index.read_bytes()[64:-40]))
    ends = [0, *(end for end, _ in entries)]
    return [(name.hex(), end - start) for start, (end, name) in zip(ends, entries, strict=False)]


def _rsync(old: Path, new: Path) -> float:
    with tempfile.TemporaryDirectory(prefix="bench-rsync-") as folder:
        target = shutil.copy(old, Path(folder) / new.name)
        command = ["rsync", "--no-whole-file", "--stats", str(new), str(target)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    literal = re.search(r"Literal data: ([\d,]+)", told)
    return 100 * int(literal[1].replace(",", "")) / new.stat().st_size if literal else 0.0


def _films(folder: Path, number: int) -> Iterator[tuple[str, Path, Path]]:
    film, overlaid = _film_maker(folder, number), 5 + 17 * number
    old, quality = film("old", 0, "-crf", "22"), ("-crf", "22")
    edited = film("edited", overlaid, *quality)
    yield "5 s of 60 with an overlay, constant quality", old, edited
    yield (
        "5 s of 60 with an overlay, constant bit rate",
        film("a", 0, "-b:v", "12M"),
        film("b", overlaid, "-b:v", "12M"),
    )
    yield "encoded again at another quality", old, film("crf", 0, "-crf", "23")

    def copied(name: str, *arguments: str, source: Path = old, before: tuple[str, ...] = ()) -> Path:
        target = folder / name
        _ffmpeg(*before, "-i", str(source), *_COPY, *arguments, str(target))
        return target

    fast = copied("fast.mp4", *_FASTSTART)
    yield "the same film", old, copied("same.mp4")
    yield "made faststart", old, fast
    yield "another title, table at the end", old, copied("title.mp4", "-metadata", "title=New", "-fflags", "-bitexact")
    yield "another title, faststart", fast, copied("title-fast.mp4", "-metadata", "title=New", *_FASTSTART)
    yield "without its last 10 s, table at the end", old, copied("end.mp4", "-t", "50")
    yield "without its last 10 s, faststart", fast, copied("end-fast.mp4", "-t", "50", *_FASTSTART)
    yield "without its first 10 s, faststart", fast, copied("start.mp4", *_FASTSTART, before=("-ss", "10"))
    last = copied("last.mp4", before=("-ss", "50"))
    parts = folder / "parts.txt"
    parts.write_text(f"file {old}\nfile {last}\n")
    yield "10 s appended", old, copied("longer.mp4", source=parts, before=("-f", "concat", "-safe", "0"))
    sound = folder / "sound.mp4"
    noise = f"anoisesrc=duration=60:seed={number + 90}:amplitude=0.1"
    other = ("-f", "lavfi", "-i", noise, "-map", "0:v", "-map", "1:a")
    _ffmpeg("-i", str(old), *other, "-c:v", "copy", *_SOUND, str(sound))
    yield "other sound", old, sound
    yield "put into Matroska", old, copied("film.mkv")
    yield "put into a transport stream", old, copied("film.ts")
    yield "put into fragments", old, copied("fragments.mp4", "-movflags", "frag_keyframe+empty_moov")


def _film_maker(folder: Path, number: int) -> Callable[..., Path]:
    picture = f"testsrc2=size=1280x720:rate=30:duration=60,noise=alls=5:allf=t:all_seed={number + 7}"

    def film(name: str, overlaid: int, *rate: str) -> Path:
        """Make a film; if `overlaid`, with a rectangle for five seconds from that second on."""
        box = f",drawbox=x=200:y=200:w=400:h=200:color=red:t=fill:enable='between(t,{overlaid},{overlaid + 5})'"
        sources: tuple[str, ...] = ("-f", "lavfi", "-i", picture + (box if overlaid else ""))
        sources += ("-f", "lavfi", "-i", f"anoisesrc=duration=60:seed={number}:amplitude=0.1")
        target = folder / f"{name}.mp4"
        _ffmpeg(*sources, *_X264, *_GROUPS, *rate, *_SOUND, str(target))
        return target

    return film


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *arguments], check=True)


def _pictures(folder: Path, number: int) -> Iterator[tuple[str, Path, Path]]:
    picture = Image.frombytes("RGB", (1600, 900), Random(number).randbytes(1600 * 900 * 3)).resize((1920, 1080))
    files = {name: folder / f"{name}.jpg" for name in ("plain", "comment", "again")}
    picture.save(files["plain"], quality=90)
    picture.save(files["comment"], quality=90, comment=b"approved by the marketing department")
    Image.open(files["plain"]).save(files["again"], quality=85)
    yield "JPEG with a comment", files["plain"], files["comment"]
    yield "JPEG saved again", files["plain"], files["again"]


def _packages(folder: Path, number: int) -> Iterator[tuple[str, Path, Path]]:
    def package(name: str, first: bytes) -> Path:
        target = folder / name
        with zipfile.ZipFile(target, "w") as archive:
            for file in range(31):
                content = Random(100 * number + file).randbytes(400_000)
                archive.writestr(zipfile.ZipInfo(f"{file:02}.bin"), first + content if file == 0 else content)
        return target

    yield "ZIP, the first of 31 files edited", package("old.zip", b""), package("new.zip", b"edited")


def _speeds() -> Iterator[dict[str, Any]]:
    for size_bytes in _SPEED_BYTES:
        content = b"".join(Random(part).randbytes(MIB) for part in range(size_bytes // MIB))
        for name, cut in (("fixed", divide_evenly), ("ours", divide)):
            started = time.perf_counter()
            index = cut(io.BytesIO(content), size_bytes)
            seconds = time.perf_counter() - started
            yield {
                "mib": size_bytes // MIB,
                "chunks by": name,
                "mb_s": size_bytes / seconds / 1e6,
                "chunks": len(index.chunks),
                "list_bytes": len(dump_index(index)),
            }
        started = time.perf_counter()
        hashlib.sha256(content).hexdigest()
        yield {
            "mib": size_bytes // MIB,
            "chunks by": "SHA-256 once",
            "mb_s": size_bytes / (time.perf_counter() - started) / 1e6,
            "chunks": "-",
            "list_bytes": "-",
        }
