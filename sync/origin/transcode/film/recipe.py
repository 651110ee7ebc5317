"""Decides whether a film is copied or encoded anew, and with which arguments of ffmpeg.

A rotated video is encoded anew, since not every output of every player honours the rotation tag. So is one that is
interlaced, or whose colours are not plain: not every output makes whole pictures of fields, tone-maps HDR, or knows
full range.
"""

from dataclasses import dataclass
from fractions import Fraction

from sync.origin.transcode.film.colour import TAG_ARGUMENTS, colours_of, is_plain
from sync.origin.transcode.film.colour_table import ColourTable
from sync.origin.transcode.film.facts import VideoFile
from sync.origin.transcode.film.fields import is_interlaced
from sync.origin.transcode.film.filters import MAX_FRAME_RATE, filter_chain

_COPIED_VIDEO = frozenset({"h264", "hevc", "vp9", "vp8", "mpeg4", "mpeg2video"})
_COPIED_PIXELS = "yuv420p"  # 8 bits: many decoders in hardware know no other
_COPIED_AUDIO = {"mp4": frozenset({"aac", "mp3", "ac3"}), "matroska": frozenset({"vorbis", "opus", "aac", "mp3"})}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a video becomes an asset: arguments of ffmpeg, the container, and the size it is shown at."""

    arguments: tuple[str, ...]
    container: str  # as ffmpeg calls it: mp4 or matroska
    width: int
    height: int
    copies_video: bool
    colour_table: ColourTable | None = None  # for ffmpeg to find as `TABLE_FILE` in the folder it runs in


def choose_recipe(video: VideoFile, longest_edge: int) -> Recipe:
    """Return the recipe that copies the video if players can show it as it is, else the one that encodes it."""
    plain = video.codec in _COPIED_VIDEO and video.pixel_format == _COPIED_PIXELS and video.rotation == 0
    plain = plain and is_plain(video) and not is_interlaced(video)
    fits = max(video.width, video.height) <= longest_edge and video.width % 2 == 0 and video.height % 2 == 0
    if not (plain and fits and video.frame_rate <= MAX_FRAME_RATE):
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
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", *TAG_ARGUMENTS)
    arguments = ("-vf", filter_chain(video, width, height), *codec, *_audio_arguments(video, "mp4"))
    return Recipe(arguments, "mp4", width, height, copies_video=False, colour_table=colours_of(video).table)


def _audio_arguments(video: VideoFile, container: str) -> tuple[str, ...]:
    if video.audio_codec in _COPIED_AUDIO[container]:
        return ("-c:a", "copy")
    return ("-c:a", "aac", "-b:a", "160k", "-ac", "2", "-flags:a", "+bitexact")


def even_pixels(length: Fraction) -> int:
    """Return the nearest even number of pixels, as encoders need."""
    return max(2, round(length / 2) * 2)
