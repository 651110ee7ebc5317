"""An HTTP proxy on a real socket: CONNECT and whole addresses, with or without a login; it knows names of its own."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class HttpProxy:
    """A listening proxy; `names` maps the hosts it can reach to (host, port), and `asked` is what it was asked for."""

    port: int = 0
    login: str = ""
    refuse: int = 0
    names: dict[str, tuple[str, int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)
        await _close(writer)
        self.tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.partition("\r\n")[0].split(" ")
        self.asked.append(f"{method} {target}")
        wanted = base64.b64encode(self.login.encode()).decode()
        if self.login and f"Proxy-Authorization: Basic {wanted}".lower() not in head.lower():
            status = "407 Proxy Authentication Required"
        else:
            status = f"{self.refuse} Refused" if self.refuse else ""
        if status:
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        address = urlsplit(target if "://" in target else f"//{target}")
        there, onward = await asyncio.open_connection(*self.names[address.hostname or ""])
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:  # one request a connection is enough for a test
            path = address._replace(scheme="", netloc="").geturl()
            lines = [line for line in head.split("\r\n")[1:] if not line.lower().startswith(("proxy-", "connection"))]
            onward.write("\r\n".join([f"{method} {path} HTTP/1.1", "Connection: close", *lines]).encode())
        await asyncio.gather(_pass_on(reader, onward), _pass_on(there, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def http_proxy(**options: object) -> AsyncIterator[HttpProxy]:
    """Run a proxy on any free port of 127.0.0.1."""
    proxy = HttpProxy(**options)  # type: ignore[arg-type]
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        if proxy.tasks:
            await asyncio.wait(proxy.tasks, timeout=5)
