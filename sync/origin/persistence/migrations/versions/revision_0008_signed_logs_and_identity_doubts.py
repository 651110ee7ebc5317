"""What devices sign about their logs of plays, and signs that two machines run with one identity."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the tables; nothing was signed before."""
    op.create_table(
        "checkpoints",
        Column("device_id", String(64), ForeignKey("devices.id"), primary_key=True),
        Column("hash", String(64), primary_key=True),
        Column("number", BigInteger, nullable=False),
        Column("previous", String(64), nullable=False),
        Column("log_epoch", String(32), nullable=False),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        Column("play_hash", String(64), nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("serial", Integer, nullable=False),
        Column("chain", Integer, nullable=False),
        Column("envelope", JSON, nullable=False),
        Column("received_ms", BigInteger, nullable=False),
        Column("kind", String(24)),
        Column("finding", Text),
        Index("checkpoints_by_number", "device_id", "number"),
        Index("checkpoints_by_log", "device_id", "log_epoch", "last"),
        Index("checkpoints_by_time", "at_ms"),
    )
    op.create_table(
        "log_secrets",
        Column("device_id", String(64), ForeignKey("devices.id"), primary_key=True),
        Column("log_epoch", String(32), primary_key=True),
        Column("secret", String(64), nullable=False),
    )
    op.create_table(
        "identity_doubts",
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("device_id", String(64), ForeignKey("devices.id"), nullable=False),
        Column("kind", String(24), nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("detail", Text, nullable=False),
        Column("ended_ms", BigInteger),
        Column("ended_by", String(64)),
        Index("identity_doubts_by_device", "device_id", "ended_ms"),
    )
