"""Reviews of drafts."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Integer, String, Text

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Add the table, empty."""
    op.create_table(
        "reviews",
        Column("id", String(64), primary_key=True),
        Column("kind", String(32), nullable=False),
        Column("document_id", String(64), nullable=False),
        Column("name", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("state", String(16), nullable=False),
        Column("asked_by", Text, nullable=False),
        Column("asked_ms", BigInteger, nullable=False),
        Column("ended_by", Text),
        Column("ended_ms", BigInteger),
        Column("remarks", JSON, nullable=False),
    )
    op.create_index("reviews_by_document", "reviews", ["kind", "document_id", "state"])
    op.create_index("reviews_by_time", "reviews", ["asked_ms", "id"])
