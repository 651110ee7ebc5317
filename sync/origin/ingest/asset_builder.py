"""Makes the asset of one sent file of any kind, and stores it in the content tree."""

import asyncio
import hashlib
import logging
import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sync.origin.ingest.chunker import divide, divide_evenly
from sync.origin.limits.transcoding_budget import Work, WorkKind, film_frames
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.transcode.audio import FRAME_RATE, LARGEST_SIZE, make_video_from_audio
from sync.origin.transcode.film.colour import colours_of
from sync.origin.transcode.film.facts import AudioFile, VideoFile
from sync.origin.transcode.film.interlacing import most_shown_rate
from sync.origin.transcode.film.recipe import choose_recipe
from sync.origin.transcode.loudness import measure_lufs
from sync.origin.transcode.picture_jobs import film_of_jpegs, make_picture
from sync.origin.transcode.probe import HEAD_BYTES, BadMedia, FileKind, probe, recognise_kind
from sync.origin.transcode.sandbox import ChildStopped
from sync.origin.transcode.transcode_job import MadeMedia, TranscodeJob
from sync.origin.transcode.video import make_video
from sync.wire.chunk_index import Index, dump_index
from sync.wire.content_paths import asset_path, index_path
from sync.wire.release import Asset

_USUAL_SOUND_BYTES_S = 16_000  # of a sound whose length is not declared
_HEVC_SEQUENCES = (b"hevc", b"hevx", b"msf1")  # brands of HEIF whose tracks no library of pictures plays
_AVIF_SEQUENCE = b"avis"

log = logging.getLogger(__name__)


async def build_asset(job: TranscodeJob) -> MadeMedia:
    """Make the media of one file in the folder of its job, and measure its loudness.

    Raises:
        BadMedia: the file cannot be shown; another attempt would end the same way.
        LargeMedia: the work takes longer than this job may.
        ChildStopped: a limit was hit.
        StorageFull: no room.
        StorageBroken: the tools cannot be run.
    """
    made = await _transcode(job)
    _check_files(made)
    return replace(made, loudness_lufs=await measure_lufs(made.path, job.limits)) if made.has_audio else made


def _check_files(made: MadeMedia) -> None:
    """Refuse links: who follows one reads and publishes what the tool that made it cannot see, such as a key."""
    for path in (made.path, made.thumbnail):
        if not stat.S_ISREG((found := path.lstat()).st_mode) or found.st_nlink != 1:
            raise ChildStopped(f"a tool has made {path.name} as something else than a file of its own")


async def _transcode(job: TranscodeJob) -> MadeMedia:
    if (jpegs := await film_of_jpegs(job)) is not None:
        job = replace(job, source=jpegs)
    head = await asyncio.to_thread(_head, job.source)
    if recognise_kind(head) is FileKind.PICTURE:
        brand = head[8:12]
        if brand in (*_HEVC_SEQUENCES, _AVIF_SEQUENCE) and (film := await _sequence_as_film(job, brand)) is not None:
            return film
        return await make_picture(job)
    facts = await probe(job.source, job.for_headers())
    if isinstance(facts, AudioFile):
        async with job.at_work(_sound_work(facts, job)) as job:
            return await make_video_from_audio(facts, job)
    return await _make_film(facts, job)


async def _make_film(video: VideoFile, job: TranscodeJob) -> MadeMedia:
    async with job.at_work(_film_work(video, job)) as job:
        return await make_video(video, job)


def _film_work(video: VideoFile, job: TranscodeJob) -> Work:
    """Return the work on a film; with pixels that are not square it may be shown larger than it is stored."""
    source_bytes = job.source.stat().st_size
    seconds = video.length_s if video.jumps else max(video.declared_ms / 1000, video.length_s)
    recipe = choose_recipe(video, job.settings.longest_edge)
    kind = WorkKind.COPIED_FILM if recipe.copies_video else WorkKind.ENCODED_FILM
    shown, stored = (recipe.width, recipe.height), (video.width, video.height)
    width, height = max(shown, stored, key=lambda size: size[0] * size[1])
    rate = video.frame_rate if recipe.copies_video else most_shown_rate(video)
    frames = film_frames(width * height, seconds, float(rate), source_bytes)
    return Work(kind, width, height, frames, seconds, source_bytes)


def _sound_work(sound: AudioFile, job: TranscodeJob) -> Work:
    source_bytes = job.source.stat().st_size
    stated_s = sound.times.end_s - sound.times.start_s if sound.times.jumps else sound.declared_ms / 1000
    seconds = stated_s or source_bytes / _USUAL_SOUND_BYTES_S
    frames = max(1, round(seconds * FRAME_RATE))
    return Work(WorkKind.SOUND, *LARGEST_SIZE, frames, seconds, source_bytes)


async def _sequence_as_film(job: TranscodeJob, brand: bytes) -> MadeMedia | None:
    """Return the film of a HEIF file whose pictures move; None if the picture tool is to have it.

    That has AVIF, whose transparency ffmpeg does not know, but for HDR, which only a film gets tone-mapped.
    """
    try:
        facts = await probe(job.source, job.for_headers())
        if not isinstance(facts, VideoFile) or (brand == _AVIF_SEQUENCE and colours_of(facts).table is None):
            return None
        return await _make_film(facts, job)
    except BadMedia as error:
        log.info("media=%s is taken as a still picture: %s", job.source.name, error)
        return None


def divide_asset(made: MadeMedia) -> Index:
    """Return the chunk list of a finished file, by the rules of this origin. Blocks."""
    with made.path.open("rb") as file:
        return divide(file, made.path.stat().st_size)


def store_asset(files: DataFolder, made: MadeMedia, index: Index, listed: str | None) -> Asset:
    """Move a finished file into the content tree, then add its chunk list; return the asset.

    `listed` names the list that these bytes had before, None if they are new. They keep it, since releases name it.
    What is damaged under their names is replaced. Blocks.

    Raises:
        StorageFull: no room.
        StorageBroken: the disk refuses.
    """
    raw = dump_index(index) if listed is None else _known_list(files, made, index, listed)
    asset = Asset(
        sha256=index.asset,
        size_bytes=index.size_bytes,
        index=hashlib.sha256(raw).hexdigest(),
        kind=made.kind,
        media_type=made.media_type,
        width=made.width,
        height=made.height,
        duration_ms=made.duration_ms,
        has_audio=made.has_audio,
        loudness_lufs=made.loudness_lufs,
    )
    files.remove_damaged(asset)
    files.move_in(made.path, asset_path(asset.sha256))
    files.put(index_path(asset.index), raw)
    return asset


def _known_list(files: DataFolder, made: MadeMedia, index: Index, listed: str) -> bytes:
    """Return the list named `listed`, from its file or made again by one of our rules; else the list of `index`."""
    new = dump_index(index)
    with suppress(OSError):
        if hashlib.sha256(stored := (files.content / index_path(listed)).read_bytes()).hexdigest() == listed:
            return stored
    with made.path.open("rb") as file:
        even = dump_index(divide_evenly(file, index.size_bytes))
    return even if hashlib.sha256(even).hexdigest() == listed else new


def _head(source: Path) -> bytes:
    with source.open("rb") as file:
        return file.read(HEAD_BYTES)
