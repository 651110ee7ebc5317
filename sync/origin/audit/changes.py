"""What entries of the audit log say: which kind of thing changed, and what was done to it. Codes are never renamed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ThingKind(StrEnum):
    """What changes. A schedule has the id of its channel."""

    PLAYLIST = "playlist"
    SCHEDULE = "schedule"
    CAMPAIGN = "campaign"
    MEDIA = "media"  # a stream, too
    FOLDER = "folder"  # of media
    UPLOAD = "upload"
    RELEASE = "release"  # of a channel, whose id it has
    DEVICE = "device"  # its keys, too
    PLAYS = "plays"  # of a device, whose id they have
    SPACE = "space"
    PERSON = "person"
    KEY = "key"
    LOG = "log"  # the audit log itself
    TRUST = "trust"  # the root that devices follow, and its keys


class Action(StrEnum):
    """What is done to a thing."""

    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"
    RETRIED = "retried"
    READY = "ready"  # its work is done
    FAILED = "failed"
    PUBLISHED = "published"
    PLANNED = "planned"  # to be published at an instant
    CANCELLED = "cancelled"
    NOT_PUBLISHED = "not published"  # at the instant that was planned
    PAIRED = "paired"
    LET_THROUGH = "let through"  # a release that a device refused
    SPLIT = "split"  # a machine that reported as a device gets an identity of its own
    SETTLED = "settled"  # doubts about the identity of a device are dealt with
    CERTIFIED = "certified"  # a key of a device
    REVOKED = "revoked"  # a key of a device
    ACCEPTED = "accepted"
    MOVED = "moved"  # into another space
    LENT = "lent"  # to another space
    TAKEN_BACK = "taken back"
    REVIEW_ASKED = "review asked"
    REMARKED = "remarked"  # in a review
    APPROVED = "approved"  # a version, in a review
    RETURNED = "returned"
    RESET = "reset"
    LOGGED_IN = "logged in"
    LOGGED_OUT = "logged out"
    PASSWORD_SET = "password set"
    SECOND_FACTOR_SET = "second factor set"  # or removed, or its recovery codes are new
    RECOVERY_CODE_USED = "recovery code used"
    PASSKEY_ADDED = "passkey added"
    PASSKEY_RENAMED = "passkey renamed"
    PASSKEY_REMOVED = "passkey removed"
    LINKED = "linked"  # to somebody whom a provider of identities names
    UNLINKED = "unlinked"
    SESSION_ENDED = "session ended"
    LOG_IN_REFUSED = "refused"  # the first time in an hour, of an account from a network
    SLOWED_DOWN = "slowed down"  # after too many wrong tries


@dataclass(frozen=True, slots=True)
class AuditedChange:
    """One change of one thing.

    What has versions says which one was before and which is after. Of anything else `before` and `after` have the
    fields that changed, as JSON; never a secret.
    """

    kind: ThingKind
    id: str
    name: str
    action: Action
    version_before: int | None = None
    version_after: int | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
