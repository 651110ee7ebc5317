"""The tables of people: accounts, keys, sessions, and what replaces a password or a code. Only hashes of secrets.

The secret of an authenticator app is the exception: its codes are computed from it.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, String, Table, Text

from sync.origin.tables.columns import metadata

# People's and programs' keys.
keys = Table(
    "keys",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
)

# Accounts. Without a password nobody can log in until a one-time code sets one.
people = Table(
    "people",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", String(64), nullable=False, unique=True),  # the same for all spellings
    Column("role", Text, nullable=False),
    Column("password_hash", Text),
    Column("app_secret", Text),  # of the second factor
    Column("app_step", BigInteger, nullable=False),  # the last one whose code was used
    Column("created_ms", BigInteger, nullable=False),
)

# What replaces a lost app; each row is deleted when it is used.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", String(64), primary_key=True),
)

# One-time codes that set a new password.
resets = Table(
    "resets",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("expires_ms", BigInteger, nullable=False),
)

# Pages that logged in: the hash of the cookie, and the key or person that it stands for.
sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("key_id", ForeignKey("keys.id", ondelete="CASCADE"), index=True),
    Column("expires_ms", BigInteger, nullable=False),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), index=True),
    Column("id", String(64), nullable=False),  # to speak about it
    Column("created_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("client", Text, nullable=False),  # the address it was opened from
    Column("browser", Text, nullable=False),  # as that calls itself
    CheckConstraint("(key_id IS NULL) <> (person_id IS NULL)", name="sessions_of_one"),
)

# Browsers in which a person logged in: the hash of a cookie that stays after the session.
browsers = Table(
    "browsers",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_ms", BigInteger, nullable=False),
)
