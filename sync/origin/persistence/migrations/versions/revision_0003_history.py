"""Screens have a history, and plays under a clock that was not set get their right time from it."""

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    column,
)

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables and columns; of plays that are there nothing tells the right time, for no screen had a history."""
    op.create_table(
        "history",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("device_id", String(64), ForeignKey("devices.id"), nullable=False),
        Column("log_epoch", String(32)),
        Column("sequence", BigInteger),
        Column("kind", String(32), nullable=False),
        Column("state", String(32), nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("clock_offset_ms", BigInteger),
        Column("clock", String(16), nullable=False),
        Column("hash", String(64)),
        Column("body", JSON, nullable=False),
        Column("received_ms", BigInteger, nullable=False),
        UniqueConstraint("device_id", "log_epoch", "sequence"),
        Index("history_by_device", "device_id", "at_ms"),
        Index("history_by_time", "at_ms"),
    )
    op.create_table(
        "history_conflicts",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("device_id", String(64), nullable=False),
        Column("log_epoch", String(32), nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("body", JSON, nullable=False),
        Column("received_ms", BigInteger, nullable=False),
    )
    op.add_column("plays", Column("clock", String(16)))
    op.add_column("plays", Column("clock_offset_ms", BigInteger))
    unsynced = column("clock") == "unsynced"
    op.create_index(
        "plays_unsynced", "plays", ["device_id", "log_epoch"], sqlite_where=unsynced, postgresql_where=unsynced
    )
    op.add_column("devices", Column("unheard_ms", BigInteger))
