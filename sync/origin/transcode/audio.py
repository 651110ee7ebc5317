"""Converts a sound file to a video that shows its cover, or a card with its title, so that screens play only videos.

Its few frames per second divide the length of the sound exactly: picture and sound of the asset end together.
"""

import asyncio
import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from sync.origin.transcode.film.colour import TAG_ARGUMENTS, TAG_FILTER, TO_BT709
from sync.origin.transcode.film.damage import Damage, can_mend, describe
from sync.origin.transcode.film.facts import AudioFile
from sync.origin.transcode.film.recipe import even_pixels
from sync.origin.transcode.picture_jobs import make_card, make_picture
from sync.origin.transcode.probe import BadMedia, decode_sound, packet_duration_ms, probe
from sync.origin.transcode.sandbox import THREADS, ToolResult, run_tool
from sync.origin.transcode.transcode_job import (
    MIN_DURATION_MS,
    NO_METADATA,
    QUIET,
    REPORT_PROGRESS,
    MadeMedia,
    TranscodeJob,
    out_time_us,
)
from sync.wire.release import MediaKind

FRAME_RATE = 5  # frames a second, about; with fewer libVLC shows the first one late
LARGEST_SIZE = (1920, 1080)  # more would show no more of a cover, and cost every screen
_BARE = frozenset({"mp3", "aac", "loas", "ac3", "eac3", "dts", "truehd", "mlp", "amr"})
"""Streams without a container: the declared length is a guess from the bit rate, times follow from the first packet."""
_COUNTED_RATE = 8000  # samples a second, of two bytes, by which the length of a bare stream is measured
_OTHER_RATE_SHARE = 0.01

log = logging.getLogger(__name__)


async def make_video_from_audio(sound: AudioFile, job: TranscodeJob) -> MadeMedia:
    """Convert a sound file to a video asset with a thumbnail.

    Raises:
        BadMedia: it has no sound, or it is incomplete.
        ChildStopped, StorageFull: another attempt may help.
    """
    duration_ms = await _duration_ms(sound, job)
    damage = await decode_sound(sound, job.source, job.limits)
    changes = sound.container in _BARE and not damage.spans and _changes_rate(sound, duration_ms)
    if changes and (even := await _at_one_rate(sound, job)):
        return await make_video_from_audio(*even)
    if duration_ms >= MIN_DURATION_MS and not can_mend(damage, duration_ms / 1000):
        raise BadMedia(f"This sound is damaged: {describe(damage)} cannot be decoded. Send it again.")
    _check_duration(sound, duration_ms)
    picture = await _make_still(sound, job)
    scale = min(Fraction(1), Fraction(LARGEST_SIZE[0], picture.width), Fraction(LARGEST_SIZE[1], picture.height))
    size = even_pixels(picture.width * scale), even_pixels(picture.height * scale)
    path = job.folder / "asset"
    result = await _encode(sound, job, picture, path, size, duration_ms, _audio_arguments(sound, damage))
    if result.code != 0:
        log.warning("media=%s ffmpeg failed: %s", job.source.name, result.errors.strip()[-300:])
        raise BadMedia("This sound file is damaged: it cannot be played to its end.")
    note = f"This sound is damaged: {describe(damage)} (it is silent meanwhile)." if damage.spans else None
    kind = (MediaKind.VIDEO, "video/mp4")
    return MadeMedia(path, picture.thumbnail, *kind, *size, duration_ms, has_audio=True, note=note)


def _changes_rate(sound: AudioFile, duration_ms: int) -> bool:
    """Tell whether a bare stream plays longer or shorter than the rate at its start says: others were joined to it."""
    stated_ms = 1000 * (sound.times.end_s - sound.times.start_s)
    return abs(duration_ms - stated_ms) > _OTHER_RATE_SHARE * stated_ms + MIN_DURATION_MS


async def _at_one_rate(sound: AudioFile, job: TranscodeJob) -> tuple[AudioFile, TranscodeJob] | None:
    """Write the sound anew, each part as it is heard, and return its facts; None if that fails."""
    target = job.folder / "sound"
    output = ("-map", f"0:{sound.audio_stream}", "-c:a", "flac", "-f", "flac", f"file:{target}")
    await run_tool((*QUIET, *job.input, *output), job.limits)
    found = await probe(target, job.limits)
    if not isinstance(found, AudioFile):
        return None
    return replace(found, title=sound.title, artist=sound.artist), replace(job, source=target)


