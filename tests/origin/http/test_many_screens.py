"""A venue with hundreds of screens behind one address, while a stranger holds every connection that it can get."""

import asyncio
import resource
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr

from sync.device.origin_client import open_client
from sync.http.listening_socket import ConnectionLimits
from sync.origin.settings.model import PublishSettings, ServerSettings
from sync.trust.signing import enrolment_proof, pin_root
from sync.wire.device_reports import EnrolmentProof, PairingRequest
from tests.fakes import FakeClock
from tests.long_tables import in_bench
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in

STRANGERS = 800
LIMITS = ConnectionLimits(most=STRANGERS + 600, most_of_one=STRANGERS)
KEY = "a key of the whole fleet"


@pytest.fixture
async def origin(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningOrigin]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8_192), hard))
    monkeypatch.setattr("sync.http.listener.limits_for_descriptors", lambda _: LIMITS)
    settings = settings_in(tmp_path, publish=PublishSettings(enrolment_key=SecretStr(KEY)))
    settings = settings.model_copy(update={"server": ServerSettings(port=0, trusted_proxies=())})
    async with running_origin(settings, clock) as server:
        yield server
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def pair(url: str) -> str:
    async with open_client(url) as client:
        secret = secrets.token_hex(32)
        asked = await client.start_pairing(PairingRequest(name="screen", secret=secret))
        proof = enrolment_proof(KEY, pin_root(asked.root), secret, url)
        await client.prove_enrolment(asked.pairing, secret, EnrolmentProof(url=url, proof=proof))
        state = await client.pairing(asked.pairing, secret)
        assert state.token is not None
        return state.token


async def hold(url: str) -> list[asyncio.StreamWriter]:
    """Hold every connection that a stranger at another address gets."""
    host, port = url.removeprefix("http://").split(":")
    opened = [await asyncio.open_connection(host, int(port), local_addr=("127.0.0.2", 0)) for _ in range(LIMITS.most)]
    return [writer for _, writer in opened]


@pytest.mark.parametrize(
    "screens", [40, *in_bench(500)]
)  # 500: pairing and two reconnections took 52 s on two busy cores
async def test_a_venue_pairs_and_reconnects_while_a_stranger_holds_what_it_can(
    origin: RunningOrigin, screens: int
) -> None:
    held = await hold(origin.url)
    tokens = await asyncio.gather(*(pair(origin.url) for _ in range(screens)))
    for _ in range(2):  # the second time as after a power cut of the venue
        async with AsyncExitStack() as stack:

            async def listen(token: str, stack: AsyncExitStack = stack) -> None:
                session = ClientSession(origin.url, headers={"Authorization": f"Bearer {token}"})
                await stack.enter_async_context(session)
                await stack.enter_async_context(session.ws_connect("/v1/live"))
                async with session.get("/v1/device") as answer:
                    assert answer.status == 200

            await asyncio.gather(*map(listen, tokens))
    for writer in held:
        writer.close()
