"""Counts what passes through sockets: all bytes of TCP's stream, so those of TLS and of headers, too.

The kernel counts them for each connection (`TCP_INFO`, Linux 4.19). They are read now and then, and before a socket
is closed. Bytes that the kernel received and nobody has read count, for they came over the line.
"""

import socket
import struct
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from weakref import WeakKeyDictionary

_RECEIVED, _SENT = 128, 200  # places of tcpi_bytes_received and of tcpi_bytes_sent, tcpi_bytes_retrans in tcp_info
_INFO_BYTES = 216


class Meter:
    """Counts the sockets of one kind of traffic; `in_venue` are hosts that do not use the line. Threads may call it."""

    def __init__(self, in_venue: Callable[[], Collection[str]] = frozenset) -> None:
        self._in_venue = in_venue
        self._lock = threading.Lock()
        self._seen: WeakKeyDictionary[socket.socket, tuple[int, int]] = WeakKeyDictionary()
        self._sent = self._received = 0

    def watch(self, connection: socket.socket, host: str, *, before: socket.socket | None = None) -> None:
        """Count a connection to `host` until `close`; `before` is the socket whose connection this one took over."""
        if host.lower() in self._in_venue():
            return
        with self._lock:
            known = self._seen.pop(before, (0, 0)) if before is not None else (0, 0)
            self._seen[connection] = known

    def close(self, connection: socket.socket) -> None:
        """Count a connection for the last time, and close it."""
        self._forget(connection)
        connection.close()

    def open(self, family: int, kind: int = socket.SOCK_STREAM, protocol: int = 0, *, host: str) -> socket.socket:
        """Return a new socket for a connection to `host`, which is counted until it is closed."""
        made = _CountedSocket(family, kind, protocol)
        made.forget = self._forget
        self.watch(made, host)
        return made

    def add(self, sent: int, received: int) -> None:
        """Count bytes of which another program tells."""
        with self._lock:
            self._sent += sent
            self._received += received

    def take(self) -> tuple[int, int]:
        """Return what was sent and received since the last call."""
        with self._lock:
            for connection in list(self._seen):
                self._read(connection)
            taken = self._sent, self._received
            self._sent = self._received = 0
            return taken

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            if connection in self._seen:
                self._read(connection)
                self._seen.pop(connection, None)

    def _read(self, connection: socket.socket) -> None:
        try:
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
        except OSError:  # it is closed, or another socket has taken over
            return
        if len(info) < _INFO_BYTES:
            return
        sent, again = struct.unpack_from("=QQ", info, _SENT)
        sent, received = sent - again, struct.unpack_from("=Q", info, _RECEIVED)[0]
        before = self._seen[connection]
        self._sent += max(0, sent - before[0])
        self._received += max(0, received - before[1])
        self._seen[connection] = sent, received


def kernel_problems() -> tuple[str, ...]:
    """Return in sentences why nothing can be counted on this machine; empty: it can."""
    with socket.socket() as probe:
        known = len(probe.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES))
    old = "The kernel of this machine does not count bytes, so no budget of a month is kept: use Linux 4.19 or newer."
    return (old,) if known < _INFO_BYTES else ()


class _CountedSocket(socket.socket):
    """A socket that asyncio closes; it is counted before."""

    forget: Callable[[socket.socket], None] | None = None

    def close(self) -> None:
        forget, self.forget = self.forget, None
        if forget is not None:
            with suppress(OSError):
                forget(self)
        super().close()
