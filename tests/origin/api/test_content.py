"""The content tree over HTTP, as our fetcher and the caches in between need it, and no path out of it."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from yarl import URL

from tests.origin.planning_origin import Client, PlanningOrigin

DATA = bytes(range(256)) * 40


@pytest.fixture
def asset(planning: PlanningOrigin) -> str:
    return planning.put_asset(DATA).sha256


async def test_a_whole_asset_may_be_kept_for_ever(client: Client, asset: str) -> None:
    async with client.get(f"/content/assets/{asset}") as answer:
        assert (answer.status, await answer.read()) == (200, DATA)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["ETag"] == f'"{asset}"'
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["Content-Length"] == str(len(DATA))
        assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-299", 100, 300),
        ("bytes=10000-", 10000, 10240),
        ("bytes=-40", 10200, 10240),
        ("bytes=-99999", 0, 10240),
        ("bytes=0-99999", 0, 10240),
        ("bytes=10239-" + "9" * 5000, 10239, 10240),
        ("Bytes=0-0", 0, 1),
        ("bytes=, 0-0 ,", 0, 1),
    ],
)
async def test_a_range_comes_exactly(client: Client, asset: str, asked: str, start: int, stop: int) -> None:
    async with client.get(f"/content/assets/{asset}", headers={"Range": asked}) as answer:
        assert (answer.status, await answer.read()) == (206, DATA[start:stop])
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/10240"
        assert answer.headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize(
    "asked",
    ["lines=1-2", "bytes", "bytes=", "bytes=0-1,5-6", "bytes=0-,0-,0-", "bytes=99999-,0-1", "=0-1", "0-1", "bytes 0-1"],
)
async def test_another_unit_or_several_ranges_bring_the_whole(client: Client, asset: str, asked: str) -> None:
    async with client.get(f"/content/assets/{asset}", headers={"Range": asked}) as answer:
        assert (answer.status, await answer.read()) == (200, DATA)
        assert "Content-Range" not in answer.headers


@pytest.mark.parametrize(
    "asked",
    ["10240-", "99999-100000", "5-2", "-0", "-", "a-b", "\u0661-", "1-2-3", "9" * 5000 + "-", "0x1-2", "+1-2", "-1-2"],
)
async def test_a_range_that_is_not_there_is_refused_with_the_size(client: Client, asset: str, asked: str) -> None:
    async with client.get(f"/content/assets/{asset}", headers={"Range": f"bytes={asked}"}) as answer:
        assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */10240")
        assert answer.content_type == "application/problem+json"


async def test_a_range_of_other_bytes_brings_the_whole(client: Client, asset: str) -> None:
    headers = {"Range": "bytes=5-9", "If-Range": '"other"'}
    async with client.get(f"/content/assets/{asset}", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, DATA)
    for other in (f'W/"{asset}"', "Wed, 21 Oct 2015 07:28:00 GMT"):
        async with client.get(f"/content/assets/{asset}", headers={**headers, "If-Range": other}) as answer:
            assert (answer.status, await answer.read()) == (200, DATA)
    headers["If-Range"] = f'"{asset}"'
    async with client.get(f"/content/assets/{asset}", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (206, DATA[5:10])


@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=0-3"}, {"Range": "bytes=99999-"}])
async def test_head_tells_without_sending(client: Client, asset: str, asked: dict[str, str]) -> None:
    """Ranges are for GET only."""
    async with client.head(f"/content/assets/{asset}", headers=asked) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert answer.headers["Content-Length"] == "10240"
    async with client.get(f"/content/assets/{asset}", headers={"Range": "bytes=0-3"}) as answer:
        assert await answer.read() == DATA[:4]  # the connection is still in step


PAST, FUTURE = "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2065 07:28:00 GMT"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"If-None-Match": "TAG"}, 304),
        ({"If-None-Match": "W/TAG"}, 304),
        ({"If-None-Match": '"a,b", TAG'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": "nonsense"}, 200),
        ({"If-None-Match": "TAG", "Range": "bytes=0-3"}, 304),
        ({"If-None-Match": "TAG", "If-Modified-Since": PAST}, 304),
        ({"If-None-Match": '"other"', "If-Modified-Since": FUTURE}, 200),
        ({"If-Modified-Since": FUTURE}, 200),
        ({"If-Unmodified-Since": PAST}, 200),
        ({"If-Match": "TAG"}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"other", TAG', "Range": "bytes=0-3"}, 206),
        ({"If-Match": "W/TAG"}, 412),
        ({"If-Match": '"other"'}, 412),
        ({"If-Match": ""}, 412),
        ({"If-Match": '"other"', "If-None-Match": "TAG", "Range": "bytes=0-3"}, 412),
    ],
)
async def test_preconditions_count_in_the_order_of_the_rfc(
    client: Client, asset: str, asked: dict[str, str], status: int
) -> None:
    headers = {name: value.replace("TAG", f'"{asset}"') for name, value in asked.items()}
    for method in ("GET", "HEAD"):
        async with client.request(method, f"/content/assets/{asset}", headers=headers) as answer:
            assert answer.status == (200 if (method, status) == ("HEAD", 206) else status)
            assert answer.headers["Cache-Control"] == ("no-store" if status == 412 else answer.headers["Cache-Control"])
            assert status == 412 or answer.headers["ETag"] == f'"{asset}"'
            if status == 304:
                assert "Content-Length" not in answer.headers and "Content-Type" not in answer.headers


async def test_an_empty_file_has_no_ranges(planning: PlanningOrigin, client: Client) -> None:
    name = hashlib.sha256(b"").hexdigest()
    (planning.files.content / "assets").mkdir(exist_ok=True)
    (planning.files.content / "assets" / name).touch()
    for asked, status in (("bytes=0-", 416), ("bytes=-1", 416), ("lines=1", 200)):
        async with client.get(f"/content/assets/{name}", headers={"Range": asked}) as answer:
            assert answer.status == status
            assert status == 200 or answer.headers["Content-Range"] == "bytes */0"


async def test_a_timestamp_is_asked_for_each_time(planning: PlanningOrigin, client: Client) -> None:
    planning.files.replace("channels/main/timestamp.json", b"{}")
    tag = f'"{hashlib.sha256(b"{}").hexdigest()}"'
    async with client.get("/content/channels/main/timestamp.json") as answer:
        assert (answer.status, await answer.read()) == (200, b"{}")
        assert (answer.headers["Cache-Control"], answer.headers["ETag"]) == ("no-cache", tag)
    async with client.get("/content/channels/main/timestamp.json", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    async with client.head("/content/channels/main/timestamp.json") as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (200, "2")


async def test_roots_are_served_by_number(planning: PlanningOrigin, client: Client) -> None:
    async with client.get("/content/roots/1.json") as answer:
        assert (answer.status, await answer.read()) == (200, (planning.files.content / "roots/1.json").read_bytes())
    for name in ("0.json", "01.json", "2.json", "1", "1.json.json", "-1.json"):
        async with client.get(f"/content/roots/{name}") as answer:
            assert answer.status == 404


@pytest.mark.parametrize(
    "path",
    [
        "assets/../origin.db",
        "assets/..%2Forigin.db",
        "assets/%2e%2e%2forigin.db",
        "assets/..%5Corigin.db",
        "assets/%2Fetc%2Fpasswd",
        "assets/" + "A" * 64,
        "assets/" + "a" * 63,
        "assets/" + "a" * 64 + "%00",
        "assets/" + "a" * 64 + "%0A",
        "assets/" + "a" * 64 + "/",
        "assets/",
        "assets",
        "",
        "releases/" + "a" * 64,
        "channels/..%2Fmain/timestamp.json",
        "channels/main/..%2f..%2fkeys%2froot.key",
        "channels/main/",
        "../keys/root.key",
        "keys/root.key",
        "%2e%2e/keys/root.key",
    ],
)
async def test_no_trick_leads_out_of_the_tree(planning: PlanningOrigin, client: Client, path: str) -> None:
    async with client.get(URL(f"/content/{path}", encoded=True)) as answer:
        assert answer.status == 404
        assert answer.content_type == "application/problem+json"


async def test_a_symlink_is_never_followed(planning: PlanningOrigin, client: Client, tmp_path: Path) -> None:
    name = hashlib.sha256(b"secret").hexdigest()
    (tmp_path / "secret").write_bytes(b"secret")
    (planning.files.content / "assets").mkdir(exist_ok=True)
    (planning.files.content / "assets" / name).symlink_to(tmp_path / "secret")
    async with client.get(f"/content/assets/{name}") as answer:
        assert answer.status == 503
        assert b"secret" not in (await answer.read()).replace(b"secret cannot", b"")


async def test_a_large_asset_comes_whole_over_the_socket(planning: PlanningOrigin, client: Client) -> None:
    data = bytes(bytearray(range(251))) * 40_000
    asset = planning.put_asset(data, video=True)
    async with client.get(f"/content/assets/{asset.sha256}") as answer:
        assert hashlib.sha256(await answer.read()).hexdigest() == asset.sha256


async def test_a_client_that_hangs_up_in_the_middle_is_no_fault_of_ours(
    planning: PlanningOrigin, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    asset = planning.put_asset(bytes(16 * 1024 * 1024), video=True)
    for _ in range(3):
        reader, writer = await asyncio.open_connection(client.host, client.port, limit=1024)
        writer.write(f"GET /content/assets/{asset.sha256} HTTP/1.1\r\nHost: {client.host}\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.transport.abort()
    async with client.get(f"/content/assets/{asset.sha256}") as answer:
        assert len(await answer.read()) == asset.size_bytes
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
