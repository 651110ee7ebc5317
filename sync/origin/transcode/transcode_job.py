"""What the transcoding of one file gets, and the media it makes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sync.origin.limits.memory_share import MemoryShare
from sync.origin.limits.transcoding_budget import (
    QUICK_ENDS_AFTER_S,
    QUICK_S,
    Limits,
    Work,
    header_limits,
    limits_for,
    memory_needed,
    refusal,
)
from sync.origin.settings.model import PipelineSettings
from sync.origin.transcode.forked_tools import ForkedTools
from sync.origin.transcode.probe import SAFE_INPUT, BadMedia
from sync.wire.release import MediaKind

THUMBNAIL_EDGE = 480
MIN_DURATION_MS = 200
QUIET = ("ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y")
REPORT_PROGRESS = ("-progress", "pipe:1", "-stats_period", "0.3", "-nostats")
NO_METADATA = ("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact")


class LargeMedia(Exception):
    """The work on this file takes too long to be done among that on small media; nothing of it was done."""


@dataclass(frozen=True, slots=True)
class TranscodeJob:
    """One file to transcode: `name` is what people call it, `folder` is for the results.

    `limits` hold for each child process: at first the most that the settings allow, then what the work needs.
    `progress` is called with the percentage of the work that is done. `tools` run what is our own. `memory` is shared
    with other jobs. If `ends` is given only short work is done, and that until then; waiting for memory does not count.
    """

    source: Path
    name: str
    folder: Path
    limits: Limits
    settings: PipelineSettings
    progress: Callable[[int], Awaitable[None]]
    tools: ForkedTools
    memory: MemoryShare | None = None
    ends: asyncio.Timeout | None = None

    def for_headers(self) -> Limits:
        """Return what a child process may use that only reads the headers of the source."""
        return header_limits(self.source.stat().st_size, self.limits)

    @asynccontextmanager
    async def at_work(self, work: Work) -> AsyncIterator["TranscodeJob"]:
        """Provide this job with the limits for its work, which its headers tell, once there is memory for it.

        Decode nothing before this. Work that is part of other work waits for no memory.

        Raises:
            BadMedia: the work is more than is ever done.
            LargeMedia: the work takes longer than this job may.
        """
        if problem := refusal(work, self.settings.largest_pixels, self.limits.seconds):
            raise BadMedia(problem)
        if self.ends and work.expected_s > QUICK_S:
            raise LargeMedia
        begun = replace(self, limits=limits_for(work, self.limits), memory=None)
        if self.memory is None:
            yield begun
            return
        self._end_after(None)
        async with self.memory.taken(memory_needed(work)):
            self._end_after(QUICK_ENDS_AFTER_S)
            yield begun

    def _end_after(self, seconds: float | None) -> None:
        if self.ends:
            self.ends.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)

    @property
    def input(self) -> tuple[str, ...]:
        """The arguments for ffmpeg to open the source."""
        return (*SAFE_INPUT, "-i", f"file:{self.source.absolute()}")

    async def report(self, line: str, duration_ms: int) -> None:
        """Report the progress that a line of ffmpeg's output states, for a result of this duration."""
        done_us = out_time_us(line)
        if done_us is not None and duration_ms:
            await self.progress(min(95, done_us // 10 // duration_ms))


@dataclass(frozen=True, slots=True)
class MadeMedia:
    """A finished media file in the work folder, with its facts and its thumbnail.

    `note` is a sentence for the person who sent it, about what could not be made as it was meant.
    """

    path: Path
    thumbnail: Path
    kind: MediaKind
    media_type: str
    width: int
    height: int
    duration_ms: int | None
    has_audio: bool
    loudness_lufs: float | None = None
    note: str | None = None


def out_time_us(line: str) -> int | None:
    """Return up to which time (µs) ffmpeg has written its output; None if the line states something else."""
    key, _, value = line.partition("=")
    return int(value) if key == "out_time_us" and value.isdecimal() else None
