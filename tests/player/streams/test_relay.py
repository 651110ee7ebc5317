"""The relay to RTSP and RTMP servers: what ffmpeg reads of their answers, where they may lead, and whom it trusts."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from player.streams.relay import open_relay
from sync.device.transfer.connection import ConnectionSettings, Network
from tests.player.stream_servers import free_port
from tests.player.streams.test_gateway import (
    OTHER_MACHINE,
    changing_name,
    device_endpoint,
    ffmpeg_output,
    open_site,
    own_lan_address,
)
from tests.sync.certificates import make_company
from tests.sync.counting_gate import counting_gate

OPTIONS = b"OPTIONS rtsp://x RTSP/1.0\r\nCSeq: 1\r\n\r\n"
OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n"


@asynccontextmanager
async def server(
    answer: bytes, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answer the first piece of each connection with `answer`, and close it; yields the port and what came."""
    got: list[bytes] = []
    tasks = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with suppress(ConnectionError):
            got.append(await reader.read(4096))
            writer.write(answer)
            writer.close()
            await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", port, ssl=tls) as serving:
        yield serving.sockets[0].getsockname()[1], got
        await asyncio.gather(*filter(None, tasks))


async def through(
    url: str,
    *sent: bytes,
    network: Network | None = None,
    own_ports: Callable[[int], bool] = lambda _: True,
) -> tuple[bytes, list[str]]:
    """Return what comes back through a relay for what is sent, each piece on its connection, and what was refused."""
    refused: list[str] = []
    got = b""
    async with open_relay(url, network or Network(), own_ports, refused.append) as address:
        for piece in sent:
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(address).port)
            writer.write(piece)
            with suppress(ConnectionError):
                got += await asyncio.wait_for(reader.read(), 60)
            writer.close()
    return got, refused


async def test_what_a_server_sends_through_the_relay_is_counted() -> None:
    network = Network()
    async with server(OK + b"\r\n") as (port, _), counting_gate(port) as gate:
        got, _ = await through(f"rtsp://127.0.0.1:{gate.port}/x", OPTIONS, network=network)
        assert network.meter.take() == (gate.up, gate.down + 1) == (len(OPTIONS), len(got) + 1), "an end counts as one"


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"\r\n",
        OK + b"Content-Length: 5\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n",
        OK.replace(b"\r\n", b"\n") + b"\n",
        b"$\x00\x00\x04RTSP" + OK + b"\r\n",
        b'RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="x"\r\n\r\n',
        b"GET_PARAMETER * RTSP/1.0\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nLocation: rtsp://127.0.0.1/\r\n\r\n",  # ffmpeg follows none of a success
        b"\r\n" + OK + b"\r\n",
    ],
)
async def test_answers_of_a_server_pass(answer: bytes) -> None:
    async with server(answer) as (port, _):
        got, refused = await through(f"rtsp://127.0.0.1:{port}/x", OPTIONS)
    assert got.replace(b"\r", b"") == answer.replace(b"\r", b"") and not refused


@pytest.mark.parametrize(
    "answer",
    [
        b" RTSP/1.0 302 Found\r\nLocation: rtsp://127.0.0.1:1/\r\n\r\n",
        b"RTSP/1.0\t302 Found\nLocation: rtsp://127.0.0.1:1/\n\n",
        b"RTSP/1.0 +302 Found\r\nLocation: rtsp://127.0.0.1:1/\r\n\r\n",
        b"RTSP/1.0 302\r\n\r\n",
        b"RTSP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
        b"RTSP/1.0 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"RTSP/1.0 302 Found\r\nLocation: rtsp://[\r\n\r\n",
        b"RTSP/1.0 302 Found\r\nLocation: rtsp://a:99999999/\r\n\r\n",
        b"RTSP/1.0 302 Found\r\nLocation: //127.0.0.1:1/\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 4\r\nContent-Length: 0\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 9999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nX: \x00\r\nLocation: rtsp://127.0.0.1:1/\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nX: " + b"a" * 5000 + b"\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nX: " + b"a" * 70_000,
        b"RTSP/1.0 200 OK\r\n" + b"X: 1\r\n" * 200,
        b"HTTP/1.1 302 Found\r\nLocation: rtsp://127.0.0.1:1/\r\n\r\n",
        b"\x7fELF\n\n",
    ],
)  # fmt: skip
async def test_what_could_be_read_in_two_ways_or_leads_away_does_not_pass(answer: bytes) -> None:
    async with server(answer) as (port, _):
        got, refused = await through(f"rtsp://eve:hush@127.0.0.1:{port}/x", OPTIONS)
    assert got == b"" and len(refused) == 1 and "cannot be read as RTSP" in refused[0] and "hush" not in refused[0]


