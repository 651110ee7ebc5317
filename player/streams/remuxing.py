"""Runs the ffmpeg processes that read streams. Decks may open no sockets: they ask here, over a local socket.

A deck hands over the pipe that libVLC reads. It gets what ffmpeg says, without addresses of ours and without passwords.
ffmpeg copies the video into MPEG-TS and encodes the sound, for MPEG-TS cannot carry that of many cameras. Video that
MPEG-TS cannot carry (VP9, AV1, MJPEG) goes into NUT, and video that its file turns or mirrors into MP4, in pieces.
ffmpeg ends when the deck closes the connection, or ends itself.
"""

import asyncio
import logging
import os
import re
import secrets
import shutil
import socket
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

from player.platform.child_process import kill_process
from sync.errors import MediaUnplayable
from sync.http.listener import PAUSE_S
from sync.runtime.clock import Clock
from sync.runtime.os_messages import os_reason
from sync.runtime.waiting import first_of
from sync.sandbox import restrict
from sync.wire.stream_url import scrub, shown_url

LISTENING = ("udp", "rtp")
"""Streams that ffmpeg receives itself."""

CONTAINERS = {
    "mpegts": ("-f", "mpegts"),
    "nut": ("-f", "nut"),
    "mp4": ("-f", "mp4", "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "200000"),
}
"""What a deck may ask for, and ffmpeg's options for it; the pieces of MP4 are of 0.2 s at most."""

_START_FAST = ("-analyzeduration", "1000000", "-probesize", "500000")
_SILENCE = "5000000"  # microseconds that a server may be silent
_HTTP = ("-protocol_whitelist", "http,tcp,crypto", "-rw_timeout", "20000000")
_RTSP = ("-protocol_whitelist", "rtsp,rtp,srtp,udp,tcp", "-rtsp_flags", "prefer_tcp", "-timeout", _SILENCE)
_RTMP = ("-protocol_whitelist", "rtmp,tcp", "-rw_timeout", _SILENCE)
_READING = {  # scheme: ffmpeg's options
    "http": _HTTP,
    "https": _HTTP,
    "rtsp": _RTSP,
    "rtsps": _RTSP,
    "rtmp": _RTMP,
    "rtmps": _RTMP,
    "udp": ("-protocol_whitelist", "udp", "-timeout", _SILENCE),
    "rtp": ("-protocol_whitelist", "rtp,udp"),  # it takes no timeout
}
_DEMUXERS = (  # none that names files of its own
    "hls,mpegts,mov,matroska,flv,live_flv,rtsp,rtp,mpeg,mpegvideo,h264,hevc,m4v,avi,asf,ogg,mjpeg,mpjpeg,"
    "aac,mp3,ac3,eac3,wav,webvtt,nut,gif,apng,ivf"
)
_TRACKS = ("-map", "0:V:0", "-map", "0:a:0?", "-c:v", "copy", "-c:a", "aac", "-ac", "2", "-b:a", "128k")
_QUIET = ("-hide_banner", "-nostdin", "-v", "level+info", "-nostats")
_INFO, _TURNED = b"[info] ", b"displaymatrix: "  # all that a deck is told of what ffmpeg only informs about
_PROGRESS = ("-progress", "pipe:2")  # twice a second: how many pictures up to which media time
_DIE_WITH_PLAYER = ("setpriv", "--pdeathsig", "KILL", "--no-new-privs")  # by the kernel, however the player ends
_LIMITS = ("prlimit", "--core=0", f"--as={3 * 1024**3}", "--")
_PROGRAMS = ("/usr", "/bin", "/lib", "/lib32", "/lib64")
_SETTINGS = ("/etc/ld.so.cache", "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf")
_PASSED_ON = re.compile(r"total_size=([0-9]+)")  # by ffmpeg, in bytes
_LOG_PREFIX = re.compile(r"^(\[(?!error|fatal|warning)[^\]]*\]\s*)+")
_MOST_AT_ONCE = 8  # two decks use one each, and a second one while they change the container
_MOST_TICKETS = 64  # the newest: a deck uses one at once, and again for the other container
_REQUEST_BYTES, _LINE_BYTES = 256, 4096

Open = Callable[[str], AbstractAsyncContextManager[str]]
"""Opens the way to the stream at an address, and returns what ffmpeg opens instead."""

log = logging.getLogger(__name__)


class Remuxing:
    """Serves decks; `refused` is told of a stream, by its address, why none could be run for it.

    `received` is told how many more bytes ffmpeg received itself, as far as it says so.
    """

    def __init__(
        self,
        open_way: Open,
        refused: Callable[[str, str], None],
        clock: Clock,
        received: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._open_way = open_way
        self._refused = refused
        self._received = received
        self._clock = clock
        self._address = ""
        self._tickets: OrderedDict[str, str] = OrderedDict()
        self._serving: dict[asyncio.Task[None], socket.socket] = {}

    def ticket(self, url: str) -> str:
        """Return what a deck asks with for the stream at `url`."""
        ticket = secrets.token_urlsafe(16)
        self._tickets[ticket] = url
        if len(self._tickets) > _MOST_TICKETS:
            self._tickets.popitem(last=False)
        return f"{self._address}/{ticket}"

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Serve decks until the end of the block."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as listening:
            listening.bind("")  # the kernel finds a free name, which is no file
            listening.listen()
            self._address = listening.getsockname()[1:].decode()
            accepting = asyncio.create_task(self._accept(listening))
            try:
                yield
            finally:
                accepting.cancel()
                for connection in self._serving.values():  # as if their decks had ended
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)
                await asyncio.gather(accepting, *self._serving, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = await asyncio.get_running_loop().sock_accept(listening)
            except OSError as error:
                log.warning("a deck cannot ask for its stream: %s", os_reason(error))
                await self._clock.sleep(PAUSE_S)
                continue
            if len(self._serving) >= _MOST_AT_ONCE or not _is_of_this_user(connection):
                connection.close()
                continue
            task = asyncio.create_task(self._serve(connection))
            self._serving[task] = connection
            task.add_done_callback(self._serving.pop)

    async def _serve(self, connection: socket.socket) -> None:
        """Run the ffmpeg that a deck asks for until one of the two ends."""
        with connection:
            await _readable(connection)
            try:
                request, pipes, _, _ = socket.recv_fds(connection, _REQUEST_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
            except OSError:
                return
            try:
                ticket, _, container = request.decode("ascii", "replace").partition(" ")
                url = self._tickets.get(ticket)
                if url is not None and container in CONTAINERS and pipes:
                    await self._open(url, container, pipes, connection)
            finally:
                for pipe in pipes:
                    os.close(pipe)

    async def _open(self, url: str, container: str, pipes: list[int], connection: socket.socket) -> None:
        try:
            async with self._open_way(url) as source:
                asked = command(url, source, container)
                process = await asyncio.create_subprocess_exec(
                    *asked, stdin=DEVNULL, stdout=pipes[0], stderr=PIPE, env=environment(source), limit=_LINE_BYTES
                )
                os.close(pipes.pop())
                counted = self._counting() if urlsplit(source).scheme in LISTENING else _no_count
                await _remux(process, connection, lambda line: message(counted(line), url, source))
        except OSError as error:
            self._refused(url, f"ffmpeg cannot be run: {os_reason(error)}")
        except MediaUnplayable as error:
            self._refused(url, str(error))

    def _counting(self) -> Callable[[str], str]:
        """Return what looks at each line of an ffmpeg, and counts what it says to have passed on."""
        before = 0

        def look(line: str) -> str:
            nonlocal before
            if (found := _PASSED_ON.fullmatch(line)) and int(found[1]) > before:
                self._received(int(found[1]) - before)
                before = int(found[1])
            return line

        return look


def _no_count(line: str) -> str:
    return line


async def _remux(process: Process, connection: socket.socket, worded: Callable[[str], str]) -> None:
    """Tell the deck what ffmpeg says until one of the two ends."""
    try:
        reader, writer = await asyncio.open_unix_connection(sock=connection)
        with closing(writer), suppress(ConnectionError):
            await first_of(_pass_errors(process, writer, worded), _end_of(reader))
    finally:
        kill_process(process)
        await process.communicate()  # to the end of its pipe


async def _pass_errors(process: Process, writer: asyncio.StreamWriter, worded: Callable[[str], str]) -> None:
    assert process.stderr is not None
    while True:
        try:
            line = await process.stderr.readline()
        except ValueError:  # it is too long
            continue
        if not line:
            return
        if _INFO in line and _TURNED not in line:
            continue
        writer.write(worded(line.decode(errors="replace").strip()[-1000:]).encode() + b"\n")
        await writer.drain()


async def _end_of(reader: asyncio.StreamReader) -> None:
    while await reader.read(_LINE_BYTES):
        pass


async def _readable(connection: socket.socket) -> None:
    """Wait until there is something to read: asyncio itself has no way to receive descriptors."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(connection, _set, ready)
    try:
        await ready
    finally:
        loop.remove_reader(connection)


def _set(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


def _is_of_this_user(connection: socket.socket) -> bool:
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return bool(user == os.getuid())


def command(url: str, source: str, container: str) -> tuple[str, ...]:
    """Return the command that reads the stream at `url` from `source`. It sees programs, and no other files."""
    tool = os.path.realpath(shutil.which("ffmpeg") or "ffmpeg")
    own = Path(tool).parent
    seen = (*_PROGRAMS, *_SETTINGS, str(own), str(own.parent / "lib"))
    rights = (*(word for path in seen for word in ("read", path)), "write", os.devnull, "sockets", "internet")
    read = (*_READING[urlsplit(url).scheme], "-format_whitelist", _DEMUXERS, *_START_FAST, *_named(url), "-i", source)
    remux = (tool, *_QUIET, *_PROGRESS, *read, *_TRACKS, "-flush_packets", "1", *CONTAINERS[container], "pipe:1")
    return (*_DIE_WITH_PLAYER, *_LIMITS, sys.executable, "-I", "-S", restrict.__file__, *rights, "--", *remux)


def environment(source: str) -> dict[str, str]:
    """Return ffmpeg's environment: all of its HTTP goes to the server of `source`, wherever a stream leads it."""
    plain = {"PATH": os.environ.get("PATH", os.defpath)}
    parts = urlsplit(source)
    return plain | ({"http_proxy": f"http://{parts.netloc}"} if parts.scheme == "http" else {})


def message(line: str, url: str, source: str) -> str:
    """Return what ffmpeg says without passwords of `url` and without addresses of ours."""
    shown = shown_url(url)
    server = "/".join(source.split("/", 3)[:3])
    plain = _LOG_PREFIX.sub("", line).replace(source, shown)
    return scrub(re.sub(rf"{re.escape(server)}(/[^\s'\",:]*)?", lambda _: shown, plain), url)


def _named(url: str) -> tuple[str, ...]:
    """Return how a server of RTMP is told the name it was asked for, which `source` replaces with an address."""
    parts = urlsplit(url)
    if not parts.scheme.startswith("rtmp"):
        return ()
    folders = parts.path.strip("/").split("/")
    application = "/".join(folders[:-1][:2]) or folders[0]
    return "-rtmp_tcurl", f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{application}"
