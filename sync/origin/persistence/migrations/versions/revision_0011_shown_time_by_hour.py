"""Counted days say how long their screen showed something in each hour; history is found by its kind."""

from alembic import op
from sqlalchemy import JSON, Column

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Change the column, and add an index; all days are counted anew."""
    op.drop_column("play_days", "shown_ms")
    op.add_column("play_days", Column("shown_ms", JSON))
    op.execute("UPDATE play_days SET counted = 0")
    op.create_index("history_by_kind", "history", ["device_id", "kind", "at_ms"])
