"""Passkeys, what browsers are asked to sign, and by what each session was opened."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, String, Text

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the tables, empty; by what the sessions of before were opened is not known."""
    op.create_table(
        "passkeys",
        Column("id", String(64), primary_key=True),
        Column("person_id", String(64), ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
        Column("credential", String(1400), nullable=False, unique=True),
        Column("public_key", Text, nullable=False),
        Column("sign_count", BigInteger, nullable=False),
        Column("can_sync", Boolean, nullable=False),
        Column("is_synced", Boolean, nullable=False),
        Column("host", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("created_ms", BigInteger, nullable=False),
        Column("used_ms", BigInteger),
    )
    op.create_table(
        "login_challenges",
        Column("hash", String(64), primary_key=True),
        Column("purpose", String(16), nullable=False),
        Column("browser", String(64), nullable=False),
        Column("person_id", String(64), ForeignKey("people.id", ondelete="CASCADE"), index=True),
        Column("expires_ms", BigInteger, nullable=False, index=True),
    )
    op.add_column("sessions", Column("opened_by", String(16)))
    op.add_column("sessions", Column("opened_with", String(64)))
