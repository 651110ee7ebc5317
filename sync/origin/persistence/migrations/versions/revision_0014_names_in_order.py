"""Names have columns by which lists are sorted and searched; the rows get them when the origin starts."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the columns, empty, and the indexes of the long lists."""
    by_bytes = Text().with_variant(Text(collation="C"), "postgresql")
    for table in ("media", "devices", "playlists", "campaigns", "channels"):
        op.add_column(table, Column("name_order", by_bytes, nullable=False, server_default=""))
        op.add_column(table, Column("searched", Text, nullable=False, server_default=""))
    op.create_index("media_by_name", "media", ["name_order", "id"])
    op.create_index("media_by_creation", "media", ["created_ms", "id"])
    op.create_index("devices_by_name", "devices", ["name_order", "id"])
    op.create_index("devices_by_channel", "devices", ["channel_id", "name_order", "id"])
    op.create_index("releases_by_creation", "releases", ["created_ms", "channel_id", "sequence"])
