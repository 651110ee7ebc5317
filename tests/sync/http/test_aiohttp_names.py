"""The private names of aiohttp that this project overrides or reads are there: another aiohttp may lack them."""

import asyncio
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.client_proto import ResponseHandler
from aiohttp.web_protocol import RequestHandler

from tests import TOP


async def _answer(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response()


PRIVATE: tuple[tuple[str, Callable[[], object], str], ...] = (
    ("sync/http/listener.py", lambda: web.AppRunner(web.Application()), "_make_server"),
    (
        "sync/http/listener.py",
        lambda: RequestHandler(web.Server(_answer), loop=asyncio.get_running_loop()),
        "_upgraded _payload_parser _message_tail",
    ),
    ("sync/device/transfer/http_reader.py", aiohttp.TCPConnector, "_factory _loop"),
    (
        "sync/device/transfer/http_reader.py",
        lambda: ResponseHandler(asyncio.get_running_loop()),
        "_drain_tail _tail _payload _reading_paused _buffer_paused _loop _pause_transport_reading "
        "_resume_transport_reading",
    ),
)
"""Where they are used, what has them, and the names."""


@pytest.mark.parametrize(("file", "make", "names"), PRIVATE)
async def test_the_private_names_of_aiohttp_are_there(file: str, make: Callable[[], object], names: str) -> None:
    made = make()
    missing = [name for name in names.split() if not hasattr(made, name)]
    unused = [name for name in names.split() if name not in (TOP / file).read_text()]
    version, of = aiohttp.__version__, type(made).__name__
    assert not missing, f"aiohttp {version} has no {of}.{missing}, which {file} needs: change it, then the upper bound"
    assert not unused, f"{file} does not use {unused} any more"
