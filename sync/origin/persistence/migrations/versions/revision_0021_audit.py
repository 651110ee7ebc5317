"""Who changed what is kept: the audit log, and each version of the documents that people plan with."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Integer, LargeBinary, String, Text

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the tables, empty; the present version of each document is kept when the origin starts."""
    op.create_table(
        "document_versions",
        Column("kind", String(32), primary_key=True),
        Column("document_id", String(64), primary_key=True),
        Column("version", Integer, primary_key=True),
        Column("body", LargeBinary, nullable=False),
        *_instant_and_actor(),
    )
    op.create_table(
        "audit_entries",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        *_instant_and_actor(),
        Column("address", Text, nullable=False),
        Column("kind", String(32), nullable=False),
        Column("thing_id", String(64), nullable=False),
        Column("name", Text, nullable=False),
        Column("action", String(32), nullable=False),
        Column("version_before", Integer),
        Column("version_after", Integer),
        Column("before", JSON),
        Column("after", JSON),
        Column("searched", Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_entries_by_thing", "audit_entries", ["kind", "thing_id", "id"])
    op.create_index("audit_entries_by_actor", "audit_entries", ["actor_id", "id"])
    op.create_index("audit_entries_by_time", "audit_entries", ["at_ms"])


def _instant_and_actor() -> list[Column[object]]:
    return [
        Column("at_ms", BigInteger, nullable=False),
        Column("actor_kind", String(16), nullable=False),
        Column("actor_id", String(64), nullable=False),
        Column("actor_name", Text, nullable=False),
    ]
