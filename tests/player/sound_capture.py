"""Hears what a shop hears: a PulseAudio of our own whose loudspeakers are pipes, and what comes out of them."""

import os
import threading
from asyncio.subprocess import DEVNULL, PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.player.pixels import wait_until

RATE = 48_000
WINDOW = RATE // 50  # 20 ms
SHOP, USB = "shop", "usb"  # loudspeakers: the one of the system, and another
_CHANNELS = 8  # only so that the server works in pieces of 2.7 ms, as a sound card lets it
_SETUP = "load-module module-native-protocol-unix auth-anonymous=1 socket={socket}"
_SPEAKER = f"rate={RATE} channels={_CHANNELS} format=float32le use_system_clock_for_timing=yes"

Sound = NDArray[np.float64]


class AudioRecorder:
    """Listens at one loudspeaker, from a thread of its own, until that is gone."""

    def __init__(self, pipe: Path) -> None:
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

    def clear(self) -> None:
        self._heard.clear()

    def sound(self) -> Sound:
        """Return all that was heard, of one channel."""
        return self._sound(list(self._heard))

    @staticmethod
    def _sound(heard: list[bytes]) -> Sound:
        raw = b"".join(heard)
        whole = len(raw) // (4 * _CHANNELS) * 4 * _CHANNELS
        return np.frombuffer(raw[:whole], "<f4")[::_CHANNELS].astype(np.float64)

    def recent_level(self, hertz: int) -> float:
        """Return how loud a tone was in the last 20 ms."""
        levels = tone(self._sound(self._heard[-60:]), hertz)
        return float(levels[-1]) if len(levels) else 0.0


def tone(sound: Sound, hertz: int) -> Sound:
    """Return the amplitude of a tone in each 20 ms."""
    whole = sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW)
    phase = np.exp(-2j * np.pi * hertz * np.arange(WINDOW) / RATE)
    return np.asarray(2 * np.abs((whole * phase).mean(axis=1)), np.float64)


class PulseServer:
    """The sound server, and ears at each of its loudspeakers; `server` is what PULSE_SERVER has to be."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix:{folder / 'server'}"
        self.recorders: dict[str, AudioRecorder] = {}
        self._folder = folder
        self._process: Process | None = None
        self._modules: dict[str, str] = {}

    async def start(self, *speakers: str) -> None:
        """Start the server; the first loudspeaker is the system's."""
        socket, setup = self._folder / "server", self._folder / "setup.pa"
        socket.unlink(missing_ok=True)
        setup.write_text(_SETUP.format(socket=socket))
        own = {**os.environ, "HOME": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}
        how = (
            "-n",
            "-F",
            str(setup),
            "--daemonize=no",
            "--use-pid-file=no",
            "--exit-idle-time=-1",
            "--disable-shm=yes",
        )
        modest = ("--realtime=no", "--high-priority=no")  # else root's is killed on a loaded machine
        self._process = await create_subprocess_exec("pulseaudio", *how, *modest, env=own, stderr=DEVNULL)
        await wait_until(socket.is_socket)
        for name in speakers:
            await self.plug(name)
        await self._tell("set-default-sink", speakers[0])

    async def plug(self, name: str) -> None:
        """Add a loudspeaker."""
        pipe = self._folder / name
        how = (f"sink_name={name}", f"file={pipe}", *_SPEAKER.split())
        self._modules[name] = await self._tell("load-module", "module-pipe-sink", *how)
        self.recorders[name] = AudioRecorder(pipe)

    async def unplug(self, name: str) -> None:
        """Take a loudspeaker away, as a USB cable is pulled."""
        await self._tell("unload-module", self._modules.pop(name))
        self.recorders.pop(name).join()

    async def kill(self) -> None:
        """End the server, whatever plays."""
        if self._process:
            self._process.kill()
            await self._process.wait()
        self._process = None
        for ears in self.recorders.values():
            ears.join()
        self.recorders.clear()

    async def _tell(self, *words: str) -> str:
        asked = await create_subprocess_exec("pactl", "-s", self.address, *words, stdout=PIPE)
        said, _ = await asked.communicate()
        assert asked.returncode == 0, words
        return said.decode().strip()


@asynccontextmanager
async def running_pulse_server(folder: Path, *speakers: str) -> AsyncIterator[PulseServer]:
    """Run a PulseAudio whose sound is heard by us; needs the packages `pulseaudio` and `pulseaudio-utils`."""
    room = PulseServer(folder)
    try:
        await room.start(*speakers)
        yield room
    finally:
        await room.kill()
