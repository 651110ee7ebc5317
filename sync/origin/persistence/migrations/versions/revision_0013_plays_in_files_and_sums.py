"""Documents of plays of past days may be in files; sums of all devices are kept beside those of each."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, String

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the table and columns; nothing is in files. All days are counted anew, and then added up."""
    op.create_table(
        "play_archives",
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("day", Integer, nullable=False),
        Column("sha256", String(64), nullable=False, unique=True),
        Column("finished", Boolean, nullable=False),
    )
    op.add_column("plays", Column("archive_id", Integer))
    op.add_column("play_days", Column("archived", BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE play_days SET counted = 0")
