"""Makes a small H.264 film of each film, for browsers that cannot show what screens can; no device ever gets it.

It is named by the asset that it is made of, so media of the same bytes share it, and it goes with that asset
(`sync.origin.retention`). Films of earlier versions get theirs too, the newest first. One is made at a time, and only
while there is room above the reserve.
"""

import asyncio
import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sync.errors import StorageBroken, StorageFull
from sync.origin.limits.priority import priority_for
from sync.origin.limits.transcoding_budget import Limits, Work, WorkKind, film_frames, limits_for
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.media.media import FilmAsset, MediaStore
from sync.origin.transcode.sandbox import ChildStopped, run_tool
from sync.origin.transcode.transcode_job import NO_METADATA, QUIET
from sync.recurring_problem import RecurringProblem
from sync.runtime.clock import Clock
from sync.runtime.durable_files import TEMP_SUFFIX, move_durably
from sync.runtime.waiting import wait_unless
from sync.wire.content_paths import asset_path

LONGEST_EDGE = 640
MOST_FPS = 30
POLL_S = 60.0
"""How long a film is not seen that another origin has made, and how long it waits after the disk or a tool failed."""

_SCALE = (
    f"scale=w='min({LONGEST_EDGE},iw)':h='min({LONGEST_EDGE},ih)':force_original_aspect_ratio=decrease:"
    "force_divisible_by=2,setsar=1,format=yuv420p"
)
_PICTURE = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "28", "-fpsmax", str(MOST_FPS), "-threads", "2")
_SOUND = ("-c:a", "aac", "-b:a", "96k", "-ac", "2")
_FILE = ("-movflags", "+faststart", "-f", "mp4")

log = logging.getLogger(__name__)


class PreviewMaker:
    """The service. A film that cannot be made small is tried again at the next start."""

    def __init__(self, store: MediaStore, files: DataFolder, settings: OriginConfiguration, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._settings = settings
        self._clock = clock
        self._woken = asyncio.Event()
        self._failed = set[str]()
        self._problem = RecurringProblem(clock, log, "small films for browsers wait", "small films are made again")

    def wake(self) -> None:
        """Look for films now: one may have become ready."""
        self._woken.set()

    async def run(self) -> None:
        """Make what is missing, for ever."""
        while True:
            self._woken.clear()
            try:
                while await self.make_next():
                    pass
                self._problem.cleared()
            except (StorageBroken, StorageFull) as error:
                self._problem.occurred(str(error))
                await self._clock.sleep(POLL_S)
                continue
            await wait_unless(self._woken.wait(), self._clock.sleep(POLL_S))

    async def make_next(self) -> bool:
        """Make the small film of the newest film that has none; tell whether there was one.

        Raises:
            StorageFull: only the reserve is left on the disk.
            StorageBroken: the disk, the database or the tool cannot be used.
        """
        film = await asyncio.to_thread(self._first_without, await self._store.films())
        if film is None:
            return False
        try:
            await self._make(film)
        except ChildStopped as error:
            self._give_up(film, str(error))
        return True

    def _first_without(self, films: Sequence[FilmAsset]) -> FilmAsset | None:
        there = {path.stem for path in self._files.previews.glob("*.mp4")}
        content = self._files.content
        for film in films:
            missing = film.sha256 not in there and film.sha256 not in self._failed
            if missing and (content / asset_path(film.sha256)).is_file():
                return film
        return None

    async def _make(self, film: FilmAsset) -> None:
        room_bytes = self._files.free_bytes() - self._settings.storage.reserve_bytes
        if room_bytes <= 0:
            raise StorageFull("only the reserve is left on the disk")
        source, target = self._files.content / asset_path(film.sha256), self._files.preview_path(film.sha256)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=TEMP_SUFFIX)
        os.close(descriptor)
        made = Path(name)
        try:
            limits = await asyncio.to_thread(self._limits, film, source, made, room_bytes)
            result = await run_tool(_command(source, made), limits)
            if result.code:
                self._give_up(film, result.errors.strip()[-300:])
            elif source.is_file():  # or its media was removed meanwhile
                await asyncio.to_thread(move_durably, made, target)
        finally:
            made.unlink(missing_ok=True)

    def _limits(self, film: FilmAsset, source: Path, made: Path, room_bytes: int) -> Limits:
        pipeline = self._settings.pipeline
        priority = priority_for(pipeline.priority)
        most = Limits(pipeline.longest_s, pipeline.memory_bytes, room_bytes, priority, (source,), (made,))
        seconds, size_bytes = (film.duration_ms or 0) / 1000, film.size_bytes
        frames = film_frames(film.width * film.height, seconds, MOST_FPS, size_bytes)
        return limits_for(Work(WorkKind.ENCODED_FILM, film.width, film.height, frames, seconds, size_bytes), most)

    def _give_up(self, film: FilmAsset, why: str) -> None:
        self._failed.add(film.sha256)
        log.warning("asset=%s gets no small film: %s", film.sha256[:16], why)


def _command(source: Path, made: Path) -> tuple[str, ...]:
    tracks = ("-map", "0:v:0", "-map", "0:a:0?", "-vf", _SCALE)
    output = (*tracks, *_PICTURE, *_SOUND, *NO_METADATA, *_FILE, f"file:{made.absolute()}")
    return (*QUIET, "-i", f"file:{source.absolute()}", *output)