@pytest.mark.parametrize("name", [b"\tContent-Length", b"\x85Content-Length", b"X Content-Length", b"$Content-Length"])
async def test_what_ffmpeg_would_not_read_as_the_length_of_a_body_hides_no_redirect_in_it(name: bytes) -> None:
    hidden = b"RTSP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"
    async with server(OK + name + b": %d\r\n\r\n" % len(hidden) + hidden) as (port, _):
        got, refused = await through(f"rtsp://127.0.0.1:{port}/x", OPTIONS)
    assert got == OK + b"\r\n" and "cannot be read as RTSP" in refused[0]


async def test_a_redirect_leads_through_the_relay_again_and_never_to_this_device() -> None:
    with device_endpoint() as (own, asked):
        async with server(OK + b"\r\n") as (second, _):
            for host, port, passes in (("127.0.0.1", second, True), ("localhost", own, False), ("[::1]", own, False)):
                location = f"rtsp://{host}:{port}/other?a=b"
                async with server(f"RTSP/1.0 302 Found\r\nLocation: {location}\r\n\r\n".encode()) as (first, _):
                    url = f"rtsp://127.0.0.1:{first}/x"
                    got, refused = await through(url, OPTIONS, OPTIONS, own_ports=lambda port: port != own)
                assert b"/other?a=b" in got and f":{port}/".encode() not in got
                assert (OK in got) is passes and bool(refused) is not passes
        assert asked == []


@pytest.mark.parametrize(
    ("location", "login"),
    [
        ("rtsp://127.0.0.1:{port}/y", "eve:hush"),
        ("rtsps://127.0.0.1:{port}/y", ":"),
        ("rtsp://localhost:{port}/y", ":"),
        ("rtsp://127.0.0.1:9/y", ":"),
        ("rtsp://@127.0.0.1:9/y", ":"),
        ("rtsp://bob:own@127.0.0.1:9/y", "bob:own"),
    ],
)
async def test_a_redirect_takes_the_password_of_an_address_to_its_own_server_alone(location: str, login: str) -> None:
    port = free_port()
    answer = f"RTSP/1.0 302 Found\r\nLocation: {location.format(port=port)}\r\n\r\n".encode()
    async with server(answer, port=port):
        got, _ = await through(f"rtsp://eve:hush@127.0.0.1:{port}/x", OPTIONS)
    assert f"Location: rtsp://{login}@127.0.0.1:".encode() in got


async def test_ffmpeg_gives_no_password_to_a_server_that_it_is_led_to() -> None:
    wants = b'RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'
    async with server(wants) as (second, got):
        led = f"RTSP/1.0 302 Found\r\nLocation: rtsp://127.0.0.1:{second}/x\r\n\r\n".encode()
        async with server(led) as (first, _), open_site(ports=(first, second)) as (_, gateway):
            assert await ffmpeg_output(gateway, f"rtsp://eve:hush@127.0.0.1:{first}/x") == b""
    assert got and b"ZXZlOmh1c2g=" not in b"".join(got)  # eve:hush


