"""What libVLC reads: a file, with a read-ahead; or a stream, through a pipe from ffmpeg.

libVLC follows a stream to files, devices and other protocols; ffmpeg has a list of what it may open. The player runs it
(`player.streams.remuxing`), for a deck may open no socket of a network. MPEG-TS is tried first: libVLC buffers less of
it than of NUT, which carries every codec, and than of MP4, which alone carries how a stream is turned.
"""

import os
import socket
import threading
from bisect import bisect_right
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from operator import itemgetter
from typing import Protocol

from sync.errors import MediaUnplayable
from sync.runtime.os_messages import os_reason

CACHING_MS = 1000  # of a network stream before its first picture; it hides an uneven line
_READ_AHEAD_MS = 300  # in a file
_DEMUXERS = {"mpegts": (":demux=ts",), "nut": (":demux=avformat", ":avformat-format=nut"), "mp4": (":demux=mp4",)}
_MOST_COUNTS = 255  # two minutes of progress: libVLC reads that far ahead at most
_BETTER = {  # container for a stream of which ffmpeg says so
    b"is muxed as a private data stream": "nut",
    b"displaymatrix: ": "mp4",
}


class Feed(Protocol):
    """What must stay open while libVLC reads: a memory file or an ffmpeg."""

    @property
    def last_error(self) -> str:
        """Its last error message; empty if there is none."""

    def close(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class MediaSource:
    """What libVLC opens, with which options; the reader closes `feed` afterwards."""

    address: str
    options: tuple[str, ...]
    feed: Feed | None = None


def open_source(source: str, container: str = "mpegts") -> MediaSource:
    """Return how libVLC reads the stream of a shot with that `source`, in a container; close its `feed`.

    Raises:
        MediaUnplayable: the player does not answer.
    """
    remuxer = StreamRemuxer(source, container)
    return MediaSource(remuxer.address, (f":file-caching={CACHING_MS}", *_DEMUXERS[container]), remuxer)


def read_ahead_ms(length_ms: int | None) -> int:
    """Return how far libVLC may read ahead in a file of that length, in milliseconds.

    libVLC must not have read all of a short film when it is rewound. At the end of a file libVLC 3 seems to drain its
    decoder as soon as the decoder is idle, whatever was sought since. A decoder that is drained right after the first
    frame shows grey frames up to the next key frame (docs/decisions/stage-read-ahead-by-length.md).
    """
    return _READ_AHEAD_MS if length_ms is None else max(60, min(_READ_AHEAD_MS, length_ms // 5))


class StreamRemuxer:
    """One ffmpeg, which the player runs, that puts a stream into a container on a pipe."""

    def __init__(self, source: str, container: str) -> None:
        self.container = container
        """The container that the stream needs: another one if this one cannot carry its video or how that is turned."""
        self.last_error = ""
        """The last message of ffmpeg."""
        self._given: tuple[tuple[float, int], ...] = ((0.0, 0),)  # media time in seconds, pictures until then
        name, _, ticket = source.partition("/")
        with ExitStack() as undo:
            self._connection = undo.enter_context(socket.socket(socket.AF_UNIX))
            self._read_end, write_end = os.pipe()
            undo.callback(os.close, self._read_end)
            try:
                self._connection.connect(f"\0{name}")
                socket.send_fds(self._connection, [f"{ticket} {container}".encode()], [write_end])
            except OSError as error:
                raise MediaUnplayable(f"the player opens no stream: {os_reason(error)}") from error
            finally:
                os.close(write_end)
            undo.pop_all()  # from here on `close` does it
        threading.Thread(target=self._read_lines, name="remux", daemon=True).start()

    @property
    def address(self) -> str:
        """What libVLC opens to read it."""
        return f"fd://{self._read_end}"

    def pictures_until(self, media_s: float) -> float:
        """Return how many pictures of the stream ffmpeg has passed on up to this media time."""
        given = self._given
        place = bisect_right(given, media_s, key=itemgetter(0))
        if place in (0, len(given)):
            return given[place and -1][1]
        (before_s, before), (after_s, after) = given[place - 1], given[place]
        return before + (after - before) * (media_s - before_s) / (after_s - before_s)

    def close(self) -> None:
        """Have ffmpeg ended, and close the pipe."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        os.close(self._read_end)

    def _read_lines(self) -> None:
        pictures, asked = 0, self.container
        with self._connection, self._connection.makefile("rb") as lines:
            for line in lines:
                if self.container == asked:
                    self.container = next((better for words, better in _BETTER.items() if words in line), asked)
                name, _, value = line.strip().partition(b"=")
                if name == b"frame" and value.isdigit():
                    pictures = int(value)
                elif name == b"out_time_us" and value.isdigit():
                    self._count(int(value) / 1e6, pictures)
                level, _, text = line.decode(errors="replace").strip().partition("] ")
                if level in ("[error", "[fatal"):
                    self.last_error = text

    def _count(self, media_s: float, pictures: int) -> None:
        if media_s > self._given[-1][0]:
            self._given = (*self._given[-_MOST_COUNTS:], (media_s, pictures))
