"""Which machines report as a device, and the devices that some of them are to become."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, String

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the tables; heartbeats did not say which machine sent them."""
    op.create_table(
        "device_boots",
        Column("device_id", String(64), ForeignKey("devices.id"), primary_key=True),
        Column("boot_id", String(32), primary_key=True),
        Column("first_ms", BigInteger, nullable=False),
        Column("since_ms", BigInteger, nullable=False),
        Column("returned_ms", BigInteger),
    )
    op.create_table(
        "new_identities",
        Column("device_id", String(64), ForeignKey("devices.id"), primary_key=True),
        Column("boot_id", String(32), primary_key=True),
        Column("new_device_id", String(64), nullable=False),
        Column("made_ms", BigInteger, nullable=False),
        Column("made_by", String(64), nullable=False),
        Column("told_ms", BigInteger),
    )
