"""Requests with an idempotency key are kept for a day, so that a repeated one does nothing twice."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column, Integer, LargeBinary, String

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add the table, empty."""
    op.create_table(
        "idempotent_requests",
        Column("id", String(64), primary_key=True),
        Column("fingerprint", String(64), nullable=False),
        Column("attempt", String(64), nullable=False),
        Column("begun_ms", BigInteger, nullable=False),
        Column("expires_ms", BigInteger, nullable=False),
        Column("has_changed", Boolean, nullable=False),
        Column("status", Integer),
        Column("headers", JSON),
        Column("body", LargeBinary),
    )
    op.create_index("ix_idempotent_requests_expires_ms", "idempotent_requests", ["expires_ms"])
