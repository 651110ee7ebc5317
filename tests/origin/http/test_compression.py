"""Text answers are compressed for who asks for it, and are the same for who does not."""

import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession, web

from sync.origin.http.compression import LEAST_BYTES, accepts_gzip, compress
from tests.origin.running_origin import RunningOrigin

GZIP, PLAIN = {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("GZip", True),
        ("br, deflate , gzip", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip ; Q=0.5", True),
        ("gzip;q=much", False),
        ("gzip;level=9", True),
        ("*", True),
        ("*;q=0", False),
        ("*, gzip;q=0", False),
        ("x-gzip", True),
        ("gzipped", False),
        (",;,=;q", False),
    ],
)
def test_the_caller_says_whether_it_reads_gzip(accepted: str, expected: bool) -> None:
    assert accepts_gzip(accepted) is expected


SHORT, LONG = "x" * (LEAST_BYTES - 1), "x" * LEAST_BYTES


@pytest.mark.parametrize(
    ("method", "path", "answer", "is_compressed"),
    [
        ("GET", "/v1/media", {"text": LONG, "content_type": "application/json"}, True),
        ("HEAD", "/v1/media", {"text": LONG, "content_type": "text/csv"}, True),
        ("GET", "/v1/media", {"text": LONG * 100, "content_type": "text/html"}, True),
        ("GET", "/v1/media", {"text": SHORT, "content_type": "application/json"}, False),
        ("GET", "/v1/media", {"body": LONG.encode(), "content_type": "image/jpeg"}, False),
        ("GET", "/v1/media", {"text": LONG, "content_type": "application/problem+json", "status": 404}, False),
        ("POST", "/v1/media", {"text": LONG, "content_type": "application/json"}, False),
        ("GET", "/v1/pairings/1", {"text": LONG, "content_type": "application/json"}, False),
        ("GET", "/content/releases/1.json", {"text": LONG, "content_type": "application/json"}, False),
        ("GET", "/v1/media", {"status": 304}, False),
        ("GET", "/v1/media", {"status": 204}, False),
    ],
)
async def test_only_long_texts_without_secrets_are_compressed(
    method: str, path: str, answer: dict[str, Any], is_compressed: bool
) -> None:
    made = web.Response(**answer)
    plain = made.body

    async def handle(_: web.Request) -> web.StreamResponse:
        return made

    request: Any = SimpleNamespace(method=method, path=path, headers=GZIP)
    assert await compress(request, handle) is made
    assert ("Content-Encoding" in made.headers) is is_compressed
    assert (isinstance(made.body, bytes) and is_compressed == (made.body != plain)) or made.body is plain
    assert not is_compressed or gzip.decompress(bytes(made.body)) == plain  # type: ignore[arg-type]


@pytest.fixture
async def playlist(server: RunningOrigin) -> str:
    """The path of a playlist that is long enough."""
    stream = await server.ask("POST", "/v1/media/streams", server.writer, {"url": "http://a.example/live"})
    items = [{"media": stream.document["id"], "duration_ms": 5_000}] * 12
    made = await server.ask("POST", "/v1/playlists", server.writer, {"name": "long", "items": items})
    assert made.status == 201, made.text
    return f"/v1/playlists/{made.document['id']}"


async def test_a_compressed_answer_has_a_tag_of_its_own_that_counts_like_the_other_one(
    server: RunningOrigin, playlist: str
) -> None:
    headers = {"Authorization": f"Bearer {server.writer}"}
    async with ClientSession(server.url, auto_decompress=False, headers=headers) as session:
        async with session.get(playlist, headers=PLAIN) as answer:
            plain, tag = await answer.read(), answer.headers["ETag"]
            assert (tag, answer.headers["Vary"], "Content-Encoding" in answer.headers) == (
                '"1"',
                "Accept-Encoding",
                False,
            )
        async with session.get(playlist, headers=GZIP) as answer:
            assert gzip.decompress(await answer.read()) == plain
            assert (answer.headers["ETag"], answer.headers["Vary"]) == ('"1-gzip"', "Accept-Encoding")
            assert int(answer.headers["Content-Length"]) < len(plain)
        async with session.head(playlist, headers=GZIP) as answer:
            assert (answer.headers["ETag"], answer.headers["Content-Encoding"]) == ('"1-gzip"', "gzip")
        for held in (tag, '"1-gzip"', 'W/"1-gzip"'):
            async with session.get(playlist, headers=GZIP | {"If-None-Match": f'"0", {held}'}) as answer:
                assert (answer.status, answer.headers["ETag"]) == (304, held.removeprefix("W/"))
                assert answer.headers["Vary"] == "Accept-Encoding"
        async with session.put(playlist, json={"name": "n", "items": []}, headers={"If-Match": '"1-gzip"'}) as answer:
            assert answer.status == 200, await answer.text()
        async with session.put(playlist, json={"name": "n", "items": []}, headers={"If-Match": '"1-gzip"'}) as answer:
            assert answer.status == 412


async def test_the_page_and_the_metrics_are_compressed_and_content_is_not(
    server: RunningOrigin, tmp_path: Path
) -> None:
    (tmp_path / "content/channels/main").mkdir(parents=True)
    (tmp_path / "content/channels/main/timestamp.json").write_text(LONG)
    async with ClientSession(server.url, auto_decompress=False, headers=GZIP) as session:
        for path in ("/", "/console.js", "/console.css", "/metrics", "/v1/openapi.json"):
            for _ in range(2):
                async with session.get(path) as answer:
                    assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip"), path
                    assert len(gzip.decompress(await answer.read())) >= LEAST_BYTES
        async with session.get("/content/channels/main/timestamp.json") as answer:
            assert (await answer.text(), "Vary" in answer.headers) == (LONG, False)
