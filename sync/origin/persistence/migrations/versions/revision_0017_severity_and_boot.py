"""How bad it is what a screen reports, and which start of its machine reported last, are columns."""

from alembic import op
from sqlalchemy import Column, String

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the columns; the severity is written with the next heartbeat."""
    op.add_column("devices", Column("severity", String(16)))
    op.add_column("devices", Column("boot_id", String(32)))
    op.create_index("devices_by_severity", "devices", ["severity", "unheard_ms", "removed_ms"])
    last = "ORDER BY since_ms DESC, first_ms DESC LIMIT 1"
    op.execute(f"UPDATE devices SET boot_id = (SELECT boot_id FROM device_boots WHERE device_id = devices.id {last})")
