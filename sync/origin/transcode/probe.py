"""Finds out what a sent file is, from its bytes and never from its name."""

import asyncio
import json
import re
from array import array
from bisect import bisect_left
from collections import defaultdict
from dataclasses import replace
from enum import StrEnum
from math import isnan
from pathlib import Path
from typing import Any

from sync.errors import Rejected
from sync.origin.limits.transcoding_budget import MOST_PACKETS, MOST_TRACKS
from sync.origin.transcode.film.colour import may_be_hdr, with_picture_told
from sync.origin.transcode.film.containers import HiddenFacts, hidden_facts
from sync.origin.transcode.film.damage import (
    Damage,
    DecodedTrack,
    find_damage,
    missing_in_file,
    read_complaint,
    read_frame,
)
from sync.origin.transcode.film.facts import AudioFile, VideoFile, audio_facts, video_facts
from sync.origin.transcode.film.interlacing import LOOK_FILTERS, LOOK_S, FieldsSeen, should_look, with_fields_seen
from sync.origin.transcode.film.track_timing import (
    TrackPackets,
    Tracks,
    TrackTimes,
    measure_tracks,
    played_ms,
    read_packet,
)
from sync.origin.transcode.film.tracks import is_encrypted, tracks_of
from sync.origin.transcode.picture.jpeg import JPEG_START
from sync.origin.transcode.sandbox import THREADS, Limits, run_tool

HEAD_BYTES = 4096
_BARE_PICTURES = ("mpegvideo", "m4v", "h264", "hevc", "vc1", "cavsvideo")  # without a container
# What ffmpeg may open, by its content: no format that refers to other files or hosts, no script, nothing raw.
CONTAINERS = ",".join(
    (
        "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf,gxf,nut,nsv,rm,wtv,dv,dhav,ivf,obu,yuv4mpegpipe,smjpeg",
        *_BARE_PICTURES,
        "mp3,wav,w64,flac,aac,loas,ac3,eac3,dts,dtshd,truehd,mlp,aiff,au,caf,amr,ape,wv,tta,tak,mpc,mpc8,voc,dsf",
    )
)
EXACT_CROP = ("-flags", "+unaligned")  # of decoders: else they show some columns that a codec crops at the left
SAFE_INPUT = ("-protocol_whitelist", "file", "-format_whitelist", CONTAINERS)

