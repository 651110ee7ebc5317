"""Has the tools for pictures and cards run, and reads what they say."""

import asyncio
import json
import logging
from pathlib import Path

from sync.origin.limits.transcoding_budget import Work, WorkKind
from sync.origin.transcode.picture.jpeg import are_jpegs_of_a_film
from sync.origin.transcode.probe import BadMedia
from sync.origin.transcode.sandbox import ToolResult, run_tool
from sync.origin.transcode.transcode_job import QUIET, MadeMedia, TranscodeJob
from sync.wire.release import MediaKind

_EXIT_UNUSABLE = 3  # of the size tool and the picture tool; their output says why

log = logging.getLogger(__name__)


async def make_picture(job: TranscodeJob) -> MadeMedia:
    """Convert a picture into one that every player can show, or an animation into a video.

    Raises:
        BadMedia: it cannot be shown.
        LargeMedia: it takes longer than this job may.
        ChildStopped, StorageFull: another attempt may help.
    """
    size_limits = (str(job.settings.longest_edge), str(job.settings.largest_pixels))
    async with job.at_work(await _read_work(job)) as job:
        result = await job.tools.run_tool("picture", (str(job.source), str(job.folder), *size_limits), job.limits)
    _check_usable(result)
    return _media_of(result, job.source.name, job.folder)


async def film_of_jpegs(job: TranscodeJob) -> Path | None:
    """Return a film of a file in which JPEGs follow each other; None if it is another one.

    It gets a container, for by themselves they look like one picture. They tell no times: 25 a second is usual.

    Raises:
        ChildStopped, StorageFull: another attempt may help.
    """
    if not await asyncio.to_thread(are_jpegs_of_a_film, job.source):
        return None
    film, source = job.folder / "film", f"file:{job.source.absolute()}"
    pictures = ("-protocol_whitelist", "file", "-f", "mjpeg", "-framerate", "25", "-i", source)
    result = await run_tool((*QUIET, *pictures, "-c", "copy", "-f", "matroska", f"file:{film}"), job.limits)
    return film if result.code == 0 else None


async def _read_work(job: TranscodeJob) -> Work:
    """Return what there is to do, from the headers of the picture."""
    result = await job.tools.run_tool("size", (str(job.source),), job.for_headers())
    _check_usable(result)
    if result.code != 0:
        raise _damaged(result, job.source.name)
    size = json.loads(result.output)
    kind = WorkKind.ANIMATION if size["frames"] > 1 else WorkKind.STILL
    return Work(kind=kind, source_bytes=job.source.stat().st_size, **size)


def _check_usable(result: ToolResult) -> None:
    if result.code == _EXIT_UNUSABLE:
        raise BadMedia(json.loads(result.output)["problem"])


async def make_card(title: str, line: str, job: TranscodeJob) -> MadeMedia:
    """Draw a card with a title and a smaller line below it, in the folder of the job.

    Raises:
        BadMedia: it cannot be drawn.
        ChildStopped, StorageFull: another attempt may help.
    """
    result = await job.tools.run_tool("card", (str(job.folder), _printable(title), _printable(line)), job.limits)
    return _media_of(result, job.source.name, job.folder)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:200]


def _media_of(result: ToolResult, name: str, folder: Path) -> MadeMedia:
    if result.code != 0:
        raise _damaged(result, name)
    facts = json.loads(result.output)
    facts["kind"] = MediaKind(facts["kind"])
    return MadeMedia(path=folder / "asset", thumbnail=folder / "thumbnail.jpg", has_audio=False, **facts)


def _damaged(result: ToolResult, name: str) -> BadMedia:
    log.warning("media=%s picture tool failed: %s", name, result.errors.strip()[-300:])
    return BadMedia("This picture is damaged, or of an unknown kind.")
