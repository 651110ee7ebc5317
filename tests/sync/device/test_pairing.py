"""Pairing: the code on the screen covers the root, the secret stays secret, and failures are tried again."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from aiohttp import web

from sync.device.origin_client import open_client
from sync.device.pairing import DevicePairing
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership, load_membership
from sync.device.transfer.connection import ConnectionSettings, Network
from sync.runtime.clock import SystemClock
from sync.trust.signing import SigningKey, enrolment_proof, open_envelope, pairing_code, pin_root, root_fingerprint
from sync.wire.device_reports import EnrolmentProof, PairingAnswer, PairingRequest, PairingState
from sync.wire.release import ROOT_CAP_BYTES, Timestamp
from tests.fakes import FakeClock
from tests.sync.file_tree_origin import EPOCH, Publisher


class PairingServer:
    """The origin's side of pairing, on a real socket."""

    def __init__(self, publisher: Publisher) -> None:
        self.envelope = open_envelope(publisher.root, ROOT_CAP_BYTES)
        self.requests: list[PairingRequest] = []
        self.answers: list[PairingState | int] = []
        self.polls: list[str] = []
        self.down = 0
        self.url = ""
        self.takes_proof = True
        self.proofs: list[int] = []
        self.proved: list[tuple[str, str, EnrolmentProof]] = []

    async def begin(self, request: web.Request) -> web.Response:
        if self.down:
            self.down -= 1
            return web.Response(status=503, headers={"Retry-After": "7"})
        self.requests.append(PairingRequest.model_validate_json(await request.read()))
        answer = PairingAnswer(pairing=f"p{len(self.requests)}", root=self.envelope, expires_at=EPOCH)
        answer = answer.model_copy(update={"takes_proof": self.takes_proof})
        return web.Response(text=answer.model_dump_json(), content_type="application/json")

    async def prove(self, request: web.Request) -> web.Response:
        proof = EnrolmentProof.model_validate_json(await request.read())
        self.proved.append((request.match_info["id"], request.headers["Authorization"], proof))
        return web.json_response({"detail": KEYS_DIFFER}, status=self.proofs.pop(0))

    async def poll(self, request: web.Request) -> web.Response:
        self.polls.append(request.headers["Authorization"])
        state = self.answers.pop(0) if self.answers else PairingState(status="waiting")
        if isinstance(state, int):
            return web.Response(status=state)
        return web.Response(text=state.model_dump_json(), content_type="application/json")


@asynccontextmanager
async def pairing_server(publisher: Publisher) -> AsyncIterator[PairingServer]:
    server = PairingServer(publisher)
    app = web.Application()
    app.router.add_post("/v1/pairings", server.begin)
    app.router.add_get("/v1/pairings/{id}", server.poll)
    app.router.add_post("/v1/pairings/{id}/proof", server.prove)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


PAIRED = PairingState(status="paired", device="d1", token="s3cret", channel="main")
WAITING = PairingState(status="waiting")
EXPIRED = PairingState(status="expired")


async def paired_with(
    server: PairingServer,
    store: ContentStore,
    codes: list[str | None],
    *,
    enrolment_key: str | None = None,
    fingerprint: str | None = None,
    problems: list[str] | None = None,
) -> DeviceMembership:
    clock = FakeClock()
    report = ([] if problems is None else problems).append
    async with open_client(server.url, None, Network(ConnectionSettings(fingerprint=fingerprint))) as client:
        pairing = DevicePairing(client, store, clock, Random(3), "Window left", enrolment_key, codes.append, report)
        task = asyncio.create_task(pairing.run())
        async with asyncio.timeout(60):
            while not task.done():
                await clock.advance(1)
                await SystemClock().sleep(0.002)
        return await task


async def test_the_screen_shows_the_code_until_a_person_approves_it(store: ContentStore, tmp_path: Path) -> None:
    async with pairing_server(Publisher(tmp_path / "tree")) as origin:
        origin.answers = [WAITING, WAITING, PAIRED]
        codes: list[str | None] = []
        membership = await paired_with(origin, store, codes)
    assert membership == DeviceMembership(device="d1", token="s3cret", channel="main", origin=origin.url)
    assert load_membership(store) == membership
    secret = origin.requests[0].secret
    assert codes == [pairing_code(origin.envelope, secret)] * 2 + [None]
    assert set(origin.polls) == {f"Bearer {secret}"}
    root = store.root()
    assert root is not None
    assert root.version == 1


