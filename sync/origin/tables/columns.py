"""What the tables share: the one schema they belong to, columns of several, and types of columns.

Instants are Unix milliseconds (`_ms`). A row that others refer to cannot be deleted; rows that are a part of another
row (`CASCADE`) are deleted with it.
"""

from sqlalchemy import (
    Column,
    Dialect,
    ForeignKey,
    MetaData,
    String,
    Text,
    TypeDecorator,
)

from sync.roles import DEFAULT_SPACE

metadata = MetaData()


def name_key_columns() -> list[Column[str]]:
    """Return the columns by which a name is sorted and sought (`lists.named`); empty: an earlier version wrote it."""
    by_bytes = Text().with_variant(Text(collation="C"), "postgresql")
    columns = {"name_order": by_bytes, "searched": Text()}
    return [Column(name, kind, nullable=False, server_default="") for name, kind in columns.items()]


def space_column() -> Column[str]:
    """Return the column of the space in which a thing lies."""
    return Column("space_id", ForeignKey("spaces.id"), nullable=False, server_default=DEFAULT_SPACE)


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
