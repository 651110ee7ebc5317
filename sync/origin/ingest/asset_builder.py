"""Makes one asset of one sent file, whatever it is, and puts it into the content tree."""

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

from sync.origin.persistence.data_folder import DataFolder
from sync.origin.settings.model import PipelineSettings
from sync.origin.transcode.audio import AudioJob, make_video_from_audio
from sync.origin.transcode.loudness import measure_lufs
from sync.origin.transcode.picture_jobs import make_picture
from sync.origin.transcode.probe import HEAD_BYTES, AudioFile, FileKind, probe, recognise_kind
from sync.origin.transcode.sandbox import Limits
from sync.origin.transcode.video import MadeMedia, Progress, make_video
from sync.wire.chunk_index import dump_index, index_file
from sync.wire.content_paths import asset_path, index_path
from sync.wire.release import Asset


async def build_asset(
    source: Path, name: str, folder: Path, limits: Limits, settings: PipelineSettings, progress: Progress
) -> MadeMedia:
    """Turn the bytes at `source`, which people call `name`, into a finished file in `folder`, and measure its sound.

    Raises:
        BadMedia: the file cannot be shown; trying again would end the same way.
        ChildStopped: a limit was hit.
        StorageFull: no room.
        StorageBroken: the tools cannot be run.
    """
    made = await _make(source, name, folder, limits, settings, progress)
    return replace(made, loudness_lufs=await measure_lufs(made.path, limits)) if made.has_audio else made


async def _make(
    source: Path, name: str, folder: Path, limits: Limits, settings: PipelineSettings, progress: Progress
) -> MadeMedia:
    if recognise_kind(await asyncio.to_thread(_head, source)) is FileKind.PICTURE:
        return await make_picture(source, folder, limits, settings)
    held = await probe(source, limits)
    if isinstance(held, AudioFile):
        return await make_video_from_audio(AudioJob(held, source, folder, limits), name, settings, progress)
    return await make_video(
        held,
        source,
        folder,
        limits,
        longest_edge=settings.longest_edge,
        largest_pixels=settings.largest_pixels,
        progress=progress,
    )


def store_asset(files: DataFolder, made: MadeMedia) -> Asset:
    """Put a finished file and its chunk list into the content tree, the file first; return what they are.

    Raises:
        StorageFull: no room.
        StorageBroken: the disk refuses.
    """
    size_bytes = made.path.stat().st_size
    with made.path.open("rb") as file:
        index = index_file(file, size_bytes)
    files.move_in(made.path, asset_path(index.asset))
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
        loudness_lufs=made.loudness_lufs,
    )


def _head(source: Path) -> bytes:
    with source.open("rb") as file:
        return file.read(HEAD_BYTES)
