"""The tables of who changed what: the audit log, the versions of documents, and requests that may be repeated."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from sync.origin.tables.columns import metadata

# Each version of a playlist, schedule or campaign: its draft with the ids of its parts.
document_versions = Table(
    "document_versions",
    metadata,
    Column("kind", String(32), primary_key=True),  # a ThingKind
    Column("document_id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),  # canonical JSON, compressed (zlib)
    Column("at_ms", BigInteger, nullable=False),
    Column("actor_kind", String(16), nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("actor_name", Text, nullable=False),
    Index("document_versions_by_age", "kind", "document_id", "version", "at_ms"),  # bodies are long
)

# What changed, in the order of the commits; an id is never used again.
audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor_kind", String(16), nullable=False),  # an ActorKind
    Column("actor_id", String(64), nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("address", Text, nullable=False),  # from where; empty: not known
    Column("kind", String(32), nullable=False),  # a ThingKind
    Column("thing_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("action", String(32), nullable=False),  # an Action
    Column("version_before", Integer),
    Column("version_after", Integer),
    Column("before", JSON(none_as_null=True)),  # of what has no versions: the fields that changed
    Column("after", JSON(none_as_null=True)),
    Column("searched", Text, nullable=False),
    Index("audit_entries_by_thing", "kind", "thing_id", "id"),
    Index("audit_entries_by_actor", "actor_id", "id"),
    Index("audit_entries_by_time", "at_ms"),
    sqlite_autoincrement=True,
)

# Requests with an idempotency key, so that a repeated one does nothing twice.
# `id` and `fingerprint` are hashes: of the caller with the key, and of all that the request says.
idempotent_requests = Table(
    "idempotent_requests",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("attempt", String(64), nullable=False),  # who answers it: the process, and a number of its own
    Column("begun_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
    Column("has_changed", Boolean, nullable=False),  # set by the transaction of its change
    Column("status", Integer),  # of its answer, NULL until it has one, or if that is kept nowhere
    Column("headers", JSON(none_as_null=True)),
    Column("body", LargeBinary),  # compressed (zlib)
)