async def test_the_token_is_readable_by_its_owner_only(store: ContentStore, tmp_path: Path) -> None:
    async with pairing_server(Publisher(tmp_path / "tree")) as origin:
        origin.answers = [PAIRED]
        await paired_with(origin, store, [])
    assert stat.S_IMODE((store.state / "membership.json").stat().st_mode) == 0o600


KEY = "a key of the whole fleet"
KEYS_DIFFER = "the enrolment key of this device is not that of the origin"


async def test_a_device_proves_that_it_knows_the_key_and_never_sends_it(store: ContentStore, tmp_path: Path) -> None:
    async with pairing_server(Publisher(tmp_path / "tree")) as origin:
        origin.proofs, origin.answers = [204], [PAIRED]
        codes: list[str | None] = []
        await paired_with(origin, store, codes, enrolment_key=KEY)
    assert codes == [None]
    (request,), root = origin.requests, store.root()
    assert root is not None and request.enrolment_key is None
    proof = EnrolmentProof(url=origin.url, proof=enrolment_proof(KEY, root, request.secret, origin.url))
    assert origin.proved == [("p1", f"Bearer {request.secret}", proof)]


async def test_a_proof_whose_answer_is_lost_is_sent_again(store: ContentStore, tmp_path: Path) -> None:
    async with pairing_server(Publisher(tmp_path / "tree")) as origin:
        origin.proofs, origin.answers = [502, 429, 204], [PAIRED]
        await paired_with(origin, store, [], enrolment_key=KEY)
    assert [pairing for pairing, *_ in origin.proved] == ["p1"] * 3


