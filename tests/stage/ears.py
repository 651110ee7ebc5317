"""Hears what a shop hears: a PulseAudio of our own whose loudspeaker is a pipe, and what comes out of it."""

import os
import threading
from asyncio.subprocess import DEVNULL, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.stage.eyes import until

RATE = 48_000
WINDOW = RATE // 50  # 20 ms
_CHANNELS = 8  # only so that the server works in pieces of 2.7 ms, as a sound card lets it
_SETUP = """
load-module module-native-protocol-unix auth-anonymous=1 socket={socket}
load-module module-pipe-sink sink_name=shop file={pipe} rate={rate} channels={channels} format=float32le \
use_system_clock_for_timing=yes
"""

Sound = NDArray[np.float64]


class Ears:
    """Listens from a thread of its own; `server` is what PULSE_SERVER has to be."""

    def __init__(self, server: str, pipe: Path) -> None:
        self.server = server
        self._pipe = os.open(pipe, os.O_RDONLY)
        self._heard: list[bytes] = []
        self._thread = threading.Thread(target=self._listen, name="ears")
        self._thread.start()

    def _listen(self) -> None:
        while heard := os.read(self._pipe, 1 << 16):
            self._heard.append(heard)

    def join(self) -> None:
        self._thread.join()
        os.close(self._pipe)

    def forget(self) -> None:
        self._heard.clear()

    def sound(self) -> Sound:
        """Return all that was heard, of one channel."""
        return self._sound(list(self._heard))

    @staticmethod
    def _sound(heard: list[bytes]) -> Sound:
        raw = b"".join(heard)
        whole = len(raw) // (4 * _CHANNELS) * 4 * _CHANNELS
        return np.frombuffer(raw[:whole], "<f4")[::_CHANNELS].astype(np.float64)

    def lately(self, hertz: int) -> float:
        """Return how loud a tone was in the last 20 ms."""
        levels = tone(self._sound(self._heard[-60:]), hertz)
        return float(levels[-1]) if len(levels) else 0.0


def tone(sound: Sound, hertz: int) -> Sound:
    """Return the amplitude of a tone in each 20 ms."""
    whole = sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW)
    phase = np.exp(-2j * np.pi * hertz * np.arange(WINDOW) / RATE)
    return np.asarray(2 * np.abs((whole * phase).mean(axis=1)), np.float64)


@asynccontextmanager
async def open_ears(folder: Path) -> AsyncIterator[Ears]:
    """Run a PulseAudio whose sound is heard by us; needs the package `pulseaudio`."""
    socket, pipe, setup = folder / "server", folder / "speaker", folder / "setup.pa"
    setup.write_text(_SETUP.format(socket=socket, pipe=pipe, rate=RATE, channels=_CHANNELS))
    own = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    how = ("--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes")
    modest = ("--realtime=no", "--high-priority=no")  # else root's is killed on a loaded machine
    server = await create_subprocess_exec("pulseaudio", "-n", "-F", str(setup), *how, *modest, env=own, stderr=DEVNULL)
    try:
        await until(lambda: socket.is_socket() and pipe.exists())
        ears = Ears(f"unix:{socket}", pipe)
        yield ears
    finally:
        server.terminate()
        await server.wait()
    ears.join()
