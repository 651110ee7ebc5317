"""The certificates of the keys with which devices sign their logs of plays."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Integer, String, Text, false

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table; devices ask for their certificates by themselves."""
    op.create_table(
        "device_keys",
        Column("device_id", String(64), ForeignKey("devices.id"), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("serial", Integer, nullable=False),
        Column("key", String(64), nullable=False),
        Column("public_key", String(44), nullable=False),
        Column("issued_ms", BigInteger, nullable=False),
        Column("revoked_ms", BigInteger),
        Column("certificate", JSON, nullable=False),
        Column("request", JSON),
        Column("replaces", String(64)),
        Column("proven", Boolean, nullable=False, server_default=false()),
        Column("key_id", String(64)),
        Column("note", Text),
    )