async def test_a_device_with_another_key_shows_a_code_says_so_and_tries_again_later(
    store: ContentStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with pairing_server(Publisher(tmp_path / "tree")) as origin:
        origin.proofs, origin.answers = [403, 404], [WAITING, WAITING, EXPIRED, WAITING, PAIRED]
        codes: list[str | None] = []
        problems: list[str] = []
        await paired_with(origin, store, codes, enrolment_key=KEY, problems=problems)
    assert [pairing for pairing, *_ in origin.proved] == ["p1", "p3"]
    assert {code for code in codes if code} == {
        pairing_code(origin.envelope, origin.requests[number].secret) for number in (1, 3)
    }
    assert KEYS_DIFFER in problems[0] and problems[0].startswith("A person has to enter the code: ")
    assert len([record for record in caplog.records if KEYS_DIFFER in record.getMessage()]) == 1


@pytest.mark.parametrize(
    ("takes_proof", "private", "fingerprint", "reason"),
    [
        (False, True, None, "the origin takes no proof of the enrolment key"),  # an older one, or a false one
        (True, False, None, "the enrolment key is not used over plain HTTP"),
        (True, False, "right", None),
        (True, True, "right", None),
    ],
)
async def test_where_a_proof_is_of_no_use_or_not_safe_the_screen_shows_a_code(
    store: ContentStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    takes_proof: bool,
    private: bool,
    fingerprint: str | None,
    reason: str | None,
) -> None:
    monkeypatch.setattr("sync.device.transfer.connection.Network.is_private", lambda self, url: private)
    async with pairing_server(Publisher(tmp_path / "tree")) as origin:
        origin.takes_proof, origin.proofs, origin.answers = takes_proof, [204], [WAITING, PAIRED]
        told = fingerprint and root_fingerprint(pin_root(origin.envelope))
        problems: list[str] = []
        codes: list[str | None] = []
        await paired_with(origin, store, codes, enrolment_key=KEY, fingerprint=told, problems=problems)
    assert bool(origin.proved) is (reason is None)
    assert codes[0] == pairing_code(origin.envelope, origin.requests[0].secret)  # it waited once
    assert origin.requests[0].enrolment_key is None
    assert (reason or "") in problems[0]


async def test_an_origin_with_another_fingerprint_gets_nothing(store: ContentStore, tmp_path: Path) -> None:
    clock, problems = FakeClock(), list[str]()
    network = Network(ConnectionSettings(fingerprint="a" * 64))
    async with (
        pairing_server(Publisher(tmp_path / "tree")) as origin,
        open_client(origin.url, None, network) as client,
    ):
        pairing = DevicePairing(client, store, clock, Random(3), "x", KEY, lambda code: None, problems.append)
        task = asyncio.create_task(pairing.run())
        while len(origin.requests) < 3:
            await clock.advance(1)
            await SystemClock().sleep(0.002)
        task.cancel()
    assert (store.root(), origin.polls, origin.proved) == (None, [], [])
    assert "another origin answers" in problems[0] and "origin.fingerprint" in problems[0]


@pytest.mark.parametrize("token", ["a\r\nX: y", "a\x00", "caf\u00e9", "a b", "", "a" * 600])
async def test_a_token_that_no_header_can_hold_is_never_kept(store: ContentStore, tmp_path: Path, token: str) -> None:
    async with pairing_server(Publisher(tmp_path / "origin")) as server:
        server.answers = [PAIRED.model_copy(update={"token": token}), PAIRED]
        assert (await paired_with(server, store, [])).token == PAIRED.token


@pytest.mark.parametrize("end", [PairingState(status="expired"), 404])
async def test_after_an_expired_pairing_the_device_asks_with_another_secret(
    store: ContentStore, tmp_path: Path, end: PairingState | int
) -> None:
    async with pairing_server(Publisher(tmp_path / "tree")) as origin:
        origin.answers = [WAITING, end, WAITING, PAIRED]
        codes: list[str | None] = []
        await paired_with(origin, store, codes)
    assert len({request.secret for request in origin.requests}) == 2
    assert len({code for code in codes if code}) == 2


async def test_an_origin_that_does_not_answer_or_fails_is_asked_again(store: ContentStore, tmp_path: Path) -> None:
    async with pairing_server(Publisher(tmp_path / "tree")) as origin:
        origin.down = 3
        origin.answers = [500, WAITING, 502, PAIRED]
        membership = await paired_with(origin, store, [])
    assert membership.device == "d1"


async def test_a_root_that_did_not_sign_itself_is_never_pinned(store: ContentStore, tmp_path: Path) -> None:
    publisher = Publisher(tmp_path / "tree")
    async with pairing_server(publisher) as origin:
        good = origin.envelope
        forged = publisher.sign_root(1, SigningKey.generate())
        origin.envelope = open_envelope(forged, ROOT_CAP_BYTES)
        origin.answers = [PAIRED]
        clock = FakeClock()
        async with open_client(origin.url) as client:
            pairing = DevicePairing(client, store, clock, Random(3), "x", None, lambda code: None)
            task = asyncio.create_task(pairing.run())
            while len(origin.requests) < 3:
                await clock.advance(1)
                await SystemClock().sleep(0.002)
            assert store.root() is None
            assert origin.polls == []
            origin.envelope = good
            while not task.done():
                await clock.advance(1)
                await SystemClock().sleep(0.002)
            assert (await task).device == "d1"


async def test_a_damaged_membership_means_pairing_again(store: ContentStore) -> None:
    assert load_membership(store) is None
    (store.state / "membership.json").write_bytes(b'{"device": 3')
    assert load_membership(store) is None


async def test_pairing_with_another_origin_clears_the_floors_and_with_the_same_one_does_not(
    store: ContentStore, tmp_path: Path
) -> None:
    old, new = Publisher(tmp_path / "old"), Publisher(tmp_path / "new")
    floor = Timestamp(channel="main", sequence=9, release="a" * 64, release_bytes=1, issued_at=EPOCH, expires_at=EPOCH)
    for publisher, kept in ((old, False), (old, True), (new, False)):
        async with pairing_server(publisher) as origin:
            origin.answers = [PAIRED]
            await paired_with(origin, store, [])
        assert (store.floor("main") is not None) is kept
        clock, root = FakeClock(), store.root()
        assert root is not None
        assert store.known("main", root, clock).minimum_sequence == 0
        store.raise_floor(floor, root, clock)


async def test_a_pairing_that_cannot_be_saved_is_saved_later_and_makes_no_second_device(
    tmp_path: Path, store: ContentStore
) -> None:
    problems: list[str] = []
    away = store.state.with_name("away")
    store.state.rename(away)

    def tell(problem: str) -> None:
        problems.append(problem)
        if len(problems) == 5:
            away.rename(store.state)

    async with pairing_server(Publisher(tmp_path)) as server:
        server.answers += [PAIRED]
        async with open_client(server.url) as client:
            clock = FakeClock()
            pairing = DevicePairing(client, store, clock, Random(3), "x", None, lambda _: None, tell)
            task = asyncio.create_task(pairing.run())
            while not task.done():
                await clock.advance(60)
                await SystemClock().sleep(0.002)
    assert (await task).device == "d1" and load_membership(store) == await task
    assert "Pairing waits" in problems[1] and "no such file or folder" in problems[1]
    assert (len(server.requests), len(server.polls)) == (1, 1)
