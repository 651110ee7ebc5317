"""A gate on a real socket that passes all bytes on and counts them, as a server or a provider would."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sync.runtime.clock import SystemClock

PIECE = 64 * 1024


@dataclass
class Gate:
    """A gate that listens on `port`; `up` and `down` are the bytes from and to its clients.

    `pause_s` is waited after each 64 KiB that go down.
    """

    to: int
    port: int = 0
    up: int = 0
    down: int = 0
    pause_s: float = 0.0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def total(self) -> int:
        return self.up + self.down

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        there, onward = await asyncio.open_connection("127.0.0.1", self.to)
        with contextlib.closing(onward), contextlib.closing(writer), contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(self._pass(reader, onward, down=False), self._pass(there, writer, down=True))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, down: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE):
                self.down += len(piece) if down else 0
                self.up += 0 if down else len(piece)
                writer.write(piece)
                await writer.drain()
                if down and self.pause_s:
                    await SystemClock().sleep(self.pause_s)
        writer.close()


@asynccontextmanager
async def counting_gate(to: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Gate]:
    """Pass on to the port `to` what comes to a free port; with `tls` that is TLS, and counted as such."""
    async with contextlib.AsyncExitStack() as stack:
        if tls is not None:
            to = (await stack.enter_async_context(_gate(to, tls))).port
        yield await stack.enter_async_context(_gate(to))


@asynccontextmanager
async def _gate(to: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Gate]:
    gate = Gate(to)
    server = await asyncio.start_server(gate.serve, "127.0.0.1", 0, ssl=tls)
    gate.port = server.sockets[0].getsockname()[1]
    try:
        yield gate
    finally:
        server.close()
        for task in gate.tasks:
            task.cancel()
        await asyncio.gather(*gate.tasks, return_exceptions=True)
