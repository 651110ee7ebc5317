"""Builds what publishes: releases, previews of them, and how long their files are kept."""

from dataclasses import dataclass

from sync.origin.api.devices import DeviceRoutes
from sync.origin.api.releases.preview_routes import PreviewRoutes
from sync.origin.api.releases.release_routes import ReleaseRoutes
from sync.origin.persistence.database import OriginDatabase
from sync.origin.publishing.publisher import Publisher
from sync.origin.retention.policy import RetentionRule
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.releases import ReleaseStore
from sync.origin.wiring.parts import Routes
from sync.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class ReleaseParts:
    """What serves people about releases."""

    routes: tuple[Routes, ...]


def release_parts(
    settings: OriginConfiguration, database: OriginDatabase, publisher: Publisher, devices: DeviceRoutes, clock: Clock
) -> ReleaseParts:
    """Build them."""
    store = ReleaseStore(database)
    routes = ReleaseRoutes(publisher, store, retention_rule(settings))
    return ReleaseParts((routes, PreviewRoutes(publisher, store, devices.views, clock)))


def retention_rule(settings: OriginConfiguration) -> RetentionRule:
    """Return what is kept of content that nothing needs any more."""
    return RetentionRule(settings.retention.previous, int(settings.retention.grace_s * 1000))
