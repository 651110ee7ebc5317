"""Opens an origin: its database, folders and keys, then all of its parts, and the HTTP application over them."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware

from sync.http.bodies import BODY_CAP_BYTES
from sync.http.forwarded import TRUSTED_PROXIES
from sync.http.operations import Operation, mount
from sync.http.problems import problem_middleware
from sync.http.request_checks import check_request
from sync.origin import __version__
from sync.origin.api.content import ContentRoutes
from sync.origin.api.devices import DeviceRoutes
from sync.origin.api.exchange import ExchangeRoutes
from sync.origin.api.media.uploads import add_tus_version
from sync.origin.api.monitoring import MonitoringRoutes, OriginMetrics
from sync.origin.api.pairings import PairingRoutes
from sync.origin.api.proof.device_keys import DeviceKeyRoutes
from sync.origin.api.proof.play_export import PlayExporter
from sync.origin.console.server import add_console, harden
from sync.origin.http.auth import Gatekeeper
from sync.origin.http.compression import compress
from sync.origin.http.handed_over import HandedOver
from sync.origin.http.host_header_check import allowed_names, check_host
from sync.origin.http.idempotency import IdempotencyKeys
from sync.origin.http.whom_to_ask import name_whom_to_ask
from sync.origin.ingest.pipeline import Pipeline
from sync.origin.intake.exchange import Exchanges
from sync.origin.intake.play_intake import PlayIntake
from sync.origin.live.live_hints import LiveHints
from sync.origin.live.live_socket import LiveRoutes
from sync.origin.login.accounts import PeopleAccounts
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.publishing.folder.folder_publisher import FolderTarget
from sync.origin.publishing.keyring import Keyring
from sync.origin.reports.delivery_report import ReportMaker
from sync.origin.retention.cleaner import Cleaner
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.audit.audit_log import AuditLog
from sync.origin.store.audit.idempotent_requests import IdempotentRequestStore
from sync.origin.store.counts import CountStore
from sync.origin.store.heartbeats.heartbeats import write_held
from sync.origin.store.people.keys import KeyStore
from sync.origin.store.people.whom_to_ask import WhomToAskStore
from sync.origin.wiring.audit import audit_routes
from sync.origin.wiring.devices import device_parts
from sync.origin.wiring.live import LiveParts, live_parts
from sync.origin.wiring.parts import Routes, Run
from sync.origin.wiring.people import people_parts
from sync.origin.wiring.plans import plan_parts
from sync.origin.wiring.proof import ProofParts, proof_parts
from sync.runtime.clock import Clock
from sync.runtime.supervisor import Restarts


@dataclass(frozen=True, slots=True)
class Origin:
    """An open origin: the HTTP application, the services to supervise, and what the command line works on."""

    app: web.Application
    settings: OriginConfiguration
    services: Mapping[str, Run]
    restarts: Restarts
    keys: KeyStore
    accounts: PeopleAccounts
    log: AuditLog
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
    async with open_origin_database(_database_url(settings), files.plays, clock) as database:
        origin = _assemble(settings, clock, database, files, keyring)
        await origin.accounts.seal_secrets()
        plans = origin.folder_target
        for store in (plans.playlists, plans.schedules, plans.campaigns):
            await store.keep_missing_versions()
        try:
            yield origin
        finally:
            await origin.plays.drain()
            await write_held(database)


def _assemble(
    settings: OriginConfiguration, clock: Clock, database: OriginDatabase, files: DataFolder, keyring: Keyring
) -> Origin:
    restarts, live, counts = Restarts(), live_parts(database, files, clock), CountStore(database)
    gatekeeper, metrics = Gatekeeper(live.memory), OriginMetrics(counts, restarts, clock)
    people, devices = people_parts(settings, database, clock), device_parts(settings, database, keyring, live, clock)
    plans = plan_parts(settings, database, files, keyring, devices.devices, live.hints, metrics, clock)
    proof = proof_parts(settings, database, files, keyring, live.hints, metrics, clock)
    reserve_bytes, count = settings.storage.reserve_bytes, live.hints.listeners.count
    monitor = MonitoringRoutes(counts, files, gatekeeper, metrics, count, reserve_bytes, __version__)
    own = (*_screen_routes(settings, files, live, proof, metrics, clock), monitor)
    log = AuditLog(database)
    audit = audit_routes(log, database, plans.folder_target, people.accounts)
    routes: tuple[Routes, ...] = (*people.routes, *devices.routes, *plans.routes, *proof.routes, *audit, *own)
    operations = [operation for one in routes for operation in one.operations()]
    monitor.describe(operations)
    asks = name_whom_to_ask(WhomToAskStore(database))
    keys = IdempotencyKeys(IdempotentRequestStore(database, clock))
    return Origin(
        app=_application(settings, operations, gatekeeper, keys, metrics, live.hints, asks),
        settings=settings,
        services={**live.services, **plans.services, **proof.services},
        restarts=restarts,
        keys=people.keys,
        accounts=people.accounts,
        log=log,
        devices=devices.devices,
        device_keys=devices.keys,
        exporter=proof.exporter,
        pairings=devices.pairings,
        live=live.hints,
        folder_target=plans.folder_target,
        pipeline=plans.pipeline,
        cleaner=plans.cleaner,
        keyring=keyring,
        reports=proof.reports,
        plays=proof.plays,
    )


def _screen_routes(
    settings: OriginConfiguration,
    files: DataFolder,
    live: LiveParts,
    proof: ProofParts,
    metrics: OriginMetrics,
    clock: Clock,
) -> tuple[Routes, ...]:
    """Build what screens ask all the time: content, and exchanges over HTTP and over the live connection."""
    content = ContentRoutes(files, HandedOver(settings.server.x_accel_redirect))
    within_s = live.hints.fetch_within_s
    exchanges = Exchanges(live.heartbeats, proof.plays, content.timestamp_hash, within_s, metrics.count_receipts)
    return ExchangeRoutes(exchanges), LiveRoutes(live.hints, exchanges.exchange_document, clock), content


def _application(
    settings: OriginConfiguration,
    operations: Iterable[Operation],
    gatekeeper: Gatekeeper,
    keys: IdempotencyKeys,
    metrics: OriginMetrics,
    hints: LiveHints,
    asks: Middleware,
) -> web.Application:
    is_ours = check_host(allowed_names(settings.server.host, settings.server.allowed_hosts))
    checks = [metrics.operations.measure, problem_middleware, asks, check_request, is_ours, compress]
    app = web.Application(middlewares=checks, client_max_size=BODY_CAP_BYTES)
    app[TRUSTED_PROXIES] = settings.server.trusted_networks
    mount(app, operations, gatekeeper.guard, keys.answer)
    add_console(app)
    app.on_response_prepare.extend((harden, add_tus_version))
    app.on_shutdown.append(lambda _: hints.close())
    return app


def has_origin(settings: OriginConfiguration) -> bool:
    """Tell whether the settings name an existing origin; with a database server, assume so."""
    return bool(settings.storage.database_url) or _database_file(settings).exists()


def _database_url(settings: OriginConfiguration) -> str:
    return settings.storage.database_url or f"sqlite+aiosqlite:///{_database_file(settings)}"


def _database_file(settings: OriginConfiguration) -> Path:
    return settings.storage.data_dir / "origin.db"
