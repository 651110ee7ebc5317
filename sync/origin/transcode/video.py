"""Converts a video to one that every player can show: streams are copied where possible, else encoded as H.264.

A rotated video is encoded anew, since not every output of every player honours the rotation tag.
"""

import logging
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from sync.origin.transcode.probe import SAFE_INPUT, BadMedia, VideoFile, packet_duration_ms
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

_PLAIN = frozenset({"yuv420p", "yuvj420p"})
_COPIED_VIDEO: dict[str, frozenset[str]] = {  # for each codec the pixel formats that players decode
    "h264": _PLAIN,
    "hevc": _PLAIN | {"yuv420p10le"},
    "vp9": _PLAIN | {"yuv420p10le"},
    "vp8": _PLAIN,
    "mpeg4": _PLAIN,
    "mpeg2video": _PLAIN,
}
_COPIED_AUDIO = {"mp4": frozenset({"aac", "mp3", "ac3"}), "matroska": frozenset({"vorbis", "opus", "aac", "mp3"})}
_MAX_FRAME_RATE = Fraction(61)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a video becomes an asset: arguments of ffmpeg, the container, and the size it is shown at."""

    arguments: tuple[str, ...]
    container: str  # as ffmpeg calls it: mp4 or matroska
    width: int
    height: int
    copies_video: bool


async def make_video(video: VideoFile, job: TranscodeJob) -> MadeMedia:
    """Convert a video to an asset with a thumbnail.

    Raises:
        BadMedia: it cannot be shown.
        ChildStopped, StorageFull: another attempt may help.
    """
    if video.width * video.height > job.settings.largest_pixels:
        raise BadMedia(f"This video is too large: {video.width} x {video.height} pixels.")
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


def choose_recipe(video: VideoFile, longest_edge: int) -> Recipe:
    """Return the recipe that copies the video if players can show it as it is, else the one that encodes it."""
    plain = video.pixel_format in _COPIED_VIDEO.get(video.codec, frozenset()) and video.rotation == 0
    fits = max(video.width, video.height) <= longest_edge and video.width % 2 == 0 and video.height % 2 == 0
    if not (plain and fits and video.frame_rate <= _MAX_FRAME_RATE):
        return encoding_recipe(video, longest_edge)
    container = "matroska" if video.codec == "vp8" else "mp4"
    arguments = ["-c:v", "copy", *_audio_arguments(video, container)]
    if video.codec == "hevc":
        arguments += ["-tag:v", "hvc1"]
    if video.codec == "mpeg4" and video.container == "avi":
        arguments += ["-bsf:v", "mpeg4_unpack_bframes"]
    width = max(1, round(video.width * video.pixel_aspect))
    return Recipe(tuple(arguments), container, width, video.height, copies_video=True)


def encoding_recipe(video: VideoFile, longest_edge: int) -> Recipe:
    """Return the recipe for H.264: upright, square pixels, even sizes up to `longest_edge`, at most 60 frames/s."""
    width, height = round(video.width * video.pixel_aspect), video.height
    if video.rotation in (90, 270):
        width, height = height, width
    scale = min(Fraction(1), Fraction(longest_edge, max(width, height, 1)))
    width, height = even_pixels(width * scale), even_pixels(height * scale)
    limit = ",fps=60" if video.frame_rate > _MAX_FRAME_RATE else ""
    filters = f"scale={width}:{height},setsar=1,format=yuv420p{limit}"
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-threads", str(THREADS))
    return Recipe(("-vf", filters, *codec, *_audio_arguments(video, "mp4")), "mp4", width, height, copies_video=False)


def _audio_arguments(video: VideoFile, container: str) -> tuple[str, ...]:
    if video.audio_codec in _COPIED_AUDIO[container]:
        return ("-c:a", "copy")
    return ("-c:a", "aac", "-b:a", "160k", "-ac", "2", "-flags:a", "+bitexact")


def even_pixels(length: Fraction) -> int:
    """Return the nearest even number of pixels, as encoders need."""
    return max(2, round(length / 2) * 2)


async def _encode(video: VideoFile, job: TranscodeJob, recipe: Recipe, path: Path) -> bool:
    audio = () if video.audio_stream is None else ("-map", f"0:{video.audio_stream}")
    opening = ("-threads", str(THREADS), "-fflags", "+genpts", *job.input)
    faststart = ("-movflags", "+faststart") if recipe.container == "mp4" else ()
    output = (*recipe.arguments, *NO_METADATA, *faststart, "-f", recipe.container, f"file:{path}")
    command = (*QUIET, *REPORT_PROGRESS, *opening, "-map", f"0:{video.video_stream}", *audio, *output)
    result = await run_tool(command, job.limits, on_line=lambda line: job.report(line, video.declared_ms))
    if result.code != 0:
        log.warning("media=%s ffmpeg failed: %s", job.source.name, result.errors.strip()[-300:])
    return result.code == 0


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
    frame = ("-frames:v", "1", "-vf", f"scale=iw*sar:ih,setsar=1,{size}", "-map_metadata", "-1", "-q:v", "4")
    for at_s in (min(3.0, duration_ms / 4000), 0.0):
        opening = ("-threads", "1", "-ss", f"{at_s:.3f}", *SAFE_INPUT, "-i", f"file:{path}")
        result = await run_tool((*QUIET, *opening, *frame, "-f", "mjpeg", f"file:{target}"), limits)
        if result.code == 0 and target.exists() and target.stat().st_size:
            return target
    raise BadMedia("This video is damaged: no picture in it can be shown.")
