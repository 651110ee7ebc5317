"""Documents that people send: where and how they are read."""

import json
import threading
from typing import Annotated

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BeforeValidator

from sync.http.bodies import json_answer, read_json
from sync.http.operations import Access, Needed, Operation, mount
from sync.http.problems import problem_middleware
from sync.wire.value_types import Request

READERS: list[str] = []


def note_thread(value: object) -> object:
    READERS.append(threading.current_thread().name)
    return value


class Words(Request):
    """A document whose reading tells in which thread it happens."""

    words: tuple[Annotated[str, BeforeValidator(note_thread)], ...]


async def allow(request: web.Request, access: Needed) -> None:
    """Let everybody in."""


async def echo(request: web.Request) -> web.Response:
    return json_answer(await read_json(request, Words, most_values=50_000))


@pytest.mark.parametrize(("count", "is_beside"), [(10, False), (20_000, True)])
async def test_a_long_document_is_read_beside_the_loop(count: int, is_beside: bool) -> None:
    READERS.clear()
    app = web.Application(middlewares=[problem_middleware])
    mount(app, [Operation("POST", "/words", echo, "Echo", Access.OPEN, Words, Words)], allow)
    async with TestClient(TestServer(app)) as client:
        document = {"words": ["word"] * count}
        async with client.post("/words", data=json.dumps(document)) as answer:
            assert (answer.status, await answer.json()) == (200, document)
        async with client.post("/words", data=json.dumps({"words": [123] * count})) as answer:
            wrong = await answer.json(content_type=None)
            assert answer.status == 422 and len(json.dumps(wrong)) < 3_000
    assert {name != threading.main_thread().name for name in READERS} == {is_beside}
