"""Plays are counted by day, and what the schedule promised is kept; all days with plays are to be counted."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, String, column, text

revision = "0006"
down_revision = "0005"

_DAY_MS = 86_400_000


def _hours() -> list[Column[int]]:
    return [Column(f"hour_{hour:02}", Integer, nullable=False, server_default="0") for hour in range(24)]


def upgrade() -> None:
    """Add the tables, and mark each day of each screen with plays; in a zone it is up to a day earlier or later."""
    op.create_table(
        "play_days",
        Column("device_id", String(64), primary_key=True),
        Column("day", Integer, primary_key=True),
        Column("changes", BigInteger, nullable=False),
        Column("counted", BigInteger, nullable=False, server_default="0"),
        Column("judgement", Integer, nullable=False, server_default="0"),
        Index("play_days_by_day", "day"),
    )
    stale = column("counted") < column("changes")
    op.create_index("play_days_stale", "play_days", ["day"], sqlite_where=stale, postgresql_where=stale)
    _add_sums()
    days = f"SELECT DISTINCT device_id, started_ms / {_DAY_MS} AS day FROM plays"
    shifts = "SELECT -1 AS shift UNION SELECT 0 UNION SELECT 1"
    op.execute(
        text(
            "INSERT INTO play_days (device_id, day, changes) "
            f"SELECT DISTINCT device_id, day + shift, 1 FROM ({days}) AS days, ({shifts}) AS shifts"
        )
    )


def _add_sums() -> None:
    op.create_table(
        "play_sums",
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
        Column("relaxed", Integer, nullable=False),
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
    op.create_table(
        "promised_plays",
        Column("channel_id", String(64), primary_key=True),
        Column("day", Integer, primary_key=True),
        Column("line_id", String(64), primary_key=True),
        Column("basis", String(64), nullable=False),
        Column("campaign_id", String(64), nullable=False),
        Column("share_ppm", Integer),
        Column("plays", Integer, nullable=False),
        *_hours(),
    )