async def test_redirects_end() -> None:
    async with server(b"RTSP/1.0 301 Moved\r\nLocation: rtsp://127.0.0.1:9/x\r\n\r\n") as (port, _):
        _, refused = await through(f"rtsp://127.0.0.1:{port}/x", OPTIONS, OPTIONS)
    assert "no program listens" in refused[0]
    port = free_port()
    async with server(b"RTSP/1.0 301 Moved\r\nLocation: rtsp://127.0.0.1:%d/x\r\n\r\n" % port, port=port):
        _, refused = await through(f"rtsp://127.0.0.1:{port}/x", *[OPTIONS] * 10)
    assert "one redirect too many" in refused[0]


async def test_once_it_plays_bytes_pass_as_they_are() -> None:
    async with server(OK + b"\r\n$\x00\xff\xff") as (port, got):
        back, refused = await through(f"rtsp://127.0.0.1:{port}/x", b"PLAY rtsp://x RTSP/1.0\r\n\r\n")
    assert back == OK + b"\r\n$\x00\xff\xff" and not refused and got


async def test_ffmpeg_is_not_led_to_this_device_by_a_server_of_rtsp() -> None:
    with device_endpoint() as (own, asked):
        answer = f"RTSP/1.0 302 Found\r\nLocation: rtsp://{own_lan_address()}:{own}/x\r\n\r\n".encode()
        async with server(answer) as (port, got), open_site(ports=(port,)) as (_, gateway):
            url = f"rtsp://127.0.0.1:{port}/x"
            assert await ffmpeg_output(gateway, url) == b""
            assert "address of this device" in gateway.refusal(url) and got
        assert asked == []


@pytest.mark.parametrize("url", ["rtsp://localhost/x", "rtmp://[::1]/a/b", "rtsps://127.1/x", "rtmps://0/a/b"])
async def test_nothing_on_this_device_is_reached(url: str) -> None:
    _, refused = await through(url, OPTIONS, own_ports=lambda _: False)
    assert "address of this device" in refused[0]


async def test_a_name_that_leads_elsewhere_after_the_look_up_never_reaches_this_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with changing_name(OK + b"\r\n", monkeypatch) as (name, asked):
        got, refused = await through(f"rtsp://{name}/x", *[OPTIONS] * 4, own_ports=lambda _: False)
    assert (got, len(refused), asked) == ((OK + b"\r\n") * 2, 2, [OTHER_MACHINE] * 2)


async def test_a_name_that_is_not_known_is_said() -> None:
    _, refused = await through("rtsp://eve:hush@no.such.host.invalid/door", OPTIONS)
    assert "the name of the host is not known" in refused[0] and "hush" not in refused[0]


@pytest.mark.parametrize("scheme", ["rtsps", "rtmps"])
async def test_certificates_are_verified_as_the_settings_say(scheme: str, tmp_path: Path) -> None:
    company = make_company(tmp_path)
    trusting = Network(ConnectionSettings(ca_certificates=company.file))
    camera = company.server("127.0.0.1", signed_by_itself=True)
    for tls, network, why in (
        (company.server("127.0.0.1"), trusting, ""),
        (company.server("127.0.0.1"), Network(), "certificate is not trusted"),
        (company.server("localhost"), trusting, "certificate is not trusted"),
        (camera, Network(), "signed by itself"),
        (camera, Network(), "put it into a file, as PEM, and name that in `origin.ca_certificates`"),
        (camera, trusting, f"add it to {company.file}, the file of `origin.ca_certificates`"),
        (camera, Network(ConnectionSettings(ca_certificates=tmp_path / "camera.pem")), ""),
        (None, trusting, "no secure connection"),
    ):
        async with server(OK + b"\r\n", tls) as (port, got):
            back, refused = await through(f"{scheme}://eve:hush@127.0.0.1:{port}/live/x", OPTIONS, network=network)
        assert back == (b"" if why else OK + b"\r\n") and why in "".join(refused) and "hush" not in "".join(refused)
        assert got == ([] if why and tls else [OPTIONS]) or tls is None
    _, refused = await through(f"{scheme}://127.0.0.1/x", OPTIONS, network=_without_certificates(tmp_path))
    assert "origin.ca_certificates" in refused[0]


def _without_certificates(folder: Path) -> Network:
    return Network(ConnectionSettings(ca_certificates=folder / "none.pem"))
