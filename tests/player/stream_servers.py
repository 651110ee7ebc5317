"""Real stream servers on this machine, one process each: HTTP, HLS, RTMP, UDP, RTSP."""

import functools
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RTSP = """
import sys, time, vlc
instance = vlc.Instance("--quiet", "--no-lua", "--aout=adummy")
media = instance.media_new_path(sys.argv[1])
media.add_option(f":sout=#rtp{{sdp=rtsp://127.0.0.1:{sys.argv[2]}/live}}")
media.add_option(":input-repeat=1000")
media.add_option(":sout-keep")
player = instance.media_player_new()
player.set_media(media)
player.play()
time.sleep(60)
"""


def free_port() -> int:
    with socket.socket() as unbound:
        unbound.bind(("127.0.0.1", 0))
        port: int = unbound.getsockname()[1]
        return port


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def http_server(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_QuietHandler, directory=folder))
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def stream_server(film: Path, kind: str, port: int = 0) -> Iterator[str]:
    """Send a film in a loop, in real time, as RTMP, UDP, RTSP or endless HTTP; yield its address."""
    port = port or free_port()
    address = {
        "http": f"http://127.0.0.1:{port}/live.ts",
        "rtmp": f"rtmp://127.0.0.1:{port}/live/one",
        "udp": f"udp://127.0.0.1:{port}",
        "rtsp": f"rtsp://127.0.0.1:{port}/live",
    }[kind]
    if kind == "rtsp":
        command = [sys.executable, "-c", RTSP, str(film), str(port)]
    else:
        container = ["-f", "flv"] if kind == "rtmp" else ["-f", "mpegts"]
        listen = [] if kind == "udp" else ["-listen", "1"]
        source = ["-v", "quiet", "-re", "-stream_loop", "-1", "-i", str(film), "-c", "copy"]
        command = ["ffmpeg", "-nostdin", *source, *container, *listen, address]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if kind != "udp":
            _await_port(server, port)
        yield address
    finally:
        server.kill()
        server.wait()


def _await_port(server: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until the port is open, without connecting: some servers accept one client only."""
    local_addresses = f"0100007F:{port:04X}", f"00000000:{port:04X}"
    while server.poll() is None:
        with suppress(OSError):
            rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            if any(row[1] in local_addresses and row[3] == "0A" for row in rows):
                return
        threading.Event().wait(0.02)
    raise AssertionError(f"the server ended with {server.returncode}")
