"""Makes a video of a file that is only heard, so that screens need no second way: its cover, or a card with its title.

The few pictures a second divide the sound's length exactly: video and sound of the asset end together.
"""

import asyncio
import logging
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from sync.origin.settings.model import PipelineSettings
from sync.origin.transcode.picture_jobs import make_card, make_picture
from sync.origin.transcode.probe import SAFE_INPUT, AudioFile, BadMedia, packet_duration_ms
from sync.origin.transcode.sandbox import THREADS, Limits, ToolResult, run_tool
from sync.origin.transcode.video import MIN_DURATION_MS, NO_METADATA, MadeMedia, Progress, even_pixels
from sync.wire.release import MediaKind

FRAME_RATE = 5  # pictures a second, about: what libVLC needs to show the first soon
_LARGEST = (1920, 1080)  # more shows nothing more of a cover, and costs every screen
_HEADERLESS = frozenset({"mp3", "aac"})  # what these declare is a guess from their bit rate
_QUIET = ("ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y")
_TELLING = ("-progress", "pipe:1", "-stats_period", "0.3", "-nostats")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AudioJob:
    """One sound file at work: where it lies, the folder for what becomes of it, and what may be used."""

    sound: AudioFile
    source: Path
    folder: Path
    limits: Limits

    @property
    def input(self) -> tuple[str, ...]:
        """The arguments that have ffmpeg open it."""
        return (*SAFE_INPUT, "-i", f"file:{self.source}")


async def make_video_from_audio(job: AudioJob, name: str, settings: PipelineSettings, progress: Progress) -> MadeMedia:
    """Turn a sound file that people call `name` into a video asset with a small picture.

    Raises:
        BadMedia: nothing in it can be heard, or it is not all there.
        ChildStopped, StorageFull: trying again may help.
    """
    duration_ms = await _length_ms(job)
    _check_length(job.sound, duration_ms)
    still = await _still(job, name, settings)
    scale = min(Fraction(1), Fraction(_LARGEST[0], still.width), Fraction(_LARGEST[1], still.height))
    size = even_pixels(still.width * scale), even_pixels(still.height * scale)
    path = job.folder / "asset"
    done = await _encode(job, still, path, size, duration_ms, progress)
    if done.code != 0:
        log.warning("media=%s ffmpeg failed: %s", job.source.name, done.errors.strip()[-300:])
        raise BadMedia("This sound file is damaged: it cannot be played to its end.")
    return MadeMedia(path, still.thumbnail, MediaKind.VIDEO, "video/mp4", *size, duration_ms, has_audio=True)


async def _length_ms(job: AudioJob) -> int:
    """Return how long the sound is: packets count what encoders pad, decoders may not leave out all of it."""
    decoded_us = 0

    async def note(line: str) -> None:
        nonlocal decoded_us
        key, _, value = line.partition("=")
        decoded_us = int(value) if key == "out_time_us" and value.isdecimal() else decoded_us

    chosen = ("-map", f"0:{job.sound.audio_stream}", "-f", "null", "-")
    await run_tool((*_QUIET, *_TELLING, *job.input, *chosen), job.limits, on_line=note)
    decoded_ms = round(decoded_us / 1000)
    counted_ms = await packet_duration_ms(job.source, job.limits, streams=str(job.sound.audio_stream))
    return min(decoded_ms, counted_ms) if counted_ms else decoded_ms


def _check_length(sound: AudioFile, duration_ms: int) -> None:
    if duration_ms == 0:
        raise BadMedia("This sound file is damaged: nothing in it can be heard.")
    if duration_ms < MIN_DURATION_MS:
        raise BadMedia("This sound file is too short to be played.")
    if sound.container not in _HEADERLESS and duration_ms < sound.declared_ms * 0.9 - 500:
        have, whole = duration_ms / 1000, sound.declared_ms / 1000
        raise BadMedia(f"This sound is incomplete: {have:.0f} of its {whole:.0f} seconds are there. Send it again.")


async def _still(job: AudioJob, name: str, settings: PipelineSettings) -> MadeMedia:
    """Make the picture that stands while it is heard."""
    if job.sound.cover_stream is not None:
        cover = job.folder / "cover"
        chosen = (
            "-map",
            f"0:{job.sound.cover_stream}",
            "-frames:v",
            "1",
            "-c",
            "copy",
            "-f",
            "image2pipe",
            f"file:{cover}",
        )
        await run_tool((*_QUIET, *job.input, *chosen), job.limits)
        try:
            made = await make_picture(cover, await _subfolder(job, "covered"), job.limits, settings)
            if made.kind is MediaKind.PICTURE:
                return made
        except BadMedia as error:
            log.info("media=%s its cover is not used: %s", job.source.name, error)
    title = job.sound.title.strip() or Path(name).stem
    return await make_card(title, job.sound.artist, await _subfolder(job, "card"), job.limits)


async def _subfolder(job: AudioJob, name: str) -> Path:
    folder = job.folder / name
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    return folder


async def _encode(
    job: AudioJob, still: MadeMedia, target: Path, size: tuple[int, int], duration_ms: int, progress: Progress
) -> ToolResult:
    async def note(line: str) -> None:
        key, _, value = line.partition("=")
        if key == "out_time_us" and value.isdecimal():
            await progress(min(95, int(value) // 10 // duration_ms))

    count = max(1, round(duration_ms * FRAME_RATE / 1000))
    demuxer = "png_pipe" if still.media_type == "image/png" else "jpeg_pipe"  # the name tells ffmpeg nothing
    picture = ("-f", demuxer, "-framerate", f"{count * 1000}/{duration_ms}", "-i", f"file:{still.path}")
    inputs = (*picture, *job.input, "-map", "0:v", "-map", f"1:{job.sound.audio_stream}")
    filters = f"scale={size[0]}:{size[1]},setsar=1,format=yuv420p,loop={count - 1}:1:0"
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-tune", "stillimage", "-crf", "20", "-threads", str(THREADS))
    copied = job.sound.audio_codec == "aac"  # what encoders of other kinds pad stays in a copy
    heard = ("-c:a", "copy") if copied else ("-c:a", "aac", "-b:a", "192k", "-ac", "2", "-flags:a", "+bitexact")
    closing = (
        "-t",
        f"{duration_ms / 1000:.3f}",
        *NO_METADATA,
        "-movflags",
        "+faststart",
        "-f",
        "mp4",
        f"file:{target}",
    )
    return await run_tool(
        (*_QUIET, *_TELLING, *inputs, "-vf", filters, *codec, *heard, *closing), job.limits, on_line=note
    )
