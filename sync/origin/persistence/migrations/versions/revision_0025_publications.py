"""Publications at instants that people planned."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Integer, String, Text

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the table, empty, and which publication made a release."""
    op.create_table(
        "publications",
        Column("id", String(64), primary_key=True),
        Column("channel_id", String(64), nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("local", String(16)),
        Column("zone", String(64), nullable=False),
        Column("note", Text),
        Column("again", BigInteger),
        Column("state", String(16), nullable=False),
        Column("sequence", BigInteger),
        Column("problem", Text),
        Column("problems", JSON),
        Column("actor_kind", String(16), nullable=False),
        Column("actor_id", String(64), nullable=False),
        Column("actor_name", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("ended_ms", BigInteger),
    )
    op.create_index("publications_by_state", "publications", ["state", "at_ms"])
    op.create_index("publications_by_time", "publications", ["at_ms", "id"])
    op.add_column("releases", Column("publication", String(64)))
    op.create_index("ix_releases_publication", "releases", ["publication"])
