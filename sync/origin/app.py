"""The composition root of the origin: which rooms there are, who knows whom, and what is open while they work."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from sync.clock import Clock
from sync.origin import __version__
from sync.origin.access import Gatekeeper
from sync.origin.auditing import Auditing
from sync.origin.clearing import Clearer
from sync.origin.content import Content
from sync.origin.database import OriginDatabase, open_origin_database
from sync.origin.devices import Devices
from sync.origin.documents import CAMPAIGNS, PLAYLISTS, Documents
from sync.origin.files import Files
from sync.origin.folder import Rooms
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
from sync.origin.publish import Publisher
from sync.origin.releases import Releases
from sync.origin.retention import Rule
from sync.origin.schedule import Schedules
from sync.origin.settings import OriginSettings
from sync.origin.storage import Storage
from sync.origin.store.campaigns import CampaignStore
from sync.origin.store.chain import ChainStore
from sync.origin.store.counts import CountStore
from sync.origin.store.devices import DeviceStore
from sync.origin.store.keys import KeyStore
from sync.origin.store.media import MediaStore
from sync.origin.store.pairings import PairingStore
from sync.origin.store.playlists import PlaylistStore
from sync.origin.store.plays import PlayStore
from sync.origin.store.releases import ReleaseStore
from sync.origin.store.retention import RetentionStore
from sync.origin.store.schedule import ScheduleStore
from sync.origin.store.uploads import UploadStore
from sync.origin.survey import Survey
from sync.origin.uploads import Uploads
from sync.supervise import Restarts
from sync.web import BODY_CAP_BYTES, Operation, mount, problems

Run = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Origin:
    """An open origin: the HTTP application, the services to keep alive, and what the command line works on."""

    app: web.Application
    services: Mapping[str, Run]
    restarts: Restarts
    keys: KeyStore
    devices: Devices
    pairings: Pairings
    live: Live
    rooms: Rooms
    pipeline: Pipeline
    clearer: Clearer


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
    restarts, reserve_bytes = Restarts(), settings.storage.reserve_bytes
    keys, device_store, counts = KeyStore(database), DeviceStore(database), CountStore(database)
    gatekeeper = Gatekeeper(keys, device_store, clock)
    live = Live(device_store, gatekeeper, clock)
    metrics = Metrics(counts, restarts, clock)
    monitor = Monitor(counts, files, gatekeeper, metrics, live.listeners, reserve_bytes, __version__)

    devices = Devices(device_store, live, clock)
    enrolment = Enrolment(settings.publish.enrolment_key, settings.publish.enrolment_channel)
    pairings = Pairings(PairingStore(database), devices, live, enrolment, keyring.root_envelope, clock)
    plays = Plays(PlayStore(database), live, metrics, clock)

    pipeline = Pipeline(MediaStore(database, clock), files, settings, clock, changed=live.changed)
    rooms = _content_rooms(settings, clock, database, files, keyring, pipeline, live)
    media = Media(rooms.media, files, wake=pipeline.wake, changed=live.changed)
    releases = Releases(rooms.publisher, ReleaseStore(database))
    plans = (
        Documents(PLAYLISTS, rooms.playlists, live.changed),
        Schedules(rooms.schedules, live.changed),
        Documents(CAMPAIGNS, rooms.campaigns, live.changed),
    )
    clearer = _clearer(settings, clock, database, files, metrics)
    people = (gatekeeper, Uploads(rooms.intake), media, *plans, releases)
    proof = (plays, Auditing(ChainStore(database), clock))
    served = (*people, pairings, devices, *proof, live, Content(files), Storage(clearer, files, reserve_bytes), monitor)
    operations = [operation for room in served for operation in room.operations()]
    monitor.describe(operations)

    app = _application(settings, operations, gatekeeper, metrics, live)
    services: dict[str, Run] = {
        "pipeline": pipeline.run,
        "intake": rooms.intake.run,
        "publisher": rooms.publisher.run,
        "clearer": clearer.run,
        "live": live.run,
    }
    return Origin(app, services, restarts, keys, devices, pairings, live, rooms, pipeline, clearer)


def _content_rooms(
    settings: OriginSettings,
    clock: Clock,
    database: OriginDatabase,
    files: Files,
    keyring: Keyring,
    pipeline: Pipeline,
    live: Live,
) -> Rooms:
    media = MediaStore(database, clock)
    uploads = UploadStore(database, clock, expire_after_s=settings.uploads.expire_after_s)
    publisher = Publisher(
        ReleaseStore(database), files, keyring, clock, valid_for_s=settings.publish.valid_for_s, changed=live.changed
    )
    return Rooms(
        intake=Intake(uploads, media, files, settings, clock, queued=pipeline.wake, changed=live.changed),
        media=media,
        playlists=PlaylistStore(database, clock),
        schedules=ScheduleStore(database),
        campaigns=CampaignStore(database, clock),
        publisher=publisher,
        wake=pipeline.wake,
    )


def _clearer(
    settings: OriginSettings, clock: Clock, database: OriginDatabase, files: Files, metrics: Metrics
) -> Clearer:
    retention = settings.retention
    store = RetentionStore(database, clock)
    survey = Survey(store, files, Rule(retention.previous, int(retention.grace_s * 1000)), clock)
    media = MediaStore(database, clock)
    return Clearer(survey, store, media, files, clock, dry_run=retention.dry_run, looked=metrics.looked)


def _application(
    settings: OriginSettings, operations: list[Operation], gatekeeper: Gatekeeper, metrics: Metrics, live: Live
) -> web.Application:
    names = allowed_names(settings.server.host, settings.server.allowed_hosts)
    app = web.Application(
        middlewares=[metrics.operations.measure, problems, check_host(names)], client_max_size=BODY_CAP_BYTES
    )
    mount(app, operations, gatekeeper.guard)
    add_console(app)
    app.on_response_prepare.append(harden)
    app.on_shutdown.append(lambda _: live.close())
    return app


def has_origin(settings: OriginSettings) -> bool:
    """Tell whether an origin was begun here; of a database server, only it can tell."""
    return bool(settings.storage.database_url) or _database_file(settings).exists()


def _database_url(settings: OriginSettings) -> str:
    return settings.storage.database_url or f"sqlite+aiosqlite:///{_database_file(settings)}"


def _database_file(settings: OriginSettings) -> Path:
    return settings.storage.data_dir / "origin.db"
