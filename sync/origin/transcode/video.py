"""Converts a video to one that every player can show: streams are copied where possible, else encoded as H.264."""

import asyncio
import logging
import struct
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from sync.origin.transcode.film.colour import why_not_shown
from sync.origin.transcode.film.damage import Damage, can_mend, describe
from sync.origin.transcode.film.facts import LIBVPX, VideoFile
from sync.origin.transcode.film.filters import SUBTITLES_FILE
from sync.origin.transcode.film.recipe import Recipe, choose_recipe, encoding_recipe, even_pixels, why_encode
from sync.origin.transcode.picture.colour import write_table
from sync.origin.transcode.picture_jobs import make_picture
from sync.origin.transcode.probe import (
    EXACT_CROP,
    SAFE_INPUT,
    BadMedia,
    decode_whole,
    look_at_codec_crop,
    look_at_colours,
    look_at_fields,
    look_at_shapes,
    packet_duration_ms,
    probe,
)
from sync.origin.transcode.sandbox import THREADS, run_tool
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

_INDEX_HEAD_BYTES = 64 * 1024  # of a film whose index comes first: the header of its first track is near the start

log = logging.getLogger(__name__)


async def make_video(video: VideoFile, job: TranscodeJob) -> MadeMedia:
    """Convert a video to an asset with a thumbnail.

    A film that is copied is decoded once as a whole before; so is one that its encoder complains about.

    Raises:
        BadMedia: it cannot be shown.
        ChildStopped, StorageFull: another attempt may help.
    """
    if video.width * video.height > job.settings.largest_pixels:
        raise BadMedia(f"This video is too large: {video.width} x {video.height} pixels.")
    if problem := why_not_shown(video):
        raise BadMedia(problem)
    video = await look_at_fields(await look_at_colours(video, job.source, job.limits), job.source, job.limits)
    if video.length_s * 1000 < MIN_DURATION_MS and video.audio_stream is None:
        return await _make_still(video, job)
    path = job.folder / "asset"
    video, recipe, duration_ms = await _make_asset(video, job, path)
    _check_duration(video, duration_ms)
    thumbnail = await _make_thumbnail(path, job, duration_ms, (recipe.width, recipe.height))
    media_type = "video/mp4" if recipe.container == "mp4" else "video/x-matroska"
    size, has_audio = (recipe.width, recipe.height), video.audio_stream is not None
    return MadeMedia(path, thumbnail, MediaKind.VIDEO, media_type, *size, duration_ms, has_audio, note=_note(video))


async def _make_still(video: VideoFile, job: TranscodeJob) -> MadeMedia:
    """Make a picture of the first one of a film that is too short to be seen: upright, in the colours of screens."""
    recipe = encoding_recipe(replace(video, subtitles=None), job.settings.longest_edge)
    first, still = ("-vf", *recipe.arguments[1:2], "-frames:v", "1", "-c:v", "png"), job.folder / "still"
    if await _run(video, job, replace(recipe, arguments=first, container="image2pipe"), still) is None:
        raise BadMedia("This video is damaged: its first picture cannot be decoded.")
    made = await make_picture(replace(job, source=still))
    several = "This video plays for less than 0.2 seconds: its first picture is shown."
    return replace(made, note=several) if video.times.packets > 1 else made


async def _make_asset(video: VideoFile, job: TranscodeJob, path: Path) -> tuple[VideoFile, Recipe, int]:
    """Copy the film if every player shows it as it is and nothing in it is damaged; else encode it.

    Return its facts, how it was made, and how long the asset plays, in milliseconds.
    """
    edge = job.settings.longest_edge
    if not list(why_encode(video, edge)):
        video = await look_at_codec_crop(video, job.source, job.folder, job.limits)
    if video.unreadable or video.losses or not list(why_encode(video, edge)):
        video = await decode_whole(video, job.source, job.limits)
    else:
        video = await look_at_shapes(video, job.source, job.limits)
    recipe = choose_recipe(video, edge)
    if recipe.copies_video and await _run(video, job, recipe, path) is not None:
        copied = await probe(path, job.limits)
        if isinstance(copied, VideoFile) and not list(why_encode(copied, edge)):
            return video, recipe, copied.plays_ms
    video, recipe = await _encode_anew(video, job, path)
    return video, recipe, await packet_duration_ms(path, job.limits)


async def _encode_anew(video: VideoFile, job: TranscodeJob, path: Path) -> tuple[VideoFile, Recipe]:
    edge = job.settings.longest_edge
    video = await _with_subtitles(video, job)
    log.info(
        "media=%s is encoded anew: %s", job.source.name, ", ".join(why_encode(video, edge)) or "its copy is uneven"
    )
    recipe = encoding_recipe(video, edge)
    if video.damage is None:
        complaints = await _run(video, job, recipe, path)
        if complaints == "":
            return video, recipe
        video = await decode_whole(video, job.source, job.limits)
        if complaints is not None and not _damages(video):
            return video, recipe
    _refuse_damaged(video)
    recipe = encoding_recipe(video, edge)
    if await _run(video, job, recipe, path) is None:
        raise BadMedia("This video is damaged: it cannot be decoded to its end.")
    return video, recipe


async def _with_subtitles(video: VideoFile, job: TranscodeJob) -> VideoFile:
    """Write the forced subtitles to a file for the filter that draws them; return the film without any if they fail."""
    if video.subtitles is None or not video.subtitles.text:
        return video
    target = job.folder / SUBTITLES_FILE
    output = ("-map", f"0:{video.subtitles.stream}", "-c:s", "ass", "-f", "ass", f"file:{target.absolute()}")
    result = await run_tool((*QUIET, *_shift(video), *job.input, *output), job.limits)
    if result.code == 0 and await asyncio.to_thread(target.exists):
        return video
    log.warning("media=%s its subtitles are not shown: %s", job.source.name, result.errors.strip()[-300:])
    return replace(video, subtitles=replace(video.subtitles, text=False))


