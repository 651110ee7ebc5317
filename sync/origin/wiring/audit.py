"""Builds what tells people who changed what: the audit log, and the history of each thing."""

from sync.http.operations import InSpaces
from sync.origin.api.audit.audit_routes import AuditLogRoutes, ThingHistoryRoutes
from sync.origin.audit.changes import ThingKind
from sync.origin.login.accounts import PeopleAccounts
from sync.origin.persistence.database import OriginDatabase
from sync.origin.publishing.folder.folder_publisher import FolderTarget
from sync.origin.store.audit.audit_log import AuditLog
from sync.origin.store.devices import DeviceStore
from sync.origin.wiring.parts import Routes
from sync.roles import Role


def audit_routes(
    log: AuditLog, database: OriginDatabase, plans: FolderTarget, accounts: PeopleAccounts
) -> tuple[Routes, ...]:
    """Build them; a thing has a history for who may see the thing."""
    viewer, kind = InSpaces(Role.VIEWER), ThingKind
    of_channel = (kind.SCHEDULE, kind.RELEASE)
    return (
        AuditLogRoutes(log),
        ThingHistoryRoutes(log, "/v1/playlists/{id}", (kind.PLAYLIST,), plans.playlists.get, viewer),
        ThingHistoryRoutes(log, "/v1/campaigns/{id}", (kind.CAMPAIGN,), plans.campaigns.get, viewer),
        ThingHistoryRoutes(log, "/v1/schedule/{channel}", of_channel, plans.schedules.get, viewer),
        ThingHistoryRoutes(log, "/v1/media/{id}", (kind.MEDIA,), plans.media.get, viewer),
        ThingHistoryRoutes(log, "/v1/devices/{id}", (kind.DEVICE, kind.PLAYS), DeviceStore(database).get, viewer),
        ThingHistoryRoutes(log, "/v1/people/{id}", (kind.PERSON,), accounts.people.get, Role.ADMINISTRATOR),
    )
