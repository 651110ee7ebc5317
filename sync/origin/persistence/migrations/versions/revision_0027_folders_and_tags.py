"""Media lie in folders and have tags; their lists are also sorted by size and change through an index."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Integer, String, Text

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add the tables, empty: media lie in no folder."""
    by_bytes = Text().with_variant(Text(collation="C"), "postgresql")
    op.create_table(
        "media_folders",
        Column("id", String(64), primary_key=True),
        Column("parent_id", String(64), ForeignKey("media_folders.id"), index=True),
        Column("name", Text, nullable=False),
        Column("path", JSON, nullable=False),
        Column("version", Integer, nullable=False),
        Column("updated_ms", BigInteger, nullable=False),
        Column("name_order", by_bytes, nullable=False, server_default=""),
        Column("searched", Text, nullable=False, server_default=""),
    )
    op.create_table(
        "media_tags",
        Column("media_id", String(64), ForeignKey("media.id", ondelete="CASCADE"), primary_key=True),
        Column("tag_key", Text, primary_key=True),
        Column("tag", Text, nullable=False),
        Column("searched", Text, nullable=False),
    )
    op.create_index("media_by_tag", "media_tags", ["tag_key", "media_id"])
    with op.batch_alter_table("media") as media:
        media.add_column(Column("folder_id", String(64)))
        media.create_foreign_key("media_folder_id_fkey", "media_folders", ["folder_id"], ["id"])
    op.create_index("media_by_change", "media", ["updated_ms", "id"])
    op.create_index("media_by_size", "media", ["source_bytes", "id"])
    op.create_index("media_by_folder", "media", ["folder_id", "name_order", "id"])
