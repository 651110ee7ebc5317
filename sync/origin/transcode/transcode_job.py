"""What the transcoding of one file gets, and the media it makes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sync.origin.limits.transcoding_budget import QUICK_S, Limits, Work, header_limits, limits_for, refusal
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
    `progress` is called with the percentage of the work that is done. `tools` run what is our own. `quick`: only short
    work is to be done.
    """

    source: Path
    name: str
    folder: Path
    limits: Limits
    settings: PipelineSettings
    progress: Callable[[int], Awaitable[None]]
    tools: ForkedTools
    quick: bool = False

    def for_headers(self) -> Limits:
        """Return what a child process may use that only reads the headers of the source."""
        return header_limits(self.source.stat().st_size, self.limits)

    def for_work(self, work: Work) -> "TranscodeJob":
        """Return this job with the limits for its work, which its headers tell; decode nothing before this.

        Raises:
            BadMedia: the work is more than is ever done.
            LargeMedia: the work takes longer than this job may.
        """
        if problem := refusal(work, self.settings.largest_pixels, self.limits.seconds):
            raise BadMedia(problem)
        if self.quick and work.expected_s > QUICK_S:
            raise LargeMedia
        return replace(self, limits=limits_for(work, self.limits))

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
