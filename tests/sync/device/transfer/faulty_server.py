"""A server of a content tree with a schedule of faults, written on sockets: it can break every rule of HTTP."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

PIECE = 16 * 1024


@dataclass
class Asked:
    """A request: its path, the range of it, and the connection."""

    path: str
    content: bytes
    ranged: tuple[int, int] | None
    writer: asyncio.StreamWriter
    server: "FaultyServer"

    @property
    def body(self) -> bytes:
        return self.content if self.ranged is None else self.content[self.ranged[0] : self.ranged[1] + 1]

    def head(self, *, status: str = "", length: int | None = None, more: str = "") -> bytes:
        if not status:
            status = "200 OK" if self.ranged is None else "206 Partial Content"
        if self.ranged is not None and status.startswith("206") and "Content-Range" not in more:
            more += f"Content-Range: bytes {self.ranged[0]}-{self.ranged[1]}/{len(self.content)}\r\n"
        length = len(self.body) if length is None else length
        return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{more}\r\n".encode()

    async def send(self, raw: bytes, *, pause_s: float = 0.0, piece: int = PIECE) -> None:
        for at in range(0, len(raw), piece):
            self.server.sent[self.path] = self.server.sent.get(self.path, 0) + len(raw[at : at + piece])
            self.writer.write(raw[at : at + piece])
            await self.writer.drain()
            if pause_s:
                await asyncio.sleep(pause_s)


Fault = Callable[[Asked], Awaitable[None]]


@dataclass
class FaultyServer:
    """Serves a folder; `faults` are what happens instead for parts of paths, once each; `always` again and again."""

    folder: Path
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    always: dict[str, Fault] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)  # bytes of bodies by path
    conditional: list[str] = field(default_factory=list)  # values of If-None-Match
    url: str = ""
    tasks: set[asyncio.Task[None] | None] = field(default_factory=set)

    def requests(self, part: str) -> int:
        return sum(part in path for path in self.asked)

    def sent_of(self, part: str) -> int:
        return sum(count for path, count in self.sent.items() if part in path)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                await self.answer(head, writer)
        except (
            OSError,
            asyncio.IncompleteReadError,
            asyncio.CancelledError,
        ):  # a connection or the test ends
            pass
        finally:
            writer.transport.abort()

    async def answer(self, head: str, writer: asyncio.StreamWriter) -> None:
        path = head.split(" ", 2)[1].partition("/content/")[2]
        self.asked.append(path)
        found = re.search(r"(?im)^range: bytes=(\d+)-(\d+)", head)
        file = self.folder / path
        content = file.read_bytes() if path and file.is_file() else b""
        ranged = (int(found[1]), min(int(found[2]), len(content) - 1)) if found else None
        asked = Asked(path, content, ranged, writer, self)
        for part, faults in self.faults.items():
            if part in path and faults:
                return await faults.pop(0)(asked)
        for part, fault in self.always.items():
            if part in path:
                return await fault(asked)
        if not content:
            return await asked.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        return await well(asked)


@asynccontextmanager
async def faulty(folder: Path, port: int = 0) -> AsyncIterator[FaultyServer]:
    served = FaultyServer(folder)
    server = await asyncio.start_server(served.handle, "127.0.0.1", port)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
        tasks = [task for task in served.tasks if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# What can happen


async def well(asked: Asked) -> None:
    asked.writer.write(asked.head())
    await asked.send(asked.body)


async def forever(asked: Asked, raw: bytes, pause_s: float = 0.02) -> None:
    while True:
        asked.writer.write(raw)
        await asked.writer.drain()
        await asyncio.sleep(pause_s)


async def trickling_head(asked: Asked) -> None:
    asked.writer.write(b"HTTP/1.1 206 Partial Content\r\n")
    await forever(asked, b"X")


async def continue_for_ever(asked: Asked) -> None:
    await forever(asked, b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0.0)


async def headers_for_ever(asked: Asked) -> None:
    asked.writer.write(b"HTTP/1.1 206 Partial Content\r\n")
    await forever(asked, b"X-More: and more\r\n" * 100, 0.0)


async def silence(asked: Asked) -> None:
    await asyncio.Event().wait()


async def slow_body(asked: Asked) -> None:
    asked.writer.write(asked.head())
    await asked.send(asked.body, pause_s=0.02, piece=16)


async def reset(asked: Asked) -> None:
    asked.writer.transport.abort()


async def garbage(asked: Asked) -> None:
    await asked.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def cut_after(length: int) -> Fault:
    async def cut(asked: Asked) -> None:
        asked.writer.write(asked.head())
        await asked.send(asked.body[:length])
        asked.writer.close()

    return cut


def status(line: str, more: str = "") -> Fault:
    async def refuse(asked: Asked) -> None:
        await asked.send(f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n{more}\r\n".encode())

    return refuse


def location(target: str) -> Fault:
    return status("302 Found", f"Location: {target}\r\n")


async def wrong_bytes(asked: Asked) -> None:
    asked.writer.write(asked.head())
    await asked.send(bytes(byte ^ 0x40 for byte in asked.body))


async def whole(asked: Asked) -> None:
    asked.ranged = None
    await well(asked)


def headed(more: str, *, extra: int = 0) -> Fault:
    """Send the right body with other headers."""

    async def send(asked: Asked) -> None:
        asked.writer.write(asked.head(more=more, length=len(asked.body) + extra))
        await asked.send(asked.body)

    return send


async def chunked(asked: Asked) -> None:
    head = asked.head().replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nX-Length")
    asked.writer.write(head)
    await asked.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(asked.body), asked.body))


async def bare_line_feeds(asked: Asked) -> None:
    asked.writer.write(asked.head().replace(b"\r\n", b"\n"))
    await asked.send(asked.body)


async def one_continue(asked: Asked) -> None:
    asked.writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
    await well(asked)


async def web_page(asked: Asked) -> None:
    await asked.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<html></html>\n")
