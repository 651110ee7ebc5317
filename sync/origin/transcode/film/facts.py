"""The facts of a film or a sound file, as ffprobe states them."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True)
class ColourTags:
    """How samples become colours, in ffmpeg's words (`bt709`, `smpte2084`, `tv`); "" where the file does not say."""

    matrix: str = ""
    transfer: str = ""
    primaries: str = ""
    range: str = ""


@dataclass(frozen=True, slots=True)
class VideoFile:
    """The facts of a video file; sizes are as stored, before `rotation` (degrees) and `pixel_aspect` are applied."""

    container: str
    video_stream: int
    codec: str
    pixel_format: str
    width: int
    height: int
    pixel_aspect: Fraction
    rotation: int
    frame_rate: Fraction
    declared_ms: int
    audio_stream: int | None
    audio_codec: str
    profile: str = ""
    field_order: str = ""
    colour: ColourTags = ColourTags()
    side_data: tuple[Mapping[str, Any], ...] = ()  # of the video stream, as ffprobe prints it


@dataclass(frozen=True, slots=True)
class AudioFile:
    """The facts of a sound file; `cover_stream` is its embedded picture, `title` and `artist` are its tags."""

    container: str
    audio_stream: int
    audio_codec: str
    declared_ms: int
    cover_stream: int | None
    title: str
    artist: str


def video_facts(document: Mapping[str, Any]) -> VideoFile | None:
    """Return the facts from ffprobe's document: the first video stream that is not a cover, and the first sound.

    None if it has no video.
    """
    videos, sounds, _ = _streams(document)
    if not videos or not videos[0].get("codec_name") or not videos[0].get("width"):
        return None
    video, audio = videos[0], sounds[0] if sounds else None
    container = document.get("format", {})
    return VideoFile(
        container=container.get("format_name", ""),
        video_stream=video["index"],
        codec=video["codec_name"],
        pixel_format=video.get("pix_fmt", ""),
        width=video["width"],
        height=video["height"],
        pixel_aspect=_fraction(video.get("sample_aspect_ratio"), ":"),
        rotation=_rotation(video),
        frame_rate=_fraction(video.get("avg_frame_rate"), "/"),
        declared_ms=_declared_ms(container, [video, *([audio] if audio else [])]),
        audio_stream=audio["index"] if audio else None,
        audio_codec=audio["codec_name"] if audio else "",
        profile=str(video.get("profile", "")),
        field_order=video.get("field_order", ""),
        colour=_colour_tags(video),
        side_data=tuple(video.get("side_data_list", ())),
    )


def audio_facts(document: Mapping[str, Any]) -> AudioFile | None:
    """Return the facts from ffprobe's document about a sound file; None if it has a video or no sound."""
    videos, sounds, covers = _streams(document)
    if videos or not sounds:
        return None
    container = document.get("format", {})
    tags = {key.lower(): value for part in (container, sounds[0]) for key, value in part.get("tags", {}).items()}
    return AudioFile(
        container=container.get("format_name", ""),
        audio_stream=sounds[0]["index"],
        audio_codec=sounds[0]["codec_name"],
        declared_ms=_declared_ms(container, sounds[:1]),
        cover_stream=covers[0]["index"] if covers else None,
        title=tags.get("title", ""),
        artist=tags.get("artist", ""),
    )


def _streams(document: Mapping[str, Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Return the videos, the sounds, and the embedded pictures."""
    streams = document.get("streams", [])
    pictures = [s for s in streams if s.get("codec_type") == "video"]
    sounds = [s for s in streams if s.get("codec_type") == "audio" and s.get("codec_name")]
    covers = [s for s in pictures if s["disposition"].get("attached_pic")]
    return [s for s in pictures if s not in covers], sounds, covers


def _colour_tags(video: Mapping[str, Any]) -> ColourTags:
    keys = ("color_space", "color_transfer", "color_primaries", "color_range")
    return ColourTags(*("" if video.get(key) in (None, "unknown") else str(video[key]) for key in keys))


def _rotation(video: Mapping[str, Any]) -> int:
    rotations = [int(side["rotation"]) for side in video.get("side_data_list", ()) if "rotation" in side]
    return rotations[0] % 360 if rotations else 0


def _fraction(raw: str | None, separator: str) -> Fraction:
    numerator, _, denominator = (raw or "").partition(separator)
    if numerator.isdecimal() and denominator.isdecimal() and int(numerator) and int(denominator):
        return Fraction(int(numerator), int(denominator))
    return Fraction(1)


def _declared_ms(container: Mapping[str, Any], streams: list[Mapping[str, Any]]) -> int:
    durations_s = [float(stream["duration"]) for stream in streams if "duration" in stream]
    longest_s = max(durations_s) if durations_s else float(container.get("duration", 0.0))
    return round(longest_s * 1000)
