"""Builds what proves: the intake of plays and history, corrections of clocks, reports, exports, and the archive."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from sync.origin.api.monitoring import OriginMetrics
from sync.origin.api.proof.audit import AuditRoutes
from sync.origin.api.proof.checkpoint_delivery import CheckpointDeliveryRoutes
from sync.origin.api.proof.history import HistoryRoutes
from sync.origin.api.proof.play_delivery import PlayDeliveryRoutes
from sync.origin.api.proof.play_export import PlayExporter, PlayExportRoutes
from sync.origin.api.proof.play_reading import PlayReadingRoutes
from sync.origin.api.proof.reports import ReportRoutes
from sync.origin.intake.checkpoint_intake import CheckpointIntake
from sync.origin.intake.clock_correction import ClockCorrection
from sync.origin.intake.play_intake import PlayIntake
from sync.origin.intake.play_judge import PlayJudge
from sync.origin.live.live_hints import LiveHints
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.database import OriginDatabase
from sync.origin.proof.billing import JUDGEMENT
from sync.origin.publishing.keyring import Keyring
from sync.origin.publishing.published_contents import PublishedContents
from sync.origin.reports.day_counter import DayCounter
from sync.origin.reports.delivery_report import ReportMaker
from sync.origin.reports.promise_keeper import PromiseKeeper
from sync.origin.retention.play_archiver import PlayArchiver
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.proof.device_logs import DeviceLogStore
from sync.origin.store.proof.exported_plays import ExportedPlayStore
from sync.origin.store.proof.history import HistoryStore
from sync.origin.store.proof.identity_doubts import IdentityDoubtStore
from sync.origin.store.proof.names import NameStore
from sync.origin.store.proof.play_times import PlayTimeStore
from sync.origin.store.proof.plays import PlayStore
from sync.origin.store.proof.signed_logs import SignedLogStore
from sync.origin.store.releases import ReleaseStore
from sync.origin.store.reports.play_sums import PlaySumStore
from sync.origin.store.reports.promises import PromiseStore
from sync.origin.wiring.parts import Routes, Run
from sync.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class ProofParts:
    """What takes plays in, what makes reports and exports of them, and what serves all that."""

    plays: PlayIntake
    reports: ReportMaker
    exporter: PlayExporter
    routes: tuple[Routes, ...]
    services: Mapping[str, Run]


def proof_parts(
    settings: OriginConfiguration,
    database: OriginDatabase,
    files: DataFolder,
    keyring: Keyring,
    hints: LiveHints,
    metrics: OriginMetrics,
    clock: Clock,
) -> ProofParts:
    """Build them."""
    plays, history, doubts = PlayStore(database), HistoryStore(database), IdentityDoubtStore(database)
    logs, signed, names = DeviceLogStore(database), SignedLogStore(database), NameStore(database)
    judge = PlayJudge(plays, PublishedContents(ReleaseStore(database), files), clock)
    told = partial(hints.changed, "plays")
    correction = ClockCorrection(history, PlayTimeStore(database), judge, plays.turn, told, clock)
    intake = PlayIntake(plays, logs, judge, correction, doubts, hints.changed, clock)
    reports = _report_maker(database, files, clock)
    exporter = PlayExporter(ExportedPlayStore(database), signed, names, keyring, clock)
    archiver = PlayArchiver(database, clock, settings.retention.archive_plays_after_days)
    routes = (
        PlayDeliveryRoutes(intake, plays, judge, hints, metrics, clock),
        PlayReadingRoutes(plays, names),
        AuditRoutes(logs, signed, clock),
        HistoryRoutes(history, plays, correction, names, hints, clock),
        CheckpointDeliveryRoutes(CheckpointIntake(signed, doubts, hints.changed, clock)),
        ReportRoutes(reports, clock),
        PlayExportRoutes(exporter),
    )
    services = {
        "clock_correction": correction.run,
        "day_counter": reports.counter.run,
        "promises": reports.keeper.run,
        "play_archiver": archiver.run,
    }
    return ProofParts(intake, reports, exporter, routes, services)


def _report_maker(database: OriginDatabase, files: DataFolder, clock: Clock) -> ReportMaker:
    sums, promises = PlaySumStore(database, JUDGEMENT), PromiseStore(database)
    releases = PublishedContents(ReleaseStore(database), files)
    counter, keeper = DayCounter(sums, clock), PromiseKeeper(promises, releases.read, clock)
    return ReportMaker(sums, promises, HistoryStore(database), NameStore(database), counter, keeper, clock)
