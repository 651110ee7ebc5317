"""The schema with all of its tables, for whoever makes, changes or compares it."""

# a table is in the schema once its file is loaded
from sync.origin.tables import (  # noqa: F401
    audit,
    devices,
    history,
    media,
    people,
    plans,
    plays,
    releases,
    reports,
    signing,
)
from sync.origin.tables.columns import metadata as metadata
