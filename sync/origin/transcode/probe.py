"""Finds out what a sent file is, from its bytes and never from its name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

from sync.errors import Rejected
from sync.origin.transcode.sandbox import Limits, run_tool

HEAD_BYTES = 4096
# What ffmpeg may open: no format that refers to other files or hosts.
CONTAINERS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,flv,ogg,asf,mxf,dv,ivf,mp3,wav,flac,aac"
SAFE_INPUT = ("-protocol_whitelist", "file", "-format_whitelist", CONTAINERS)

_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
_OTHER_KINDS = (
    (b"%PDF", "a PDF document: save its pages as pictures"),
    (b"PK\x03\x04", "an archive or an office document: save its pages as pictures"),
    (b"\xd0\xcf\x11\xe0", "an office document: save its pages as pictures"),
    (b"<svg", "a drawing (SVG): save it as PNG"),
    (b"<?xml", "a drawing or a data file: save it as PNG"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"8BPS", "a Photoshop document: save it as PNG or JPEG"),
    (b"\x1f\x8b", "an archive: unpack it first"),
    (b"7z\xbc\xaf", "an archive: unpack it first"),
    (b"Rar!", "an archive: unpack it first"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"#EXTM3U", "a list of files, not the files themselves"),
)


class BadMedia(Rejected):
    """The file itself cannot be shown; the message is for the person who sent it."""


class FileKind(StrEnum):
    """Which tool processes a file."""

    PICTURE = "picture"  # the picture tool, also for animations
    VIDEO = "video"  # ffmpeg, for video and sound


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


def recognise_kind(head: bytes) -> FileKind:
    """Return from the first bytes which tool processes a file.

    Raises:
        BadMedia: it is of a known kind that cannot be shown.
    """
    if head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return FileKind.PICTURE
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return FileKind.PICTURE
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for signature, kind in _OTHER_KINDS:
        if start.startswith(signature.lower()):
            raise BadMedia(f"This file is not a picture or video that can be shown: it looks like {kind}.")
    if b"\0" not in head and _is_text(head):
        raise BadMedia("This file is not a picture or video that can be shown: it looks like text.")
    return FileKind.VIDEO


def _is_text(head: bytes) -> bool:
    try:
        head[: max(1, len(head) - 4)].decode("utf-8")  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return True


async def probe(path: Path, limits: Limits) -> VideoFile | AudioFile:
    """Return the facts of a file that is not a picture, by ffprobe.

    Raises:
        BadMedia: it cannot be shown.
        ChildStopped: ffprobe hit a limit.
    """
    options = ("-v", "error", "-print_format", "json", "-show_format", "-show_streams")
    result = await run_tool(("ffprobe", *options, *SAFE_INPUT, f"file:{path}"), limits)
    if result.code != 0 and "moov atom not found" in result.errors:
        raise BadMedia("This video is incomplete: its end, with the table of contents, is missing. Send it again.")
    if result.code != 0:
        raise BadMedia("This file is not a picture or video that can be shown, or it is damaged.")
    document = json.loads(result.output)
    return audio_facts(document) or video_facts(document)


async def packet_duration_ms(path: Path, limits: Limits, *, streams: str = "") -> int:
    """Return how long a file plays, from its packets (of `streams` only, if given), since its header may be wrong."""
    first, last = float("inf"), 0.0

    async def read_line(line: str) -> None:
        nonlocal first, last
        start, _, duration = line.strip(",").partition(",")
        if start not in ("", "N/A"):
            first = min(first, float(start))
            last = max(last, float(start) + (float(duration) if duration not in ("", "N/A") else 0.0))

    selection = ("-select_streams", streams) if streams else ()
    options = ("-v", "error", *selection, "-show_entries", "packet=pts_time,duration_time", "-of", "csv=p=0")
    await run_tool(("ffprobe", *options, *SAFE_INPUT, f"file:{path}"), limits, on_line=read_line)
    return max(0, round((last - max(0.0, first)) * 1000)) if last else 0


def video_facts(document: Mapping[str, Any]) -> VideoFile:
    """Return the facts from ffprobe's document: the first video stream that is not a cover, and the first sound.

    Raises:
        BadMedia: it has no video.
    """
    videos, sounds, _ = _streams(document)
    if not videos or not videos[0].get("codec_name") or not videos[0].get("width"):
        raise BadMedia("This file is not a picture or video that can be shown, or it is damaged.")
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
