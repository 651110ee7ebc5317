"""Makes a video every player can show: copied bit for bit into a clean container where that is enough, else H.264.

Rotation is baked by encoding anew: not every output of every player honours the tag.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from sync.origin.transcode.probe import SAFE_INPUT, BadMedia, VideoFile, packet_duration_ms
from sync.origin.transcode.sandbox import THREADS, Limits, run_tool
from sync.wire.release import MediaKind

THUMBNAIL_EDGE = 480
MIN_DURATION_MS = 200
_PLAIN = frozenset({"yuv420p", "yuvj420p"})
_COPIED: dict[str, frozenset[str]] = {  # codec to the pixel formats players decode
    "h264": _PLAIN,
    "hevc": _PLAIN | {"yuv420p10le"},
    "vp9": _PLAIN | {"yuv420p10le"},
    "vp8": _PLAIN,
    "mpeg4": _PLAIN,
    "mpeg2video": _PLAIN,
}
_COPIED_SOUND = {"mp4": frozenset({"aac", "mp3", "ac3"}), "matroska": frozenset({"vorbis", "opus", "aac", "mp3"})}
_FASTEST = Fraction(61)
NO_METADATA = ("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact")

log = logging.getLogger(__name__)

Progress = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MadeMedia:
    """A finished media file in the work folder, with its facts and its small picture."""

    path: Path
    thumbnail: Path
    kind: MediaKind
    media_type: str
    width: int
    height: int
    duration_ms: int | None
    has_audio: bool
    loudness_lufs: float | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a film becomes an asset: arguments of ffmpeg, the container, and the size it is shown at."""

    arguments: tuple[str, ...]
    container: str  # as ffmpeg calls it: mp4 or matroska
    width: int
    height: int
    copies_video: bool


async def make_video(
    film: VideoFile,
    source: Path,
    folder: Path,
    limits: Limits,
    *,
    longest_edge: int,
    largest_pixels: int,
    progress: Progress,
) -> MadeMedia:
    """Turn a file that holds `film` into a video asset with a small picture.

    Raises:
        BadMedia: it cannot be shown.
        ChildStopped, StorageFull: trying again may help.
    """
    if film.width * film.height > largest_pixels:
        raise BadMedia(f"This video is too large: {film.width} x {film.height} pixels.")
    recipe, path = choose_recipe(film, longest_edge), folder / "asset"
    done = await _encode(source, path, film, recipe, limits, progress)
    if not done and recipe.copies_video:  # what cannot be copied can often be decoded
        recipe = encoding_recipe(film, longest_edge)
        done = await _encode(source, path, film, recipe, limits, progress)
    duration_ms = await packet_duration_ms(path, limits) if done else 0
    _check_length(film, duration_ms)
    thumbnail = await _picture(path, folder / "thumbnail.jpg", duration_ms, limits)
    media_type = "video/mp4" if recipe.container == "mp4" else "video/x-matroska"
    return MadeMedia(
        path,
        thumbnail,
        MediaKind.VIDEO,
        media_type,
        recipe.width,
        recipe.height,
        duration_ms,
        film.audio_stream is not None,
    )


def choose_recipe(film: VideoFile, longest_edge: int) -> Recipe:
    """Choose between copying and encoding anew."""
    plain = (
        film.pixel_format in _COPIED.get(film.codec, frozenset()) and film.rotation == 0 and film.frame_rate <= _FASTEST
    )
    if not plain or max(film.width, film.height) > longest_edge or film.width % 2 or film.height % 2:
        return encoding_recipe(film, longest_edge)
    container = "matroska" if film.codec == "vp8" else "mp4"
    arguments = ["-c:v", "copy", *_sound(film, container)]
    if film.codec == "hevc":
        arguments += ["-tag:v", "hvc1"]
    if film.codec == "mpeg4" and film.container == "avi":
        arguments += ["-bsf:v", "mpeg4_unpack_bframes"]
    return Recipe(
        tuple(arguments), container, max(1, round(film.width * film.pixel_aspect)), film.height, copies_video=True
    )


