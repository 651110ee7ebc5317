"""Which account belongs to whom a provider of identities names."""

from alembic import op
from sqlalchemy import Boolean, Column, ForeignKey, String

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Add the table, empty."""
    op.create_table(
        "identities",
        Column("issuer", String(255), primary_key=True),
        Column("subject", String(255), primary_key=True),
        Column("person_id", String(64), ForeignKey("people.id", ondelete="CASCADE"), nullable=False, unique=True),
        Column("by_rule", Boolean, nullable=False),
    )
