"""Decides whether a film is copied or encoded anew, and with which arguments of ffmpeg.

Copied is what every player shows as it is: common codecs and 8 bits, upright, plain colours, whole pictures, from its
first key frame on, at an even rate, with sound that lasts no longer than the pictures. All else is encoded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from sync.origin.transcode.film.colour import TAG_ARGUMENTS, colours_of, is_plain
from sync.origin.transcode.film.colour_table import ColourTable
from sync.origin.transcode.film.damage import Damage
from sync.origin.transcode.film.facts import VideoFile
from sync.origin.transcode.film.filters import filter_chain, output_rate, sound_filters
from sync.origin.transcode.film.geometry import shown_size, true_aspect
from sync.origin.transcode.film.interlacing import is_interlaced
from sync.origin.transcode.film.track_timing import FASTEST_RATE, TrackTimes

KEY_DISTANCE_S = 2  # of what is encoded: a film is resumed from the key frame before
_LONGEST_KEY_DISTANCE_S = 12.0  # 250 frames, which many encoders have as their default, at 24 frames/s
_SLOWEST_COPIED_RATE = 5  # with fewer frames/s libVLC shows the first one late
_LATE_S = 0.1
_STILL_S = 0.25  # a picture that stays for longer while the sound goes on looks like a fault
_LONGEST_SOUND_GAP_S = 0.15

_SPHERE = "Spherical Mapping"  # in ffprobe's words
_COPIED_PIXELS = "yuv420p"  # 8 bits: many decoders in hardware know no other
_COPIED_VIDEO: dict[str, tuple[frozenset[str], int]] = {
    # for each codec the profiles (none: all) and the highest level that decoders in hardware take
    "h264": (frozenset({"Constrained Baseline", "Baseline", "Main", "High"}), 52),
    "hevc": (frozenset({"Main", "Main 10"}), 156),
    "vp9": (frozenset({"Profile 0"}), 0),
    "vp8": (frozenset(), 0),
    "mpeg4": (frozenset(), 0),
    "mpeg2video": (frozenset(), 0),
}
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
    return encoding_recipe(video, longest_edge) if list(why_encode(video, longest_edge)) else copying_recipe(video)


def why_encode(video: VideoFile, longest_edge: int) -> Iterator[str]:
    """Yield each reason why a film is not copied."""
    yield from _why_encode_samples(video)
    yield from _why_encode_size(video, longest_edge)
    yield from _why_encode_shape(video)
    yield from _why_encode_times(video.times, video)
    if video.unreadable or (video.damage and (video.damage.spans or video.damage.complaints)):
        yield "it is damaged"


def _why_encode_samples(video: VideoFile) -> Iterator[str]:
    profiles, level = _COPIED_VIDEO.get(video.codec, (frozenset(), 0))
    if video.codec not in _COPIED_VIDEO:
        yield f"not every player decodes {video.codec}"
    elif video.pixel_format != _COPIED_PIXELS:
        yield f"not every player shows the pixel format {video.pixel_format}"
    elif not is_plain(video):
        yield "not every player shows its colours as they are meant"
    elif (profiles and video.profile and video.profile not in profiles) or (level and video.level > level):
        yield f"not every player decodes the profile {video.profile}, level {video.level}"
    if is_interlaced(video):
        yield "it is interlaced"


def _why_encode_size(video: VideoFile, longest_edge: int) -> Iterator[str]:
    if max(video.width, video.height) > longest_edge or video.width % 2 or video.height % 2:
        yield f"the size {video.width} x {video.height}"
    if video.pixel_aspect != true_aspect(video.pixel_aspect):
        yield f"the shape of its pixels, {video.pixel_aspect}, cannot be true"


def _why_encode_shape(video: VideoFile) -> Iterator[str]:
    if video.orientation.filters:
        yield "it is turned or mirrored"
    if video.shape_changes:
        yield "its shape changes"
    if video.codec_crops:
        yield "its codec crops it at the left or top"
    if video.codec == "vp8" and any(side.get("side_data_type") == _SPHERE for side in video.side_data):
        yield "players would show a part of its 360 degrees"  # MP4 is written without what says so
    if video.clear_beside:
        yield "a part of it is clear"
    if video.crop:
        yield "only a part of its pictures is meant to be seen"
    if video.subtitles and video.subtitles.text:
        yield "it has forced subtitles"


def _why_encode_times(times: TrackTimes, video: VideoFile) -> Iterator[str]:
    if times.jumps or times.decoded_only or times.counted:
        yield "its timestamps jump" if times.jumps else "it does not say when its pictures are due"
    if not times.even or not _SLOWEST_COPIED_RATE <= times.rate <= FASTEST_RATE:
        yield f"its pictures come unevenly, too seldom or too often ({float(times.rate):.2f} a second)"
    if times.trimmed:
        yield "a part of it is trimmed off"
    if not times.starts_with_key:
        yield "it does not begin with a key frame"
    if times.key_distance_s > _LONGEST_KEY_DISTANCE_S:
        yield f"its key frames are {times.key_distance_s:.0f} s apart"
    if times.start_s > video.starts_s + max(_LATE_S, times.frame_s):
        yield "its first picture comes late"
    if times.end_s < video.starts_s + video.length_s - _STILL_S:
        yield "its sound lasts longer than its pictures"


def copying_recipe(video: VideoFile) -> Recipe:
    """Return the recipe that copies the pictures, and the sound where that is possible."""
    container = "matroska" if video.codec == "vp8" else "mp4"
    arguments = ["-c:v", "copy", *_audio_arguments(video, container)]
    if video.codec == "hevc":
        arguments += ["-tag:v", "hvc1"]
    if video.codec == "mpeg4" and video.container == "avi":
        arguments += ["-bsf:v", "mpeg4_unpack_bframes"]
    width = max(1, round(video.width * video.pixel_aspect))
    return Recipe(tuple(arguments), container, width, video.height, copies_video=True)


def encoding_recipe(video: VideoFile, longest_edge: int) -> Recipe:
    """Return the recipe for H.264: upright, square pixels, even sizes up to `longest_edge`, an even rate from 0."""
    stored = (video.crop.width, video.crop.height) if video.crop else (video.width, video.height)
    width, height = shown_size(*stored, video.pixel_aspect, turned=video.orientation.turned)
    scale = min(Fraction(1), Fraction(longest_edge) / max(width, height, Fraction(1)))
    size = even_pixels(width * scale), even_pixels(height * scale)
    keys = ("-g", str(round(KEY_DISTANCE_S * output_rate(video))))
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", *TAG_ARGUMENTS, *keys)
    length = ("-t", f"{video.length_s:.6f}")
    arguments = ("-vf", filter_chain(video, *size), *codec, *_audio_arguments(video, "mp4"), *length)
    return Recipe(arguments, "mp4", *size, copies_video=False, colour_table=colours_of(video).table)


def _audio_arguments(video: VideoFile, container: str) -> tuple[str, ...]:
    if video.sound_times is None:
        return ()
    if video.audio_codec in _COPIED_AUDIO[container] and _is_whole(video, video.sound_times):
        return ("-c:a", "copy")
    return ("-af", sound_filters(video), "-c:a", "aac", "-b:a", "160k", "-ac", "2", "-flags:a", "+bitexact")


def _is_whole(video: VideoFile, sound: TrackTimes) -> bool:
    steady = sound.longest_gap_s <= max(_LONGEST_SOUND_GAP_S, 3 * sound.frame_s) and not sound.jumps
    on_time = sound.start_s <= video.starts_s + _LATE_S
    return steady and on_time and video.sound_damage in (None, Damage())


def even_pixels(length: Fraction) -> int:
    """Return the nearest even number of pixels, as encoders need."""
    return max(2, round(length / 2) * 2)
