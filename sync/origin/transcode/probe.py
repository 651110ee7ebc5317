"""Tells what a file somebody sent really is, from its bytes and never from its name."""

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
# What ffmpeg may open: no playlists, no concatenations, nothing that names other files or hosts.
CONTAINERS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,flv,ogg,asf,mxf,dv,ivf,mp3,wav,flac,aac"
SAFE_INPUT = ("-protocol_whitelist", "file", "-format_whitelist", CONTAINERS)

_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
_OTHERS = (
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
    """The file itself cannot be shown, whoever tries; the message is for the person who sent it."""


class FileKind(StrEnum):
    """Who works on a file."""

    PICTURE = "picture"  # pictures.py, moving ones too
    VIDEO = "video"  # ffmpeg, if it knows it


@dataclass(frozen=True, slots=True)
class VideoFile:
    """What a video file holds; sizes are as stored, before `rotation` (degrees) and pixel `aspect`."""

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
    """What a file holds that is only heard; `cover` is the stream of the picture in it, texts are its own tags."""

    container: str
    audio_stream: int
    audio_codec: str
    declared_ms: int
    cover_stream: int | None
    title: str
    artist: str


def recognise_kind(head: bytes) -> FileKind:
    """Tell from the first bytes who can work on a file.

    Raises:
        BadMedia: it is something we know and cannot show.
    """
    if head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return FileKind.PICTURE
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return FileKind.PICTURE
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, words in _OTHERS:
        if start.startswith(mark.lower()):
            raise BadMedia(f"This file is not a picture or video we can show: it looks like {words}.")
    if b"\0" not in head and _is_text(head):
        raise BadMedia("This file is not a picture or video we can show: it looks like text.")
    return FileKind.VIDEO


def _is_text(head: bytes) -> bool:
    try:
        head[: max(1, len(head) - 4)].decode("utf-8")  # the last letter may be cut
    except UnicodeDecodeError:
        return False
    return True


async def probe(path: Path, limits: Limits) -> VideoFile | AudioFile:
    """Ask ffprobe what a file that is no picture holds.

    Raises:
        BadMedia: nothing we can show.
        ChildStopped: ffprobe ran into a limit.
    """
    asked = ("-v", "error", "-print_format", "json", "-show_format", "-show_streams")
    finished = await run_tool(("ffprobe", *asked, *SAFE_INPUT, f"file:{path}"), limits)
    if finished.code != 0 and "moov atom not found" in finished.errors:
        raise BadMedia("This video is incomplete: its end, with the table of contents, is missing. Send it again.")
    if finished.code != 0:
        raise BadMedia("This file is not a picture or video we can show, or it is damaged.")
    document = json.loads(finished.output)
    return audio_facts(document) or video_facts(document)


async def packet_duration_ms(path: Path, limits: Limits, *, streams: str = "") -> int:
    """Return how long a file really plays, from the packets (of `streams` only): a header may say anything."""
    first, last = float("inf"), 0.0

    async def note(line: str) -> None:
        nonlocal first, last
        start, _, duration = line.strip(",").partition(",")
        if start not in ("", "N/A"):
            first = min(first, float(start))
            last = max(last, float(start) + (float(duration) if duration not in ("", "N/A") else 0.0))

    chosen = ("-select_streams", streams) if streams else ()
    asked = ("-v", "error", *chosen, "-show_entries", "packet=pts_time,duration_time", "-of", "csv=p=0")
    await run_tool(("ffprobe", *asked, *SAFE_INPUT, f"file:{path}"), limits, on_line=note)
    return max(0, round((last - max(0.0, first)) * 1000)) if last else 0


def video_facts(document: Mapping[str, Any]) -> VideoFile:
    """Return the facts of ffprobe's document: the first real video stream and the first sound.

    Raises:
        BadMedia: there is no moving picture in it.
    """
    seen, heard, _ = _streams(document)
    if not seen or not seen[0].get("codec_name") or not seen[0].get("width"):
        raise BadMedia("This file is not a picture or video we can show, or it is damaged.")
    video, audio = seen[0], heard[0] if heard else None
    whole = document.get("format", {})
    return VideoFile(
        container=whole.get("format_name", ""),
        video_stream=video["index"],
        codec=video["codec_name"],
        pixel_format=video.get("pix_fmt", ""),
        width=video["width"],
        height=video["height"],
        pixel_aspect=_fraction(video.get("sample_aspect_ratio"), ":"),
        rotation=_rotation(video),
        frame_rate=_fraction(video.get("avg_frame_rate"), "/"),
        declared_ms=_declared_ms(whole, [video, *([audio] if audio else [])]),
        audio_stream=audio["index"] if audio else None,
        audio_codec=audio["codec_name"] if audio else "",
    )


def audio_facts(document: Mapping[str, Any]) -> AudioFile | None:
    """Return the facts of ffprobe's document on a file that is only heard; None if there is no sound, or more."""
    seen, heard, covers = _streams(document)
    if seen or not heard:
        return None
    whole = document.get("format", {})
    tags = {key.lower(): value for one in (whole, heard[0]) for key, value in one.get("tags", {}).items()}
    return AudioFile(
        container=whole.get("format_name", ""),
        audio_stream=heard[0]["index"],
        audio_codec=heard[0]["codec_name"],
        declared_ms=_declared_ms(whole, heard[:1]),
        cover_stream=covers[0]["index"] if covers else None,
        title=tags.get("title", ""),
        artist=tags.get("artist", ""),
    )


def _streams(document: Mapping[str, Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Return what moves, what is heard, and the pictures that only lie in the file."""
    streams = document.get("streams", [])
    pictures = [s for s in streams if s.get("codec_type") == "video"]
    heard = [s for s in streams if s.get("codec_type") == "audio" and s.get("codec_name")]
    covers = [s for s in pictures if s["disposition"].get("attached_pic")]
    return [s for s in pictures if s not in covers], heard, covers


def _rotation(video: Mapping[str, Any]) -> int:
    turns = [int(side["rotation"]) for side in video.get("side_data_list", ()) if "rotation" in side]
    return turns[0] % 360 if turns else 0


def _fraction(raw: str | None, between: str) -> Fraction:
    above, _, below = (raw or "").partition(between)
    if above.isdecimal() and below.isdecimal() and int(above) and int(below):
        return Fraction(int(above), int(below))
    return Fraction(1)


def _declared_ms(whole: Mapping[str, Any], streams: list[Mapping[str, Any]]) -> int:
    told = [float(stream["duration"]) for stream in streams if "duration" in stream]
    longest = max(told) if told else float(whole.get("duration", 0.0))
    return round(longest * 1000)