_FIELDS_SEEN = re.compile(r"Multi frame detection: TFF: *(\d+) BFF: *(\d+) Progressive: *(\d+)")  # of ffmpeg's idet
_COMBED_SEEN = re.compile(r"^frame=(\d+)$", re.MULTILINE)  # of ffmpeg's progress
_PICTURES = (JPEG_START, b"\x89PNG\r\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
_OTHER_KINDS = (
    (b"%PDF", "a PDF document: save its pages as pictures"),
    (b"PK\x03\x04", "an archive or an office document: save its pages as pictures"),
    (b"\xd0\xcf\x11\xe0", "an office document: save its pages as pictures"),
    (b"<svg", "a drawing (SVG): save it as PNG"),
    (b"<?xml", "a drawing or a data file: save it as PNG"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"\xff\x0a", "a JPEG XL picture: save it as JPEG or PNG"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture: save it as JPEG or PNG"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture: save it as JPEG or PNG"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture: save it as JPEG or PNG"),
    (b"\0\0\1\0", "an icon: save it as PNG"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture: save it as JPEG or PNG"),
    (b"DDS ", "a texture of a game: save it as PNG"),
    (b"\x01\xda\0", "a picture of an old kind (SGI): save it as PNG"),
    (b"\x01\xda\x01", "a picture of an old kind (SGI): save it as PNG"),
    (b"\x0a\x05\x01", "a picture of an old kind (PCX): save it as PNG"),
    *((b"P%d\n" % number, "a picture of a rare kind (Netpbm): save it as PNG") for number in range(1, 8)),
    (b"qoif", "a QOI picture: save it as PNG"),
    (b"%!PS", "a PostScript document: save it as a picture"),
    (b"8BPS", "a Photoshop document: save it as PNG or JPEG"),
    (b"\x1f\x8b", "an archive: unpack it first"),
    (b"7z\xbc\xaf", "an archive: unpack it first"),
    (b"Rar!", "an archive: unpack it first"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"#EXTM3U", "a list of files, not the files themselves"),
)
_MOST_MISSING = 0.1
_CHANGE_AT_KEYS = frozenset(
    {"h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vp8", "vc1"}
)  # their shape, if at all
_CHANGE_ANYWHERE = frozenset({"vp9", "av1"})
_MAY_CROP = frozenset({"h264", "hevc"})  # at the left or top
_START_S = 0.1
_MOST_LOGGED = 300_000  # packets of MP4: with the log ffprobe keeps a line of 350 bytes for each before it begins
_DECODE_PIPED = (  # so these are told one by one, in another container: the path, the track, and ffprobe's arguments
    f'ffmpeg -v quiet -nostdin -copyts {" ".join(SAFE_INPUT)} -i "file:$0" -map "0:$1" -c copy '
    '-avoid_negative_ts disabled -f matroska pipe:1 | (shift; exec "$@" -protocol_whitelist pipe -i pipe:0)'
)
_ENCRYPTED = "This file is encrypted (DRM): no screen has its key. Export it without copy protection."
_TAGS, _TAG_BYTES, _LONGEST_TAG_S = (b"ID3", b"TAG", b"APETAGEX"), 128, 0.1  # of MP3; the last tags of a file are short
_ROUNDING_S = 0.001
_NO_TABLE = ("moov atom not found", "error reading header")  # by ffmpeg, of MP4
_CHANGES = (
    "This video has other tracks or codecs after {:.0%} of its file, as when two films are joined: players do not go "
    "on there. Send its parts as files of their own, or convert it as a whole."
)


class BadMedia(Rejected):
    """The file itself cannot be shown; the message is for the person who sent it."""


class FileKind(StrEnum):
    """Which tool processes a file."""

    PICTURE = "picture"  # the picture tool, also for animations
    VIDEO = "video"  # ffmpeg, for video and sound


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
    """Return the facts of a file that is not a picture, by ffprobe: of its tracks, and of the times of their packets.

    Raises:
        BadMedia: it cannot be shown.
        ChildStopped: ffprobe hit a limit.
    """
    hidden = await asyncio.to_thread(_hidden_facts, path)
    options = ("-v", "error", "-print_format", "json", "-show_format", "-show_streams", "-show_programs")
    result = await run_tool(("ffprobe", *options, *SAFE_INPUT, f"file:{path}"), limits)
    if result.code != 0 and any(words in result.errors for words in _NO_TABLE):
        raise BadMedia("This video is incomplete: its end, with the table of contents, is missing. Send it again.")
    if result.code != 0:
        raise BadMedia("This file is not a picture or video that can be shown, or it is damaged.")
    document = _parsed(result.output)
    if is_encrypted(document):
        raise BadMedia(_ENCRYPTED)
    if document["format"]["format_name"] in _BARE_PICTURES and not await asyncio.to_thread(_begins_bare, path):
        raise BadMedia("This video is damaged: its start is missing. Send it again.")
    packets, complaints = await read_packets(path, limits)
    sounds, pictures = tracks_of(document, "audio"), tracks_of(document, "video")
    times = await asyncio.to_thread(measure_tracks, packets, sounds, pictures)
    facts = audio_facts(document, times, hidden) or video_facts(document, times, hidden, complaints)
    if facts is None:
        raise BadMedia("This file is not a picture or video that can be shown, or it is damaged.")
    return facts


def _hidden_facts(path: Path) -> HiddenFacts:
    """Return the facts; raise BadMedia for those that no screen can show."""
    with path.open("rb") as file:
        hidden = hidden_facts(file)
    if hidden.encrypted:
        raise BadMedia(_ENCRYPTED)
    if hidden.missing_share > _MOST_MISSING:
        raise BadMedia(f"This video is incomplete: {hidden.missing_share:.0%} of its file is missing. Send it again.")
    if hidden.changes_at is not None:
        raise BadMedia(_CHANGES.format(hidden.changes_at))
    return hidden


def _begins_bare(path: Path) -> bool:
    """Tell whether a file begins with a start code; else pictures were found within a film whose own start is lost."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES).lstrip(b"\0").startswith(b"\x01")


def _parsed(output: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(output)
    except ValueError as error:  # cut: it is longer than what is read of a tool
        raise BadMedia(
            "This file has more tags and tracks than are read: remove those that no screen shows."
        ) from error
    tracks = len(document.get("streams", ()))
    if tracks > MOST_TRACKS:
        raise BadMedia(f"This file has {tracks} tracks. The limit is {MOST_TRACKS}.")
    return document


async def read_packets(path: Path, limits: Limits, *, streams: str = "", positions: bool = False) -> tuple[Tracks, str]:
    """Return the packets of a file (of `streams` only, if given) as they are stored, and what ffprobe complains about.

    Nothing is decoded. With `positions` the packets say where they are in the file.
    """
    tracks: defaultdict[int, TrackPackets] = defaultdict(TrackPackets)
    count = 0

    async def read_line(line: str) -> None:
        nonlocal count
        if (packet := read_packet(line)) is not None:
            tracks[packet.track].append(packet, positions=positions)
            count += 1
        if count > MOST_PACKETS:  # they are held in memory
            raise BadMedia(f"This file is too long: it has more than {MOST_PACKETS:,} frames and pieces of sound.")

    selection = ("-select_streams", streams) if streams else ()
    entries = ("-show_entries", "packet=stream_index,pts_time,dts_time,duration_time,pos,flags")
    options = ("-v", "error", *selection, *entries, "-of", "csv=p=0")
    result = await run_tool(("ffprobe", *options, *SAFE_INPUT, f"file:{path}"), limits, on_line=read_line)
    return tracks, result.errors


async def packet_duration_ms(path: Path, limits: Limits, *, sound: int | None = None) -> int:
    """Return how long a file plays, from its packets, for its header may be wrong; of one track of sound if given."""
    packets, _ = await read_packets(path, limits, streams="" if sound is None else str(sound))
    tracks = await asyncio.to_thread(measure_tracks, packets, () if sound is None else (sound,))
    return played_ms(tracks.values()) if tracks else 0


async def decode_whole(video: VideoFile, path: Path, limits: Limits) -> VideoFile:
    """Decode the pictures and the sound of a film from start to end, and return its facts with the damage found.

    Raises:
        ChildStopped: ffprobe hit a limit.
    """
    packets, _ = await read_packets(path, limits, positions=bool(video.losses))
    pictures = await _decode(video, video.video_stream, video.times, path, limits)
    video = video.with_shapes_seen(pictures.shapes)
    damage = await asyncio.to_thread(_damage_of, video, video.times, video.video_stream, packets, pictures)
    if video.audio_stream is None or video.sound_times is None:
        return replace(video, damage=damage)
    sounds = await _decode(video, video.audio_stream, video.sound_times, path, limits)
    sound_damage = await asyncio.to_thread(_damage_of, video, video.sound_times, video.audio_stream, packets, sounds)
    return replace(video, damage=damage, sound_damage=sound_damage)


def _damage_of(
    file: VideoFile | AudioFile, times: TrackTimes, track: int, packets: Tracks, frames: DecodedTrack
) -> Damage:
    """Return the damage of a track; a sound file has nothing but its track, so that any gap in it is damage."""
    known = packets.get(track, TrackPackets()).shown()
    if times.jumps or times.counted:  # the times of the file are not those of the film
        known = TrackPackets()
    due = array("d", (due - file.starts_s for due in known.dues if not isnan(due)))
    unreadable = file.unreadable if isinstance(file, VideoFile) else True
    stretches = missing_in_file(known, track, times, file.losses, unreadable=unreadable)
    missing = [(start - file.starts_s, end - file.starts_s) for start, end in stretches]
    return find_damage(frames, due, times.frame_s, times.end_s - file.starts_s, missing)


async def decode_sound(sound: AudioFile, path: Path, limits: Limits) -> Damage:
    """Decode a sound file from start to end, and return the damage found.

    Raises:
        ChildStopped: ffprobe hit a limit.
    """
    tagged = sound.container == "mp3"
    known = bool(sound.losses) or tagged
    packets, _ = await read_packets(path, limits, streams=str(sound.audio_stream), positions=known)
    frames = await _decode(sound, sound.audio_stream, sound.times, path, limits)
    damage = await asyncio.to_thread(_damage_of, sound, sound.times, sound.audio_stream, packets, frames)
    if tagged and damage.spans:
        return await asyncio.to_thread(_without_tags, damage, packets[sound.audio_stream], sound.starts_s, path)
    return damage


def _without_tags(damage: Damage, packets: TrackPackets, starts_s: float, path: Path) -> Damage:
    """Leave out where an MP3 has a tag between its frames, as where two were joined: nothing is lost there."""
    kept = []
    with path.open("rb") as file:
        for start, end in damage.spans:
            first = bisect_left(packets.dues, start + starts_s - _ROUNDING_S)
            file.seek(max(0, packets.places[min(first, len(packets) - 1)] - _TAG_BYTES))
            around = file.read(_TAG_BYTES + 10)
            if end - start > _LONGEST_TAG_S or not any(tag in around for tag in _TAGS):
                kept.append((start, end))
    return replace(damage, spans=tuple(kept))


async def _decode(
    file: VideoFile | AudioFile,
    stream: int,
    times: TrackTimes,
    path: Path,
    limits: Limits,
    *,
    only: tuple[str, ...] = (),
) -> DecodedTrack:
    frames = DecodedTrack(file.starts_s, times.frame_s if times.counted else None)

    async def read_line(line: str) -> None:
        if (frame := read_frame(line)) is not None:
            frames.append(frame)
        elif (complaint := read_complaint(line)) is not None:
            frames.complain(complaint)

    entries = "frame=key_frame,best_effort_timestamp_time,width,height,sample_aspect_ratio:log=message"
    decoder = ("-v", "quiet", *only, *EXACT_CROP, "-threads", str(THREADS), "-show_log", "16")
    # "compact" alone joins the lines of frames with tags
    probing = ("ffprobe", *decoder, "-show_frames", "-show_entries", entries, "-of", "json=compact=1")
    command = (*probing, "-select_streams", str(stream), *SAFE_INPUT, f"file:{path}")
    if times.packets > _MOST_LOGGED and file.container.startswith("mov"):
        command = ("sh", "-c", _DECODE_PIPED, str(path), str(stream), *probing)
    await run_tool(command, limits, on_line=read_line)
    return frames


async def look_at_fields(video: VideoFile, path: Path, limits: Limits) -> VideoFile:
    """Return the film with the order of its fields as seen in some frames, where its tag may be wrong or missing.

    Raises:
        ChildStopped: ffmpeg hit a limit.
    """
    seen = [0, 0, 0, 0]
    for part in (0.1, 0.6) if should_look(video) else ():  # black and titles at the start show no fields
        spot = ("-ss", f"{video.length_s * part:.3f}", "-t", str(LOOK_S), *SAFE_INPUT, "-i", f"file:{path}")
        frames = ("-map", f"0:{video.video_stream}", "-vf", LOOK_FILTERS, "-fps_mode", "passthrough", "-f", "null", "-")
        options = ("-hide_banner", "-nostdin", "-nostats", "-progress", "pipe:1", "-threads", str(THREADS))
        result = await run_tool(("ffmpeg", *options, *spot, *frames), limits)
        orders, combed = _FIELDS_SEEN.findall(result.errors), _COMBED_SEEN.findall(result.output)
        if orders and combed:  # the last count is the whole one
            seen = [count + int(more) for count, more in zip(seen, (*orders[-1], combed[-1]), strict=True)]
    return with_fields_seen(video, FieldsSeen(*seen))


async def look_at_shapes(video: VideoFile, path: Path, limits: Limits) -> VideoFile:
    """Return the film with the shape that its pictures have for the longest time.

    Only key frames are decoded, where it can change at no other.

    Raises:
        ChildStopped: ffprobe hit a limit.
    """
    if video.codec not in _CHANGE_AT_KEYS | _CHANGE_ANYWHERE:
        return video
    all_of_it = video.codec in _CHANGE_ANYWHERE or video.times.counted
    only = () if all_of_it else ("-skip_frame", "nokey")
    return video.with_shapes_seen(
        (await _decode(video, video.video_stream, video.times, path, limits, only=only)).shapes
    )


async def look_at_codec_crop(video: VideoFile, path: Path, folder: Path, limits: Limits) -> VideoFile:
    """Return the film with whether its codec crops it at the left or top: it is larger when it is told not to.

    Raises:
        ChildStopped: a tool hit a limit.
    """
    if video.codec not in _MAY_CROP:
        return video
    start, codec = folder / "start", video.codec
    uncropped = ("-bsf:v", f"{codec}_mp4toannexb,{codec}_metadata=crop_left=0:crop_top=0")
    source = ("-t", str(_START_S), *SAFE_INPUT, "-i", f"file:{path}", "-map", f"0:{video.video_stream}")
    copy = ("ffmpeg", "-v", "quiet", "-nostdin", "-y", *source, "-c", "copy", *uncropped, "-f", codec)
    await run_tool((*copy, f"file:{start}"), limits)
    size = ("-v", "quiet", "-show_entries", "stream=width,height", "-of", "csv=p=0")
    result = await run_tool(("ffprobe", *size, *SAFE_INPUT, "-f", codec, f"file:{start}"), limits)
    cropped = result.code == 0 and result.output.strip() not in ("", f"{video.width},{video.height}")
    return replace(video, codec_crops=cropped)


async def look_at_colours(video: VideoFile, path: Path, limits: Limits) -> VideoFile:
    """Return the film with what its first picture says of its colours, where its tags leave open whether it is HDR.

    Raises:
        ChildStopped: ffprobe hit a limit.
    """
    if not may_be_hdr(video):
        return video
    first = ("-select_streams", str(video.video_stream), "-read_intervals", "%+#20", "-show_frames")
    entries = ("-show_entries", "frame=color_transfer:frame_side_data=side_data_type", "-of", "json")
    result = await run_tool(("ffprobe", "-v", "quiet", *first, *entries, *SAFE_INPUT, f"file:{path}"), limits)
    pictures = json.loads(result.output).get("frames", []) if result.code == 0 else []
    return with_picture_told(video, pictures[0]) if pictures else video
