"""The tables of people: accounts, keys, sessions, what replaces a password or a code; spaces, and rights in them.

Of secrets there are only hashes.

The secret of an authenticator app is the exception, for its codes are computed from it: it is sealed with a key that
lies outside.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    event,
)

from sync.origin.tables.columns import metadata
from sync.roles import DEFAULT_SPACE

# People's and programs' keys.
keys = Table(
    "keys",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("role", Text, nullable=False),  # for everything; empty: only in spaces, see `rights`
)

# Accounts. Without a password nobody can log in until a one-time code sets one.
people = Table(
    "people",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", String(64), nullable=False, unique=True),  # the same for all spellings
    Column("role", Text, nullable=False),  # for everything; empty: only in spaces, see `rights`
    Column("password_hash", Text),
    Column("app_secret", Text),  # of the second factor, sealed
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
    Column("opened_by", String(16)),  # an `OpenedBy`; NULL: an earlier version opened it
    Column("opened_with", String(64)),  # the passkey
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

# Passkeys: what browsers and phones log in with instead of a password and a code.
passkeys = Table(
    "passkeys",
    metadata,
    Column("id", String(64), primary_key=True),  # to speak about it
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("credential", String(1400), nullable=False, unique=True),  # its id, by which an authenticator knows it
    Column("public_key", Text, nullable=False),
    Column("sign_count", BigInteger, nullable=False),  # as the authenticator counts; 0: it does not
    Column("can_sync", Boolean, nullable=False),  # may be on several devices of the person
    Column("is_synced", Boolean, nullable=False),
    Column("host", Text, nullable=False),  # the name under which the console was open
    Column("name", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),  # NULL: never yet
)

# What a browser that is about to log in, or to add a passkey, was asked to sign; each row is deleted when it is used.
login_challenges = Table(
    "login_challenges",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("browser", String(64), nullable=False),  # the hash of a cookie
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), index=True),  # NULL: not known yet
    Column("expires_ms", BigInteger, nullable=False, index=True),
)

# Accounts that are linked to somebody whom a provider of identities names.
identities = Table(
    "identities",
    metadata,
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("by_rule", Boolean, nullable=False),  # made by a rule of the settings, which gives the role
)

# Parts of what there is: each playlist, media, campaign, channel and device lies in one.
spaces = Table(
    "spaces",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),  # the same for all spellings
)


@event.listens_for(spaces, "after_create")
def _add_default_space(target: Table, connection: Connection, **_: object) -> None:
    """Have the space in which all lies that nobody put elsewhere."""
    connection.execute(target.insert().values(id=DEFAULT_SPACE, name=DEFAULT_SPACE, name_key=DEFAULT_SPACE))


# What people and keys may do in one space, beside their role for everything.
rights = Table(
    "rights",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), index=True),
    Column("key_id", ForeignKey("keys.id", ondelete="CASCADE"), index=True),
    Column("space_id", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("role", Text, nullable=False),
    CheckConstraint("(key_id IS NULL) <> (person_id IS NULL)", name="rights_of_one"),
)

# What a space may use, and not change, though it lies in another one.
lent_playlists = Table(
    "lent_playlists",
    metadata,
    Column("thing_id", ForeignKey("playlists.id", ondelete="CASCADE"), primary_key=True),
    Column("space_id", ForeignKey("spaces.id"), primary_key=True),
    Index("playlists_lent_to", "space_id"),
)
lent_media = Table(
    "lent_media",
    metadata,
    Column("thing_id", ForeignKey("media.id", ondelete="CASCADE"), primary_key=True),
    Column("space_id", ForeignKey("spaces.id"), primary_key=True),
    Index("media_lent_to", "space_id"),
)
