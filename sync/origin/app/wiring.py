"""The composition root of the origin: builds all its parts and connects them. Wiring is done here and nowhere else."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from sync.http.bodies import BODY_CAP_BYTES
from sync.http.forwarded import TRUSTED_PROXIES
from sync.http.operations import Operation, mount
from sync.http.problems import problem_middleware
from sync.http.request_checks import check_request
from sync.origin import __version__
from sync.origin.api.content import ContentRoutes
from sync.origin.api.devices import DeviceRoutes
from sync.origin.api.exchange import ExchangeRoutes
from sync.origin.api.identity.routes import IdentityRoutes
from sync.origin.api.media.media import MediaRoutes
from sync.origin.api.media.storage import StorageRoutes
from sync.origin.api.media.uploads import UploadRoutes, add_tus_version
from sync.origin.api.monitoring import MonitoringRoutes, OriginMetrics
from sync.origin.api.pairings import Enrolment, OriginKeys, PairingRoutes
from sync.origin.api.plan_documents import CAMPAIGN_KIND, PLAYLIST_KIND, PlanDocumentRoutes
from sync.origin.api.proof.audit import AuditRoutes
from sync.origin.api.proof.checkpoint_delivery import CheckpointDeliveryRoutes
from sync.origin.api.proof.device_keys import DeviceKeyRoutes
from sync.origin.api.proof.history import HistoryRoutes
from sync.origin.api.proof.play_delivery import PlayDeliveryRoutes
from sync.origin.api.proof.play_export import PlayExporter, PlayExportRoutes
from sync.origin.api.proof.play_reading import PlayReadingRoutes
from sync.origin.api.proof.reports import ReportRoutes
from sync.origin.api.releases.release_routes import ReleaseRoutes
from sync.origin.api.schedules import ScheduleRoutes
from sync.origin.app.people_parts import people_parts
from sync.origin.console.server import add_console, harden
from sync.origin.http.auth import Gatekeeper
from sync.origin.http.compression import compress
from sync.origin.http.handed_over import HandedOver
from sync.origin.http.host_header_check import allowed_names, check_host
from sync.origin.http.origin_memory import Changed, OriginMemory
from sync.origin.ingest.pipeline import Pipeline
from sync.origin.ingest.upload_intake import Intake
from sync.origin.intake.clock_correction import ClockCorrection
from sync.origin.intake.contact_watch import ContactWatch
from sync.origin.intake.exchange import Exchanges
from sync.origin.intake.heartbeat_intake import HeartbeatIntake
from sync.origin.intake.heartbeat_watch import HeartbeatWatch
from sync.origin.intake.play_intake import PlayIntake
from sync.origin.intake.play_judge import PlayJudge
from sync.origin.live.live_hints import LiveHints
from sync.origin.live.live_socket import LiveRoutes
from sync.origin.live.pings import Pings
from sync.origin.live.screen_counts import ScreenCounts
from sync.origin.live.token_check import TokenCheck
from sync.origin.login.accounts import PeopleAccounts
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.proof.billing import JUDGEMENT
from sync.origin.publishing.folder.folder_publisher import FolderTarget
from sync.origin.publishing.keyring import Keyring
from sync.origin.publishing.published_contents import PublishedContents
from sync.origin.publishing.publisher import Publisher
from sync.origin.publishing.urgency import UrgentReleases
from sync.origin.reports.day_counter import DayCounter
from sync.origin.reports.delivery_report import ReportMaker
from sync.origin.reports.promise_keeper import PromiseKeeper
from sync.origin.retention.cleaner import Cleaner
from sync.origin.retention.play_archiver import PlayArchiver
from sync.origin.retention.policy import RetentionRule
from sync.origin.retention.scanner import ContentScanner
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.campaigns import CampaignStore
from sync.origin.store.changes.change_log import ChangeLog
from sync.origin.store.counts import CountStore
from sync.origin.store.devices import DeviceStore
from sync.origin.store.heartbeats.heartbeats import HeartbeatStore, write_held
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.retention import RetentionStore
from sync.origin.store.media.uploads import UploadStore
from sync.origin.store.pairings import PairingStore
from sync.origin.store.people.keys import KeyStore
from sync.origin.store.people.sessions import SessionStore
from sync.origin.store.playlists import PlaylistStore
from sync.origin.store.proof.device_keys import DeviceKeyStore
from sync.origin.store.proof.device_logs import DeviceLogStore
from sync.origin.store.proof.exported_plays import ExportedPlayStore
from sync.origin.store.proof.history import HistoryStore
from sync.origin.store.proof.identity_doubts import IdentityDoubtStore
from sync.origin.store.proof.machines import MachineStore
from sync.origin.store.proof.names import NameStore
from sync.origin.store.proof.play_times import PlayTimeStore
from sync.origin.store.proof.plays import PlayStore
from sync.origin.store.proof.signed_logs import SignedLogStore
from sync.origin.store.releases import ReleaseStore
from sync.origin.store.reports.play_sums import PlaySumStore
from sync.origin.store.reports.promises import PromiseStore
from sync.origin.store.schedules import ScheduleStore
from sync.runtime.clock import Clock
from sync.runtime.supervisor import Restarts

Run = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Origin:
    """An open origin: the HTTP application, the services to supervise, and what the command line works on."""

    app: web.Application
    settings: OriginConfiguration
    services: Mapping[str, Run]
    restarts: Restarts
    keys: KeyStore
    accounts: PeopleAccounts
    devices: DeviceRoutes
    device_keys: DeviceKeyRoutes
    exporter: PlayExporter
    pairings: PairingRoutes
    live: LiveHints
    folder_target: FolderTarget
    pipeline: Pipeline
    cleaner: Cleaner
    keyring: Keyring
    reports: ReportMaker
    plays: PlayIntake


@asynccontextmanager
async def open_origin(settings: OriginConfiguration, clock: Clock) -> AsyncIterator[Origin]:
    """Open database, folders and keys, and build all parts. Nothing runs and nothing listens yet.

    Raises:
        StorageBroken: data_dir or the database cannot be used.
        StorageFull: there is no room.
    """
    files = DataFolder(settings.storage.data_dir)
    files.prepare()
    keyring = Keyring(settings.storage.data_dir, files, clock)
    keyring.prepare()
    async with open_origin_database(_database_url(settings), files.plays) as database:
        origin = _assemble(settings, clock, database, files, keyring)
        try:
            yield origin
        finally:
            await origin.plays.drain()
            await write_held(database)


def _assemble(
    settings: OriginConfiguration, clock: Clock, database: OriginDatabase, files: DataFolder, keyring: Keyring
) -> Origin:
    restarts, reserve_bytes, device_store = Restarts(), settings.storage.reserve_bytes, DeviceStore(database)
    memory = OriginMemory(ChangeLog(database), device_store, SessionStore(database), clock)
    live = LiveHints(memory, UrgentReleases(ReleaseStore(database), files, clock).is_urgent, clock)
    counts, gatekeeper = CountStore(database), Gatekeeper(memory)
    metrics = OriginMetrics(counts, restarts, clock)
    monitor = MonitoringRoutes(counts, files, gatekeeper, metrics, live.listeners.count, reserve_bytes, __version__)

    heartbeats = _heartbeat_intake(database, live, memory, clock)
    devices = DeviceRoutes(device_store, IdentityDoubtStore(database), heartbeats, live, clock)
    pairings = _pairing_routes(settings, clock, database, keyring, devices, live)
    reports = _report_maker(database, files, clock)
    correction, plays, about_proof = _proof_parts(database, files, live, metrics, clock)
    signing = DeviceKeyRoutes(DeviceKeyStore(database), keyring, live, clock)
    exporter = _exporter(database, keyring, clock)
    pipeline = Pipeline(MediaStore(database, clock), files, settings, clock, changed=live.changed)
    rooms = _folder_target(settings, clock, database, files, keyring, pipeline, live)
    releases = ReleaseRoutes(rooms.publisher, ReleaseStore(database), devices.views, clock)
    cleaner = _open_cleaner(settings, clock, database, files, metrics)

    accounts, about_people = people_parts(database, clock)
    people = (*about_people, *_media_routes(rooms, files, live), *_plan_routes(rooms, live), releases, signing)
    content = ContentRoutes(files, HandedOver(settings.server.x_accel_redirect))
    exchanges = Exchanges(heartbeats, plays, content.timestamp_hash, live.fetch_within_s, metrics.count_receipts)
    sockets = LiveRoutes(live, exchanges.exchange_document, clock)
    machines = (pairings, devices, ExchangeRoutes(exchanges), *about_proof, sockets, monitor)
    seen = (_identity_routes(database, signing, live, clock), ReportRoutes(reports, clock), PlayExportRoutes(exporter))
    all_of_them = (*people, *machines, *seen, StorageRoutes(cleaner, files, reserve_bytes), content)
    operations = [operation for room in all_of_them for operation in room.operations()]
    monitor.describe(operations)

    app = _application(settings, operations, gatekeeper, metrics, live)
    services = _services(rooms, pipeline, cleaner, reports) | _live_services(database, live, memory, clock)
    archiver = PlayArchiver(database, clock, settings.retention.archive_plays_after_days)
    services |= {"clock_correction": correction.run, "heartbeats": heartbeats.run, "play_archiver": archiver.run}
    parts = (devices, signing, exporter, pairings, live, rooms, pipeline, cleaner, keyring, reports, plays)
    return Origin(app, settings, services, restarts, KeyStore(database), accounts, *parts)


def _services(rooms: FolderTarget, pipeline: Pipeline, cleaner: Cleaner, reports: ReportMaker) -> dict[str, Run]:
    return {
        "pipeline": pipeline.run,
        "intake": rooms.intake.run,
        "publisher": rooms.publisher.run,
        "clearer": cleaner.run,
        "day_counter": reports.counter.run,
        "promises": reports.keeper.run,
    }


def _live_services(database: OriginDatabase, live: LiveHints, memory: OriginMemory, clock: Clock) -> dict[str, Run]:
    return {
        "memory": memory.run,
        "live": live.run,
        "pings": Pings(live.listeners, clock).run,
        "page_hints": live.pages.run,
        "screen_counts": ScreenCounts(live, CountStore(database), clock).run,
        "token_check": TokenCheck(live, memory, clock).run,
        "contact": ContactWatch(HeartbeatStore(database), live, clock).run,
    }


def _heartbeat_intake(database: OriginDatabase, live: LiveHints, memory: OriginMemory, clock: Clock) -> HeartbeatIntake:
    """Return the intake of heartbeats, and have `memory` tell what others change, also by this process itself."""
    watch = HeartbeatWatch(MachineStore(database), IdentityDoubtStore(database), live, clock)

    def tell(changed: Changed) -> None:
        live.follow(changed)
        watch.forget(changed.machines)

    memory.tell, database.after_changes = tell, memory.follow
    return HeartbeatIntake(HeartbeatStore(database), watch, live.screens, memory.let_through, clock)


def _pairing_routes(
    settings: OriginConfiguration,
    clock: Clock,
    database: OriginDatabase,
    keyring: Keyring,
    devices: DeviceRoutes,
    live: LiveHints,
) -> PairingRoutes:
    enrolment = Enrolment(settings.publish.usable_enrolment_key, settings.publish.enrolment_channel)
    origin_keys = OriginKeys(keyring.root_envelope, keyring.prove_identity, _names(settings))
    return PairingRoutes(PairingStore(database), devices, live, enrolment, origin_keys, clock)


def _identity_routes(
    database: OriginDatabase, signing: DeviceKeyRoutes, live: LiveHints, clock: Clock
) -> IdentityRoutes:
    machines, doubts = MachineStore(database), IdentityDoubtStore(database)
    return IdentityRoutes(DeviceStore(database), machines, doubts, signing, live, clock)


def _exporter(database: OriginDatabase, keyring: Keyring, clock: Clock) -> PlayExporter:
    signed = SignedLogStore(database)
    return PlayExporter(ExportedPlayStore(database), signed, NameStore(database), keyring, clock)


def _report_maker(database: OriginDatabase, files: DataFolder, clock: Clock) -> ReportMaker:
    sums, promises = PlaySumStore(database, JUDGEMENT), PromiseStore(database)
    releases = PublishedContents(ReleaseStore(database), files)
    counter, keeper = DayCounter(sums, clock), PromiseKeeper(promises, releases.read, clock)
    return ReportMaker(sums, promises, HistoryStore(database), NameStore(database), counter, keeper, clock)


def _media_routes(rooms: FolderTarget, files: DataFolder, live: LiveHints) -> tuple[UploadRoutes, MediaRoutes]:
    return UploadRoutes(rooms.intake), MediaRoutes(rooms.media, files, wake=rooms.wake, changed=live.changed)


def _plan_routes(
    rooms: FolderTarget, live: LiveHints
) -> tuple[PlanDocumentRoutes[Any, Any], ScheduleRoutes, PlanDocumentRoutes[Any, Any]]:
    playlists = PlanDocumentRoutes(PLAYLIST_KIND, rooms.playlists, live.changed)
    schedules = ScheduleRoutes(rooms.schedules, live.changed, rooms.publisher.warn_schedule)
    campaigns = PlanDocumentRoutes(CAMPAIGN_KIND, rooms.campaigns, live.changed, rooms.publisher.warn_campaign)
    return playlists, schedules, campaigns


def _proof_parts(
    database: OriginDatabase, files: DataFolder, live: LiveHints, metrics: OriginMetrics, clock: Clock
) -> tuple[
    ClockCorrection,
    PlayIntake,
    tuple[PlayDeliveryRoutes, PlayReadingRoutes, AuditRoutes, HistoryRoutes, CheckpointDeliveryRoutes],
]:
    plays, logs, history, names = (
        PlayStore(database),
        DeviceLogStore(database),
        HistoryStore(database),
        NameStore(database),
    )
    judge = PlayJudge(plays, PublishedContents(ReleaseStore(database), files), clock)
    told = partial(live.changed, "plays")
    correction = ClockCorrection(history, PlayTimeStore(database), judge, plays.turn, told, clock)
    doubts = IdentityDoubtStore(database)
    intake = PlayIntake(plays, logs, judge, correction, doubts, live.changed, clock)
    delivery = PlayDeliveryRoutes(intake, plays, judge, live, metrics, clock)
    changes = HistoryRoutes(history, plays, correction, names, live, clock)
    signed = SignedLogStore(database)
    checkpoints = CheckpointDeliveryRoutes(signed, doubts, live, clock)
    reading, audit = PlayReadingRoutes(plays, names), AuditRoutes(logs, signed, clock)
    return correction, intake, (delivery, reading, audit, changes, checkpoints)


def _names(settings: OriginConfiguration) -> frozenset[str]:
    return allowed_names(settings.server.host, settings.server.allowed_hosts)


def _folder_target(
    settings: OriginConfiguration,
    clock: Clock,
    database: OriginDatabase,
    files: DataFolder,
    keyring: Keyring,
    pipeline: Pipeline,
    live: LiveHints,
) -> FolderTarget:
    media = MediaStore(database, clock)
    uploads = UploadStore(database, clock, expire_after_s=settings.uploads.expire_after_s)
    publisher = Publisher(
        ReleaseStore(database),
        files,
        keyring,
        clock,
        valid_for_s=settings.publish.valid_for_s,
        changed=live.changed,
        mirrors=[str(mirror) for mirror in settings.publish.mirrors],
    )
    return FolderTarget(
        files=files,
        intake=Intake(uploads, media, files, settings, clock, queued=pipeline.wake, changed=live.changed),
        media=media,
        playlists=PlaylistStore(database, clock),
        schedules=ScheduleStore(database),
        campaigns=CampaignStore(database, clock),
        publisher=publisher,
        wake=pipeline.wake,
    )


def _open_cleaner(
    settings: OriginConfiguration, clock: Clock, database: OriginDatabase, files: DataFolder, metrics: OriginMetrics
) -> Cleaner:
    retention = settings.retention
    store = RetentionStore(database, clock)
    scanner = ContentScanner(store, files, RetentionRule(retention.previous, int(retention.grace_s * 1000)), clock)
    media = MediaStore(database, clock)
    return Cleaner(scanner, store, media, files, clock, dry_run=retention.dry_run, scanned=metrics.record_scan)


def _application(
    settings: OriginConfiguration,
    operations: list[Operation],
    gatekeeper: Gatekeeper,
    metrics: OriginMetrics,
    live: LiveHints,
) -> web.Application:
    checks = [metrics.operations.measure, problem_middleware, check_request, check_host(_names(settings)), compress]
    app = web.Application(middlewares=checks, client_max_size=BODY_CAP_BYTES)
    app[TRUSTED_PROXIES] = settings.server.trusted_networks
    mount(app, operations, gatekeeper.guard)
    add_console(app)
    app.on_response_prepare.extend((harden, add_tus_version))
    app.on_shutdown.append(lambda _: live.close())
    return app


def has_origin(settings: OriginConfiguration) -> bool:
    """Tell whether the settings name an existing origin; with a database server, assume so."""
    return bool(settings.storage.database_url) or _database_file(settings).exists()


def _database_url(settings: OriginConfiguration) -> str:
    return settings.storage.database_url or f"sqlite+aiosqlite:///{_database_file(settings)}"


def _database_file(settings: OriginConfiguration) -> Path:
    return settings.storage.data_dir / "origin.db"
