"""Records the player's sound: a PulseAudio of our own whose loudspeakers are pipes."""

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
SHOP, USB = "shop", "usb"  # loudspeakers: the system's default, and another
_CHANNELS = 8  # makes the server work in pieces of 2.7 ms, as with a sound card
_SETUP = "load-module module-native-protocol-unix auth-anonymous=1 socket={socket}"
_SPEAKER = f"rate={RATE} channels={_CHANNELS} format=float32le use_system_clock_for_timing=yes"

Sound = NDArray[np.float64]


class AudioRecorder:
    """Records one loudspeaker, in a thread of its own, until the loudspeaker is removed."""

    def __init__(self, pipe: Path) -> None:
        self._pipe = os.open(pipe, os.O_RDONLY)
        self._recorded: list[bytes] = []
        self._thread = threading.Thread(target=self._record, name="recorder")
        self._thread.start()

    def _record(self) -> None:
        while data := os.read(self._pipe, 1 << 16):
            self._recorded.append(data)

    def join(self) -> None:
        self._thread.join()
        os.close(self._pipe)

    def clear(self) -> None:
        self._recorded.clear()

    def sound(self) -> Sound:
        """Return one channel of the whole recording."""
        return self._sound(list(self._recorded))

    @staticmethod
    def _sound(recorded: list[bytes]) -> Sound:
        raw = b"".join(recorded)
        complete = len(raw) // (4 * _CHANNELS) * 4 * _CHANNELS
        return np.frombuffer(raw[:complete], "<f4")[::_CHANNELS].astype(np.float64)

    def recent_level(self, hertz: int) -> float:
        """Return the amplitude of a tone in the last 20 ms."""
        levels = tone(self._sound(self._recorded[-60:]), hertz)
        return float(levels[-1]) if len(levels) else 0.0


def tone(sound: Sound, hertz: int) -> Sound:
    """Return the amplitude of a tone in each 20 ms."""
    windows = sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW)
    phase = np.exp(-2j * np.pi * hertz * np.arange(WINDOW) / RATE)
    return np.asarray(2 * np.abs((windows * phase).mean(axis=1)), np.float64)


class PulseServer:
    """A sound server, and a recorder for each of its loudspeakers; `address` is the value for PULSE_SERVER."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix:{folder / 'server'}"
        self.recorders: dict[str, AudioRecorder] = {}
        self._folder = folder
        self._process: Process | None = None
        self._modules: dict[str, str] = {}

    async def start(self, *speakers: str) -> None:
        """Start the server; the first loudspeaker is the default."""
        socket, setup = self._folder / "server", self._folder / "setup.pa"
        socket.unlink(missing_ok=True)
        setup.write_text(_SETUP.format(socket=socket))
        environment = {**os.environ, "HOME": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}
        options = ("-n", "-F", str(setup), "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1")
        # Otherwise the kernel kills a server that runs as root on a loaded machine.
        priority = ("--disable-shm=yes", "--realtime=no", "--high-priority=no")
        self._process = await create_subprocess_exec("pulseaudio", *options, *priority, env=environment, stderr=DEVNULL)
        await wait_until(socket.is_socket)
        for name in speakers:
            await self.plug(name)
        await self._pactl("set-default-sink", speakers[0])

    async def plug(self, name: str) -> None:
        """Add a loudspeaker."""
        pipe = self._folder / name
        how = (f"sink_name={name}", f"file={pipe}", *_SPEAKER.split())
        self._modules[name] = await self._pactl("load-module", "module-pipe-sink", *how)
        self.recorders[name] = AudioRecorder(pipe)

    async def unplug(self, name: str) -> None:
        """Remove a loudspeaker, as when its USB cable is unplugged."""
        await self._pactl("unload-module", self._modules.pop(name))
        self.recorders.pop(name).join()

    async def kill(self) -> None:
        """Kill the server."""
        if self._process:
            self._process.kill()
            await self._process.wait()
        self._process = None
        for recorder in self.recorders.values():
            recorder.join()
        self.recorders.clear()

    async def _pactl(self, *words: str) -> str:
        process = await create_subprocess_exec("pactl", "-s", self.address, *words, stdout=PIPE)
        output, _ = await process.communicate()
        assert process.returncode == 0, words
        return output.decode().strip()


@asynccontextmanager
async def running_pulse_server(folder: Path, *speakers: str) -> AsyncIterator[PulseServer]:
    """Run a PulseAudio and record it; needs the packages `pulseaudio` and `pulseaudio-utils`."""
    server = PulseServer(folder)
    try:
        await server.start(*speakers)
        yield server
    finally:
        await server.kill()
