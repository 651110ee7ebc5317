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
    Index("releases_by_creation", "created_ms", "channel_id", "sequence"),
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
