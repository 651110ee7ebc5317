"""What the transcoding of one file gets, and the media it makes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sync.origin.settings.model import PipelineSettings
from sync.origin.transcode.probe import SAFE_INPUT
from sync.origin.transcode.sandbox import Limits
from sync.wire.release import MediaKind

THUMBNAIL_EDGE = 480
MIN_DURATION_MS = 200
QUIET = ("ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y")
REPORT_PROGRESS = ("-progress", "pipe:1", "-stats_period", "0.3", "-nostats")
NO_METADATA = ("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact")


@dataclass(frozen=True, slots=True)
class TranscodeJob:
    """One file to transcode: `name` is what people call it, `folder` is for the results.

    `progress` is called with the percentage of the work that is done.
    """

    source: Path
    name: str
    folder: Path
    limits: Limits
    settings: PipelineSettings
    progress: Callable[[int], Awaitable[None]]

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
