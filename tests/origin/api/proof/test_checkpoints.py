"""Checkpoints reach the origin from a real log: stored once, in order, and what does not fit is kept and named."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from player.evidence.ledger import Ledger, open_ledger
from player.proof.log_signer import LogSigner
from sync.device.origin_client import open_client
from sync.device.proof.checkpoint_uploader import LOOK_EVERY_S, CheckpointUploader
from sync.device.queue_delivery import QueueDelivery, QueueUploader
from sync.device.store.content_store import ContentStore
from sync.device.store.device_key import DeviceKeyFile
from sync.origin.store.proof.signed_logs import SignedLogStore
from sync.proof.key_request import request_key
from sync.trust.signing import SigningKey, sign_envelope
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin
from tests.player.evidence.plays import log_plays


class Screen:
    """A device with its log, signed with a key that the origin certified."""

    def __init__(self, folder: Path, server: RunningOrigin, device: str, token: str, clock: FakeClock) -> None:
        self.content = ContentStore(folder)
        self.content.make_folders()
        self.keys = DeviceKeyFile(self.content, device)
        self.server, self.device, self.token, self.clock = server, device, token, clock
        self.refused = 0

    async def certify(self) -> None:
        key = self.keys.load_or_make().key
        async with open_client(self.server.url, self.token) as client:
            certificate = await client.put_device_key(request_key(self.device, key, self.clock.now()))
        self.keys.certified(key.id, certificate, certificate.reads)

    @asynccontextmanager
    async def log(self) -> AsyncIterator[tuple[Ledger, LogSigner]]:
        async with open_ledger(self.content.state / "plays.db", self.device, self.clock) as ledger:
            yield ledger, LogSigner(ledger, self.content, self.clock, lambda _: None)

    async def deliver(self, ledger: Ledger, signer: LogSigner, *, plays: bool = True) -> None:
        """Send what waits; return when nothing does any more."""

        def refused() -> None:
            self.refused += 1

        def durable() -> int:
            return signer.head.number if signer.head else 0

        async with open_client(self.server.url, self.token) as client:
            uploads = CheckpointUploader(
                ledger.checkpoints, client, self.clock, Random(1), durable, signer.wait_for_news, refused
            )
            services = [uploads.run()]
            if plays:
                delivery = QueueDelivery(ledger.outbox, self.clock, Random(1), signer.begin_anew)
                services.append(QueueUploader(delivery, client.post_plays, self.clock).run())
            tasks = [asyncio.create_task(service) for service in services]
            async with asyncio.timeout(60):
                while await ledger.checkpoints.batch(1, 10**9) or (plays and await ledger.outbox.depth()):
                    await self.clock.advance(LOOK_EVERY_S)
                    await asyncio.sleep(0.005)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def screen(tmp_path: Path, server: RunningOrigin, clock: FakeClock) -> Screen:
    made = Screen(tmp_path / "screen", server, *await server.pair(), clock)
    await made.certify()
    return made


async def audit(screen: Screen) -> dict[str, Any]:
    found = await screen.server.ask("GET", f"/v1/plays/audit?device={screen.device}", screen.server.reader)
    return dict(found.document)


async def doubts(screen: Screen) -> list[str]:
    found = await screen.server.ask("GET", f"/v1/devices/{screen.device}", screen.server.reader)
    return list(found.document["doubts"])


def checkpoint_findings(found: dict[str, Any]) -> list[str]:
    return [one["detail"] for one in found["findings"] if one["kind"] == "checkpoint"]


async def test_a_log_and_its_checkpoints_arrive_and_fit(screen: Screen, clock: FakeClock) -> None:
    async with screen.log() as (ledger, signer):
        await signer.sign_if_due()
        for hour in range(3):
            await log_plays(ledger, 4, after=4 * hour, line="spring")
            await signer.sign_if_due(at_once=True)
        await screen.deliver(ledger, signer)
        epoch = ledger.epoch
    store = SignedLogStore(screen.server.database)
    chain = await store.chain(screen.device)
    assert [(one.number, one.log_epoch, one.first, one.last) for one in chain] == [
        (1, epoch, 1, 0),
        (2, epoch, 1, 4),
        (3, epoch, 5, 8),
        (4, epoch, 9, 12),
    ]
    assert (await store.secrets(screen.device)).keys() == {epoch}
    [(checkpoint, _)] = await store.checkpoints(screen.device, range(2, 3))
    assert (checkpoint.number, sum(each.count for each in checkpoint.counts)) == (3, 8)
    assert checkpoint.only_changed, "this origin reads it"
    found = await audit(screen)
    [view] = found["devices"]
    assert (view["checkpoints"], view["whole"]) == (0, True) and view["signed_until"] is not None
    assert (checkpoint_findings(found), await doubts(screen), screen.refused) == ([], [], 0)


async def test_repeated_and_lost_checkpoints_are_stored_once_and_asked_for(screen: Screen, clock: FakeClock) -> None:
    async with screen.log() as (ledger, signer):
        for hour in range(4):
            await log_plays(ledger, 1, after=hour)
            await signer.sign_if_due(at_once=True)
        await ledger.checkpoints.acknowledge([2, 3], before_ms=0)  # the origin lost them
        await screen.deliver(ledger, signer)
        assert [one.number for one in await SignedLogStore(screen.server.database).chain(screen.device)] == [1, 2, 3, 4]
        assert await ledger.checkpoints.queue_again(1, 4) == 4
        await screen.deliver(ledger, signer)
    assert len(await SignedLogStore(screen.server.database).chain(screen.device)) == 4
    assert await doubts(screen) == []


async def test_a_copied_folder_forks_and_the_console_says_so(
    screen: Screen, tmp_path: Path, server: RunningOrigin, clock: FakeClock
) -> None:
    async with screen.log() as (ledger, signer):
        await log_plays(ledger, 2)
        await signer.sign_if_due()

    shutil.copytree(tmp_path / "screen", tmp_path / "copy")
    copy = Screen(tmp_path / "copy", server, screen.device, screen.token, clock)
    for one in (screen, copy):
        async with one.log() as (ledger, signer):
            await log_plays(ledger, 1 if one is screen else 2, after=2)
            await signer.sign_if_due(at_once=True)
            await one.deliver(ledger, signer)
    told = await doubts(screen)
    assert any("two machines sign with the key of one screen" in sentence for sentence in told)
    found = await audit(screen)
    assert found["devices"][0]["whole"] is False
    assert any("there twice with different content" in detail for detail in checkpoint_findings(found))
    numbers = [one.number for one in await SignedLogStore(server.database).chain(screen.device)]
    assert numbers == sorted(set(numbers))  # what came first is the chain


async def test_what_no_key_of_the_device_signed_is_refused_and_the_key_asked_for(
    screen: Screen, server: RunningOrigin
) -> None:
    async with screen.log() as (ledger, signer):
        await signer.sign_if_due()
        [queued] = await ledger.checkpoints.batch(9, 9)
        envelope = json.loads(queued.envelope)
        payload = base64.b64decode(envelope["payload"])
        for raw in (
            sign_envelope(b"signage/checkpoint/1\0", payload, SigningKey.generate()),
            sign_envelope(b"signage/checkpoint/1\0", b"{}", screen.keys.load_or_make().key),
            sign_envelope(b"signage/timestamp/1\0", payload, screen.keys.load_or_make().key),
            json.dumps({**envelope, "payload": base64.b64encode(payload + b" ").decode()}).encode(),
        ):
            body = {"checkpoints": [{"envelope": json.loads(raw), "secret": queued.secret}]}
            answer = await server.ask("POST", "/v1/checkpoints", screen.token, body)
            assert [one["status"] for one in answer.document["receipts"]] == ["refused"], answer.text
        other, token = await server.pair("another")
        body = {"checkpoints": [{"envelope": envelope, "secret": queued.secret}]}
        assert (await server.ask("POST", "/v1/checkpoints", token, body)).document["receipts"][0]["status"] == "refused"
        wrong: object
        for wrong in (b"", b"{", {"checkpoints": [{}] * 2}, {"checkpoints": [body["checkpoints"][0]] * 51}):
            assert (await server.ask("POST", "/v1/checkpoints", screen.token, wrong)).status == 422
        assert await SignedLogStore(server.database).chain(screen.device) == []
        await server.origin.device_keys.revoke(screen.device, screen.keys.load_or_make().key.id, by="x", note="y")
        await screen.deliver(ledger, signer)
    assert any("was revoked" in detail for detail in checkpoint_findings(await audit(screen)))
    assert other


async def test_a_play_that_is_not_the_one_that_was_signed_is_named(screen: Screen) -> None:
    async with screen.log() as (ledger, signer):
        await log_plays(ledger, 3)
        await signer.sign_if_due()
        await log_plays(ledger, 3, after=3)
        await signer.sign_if_due(at_once=True)
        await ledger.outbox.acknowledge([6])  # it never arrives
        await screen.deliver(ledger, signer)
    [detail] = checkpoint_findings(await audit(screen))
    assert detail == "play 6 is not here, though checkpoint 2 is over it: it was lost, or was never sent"


async def test_a_log_that_ends_before_what_it_signed_is_told_until_a_person_has_dealt_with_it(
    screen: Screen, server: RunningOrigin, clock: FakeClock
) -> None:
    async with screen.log() as (ledger, signer):
        await signer.sign_if_due()
        await log_plays(ledger, 9)
        await signer.sign_if_due(at_once=True)
        await screen.deliver(ledger, signer)
        epoch = ledger.epoch

    async def beat(sequence: int) -> list[str]:
        clock.step_wall(1)
        await clock.advance(60)
        heartbeat = {"at": "2026-03-02T12:00:00Z", "version": "1", "log_epoch": epoch, "log_sequence": sequence}
        assert (await server.ask("POST", "/v1/heartbeats", screen.token, heartbeat)).status in (200, 204)
        return await doubts(screen)

    assert await beat(9) == []
    [told] = await beat(8)
    assert told.startswith("its log ends at play 8, and it signed play 9 before")
    assert await beat(9) == [told]
    await server.ask("POST", f"/v1/devices/{screen.device}/new-identity", server.writer, {})
    assert await beat(8) == []
