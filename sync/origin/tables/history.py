"""The tables of what changed: on screens, as they said and this origin saw it, and of what origins hold in memory."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from sync.origin.tables.columns import metadata

# Rows of a device have its log epoch and sequence; what this origin wrote itself has neither.
history = Table(
    "history",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("device_id", ForeignKey("devices.id"), nullable=False),
    Column("log_epoch", String(32)),
    Column("sequence", BigInteger),
    Column("kind", String(32), nullable=False),
    Column("state", String(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False),  # corrected by `clock_offset_ms`
    Column("clock_offset_ms", BigInteger),  # NULL: as the device said
    Column("clock", String(16), nullable=False),  # a ClockTrust
    Column("hash", String(64)),
    Column("body", JSON, nullable=False),  # a HistoryRecord as it was sent, or what is known of one of this origin
    Column("received_ms", BigInteger, nullable=False),
    Column("corrects", Integer),  # 1: plays may still have to get their right time by it; NULL: none
    UniqueConstraint("device_id", "log_epoch", "sequence"),
    Index("history_by_device", "device_id", "at_ms"),
    Index("history_by_kind", "device_id", "kind", "at_ms"),
    Index("history_by_time", "at_ms"),
)

_corrects = history.c.corrects.is_not(None)
Index("history_that_corrects", history.c.device_id, sqlite_where=_corrects, postgresql_where=_corrects)

# Of each thing that origins hold in memory the number of its last change, see `sync.origin.store.changes`.
changes = Table(
    "changes",
    metadata,
    Column("subject", String(16), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("number", BigInteger, nullable=False, index=True),
)

# Records with the key of another one but different content: kept for inspection.
history_conflicts = Table(
    "history_conflicts",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("device_id", String(64), nullable=False),
    Column("log_epoch", String(32), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
)
