"""A slow line that loses packets, between two network namespaces: two TUN devices, and a relay that delays and drops.

Not by `tc netem`, which many kernels lack. The relay counts what it drops: the loss that a row states is the true one.
"""

import asyncio
import fcntl
import os
import statistics
import struct
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from random import Random

SERVER = "10.199.0.1"
_CLIENT = "10.199.0.2"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # <linux/if_tun.h>
_INTERFACE = "bench-line"
_MTU = 1500
_CONNECTS = 9


@dataclass(slots=True)
class Line:
    """The line. A command runs at one end of it with `at_server` or `at_client` before it."""

    delay_s: float  # each way
    loss: float  # of the packets of each way
    at_server: tuple[str, ...]
    at_client: tuple[str, ...]
    passed: int = 0
    dropped: int = 0

    def measured_loss(self) -> float:
        """Return the share of all packets that was dropped."""
        return self.dropped / max(1, self.passed + self.dropped)


@asynccontextmanager
async def lossy_line(round_trip_s: float, loss: float) -> AsyncIterator[Line | None]:
    """Yield a line with this round trip that loses this share of the packets; None: it takes root, `ip` and TUN."""
    names = tuple(f"signage-bench-{os.getpid()}-{end}" for end in ("s", "c"))
    server, client = (("ip", "netns", "exec", name) for name in names)
    line, rng = Line(round_trip_s / 2, loss, server, client), Random(7)
    with ExitStack() as stack:
        try:
            tuns = [stack.enter_context(_namespace(*named)) for named in zip(names, (SERVER, _CLIENT), strict=True)]
        except (OSError, subprocess.CalledProcessError):
            yield None
            return
        loop = asyncio.get_running_loop()

        def relay(source: int, target: int) -> None:
            packet = os.read(source, _MTU)
            if rng.random() < line.loss:
                line.dropped += 1
            else:
                line.passed += 1
                loop.call_later(line.delay_s, pass_on, target, packet)

        def pass_on(target: int, packet: bytes) -> None:
            with suppress(OSError):  # the line is at its end
                os.write(target, packet)

        for source, target in (tuns, tuns[::-1]):
            loop.add_reader(source, relay, source, target)
            stack.callback(loop.remove_reader, source)
        yield line


@contextmanager
def _namespace(name: str, address: str) -> Iterator[int]:
    """Make a network namespace with one interface; yield the descriptor by which its packets are read and written."""
    inside = ("ip", "-n", name)
    _run("ip", "netns", "add", name)
    try:
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", _INTERFACE.encode(), _IFF_TUN | _IFF_NO_PI))
            _run("ip", "link", "set", _INTERFACE, "netns", name)
            _run(*inside, "address", "add", f"{address}/24", "dev", _INTERFACE)
            for interface in (_INTERFACE, "lo"):
                _run(*inside, "link", "set", interface, "up")
            yield tun
        finally:
            os.close(tun)
    finally:
        _run("ip", "netns", "delete", name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


async def measured_round_trip_s(line: Line, url: str) -> float:
    """Return how long connections take over the line, the median; waits until the server listens."""
    tries = ("--retry", "50", "--retry-delay", "1", "--retry-connrefused")
    command = (*line.at_client, "curl", "-sS", "-o", os.devnull, *tries, "-w", "%{time_connect}", url)
    found = []
    for _ in range(_CONNECTS):
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        said, _ = await process.communicate()
        found.append(float(said))
    return statistics.median(found)
