"""What libVLC reads: a file, with a read-ahead; or a stream, through a pipe from ffmpeg.

libVLC follows a stream to files, devices and other protocols; ffmpeg has a list of what it may open. It copies the
video into MPEG-TS and encodes the sound, for MPEG-TS cannot carry that of many cameras. Video that MPEG-TS cannot
carry (VP9, AV1, MJPEG) goes into NUT, of which libVLC buffers more. ffmpeg ends with the deck.
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
from sync.wire.stream_url import scrub, shown_url

CACHING_MS = 1000  # of a network stream before its first picture; it hides an uneven line
_READ_AHEAD_MS = 300  # in a file
_START_FAST = ("-analyzeduration", "1000000", "-probesize", "500000")
_SILENCE = "5000000"  # microseconds that a server may be silent
_HTTP = ("-protocol_whitelist", "http,tcp,crypto", "-rw_timeout", "20000000")
_RTSP = ("-rtsp_flags", "prefer_tcp", "-timeout", _SILENCE)
_READING = {  # scheme: ffmpeg's options
    "http": _HTTP,
    "https": _HTTP,
    "rtsp": ("-protocol_whitelist", "rtsp,rtp,udp,tcp", *_RTSP),
    "rtsps": ("-protocol_whitelist", "rtsps,rtsp,rtp,srtp,udp,tcp,tls", *_RTSP),
    "rtmp": ("-protocol_whitelist", "rtmp,tcp", "-rw_timeout", _SILENCE),
    "rtmps": ("-protocol_whitelist", "rtmps,rtmp,tcp,tls", "-rw_timeout", _SILENCE),
    "udp": ("-protocol_whitelist", "udp", "-timeout", _SILENCE),
    "rtp": ("-protocol_whitelist", "rtp,udp"),  # it takes no timeout
}
_CONTAINERS = (  # none that names files of its own
    "hls,mpegts,mov,matroska,flv,live_flv,rtsp,rtp,mpeg,mpegvideo,h264,hevc,m4v,avi,asf,ogg,mjpeg,mpjpeg,"
    "aac,mp3,ac3,eac3,wav,webvtt,nut,gif,apng,ivf"
)
_CONTAINER, _OTHER_CONTAINER = "mpegts", "nut"
_DEMUXERS = {_CONTAINER: (":demux=ts",), _OTHER_CONTAINER: (":demux=avformat", ":avformat-format=nut")}
_LOG_PREFIX = re.compile(r"^(\[[^\]]*\]\s*)+")
_DIE_WITH_DECK = ("setpriv", "--pdeathsig", "KILL", "--no-new-privs")  # by the kernel, however the deck ends
_QUIET = ("-hide_banner", "-nostdin", "-v", "level+warning", "-nostats")
_UNSUITED = b"is muxed as a private data stream"  # ffmpeg's warning of a codec that MPEG-TS does not carry
_TRACKS = ("-map", "0:V:0", "-map", "0:a:0?", "-c:v", "copy", "-c:a", "aac", "-ac", "2", "-b:a", "128k")


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


def open_source(url: str, source: str, *, other_container: bool = False) -> MediaSource:
    """Return how libVLC reads the stream at `url`, which ffmpeg, started here, opens at `source`; close its `feed`.

    Raises:
        MediaUnplayable: ffmpeg is not installed.
    """
    container = _OTHER_CONTAINER if other_container else _CONTAINER
    remuxer = StreamRemuxer(url, source, container)
    return MediaSource(remuxer.address, (f":file-caching={CACHING_MS}", *_DEMUXERS[container]), remuxer)


def read_ahead_ms(length_ms: int | None) -> int:
    """Return how far libVLC may read ahead in a file of that length, in milliseconds.

    libVLC must not have read all of a short film when it is rewound. At the end of a file libVLC 3 seems to drain its
    decoder as soon as the decoder is idle, whatever was sought since. A decoder that is drained right after the first
    frame shows grey frames up to the next key frame (docs/decisions/stage-read-ahead-by-length.md).
    """
    return _READ_AHEAD_MS if length_ms is None else max(60, min(_READ_AHEAD_MS, length_ms // 5))


class StreamRemuxer:
    """One ffmpeg that turns a stream into MPEG-TS, or into NUT, on a pipe."""

    def __init__(self, url: str, source: str, container: str = _CONTAINER) -> None:
        self.is_unsuited = False
        """Whether the container cannot carry the video."""
        self._url, self._source = url, source
        self._last_line = ""
        with ExitStack() as undo:
            self._read_end, write_end = os.pipe()
            undo.callback(os.close, self._read_end)
            try:
                self._process = _start_ffmpeg(url, source, container, write_end)
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
        """The last message of ffmpeg, without passwords from the address; every address of the gateway is left out."""
        shown = shown_url(self._url)
        server = "/".join(self._source.split("/", 3)[:3])
        text = self._last_line.replace(self._source, shown)
        return scrub(re.sub(rf"{re.escape(server)}(/[^\s'\",:]*)?", lambda _: shown, text), self._url)

    def close(self) -> None:
        """End ffmpeg and close the pipe."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        os.close(self._read_end)

    def _read_errors(self, errors: IO[bytes]) -> None:
        with errors:
            for line in errors:
                self.is_unsuited |= _UNSUITED in line
                if b"[error]" in line or b"[fatal]" in line:
                    self._last_line = _LOG_PREFIX.sub("", line.decode(errors="replace").strip()[-1000:])


def _start_ffmpeg(url: str, source: str, container: str, write_end: int) -> "subprocess.Popen[bytes]":
    if shutil.which("ffmpeg") is None:
        raise MediaUnplayable("network streams need ffmpeg: install it on this device (apt install ffmpeg)")
    read = (*_READING[urlsplit(url).scheme], "-format_whitelist", _CONTAINERS, *_START_FAST, *_named(url), "-i", source)
    command = (*_DIE_WITH_DECK, "ffmpeg", *_QUIET, *read, *_TRACKS, "-flush_packets", "1", "-f", container, "pipe:1")
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=write_end, stderr=subprocess.PIPE, close_fds=True,
        env=_environment(source),
    )  # fmt: skip


def _environment(source: str) -> dict[str, str]:
    """Return ffmpeg's environment: all of its HTTP goes to the server of `source`, wherever a stream leads it."""
    environment = {"PATH": os.environ.get("PATH", os.defpath)}
    parts = urlsplit(source)
    return environment | ({"http_proxy": f"http://{parts.netloc}"} if parts.scheme == "http" else {})


def _named(url: str) -> tuple[str, ...]:
    """Return how a server of RTMP is told the name it was asked for, which `source` replaces with an address."""
    parts = urlsplit(url)
    if not parts.scheme.startswith("rtmp"):
        return ()
    folders = parts.path.strip("/").split("/")
    application = "/".join(folders[:-1][:2]) or folders[0]
    asked = ("-rtmp_tcurl", f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{application}")
    return (*asked, "-verifyhost", parts.hostname or "") if parts.scheme == "rtmps" else asked
