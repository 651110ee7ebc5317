"""Items say whether their stream ends with the budget of bytes of a screen."""

from alembic import op
from sqlalchemy import Boolean, Column, false

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; streams of items that are there go on."""
    column = Column("ends_with_budget", Boolean, nullable=False, server_default=false())
    op.add_column("playlist_items", column)
