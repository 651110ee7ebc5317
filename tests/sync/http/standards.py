"""What RFC 9110 asks of every address, held against a whole server."""

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientResponse, ClientSession

TAKES_TIME = {"Date", "Content-Length", "ETag", "Transfer-Encoding"}
"""May differ between two answers, since they count and measure; and HEAD may leave out how content is sent."""


async def hold_to_the_standard(url: str, headers: Mapping[str, str], document: Mapping[str, Any]) -> None:
    """Ask every address of an OpenAPI document with GET, HEAD, OPTIONS and a method that nobody knows."""
    ids = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    titles = [model["title"] for model in document["components"]["schemas"].values()]
    assert (len(set(ids)), len(set(titles))) == (len(ids), len(titles))
    async with ClientSession(url, headers=headers) as session:

        async def ask(method: str, path: str) -> ClientResponse:
            async with session.request(method, path) as answer:
                body = await answer.read()
                assert answer.headers.get("Cache-Control"), f"{method} {path}"
                assert answer.status < 500, f"{method} {path} answered {answer.status}: {body[:200]!r}"
                if answer.status >= 400 and method != "HEAD":
                    assert answer.content_type == "application/problem+json", f"{method} {path}"
                assert not (body and method == "HEAD")
                return answer

        for path in document["paths"]:
            real = re.sub(r"\{\w+\}", "x1", path)
            methods = {method.upper() for method in document["paths"][path]} | {"OPTIONS"}
            is_socket = "101" in document["paths"][path].get("get", {}).get("responses", ())
            if "GET" in methods and not is_socket:
                methods |= {"HEAD"}
                got, head = await ask("GET", real), await ask("HEAD", real)
                assert (head.status, head.content_type) == (got.status, got.content_type), path
                assert set(head.headers) - TAKES_TIME == set(got.headers) - TAKES_TIME, path
            options, unknown = await ask("OPTIONS", real), await ask("PURGE", real)
            assert (options.status, unknown.status) == (204, 405), path
            for answer in (options, unknown):
                assert answer.headers["Allow"] == ", ".join(sorted(methods)), path
