"""Builds what people plan with: media, playlists, schedules, campaigns and releases; and what cleans up after them."""

from collections.abc import Mapping
from dataclasses import dataclass

from sync.origin.api.devices import DeviceRoutes
from sync.origin.api.media.folders import MediaFolderRoutes
from sync.origin.api.media.media import MediaRoutes
from sync.origin.api.media.storage import StorageRoutes
from sync.origin.api.media.uploads import UploadRoutes
from sync.origin.api.media.uses import MediaUseRoutes
from sync.origin.api.monitoring import OriginMetrics
from sync.origin.api.plans.documents import CAMPAIGN_KIND, PLAYLIST_KIND, PlanDocumentRoutes
from sync.origin.api.plans.edit_routes import PlanEditRoutes
from sync.origin.api.plans.plan_editor import PlanEditor
from sync.origin.api.plans.schedules import ScheduleRoutes
from sync.origin.audit.changes import ThingKind
from sync.origin.editing.kinds import CAMPAIGN_EDITS, PLAYLIST_EDITS, SCHEDULE_EDITS
from sync.origin.ingest.pipeline import Pipeline
from sync.origin.ingest.preview_maker import PreviewMaker
from sync.origin.ingest.upload_intake import Intake
from sync.origin.live.live_hints import LiveHints
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.database import OriginDatabase
from sync.origin.publishing.folder.folder_publisher import FolderTarget
from sync.origin.publishing.keyring import Keyring
from sync.origin.publishing.publisher import Publisher
from sync.origin.retention.cleaner import Cleaner
from sync.origin.retention.history_cleaner import HistoryCleaner
from sync.origin.retention.scanner import ContentScanner
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.audit.old_history import OldHistoryStore
from sync.origin.store.campaigns import CampaignStore
from sync.origin.store.media.edits import MediaEditStore
from sync.origin.store.media.folders import MediaFolderStore
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.replacement import MediaReplacementStore, PlanStores
from sync.origin.store.media.retention import RetentionStore
from sync.origin.store.media.seen_files import SeenFilesStore
from sync.origin.store.media.uploads import UploadStore
from sync.origin.store.media.uses import MediaUseStore
from sync.origin.store.playlists import PlaylistStore
from sync.origin.store.ready_plans import ReadyPlans
from sync.origin.store.releases import ReleaseStore
from sync.origin.store.schedules import ScheduleStore
from sync.origin.wiring.parts import Routes, Run
from sync.origin.wiring.releases import release_parts, retention_rule
from sync.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class PlanParts:
    """What publishing a folder works on, the pipeline, the cleaner, and what serves people about all of them."""

    folder_target: FolderTarget
    pipeline: Pipeline
    cleaner: Cleaner
    routes: tuple[Routes, ...]
    services: Mapping[str, Run]


def plan_parts(
    settings: OriginConfiguration,
    database: OriginDatabase,
    files: DataFolder,
    keyring: Keyring,
    devices: DeviceRoutes,
    hints: LiveHints,
    metrics: OriginMetrics,
    clock: Clock,
) -> PlanParts:
    """Build them."""
    pipeline, previews = _media_work(settings, database, files, hints, clock)
    target = _folder_target(settings, database, files, keyring, pipeline, hints, clock)
    cleaner = _cleaner(settings, database, files, metrics, clock)
    publisher, ready = target.publisher, ReadyPlans(database)
    replacements = MediaReplacementStore(database, PlanStores(target.playlists, target.campaigns, target.schedules))
    releases = release_parts(settings, database, publisher, devices, hints, clock)
    routes: tuple[Routes, ...] = (
        UploadRoutes(target.intake),
        MediaRoutes(target.media, MediaEditStore(database, clock), files, wake=pipeline.wake, changed=hints.changed),
        MediaFolderRoutes(MediaFolderStore(database, clock), hints.changed),
        MediaUseRoutes(MediaUseStore(database), replacements, files, hints.changed),
        *releases.routes,  # before campaigns, any of which may be named at the address of its feasibility
        PlanDocumentRoutes(PLAYLIST_KIND, target.playlists, hints.changed, ready=ready.playlist),
        *_edit_routes(target, database, hints),
        ScheduleRoutes(target.schedules, hints.changed, publisher.warn_schedule, ready=ready.schedule),
        PlanDocumentRoutes(
            CAMPAIGN_KIND, target.campaigns, hints.changed, publisher.warn_campaign, ready=ready.campaign
        ),
        StorageRoutes(cleaner, files, SeenFilesStore(database), settings.storage.reserve_bytes),
    )
    services = {
        "pipeline": pipeline.run,
        "intake": target.intake.run,
        "previews": previews.run,
        "publisher": publisher.run,
        **_cleaning(cleaner, settings, database, clock),
        **releases.services,
    }
    return PlanParts(target, pipeline, cleaner, routes, services)


