"""What was promised says how much of it was bought."""

from alembic import op
from sqlalchemy import Column, Float

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; nothing was promised yet."""
    op.add_column("promised_plays", Column("bought", Float, nullable=False, server_default="0"))
