"""The tables of reports: plays counted by day, and what the schedule promised. A day is a number since 1970.

All of it is counted from other tables and may be counted anew. `hour_00` to `hour_23` divide `plays` by the hour of the
venue in which they began. Days without a device (`ALL_DEVICES`) are the sums of all devices: a report reads a hundredth
of the rows.
"""

from sqlalchemy import JSON, BigInteger, Column, Float, Index, Integer, String, Table

from sync.origin.tables.columns import metadata

ALL_DEVICES = ""
HOURS = tuple(f"hour_{hour:02}" for hour in range(24))


def _hours() -> list[Column[int]]:
    return [Column(name, Integer, nullable=False, server_default="0") for name in HOURS]


# Days with plays of a device. Each change of them raises `changes`; `counted` is its value when they were counted.
# While plays only came since then, all of one log and behind those counted, `counted_log` names it: they are added.
play_days = Table(
    "play_days",
    metadata,
    Column("device_id", String(64), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("changes", BigInteger, nullable=False),
    Column("counted", BigInteger, nullable=False, server_default="0"),
    Column("judgement", Integer, nullable=False, server_default="0"),  # `billing.JUDGEMENT` it was counted with
    Column("shown_ms", JSON),  # of each hour, by all its plays, items of playlists too; NULL: not counted yet
    Column("archived", BigInteger, nullable=False, server_default="0"),  # `changes` when all its plays were in files
    Column("counted_log", String(32), nullable=False, server_default=""),  # empty: the whole day is to be counted
    Column("counted_until", BigInteger, nullable=False, server_default="0"),  # the last sequence of it that is counted
    Index("play_days_by_day", "day"),
)
_stale = play_days.c.counted < play_days.c.changes
Index("play_days_stale", play_days.c.day, sqlite_where=_stale, postgresql_where=_stale)

# The plays of a device and day that are alike, counted; what does not apply is empty.
play_sums = Table(
    "play_sums",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("device_id", String(64), nullable=False),
    Column("day", Integer, nullable=False),
    Column("campaign_id", String(64), nullable=False),
    Column("line_id", String(64), nullable=False),
    Column("creative_id", String(64), nullable=False),
    Column("asset", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("screen", String(16), nullable=False),
    Column("clock", String(16), nullable=False),
    Column("relaxed", Integer, nullable=False),  # 1: soft rules were not kept
    Column("verdict", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("plays", Integer, nullable=False),
    Column("rendered_ms", BigInteger, nullable=False),
    *_hours(),
    Index("play_sums_by_device", "device_id", "day"),
    Index("play_sums_by_line", "line_id", "day"),
    Index("play_sums_by_campaign", "campaign_id", "day"),
    Index("play_sums_by_day", "day", "verdict"),
)

# What a channel's releases gave each ad line of a day, by forecast, on one screen. An empty line is all of them:
# so a day without ads is known. `basis` says from which releases, and for which times.
promised_plays = Table(
    "promised_plays",
    metadata,
    Column("channel_id", String(64), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("line_id", String(64), primary_key=True),
    Column("basis", String(64), nullable=False),
    Column("campaign_id", String(64), nullable=False),
    Column("share_ppm", Integer),  # of the slots, as booked; NULL: it has a weight
    Column("plays", Integer, nullable=False),
    *_hours(),
    Column("bought", Float, nullable=False, server_default="0"),  # its share of these slots, in plays
)
