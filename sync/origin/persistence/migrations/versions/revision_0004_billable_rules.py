"""Lines say when a play of theirs is billed; what releases show says which of them."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Integer, String

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, and the table of rules; lines that are there have the default rule."""
    op.add_column("lines", Column("billable_rule", JSON(none_as_null=True)))
    op.create_table(
        "billable_rules",
        Column("line_id", String(64), primary_key=True),
        Column("version", Integer, primary_key=True),
        Column("rule", JSON, nullable=False),
        Column("since_ms", BigInteger, nullable=False),
    )
    op.add_column("release_contents", Column("sequences", JSON, nullable=False, server_default="[[0, null]]"))
