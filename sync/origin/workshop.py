"""Makes one asset of one sent file, whatever it is, and puts it into the content tree."""

import asyncio
import hashlib
import json
import logging
import sys
from pathlib import Path

from sync.indexing import dump_index, index_file
from sync.origin.child import Limits, run_child
from sync.origin.files import Files
from sync.origin.probe import HEAD_BYTES, BadMedia, Sort, recognise
from sync.origin.settings import PipelineSettings
from sync.origin.video import Made, Progress, make_video
from sync.release import Asset, MediaKind
from sync.tree import asset_path, index_path

_PICTURE_TOOL = (sys.executable, "-m", "sync.origin.pictures")
_REFUSED = 3  # the picture tool's word for a bad file

log = logging.getLogger(__name__)


async def make(source: Path, folder: Path, limits: Limits, settings: PipelineSettings, progress: Progress) -> Made:
    """Turn the bytes at `source` into a finished file in `folder`.

    Raises:
        BadMedia: the file cannot be shown; trying again would end the same way.
        ChildStopped: a limit was hit.
        StorageFull: no room.
        StorageBroken: the tools cannot be run.
    """
    if recognise(await asyncio.to_thread(_head, source)) is Sort.PICTURE:
        return await _make_picture(source, folder, limits, settings)
    return await make_video(
        source,
        folder,
        limits,
        longest_edge=settings.longest_edge,
        largest_pixels=settings.largest_pixels,
        progress=progress,
    )


async def _make_picture(source: Path, folder: Path, limits: Limits, settings: PipelineSettings) -> Made:
    bounds = (str(settings.longest_edge), str(settings.largest_pixels))
    finished = await run_child((*_PICTURE_TOOL, str(source), str(folder), *bounds), limits)
    if finished.code == _REFUSED:
        raise BadMedia(json.loads(finished.output)["problem"])
    if finished.code != 0:
        log.warning("media=%s picture tool failed: %s", source.name, finished.errors.strip()[-300:])
        raise BadMedia("This picture is damaged, or of a kind we do not know.")
    facts = json.loads(finished.output)
    return Made(
        path=folder / "asset",
        thumbnail=folder / "thumbnail.jpg",
        kind=MediaKind(facts["kind"]),
        media_type=facts["media_type"],
        width=facts["width"],
        height=facts["height"],
        duration_ms=facts["duration_ms"],
        has_audio=False,
    )


def keep(files: Files, made: Made) -> Asset:
    """Put a finished file and its chunk list into the content tree, the file first; return what they are.

    Raises:
        StorageFull: no room.
        StorageBroken: the disk refuses.
    """
    size_bytes = made.path.stat().st_size
    with made.path.open("rb") as file:
        index = index_file(file, size_bytes)
    files.adopt(made.path, asset_path(index.asset))
    raw = dump_index(index)
    name = hashlib.sha256(raw).hexdigest()
    files.put(index_path(name), raw)
    return Asset(
        sha256=index.asset,
        size_bytes=size_bytes,
        index=name,
        kind=made.kind,
        media_type=made.media_type,
        width=made.width,
        height=made.height,
        duration_ms=made.duration_ms,
        has_audio=made.has_audio,
    )


def _head(source: Path) -> bytes:
    with source.open("rb") as file:
        return file.read(HEAD_BYTES)
