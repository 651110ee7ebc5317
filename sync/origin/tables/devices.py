"""The tables of devices, and of those that ask to be let in."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from sync.origin.tables.columns import metadata, name_key_columns, space_column

devices = Table(
    "devices",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("channel_id", String(64), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("paired_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger),  # its last heartbeat
    Column("unheard_ms", BigInteger),  # the last one before it was found to be silent; NULL: it is not
    Column("heartbeat", JSON),  # the last one, as received
    Column("severity", String(16)),  # a ScreenSeverity of it; NULL: none came since a version that knows them
    Column("boot_id", String(32)),  # the start of its machine that reported last, see `device_boots`
    Column("let_through", JSON),  # a ReleaseLetThrough, the last one that a person wanted
    Column("version", Integer, nullable=False, default=1),
    Column("channels", JSON),  # every channel it was in; NULL: paired with an earlier version, unknown
    Column("removed_ms", BigInteger),  # its plays stay as evidence; its token is no longer valid
    *name_key_columns(),
    space_column(),
    Index("devices_by_space", "space_id", "name_order", "id"),
    Index("devices_by_name", "name_order", "id"),
    Index("devices_by_channel", "channel_id", "name_order", "id"),
    Index("devices_by_severity", "severity", "unheard_ms", "removed_ms"),
)

# Devices that ask to be let in; `secret` proves that a later poll comes from the same device.
pairings = Table(
    "pairings",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("code", String(8), nullable=False, index=True),
    Column("secret", String(64), nullable=False, index=True),  # hashed
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False),  # a PairingStep
    Column("channel_id", String(64)),
    Column("device_id", String(64)),
    Column("expires_ms", BigInteger, nullable=False),
    Column("client", Text, nullable=False, server_default=""),  # whose quota it counts for: an address or a network
)
