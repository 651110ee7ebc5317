"""Which version of each plan is ready to go out."""

from alembic import op
from sqlalchemy import Column, Integer

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Add the columns; what is there is ready."""
    for table in ("playlists", "channels", "campaigns"):
        op.add_column(table, Column("ready_version", Integer))
        op.execute(f"UPDATE {table} SET ready_version = version")
