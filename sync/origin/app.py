"""The composition root of the origin: which rooms there are, who knows whom, and what is open while they work."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from sync.clock import Clock
from sync.origin import __version__
from sync.origin.access import Gatekeeper
from sync.origin.database import OriginDatabase, open_origin_database
from sync.origin.devices import Devices
from sync.origin.files import Files
from sync.origin.hosts import allowed_names, check_host
from sync.origin.intake import Intake
from sync.origin.keyring import Keyring
from sync.origin.live import Live
from sync.origin.media import Media
from sync.origin.metrics import Metrics
from sync.origin.monitor import Monitor
from sync.origin.pages import add_console, harden
from sync.origin.pairing import Enrolment, Pairings
from sync.origin.pipeline import Pipeline
from sync.origin.plays import Plays
from sync.origin.settings import OriginSettings
from sync.origin.store.counts import CountStore
from sync.origin.store.devices import DeviceStore
from sync.origin.store.keys import KeyStore
from sync.origin.store.media import MediaStore
from sync.origin.store.pairings import PairingStore
from sync.origin.store.plays import PlayStore
from sync.origin.store.uploads import UploadStore
from sync.origin.uploads import Uploads
from sync.supervise import Restarts
from sync.web import BODY_CAP_BYTES, Operation, mount, problems

Run = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Origin:
    """An open origin: the HTTP application, the services to keep alive, and what the command line works on."""

    app: web.Application
    services: Mapping[str, Run]
    restarts: Restarts
    keys: KeyStore
    devices: Devices
    pairings: Pairings


@asynccontextmanager
async def open_origin(settings: OriginSettings, clock: Clock) -> AsyncIterator[Origin]:
    """Open database, folders and keys, and put the rooms together; nothing runs and nothing listens yet.

    Raises:
        StorageBroken: data_dir or the database cannot be used.
        StorageFull: there is no room.
    """
    files = Files(settings.storage.data_dir)
    files.prepare()
    keyring = Keyring(settings.storage.data_dir, files, clock)
    keyring.prepare()
    async with open_origin_database(_database_url(settings)) as database:
        yield _assemble(settings, clock, database, files, keyring)


def _assemble(
    settings: OriginSettings, clock: Clock, database: OriginDatabase, files: Files, keyring: Keyring
) -> Origin:
    restarts = Restarts()
    keys, device_store, counts = KeyStore(database), DeviceStore(database), CountStore(database)
    gatekeeper = Gatekeeper(keys, device_store, clock)
    live = Live(device_store, gatekeeper, clock)
    metrics = Metrics(counts, restarts, clock)
    monitor = Monitor(counts, files, gatekeeper, metrics, live.listeners, settings.storage.reserve_bytes, __version__)

    devices = Devices(device_store, live, clock)
    enrolment = Enrolment(settings.publish.enrolment_key, settings.publish.enrolment_channel)
    pairings = Pairings(PairingStore(database), devices, live, enrolment, keyring.root_envelope, clock)
    plays = Plays(PlayStore(database), live, metrics, clock)

    media_store = MediaStore(database, clock)
    upload_store = UploadStore(database, clock, expire_after_s=settings.uploads.expire_after_s)
    pipeline = Pipeline(media_store, files, settings, clock, changed=live.changed)
    intake = Intake(upload_store, media_store, files, settings, clock, queued=pipeline.wake, changed=live.changed)
    media = Media(media_store, files, wake=pipeline.wake, changed=live.changed)

    rooms = (gatekeeper, pairings, devices, plays, Uploads(intake), media, live, monitor)
    operations = [operation for room in rooms for operation in room.operations()]
    monitor.describe(operations)
    app = _application(settings, operations, gatekeeper, metrics, live)
    services = {"pipeline": pipeline.run, "intake": intake.run, "live": live.run}
    return Origin(app, services, restarts, keys, devices, pairings)


def _application(
    settings: OriginSettings, operations: list[Operation], gatekeeper: Gatekeeper, metrics: Metrics, live: Live
) -> web.Application:
    names = allowed_names(settings.server.host, settings.server.allowed_hosts)
    app = web.Application(middlewares=[metrics.measure, problems, check_host(names)], client_max_size=BODY_CAP_BYTES)
    mount(app, operations, gatekeeper.guard)
    add_console(app)
    app.on_response_prepare.append(harden)
    app.on_shutdown.append(lambda _: live.close())
    return app


def _database_url(settings: OriginSettings) -> str:
    return settings.storage.database_url or f"sqlite+aiosqlite:///{settings.storage.data_dir / 'origin.db'}"
