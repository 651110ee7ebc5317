"""An index by which old versions of documents are found."""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Add it."""
    op.create_index("document_versions_by_age", "document_versions", ["kind", "document_id", "version", "at_ms"])
