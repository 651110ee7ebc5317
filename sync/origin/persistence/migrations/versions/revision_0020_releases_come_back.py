"""Releases that came back, and those that a person wants kept."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, false

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the columns; none of the releases of before came back or is pinned."""
    op.add_column("releases", Column("again", BigInteger))
    op.add_column("releases", Column("pinned", Boolean, nullable=False, server_default=false()))
