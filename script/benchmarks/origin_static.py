"""What a file of the content tree costs: sent by nginx, by the origin, and by nginx before the origin.

All three run at once and are asked in turn over loopback, over 32 connections that each send the next request when an
answer is whole. The generator runs on the same processors and is slower than nginx, which is faster than its requests a
second say; the processor time of the servers, kernel included, is what a request costs anywhere.
"""

import asyncio
import hashlib
import os
import selectors
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import free_port, running
from syncing_content import listening

from tests.nginx import nginx, shipped_server

_ROUNDS = 9
_ROUND_S = 1.0
_CONNECTIONS = 32
_MOST_READ_BYTES = 1024 * 1024
_SIZES = {
    "channels/main/timestamp.json": 1_000,
    "index/{}": 6_000,
    "releases/{}.json": 300_000,
    "assets/{}": 4 * 1024**2,
}
_ALONE = "keepalive_requests 1000000; sendfile on; server {{ listen 127.0.0.1:{}; location /content/ {{ root {}; }} }}"


class Server(NamedTuple):
    """Where a server listens, and the processes that work for it."""

    port: int
    processes: tuple[psutil.Process, ...]

    def cpu_s(self) -> float:
        """Return the processor time that it has used."""
        return sum(sum(process.cpu_times()[:2]) for process in self.processes)


async def measure(rounds: int = _ROUNDS) -> list[dict[str, Any]]:
    """Return a row for each kind of file."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as made:
        paths = _lay_files(Path(made) / "content")
        async with _servers(Path(made)) as servers:
            return [await asyncio.to_thread(_row, path, size, servers, rounds) for path, size in paths.items()]


def _lay_files(content: Path) -> dict[str, int]:
    laid = {}
    for name, size in _SIZES.items():
        body = os.urandom(size)
        path = name.format(hashlib.sha256(body).hexdigest())
        (content / path).parent.mkdir(parents=True)
        (content / path).write_bytes(body)
        laid[path] = size
    return laid


@asynccontextmanager
async def _servers(folder: Path) -> AsyncIterator[dict[str, Server]]:
    ports = [free_port(0) for _ in range(3)]
    environment = {
        "SIGNAGE_ORIGIN__STORAGE__DATA_DIR": str(folder),
        "SIGNAGE_ORIGIN__SERVER__PORT": str(ports[0]),
        "SIGNAGE_ORIGIN__SERVER__X_ACCEL_REDIRECT": "/origin-content/",
    }
    command = (sys.executable, "-m", "sync.origin.app.start", "serve")
    alone, before = folder / "alone", folder / "before"
    alone.mkdir()
    before.mkdir()
    shipped = f"keepalive_requests 1000000; {shipped_server(folder, ports[2], f'http://127.0.0.1:{ports[0]}')}"
    async with running(command, folder / "origin.log", environment) as process:
        await listening(ports[0])
        with nginx(alone, _ALONE.format(ports[1], folder), ports[1]), nginx(before, shipped, ports[2]):
            origin = psutil.Process(process.pid)
            yield {
                "origin": Server(ports[0], (origin,)),
                "nginx": Server(ports[1], (_process(alone),)),
                "both": Server(ports[2], (_process(before), origin)),
            }


def _process(folder: Path) -> psutil.Process:
    return psutil.Process(int((folder / "nginx.pid").read_text()))


def _row(path: str, size: int, servers: dict[str, Server], rounds: int) -> dict[str, Any]:
    told: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
    for _ in range(rounds):
        for name, server in servers.items():
            before_s = server.cpu_s()
            answers, took_s = ask_for(server.port, f"/content/{path}", _ROUND_S)
            told[name].append((answers / took_s, 1e6 * (server.cpu_s() - before_s) / answers))
    requests = {name: median(each for each, _ in rows) for name, rows in told.items()}
    cpu_us = {name: median(each for _, each in rows) for name, rows in told.items()}
    return {
        "file": "timestamp.json" if path.startswith("channels/") else path.partition("/")[0],
        "bytes": size,
        **{f"{name}_requests_s": round(found) for name, found in requests.items()},
        **{f"{name}_cpu_us": round(found, 1) for name, found in cpu_us.items()},
        "origin_to_nginx": f"1 : {requests['nginx'] / requests['origin']:.1f}",
        "both_to_nginx": f"{requests['both'] / requests['nginx']:.2f} : 1",
    }


def ask_for(port: int, path: str, seconds: float) -> tuple[int, float]:
    """Ask over all connections again and again; return the number of whole answers, and the time that they took.

    Raises:
        ConnectionError: the server closed a connection, or its answers differ in length.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    buffer = bytearray(_MOST_READ_BYTES)
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(_CONNECTIONS)]
    length = _length_of_answer(connections[0], request)
    left = dict.fromkeys(connections, length)
    answers = 0
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
            connection.sendall(request)
        began_s = time.perf_counter()
        while (took_s := time.perf_counter() - began_s) < seconds:
            for connection in _readable(selector):
                count = connection.recv_into(buffer)
                left[connection] -= count
                if not count or left[connection] < 0:
                    raise ConnectionError(f"port {port} closed a connection, or answers {path} in other lengths")
                if not left[connection]:
                    answers += 1
                    left[connection] = length
                    connection.sendall(request)
    for connection in connections:
        connection.close()
    return answers, took_s


def _readable(selector: selectors.BaseSelector) -> Sequence[socket.socket]:
    return [key.fileobj for key, _ in selector.select(1.0) if isinstance(key.fileobj, socket.socket)]


def _length_of_answer(connection: socket.socket, request: bytes) -> int:
    """Return the bytes of a whole answer, head included; it has been read."""
    connection.sendall(request)
    got = bytearray()
    while b"\r\n\r\n" not in got:
        got += connection.recv(_MOST_READ_BYTES)
    head, _, _ = bytes(got).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(head.decode())
    length = len(head) + 4 + int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(got) < length:
        got += connection.recv(_MOST_READ_BYTES)
    return length