def _media_work(
    settings: OriginConfiguration, database: OriginDatabase, files: DataFolder, hints: LiveHints, clock: Clock
) -> tuple[Pipeline, PreviewMaker]:
    media = MediaStore(database, clock)
    previews = PreviewMaker(media, files, settings, clock)

    def changed(topic: str, id: str) -> None:
        hints.changed(topic, id)
        previews.wake()

    return Pipeline(media, files, settings, clock, changed=changed), previews


def _edit_routes(target: FolderTarget, database: OriginDatabase, hints: LiveHints) -> tuple[Routes, ...]:
    publisher = target.publisher
    playlists = PlanEditor(PLAYLIST_EDITS, ThingKind.PLAYLIST, target.playlists, database)
    schedules = PlanEditor(SCHEDULE_EDITS, ThingKind.SCHEDULE, target.schedules, database)
    campaigns = PlanEditor(CAMPAIGN_EDITS, ThingKind.CAMPAIGN, target.campaigns, database)
    return (
        PlanEditRoutes(playlists, "/v1/playlists/{id}", hints.changed),
        PlanEditRoutes(schedules, "/v1/schedule/{channel}", hints.changed, publisher.warn_schedule),
        PlanEditRoutes(campaigns, "/v1/campaigns/{id}", hints.changed, publisher.warn_campaign),
    )


def _folder_target(
    settings: OriginConfiguration,
    database: OriginDatabase,
    files: DataFolder,
    keyring: Keyring,
    pipeline: Pipeline,
    hints: LiveHints,
    clock: Clock,
) -> FolderTarget:
    media = MediaStore(database, clock)
    uploads = UploadStore(database, clock, expire_after_s=settings.uploads.expire_after_s)
    publisher = Publisher(
        ReleaseStore(database),
        files,
        keyring,
        clock,
        valid_for_s=settings.publish.valid_for_s,
        changed=hints.changed,
        mirrors=[str(mirror) for mirror in settings.publish.mirrors],
    )
    return FolderTarget(
        files=files,
        intake=Intake(uploads, media, files, settings, clock, queued=pipeline.wake, changed=hints.changed),
        media=media,
        playlists=PlaylistStore(database, clock),
        schedules=ScheduleStore(database),
        campaigns=CampaignStore(database, clock),
        ready=ReadyPlans(database),
        publisher=publisher,
        wake=pipeline.wake,
    )


def _cleaner(
    settings: OriginConfiguration, database: OriginDatabase, files: DataFolder, metrics: OriginMetrics, clock: Clock
) -> Cleaner:
    dry_run, store = settings.retention.dry_run, RetentionStore(database, clock)
    scanner = ContentScanner(store, files, retention_rule(settings), clock)
    media = MediaStore(database, clock)
    return Cleaner(scanner, store, media, files, clock, dry_run=dry_run, scanned=metrics.record_scan)


def _cleaning(
    cleaner: Cleaner, settings: OriginConfiguration, database: OriginDatabase, clock: Clock
) -> Mapping[str, Run]:
    kept = settings.retention
    entries_days, versions_days = (0, 0) if kept.dry_run else (kept.audit_days, kept.versions_days)
    old = HistoryCleaner(OldHistoryStore(database), clock, entries_days=entries_days, versions_days=versions_days)
    return {"clearer": cleaner.run, "history_cleaner": old.run}
