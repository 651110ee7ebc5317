"""Counted days say for how long their screen showed something."""

from alembic import op
from sqlalchemy import BigInteger, Column

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column; all days are counted anew."""
    op.add_column("play_days", Column("shown_ms", BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE play_days SET counted = 0")