async def _duration_ms(sound: AudioFile, job: TranscodeJob) -> int:
    """Return how long the sound plays: the packets include padding, and decoders may skip packets.

    Of a bare stream the decoded samples count, for its rate may change.
    """
    decoded_ms, bare = 0, sound.container in _BARE

    async def read_line(line: str) -> None:
        nonlocal decoded_ms
        key, _, value = line.partition("=")
        if bare and key == "total_size" and value.isdecimal():
            decoded_ms = round(int(value) * 1000 / (2 * _COUNTED_RATE))
        elif not bare:
            decoded_ms = round((out_time_us(line) or 1000 * decoded_ms) / 1000)

    samples = ("-ac", "1", "-ar", str(_COUNTED_RATE), "-f", "s16le", "/dev/null") if bare else ("-f", "null", "-")
    output = ("-map", f"0:{sound.audio_stream}", *samples)
    await run_tool((*QUIET, *REPORT_PROGRESS, *job.input, *output), job.limits, on_line=read_line)
    if bare:
        return decoded_ms
    packets_ms = await packet_duration_ms(job.source, job.limits, sound=sound.audio_stream)
    return min(decoded_ms, packets_ms) if packets_ms else decoded_ms


def _check_duration(sound: AudioFile, duration_ms: int) -> None:
    if duration_ms == 0:
        raise BadMedia("This sound file is damaged: nothing in it can be heard.")
    if duration_ms < MIN_DURATION_MS:
        raise BadMedia("This sound file is too short to be played.")
    states_length = sound.container not in _BARE and not sound.times.jumps
    if states_length and duration_ms < sound.declared_ms * 0.9 - 500:
        present_s, declared_s = duration_ms / 1000, sound.declared_ms / 1000
        raise BadMedia(
            f"This sound is incomplete: {present_s:.0f} of its {declared_s:.0f} seconds are there. Send it again."
        )


async def _make_still(sound: AudioFile, job: TranscodeJob) -> MadeMedia:
    """Return the picture that is shown while the sound plays."""
    if sound.cover_stream is not None:
        cover = job.folder / "cover"
        output = ("-map", f"0:{sound.cover_stream}", "-frames:v", "1", "-c", "copy", "-f", "image2pipe")
        await run_tool((*QUIET, *job.input, *output, f"file:{cover}"), job.limits)
        try:
            made = await make_picture(replace(job, source=cover, folder=await _subfolder(job, "covered")))
            if made.kind is MediaKind.PICTURE:
                return made
        except BadMedia as error:
            log.info("media=%s its cover is not used: %s", job.source.name, error)
    title = sound.title.strip() or Path(job.name).stem
    return await make_card(title, sound.artist, replace(job, folder=await _subfolder(job, "card")))


async def _subfolder(job: TranscodeJob, name: str) -> Path:
    folder = job.folder / name
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    return folder


def _audio_arguments(sound: AudioFile, damage: Damage) -> tuple[str, ...]:
    encoder = ("-c:a", "aac", "-b:a", "192k", "-ac", "2", "-flags:a", "+bitexact")
    if damage.complaints or damage.spans:
        return ("-af", "aresample=async=1:first_pts=0", *encoder)
    # other codecs may be padded, and a copy would keep the padding; a bare stream may change its channels
    return ("-c:a", "copy") if sound.audio_codec == "aac" and sound.container not in _BARE else encoder


async def _encode(
    sound: AudioFile,
    job: TranscodeJob,
    picture: MadeMedia,
    target: Path,
    size: tuple[int, int],
    duration_ms: int,
    audio: tuple[str, ...],
) -> ToolResult:
    frames = max(1, round(duration_ms * FRAME_RATE / 1000))
    demuxer = "png_pipe" if picture.media_type == "image/png" else "jpeg_pipe"  # the file has no suffix
    still = ("-f", demuxer, "-framerate", f"{frames * 1000}/{duration_ms}", "-i", f"file:{picture.path}")
    inputs = (*still, *job.input, "-map", "0:v", "-map", f"1:{sound.audio_stream}")
    filters = f"{TO_BT709}:w={size[0]}:h={size[1]},setsar=1,format=yuv420p,{TAG_FILTER},loop={frames - 1}:1:0"
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-tune", "stillimage", "-crf", "20", "-threads", str(THREADS))
    video = (*codec, *TAG_ARGUMENTS)
    length = ("-t", f"{duration_ms / 1000:.3f}")
    output = (*length, *NO_METADATA, "-movflags", "+faststart", "-f", "mp4", f"file:{target}")
    command = (*QUIET, *REPORT_PROGRESS, *inputs, "-vf", filters, *video, *audio, *output)
    return await run_tool(command, job.limits, on_line=lambda line: job.report(line, duration_ms))
