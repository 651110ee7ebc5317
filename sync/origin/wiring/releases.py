"""Builds what publishes: releases, previews of them, planned publications, and how long files are kept."""

from collections.abc import Mapping
from dataclasses import dataclass

from sync.origin.api.devices import DeviceRoutes
from sync.origin.api.plans.ready_routes import ReadyRoutes
from sync.origin.api.plans.review_routes import ReviewRoutes
from sync.origin.api.releases.booking_routes import BookingRoutes
from sync.origin.api.releases.changes_routes import ChangesRoutes
from sync.origin.api.releases.on_air_routes import OnAirRoutes
from sync.origin.api.releases.preview_routes import PreviewRoutes
from sync.origin.api.releases.publication_routes import PublicationRoutes
from sync.origin.api.releases.release_routes import ReleaseRoutes
from sync.origin.api.releases.showing_routes import ShowingRoutes
from sync.origin.live.live_hints import LiveHints
from sync.origin.persistence.database import OriginDatabase
from sync.origin.publishing.planned.publication_runner import PublicationRunner
from sync.origin.publishing.preview.channel_programmes import ChannelProgrammes
from sync.origin.publishing.publisher import Publisher
from sync.origin.retention.policy import RetentionRule
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.campaigns import CampaignStore
from sync.origin.store.drafts.readiness import ReadinessStore
from sync.origin.store.drafts.reviews import ReviewStore
from sync.origin.store.playlists import PlaylistStore
from sync.origin.store.publications import PublicationStore
from sync.origin.store.releases import ReleaseStore
from sync.origin.store.schedules import ScheduleStore
from sync.origin.wiring.parts import Routes, Run
from sync.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class ReleaseParts:
    """What serves people about releases, and what publishes at planned instants."""

    routes: tuple[Routes, ...]
    services: Mapping[str, Run]


def release_parts(
    settings: OriginConfiguration,
    database: OriginDatabase,
    publisher: Publisher,
    devices: DeviceRoutes,
    hints: LiveHints,
    clock: Clock,
) -> ReleaseParts:
    """Build them."""
    store, planned, changed = ReleaseStore(database), PublicationStore(database, clock), hints.changed
    readiness, schedules = ReadinessStore(database), ScheduleStore(database)
    late_s = settings.publish.late_at_most_s
    runner = PublicationRunner(planned, publisher, clock, late_s=late_s, changed=changed)
    routes = (
        BookingRoutes(store, CampaignStore(database, clock), clock),
        ReleaseRoutes(publisher, store, readiness, retention_rule(settings), changed),
        ReadyRoutes(readiness, changed),
        ReviewRoutes(ReviewStore(database, clock), changed),
        PreviewRoutes(publisher, store, devices.views, clock),
        ShowingRoutes(publisher, store, PlaylistStore(database, clock), clock),
        ChangesRoutes(publisher, store, readiness, clock),
        OnAirRoutes(ChannelProgrammes(publisher, store), store, schedules, clock),
        PublicationRoutes(planned, schedules, changed, clock),
    )
    return ReleaseParts(routes, {"publications": runner.run})


def retention_rule(settings: OriginConfiguration) -> RetentionRule:
    """Return what is kept of content that nothing needs any more."""
    return RetentionRule(settings.retention.previous, int(settings.retention.grace_s * 1000))
