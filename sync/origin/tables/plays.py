"""The tables of plays, as devices sent them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from sync.origin.tables.columns import metadata

plays = Table(
    "plays",
    metadata,
    Column("device_id", ForeignKey("devices.id"), primary_key=True),
    Column("log_epoch", String(32), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("item_id", String(64)),
    Column("campaign_id", String(64)),
    Column("line_id", String(64)),
    Column("creative_id", String(64)),
    Column("outcome", String(16), nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("rendered_ms", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),  # NULL: stored by an earlier version, like the next
    Column("set_aside", Text),  # why it is in no sum; NULL: it counts
    Column("accepted", JSON(none_as_null=True)),  # who had it count that was set aside, why, when, and the reason
    Column("clock", String(16)),  # a ClockTrust; NULL: stored by an earlier version
    Column("clock_offset_ms", BigInteger),  # that corrects its start and end here; NULL: they are as it says
    Column("archive_id", Integer),  # a `play_archives`, which has its document; `body` has what stays of it
    Index("plays_by_line", "line_id", "started_ms"),
    Index("plays_by_start", "started_ms"),
    Index("plays_by_device", "device_id", "started_ms"),
)

for _name, _columns, _of in (
    ("plays_set_aside", (plays.c.received_ms,), plays.c.set_aside.is_not(None)),
    ("plays_set_aside_by_device", (plays.c.device_id, plays.c.received_ms), plays.c.set_aside.is_not(None)),
    ("plays_accepted", (plays.c.received_ms,), plays.c.accepted.is_not(None)),
    ("plays_unsynced", (plays.c.device_id, plays.c.log_epoch), plays.c.clock == "unsynced"),
):
    Index(_name, *_columns, sqlite_where=_of, postgresql_where=_of)

# Files with plays of a day, see `play_files`; `finished`: all their plays refer to them.
play_archives = Table(
    "play_archives",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("day", Integer, nullable=False),  # since 1970
    Column("sha256", String(64), nullable=False, unique=True),
    Column("finished", Boolean, nullable=False),
)

# Up to which sequence a device's log has no gap, so that no answer counts from the beginning.
play_marks = Table(
    "play_marks",
    metadata,
    Column("device_id", ForeignKey("devices.id"), primary_key=True),
    Column("log_epoch", String(32), primary_key=True),
    Column("high_water", BigInteger, nullable=False),
)

# Plays with the key of another play but different content: never counted, never deleted.
play_conflicts = Table(
    "play_conflicts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("device_id", String(64), nullable=False),
    Column("log_epoch", String(32), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
)
