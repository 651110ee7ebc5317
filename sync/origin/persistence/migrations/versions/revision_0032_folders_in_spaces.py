"""Each folder of media lies in a space; all that are there in the default one."""

from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Add the column; Alembic adds no reference to a table of SQLite without copying all its rows."""
    op.execute(
        "ALTER TABLE media_folders ADD COLUMN space_id VARCHAR(64) DEFAULT 'default' NOT NULL REFERENCES spaces (id)"
    )
    op.create_index("media_folders_by_space", "media_folders", ["space_id"])
