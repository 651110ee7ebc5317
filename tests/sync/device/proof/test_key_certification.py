"""The key of a device: made on it, certified by a real origin, rotated, revoked, lost, and told to nobody."""

import asyncio
import json
import logging
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from sync.device.origin_client import open_client
from sync.device.proof.key_certification import AFTER_FAILURE_S, ASK_AGAIN_S, KeyCertification
from sync.device.store.content_store import ContentStore
from sync.device.store.device_key import DeviceKeyFile, StoredKey, key_file
from sync.device.store.file_report import file_problems
from sync.device.store.membership import DeviceMembership, save_membership
from sync.proof.checkpoint import READS_CHANGED_COUNTS
from sync.proof.key_request import request_key
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in


class Screen:
    """A paired device that runs the service alone."""

    def __init__(self, folder: Path, url: str, device: str, token: str, clock: FakeClock) -> None:
        self.content = ContentStore(folder)
        self.content.make_folders()
        self.keys = DeviceKeyFile(self.content, device)
        self.url, self.device, self.token, self.clock = url, device, token, clock
        self.told = 0  # how often another key could sign

    def _may_sign(self) -> None:
        self.told += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[KeyCertification]:
        async with open_client(self.url, self.token) as client:
            service = KeyCertification(client, self.content, self.keys, self.device, self.clock, self._may_sign)
            task = asyncio.create_task(service.run())
            try:
                yield service
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def stored(self) -> StoredKey:
        found = self.keys.load()
        assert found is not None
        return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.005)


async def until_certified(service: KeyCertification, *, other_than: str = "") -> str:
    """Wait for the certificate of a key; return the id of the key."""
    await until(lambda: service.state.certified and not service.state.replacing and service.state.id != other_than)
    return service.state.id


@pytest.fixture
async def origin(tmp_path: Path, clock: FakeClock) -> AsyncIterator[RunningOrigin]:
    async with running_origin(settings_in(tmp_path / "origin"), clock) as opened:
        yield opened


@pytest.fixture
async def screen(tmp_path: Path, origin: RunningOrigin, clock: FakeClock) -> Screen:
    device, token = await origin.pair()
    paired = Screen(tmp_path / "screen", origin.url, device, token, clock)
    membership = DeviceMembership(device=device, token=token, channel="main", origin=origin.url)
    save_membership(paired.content, origin.origin.keyring.root_envelope(), membership)
    return paired


async def keys_of(origin: RunningOrigin, screen: Screen) -> list[str]:
    return [one.key for one in (await origin.origin.device_keys.keys(screen.device)).keys]


async def test_a_key_is_made_certified_and_kept(origin: RunningOrigin, screen: Screen) -> None:
    async with screen.running() as service:
        await until_certified(service)
    assert await keys_of(origin, screen) == [service.state.id] == [screen.stored().key.id]
    assert screen.told == 1
    assert screen.stored().origin_reads == (READS_CHANGED_COUNTS,)
    file = key_file(screen.content)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file.path, file.copy)] == [0o600, 0o600]
    file.path.unlink()  # one of both is enough
    async with screen.running() as service:
        await until_certified(service)
    assert await keys_of(origin, screen) == [service.state.id]
    assert screen.told == 1, "it is the same key"


async def test_a_rotation_is_signed_by_both_keys_and_the_old_one_signs_until_it_is_certified(
    origin: RunningOrigin, screen: Screen
) -> None:
    async with screen.running() as service:
        await until_certified(service)
        old = screen.stored()
    waiting = screen.keys.prepare_next()  # the device is offline
    assert (waiting.key.id, waiting.certificate) == (old.key.id, old.certificate)
    assert screen.keys.prepare_next() == waiting
    async with screen.running() as service:
        await until_certified(service)
        assert waiting.next_key is not None and service.state.id == waiting.next_key.id
    told = (await origin.origin.device_keys.keys(screen.device)).keys
    assert [(one.key, one.replaces, one.proven) for one in told] == [
        (old.key.id, None, False),
        (service.state.id, old.key.id, True),
    ]
    async with screen.running() as service:
        before = await until_certified(service)
        await service.rotate()  # while it is online
        await until_certified(service, other_than=before)


