"""All tables as they were when revisions began; those that an earlier version made gain what they lack."""

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    inspect,
)
from sqlalchemy.schema import CreateColumn

revision = "0001"
down_revision = None

base = MetaData()

Table(
    "keys",
    base,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("access", String(8), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
Table(
    "sessions",
    base,
    Column("hash", String(64), primary_key=True),
    Column("key_id", ForeignKey("keys.id", ondelete="CASCADE"), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
Table(
    "uploads",
    base,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64)),
    Column("metadata", Text),
    Column("offset_bytes", BigInteger, nullable=False),
    Column("media_id", String(64)),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
)
Table(
    "assets",
    base,
    Column("sha256", String(64), primary_key=True),
    Column("index_sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("media_type", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("duration_ms", BigInteger),
    Column("has_audio", Boolean, nullable=False),
    Column("loudness_lufs", Float),
    Column("created_ms", BigInteger, nullable=False),
    Column("unneeded_ms", BigInteger),
)
Table(
    "media",
    base,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("progress", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try_ms", BigInteger, nullable=False),
    Column("large", Boolean, nullable=False, server_default=false()),
    Column("problem", Text),
    Column("source_sha256", String(64), nullable=False, index=True),
    Column("source_bytes", BigInteger, nullable=False),
    Column("asset_sha256", ForeignKey("assets.sha256"), index=True),
    Column("version", Integer, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)
Table(
    "streams",
    base,
    Column("media_id", ForeignKey("media.id", ondelete="CASCADE"), primary_key=True),
    Column("url", Text, nullable=False),
)
Table(
    "playlists",
    base,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)
Table(
    "playlist_items",
    base,
    Column("id", String(64), primary_key=True),
    Column("playlist_id", ForeignKey("playlists.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("media_id", ForeignKey("media.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("duration_ms", BigInteger),
    Column("fit", String(16), nullable=False),
    Column("background", String(7), nullable=False),
    Column("volume", Integer, nullable=False),
    Column("at_end", String(16), nullable=False),
    Column("starts_ms", BigInteger),
    Column("ends_ms", BigInteger),
    Column("loop", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("playlist_id", "position"),
)
Table(
    "channels",
    base,
    Column("id", String(64), primary_key=True),
    Column("zone", String(64), nullable=False),
    Column("default_playlist_id", ForeignKey("playlists.id"), index=True),
    Column("every_items", Integer, nullable=False),
    Column("ads", Integer, nullable=False),
    Column("fallback_media_id", ForeignKey("media.id"), index=True),
    Column("version", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)
Table(
    "dayparts",
    base,
    Column("id", String(64), primary_key=True),
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("playlist_id", ForeignKey("playlists.id"), nullable=False, index=True),
    Column("weekdays", JSON, nullable=False),
    Column("start", String(5), nullable=False),
    Column("end", String(5), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("first_day", String(10)),
    Column("last_day", String(10)),
)
Table(
    "overlays",
    base,
    Column("id", String(64), primary_key=True),
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("media_id", ForeignKey("media.id"), index=True),
    Column("style", JSON, nullable=False),
)
Table(
    "campaigns",
    base,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("advertiser", Text, nullable=False),
    Column("channel_id", ForeignKey("channels.id"), index=True),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)
Table(
    "lines",
    base,
    Column("id", String(64), primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("category", String(64), nullable=False),
    Column("share_ppm", Integer),
    Column("weight", Integer, nullable=False),
    Column("windows", JSON, nullable=False),
    Column("category_gap", Integer, nullable=False),
    Column("advertiser_gap", Integer, nullable=False),
)
Table(
    "creatives",
    base,
    Column("id", String(64), primary_key=True),
    Column("line_id", ForeignKey("lines.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("media_id", ForeignKey("media.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("duration_ms", BigInteger),
    Column("fit", String(16), nullable=False),
    Column("background", String(7), nullable=False),
    Column("volume", Integer, nullable=False),
)
Table(
    "releases",
    base,
    Column("channel_id", ForeignKey("channels.id"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("items", Integer, nullable=False),
    Column("ads", Integer, nullable=False),
    Column("asset_bytes", BigInteger, nullable=False),
    Column("note", Text),
    Column("named", Boolean, nullable=False, server_default=false()),
)
Table(
    "release_contents",
    base,
    Column("channel_id", String(64), primary_key=True),
    Column("asset", String(64), primary_key=True),
    Column("item", String(64), primary_key=True),
    Column("campaign", String(64), primary_key=True),
    Column("line", String(64), primary_key=True),
    Column("creative", String(64), primary_key=True),
    Column("longest_ms", BigInteger, primary_key=True),
)
Table(
    "devices",
    base,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("channel_id", String(64), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("paired_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger),
    Column("heartbeat", JSON),
    Column("version", Integer, nullable=False),
    Column("channels", JSON),
    Column("removed_ms", BigInteger),
)
Table(
    "pairings",
    base,
    Column("id", String(64), primary_key=True),
    Column("code", String(8), nullable=False, index=True),
    Column("secret", String(64), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("channel_id", String(64)),
    Column("device_id", String(64)),
    Column("expires_ms", BigInteger, nullable=False),
    Column("client", Text, nullable=False, server_default=""),
)
plays = Table(
    "plays",
    base,
    Column("device_id", ForeignKey("devices.id"), primary_key=True),
    Column("log_epoch", String(32), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("item_id", String(64)),
    Column("campaign_id", String(64)),
    Column("line_id", String(64)),
    Column("creative_id", String(64)),
    Column("outcome", String(16), nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("rendered_ms", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("set_aside", Text),
    Column("accepted", JSON),
    Index("plays_by_line", "line_id", "started_ms"),
    Index("plays_by_start", "started_ms"),
    Index("plays_by_device", "device_id", "started_ms"),
)
_set_aside = plays.c.set_aside.is_not(None)
Index("plays_set_aside", plays.c.received_ms, sqlite_where=_set_aside, postgresql_where=_set_aside)
_accepted = plays.c.accepted.is_not(None)
Index("plays_accepted", plays.c.received_ms, sqlite_where=_accepted, postgresql_where=_accepted)
Table(
    "play_marks",
    base,
    Column("device_id", ForeignKey("devices.id"), primary_key=True),
    Column("log_epoch", String(32), primary_key=True),
    Column("high_water", BigInteger, nullable=False),
)
Table(
    "play_conflicts",
    base,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("device_id", String(64), nullable=False),
    Column("log_epoch", String(32), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
)
Table("strays", base, Column("path", Text, primary_key=True), Column("since_ms", BigInteger, nullable=False))


def upgrade() -> None:
    """Create the tables, columns and indexes that are missing; such a column is nullable or has a server default."""
    connection = op.get_bind()
    base.create_all(connection)
    inspector = inspect(connection)
    for table in base.sorted_tables:
        present = {column["name"] for column in inspector.get_columns(table.name)}
        for column in (column for column in table.columns if column.name not in present):
            op.execute(
                f"ALTER TABLE {table.name} ADD COLUMN {CreateColumn(column).compile(dialect=connection.dialect)}"
            )
        for index in table.indexes:
            index.create(connection, checkfirst=True)
