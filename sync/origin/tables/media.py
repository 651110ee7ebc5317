"""The tables of files: uploads, what becomes of them, and files that nothing refers to."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
)

from sync.origin.tables.columns import metadata, name_key_columns, space_column

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
    space_column(),  # of the media that it becomes
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
    Column("source_sha256", String(64), nullable=False),  # of the bytes, or of a stream's address
    Column("source_bytes", BigInteger, nullable=False),
    Column("asset_sha256", ForeignKey("assets.sha256"), index=True),
    Column("version", Integer, nullable=False, default=1),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    *name_key_columns(),
    space_column(),
    Column("folder_id", ForeignKey("media_folders.id")),  # NULL: it lies in none
    Index("media_by_space", "space_id", "created_ms", "id"),
    Index("media_by_name", "name_order", "id"),
    Index("media_by_creation", "created_ms", "id"),
    Index("media_by_bytes", "source_sha256", "created_ms", "id"),
    Index("media_by_change", "updated_ms", "id"),
    Index("media_by_size", "source_bytes", "id"),
    Index("media_by_folder", "folder_id", "name_order", "id"),
)

# Folders of media, a tree. `name_order` and `searched` are of the names from the top down, which are in `path`.
media_folders = Table(
    "media_folders",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("parent_id", ForeignKey("media_folders.id"), index=True),  # NULL: it is at the top
    Column("name", Text, nullable=False),
    Column("path", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    *name_key_columns(),
    space_column(),
    Index("media_folders_by_space", "space_id"),
)

# Words that people put on media; `tag_key` is the same for all spellings of one (`file_names.same_word`).
media_tags = Table(
    "media_tags",
    metadata,
    Column("media_id", ForeignKey("media.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_key", Text, primary_key=True),
    Column("tag", Text, nullable=False),
    Column("searched", Text, nullable=False),
    Index("media_by_tag", "tag_key", "media_id"),
)

streams = Table(
    "streams",  # media without bytes on the origin
    metadata,
    Column("media_id", ForeignKey("media.id", ondelete="CASCADE"), primary_key=True),
    Column("url", Text, nullable=False),
)

# Files that no row refers to, and when the first scan found each so. The name of the table is from an earlier version.
orphans = Table(
    "strays", metadata, Column("path", Text, primary_key=True), Column("since_ms", BigInteger, nullable=False)
)