async def test_a_revoked_key_is_replaced_at_the_next_exchange(
    origin: RunningOrigin, screen: Screen, clock: FakeClock
) -> None:
    async with screen.running() as service:
        await until_certified(service)
        old = service.state.id
        await origin.origin.device_keys.revoke(screen.device, old, by="somebody", note="the card was stolen")
        await clock.advance(ASK_AGAIN_S)
        assert await until_certified(service, other_than=old) == screen.stored().key.id
    assert await keys_of(origin, screen) == [old, service.state.id]


async def test_a_lost_or_damaged_key_is_made_anew_and_one_that_cannot_be_read_is_not(
    origin: RunningOrigin, screen: Screen, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    file = key_file(screen.content)
    async with screen.running() as service:
        await until_certified(service)
    for path in (file.path, file.copy):
        path.write_bytes(b"{")
    assert screen.keys.is_damaged() and screen.keys.load() is None and not caplog.records, "nothing is made by looking"
    assert any("device_key.json is damaged" in problem for problem in file_problems(screen.content))
    async with screen.running() as service:
        made = await until_certified(service)
    assert (await keys_of(origin, screen))[1] == screen.stored().key.id == made
    [line] = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert line == f"{file.path} is damaged: key={made[:16]} is made in its place" and not screen.keys.is_damaged()
    for path in (file.path, file.copy):
        path.unlink()
        path.mkdir()
    async with screen.running() as service:
        await until(lambda: "device_key.json" in service.state.waits)
        for path in (file.path, file.copy):
            path.rmdir()
        await clock.advance(AFTER_FAILURE_S)
        await until_certified(service)
    assert len(await keys_of(origin, screen)) == 3


@pytest.mark.parametrize("status", [404, 405])
async def test_with_an_older_origin_plays_go_on_unsigned_and_it_is_asked_again(
    screen: Screen, origin: RunningOrigin, clock: FakeClock, status: int
) -> None:
    asked = list[str]()

    async def older(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"detail": "there is nothing here"}, status=status)

    app = web.Application()
    app.router.add_put("/{path:.*}", older)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    screen.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with screen.running() as service:
        await until(lambda: str(status) in service.state.waits)
        assert (service.state.certified, screen.stored().certificate, len(asked)) == (False, None, 1)
        await clock.advance(ASK_AGAIN_S - 1)
        assert len(asked) == 1
        await clock.advance(1)
        await until(lambda: len(asked) == 2)
    await runner.cleanup()
    screen.url = origin.url  # it was updated
    async with screen.running() as service:
        await until_certified(service)


async def test_another_device_id_gets_another_key(origin: RunningOrigin, screen: Screen) -> None:
    first = screen.keys.load_or_make()
    other = DeviceKeyFile(screen.content, "another")
    assert other.load() is None and other.load_or_make().key.id != first.key.id
    assert screen.keys.load() is None


def test_no_text_shows_the_private_part(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    content = ContentStore(tmp_path)
    content.make_folders()
    stored = DeviceKeyFile(content, "screen").load_or_make()
    certificate = request_key("screen", stored.key, FakeClock().now())  # an envelope
    DeviceKeyFile(content, "screen").certified(stored.key.id, certificate)
    stored = DeviceKeyFile(content, "screen").prepare_next()
    document = json.loads(key_file(content).path.read_bytes())
    secrets = [document["secret"], document["next_secret"]]
    told = [repr(stored), str(stored), *file_problems(content)]
    raw = json.dumps(document).encode()
    for old, new in ((b"}", b""), (b"=", b""), (b"screen", b"/"), (b"{", b"x{"), (b":", b",")):
        damaged = raw.replace(old, new)
        key_file(content).path.write_bytes(damaged)
        key_file(content).copy.write_bytes(damaged)
        told += [str(key_file(content).find().fault), *file_problems(content)]
    shown = "\n".join([*told, caplog.text])
    assert "device_key.json" in caplog.text
    assert not [secret for secret in secrets if secret in shown or secret[:12] in shown]
