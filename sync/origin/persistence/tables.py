"""The tables of the origin's database, the same on SQLite and PostgreSQL; the stores own the statements on them.

Instants are Unix milliseconds (`_ms`). A row that others refer to cannot be deleted; rows that are a part of another
row (`CASCADE`) are deleted with it.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)

metadata = MetaData()


def _name_keys() -> list[Column[str]]:
    """Return the columns by which a name is sorted and sought (`lists.named`); empty: an earlier version wrote it."""
    by_bytes = Text().with_variant(Text(collation="C"), "postgresql")
    columns = {"name_order": by_bytes, "searched": Text()}
    return [Column(name, kind, nullable=False, server_default="") for name, kind in columns.items()]


class NoneAsEmptyText(TypeDecorator[str]):
    """A text or None, stored as empty text; None means that each screen's own settings count."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str:
        """Return what is stored."""
        return value or ""

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return what was stored."""
        return value or None


# Uploads; the bytes are in the file `uploads/{id}`, durable up to `offset_bytes`.
uploads = Table(
    "uploads",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64)),  # declared by the client, checked once all bytes are there
    Column("metadata", Text),  # as the client sent it
    Column("offset_bytes", BigInteger, nullable=False),
    Column("media_id", String(64)),  # set once it is handed over
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
)

# Finished media files under content/assets, named by hash; several media may share one.
assets = Table(
    "assets",
    metadata,
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
    Column("unneeded_ms", BigInteger),  # since when no media and no kept release refers to it
)

# What people uploaded, and network streams; `state` is a MediaState.
media = Table(
    "media",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("progress", Integer, nullable=False, default=0),  # percent of the processing
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_try_ms", BigInteger, nullable=False, default=0),
    Column("large", Boolean, nullable=False, default=False, server_default=false()),  # its work takes long
    Column("problem", Text),  # for the person who sent it: why it failed, or what was mended
    Column("source_sha256", String(64), nullable=False, index=True),  # of the bytes, or of a stream's address
    Column("source_bytes", BigInteger, nullable=False),
    Column("asset_sha256", ForeignKey("assets.sha256"), index=True),
    Column("version", Integer, nullable=False, default=1),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    *_name_keys(),
    Index("media_by_name", "name_order", "id"),
    Index("media_by_creation", "created_ms", "id"),
)

streams = Table(
    "streams",  # media without bytes on the origin
    metadata,
    Column("media_id", ForeignKey("media.id", ondelete="CASCADE"), primary_key=True),
    Column("url", Text, nullable=False),
)

playlists = Table(
    "playlists",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    *_name_keys(),
)

playlist_items = Table(
    "playlist_items",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("playlist_id", ForeignKey("playlists.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("media_id", ForeignKey("media.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
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
    Column("sequence", BigInteger, nullable=False, default=0),
    *_name_keys(),
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
    Column("updated_ms", BigInteger, nullable=False),
    *_name_keys(),
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
    Column("title", Text, nullable=False),
    Column("duration_ms", BigInteger),
    Column("fit", NoneAsEmptyText(16), nullable=False),
    Column("background", NoneAsEmptyText(7), nullable=False),
    Column("volume", Integer, nullable=False),
)

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
    *_name_keys(),
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

plays = Table(
    "plays",
    metadata,
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
    Column("ended_ms", BigInteger),  # NULL: stored by an earlier version, like the next
    Column("set_aside", Text),  # why it is in no sum; NULL: it counts
    Column("accepted", JSON(none_as_null=True)),  # who had it count that was set aside, why, when, and the reason
    Column("clock", String(16)),  # a ClockTrust; NULL: stored by an earlier version
    Column("clock_offset_ms", BigInteger),  # that corrects its start and end here; NULL: they are as it says
    Column("archive_id", Integer),  # a `play_archives`, which has its document; `body` has what stays of it
    Index("plays_by_line", "line_id", "started_ms"),
    Index("plays_by_start", "started_ms"),
    Index("plays_by_device", "device_id", "started_ms"),
)
for _name, _columns, _of in (
    ("plays_set_aside", (plays.c.received_ms,), plays.c.set_aside.is_not(None)),
    ("plays_set_aside_by_device", (plays.c.device_id, plays.c.received_ms), plays.c.set_aside.is_not(None)),
    ("plays_accepted", (plays.c.received_ms,), plays.c.accepted.is_not(None)),
    ("plays_unsynced", (plays.c.device_id, plays.c.log_epoch), plays.c.clock == "unsynced"),
):
    Index(_name, *_columns, sqlite_where=_of, postgresql_where=_of)

# Files with plays of a day, see `play_files`; `finished`: all their plays refer to them.
play_archives = Table(
    "play_archives",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("day", Integer, nullable=False),  # since 1970
    Column("sha256", String(64), nullable=False, unique=True),
    Column("finished", Boolean, nullable=False),
)

# Up to which sequence a device's log has no gap, so that no answer counts from the beginning.
play_marks = Table(
    "play_marks",
    metadata,
    Column("device_id", ForeignKey("devices.id"), primary_key=True),
    Column("log_epoch", String(32), primary_key=True),
    Column("high_water", BigInteger, nullable=False),
)

# Plays with the key of another play but different content: never counted, never deleted.
play_conflicts = Table(
    "play_conflicts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("device_id", String(64), nullable=False),
    Column("log_epoch", String(32), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
)

# Files that no row refers to, and when the first scan found each so. The name of the table is from an earlier version.
orphans = Table(
    "strays", metadata, Column("path", Text, primary_key=True), Column("since_ms", BigInteger, nullable=False)
)
