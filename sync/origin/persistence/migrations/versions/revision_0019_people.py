"""Accounts beside keys: passwords, second factors, known browsers; sessions of either, which can be listed."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, String, Text

revision = "0019"
down_revision = "0018"

_NEW_IN_SESSIONS = ("id", "created_ms", "seen_ms", "client", "browser")


def upgrade() -> None:
    """Add the tables, empty; sessions of before are those of keys, and when they began is not known."""
    op.create_table(
        "people",
        Column("id", String(64), primary_key=True),
        Column("name", Text, nullable=False),
        Column("name_key", String(64), nullable=False, unique=True),
        Column("role", Text, nullable=False),
        Column("password_hash", Text),
        Column("app_secret", Text),
        Column("app_step", BigInteger, nullable=False),
        Column("created_ms", BigInteger, nullable=False),
    )
    op.create_table("recovery_codes", _person(primary_key=True), Column("hash", String(64), primary_key=True))
    op.create_table(
        "resets",
        Column("hash", String(64), primary_key=True),
        _person(nullable=False, unique=True),
        Column("expires_ms", BigInteger, nullable=False),
    )
    op.create_table(
        "browsers",
        Column("hash", String(64), primary_key=True),
        _person(nullable=False, index=True),
        Column("expires_ms", BigInteger, nullable=False),
    )
    _sessions()


def _sessions() -> None:
    with op.batch_alter_table("sessions") as sessions:
        sessions.alter_column("key_id", nullable=True)
        sessions.add_column(Column("person_id", String(64)))
        sessions.add_column(Column("id", String(64)))
        sessions.add_column(Column("created_ms", BigInteger))
        sessions.add_column(Column("seen_ms", BigInteger))
        sessions.add_column(Column("client", Text))
        sessions.add_column(Column("browser", Text))
        sessions.create_foreign_key("sessions_person_id_fkey", "people", ["person_id"], ["id"], ondelete="CASCADE")
        sessions.create_check_constraint("sessions_of_one", "(key_id IS NULL) <> (person_id IS NULL)")
    op.execute("UPDATE sessions SET id = substr(hash, 1, 16), created_ms = 0, seen_ms = 0, client = '', browser = ''")
    with op.batch_alter_table("sessions") as sessions:
        for name in _NEW_IN_SESSIONS:
            sessions.alter_column(name, nullable=False)
    op.create_index("ix_sessions_key_id", "sessions", ["key_id"])
    op.create_index("ix_sessions_person_id", "sessions", ["person_id"])


def _person(**options: Any) -> Column[str]:
    return Column("person_id", String(64), ForeignKey("people.id", ondelete="CASCADE"), **options)
