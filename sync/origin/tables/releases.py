"""The tables of what was published."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
)

from sync.origin.tables.columns import metadata

# Every release ever published; the file under content/releases is deleted once no device can ask for it.
releases = Table(
    "releases",
    metadata,
    Column("channel_id", ForeignKey("channels.id"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("items", Integer, nullable=False),
    Column("ads", Integer, nullable=False),
    Column("asset_bytes", BigInteger, nullable=False),
    Column("note", Text),  # a remark of its publisher
    Column("named", Boolean, nullable=False, server_default=false()),  # what it shows is in `release_contents`
    Column("again", BigInteger),  # the sequence of the earlier one that came back in it
    Column("pinned", Boolean, nullable=False, server_default=false()),  # a person wants its files kept
    Column("publication", String(64), index=True),  # the planned one that made it
    Index("releases_by_creation", "created_ms", "channel_id", "sequence"),
)

# What is published at an instant that people planned; it outlives its channel. Who planned it is its actor.
publications = Table(
    "publications",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("channel_id", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("local", String(16)),  # the time of the venue that was asked for, such as 2026-12-24T18:00
    Column("zone", String(64), nullable=False),  # of the channel when it was planned; empty: it named none
    Column("note", Text),
    Column("again", BigInteger),  # the earlier release that is to come back
    Column("state", String(16), nullable=False),  # a PublicationState
    Column("sequence", BigInteger),  # of the release that is in force since
    Column("problem", Text),
    Column("problems", JSON(none_as_null=True)),  # by field
    Column("actor_kind", String(16), nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("ended_ms", BigInteger),
    Index("publications_by_state", "state", "at_ms"),
    Index("publications_by_time", "at_ms", "id"),
)

# All that the releases of a channel ever showed, as an item or as an ad; what does not apply is empty. `sequences` says
# which releases: from the first to the last of each run, None while the newest one has it.
release_contents = Table(
    "release_contents",
    metadata,
    Column("channel_id", String(64), primary_key=True),
    Column("asset", String(64), primary_key=True),
    Column("item", String(64), primary_key=True),
    Column("campaign", String(64), primary_key=True),
    Column("line", String(64), primary_key=True),
    Column("creative", String(64), primary_key=True),
    Column("longest_ms", BigInteger, primary_key=True),  # 0: only the device knows
    Column("sequences", JSON, nullable=False, server_default="[[0, null]]"),  # of an earlier version: any release
)
