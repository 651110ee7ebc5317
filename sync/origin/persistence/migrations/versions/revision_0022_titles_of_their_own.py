"""Items and creatives know whether they have a title of their own, or show the name of their media."""

from alembic import op
from sqlalchemy import Boolean, Column, true

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the column: a title that equals the name of the media is not its own."""
    for table in ("playlist_items", "creatives"):
        op.add_column(table, Column("own_title", Boolean, nullable=False, server_default=true()))
        name = f"(SELECT name FROM media WHERE media.id = {table}.media_id)"
        op.execute(f"UPDATE {table} SET own_title = false WHERE title = {name}")
    op.create_index("media_by_bytes", "media", ["source_sha256", "created_ms", "id"])
    op.drop_index("ix_media_source_sha256", "media")
