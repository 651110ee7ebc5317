"""Origins note what changes of what they hold in memory, and read it of each other."""

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the table, empty: nothing is in memory yet."""
    op.create_table(
        "changes",
        Column("subject", String(16), primary_key=True),
        Column("id", String(64), primary_key=True),
        Column("number", BigInteger, nullable=False),
    )
    op.create_index("ix_changes_number", "changes", ["number"])
