"""Spaces: all that there is lies in the default one; rights in spaces, and what is lent."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, String, Text

revision = "0024"
down_revision = "0023"

_THINGS = ("playlists", "media", "uploads", "campaigns", "channels", "devices")


def upgrade() -> None:
    """Add the tables and the columns; all lies in the default space."""
    op.create_table(
        "spaces",
        Column("id", String(64), primary_key=True),
        Column("name", Text, nullable=False),
        Column("name_key", Text, nullable=False, unique=True),
    )
    op.execute("INSERT INTO spaces (id, name, name_key) VALUES ('default', 'default', 'default')")
    _rights()
    for table in _THINGS:  # Alembic adds no reference to a table of SQLite without copying all its rows
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN space_id VARCHAR(64) DEFAULT 'default' NOT NULL REFERENCES spaces (id)"
        )
    op.create_index("media_by_space", "media", ["space_id", "created_ms", "id"])
    op.create_index("devices_by_space", "devices", ["space_id", "name_order", "id"])
    for table in ("playlists", "channels", "campaigns"):
        op.create_index(f"{table}_by_space", table, ["space_id"])
    for things in ("playlists", "media"):
        op.create_table(
            f"lent_{things}",
            Column("thing_id", String(64), ForeignKey(f"{things}.id", ondelete="CASCADE"), primary_key=True),
            Column("space_id", String(64), ForeignKey("spaces.id"), primary_key=True),
        )
        op.create_index(f"{things}_lent_to", f"lent_{things}", ["space_id"])


def _rights() -> None:
    op.create_table(
        "rights",
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("person_id", String(64), ForeignKey("people.id", ondelete="CASCADE"), index=True),
        Column("key_id", String(64), ForeignKey("keys.id", ondelete="CASCADE"), index=True),
        Column("space_id", String(64), ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False, index=True),
        Column("role", Text, nullable=False),
        CheckConstraint("(key_id IS NULL) <> (person_id IS NULL)", name="rights_of_one"),
    )
