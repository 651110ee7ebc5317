"""What RFC 9110 asks of every address, held against a whole server."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession

PROMTOOL = shutil.which("promtool", path=f"{os.environ['PATH']}:{sys.prefix}/bin")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None and "CI" not in os.environ, reason="promtool is not here: script/setup test fetches it"
)
TAKES_TIME = {"Date", "Content-Length", "ETag"}  # may differ between two answers, since they count and measure


async def hold_to_the_standard(url: str, headers: Mapping[str, str], document: Mapping[str, Any]) -> None:
    """Ask every address of an OpenAPI document with GET, HEAD, OPTIONS and a method that nobody knows."""
    templates = {path: re.sub(r"\{\w+\}", "[^/]+", path) for path in document["paths"]}
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
            items = [document["paths"][one] for one, pattern in templates.items() if re.fullmatch(pattern, real)]
            methods = {method.upper() for item in items for method in item} | {"OPTIONS"}
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


def check_metrics(metrics: str) -> None:
    """Have `promtool check metrics` read an answer of /metrics."""
    assert PROMTOOL is not None, "promtool is not here: see what script/setup test says"
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=metrics, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
