"""Keys have a role: what could read is a viewer now, what could write an administrator."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the role to each key, in place of its access."""
    op.add_column("keys", Column("role", Text, nullable=False, server_default="viewer"))
    op.execute("UPDATE keys SET role = 'administrator' WHERE access = 'write'")
    with op.batch_alter_table("keys") as keys:
        keys.alter_column("role", server_default=None)
        keys.drop_column("access")
