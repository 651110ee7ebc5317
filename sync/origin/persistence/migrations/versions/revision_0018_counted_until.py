"""Days know up to which play they are counted, so that a day is not counted anew with each delivery."""

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the columns; each day is counted as a whole once more when it changes."""
    op.add_column("play_days", Column("counted_log", String(32), nullable=False, server_default=""))
    op.add_column("play_days", Column("counted_until", BigInteger, nullable=False, server_default="0"))
