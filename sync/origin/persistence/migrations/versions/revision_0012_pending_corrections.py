"""Which records of a clock and which plays are still to be corrected, found by device; what a device may fetch."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns and the indexes; what is here was corrected when it came."""
    op.add_column("devices", sa.Column("let_through", sa.JSON))
    op.add_column("history", sa.Column("corrects", sa.Integer))
    here = sa.text("corrects IS NOT NULL")
    op.create_index("history_that_corrects", "history", ["device_id"], sqlite_where=here, postgresql_where=here)
    aside = sa.text("set_aside IS NOT NULL")
    columns = ["device_id", "received_ms"]
    op.create_index("plays_set_aside_by_device", "plays", columns, sqlite_where=aside, postgresql_where=aside)