def encoding_recipe(film: VideoFile, longest_edge: int) -> Recipe:
    """Encode as H.264 with square pixels, upright, even sizes, at most `longest_edge` and 60 frames a second."""
    width, height = round(film.width * film.pixel_aspect), film.height
    if film.rotation in (90, 270):
        width, height = height, width
    scale = min(Fraction(1), Fraction(longest_edge, max(width, height, 1)))
    width, height = even_pixels(width * scale), even_pixels(height * scale)
    filters = f"scale={width}:{height},setsar=1,format=yuv420p" + (",fps=60" if film.frame_rate > _FASTEST else "")
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-threads", str(THREADS))
    return Recipe(("-vf", filters, *codec, *_sound(film, "mp4")), "mp4", width, height, copies_video=False)


def _sound(film: VideoFile, container: str) -> tuple[str, ...]:
    if film.audio_codec in _COPIED_SOUND[container]:
        return ("-c:a", "copy")
    return ("-c:a", "aac", "-b:a", "160k", "-ac", "2", "-flags:a", "+bitexact")


def even_pixels(length: Fraction) -> int:
    """Return the nearest even number of pixels: encoders want no other."""
    return max(2, round(length / 2) * 2)


async def _encode(
    source: Path, path: Path, film: VideoFile, recipe: Recipe, limits: Limits, progress: Progress
) -> bool:
    async def note(line: str) -> None:
        key, _, value = line.partition("=")
        if key == "out_time_us" and value.isdecimal() and film.declared_ms:
            await progress(min(95, int(value) // 10 // film.declared_ms))

    streams = [
        "-map",
        f"0:{film.video_stream}",
        *(() if film.audio_stream is None else ("-map", f"0:{film.audio_stream}")),
    ]
    quiet = ("-hide_banner", "-nostdin", "-v", "error", "-y", "-progress", "pipe:1", "-stats_period", "0.3", "-nostats")
    opening = ("-threads", str(THREADS), "-fflags", "+genpts", *SAFE_INPUT, "-i", f"file:{source}")
    faststart = ("-movflags", "+faststart") if recipe.container == "mp4" else ()
    closing = (*NO_METADATA, *faststart, "-f", recipe.container, f"file:{path}")
    command = ("ffmpeg", *quiet, *opening, *streams, *recipe.arguments, *closing)
    finished = await run_tool(command, limits, on_line=note)
    if finished.code != 0:
        log.warning("media=%s ffmpeg failed: %s", source.name, finished.errors.strip()[-300:])
    return finished.code == 0


def _check_length(film: VideoFile, duration_ms: int) -> None:
    if duration_ms == 0:
        raise BadMedia("This video is damaged: nothing in it can be played.")
    if duration_ms < film.declared_ms * 0.9 - 500:
        have, whole = duration_ms / 1000, film.declared_ms / 1000
        raise BadMedia(f"This video is incomplete: {have:.0f} of its {whole:.0f} seconds are there. Send it again.")
    if duration_ms < MIN_DURATION_MS:
        raise BadMedia("This video is too short to be seen: use a picture instead.")


async def _picture(path: Path, target: Path, duration_ms: int, limits: Limits) -> Path:
    """Take a small picture a little way in, where a film is no longer black; proves that it can be decoded, too."""
    size = f"scale=w={THUMBNAIL_EDGE}:h={THUMBNAIL_EDGE}:force_original_aspect_ratio=decrease:force_divisible_by=2"
    shape = ("-frames:v", "1", "-vf", f"scale=iw*sar:ih,setsar=1,{size}", "-map_metadata", "-1", "-q:v", "4")
    for at_s in (min(3.0, duration_ms / 4000), 0.0):
        opening = ("-v", "error", "-nostdin", "-y", "-threads", "1", "-ss", f"{at_s:.3f}", *SAFE_INPUT)
        command = ("ffmpeg", *opening, "-i", f"file:{path}", *shape, "-f", "mjpeg", f"file:{target}")
        finished = await run_tool(command, limits)
        if finished.code == 0 and target.exists() and target.stat().st_size:
            return target
    raise BadMedia("This video is damaged: no picture in it can be shown.")