def _shift(video: VideoFile) -> tuple[str, ...]:
    """Return the arguments before an input that let the film begin at 0."""
    return ("-itsoffset", f"{video.file_start_s - video.starts_s:.6f}")


def _damages(video: VideoFile) -> list[tuple[str, Damage]]:
    found = (("picture", video.damage), ("sound", video.sound_damage))
    return [(name, damage) for name, damage in found if damage is not None and damage.spans]


def _refuse_damaged(video: VideoFile) -> None:
    told = [
        f"its {name} {describe(damage)}" for name, damage in _damages(video) if not can_mend(damage, video.length_s)
    ]
    if told:
        raise BadMedia(f"This video is damaged: {' and '.join(told)} cannot be decoded. Send it again.")


def _note(video: VideoFile) -> str | None:
    """Return what could not be made as it was meant, for the person who sent the film."""
    stays = {"picture": "the picture before stays meanwhile", "sound": "it is silent meanwhile"}
    told = [f"its {name} {describe(damage)} ({stays[name]})" for name, damage in _damages(video)]
    if not told and video.unreadable:
        told = ["a part of its file cannot be read and is left out"]
    notes = [f"This video is damaged: {' and '.join(told)}."] if told else []
    if video.subtitles and not video.subtitles.text:
        notes.append("Its forced subtitles are not shown: export it with the subtitles burnt in.")
    return " ".join(notes) or None


async def _run(video: VideoFile, job: TranscodeJob, recipe: Recipe, path: Path) -> str | None:
    """Make the asset; return what ffmpeg complained about, None if it failed."""
    audio = () if video.audio_stream is None else ("-map", f"0:{video.audio_stream}")
    steady = ("-reinit_filter:v", "0") if video.shape_changes else ()  # else each change of shape begins a new film
    times = () if video.times.decoded_only else ("-fflags", "+genpts")  # it guesses wrong where pictures are reordered
    clear = (f"-c:{video.video_stream}", LIBVPX[video.codec]) if video.clear_beside else ()
    decoder = ("-threads", str(THREADS), "-noautorotate", *EXACT_CROP, *steady, *clear)
    opening = (*decoder, *times, *_shift(video), *job.input)
    faststart = ("-movflags", "+faststart") if recipe.container == "mp4" else ()
    encoder = (*recipe.arguments, "-threads", str(THREADS))
    output = (*encoder, *NO_METADATA, *faststart, "-f", recipe.container, f"file:{path}")
    command = (*QUIET, *REPORT_PROGRESS, *opening, "-map", f"0:{video.video_stream}", *audio, *output)
    if recipe.colour_table:
        await asyncio.to_thread(write_table, recipe.colour_table, job.folder)
    report = partial(job.report, duration_ms=round(video.length_s * 1000))
    result = await run_tool(command, job.limits, on_line=report, folder=job.folder)
    if result.code == 0 and video.orientation.filters and recipe.container == "mp4":
        await asyncio.to_thread(_forget_turn, path)
    if result.code != 0:
        log.warning("media=%s ffmpeg failed: %s", job.source.name, result.errors.strip()[-300:])
    return result.errors.strip() if result.code == 0 else None


def _forget_turn(path: Path) -> None:
    """Clear the display matrix of the film, which is upright now: ffmpeg hands it on (ISO 14496-12, 8.3.2)."""
    with path.open("r+b") as file:
        head = file.read(_INDEX_HEAD_BYTES)
        track = head.index(b"tkhd") + 4
        file.seek(track + (52 if head[track] else 40))  # times have 8 bytes in version 1
        file.write(struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))


def _check_duration(video: VideoFile, duration_ms: int) -> None:
    if duration_ms == 0:
        raise BadMedia("This video is damaged: nothing in it can be played.")
    missing = video.present_ms < video.declared_ms * 0.9 - 500 and not video.jumps
    if missing or duration_ms < video.length_s * 900 - 500:
        present_s = min(duration_ms, video.present_ms) / 1000
        declared_s = video.length_s if video.jumps else max(video.declared_ms / 1000, video.length_s)
        raise BadMedia(
            f"This video is incomplete: {present_s:.0f} of its {declared_s:.0f} seconds are there. Send it again."
        )
    if duration_ms < MIN_DURATION_MS:
        raise BadMedia("This video is too short to be seen and heard: send it as a picture, or longer.")


async def _make_thumbnail(path: Path, job: TranscodeJob, duration_ms: int, size: tuple[int, int]) -> Path:
    """Save a frame near the start, since the first ones are often black; this also proves that it can be decoded."""
    target, reduction = job.folder / "thumbnail.jpg", min(Fraction(1), Fraction(THUMBNAIL_EDGE, max(size)))
    width, height = (even_pixels(edge * reduction) for edge in size)
    scale = f"scale={width}:{height}:out_color_matrix=bt601:out_range=pc,setsar=1"  # as JPEG is
    frame = ("-frames:v", "1", "-vf", scale, "-map_metadata", "-1", "-q:v", "4")
    for at_s in (min(3.0, duration_ms / 4000), 0.0):
        opening = ("-threads", "1", "-ss", f"{at_s:.3f}", *SAFE_INPUT, "-i", f"file:{path}")
        result = await run_tool((*QUIET, *opening, *frame, "-f", "mjpeg", f"file:{target}"), job.limits)
        if result.code == 0 and target.exists() and target.stat().st_size:
            return target
    raise BadMedia("This video is damaged: no picture in it can be shown.")
