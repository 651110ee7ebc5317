"""Where libVLC reads: how far ahead in a file; a stream at its address, or from a pipe that ffmpeg fills.

Debian builds libVLC without RTSP (live555's licence), and it wants 400 kB of RTMP before its first picture, which a
slow stream takes ten seconds for. ffmpeg copies the video and, since a camera's sound is often of a kind MPEG-TS does
not take, encodes the sound anew. It dies with the deck.
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

CACHING_MS = 1000  # of a network stream, before its first picture: what hides an uneven line
_AHEAD_MS = 300  # in a file
_REMUXED = {  # scheme to ffmpeg's options: how long a server may say nothing, in microseconds
    "rtsp": ("-rtsp_flags", "prefer_tcp", "-timeout", "5000000"),
    "rtsps": ("-rtsp_flags", "prefer_tcp", "-timeout", "5000000"),
    "rtmp": ("-rw_timeout", "5000000"),
    "rtmps": ("-rw_timeout", "5000000"),
}
_LISTENING = frozenset({"udp", "rtp"})
_OPTIONS = (f":network-caching={CACHING_MS}", ":ipv4-timeout=5000")
_PIPE_OPTIONS = (f":file-caching={CACHING_MS}", ":demux=ts")
_PREFIX = re.compile(r"^(\[[^\]]*\]\s*)+")


@dataclass(frozen=True, slots=True)
class MediaSource:
    """What libVLC opens, and how; `feed` is what stands behind the address, to be closed afterwards."""

    address: str
    options: tuple[str, ...]
    feed: "Feed | None" = None


class Feed(Protocol):
    """What has to be kept while libVLC reads."""

    @property
    def words(self) -> str:
        """The last thing it said; empty if it has nothing to say."""

    def close(self) -> None:
        """End it."""


def open_source(url: str) -> MediaSource:
    """Return where to read a stream, with ffmpeg at work if it takes one; close its `feed` afterwards.

    Raises:
        MediaUnplayable: ffmpeg is needed and not installed.
    """
    parts = urlsplit(url)
    if parts.scheme in _REMUXED:
        remux = StreamRemuxer(url)
        return MediaSource(remux.address, _PIPE_OPTIONS, remux)
    if parts.scheme in _LISTENING and "@" not in parts.netloc:
        url = url.replace("://", "://@", 1)  # libVLC would take the host for the sender, and listen elsewhere
    return MediaSource(url, _OPTIONS)


def ahead_ms(length_ms: int | None) -> int:
    """Return how far libVLC may read ahead in a file of that length, in milliseconds.

    libVLC must not have read all of a short film when it is rewound. At the end of a file libVLC 3 seems to drain its
    decoder as soon as the decoder is idle, whatever was sought since. A decoder that is drained right after the first
    frame shows grey frames up to the next key frame (docs/decisions/stage-read-ahead-by-length.md).
    """
    return _AHEAD_MS if length_ms is None else max(60, min(_AHEAD_MS, length_ms // 5))


class StreamRemuxer:
    """One ffmpeg that turns a stream into MPEG-TS on a pipe."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._last = ""
        with ExitStack() as undo:
            self._read, write = os.pipe()
            undo.callback(os.close, self._read)
            try:
                self._process = _start(url, write)
            finally:
                os.close(write)
            undo.pop_all()  # from here on `close` does it
        assert self._process.stderr is not None
        threading.Thread(target=self._listen, args=(self._process.stderr,), name="remux", daemon=True).start()

    @property
    def address(self) -> str:
        """What libVLC opens to read it."""
        return f"fd://{self._read}"

    @property
    def words(self) -> str:
        """The last thing ffmpeg said, without what must not be seen of the address."""
        return scrub(_PREFIX.sub("", self._last), self._url)

    def close(self) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        os.close(self._read)

    def _listen(self, errors: IO[bytes]) -> None:
        for line in errors:
            self._last = line.decode(errors="replace").strip()[-300:] or self._last


def _start(url: str, write: int) -> "subprocess.Popen[bytes]":
    if shutil.which("ffmpeg") is None:
        raise MediaUnplayable("RTSP and RTMP need ffmpeg: install it on this device (apt install ffmpeg)")
    quiet = ("-hide_banner", "-nostdin", "-v", "error", "-nostats")
    soon = ("-analyzeduration", "1000000", "-probesize", "500000", "-fflags", "nobuffer")
    chosen = ("-map", "0:v:0", "-map", "0:a:0?", "-c:v", "copy", "-c:a", "aac", "-ac", "2", "-b:a", "128k")
    command = (
        "ffmpeg",
        *quiet,
        *_REMUXED[urlsplit(url).scheme],
        *soon,
        "-i",
        url,
        *chosen,
        "-flush_packets",
        "1",
        "-f",
        "mpegts",
        "pipe:1",
    )
    guard = ("setpriv", "--pdeathsig", "KILL", "--no-new-privs")  # the kernel ends it with the deck, however that dies
    return subprocess.Popen(
        (*guard, *command), stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.PIPE, close_fds=True
    )
