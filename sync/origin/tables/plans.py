"""The tables of what people plan: playlists, channels with their schedules, and campaigns."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    case,
    false,
    true,
)

from sync.origin.tables.columns import NoneAsEmptyText, metadata, name_key_columns, space_column
from sync.origin.tables.media import media

playlists = Table(
    "playlists",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("ready_version", Integer),  # that releases are made of; NULL: none was ever ready
    Column("updated_ms", BigInteger, nullable=False),
    *name_key_columns(),
    space_column(),
    Index("playlists_by_space", "space_id"),
)

playlist_items = Table(
    "playlist_items",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("playlist_id", ForeignKey("playlists.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("media_id", ForeignKey("media.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),  # its own, or the name that the media had
    Column("own_title", Boolean, nullable=False, server_default=true()),
    Column("duration_ms", BigInteger),
    Column("fit", NoneAsEmptyText(16), nullable=False),
    Column("background", NoneAsEmptyText(7), nullable=False),
    Column("volume", Integer, nullable=False),
    Column("at_end", String(16), nullable=False),
    Column("starts_ms", BigInteger),
    Column("ends_ms", BigInteger),
    Column("loop", Boolean, nullable=False, server_default=false()),
    Column("ends_with_budget", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("playlist_id", "position"),
)

# Channels with their schedules; `sequence` is that of the release their timestamp names, 0 before the first.
channels = Table(
    "channels",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("zone", String(64), nullable=False),
    Column("default_playlist_id", ForeignKey("playlists.id"), index=True),
    Column("every_items", Integer, nullable=False, default=1),
    Column("ads", Integer, nullable=False, default=1),
    Column("fallback_media_id", ForeignKey("media.id"), index=True),
    Column("version", Integer, nullable=False),
    Column("ready_version", Integer),  # that releases are made of; NULL: none was ever ready
    Column("sequence", BigInteger, nullable=False, default=0),
    *name_key_columns(),
    space_column(),
    Index("channels_by_space", "space_id"),
)

dayparts = Table(
    "dayparts",
    metadata,
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

# What is shown over a channel's programme; `media_id` is the picture of a logo, `style` is everything else.
overlays = Table(
    "overlays",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("media_id", ForeignKey("media.id"), index=True),
    Column("style", JSON, nullable=False),
)

# Without a channel a campaign runs on all channels.
campaigns = Table(
    "campaigns",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("advertiser", Text, nullable=False),
    Column("channel_id", ForeignKey("channels.id"), index=True),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("ready_version", Integer),  # that releases are made of; NULL: none was ever ready
    Column("updated_ms", BigInteger, nullable=False),
    *name_key_columns(),
    space_column(),
    Index("campaigns_by_space", "space_id"),
)

lines = Table(
    "lines",
    metadata,
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
    Column("billable_rule", JSON(none_as_null=True)),  # NULL: the default
)

# Each rule that a line ever had, the newest last: plays are judged by it though the line is deleted.
billable_rules = Table(
    "billable_rules",
    metadata,
    Column("line_id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("rule", JSON, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
)

creatives = Table(
    "creatives",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("line_id", ForeignKey("lines.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("media_id", ForeignKey("media.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),  # its own, or the name that the media had
    Column("own_title", Boolean, nullable=False, server_default=true()),
    Column("duration_ms", BigInteger),
    Column("fit", NoneAsEmptyText(16), nullable=False),
    Column("background", NoneAsEmptyText(7), nullable=False),
    Column("volume", Integer, nullable=False),
)


def shown_title(parts: Table) -> ColumnElement[str]:
    """Return the title that an item or a creative shows, in a statement that joins its media."""
    return case((parts.c.own_title, parts.c.title), else_=media.c.name)


# Drafts that somebody asks a publisher to make ready; a review outlives its document.
reviews = Table(
    "reviews",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(32), nullable=False),  # a ThingKind
    Column("document_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),  # that the review is about
    Column("state", String(16), nullable=False),  # a ReviewState
    Column("asked_by", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("ended_by", Text),
    Column("ended_ms", BigInteger),
    Column("remarks", JSON, nullable=False),  # by whom, when, what; in order
    Index("reviews_by_document", "kind", "document_id", "state"),
    Index("reviews_by_time", "asked_ms", "id"),
)
