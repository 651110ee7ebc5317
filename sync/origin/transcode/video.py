"""Converts a video to one that every player can show: streams are copied where possible, else encoded as H.264."""

import asyncio
import logging
from functools import partial
from pathlib import Path

from sync.origin.transcode.film.colour import TABLE_FILE, why_not_shown
from sync.origin.transcode.film.colour_table import ColourTable, table_text
from sync.origin.transcode.film.facts import VideoFile
from sync.origin.transcode.film.recipe import Recipe, choose_recipe, encoding_recipe
from sync.origin.transcode.probe import SAFE_INPUT, BadMedia, look_at_fields, packet_duration_ms
from sync.origin.transcode.sandbox import THREADS, Limits, run_tool
from sync.origin.transcode.transcode_job import (
    MIN_DURATION_MS,
    NO_METADATA,
    QUIET,
    REPORT_PROGRESS,
    THUMBNAIL_EDGE,
    MadeMedia,
    TranscodeJob,
)
from sync.wire.release import MediaKind

log = logging.getLogger(__name__)


async def make_video(video: VideoFile, job: TranscodeJob) -> MadeMedia:
    """Convert a video to an asset with a thumbnail.

    Raises:
        BadMedia: it cannot be shown.
        ChildStopped, StorageFull: another attempt may help.
    """
    if video.width * video.height > job.settings.largest_pixels:
        raise BadMedia(f"This video is too large: {video.width} x {video.height} pixels.")
    if problem := why_not_shown(video):
        raise BadMedia(problem)
    video = await look_at_fields(video, job.source, job.limits)
    recipe, path = choose_recipe(video, job.settings.longest_edge), job.folder / "asset"
    done = await _encode(video, job, recipe, path)
    if not done and recipe.copies_video:  # what cannot be copied can often be decoded
        recipe = encoding_recipe(video, job.settings.longest_edge)
        done = await _encode(video, job, recipe, path)
    duration_ms = await packet_duration_ms(path, job.limits) if done else 0
    _check_duration(video, duration_ms)
    thumbnail = await _make_thumbnail(path, job.folder / "thumbnail.jpg", duration_ms, job.limits)
    media_type = "video/mp4" if recipe.container == "mp4" else "video/x-matroska"
    size, has_audio = (recipe.width, recipe.height), video.audio_stream is not None
    return MadeMedia(path, thumbnail, MediaKind.VIDEO, media_type, *size, duration_ms, has_audio)


async def _encode(video: VideoFile, job: TranscodeJob, recipe: Recipe, path: Path) -> bool:
    audio = () if video.audio_stream is None else ("-map", f"0:{video.audio_stream}")
    opening = ("-threads", str(THREADS), "-fflags", "+genpts", *job.input)
    faststart = ("-movflags", "+faststart") if recipe.container == "mp4" else ()
    output = (
        *recipe.arguments,
        "-threads",
        str(THREADS),
        *NO_METADATA,
        *faststart,
        "-f",
        recipe.container,
        f"file:{path.absolute()}",
    )
    command = (*QUIET, *REPORT_PROGRESS, *opening, "-map", f"0:{video.video_stream}", *audio, *output)
    if recipe.colour_table:
        await asyncio.to_thread(_write_table, recipe.colour_table, job.folder / TABLE_FILE)
    report = partial(job.report, duration_ms=video.declared_ms)
    result = await run_tool(command, job.limits, on_line=report, folder=job.folder)
    if result.code != 0:
        log.warning("media=%s ffmpeg failed: %s", job.source.name, result.errors.strip()[-300:])
    return result.code == 0


def _write_table(table: ColourTable, path: Path) -> None:
    with path.open("w") as file:
        file.writelines(table_text(table))


def _check_duration(video: VideoFile, duration_ms: int) -> None:
    if duration_ms == 0:
        raise BadMedia("This video is damaged: nothing in it can be played.")
    if duration_ms < video.declared_ms * 0.9 - 500:
        present_s, declared_s = duration_ms / 1000, video.declared_ms / 1000
        raise BadMedia(
            f"This video is incomplete: {present_s:.0f} of its {declared_s:.0f} seconds are there. Send it again."
        )
    if duration_ms < MIN_DURATION_MS:
        raise BadMedia("This video is too short to be seen: use a picture instead.")


async def _make_thumbnail(path: Path, target: Path, duration_ms: int, limits: Limits) -> Path:
    """Save a frame near the start, since the first ones are often black; this also proves that it can be decoded."""
    size = f"scale=w={THUMBNAIL_EDGE}:h={THUMBNAIL_EDGE}:force_original_aspect_ratio=decrease:force_divisible_by=2"
    size += ":out_color_matrix=bt601:out_range=pc"  # as JPEG is
    frame = ("-frames:v", "1", "-vf", f"scale=iw*sar:ih,setsar=1,{size}", "-map_metadata", "-1", "-q:v", "4")
    for at_s in (min(3.0, duration_ms / 4000), 0.0):
        opening = ("-threads", "1", "-ss", f"{at_s:.3f}", *SAFE_INPUT, "-i", f"file:{path}")
        result = await run_tool((*QUIET, *opening, *frame, "-f", "mjpeg", f"file:{target}"), limits)
        if result.code == 0 and target.exists() and target.stat().st_size:
            return target
    raise BadMedia("This video is damaged: no picture in it can be shown.")
