"""What libVLC reads: a file, with a read-ahead; a stream at its address, or through a pipe from ffmpeg.

Debian builds libVLC without RTSP because of live555's licence. libVLC also reads 400 kB of RTMP before it shows a
picture, which takes ten seconds for a slow stream. So ffmpeg reads both. It copies the video and encodes the sound
again, because MPEG-TS cannot carry the sound of many cameras. ffmpeg ends with the deck.
"""

import os
import re
import shutil
import subprocess
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import IO, Protocol
from urllib.parse import urlsplit

from sync.errors import MediaUnplayable
from sync.wire.stream_url import scrub

CACHING_MS = 1000  # of a network stream before its first picture; it hides an uneven line
_READ_AHEAD_MS = 300  # in a file
_REMUXED = {  # scheme: ffmpeg's options; a server may be silent for 5 s (in microseconds)
    "rtsp": ("-rtsp_flags", "prefer_tcp", "-timeout", "5000000"),
    "rtsps": ("-rtsp_flags", "prefer_tcp", "-timeout", "5000000"),
    "rtmp": ("-rw_timeout", "5000000"),
    "rtmps": ("-rw_timeout", "5000000"),
}
_LISTENING = frozenset({"udp", "rtp"})
_STREAM_OPTIONS = (f":network-caching={CACHING_MS}", ":ipv4-timeout=5000")
_PIPE_OPTIONS = (f":file-caching={CACHING_MS}", ":demux=ts")
_LOG_PREFIX = re.compile(r"^(\[[^\]]*\]\s*)+")
_DIE_WITH_DECK = ("setpriv", "--pdeathsig", "KILL", "--no-new-privs")  # by the kernel, however the deck ends
_QUIET = ("-hide_banner", "-nostdin", "-v", "error", "-nostats")
_START_FAST = ("-analyzeduration", "1000000", "-probesize", "500000", "-fflags", "nobuffer")
_TRACKS = ("-map", "0:v:0", "-map", "0:a:0?", "-c:v", "copy", "-c:a", "aac", "-ac", "2", "-b:a", "128k")
_TO_PIPE = ("-flush_packets", "1", "-f", "mpegts", "pipe:1")


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


def open_source(url: str) -> MediaSource:
    """Return how libVLC reads a stream, with ffmpeg started where it is needed; close its `feed` afterwards.

    Raises:
        MediaUnplayable: ffmpeg is needed and not installed.
    """
    parts = urlsplit(url)
    if parts.scheme in _REMUXED:
        remuxer = StreamRemuxer(url)
        return MediaSource(remuxer.address, _PIPE_OPTIONS, remuxer)
    if parts.scheme in _LISTENING and "@" not in parts.netloc:
        url = url.replace("://", "://@", 1)  # otherwise libVLC listens elsewhere, for packets from this host
    return MediaSource(url, _STREAM_OPTIONS)


def read_ahead_ms(length_ms: int | None) -> int:
    """Return how far libVLC may read ahead in a file of that length, in milliseconds.

    libVLC must not have read all of a short film when it is rewound. At the end of a file libVLC 3 seems to drain its
    decoder as soon as the decoder is idle, whatever was sought since. A decoder that is drained right after the first
    frame shows grey frames up to the next key frame (docs/decisions/stage-read-ahead-by-length.md).
    """
    return _READ_AHEAD_MS if length_ms is None else max(60, min(_READ_AHEAD_MS, length_ms // 5))


class StreamRemuxer:
    """One ffmpeg that turns a stream into MPEG-TS on a pipe."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._last_line = ""
        with ExitStack() as undo:
            self._read_end, write_end = os.pipe()
            undo.callback(os.close, self._read_end)
            try:
                self._process = _start_ffmpeg(url, write_end)
            finally:
                os.close(write_end)
            undo.pop_all()  # from here on `close` does it
        assert self._process.stderr is not None
        threading.Thread(target=self._read_errors, args=(self._process.stderr,), name="remux", daemon=True).start()

    @property
    def address(self) -> str:
        """What libVLC opens to read it."""
        return f"fd://{self._read_end}"

    @property
    def last_error(self) -> str:
        """The last message of ffmpeg, without passwords from the address."""
        return scrub(_LOG_PREFIX.sub("", self._last_line), self._url)

    def close(self) -> None:
        """End ffmpeg and close the pipe."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        os.close(self._read_end)

    def _read_errors(self, errors: IO[bytes]) -> None:
        for line in errors:
            self._last_line = line.decode(errors="replace").strip()[-300:] or self._last_line


def _start_ffmpeg(url: str, write_end: int) -> "subprocess.Popen[bytes]":
    if shutil.which("ffmpeg") is None:
        raise MediaUnplayable("RTSP and RTMP need ffmpeg: install it on this device (apt install ffmpeg)")
    read = (*_REMUXED[urlsplit(url).scheme], *_START_FAST, "-i", url)
    command = (*_DIE_WITH_DECK, "ffmpeg", *_QUIET, *read, *_TRACKS, *_TO_PIPE)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=write_end, stderr=subprocess.PIPE, close_fds=True)
